"""What must outlive the daemon about an application."""

import json
from pathlib import Path

import pytest

from komainu.adapters.linux import records
from komainu.adapters.linux.records import Phase, Record, RecordDamaged

RECORD = Record("c/n1/g/app", "boot-1", Phase.STARTED, 4711, 99, "/sys/fs/cgroup/x", 12)


def read(path: Path) -> Record | None:
    return records.read(path, "c/n1/g/app", "boot-1")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run" / "g@app.json"
    assert read(path) is None
    records.write(path, RECORD)
    assert read(path) == RECORD
    assert path.stat().st_mode & 0o777 == 0o600
    records.remove(path)
    records.remove(path)
    assert read(path) is None


def test_a_record_of_another_boot_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "g@app.json"
    records.write(path, RECORD)
    assert records.read(path, "c/n1/g/app", "boot-2") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        json.dumps({"owner": "c/n1/g/app", "boot": "boot-1", "phase": "dancing"}),
        json.dumps({"owner": "c/n1/g/app", "boot": "boot-1", "phase": ["started"]}),
        json.dumps({"owner": "c/n1/g/app", "boot": "boot-1", "phase": "started", "pid": "1"}),
        json.dumps({"owner": "c/n1/g/app", "boot": "boot-1", "phase": "started", "more": 1}),
        json.dumps({"owner": "c/n1/g/other", "boot": "boot-1", "phase": "started"}),
    ],
)
def test_damage_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "g@app.json"
    path.write_text(text)
    with pytest.raises(RecordDamaged, match=r"g@app\.json"):
        read(path)


def test_bytes_that_are_no_text_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "g@app.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecordDamaged, match=r"g@app\.json"):
        read(path)


def test_a_write_that_fails_leaves_the_old_record(tmp_path: Path) -> None:
    path = tmp_path / "g@app.json"
    records.write(path, RECORD)
    (tmp_path / "g@app.json.new").mkdir()
    with pytest.raises(IsADirectoryError):
        records.write(path, Record("c/n1/g/app", "boot-1", Phase.STOPPING))
    assert read(path) == RECORD

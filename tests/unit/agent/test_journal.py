"""The journal on disk: bounded, and whole after whatever happened to it."""

import errno
import json
import os
from pathlib import Path

import pytest

from komainu.agent.journal import Journal


def line(seq: int, fill: int = 0) -> dict[str, object]:
    return {"seq": seq, "text": "あ" * fill}


def seqs(journal: Journal, most: int = 1_000) -> list[int]:
    return [entry["seq"] for entry in journal.tail(most)]


def test_lines_are_appended_and_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert journal.tail(10) == []
    journal.append([line(1), line(2)])
    journal.close()
    again = Journal(tmp_path / "journal")
    again.append([line(3, 2)])

    assert again.tail(10) == [line(1), line(2), line(3, 2)]
    assert seqs(again, 2) == [2, 3]
    again.close()


def test_it_keeps_so_many_files_of_such_a_size(tmp_path: Path) -> None:
    journal = Journal(tmp_path, file_bytes=2_000, files=3)
    for seq in range(200):
        journal.append([line(seq, 10)])
    journal.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}

    assert sorted(sizes) == ["journal.1.jsonl", "journal.2.jsonl", "journal.jsonl"]
    assert all(size <= 2_000 for size in sizes.values())
    assert seqs(journal)[-1] == 199
    kept = [json.loads(text)["seq"] for number in (".2", ".1", "") for text in _lines(tmp_path, number)]
    assert kept == list(range(kept[0], 200))


def _lines(folder: Path, number: str) -> list[str]:
    return (folder / f"journal{number}.jsonl").read_text().splitlines()


def test_a_line_that_was_torn_by_a_loss_of_power_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([line(1)])
    journal.close()
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"seq": 2, "te')
    again = Journal(tmp_path)
    assert seqs(again) == [1]
    again.append([line(3)])

    assert seqs(again) == [1, 3]
    again.close()


def test_a_full_disk_is_an_error_and_what_comes_later_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    journal.append([line(1)])
    with monkeypatch.context() as full:
        # A disk takes what it still has room for, and then nothing.
        full.setattr(Journal, "_write", lambda self, descriptor, data: os.write(descriptor, data[:5]))
        with pytest.raises(OSError, match="no space left"):
            journal.append([line(2)])

        def none(self: Journal, descriptor: int, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        full.setattr(Journal, "_write", none)
        with pytest.raises(OSError, match="No space left"):
            journal.append([line(3)])
    journal.append([line(4)])

    assert seqs(journal) == [1, 4]
    journal.close()


def test_lines_of_other_programs_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(b'[1]\n"x"\n{"seq": "a"}\n\xff\xfe\n{"seq": 5}\n')

    assert seqs(Journal(tmp_path)) == [5]

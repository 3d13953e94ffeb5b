"""Files replaced whole."""

import stat
from pathlib import Path

import pytest

from komainu.adapters.corosync.files import replace_file, same_file


def test_written_with_its_mode_and_directories(tmp_path: Path) -> None:
    path = tmp_path / "etc" / "corosync" / "authkey"
    replace_file(path, b"secret", 0o400)
    assert path.read_bytes() == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert list(path.parent.iterdir()) == [path]


def test_replaced_not_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "authkey"
    replace_file(path, b"old", 0o644)
    with path.open("rb") as reader:
        replace_file(path, b"new", 0o400)
        assert reader.read() == b"old", "whoever reads the old file reads it whole"
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_a_leftover_of_a_crash_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "authkey"
    (tmp_path / ".authkey.new").write_bytes(b"half")
    replace_file(path, b"whole", 0o400)
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "authkey"
    (path / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="authkey"):
        replace_file(path, b"x", 0o400)
    assert list(tmp_path.iterdir()) == [path]


def test_same_means_the_very_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "conf"
    assert not same_file(path, b"")
    path.write_bytes(b"a")
    assert same_file(path, b"a")
    assert not same_file(path, b"a\n")

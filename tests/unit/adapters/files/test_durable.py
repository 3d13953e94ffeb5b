"""Files that are there whole or not at all."""

import os
from pathlib import Path

import pytest

from komainu.adapters.files import durable


def test_the_content_and_the_mode_are_those_asked_for_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        durable.replace(tmp_path / "a", b"content", mode=0o640)
    finally:
        os.umask(before)
    assert (tmp_path / "a").read_bytes() == b"content"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_replaced_file_leaves_nothing_beside_it(tmp_path: Path) -> None:
    durable.replace(tmp_path / "a", b"one")
    durable.replace(tmp_path / "a", b"two")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"two"


def test_what_a_power_loss_left_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".a.new").write_bytes(b"a long remainder of an earlier attempt")
    durable.replace(tmp_path / "a", b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


def test_a_link_in_its_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"untouched")
    (tmp_path / ".a.new").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic links"):
        durable.replace(tmp_path / "a", b"x")
    assert (tmp_path / "other").read_bytes() == b"untouched"


def test_every_step_is_flushed_before_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    flush, rename = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        steps.append(f"fsync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")
        flush(descriptor)

    def replace(self: Path, target: Path) -> Path:
        steps.append(f"rename {self.name}")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    durable.replace(tmp_path / "a", b"x")
    assert steps == ["fsync .a.new", "rename .a.new", f"fsync {tmp_path.name}"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    durable.replace(tmp_path / "a", b"old")

    def full(descriptor: int, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        durable.replace(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    durable.make_folder(tmp_path / "a" / "b")
    durable.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a").is_dir()

"""The bound of a log that others write to."""

import asyncio
import os
from pathlib import Path

import pytest

from komainu.adapters.linux.bounded_log import BoundedLog

BOUND = 20_000


@pytest.fixture
def log(tmp_path: Path) -> BoundedLog:
    return BoundedLog(tmp_path / "log" / "g@app.log", BOUND)


def test_a_small_log_is_left_alone(log: BoundedLog) -> None:
    with open(log.open(), "wb") as writer:
        writer.write(b"hello\n")

    assert not asyncio.run(log.trim())
    assert log.path.read_bytes() == b"hello\n"
    assert not log.older.exists()


def test_a_grown_log_keeps_its_newest_part_and_its_writers(log: BoundedLog) -> None:
    with open(log.open(), "wb", buffering=0) as writer:
        for number in range(5_000):
            writer.write(b"%05d\n" % number)
        assert asyncio.run(log.trim())
        writer.write(b"after\n")

    kept = log.older.read_bytes()
    assert kept.endswith(b"04999\n")
    assert len(kept) <= BOUND // 2
    assert log.path.read_bytes() == b"after\n", "a writer that appends goes on at the new end"
    assert log.size() + len(kept) <= BOUND


def test_a_log_that_cannot_be_copied_is_cut_all_the_same(log: BoundedLog) -> None:
    with open(log.open(), "wb") as writer:
        writer.write(b"x" * BOUND)
    log.older.mkdir()
    (log.older / "in the way").touch()

    with pytest.raises(OSError, match="directory"):
        asyncio.run(log.trim())
    assert log.size() == 0
    assert sorted(path.name for path in log.path.parent.iterdir()) == ["g@app.log", "g@app.log.1"]


def test_a_cancelled_copy_loses_nothing(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "big.log", 4_000_000)
    with open(log.open(), "wb") as writer:
        writer.write(b"x" * 4_000_000)

    async def story() -> None:
        task = asyncio.create_task(log.trim())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
    assert log.size() == 4_000_000


def test_the_tail_is_bounded_printable_and_not_older_than_asked(log: BoundedLog) -> None:
    assert log.tail() == ""
    with open(log.open(), "wb", buffering=0) as writer:
        writer.write(b"old\n")
        position = log.size()
        writer.write(b"new\x1b[31m \xff\n")
        assert log.tail(position) == "new\ufffd[31m \ufffd"
        writer.write(b"y" * 9_000)
        assert len(log.tail()) == 2_000
    os.truncate(log.path, 0)
    log.path.write_text("emptied since")
    assert log.tail(position + 1_000) == "emptied since"


def test_a_link_is_not_followed(log: BoundedLog, tmp_path: Path) -> None:
    log.path.parent.mkdir()
    log.path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic"):
        log.open()
    assert not (tmp_path / "elsewhere").exists()


def test_only_the_owner_and_group_may_read(log: BoundedLog) -> None:
    before = os.umask(0)
    try:
        os.close(log.open())
    finally:
        os.umask(before)
    assert log.path.stat().st_mode & 0o777 == 0o640
    assert log.path.parent.stat().st_mode & 0o777 == 0o750

"""How full file systems are: real ones with limits around their use, and servers that do not answer."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from komainu.model.outcome import SUCCEEDED, Result
from komainu.types import command, disk
from komainu.types.disk import DISK
from tests.unit.types.monitor_stage import Node, play, refusal, says

SHORT_MS = 100


def use(space: tuple[int, int, int], inodes: tuple[int, int] = (1000, 1000)) -> Any:
    """A file system: blocks in all, free, free for others than root; inodes in all, free."""
    blocks, free, available = space
    return os.statvfs_result((4096, 4096, blocks, free, available, *inodes, inodes[1], 0, 255))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The kernel says this of these paths."""

    def given(**found: Any) -> None:
        def statvfs(path: str) -> Any:
            answer = found[path.strip("/")]
            return answer() if callable(answer) else answer

        monkeypatch.setattr(os, "statvfs", statvfs)

    return given


def test_a_real_file_system_is_between_empty_and_full(tmp_path: Path) -> None:
    async def normal(node: Node) -> None:
        assert await node.check() == SUCCEEDED

    async def full(node: Node) -> None:
        outcome = await node.check()
        says(outcome, Result.FAILED, disk.SPACE_ERROR)
        assert outcome.said is not None
        assert str(tmp_path) in outcome.said.en

    (tmp_path / "something").write_bytes(os.urandom(65_536))
    limits = {"warn_percent": 100, "error_percent": 100, "inodes_warn_percent": 100, "inodes_error_percent": 100}
    play(DISK, normal, paths=(str(tmp_path),), **limits)
    play(DISK, full, paths=(str(tmp_path),), **{**limits, "warn_percent": 1, "error_percent": 1})


@pytest.mark.parametrize(
    ("found", "result", "message"),
    [
        (use((1000, 160, 150)), Result.SUCCEEDED, disk.SPACE_WARNING),
        (use((1000, 60, 40)), Result.FAILED, disk.SPACE_ERROR),
        (use((1000, 900, 900), (1000, 150)), Result.SUCCEEDED, disk.INODES_WARNING),
        (use((1000, 900, 900), (1000, 50)), Result.FAILED, disk.INODES_ERROR),
        (use((1000, 100, 100), (1000, 50)), Result.FAILED, disk.INODES_ERROR),
    ],
)
def test_use_as_df_counts_it(found: Any, result: Result, message: disk.Message, answers: Callable[..., None]) -> None:
    async def story(node: Node) -> None:
        says(await node.check(), result, message)

    answers(data=found)
    play(DISK, story, paths=("/data",))


def test_just_below_the_limit_is_normal(answers: Callable[..., None]) -> None:
    async def story(node: Node) -> None:
        assert await node.check() == SUCCEEDED

    # 840 of 1000 are used; nothing is kept for root. Inodes are not counted by every file system.
    answers(data=use((1000, 160, 160), (0, 0)))
    play(DISK, story, paths=("/data",))


def test_what_is_kept_for_root_counts_neither_way(answers: Callable[..., None]) -> None:
    async def story(node: Node) -> None:
        outcome = await node.check()
        assert outcome.said is not None
        assert "90 % full" in outcome.said.en

    # 900 used, 100 to be had, 200 kept: df says 90 %.
    answers(data=use((1200, 300, 100)))
    play(DISK, story, paths=("/data",))


def test_a_path_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        says(await node.check(), Result.UNKNOWN, disk.NOT_ASKED)

    play(DISK, story, paths=(str(tmp_path / "absent"),))


def test_a_file_system_that_hangs_is_unknown_and_is_not_asked_twice(answers: Callable[..., None]) -> None:
    release = threading.Event()
    asked: list[int] = []

    def hang() -> Any:
        asked.append(1)
        release.wait(20)
        return use((1000, 900, 900))

    async def story(node: Node) -> None:
        try:
            says(await node.check(SHORT_MS), Result.UNKNOWN, disk.TIMEOUT)
            says(await node.check(SHORT_MS), Result.UNKNOWN, disk.TIMEOUT)
            assert asked == [1]
        finally:
            release.set()

    answers(nfs=hang)
    play(DISK, story, paths=("/nfs",))


def test_a_full_one_is_told_although_another_one_hangs(answers: Callable[..., None]) -> None:
    release = threading.Event()

    def hang() -> Any:
        release.wait(20)
        return use((1000, 900, 900))

    async def story(node: Node) -> None:
        try:
            says(await node.check(SHORT_MS), Result.FAILED, disk.SPACE_ERROR)
        finally:
            release.set()

    answers(nfs=hang, data=use((1000, 10, 10)), other=use((1000, 130, 130)))
    play(DISK, story, paths=("/nfs", "/other", "/data"))


def test_the_worst_is_told(answers: Callable[..., None]) -> None:
    async def story(node: Node) -> None:
        outcome = await node.check()
        says(outcome, Result.SUCCEEDED, disk.SPACE_WARNING)
        assert outcome.said is not None
        assert "/data" in outcome.said.en

    answers(good=use((1000, 900, 900)), data=use((1000, 130, 130)))
    play(DISK, story, paths=("/good", "/data"))


def test_what_cannot_be_meant_is_refused() -> None:
    assert refusal(DISK, warn_percent=90, error_percent=80) == disk.UPSIDE_DOWN.code
    assert refusal(DISK, inodes_warn_percent=99) == disk.UPSIDE_DOWN.code
    assert refusal(DISK, paths=["data"]) == command.RELATIVE.code

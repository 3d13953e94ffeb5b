"""Processes found by pid file and by command line, in the real /proc, with real ones that run, end and pretend."""

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from komainu.model.outcome import SUCCEEDED, Result
from komainu.types import command, process
from komainu.types.process import PROCESS
from tests.unit.types.monitor_stage import Node, play, refusal, says

processes = pytest.mark.processes


@contextmanager
def running(mark: str, count: int = 1) -> Iterator[list[int]]:
    """Processes with this word in their command line."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):
            words = [sys.executable, "-S", "-E", "-c", "print(1, flush=True); input()", mark]
            started.append(subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        for each in started:
            assert each.stdout is not None
            assert each.stdout.readline() == b"1\n"  # by now it has its own command line
        yield [each.pid for each in started]
    finally:
        for each in started:
            each.kill()
            each.communicate()


@pytest.fixture
def mark() -> str:
    """A word that no other process has in its command line."""
    return f"mark-{uuid.uuid4().hex}"


@processes
def test_as_many_as_there_should_be_are_normal_and_others_are_not(mark: str) -> None:
    async def story(node: Node) -> None:
        with running(mark, 2):
            assert await node.check() == SUCCEEDED
        with running(mark, 1):
            outcome = await node.check()
            says(outcome, Result.FAILED, process.TOO_FEW)
            assert outcome.said is not None
            assert outcome.said.en == (
                f"Detected an error in monitoring m1. (5 : 1 processes of {mark}$ are running, at least 2 are needed.)"
            )
        with running(mark, 4):
            says(await node.check(), Result.FAILED, process.TOO_MANY)

    play(PROCESS, story, command=f"{mark}$", at_least=2, at_most=3)


@processes
def test_none_at_all_may_be_what_is_wanted(mark: str) -> None:
    async def story(node: Node) -> None:
        assert await node.check() == SUCCEEDED
        with running(mark, 2):
            says(await node.check(), Result.FAILED, process.TOO_MANY)

    play(PROCESS, story, command=mark, at_least=0, at_most=1)


@processes
def test_by_its_pid_file(mark: str, tmp_path: Path) -> None:
    file = tmp_path / "pid"

    async def story(node: Node) -> None:
        says(await node.check(), Result.FAILED, process.NO_PID_FILE)
        with running(mark) as (pid,):
            file.write_text(f" {pid}\n")
            assert await node.check() == SUCCEEDED
        says(await node.check(), Result.FAILED, process.TOO_FEW)
        for content in ("", "none", "0", "-1", "\x00"):
            file.write_text(content)
            says(await node.check(), Result.UNKNOWN, process.BAD_PID_FILE)

    play(PROCESS, story, pid_file=str(file))


@processes
def test_an_id_that_belongs_to_another_program_by_now_does_not_count(mark: str, tmp_path: Path) -> None:
    file = tmp_path / "pid"

    async def story(node: Node) -> None:
        file.write_text(str(os.getpid()))
        says(await node.check(), Result.FAILED, process.TOO_FEW)
        with running(mark) as (pid,):
            file.write_text(str(pid))
            assert await node.check() == SUCCEEDED

    play(PROCESS, story, pid_file=str(file), command=mark)


@processes
def test_one_that_has_ended_and_was_not_waited_for_does_not_run(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    ended = subprocess.Popen(["/bin/true"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie now
    file.write_text(str(ended.pid))

    async def story(node: Node) -> None:
        says(await node.check(), Result.FAILED, process.TOO_FEW)

    try:
        play(PROCESS, story, pid_file=str(file))
    finally:
        ended.wait()


def test_a_name_with_brackets_does_not_hide_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for pid, state in (("11", "S"), ("12", "Z")):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "stat").write_text(f"{pid} (a) S (b) {state} 1 1 1")
        (tmp_path / pid / "cmdline").write_bytes(b"/opt/a\0--all\0")
    (tmp_path / "13").mkdir()
    (tmp_path / "13" / "stat").write_text("13 (kthreadd) S 1 1 1")
    (tmp_path / "13" / "cmdline").write_bytes(b"")
    (tmp_path / "14").mkdir()  # it ends between two looks
    (tmp_path / "sys").mkdir()
    monkeypatch.setattr(process, "PROC", tmp_path)

    async def story(node: Node) -> None:
        assert await node.check() == SUCCEEDED

    play(PROCESS, story, command="^/opt/a --all$", at_least=1, at_most=1)
    play(PROCESS, story, command="", pid_file=str(_holding(tmp_path / "pid", "13")))
    play(PROCESS, story, command="|", at_least=1, at_most=1)  # not even this fits one without a command line


def _holding(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_processes_that_cannot_be_looked_at_are_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unreadable(node: Node) -> None:
        says(await node.check(), Result.UNKNOWN, process.NOT_READ)

    monkeypatch.setattr(process, "PROC", tmp_path / "absent")
    play(PROCESS, unreadable, command="x")

    release = threading.Event()

    async def hanging(node: Node) -> None:
        monkeypatch.setattr(process.Process, "_look", lambda _: release.wait(20))
        try:
            says(await node.check(100), Result.UNKNOWN, process.TIMEOUT)
        finally:
            release.set()

    play(PROCESS, hanging, command="x")


def test_what_cannot_be_meant_is_refused() -> None:
    assert refusal(PROCESS) == process.NOBODY.code
    assert refusal(PROCESS, command="(") == process.BAD_PATTERN.code
    assert refusal(PROCESS, pid_file="run/x.pid") == command.RELATIVE.code
    assert refusal(PROCESS, command="x", at_least=3, at_most=2) == process.NO_ROOM.code
    assert refusal(PROCESS, pid_file="/run/x.pid", at_least=2) == process.ONE_AT_MOST.code

"""The custom monitor with real programs: each way a check can end, hang, or die while it ought to stay."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from komainu.model.outcome import SUCCEEDED, Result
from komainu.types import command, genw
from komainu.types.genw import GENW
from tests.unit.adapters.linux.workbench import CONTAINED, Bench, bench, kill_hard, runs, told, until
from tests.unit.types.exec_stage import code
from tests.unit.types.monitor_stage import Node, refusal, says

processes = pytest.mark.processes

Story = Callable[[Node, Bench], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Tell a story about a genw with these parameters, with real processes behind it."""

    def run(story: Story, *, contained: bool = False, begin: bool = True, **params: Any) -> None:
        async def on_bench() -> None:
            async with bench(tmp_path / "node", contained) as made:
                node = Node(GENW, params, made.processes, cluster=made.cluster)
                if begin:
                    await node.hands.begin()
                try:
                    await story(node, made)
                finally:
                    await node.hands.end()

        asyncio.run(on_bench())

    return run


# --- Synchronous -----------------------------------------------------------------------------------------------------


@processes
def test_a_normal_exit_code_is_normal_and_its_output_lies_in_the_log(play: Callable[..., None]) -> None:
    async def story(node: Node, made: Bench) -> None:
        assert await node.check() == SUCCEEDED
        assert (made.directory / "log" / "@m1.log").read_text() == "all is well\n"

    play(story, command=code("echo all is well"))


@processes
def test_other_normal_exit_codes(play: Callable[..., None]) -> None:
    async def story(node: Node, _: Bench) -> None:
        assert await node.check() == SUCCEEDED

    play(story, command=code("exit 3"), normal_exit_codes=(2, 3))


@processes
@pytest.mark.parametrize(
    ("script", "message", "words"),
    [
        ("echo the reason; exit 7", genw.BY_CODE, "(1 : The command ended with exit code 7.)"),
        ("echo the reason; kill -9 $$", genw.BY_SIGNAL, "(2 : The command was ended by signal SIGKILL.)"),
    ],
)
def test_any_other_end_is_an_error_with_its_output(
    play: Callable[..., None], script: str, message: genw.Message, words: str
) -> None:
    async def story(node: Node, _: Bench) -> None:
        outcome = await node.check()
        says(outcome, Result.FAILED, message)
        assert outcome.said is not None
        assert outcome.said.en == f"Detected an error in monitoring m1. {words}"
        assert outcome.detail == "the reason"

    play(story, command=code(script))


@processes
@CONTAINED
@pytest.mark.parametrize(
    ("is_error", "result", "message"),
    [(True, Result.FAILED, genw.TIMEOUT), (False, Result.UNKNOWN, genw.WARN_TIMEOUT)],
)
def test_one_that_hangs_is_ended_with_what_it_started(
    play: Callable[..., None], tmp_path: Path, contained: bool, is_error: bool, result: Result, message: genw.Message
) -> None:
    child = tmp_path / "child"

    async def story(node: Node, _: Bench) -> None:
        outcome = await node.check(1_000)
        says(outcome, result, message)
        assert "waiting" in outcome.detail
        pid = await told(child)
        await until(lambda: not runs(pid), "its child goes on")

    script = f"echo waiting; sleep 1000 & echo $! > {child}; wait"
    play(story, contained=contained, command=code(script), timeout_is_error=is_error)


@processes
def test_a_command_that_is_not_there_is_unknown(play: Callable[..., None]) -> None:
    async def story(node: Node, _: Bench) -> None:
        outcome = await node.check()
        says(outcome, Result.UNKNOWN, genw.CANNOT_START)
        assert outcome.said is not None
        assert "/opt/absent" in outcome.said.en

    play(story, command="/opt/absent --now")
    play(story, command="/opt/absent --now", mode="resident")


@processes
def test_it_knows_who_it_is(play: Callable[..., None], tmp_path: Path) -> None:
    told_in = tmp_path / "environment"

    async def story(node: Node, made: Bench) -> None:
        assert await node.check() == SUCCEEDED
        found = dict(line.split("=", 1) for line in told_in.read_text().splitlines())
        assert {key: found[key] for key in found if key.startswith("KOMAINU_") and key != "KOMAINU_RUN"} == {
            "KOMAINU_CLUSTER": made.cluster,
            "KOMAINU_NODE": "n1",
            "KOMAINU_MONITOR": "m1",
            "KOMAINU_EVENT": "check",
        }
        assert found["LIMIT"] == "5"
        assert found["PWD"] == str(tmp_path)

    play(story, command=code(f"env > {told_in}"), environment={"LIMIT": "5"}, directory=str(tmp_path))


@processes
def test_the_log_keeps_within_its_bound(play: Callable[..., None]) -> None:
    async def story(node: Node, made: Bench) -> None:
        for _ in range(4):
            assert await node.check() == SUCCEEDED
        kept = sum(path.stat().st_size for path in (made.directory / "log").glob("@m1.log*"))
        assert kept <= 8_192

    play(story, command=code("head -c 6000 /dev/zero"), log_bytes=8_192)


@processes
def test_an_output_that_cannot_be_kept_is_said_and_changes_nothing_else(
    play: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(node: Node, made: Bench) -> None:
        async def full(_: Any) -> bool:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(type(made.processes.log("x", 1)), "trim", full)
        outcome = await node.check()
        says(outcome, Result.SUCCEEDED, genw.NO_LOG)

    play(story, command="/bin/true")


# --- Resident --------------------------------------------------------------------------------------------------------


@processes
@CONTAINED
def test_a_resident_one_is_normal_as_long_as_it_runs(
    play: Callable[..., None], tmp_path: Path, contained: bool
) -> None:
    me = tmp_path / "pid"

    async def story(node: Node, _: Bench) -> None:
        pid = await told(me)
        assert await node.check() == SUCCEEDED
        assert runs(pid)
        await node.hands.end()
        assert not runs(pid)
        assert node.reported == []
        await node.hands.end()

    play(story, contained=contained, mode="resident", command=code(f"echo $$ > {me}; exec sleep 1000"))


@processes
def test_its_death_is_an_error_at_once_and_it_is_started_again(play: Callable[..., None], tmp_path: Path) -> None:
    me = tmp_path / "pid"

    async def story(node: Node, _: Bench) -> None:
        pid = await told(me)
        me.unlink()
        kill_hard(pid)
        await until(lambda: node.reported, "its death was not reported")
        says(node.reported[0], Result.FAILED, genw.ENDED)
        assert node.reported[0].said is not None
        assert "SIGKILL" in node.reported[0].said.en

        says(await node.check(), Result.FAILED, genw.ENDED)
        assert await told(me) != pid
        assert await node.check() == SUCCEEDED
        assert len(node.reported) == 1

    play(story, mode="resident", command=code(f"echo $$ > {me}.new; mv {me}.new {me}; exec sleep 1000"))


@processes
def test_a_normal_exit_code_is_no_excuse_for_a_resident_one(play: Callable[..., None]) -> None:
    async def story(node: Node, _: Bench) -> None:
        await until(lambda: node.reported, "its end was not reported")
        says(node.reported[0], Result.FAILED, genw.ENDED)
        assert node.reported[0].said is not None
        assert "exit code 0" in node.reported[0].said.en
        assert node.reported[0].detail == "bye"

    play(story, mode="resident", command=code("echo bye"))


@processes
def test_what_an_earlier_daemon_left_is_ended_before_it_is_started(play: Callable[..., None], tmp_path: Path) -> None:
    me = tmp_path / "pid"

    async def story(node: Node, made: Bench) -> None:
        first = await told(me)
        me.unlink()
        made.restart()  # the daemon dies, and another one starts
        again = Node(
            GENW,
            {"mode": "resident", "command": code(f"echo $$ > {me}.new; mv {me}.new {me}; exec sleep 1000")},
            made.processes,
            cluster=made.cluster,
        )
        await again.hands.begin()
        try:
            assert not runs(first)
            second = await told(me)
            assert runs(second)
        finally:
            await again.hands.end()
        assert not runs(second)

    play(story, mode="resident", command=code(f"echo $$ > {me}.new; mv {me}.new {me}; exec sleep 1000"))


@processes
def test_one_that_does_not_listen_is_killed(play: Callable[..., None], tmp_path: Path) -> None:
    me = tmp_path / "pid"

    async def story(node: Node, _: Bench) -> None:
        pid = await told(me)
        os.kill(pid, signal.SIGTERM)
        assert await node.check() == SUCCEEDED
        await node.hands.end()
        assert not runs(pid)

    play(story, mode="resident", command=code(f"trap '' TERM; echo $$ > {me}; while :; do sleep 1; done"))


def test_what_cannot_be_meant_is_refused() -> None:
    assert refusal(GENW, command="") == command.NO_WORDS.code
    assert refusal(GENW, command="check.sh/now") == command.RELATIVE.code
    assert refusal(GENW, command="/bin/true", directory="tmp") == command.RELATIVE.code
    assert refusal(GENW, command="/bin/true", environment={"KOMAINU_NODE": "x"}) == command.BAD_VARIABLE.code

"""User space: a real thread that really stood still, real programs, and a machine that has nothing left to give."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from komainu.model.message import Message
from komainu.model.outcome import SUCCEEDED, Result
from komainu.types import userw
from komainu.types.userw import USERW
from tests.unit.adapters.linux.workbench import Bench, bench, until
from tests.unit.types.monitor_stage import FakeWatchdog, Node, play, refusal, says

processes = pytest.mark.processes

QUICK = {"beat_ms": 50, "start_program": False}


class Clock:
    """The time that the watching thread sees: it jumps when user space is to have stood still."""

    def __init__(self) -> None:
        self.skipped_ms = 0

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000 + self.skipped_ms


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that can jump."""
    made = Clock()
    monkeypatch.setattr(userw, "_now_ms", made.now_ms)
    return made


def beating() -> list[str]:
    """The watching threads that live."""
    return [thread.name for thread in threading.enumerate() if thread.name == "beat of m1"]


def test_a_machine_that_goes_on_is_normal_and_the_thread_ends_with_the_round() -> None:
    async def story(node: Node) -> None:
        await node.hands.begin()
        assert len(beating()) == 1
        for _ in range(3):
            assert await node.check() == SUCCEEDED

    play(USERW, story, **QUICK)
    assert beating() == []


@pytest.mark.parametrize(
    ("stall_ms", "result", "message"),
    [(12_500, Result.FAILED, userw.STOOD_STILL), (7_500, Result.SUCCEEDED, userw.STOOD_STILL_A_WHILE)],
)
def test_a_stall_is_told_when_it_is_over(clock: Clock, stall_ms: int, result: Result, message: Message) -> None:
    async def story(node: Node) -> None:
        assert await node.check(10_000) == SUCCEEDED
        clock.skipped_ms += stall_ms
        outcome = await node.check(10_000)
        says(outcome, result, message)
        assert outcome.said is not None
        assert str(stall_ms)[:-3] in outcome.said.en  # and some milliseconds
        await until(lambda: node.hands._beat.worst_ms() < 1_000, "the stall goes on")  # type: ignore[attr-defined]
        assert await node.check(10_000) == SUCCEEDED

    play(USERW, story, **QUICK)


def test_a_stall_that_goes_on_is_seen_as_well(clock: Clock) -> None:
    """The thread is held, the check is not: it goes by when the thread ought to have run."""

    async def story(node: Node) -> None:
        clock.skipped_ms += 60_000 + 12_000
        says(await node.check(10_000), Result.FAILED, userw.STOOD_STILL)

    play(USERW, story, beat_ms=60_000, start_program=False)


def test_a_machine_without_memory_is_in_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> bytearray:
        raise MemoryError

    async def story(node: Node) -> None:
        monkeypatch.setattr(userw, "bytearray", refuse, raising=False)
        await until(lambda: node.hands._beat.out_of_memory, "it was not tried")  # type: ignore[attr-defined]
        says(await node.check(), Result.FAILED, userw.NO_MEMORY)
        monkeypatch.undo()
        await until(lambda: not node.hands._beat.out_of_memory, "it was not tried")  # type: ignore[attr-defined]
        assert await node.check() == SUCCEEDED

    play(USERW, story, **QUICK)


def test_a_machine_without_threads_is_in_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def story(node: Node) -> None:
        with monkeypatch.context() as scarce:
            scarce.setattr(threading.Thread, "start", refuse)
            says(await node.check(), Result.FAILED, userw.NO_THREAD)
            await node.hands.end()
            await node.hands.begin()
            says(await node.check(), Result.FAILED, userw.NO_THREAD)
        assert await node.check() == SUCCEEDED  # and so the watching thread was started

    play(USERW, story, **QUICK)


def test_a_thread_that_the_kernel_holds_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(userw, "_END_MS", 50)
    held, go = threading.Event(), threading.Event()

    def hold(_: int) -> bytearray:
        held.set()
        go.wait(30)
        return bytearray(1)

    async def story(node: Node) -> None:
        monkeypatch.setattr(userw, "bytearray", hold, raising=False)
        await until(held.is_set, "it is not held")
        await node.hands.end()
        assert len(beating()) == 1
        go.set()
        await until(lambda: beating() == [], "it does not end")

    play(USERW, story, **QUICK)


def test_the_end_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def story(node: Node) -> None:
        with monkeypatch.context() as scarce:
            scarce.setattr(threading.Thread, "start", refuse)
            await node.hands.end()
        await until(lambda: beating() == [], "it does not end")

    play(USERW, story, **QUICK)


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., None]:
    """Tell a story with real programs."""

    def run(story: Callable[[Node, Bench], Any], **params: Any) -> None:
        async def on_bench() -> None:
            async with bench(tmp_path / "node", False) as found:
                node = Node(USERW, params, found.processes)
                await node.hands.begin()
                try:
                    await story(node, found)
                finally:
                    await node.hands.end()

        asyncio.run(on_bench())

    return run


@processes
def test_a_program_is_started_in_time_or_not(made: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(node: Node, _: Bench) -> None:
        assert await node.check() == SUCCEEDED
        monkeypatch.setattr(userw, "_PROGRAM", ("/bin/sleep", "1000"))
        says(await node.check(500), Result.FAILED, userw.TOO_SLOW)
        monkeypatch.setattr(userw, "_PROGRAM", ("/opt/absent",))
        says(await node.check(), Result.FAILED, userw.NO_PROCESS)

    made(story, beat_ms=50)


# --- The watchdog ----------------------------------------------------------------------------------------------------


def test_the_watchdog_is_armed_patted_and_let_go() -> None:
    watchdog = FakeWatchdog()

    async def story(node: Node) -> None:
        assert watchdog.asked[0] == "arm 30000"
        await until(lambda: watchdog.asked.count("pat") >= 3, "it is not patted")
        assert await node.check() == SUCCEEDED

    play(USERW, story, more={"watchdog": watchdog}, **QUICK, watchdog_ms=30_000)
    assert watchdog.asked[-1] == "disarm"


def test_a_daemon_that_stands_still_is_not_spoken_for() -> None:
    watchdog = FakeWatchdog()

    async def story(node: Node) -> None:
        await until(lambda: "pat" in watchdog.asked, "it is not patted")
        before = watchdog.asked.count("pat")
        threading.Event().wait(0.5)  # the loop is held; the thread goes on
        assert watchdog.asked.count("pat") <= before + 1
        await until(lambda: watchdog.asked.count("pat") > before + 1, "it is not patted again")

    play(USERW, story, more={"watchdog": watchdog}, **QUICK, watchdog_ms=30_000)


@pytest.mark.parametrize("watchdog", [None, FakeWatchdog(OSError(2, "No such file or directory"))])
def test_a_watchdog_that_is_not_there_is_a_caution(watchdog: FakeWatchdog | None) -> None:
    async def story(node: Node) -> None:
        says(await node.check(), Result.SUCCEEDED, userw.NO_WATCHDOG)

    play(USERW, story, more={"watchdog": watchdog}, **QUICK, watchdog_ms=30_000)
    assert watchdog is None or watchdog.asked == []


def test_without_the_wish_the_watchdog_is_left_alone() -> None:
    watchdog = FakeWatchdog()

    async def story(node: Node) -> None:
        assert await node.check() == SUCCEEDED

    play(USERW, story, more={"watchdog": watchdog}, **QUICK)
    assert watchdog.asked == []


def test_a_watchdog_that_bites_too_early_is_refused() -> None:
    assert refusal(USERW, watchdog_ms=9_999) == userw.TOO_TIGHT.code
    assert refusal(USERW, watchdog_ms=49_999, beat_ms=10_000) == userw.TOO_TIGHT.code
    assert userw.UserwParams(watchdog_ms=50_000, beat_ms=10_000).watchdog_ms == 50_000

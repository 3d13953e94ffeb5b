"""The end of the machine: told first, then done, and done by other hands when it hangs."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

from komainu.agent import ending
from komainu.agent.ending import Ending
from komainu.model.message import Said
from tests.doubles.machine import FakePower, FakeWatchdog


class Node:
    """A machine, what it said, and in which order things happened."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.ended = threading.Event()
        self.power = FakePower(self._over)
        self.watchdog = FakeWatchdog()
        self.disk: Callable[[], Awaitable[None]] = self._written
        self.ending = Ending("n1", self.power, self.watchdog, self._alert, self._write)

    def _over(self) -> None:
        self.order.append("over")
        self.ended.set()

    def _alert(self, said: Said) -> None:
        self.order.append(said.code)

    async def _write(self) -> None:
        await self.disk()

    async def _written(self) -> None:
        self.order.append("written")

    async def until_ended(self) -> None:
        async with asyncio.timeout(10):
            while not self.ended.is_set():
                await asyncio.sleep(0.001)


def play(story: Callable[[Node], Awaitable[None]]) -> Node:
    async def told() -> Node:
        node = Node()
        try:
            await story(node)
        finally:
            node.ending.close()
        return node

    return asyncio.run(told())


def test_it_is_alerted_journalled_and_then_done() -> None:
    async def story(node: Node) -> None:
        node.ending.end("shutdown", 60_000)
        assert node.ending.begun
        assert node.watchdog.armed_ms == 60_000, "what hangs from here on is ended by the watchdog"
        await node.until_ended()

    node = play(story)
    assert node.order == ["KM5530", "written", "over"]
    assert node.power.asked == ["shutdown"]
    assert node.watchdog.armed_ms == 60_000, "the end of the process must not disarm it"


def test_each_way_asks_for_just_that() -> None:
    for how in ("shutdown", "reboot", "panic", "reset"):

        async def story(node: Node, how: ending.How = how) -> None:  # type: ignore[assignment]
            node.ending.end(how, 60_000)
            await node.until_ended()

        assert play(story).power.asked == [how]


def test_a_disk_that_hangs_is_not_waited_for() -> None:
    async def story(node: Node) -> None:
        node.disk = asyncio.Event().wait  # type: ignore[assignment]
        node.ending.end("reset", 60_000)
        await node.until_ended()

    flush_ms, ending.FLUSH_MS = ending.FLUSH_MS, 10
    try:
        assert play(story).power.asked == ["reset"]
    finally:
        ending.FLUSH_MS = flush_ms


def test_what_is_not_taken_ends_in_a_reset() -> None:
    async def story(node: Node) -> None:
        node.power.refuses = ("shutdown", "panic")
        node.ending.end("shutdown", 60_000)
        await node.until_ended()

    node = play(story)
    assert node.power.asked == ["shutdown", "reset"]
    assert "KM5532" in node.order


def test_a_machine_that_cannot_be_ended_is_told_to_the_administrator() -> None:
    async def story(node: Node) -> None:
        node.power.refuses = ("reboot", "reset")
        node.ending.end("reboot", 60_000)
        async with asyncio.timeout(10):
            while "KM5533" not in node.order:
                await asyncio.sleep(0.001)

    assert play(story).power.ending == ""


def test_an_orderly_end_that_hangs_is_a_reset_by_the_thread_even_if_the_event_loop_hangs() -> None:
    async def story(node: Node) -> None:
        node.power.hangs = True
        node.ending.end("shutdown", 50)
        await asyncio.sleep(0.01)
        assert node.power.asked == ["shutdown"]
        assert node.ended.wait(10), "the event loop stands still here"

    assert play(story).power.asked == ["shutdown", "reset"]


def test_the_watchdog_fires_when_the_thread_cannot() -> None:
    async def story(node: Node) -> None:
        node.ending.guard(60_000)
        node.ending.close()  # the thread is gone, as at the end of the process
        node.watchdog.pass_ms(60_000)
        assert node.watchdog.fired

    play(story)


def test_a_later_guard_counts_anew() -> None:
    async def story(node: Node) -> None:
        node.ending.guard(20)
        node.ending.guard(60_000)
        assert not node.ended.wait(0.1)

    assert play(story).power.asked == []


def test_without_a_watchdog_it_is_said_what_is_missing() -> None:
    async def story(node: Node) -> None:
        node.watchdog.absent = True
        node.ending.guard(10)
        await node.until_ended()

    node = play(story)
    assert sorted(node.order) == ["KM5531", "over"], "the time runs on whoever is slow to tell"
    assert node.power.asked == ["reset"]


def test_asked_twice_the_first_time_counts_and_a_reset_does_not_wait_for_it() -> None:
    async def story(node: Node) -> None:
        node.power.hangs = True
        node.ending.end("shutdown", 60_000)
        node.ending.end("shutdown", 600_000)
        assert node.watchdog.armed_ms == 60_000
        await asyncio.sleep(0.01)
        node.ending.end("reset", 60_000)
        await node.until_ended()

    assert play(story).power.asked == ["shutdown", "reset"]

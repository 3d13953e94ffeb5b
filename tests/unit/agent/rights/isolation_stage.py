"""A node whose isolation is tested: a clock, a kernel, a watchdog, a power switch."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

from komainu.agent.ending import Ending
from komainu.agent.rights.clock_speed import WINDOW_NS, ClockSpeed, Reading
from komainu.agent.rights.isolation import Isolation
from komainu.agent.rights.watchdog_shares import Shares
from komainu.catalogue import RESOURCE_TYPES
from komainu.core.state import State, Status, initial
from komainu.model.message import Said
from tests.doubles.isolation import FakeIsolation
from tests.doubles.machine import FakePower, FakeWatchdog
from tests.unit.agent.rights.test_stakes import holding, made, undisputed

VIP, PORT = "192.0.2.100", 5432
E_MS = 5_000


class Node:
    """A node with a clock of its own, and everything that could end its effects."""

    def __init__(self) -> None:
        self.ms = 100_000
        self.kernel = FakeIsolation(self.now_ms)
        self.device = FakeWatchdog()
        self.power = FakePower()
        self.alerts: list[str] = []
        self.shares = Shares(self.device, self.now_ms)
        self.ending = Ending("a", self.power, self.shares.end, self._alert, self._written)
        self.state: State = undisputed(initial(made()))
        self.isolation = self.begun()

    def begun(self) -> Isolation:
        """Another daemon on the same node."""
        return Isolation("a", RESOURCE_TYPES, self.kernel, self.shares.right, self.ending, self._alert, self.now_ms)

    def now_ms(self) -> int:
        return self.ms

    def clock_runs_fast(self) -> ClockSpeed:
        """By 5 %, from look to look."""
        readings = (Reading(at_ns * 105 // 100, at_ns) for at_ns in range(0, 100 * WINDOW_NS, WINDOW_NS))
        return ClockSpeed("a", self._alert, lambda: next(readings))

    def _alert(self, said: Said) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.alerts.append(said.code)

    async def _written(self) -> None:
        return

    def runs(self, part: int, status: Status = Status.RUNNING) -> None:
        """The state says so of a part."""
        self.state = holding(self.state, part, status)
        self.isolation.follow(self.state, bound=True)

    async def rest(self) -> None:
        """Until the thread has done what it was asked, and has told of it."""
        done = asyncio.Event()
        thread = self.isolation._thread
        thread.do(lambda: thread.hand_over(done.set), lambda error: None)
        async with asyncio.timeout(10):
            await done.wait()

    async def until_ended(self) -> None:
        async with asyncio.timeout(10):
            while not self.power.ending:
                await asyncio.sleep(0.001)


def play(story: Callable[[Node], Awaitable[None]]) -> Node:
    async def told() -> Node:
        node = Node()
        try:
            await story(node)
        finally:
            await node.isolation.close()
            node.ending.close()
        return node

    return asyncio.run(told())

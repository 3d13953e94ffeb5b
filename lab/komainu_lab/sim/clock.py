"""Simulated time: a queue of what happens when. Times are microseconds."""

import heapq
from collections.abc import Callable

MS = 1_000
SECOND = 1_000_000


class Clock:
    """Runs what was planned, in the order of time; among equals in the order of planning."""

    def __init__(self) -> None:
        self.now = 0
        self._count = 0
        self._queue: list[tuple[int, int, Callable[[], None]]] = []

    def after(self, delay: int, act: Callable[[], None]) -> None:
        """Plan `act` for `delay` microseconds from now."""
        self._count += 1
        heapq.heappush(self._queue, (self.now + delay, self._count, act))

    def run_until(self, until: int) -> None:
        """Let everything happen that is planned up to that time."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, act = heapq.heappop(self._queue)
            act()
        self.now = until

"""A loop whose time does not pass: it jumps to the next deadline as soon as nothing else is left to do.

Five minutes of waiting take no time, and the order of events is the same in every run.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Waits for no clock. File descriptors still work: they are looked at before time jumps."""

    def __init__(self) -> None:
        self._virtual_now = 0.0
        super().__init__(_Jumping(self._jump))

    def time(self) -> float:
        """The virtual time in seconds."""
        return self._virtual_now

    def _jump(self, seconds: float) -> None:
        self._virtual_now += seconds


class _Jumping(selectors.EpollSelector):
    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Whatever is ready now; else time passes at once. Without a deadline only the real world can end the wait."""
        ready = super().select(0 if timeout is not None else 10)
        if not ready and timeout is not None and timeout > 0:
            self._jump(timeout)
        return ready


def run(story: Coroutine[Any, Any, _T]) -> _T:
    """As asyncio.run, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)


def now_ms() -> int:
    """The virtual time, for whoever takes a clock."""
    return int(asyncio.get_running_loop().time() * 1000)

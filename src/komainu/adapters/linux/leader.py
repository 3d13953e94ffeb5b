"""One process followed by its pidfd: its death is an event of the event loop, at once, and nothing is polled.

It works for our own children and for processes that an earlier daemon started; only the exit status of the latter
stays unknown, since the kernel tells it to the parent alone.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from komainu.adapters.linux import proc


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended. Both None: it ended, and nobody can say how."""

    code: int | None = None
    "Exit status, if it ended by itself."
    signal: int | None = None
    "The signal that ended it."


class Leader:
    """A process that somebody wants to know the end of."""

    def __init__(self, pid: int, start_time: int, descriptor: int, on_end: Callable[[Ending], None]) -> None:
        """Takes over the pidfd. `on_end` is called once, from the event loop, unless `release` comes first."""
        self.pid = pid
        self.start_time = start_time
        self._descriptor = descriptor
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._end: asyncio.Future[Ending] = self._loop.create_future()
        self._loop.add_reader(descriptor, self._ended)

    @classmethod
    def child(cls, pid: int, descriptor: int, on_end: Callable[[Ending], None]) -> "Leader":
        """Follow a child of ours that nobody has waited for yet: its id cannot have been reused."""
        process = proc.read(pid)
        # A child without an entry has ended and was waited for by somebody else, which nobody may do.
        return cls(pid, process.start_time if process else 0, descriptor, on_end)

    @classmethod
    def adopted(cls, pid: int, start_time: int, on_end: Callable[[Ending], None]) -> "Leader | None":
        """Follow a process that an earlier daemon started; None when it runs no more. Raises OSError."""
        descriptor = proc.hold(pid, start_time) if pid > 0 else None
        return None if descriptor is None else cls(pid, start_time, descriptor, on_end)

    @property
    def alive(self) -> bool:
        """True while it runs, as the kernel says at this moment."""
        return not self._end.done() and not proc.ended(self._descriptor)

    async def wait(self, timeout_ms: int) -> Ending | None:
        """How it ended; None when it still runs after that time, or was released."""
        await asyncio.wait((self._end,), timeout=max(0, timeout_ms) / 1000)
        return self._end.result() if self._end.done() and not self._end.cancelled() else None

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens when it has ended."""
        if self.alive:
            proc.signal_all((self._descriptor,), number)

    def kill_group(self) -> None:
        """SIGKILL to its process group. The group's id is safe from reuse as long as it lives."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def release(self) -> None:
        """Follow it no longer; it goes on."""
        if not self._end.done():
            self._close()
            self._end.cancel()

    def _ended(self) -> None:
        ending = _ending(self._descriptor)
        self._close()
        self._end.set_result(ending)
        self._on_end(ending)

    def _close(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)


def _ending(descriptor: int) -> Ending:
    """Take the exit status of an ended process, and with it the zombie away."""
    try:
        status = os.waitid(os.P_PIDFD, descriptor, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return Ending()  # not a child of this process
    if status is None:
        return Ending()
    if status.si_code == os.CLD_EXITED:
        return Ending(code=status.si_status)
    return Ending(signal=status.si_status)

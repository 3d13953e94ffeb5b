"""Work that may wait for a disk: done in order by one thread, so that nothing in the takeover path ever does."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from functools import partial

MOST_WAITING = 10_000
"Beyond that work is refused: a disk that hangs must not fill the memory."

_log = logging.getLogger(__name__)


class Background:
    """One thread. What work raises is told to its `failed`, in the event loop."""

    def __init__(self) -> None:
        """Needs a running loop; call `close` in the end."""
        self._loop = asyncio.get_running_loop()
        self._work: queue.SimpleQueue[tuple[Callable[[], None], Callable[[Exception], None]] | None] = (
            queue.SimpleQueue()
        )
        # A daemon thread: a disk that hangs must not keep the daemon from ending.
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)
        self._thread.start()

    def do(self, work: Callable[[], None], failed: Callable[[Exception], None]) -> bool:
        """Queue it. False: refused, too much is waiting."""
        if self._work.qsize() >= MOST_WAITING:
            return False
        self._work.put((work, failed))
        return True

    async def close(self, timeout_ms: int) -> bool:
        """Let what is queued be done. False when that took too long."""
        self._work.put(None)
        deadline = self._loop.time() + timeout_ms / 1000
        while self._thread.is_alive() and self._loop.time() < deadline:
            await asyncio.sleep(0.005)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (item := self._work.get()) is not None:
            work, failed = item
            try:
                work()
            except Exception as error:  # noqa: BLE001  (handed over to whoever asked for the work)
                self.hand_over(partial(failed, error))

    def hand_over(self, call: Callable[[], None]) -> None:
        """From the thread: have something done in the event loop, unless that has ended."""
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            _log.warning("the daemon has ended; nobody is left to be told")

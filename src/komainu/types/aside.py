"""Work that may hang in a system call (a dead NFS server, a name server that is silent), done beside the event loop.

A thread that hangs cannot be ended from outside. So each user has a place for one thread: as long as that one hangs,
no further one is started, and the machine is not filled with them.
"""

import asyncio
import errno
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Aside(Generic[T]):
    """A place for one thread at a time."""

    def __init__(self, name: str) -> None:
        """`name` is the thread's; whoever looks at a hanging daemon reads it."""
        self._name = name
        self.busy = False
        "True while the last work is not over, whether somebody still waits for it or not."

    async def do(self, work: Callable[[], T], timeout_ms: int) -> T:
        """The result of the work, or what it raised. It goes on when it is no longer waited for.

        Raises TimeoutError when it is not done in time, at once when the last one is not over yet, and OSError when
        no thread can be started.
        """
        if self.busy:
            raise TimeoutError(f"{self._name}: what was begun earlier has not come back yet")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def tell(call: Callable[[], None]) -> None:
            try:
                loop.call_soon_threadsafe(lambda: None if done.done() else call())
            except RuntimeError:
                return  # the loop was closed meanwhile: nobody is left to be told

        def run() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001  (handed over to whoever waits)
                reason = error
                self.busy = False  # before it is told: the next work may follow at once
                tell(lambda: done.set_exception(reason))
            else:
                self.busy = False
                tell(lambda: done.set_result(result))

        self.busy = True
        try:
            # A daemon thread: one that hangs must not keep the daemon from ending.
            threading.Thread(target=run, name=self._name, daemon=True).start()
        except RuntimeError as error:
            self.busy = False
            raise OSError(errno.EAGAIN, str(error)) from error
        async with asyncio.timeout(timeout_ms / 1000):
            return await done

"""Calls that wait inside a C library, each in a thread of its own, so that the event loop goes on.

Not the loop's default executor: that one is joined when the program ends, and a call that waits for a stopped corosync
would hold up the end for ever.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def in_thread(function: Callable[[], _T], discard: Callable[[_T], None] | None = None) -> "asyncio.Future[_T]":
    """Run `function` in a daemon thread; the future has its result or its exception.

    When nobody waits any more at its end (the future was cancelled, the loop closed), `discard` gets the result, in a
    thread as well.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def settle(result: _T) -> None:
        if not future.done():
            future.set_result(result)
        elif discard is not None:
            threading.Thread(target=discard, args=(result,), name="discard", daemon=True).start()

    def fail(error: Exception) -> None:
        if not future.done():
            future.set_exception(error)

    def run() -> None:
        try:
            result = function()
        except Exception as error:  # noqa: BLE001  (handed over to whoever waits)
            _hand_over(loop, lambda error=error: fail(error))  # type: ignore[misc]
            return
        if not _hand_over(loop, lambda: settle(result)) and discard is not None:
            discard(result)

    threading.Thread(target=run, name=getattr(function, "__name__", "call"), daemon=True).start()
    return future


def _hand_over(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> bool:
    """Run `callback` in the loop. False when the loop is closed: nobody is left who waits."""
    try:
        loop.call_soon_threadsafe(callback)
    except RuntimeError:
        return False
    return True

"""Threads for calls that block. Their number is bounded, and they never keep the process from ending.

The standard library's pool waits for every thread when the interpreter ends: a call that hangs in a dead network
would then hold up the end of the daemon, and the supervisor would have to kill it.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Pool:
    """At most `size` daemon threads; each is started when it is first needed."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._work: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._busy = 0
        self._closed = False

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Run `call` in a thread, in the order of submission. A future that is cancelled in time never runs.

        Raises RuntimeError after `close`.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the pool {self._name} is closed")
            self._busy += 1
            start = self._busy > self._threads and self._threads < self._size
            if start:
                self._threads += 1
                number = self._threads
            self._work.put((future, call))
        if start:
            threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True).start()
        return future

    def close(self) -> None:
        """Take no more calls and let the threads end after what is queued; waits for nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for _ in range(self._threads):
                self._work.put(None)

    def _run(self) -> None:
        while (item := self._work.get()) is not None:
            future, call = item
            try:
                if future.set_running_or_notify_cancel():
                    self._answer(future, call)
            finally:
                with self._lock:
                    self._busy -= 1
            del item, future, call  # an idle thread must not keep the last answer alive

    def _answer(self, future: "Future[Any]", call: Callable[[], Any]) -> None:
        try:
            answer = call()
        except BaseException as error:  # noqa: BLE001 - it is the waiter's to judge, whatever it is
            future.set_exception(error)
        else:
            future.set_result(answer)

"""Virtual time in which the processes of a node can stand still while everything else goes on.

What a node does is everything that was begun in its context. Frozen, none of it is called; thawed, all that came due
meanwhile is called in its order. Its kernel, its watchdog and whatever is on its way belong to no node.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar, cast

from tests.doubles.virtual_time import VirtualLoop

_T = TypeVar("_T")
_NODE: contextvars.ContextVar[str] = contextvars.ContextVar("node", default="")


class FreezingLoop(VirtualLoop):
    """See the module."""

    def __init__(self) -> None:
        self._frozen: dict[str, list[tuple[asyncio.Handle, Callable[[], None]]]] = {}
        super().__init__()

    def freeze(self, node: str) -> None:
        """Nothing that belongs to the node is called from now on."""
        self._frozen.setdefault(node, [])

    def thaw(self, node: str) -> None:
        """It goes on: first with all that came due meanwhile, in that order."""
        if node in self._frozen:
            super().call_soon(self._drain, node, context=contextvars.Context())

    def _drain(self, node: str) -> None:
        waiting = self._frozen.get(node, [])
        while waiting:
            handle, call = waiting.pop(0)
            if not handle.cancelled():
                try:
                    call()
                except Exception as error:  # noqa: BLE001 - as the loop does
                    self.call_exception_handler({"message": f"on {node}", "exception": error})
        self._frozen.pop(node, None)

    def is_frozen(self, node: str) -> bool:
        """Whether it stands still."""
        return node in self._frozen

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """As every loop does."""
        return cast(asyncio.Handle, self._plan(super().call_soon, callback, args, context))

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """As every loop does."""
        plan = partial(super().call_at, when)
        return cast(asyncio.TimerHandle, self._plan(plan, callback, args, context))

    def _plan(self, plan: Any, callback: Any, args: Any, context: contextvars.Context | None) -> Any:
        belongs = context if context is not None else contextvars.copy_context()
        node = belongs.get(_NODE, "")
        handle: asyncio.Handle

        def call() -> None:
            waiting = self._frozen.get(node) if node else None
            if waiting is None:
                callback(*args)
            else:
                waiting.append((handle, lambda: belongs.run(callback, *args)))

        handle = plan(call, context=belongs)
        return handle


def within(node: str, call: Callable[[], _T]) -> _T:
    """What this begins belongs to the node."""

    def begun() -> _T:
        _NODE.set(node)
        return call()

    return contextvars.copy_context().run(begun)


def nobodys() -> contextvars.Context:
    """The context of what belongs to no node."""
    return contextvars.Context()


def run(story: Coroutine[Any, Any, _T]) -> _T:
    """As asyncio.run, in virtual time."""
    with asyncio.Runner(loop_factory=FreezingLoop) as runner:
        return runner.run(story)

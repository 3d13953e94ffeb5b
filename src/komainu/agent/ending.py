"""How this machine is ended: by a final action (C7), or after a leave that an operator asked for (C10).

First the alert, then the journal for as long as a disk may take, then the deed. An orderly end that hangs ends in a
reset: the watchdog counts from the beginning, and so does a thread that needs nothing of the event loop.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Literal

from komainu.model.message import Message, Said
from komainu.ports import Power, Watchdog

FLUSH_MS = 1_000
"How long the journal may take. A disk that hangs may be just what the node is ended for."
AT_ONCE_MS = 5_000
"A panic or a reset that has not come after this is tried in every other way."

How = Literal["shutdown", "reboot", "panic", "reset"]

ENDS = Message(
    "KM5530",
    "Node {node} is ended now: {how}. If it is not down within {ms} ms it is reset.",
    "ノード {node} を終了します ({how})。{ms} ミリ秒以内に停止しない場合はリセットします。",
    "error",
)
NO_WATCHDOG = Message(
    "KM5531",
    "Node {node} has no watchdog that komainud could use ({reason}). A thread of komainud sees to the reset instead; "
    "if the operating system ends komainud first and then hangs, nobody resets the node.",
    "ノード {node} には komainud が使用できるウォッチドッグがありません ({reason})。代わりに komainud のスレッドが"
    "リセットを行います。OS が先に komainud を終了させた後で停止処理が進まなくなった場合、リセットは行われません。",
    "warning",
)
NOT_TAKEN = Message(
    "KM5532",
    "Node {node} could not be ended by {how} ({reason}): it is reset.",
    "ノード {node} を {how} で終了できないため ({reason})、リセットします。",
    "error",
)
CANNOT_END = Message(
    "KM5533",
    "Node {node} could not be reset ({reason}), and goes on as it is. Switch its power off by hand: what could not be "
    "stopped may still have effect.",
    "ノード {node} をリセットできませんでした ({reason})。停止できなかったものが動作を続けている可能性があるため、"
    "手動で電源を切ってください。",
    "error",
)

_log = logging.getLogger("komainu")


class Ending:
    """The end of this machine. Nothing takes it back."""

    def __init__(
        self,
        me: str,
        power: Power,
        watchdog: Watchdog,
        alert: Callable[[Said], None],
        written: Callable[[], Awaitable[None]],
    ) -> None:
        """`written` returns when the journal is on the disk."""
        self.begun = False
        "The machine is being ended."
        self._me = me
        self._power = power
        self._watchdog = watchdog
        self._alert = alert
        self._written = written
        self._fuse: threading.Event | None = None
        self._work: asyncio.Task[None] | None = None

    def guard(self, after_ms: int) -> None:
        """From now on the machine is reset after so long, whatever hangs here. A later call counts anew."""
        self.close()
        fuse = self._fuse = threading.Event()
        threading.Thread(target=self._burn, args=(fuse, after_ms), name="end of the node", daemon=True).start()
        try:
            self._watchdog.arm(after_ms)
        except OSError as error:
            self._alert(NO_WATCHDOG.said(node=self._me, reason=str(error)))

    def end(self, how: How, within_ms: int) -> None:
        """Begin; returns at once. `within_ms`: what an orderly end may take before it ends in a reset."""
        if how in ("panic", "reset"):
            within_ms = AT_ONCE_MS
        elif self.begun:
            return  # asked twice; the time of the first counts
        self.begun = True
        self._alert(ENDS.said(node=self._me, how=how, ms=within_ms))
        self.guard(within_ms)
        self._work = asyncio.get_running_loop().create_task(self._end(how))

    def close(self) -> None:
        """The thread waits no more. The watchdog does: the end of this process must not disarm it."""
        if self._fuse is not None:
            self._fuse.set()
            self._fuse = None

    async def _end(self, how: How) -> None:
        try:
            async with asyncio.timeout(FLUSH_MS / 1000):
                await self._written()
        except TimeoutError:
            _log.error("the journal is not written within %d ms; the node is ended without it", FLUSH_MS)
        try:
            match how:
                case "shutdown":
                    await self._power.shutdown()
                case "reboot":
                    await self._power.reboot()
                case "panic":
                    self._power.panic()
                case "reset":
                    self._power.reset()
        except OSError as error:
            if how != "reset":
                self._alert(NOT_TAKEN.said(node=self._me, how=how, reason=str(error)))
                self._reset()
            else:
                self._alert(CANNOT_END.said(node=self._me, reason=str(error)))

    def _reset(self) -> None:
        try:
            self._power.reset()
        except OSError as error:
            self._alert(CANNOT_END.said(node=self._me, reason=str(error)))

    def _burn(self, fuse: threading.Event, after_ms: int) -> None:
        """In a thread of its own: the event loop may be what hangs."""
        if fuse.wait(after_ms / 1000):
            return
        _log.critical("node %s did not end within %d ms: it is reset", self._me, after_ms)
        try:
            self._power.reset()
        except OSError as error:
            said = CANNOT_END.said(node=self._me, reason=str(error))
            _log.critical("%s %s", said.code, said.en)

"""Every node can read all alerts: what a node says of itself is told to the others, and what one missed is fetched.

What the core raises need not be told: every member raises it. When histories were put together, each member says
which alerts it has, by stream; then all know who lacks what, and for each gap one member sends. In a quiet cluster
nothing of this is sent.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from itertools import pairwise
from typing import Any

from komainu.agent.alert_record import Record
from komainu.agent.alerts.log import AlertLog
from komainu.agent.alerts.store import Range
from komainu.agent.members import wire

TELL_AFTER_MS = 200
"Alerts that come together are told together."
COMPARE_AFTER_MS = 2_000
"After members were put together the cluster has more urgent things to do."
DELIVERY_MS = 10_000
"A part that has not come back by then was lost; the next putting together fetches it."
PART_RECORDS = 32
PART_CHARACTERS = 100_000
"Of the texts in one message: however they are spelled in JSON, it stays below what the bus takes."

Gap = tuple[str, int, int]
"""A stream, and the first and the last number that somebody lacks."""


def gaps(held: Mapping[str, Mapping[str, Range]], me: str) -> list[Gap]:
    """What `me` has to send so that all have what any has. `held`: what each member has. All compute alike. Pure."""
    found: list[Gap] = []
    streams = sorted({stream: None for each in held.values() for stream in each})
    for stream in streams:
        have = {node: each[stream] for node, each in held.items() if stream in each}
        bounds = sorted({bound: None for low, high in have.values() for bound in (low, high + 1)})
        for first, after in pairwise(bounds):
            holders = [node for node, (low, high) in have.items() if low <= first and after - 1 <= high]
            if holders[:1] != [me] or len(holders) == len(held):
                continue
            if found and found[-1][0] == stream and found[-1][2] == first - 1:
                found[-1] = (stream, found[-1][1], after - 1)
            else:
                found.append((stream, first, after - 1))
    return found


def parts(records: Sequence[Record]) -> list[tuple[Record, ...]]:
    """The records in messages of bounded size."""
    found: list[tuple[Record, ...]] = []
    part: list[Record] = []
    size = 0
    for each in records:
        length = len(each.en) + len(each.ja) + len(each.detail)
        if part and (len(part) == PART_RECORDS or size + length > PART_CHARACTERS):
            found.append(tuple(part))
            part, size = [], 0
        part.append(each)
        size += length
    return [*found, tuple(part)] if part else found


class Sharing:
    """Tells and fetches. Runs in the event loop; nothing of it waits."""

    def __init__(
        self,
        me: str,
        log: AlertLog,
        send: Callable[[wire.Message], None],
        others: Callable[[], tuple[str, ...]],
        lineage: Callable[[], str],
    ) -> None:
        """`others`: the other members that understand these messages; empty when one of them does not.

        `lineage`: the name of the history that this node is in now.
        """
        self._me = me
        self._log = log
        self._send = send
        self._others = others
        self._lineage = lineage
        self._untold: list[Record] = []
        self._telling: asyncio.TimerHandle | None = None
        self._owed = False
        self._comparing: asyncio.TimerHandle | None = None
        self._held: dict[str, Mapping[str, Range] | None] = {}
        self._compared = ""
        self._back = 0
        self._came_back = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    # --- what happened here ----------------------------------------------------------------------------------------

    def tell(self, each: Record) -> None:
        """This node said something of itself: the others are to know."""
        if not self._others():
            return  # they fetch it when they meet this node
        self._untold.append(each)
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TELL_AFTER_MS / 1000, self._tell)

    def adopted(self) -> None:
        """Members were put together: they may lack what others have."""
        self._owed = True
        self._cancel()
        self.moved()

    def moved(self) -> None:
        """The history goes on under another name: whoever has left is not waited for."""
        self._held, self._compared = {}, ""
        if self._comparing is not None:
            self._comparing.cancel()
        self._comparing = None
        if self._owed:
            self._comparing = asyncio.get_running_loop().call_later(COMPARE_AFTER_MS / 1000, self._compare)

    def close(self) -> None:
        """Send nothing more."""
        self._cancel()
        for timer in (self._telling, self._comparing):
            if timer is not None:
                timer.cancel()
        self._telling = self._comparing = None

    # --- what the bus brings ---------------------------------------------------------------------------------------

    def message(self, sender: str, message: wire.AlertsTold | wire.AlertsHeld) -> None:
        """A message was delivered, one's own among them."""
        match message:
            case wire.AlertsTold() if sender == self._me:
                self._back += 1
                self._came_back.set()
            case wire.AlertsTold():
                self._log.received(message.records)
            case wire.AlertsHeld() if message.lineage == self._lineage():
                self._held[sender] = message.streams if message.able else None
                self._conclude()
            case wire.AlertsHeld():
                pass  # of a history that has ended: its members say it anew

    # --- details ---------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        self._telling = None
        records, self._untold = self._untold, []
        if self._others():
            for part in parts(records):
                self._send(wire.AlertsTold(part))

    def _compare(self) -> None:
        self._comparing = None
        if self._others():
            self._go(self._say_what_is_held(self._lineage()))

    async def _say_what_is_held(self, lineage: str) -> None:
        streams = await self._log.streams()
        if lineage == self._lineage():
            self._send(wire.AlertsHeld(lineage, streams is not None, streams or {}))

    def _conclude(self) -> None:
        """Once all have spoken everybody knows who has to send what."""
        members = (self._me, *self._others())
        if self._compared == self._lineage() or any(node not in self._held for node in members):
            return
        self._compared = self._lineage()
        self._owed = False
        held = {node: streams for node, streams in sorted(self._held.items()) if streams is not None}
        to_send = gaps(held, self._me) if self._me in held else []
        if to_send:
            self._go(self._send_all(to_send))

    async def _send_all(self, to_send: list[Gap]) -> None:
        """One message after the other, each when the one before has come back: the bus is there for other things."""
        for stream, first, last in to_send:
            while first <= last and (records := await self._log.part(stream, first, last, PART_RECORDS)):
                for part in parts(records):
                    if not await self._delivered(wire.AlertsTold(part)):
                        return
                first = records[-1].n + 1

    async def _delivered(self, message: wire.AlertsTold) -> bool:
        back = self._back
        self._send(message)
        try:
            async with asyncio.timeout(DELIVERY_MS / 1000):
                while self._back == back:
                    self._came_back.clear()
                    await self._came_back.wait()
        except TimeoutError:
            return False
        return True

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.append(task)
        task.add_done_callback(self._gone)

    def _gone(self, task: "asyncio.Task[None]") -> None:
        self._tasks.remove(task)
        if not task.cancelled():
            task.result()  # it fails by a defect only; the loop's exception handler tells of it

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

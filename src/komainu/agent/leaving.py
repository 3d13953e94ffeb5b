"""How this node leaves: everything that runs here is stopped first, in the sight of all (N1: a clean leave)."""

import asyncio
from collections.abc import Awaitable, Callable

from komainu.agent.execution.attempt import CANCEL_MS, EXTRA_MS
from komainu.agent.execution.runs import Runs
from komainu.agent.loop import Loop, Then
from komainu.agent.notify import Notifier
from komainu.model import events as e
from komainu.model.message import Message

MARGIN_MS = 15_000
"Beyond what the stops may take: for the members to agree, and for a round of putting states together."
UNSYNCED_MS = 5_000
"How long a node that is not a member yet tries to become one, so that it can say goodbye."

LEAVES = Message(
    "KM5520",
    "Node {node} leaves: its groups are stopped first, within {ms} ms.",
    "ノード {node} は離脱します。最初に {ms} ミリ秒以内でグループを停止します。",
)
STILL_RUNS = Message(
    "KM5521",
    "Node {node} could not leave cleanly within {ms} ms: {what} may still run here. Komainud ends and leaves it alone; "
    "stop it by hand before its group is started elsewhere.",
    "ノード {node} は {ms} ミリ秒以内に正常に離脱できませんでした。{what} が動作している可能性があります。"
    "komainud はそのまま終了します。他のノードでグループを起動する前に手動で停止してください。",
    "error",
)
NOBODY_HEARD = Message(
    "KM5522",
    "Node {node} runs nothing and could not say goodbye to the others: they take it for lost.",
    "ノード {node} では何も動作していませんが、離脱を他のノードに通知できませんでした。"
    "他のノードからは通信不能とみなされます。",
    "warning",
)
STOPS = Message(
    "KM5523",
    "Node {node} leaves the cluster as soon as its groups are stopped. Komainud stays; `komainu node start {node}` "
    "takes it in again.",
    "ノード {node} はグループの停止後にクラスタから離脱します。komainud は常駐を続けます。"
    "`komainu node start {node}` で再び参加します。",
)
GOES_DOWN = Message(
    "KM5524",
    "Node {node} leaves the cluster as soon as its groups are stopped, and then goes down: {then}. If it cannot leave "
    "within {ms} ms it is reset.",
    "ノード {node} はグループの停止後にクラスタから離脱し、OS を停止します ({then})。"
    "{ms} ミリ秒以内に離脱できない場合はリセットします。",
    "warning",
)

LEFT_CLEANLY = 0
LEFT_RUNNING = 2

_WEIGHT = {"stop": 0, "end": 1, "shutdown": 2, "reboot": 2}
"A daemon that is told to end does not stay, and a node that is to go down does not stay up for that."


class Leaving:
    """One leave: asked for by SIGTERM (`end`) or by the core, ended by its LeaveCluster.

    Only `end` has a deadline here: whoever waits for the end of this process gets an answer. A `stop` waits until the
    core grants it; what hangs is the core's to judge. A node that is to go down is guarded from outside.
    """

    def __init__(
        self,
        loop: Loop,
        runs: Runs,
        notifier: Notifier,
        disconnect: Callable[[], Awaitable[None]],
        guard: Callable[[int], None],
    ) -> None:
        """`disconnect` takes leave of the bus. `guard` sees to it that the machine is reset after so long."""
        self.asked = False
        self.then: Then = "end"
        "What comes after it."
        self.dismissed = asyncio.Event()
        "The core has said that nothing runs here any more."
        self._loop = loop
        self._runs = runs
        self._notifier = notifier
        self._disconnect = disconnect
        self._guard = guard
        self._to_end = asyncio.Event()

    def want(self, then: Then) -> bool:
        """This is to come after the leave, unless something weightier is. True for the first one: then `leave`."""
        first = not self.asked
        if first or _WEIGHT[then] >= _WEIGHT[self.then]:
            changed = first or then != self.then
            self.asked, self.then = True, then
            if changed:
                self._announce()
        return first

    async def leave(self) -> int:
        """Leave; the exit code of the daemon, which says how it went."""
        loop = asyncio.get_running_loop()
        asking = loop.create_task(self._ask())
        overdue = loop.create_task(self._overdue())
        granted = loop.create_task(self.dismissed.wait())
        try:
            await asyncio.wait({granted, overdue}, return_when=asyncio.FIRST_COMPLETED)
            if not granted.done():
                me, left = self._loop.replica.me, self._left()
                if left:
                    self._loop.alert(STILL_RUNS.said(node=me, ms=overdue.result(), what=", ".join(left)))
                    return LEFT_RUNNING
                self._loop.alert(NOBODY_HEARD.said(node=me))
        finally:
            for task in (asking, overdue, granted):
                task.cancel()
        await self._disconnect()
        return LEFT_CLEANLY

    def limit_ms(self) -> int:
        """How long it may take: the stops of everything that may run here, one after the other."""
        replica = self._loop.replica
        if not replica.synced and not self._runs.names():
            return UNSYNCED_MS
        stops = [hand.resource.stop_timeout_ms + EXTRA_MS + CANCEL_MS for hand in self._loop.parts.hands.all()]
        return sum(stops) + replica.state.cluster.detect_within_ms + MARGIN_MS

    def _announce(self) -> None:
        replica = self._loop.replica
        match self.then:
            case "stop":
                self._loop.alert(STOPS.said(node=replica.me))
            case "end":
                limit_ms = self.limit_ms()
                self._loop.alert(LEAVES.said(node=replica.me, ms=limit_ms))
                self._notifier.stopping(limit_ms + MARGIN_MS)
                self._to_end.set()
            case "shutdown" | "reboot":
                # The core ends the node after its time by itself; this is for when the core cannot.
                limit_ms = replica.state.cluster.end_timeout_ms + MARGIN_MS
                self._loop.alert(GOES_DOWN.said(node=replica.me, then=self.then, ms=limit_ms))
                self._guard(limit_ms)

    async def _overdue(self) -> int:
        """Returns when an end has taken too long: how long that was. Something weightier takes the deadline away."""
        await self._to_end.wait()
        limit_ms = self.limit_ms()
        await asyncio.sleep(limit_ms / 1000)
        if self.then != "end":
            await asyncio.get_running_loop().create_future()
        return limit_ms

    def _left(self) -> list[str]:
        parts = self._loop.parts
        return sorted({*parts.watch.running_here(), *self._runs.names(), *parts.executor.at_work()})

    async def _ask(self) -> None:
        """Say that this node wants to leave; again whenever the state that goes on may not know it."""
        replica = self._loop.replica
        asked_in = ""
        while True:
            changed = self._loop.changed()
            if replica.synced and not replica.state.nodes[replica.me].leaving and asked_in != replica.lineage:
                asked_in = replica.lineage
                self._loop.propose(e.NodeLeaving(replica.me, replica.incarnation))
            await changed.wait()

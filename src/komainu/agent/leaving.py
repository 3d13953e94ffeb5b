"""How this node leaves: everything that runs here is stopped first, in the sight of all (N1: a clean leave)."""

import asyncio
from collections.abc import Awaitable, Callable

from komainu.agent.attempt import CANCEL_MS, EXTRA_MS
from komainu.agent.loop import Loop
from komainu.agent.notify import Notifier
from komainu.agent.runs import Runs
from komainu.core import events as e
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

MESSAGES = (LEAVES, STILL_RUNS, NOBODY_HEARD)

LEFT_CLEANLY = 0
LEFT_RUNNING = 2


class Leaving:
    """One leave. Asked for by SIGTERM, ended by the core's LeaveCluster or by its deadline."""

    def __init__(self, loop: Loop, runs: Runs, notifier: Notifier, disconnect: Callable[[], Awaitable[None]]) -> None:
        """`disconnect` takes leave of the bus and ends the local corosync."""
        self.asked = False
        self.dismissed = asyncio.Event()
        "The core has said that nothing runs here any more."
        self._loop = loop
        self._runs = runs
        self._notifier = notifier
        self._disconnect = disconnect

    async def leave(self) -> int:
        """Leave; the exit code of the daemon, which says how it went."""
        self.asked = True
        me, limit_ms = self._loop.replica.me, self.limit_ms()
        self._loop.alert(LEAVES.said(node=me, ms=limit_ms))
        self._notifier.stopping(limit_ms + MARGIN_MS)
        asking = asyncio.get_running_loop().create_task(self._ask())
        try:
            async with asyncio.timeout(limit_ms / 1000):
                await self.dismissed.wait()
        except TimeoutError:
            left = self._left()
            if left:
                self._loop.alert(STILL_RUNS.said(node=me, ms=limit_ms, what=", ".join(left)))
                return LEFT_RUNNING
            self._loop.alert(NOBODY_HEARD.said(node=me))
        finally:
            asking.cancel()
        await self._disconnect()
        return LEFT_CLEANLY

    def limit_ms(self) -> int:
        """How long it may take: the stops of everything that may run here, one after the other."""
        replica = self._loop.replica
        if not replica.synced and not self._runs.names():
            return UNSYNCED_MS
        stops = [hand.resource.stop_timeout_ms + EXTRA_MS + CANCEL_MS for hand in self._loop.parts.hands.all()]
        return sum(stops) + replica.state.cluster.detect_within_ms + MARGIN_MS

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

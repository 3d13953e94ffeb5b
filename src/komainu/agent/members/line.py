"""The line to the other agents, and the view of them that counts.

Connected, views and messages come from the bus. When the bus is lost or stands still, this node knows no more of the
others than one that is cut off: it waits a while for the line to return, then goes on alone, in a view of itself, and
what it sends comes back to itself. What the bus tells later replaces that view.

Three things would look like the loss of a node and are not:

- After a restart corosync forms a ring of this node alone before it meets the others (about 1.4 s). A view of this
  node alone is kept back until the wait is over.
- A node that was itself frozen or cut off is told that the others left and came back, in one breath. Neither has died,
  but each has lived through something that the other has not.
- Members that came back while the line was lost are in the view before and in the view after, and yet were away.

In the last two the replica first sees the others without their daemon (nothing is started elsewhere for that, law 5)
and then with it: so all of them put their states together afresh.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from komainu.agent.members import wire
from komainu.agent.members.replica import View
from komainu.model.config import Cluster
from komainu.model.message import Message, Said
from komainu.ports import Bus, BusView

UNDECODABLE = Message(
    "KM5001",
    "A message from node {node} cannot be read ({reason}) and was ignored. Does it run another release of Komainu? "
    "Install the same release on all nodes.",
    "ノード {node} からのメッセージを解釈できないため無視しました ({reason})。"
    "異なるリリースの Komainu が動作している可能性があります。全ノードに同じリリースをインストールしてください。",
    "error",
)
STRANGER = Message(
    "KM5002",
    "Node id {id} takes part in the ring and is not in the configuration of this node: it is ignored. Give all nodes "
    "the same configuration.",
    "このノードの構成情報にないノード番号 {id} がリングに参加しているため、無視します。"
    "全ノードの構成情報を一致させてください。",
    "error",
)
TOO_LARGE = Message(
    "KM5003",
    "A message to the other nodes was too large and was not sent ({reason}). This is a defect; please report it.",
    "他のノードへのメッセージが大きすぎるため送信しませんでした ({reason})。不具合ですので報告してください。",
    "error",
)
ALONE = Message(
    "KM5004",
    "Node {node} has had no connection to the cluster for {ms} ms: it goes on alone, as if it were cut off. "
    "Corosync is restarted until the connection returns.",
    "ノード {node} は {ms} ミリ秒間クラスタに接続できないため、切断されたものとして単独で動作を続けます。"
    "接続が回復するまで corosync を再起動します。",
    "error",
)
RETURNED = Message(
    "KM5005",
    "Node {node} is connected to the cluster again.",
    "ノード {node} がクラスタに再び接続しました。",
)
STALLED = Message(
    "KM5006",
    "Corosync on node {node} stands still: what it was given {ms} ms ago has not come back. It is restarted.",
    "ノード {node} の corosync が停止しています。{ms} ミリ秒前に送信したメッセージが戻りません。再起動します。",
    "error",
)

FIRST_CONNECTION_MS = 15_000
"How long a daemon that just started waits for its first view; corosync may have to be started."
RETURN_MS = 3_000
"What corosync needs to be started again and to meet the others, beyond the time of detection."


class Ear(Protocol):
    """Who listens to the line."""

    def view(self, view: View) -> None:
        """The view that counts has changed."""

    def message(self, sender: str, message: wire.Message) -> None:
        """A message was delivered."""

    def alert(self, said: Said, detail: str = "") -> None:
        """Tell the administrator."""


class Standing(StrEnum):
    """How this node stands to the others."""

    WAITING = "waiting"
    "There is no view of the bus, or only one of this node alone; nothing can be sent."
    CONNECTED = "connected"
    ALONE = "alone"
    "Cut off: this node is its own view."


class Line:
    """`komainu.ports.BusListener`, and the way to send."""

    def __init__(self, me: str, cluster: Cluster, name: str, bus: Bus, ear: Ear, stalled: Callable[[], None]) -> None:
        """`name` makes the names of lone views unique among daemons. `stalled` is to have corosync restarted."""
        self.standing = Standing.WAITING
        self._me = me
        self._name = name
        self._bus = bus
        self._ear = ear
        self._restart = stalled
        self._loop = asyncio.get_running_loop()
        self._names: dict[int, str] = {}
        self._return_ms = 0
        self._told: View | None = None
        self._pending: View | None = None
        self.held: View | None = None
        "A view of this node alone that is kept back."
        self._lone_views = 0
        self._looped: deque[wire.Message] = deque()
        self._patience: asyncio.TimerHandle | None = None
        self._complained: dict[str, bool] = {}
        self.configure(cluster)

    def configure(self, cluster: Cluster) -> None:
        """Take over names and times."""
        self._names = {node.id: node.name for node in cluster.nodes}
        self._return_ms = cluster.detect_within_ms + RETURN_MS

    def open(self) -> None:
        """From now on the first view is waited for."""
        self._wait(FIRST_CONNECTION_MS + self._return_ms)

    def close(self) -> None:
        """Wait for nothing more."""
        self._rest()

    def send(self, message: wire.Message) -> None:
        """Multicast. What cannot be sent is dropped: whoever proposes repeats itself in the next view (law 9)."""
        if self.standing is Standing.ALONE:
            self._looped.append(message)
            if len(self._looped) == 1:
                self._loop.call_soon(self._come_back)
        elif self.standing is Standing.CONNECTED:
            try:
                self._bus.send(wire.encode(message))
            except ValueError as error:
                self._ear.alert(TOO_LARGE.said(reason=str(error)))

    def stalled(self, ms: int) -> None:
        """Nothing comes back from the bus any more, for so long."""
        if self.standing is Standing.CONNECTED:
            self._ear.alert(STALLED.said(node=self._me, ms=ms))
            self._disconnected()
            self._restart()

    # --- what the bus tells ----------------------------------------------------------------------------------------

    def on_view(self, view: BusView) -> None:
        """Membership changed."""
        named = self._named(view)
        if self.standing is Standing.CONNECTED:
            self._connected_view(named)
        elif self.standing is Standing.WAITING and self._was_with_others() and named.nodes == (self._me,):
            self.held = named
        else:
            self._connect(named)

    def on_message(self, sender: int, payload: bytes) -> None:
        """A message was delivered, one's own among them."""
        self._flush()
        name = self._names.get(sender)
        if self.standing is not Standing.CONNECTED or name is None:
            return
        try:
            message = wire.decode(payload)
        except wire.Undecodable as error:
            self._complain_once(f"sender {name}", UNDECODABLE.said(node=name, reason=str(error)[:200]))
            return
        self._ear.message(name, message)

    def on_lost(self, reason: Said) -> None:
        """The connection to the bus is gone."""
        self._flush()
        self.held = None
        if self.standing is Standing.CONNECTED:
            self._ear.alert(reason)
            self._disconnected()

    # --- which view counts -----------------------------------------------------------------------------------------

    def _connected_view(self, view: View) -> None:
        """Wait for the end of this breath of the bus: it may tell that whoever left has come back."""
        if self._pending is None:
            self._loop.call_soon(self._flush)
        else:
            self._put_together(self._pending, view)
        self._pending = view

    def _flush(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            self._tell(pending)

    def _put_together(self, earlier: View, later: View) -> None:
        before = self._told.members if self._told is not None else ()
        back = tuple(node for node in later.members if node in before and node not in earlier.members)
        if back:
            self._tell_away(later, back)
        else:
            self._tell(earlier)

    def _connect(self, view: View) -> None:
        self._rest()
        self.held = None
        was_alone = self.standing is Standing.ALONE
        self.standing = Standing.CONNECTED
        self._looped.clear()
        if was_alone:
            self._ear.alert(RETURNED.said(node=self._me))
        elif self._told is not None:
            self._tell_away(view, tuple(node for node in view.members if node != self._me))
        self._tell(view)

    def _disconnected(self) -> None:
        self.standing = Standing.WAITING
        self._pending = None
        self._wait(self._return_ms)

    def _patience_ends(self, ms: int) -> None:
        self._patience = None
        if self.held is not None:
            self._connect(self.held)
            return
        self.standing = Standing.ALONE
        self._lone_views += 1
        self._ear.alert(ALONE.said(node=self._me, ms=ms))
        self._tell(View(f"alone-{self._name}-{self._lone_views}", (self._me,), (self._me,)))

    def _tell_away(self, view: View, away: tuple[str, ...]) -> None:
        """Their nodes are in the ring, their daemons have to present themselves anew."""
        if away:
            self._tell(View(view.ring, tuple(node for node in view.members if node not in away), view.nodes))

    def _tell(self, view: View) -> None:
        self._told = view
        self._ear.view(view)

    def _was_with_others(self) -> bool:
        return self._told is not None and self._told.nodes != (self._me,)

    # --- details ---------------------------------------------------------------------------------------------------

    def _come_back(self) -> None:
        """Deliver to ourselves what was sent up to now; what is sent meanwhile comes in the next turn."""
        for _ in range(len(self._looped)):
            if self.standing is not Standing.ALONE or not self._looped:
                return
            self._ear.message(self._me, self._looped.popleft())
        if self._looped:
            self._loop.call_soon(self._come_back)

    def _wait(self, ms: int) -> None:
        self._rest()
        self._patience = self._loop.call_later(ms / 1000, self._patience_ends, ms)

    def _rest(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _named(self, view: BusView) -> View:
        for number in view.nodes:
            if number not in self._names:
                self._complain_once(f"id {number}", STRANGER.said(id=number))
        # In the order of the configuration, which is the same on every node.
        agents = tuple(name for number, name in self._names.items() if number in view.agents)
        nodes = tuple(name for number, name in self._names.items() if number in view.nodes)
        return View(f"{view.ring.representative}-{view.ring.sequence}", agents, nodes)

    def _complain_once(self, what: str, said: Said) -> None:
        if what not in self._complained:
            self._complained[what] = True
            self._ear.alert(said)

"""Alerts (W5): what the administrator is to know is kept, told to the other nodes, and sent where he wants it.

For the life of a daemon. `attach` gives it the copy of the state and the line of a membership.
"""

from collections.abc import Callable, Mapping
from typing import Final

from komainu.agent.alert_record import node_of, wall_ms
from komainu.agent.alerts.log import AlertLog
from komainu.agent.alerts.notifications import Notifications
from komainu.agent.alerts.sharing import Sharing
from komainu.agent.alerts.store import AlertStore
from komainu.agent.background import Background
from komainu.agent.members import wire
from komainu.agent.members.replica import Effects, Replica
from komainu.core.state import State
from komainu.model.actions import RaiseAlert
from komainu.model.message import Said
from komainu.ports import NotifierType, Topics

SINCE_RULES: Final = 2
"Members with older rules do not understand the messages of this part."


class Alerts:
    """The whole part, as the loop and the operations see it."""

    def __init__(
        self,
        me: str,
        name: str,
        store: AlertStore | None,
        background: Background,
        tell: Callable[[Said, str], None],
        kinds: Mapping[str, NotifierType],
        topics: Topics,
        clock: Callable[[], int] = wall_ms,
    ) -> None:
        """`name`: of this daemon among all that ever ran. `tell` raises an alert of this node, which comes to `local`.

        Needs a running loop.
        """
        self._me = me
        self._replica: Replica | None = None
        self._send_now: Callable[[wire.Message], None] | None = None
        self._state: State | None = None
        self._lineage = ""
        self.log = AlertLog(me, f"{me}:{name}", store, background, tell, clock)
        self.sharing = Sharing(me, self.log, self._send, self._others, self._lineage_now)
        self.notifications = Notifications(me, name, kinds, topics, tell, self._send)

    def attach(self, replica: Replica, send: Callable[[wire.Message], None]) -> None:
        """A membership begins."""
        self._replica, self._send_now = replica, send
        self._state = None
        self._follow(replica)

    def detach(self) -> None:
        """The membership has ended: there is nobody to be told."""
        self._send_now = None

    # --- what the recorder and the loop bring ----------------------------------------------------------------------

    def local(self, said: Said, detail: str) -> None:
        """This node said something of itself."""
        each = self.log.local(said, detail)
        self.sharing.tell(each)
        self.notifications.local(each)

    def carried(self, effects: Effects) -> None:
        """Effects of the replica were carried out: what the core raised is kept, changes are followed."""
        replica = self._replica
        assert replica is not None, "a membership has begun"
        raised = [action for action in effects.actions if isinstance(action, RaiseAlert)]
        if raised:
            self._raised(raised, effects, replica.lineage)
        if effects.adopted or replica.lineage != self._lineage or replica.state is not self._state:
            self._follow(replica, adopted=effects.adopted)

    def message(self, sender: str, message: wire.Message) -> None:
        """A message was delivered; those that are for others are passed over."""
        match message:
            case wire.AlertsTold() | wire.AlertsHeld():
                self.sharing.message(sender, message)
            case wire.AlertsSent() | wire.TestAsked() | wire.TestAnswered():
                self.notifications.message(sender, message)

    def present(self) -> tuple[str, ...]:
        """The nodes that a test of the notifications can be asked of: this one, and the other members."""
        return (self._me, *self._others())

    def close(self) -> None:
        """The daemon ends: what waits is written, nothing more is sent."""
        self.sharing.close()
        self.notifications.close()
        self.log.close()

    # --- details ---------------------------------------------------------------------------------------------------

    def _raised(self, raised: list[RaiseAlert], effects: Effects, lineage: str) -> None:
        """All members of a history come here with the same alerts in the same order, and so number them alike."""
        events = [(action, each.event) for each in effects.decided for action in each.actions]
        for alert in raised:
            event = next((event for action, event in events if action is alert), None)
            node = node_of(event, alert.said) if event is not None else ""
            self.notifications.core(self.log.core(lineage, node, alert.said, alert.detail))

    def _follow(self, replica: Replica, *, adopted: bool = False) -> None:
        before, self._state = self._state, replica.state
        if before is None or replica.state.cluster is not before.cluster:
            self.notifications.configure(replica.state.cluster)
        members = replica.state.members()
        if before is None or members != before.members():
            self.notifications.members(members)
        moved, self._lineage = self._lineage != replica.lineage, replica.lineage
        if adopted:
            self.sharing.adopted()
        elif moved:
            self.sharing.moved()

    def _others(self) -> tuple[str, ...]:
        """The other members, when all of them understand the messages of this part."""
        replica = self._replica
        if replica is None or self._send_now is None:
            return ()
        nodes = replica.state.nodes
        others = tuple(node for node in replica.view.members if node != self._me)
        known = all(node in nodes and nodes[node].rules >= SINCE_RULES for node in others)
        return others if known else ()

    def _lineage_now(self) -> str:
        return self._replica.lineage if self._replica is not None else ""

    def _send(self, message: wire.Message) -> None:
        if self._send_now is not None and self._others():
            self._send_now(message)

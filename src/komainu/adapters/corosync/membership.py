"""Corosync's two tellings of membership made into one: who is in the process group, and who is in the ring. Pure.

When the ring changes, corosync tells three things in one breath, with nothing in between: the processes that went down
with their nodes, the processes that came with theirs, and the new ring. A view is made of all three, because a view
of the new members under the old ring's name would make both sides of a partition count alike. The ring's name is
already on its way when the first of the three arrives (measured: 0.1 to 0.3 ms), so nothing here waits for a clock.
"""

from komainu.adapters.corosync.libcpg import REASON_NODE_DOWN, REASON_NODE_UP, GroupChanged, RingChanged
from komainu.ports import BusView, RingId


class Membership:
    """What one connection has been told so far."""

    def __init__(self, own: int) -> None:
        """`own` is this node's id: before it is itself in the group there is nothing to tell."""
        self._own = own
        self._ring: RingId | None = None
        self._nodes: tuple[int, ...] = ()
        self._agents: tuple[int, ...] = ()
        self._lost: tuple[int, ...] = ()
        self._ring_is_changing = False
        self._told: BusView | None = None

    @property
    def complete(self) -> bool:
        """True once a view has been told: before that, this node is not yet a member."""
        return self._told is not None

    def group_changed(self, change: GroupChanged) -> tuple[BusView, ...]:
        """Processes joined or left: the views to tell now, in order."""
        self._agents = tuple(sorted({process.node for process in change.members}))
        down = {process.node for process in change.left if process.reason == REASON_NODE_DOWN}
        up = any(process.reason == REASON_NODE_UP for process in change.joined)
        if down or up:
            self._ring_is_changing = True
            self._lost = tuple(sorted(down.union(self._lost)))
        return self._current()

    def ring_changed(self, change: RingChanged) -> tuple[BusView, ...]:
        """The ring changed: the views to tell now, in order.

        There are two when nodes went and came back within one change, as a node sees that was itself frozen or cut
        off: the first without them, the second with them, both under the new ring's name. The first says that those
        nodes have lived through another history meanwhile.
        """
        self._ring = RingId(change.representative, change.sequence)
        self._nodes = tuple(sorted(change.nodes))
        self._ring_is_changing = False
        lost, self._lost = self._lost, ()
        if not any(node in self._nodes for node in lost):
            return self._current()
        without = BusView(
            self._ring,
            tuple(node for node in self._agents if node not in lost),
            tuple(node for node in self._nodes if node not in lost),
        )
        return self._tell(without) + self._current()

    def _current(self) -> tuple[BusView, ...]:
        if self._ring is None or self._ring_is_changing or self._own not in self._agents:
            return ()
        return self._tell(BusView(self._ring, self._agents, self._nodes))

    def _tell(self, view: BusView) -> tuple[BusView, ...]:
        if view == self._told:
            return ()
        self._told = view
        return (view,)

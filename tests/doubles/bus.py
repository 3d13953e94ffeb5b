"""A bus within one process: `komainu.ports.Bus` between fake nodes that can be cut, killed, frozen and powered off.

It keeps corosync's manners, which the suite in tests/ports/test_bus.py holds it to: one order for all, one's own
messages come back, each change of the ring has a name of its own, a dead process leaves its node in the ring, and
whoever was cut off sees the *others* leave and come back.
"""

import asyncio
import contextvars
from collections.abc import Callable

from komainu.model.message import Message
from komainu.ports import BusListener, BusView, RingId

LARGEST_PAYLOAD = 1_000_000
FAKE_LOST = Message("TEST2011", "The fake bus is gone.", "擬似バスとの接続が失われました。", "error")


class FakeBus:
    """One node's end of the wire, in one process group. A new one stands for a new process."""

    def __init__(self, wire: "FakeWire", node: int, group: str = "komainu") -> None:
        self.wire = wire
        self.node = node
        self.group = group
        self.listener: BusListener | None = None
        self.joined = False
        self._told: BusView | None = None
        self._context = contextvars.copy_context()

    async def start(self, listener: BusListener) -> None:
        """Join as soon as the node's corosync runs."""
        self.listener = listener
        self.wire.attach(self)

    def send(self, payload: bytes) -> None:
        """Multicast, or drop without a connection."""
        if len(payload) > LARGEST_PAYLOAD:
            raise ValueError(f"a message has at most {LARGEST_PAYLOAD} bytes, this one {len(payload)}")
        if self.joined and self._told is not None:
            self.wire.multicast(self, payload)

    async def stop(self) -> None:
        """Leave."""
        self.wire.detach(self)

    def view(self, view: BusView) -> None:
        """Tell a view, unless it is the last one again."""
        if self.joined and self.listener is not None and view != self._told:
            self._told = view
            self._soon(self.listener.on_view, view)

    def message(self, sender: int, payload: bytes) -> None:
        """Deliver a message."""
        if self.listener is not None:
            self._soon(self.listener.on_message, sender, payload)

    def lose(self) -> None:
        """The connection broke."""
        self.joined = False
        self._told = None
        if self.listener is not None:
            self._soon(self.listener.on_lost, FAKE_LOST.said())

    def _soon(self, call: Callable[..., None], *values: object) -> None:
        # The loop calls in this order: so all nodes see one order. A listener that was taken away hears no more.
        listener = self.listener
        # What is delivered belongs to whoever listens, and not to the sender.
        asyncio.get_running_loop().call_soon(
            lambda: call(*values) if self.listener is listener else None, context=self._context
        )


class FakeWire:
    """The nodes and what joins them."""

    def __init__(self, nodes: tuple[int, ...]) -> None:
        """All nodes run corosync at first, and form one ring when the first process joins."""
        self._running = set(nodes)
        self._cut: set[int] = set()
        self._frozen: set[int] = set()
        self._rings: dict[int, tuple[RingId, tuple[int, ...]]] = {}
        self._sequence = 1
        self._buses: dict[tuple[int, str], FakeBus] = {}
        "By node and process group."
        self._reform()

    # --- what happens to nodes ---

    def power_off(self, node: int) -> None:
        """The node is gone with all its processes."""
        self._forget(node)
        self._running.discard(node)
        self._reform()

    def power_on(self, node: int) -> None:
        """The node's corosync starts; no process of ours yet."""
        self._running.add(node)
        self._reform()

    def kill_agent(self, node: int) -> None:
        """The process dies, its node lives."""
        self._forget(node)
        self._tell(self._side(node))

    def kill_corosync(self, node: int) -> None:
        """The node's corosync dies: its processes lose the connection."""
        self._running.discard(node)
        for bus in self._on(node):
            bus.lose()
        self._reform()

    def start_corosync(self, node: int) -> None:
        """It runs again, and the processes join again by themselves."""
        self._running.add(node)
        self._reform()
        for bus in self._on(node):
            self.attach(bus)

    def cut(self, node: int) -> None:
        """No packet passes."""
        self._cut.add(node)
        self._reform()

    def heal(self, node: int) -> None:
        """Packets pass again."""
        self._cut.discard(node)
        self._reform()

    def freeze(self, node: int) -> None:
        """The node's corosync stands still and its processes hear nothing."""
        self._frozen.add(node)
        self._reform()

    def thaw(self, node: int) -> None:
        """It goes on: in its eyes the others left and came back, in one change of the ring."""
        self._frozen.discard(node)
        self._reform()

    # --- what the buses do ---

    def attach(self, bus: FakeBus) -> None:
        """A process wants in."""
        self._buses[bus.node, bus.group] = bus
        if bus.node in self._running:
            bus.joined = True
            self._tell(self._side(bus.node))

    def detach(self, bus: FakeBus) -> None:
        """A process leaves."""
        if self._buses.get((bus.node, bus.group)) is bus:
            self._part(bus)
            self._tell(self._side(bus.node))

    def multicast(self, sender: FakeBus, payload: bytes) -> None:
        """Deliver to every process of the sender's group on its side, itself included."""
        if sender.node in self._frozen:
            return
        for node in self._side(sender.node):
            bus = self._buses.get((node, sender.group))
            if bus is not None and bus.joined:
                bus.message(sender.node, payload)

    # --- rings ---

    def _on(self, node: int) -> list[FakeBus]:
        return [bus for (other, _), bus in self._buses.items() if other == node]

    def _forget(self, node: int) -> None:
        for bus in self._on(node):
            self._part(bus)

    def _part(self, bus: FakeBus) -> None:
        del self._buses[bus.node, bus.group]
        bus.joined = False
        bus.listener = None

    def _side(self, node: int) -> tuple[int, ...]:
        if node not in self._running:
            return ()
        if node in self._cut or node in self._frozen:
            return (node,)
        return tuple(sorted(n for n in self._running if n not in self._cut and n not in self._frozen))

    def _reform(self) -> None:
        """Give every side that changed a new ring, and tell it."""
        before = self._rings
        rings: dict[int, tuple[RingId, tuple[int, ...]]] = {}
        changed: list[tuple[int, ...]] = []
        for node in sorted(self._running):
            side = self._side(node)
            old = before.get(node)
            if node in self._frozen and old is not None:
                rings[node] = old  # it stands still and does not know
            elif any(before.get(n, (None, ()))[1] != side or before[n] != before[node] for n in side):
                if side not in changed:
                    self._sequence += 4
                    changed.append(side)
                rings[node] = (RingId(side[0], self._sequence), side)
            else:
                rings[node] = before[node]
        self._rings = rings
        for side in changed:
            for node in side:
                old_side = before.get(node, (None, ()))[1]
                others = [n for n in side if n != node and n in old_side and before.get(n) != before.get(node)]
                self._tell_without(node, tuple(others))
            self._tell(side)

    def _tell_without(self, node: int, others: tuple[int, ...]) -> None:
        """Those that are in the ring again, and were in another one meanwhile, are seen to leave first."""
        if not others:
            return
        ring, side = self._rings[node]
        nodes = tuple(n for n in side if n not in others)
        for bus in self._on(node):
            agents = tuple(n for n in self._agents(side, bus.group) if n not in others)
            bus.view(BusView(ring, agents, nodes))

    def _tell(self, side: tuple[int, ...]) -> None:
        for node in side:
            if node in self._frozen:
                continue
            ring, nodes = self._rings[node]
            for bus in self._on(node):
                bus.view(BusView(ring, self._agents(nodes, bus.group), nodes))

    def _agents(self, nodes: tuple[int, ...], group: str) -> tuple[int, ...]:
        return tuple(n for n in nodes if (n, group) in self._buses and self._buses[n, group].joined)

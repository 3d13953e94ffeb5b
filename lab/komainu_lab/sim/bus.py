"""A simulated totem: rings of machines, agreed delivery, virtual synchrony, and a process group on top.

What it promises is what corosync promises and no more: members that move together from one ring to the next have
delivered the same messages; a member that is lost may have delivered messages which the others never get, and the
other way round (agreed, not safe).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from komainu.agent.members.replica import View
from komainu.agent.members.wire import Message
from komainu_lab.sim.clock import MS, Clock


@dataclass
class Entry:
    """One place in the order of a ring: a message, or an agent that joined or went."""

    sender: str
    message: Message | None
    joined: int = 0
    "The number of the process that joined; 0 when it went."


@dataclass(eq=False)
class Ring:
    """One period of membership."""

    id: str
    nodes: tuple[str, ...]
    log: list[Entry] = field(default_factory=list)
    open: bool = True


@dataclass
class Port:
    """The bus as one machine has it."""

    name: str
    order: int
    side: int = 0
    deaf: tuple[str, ...] = ()
    "Whom it cannot hear: a cut in one direction."
    alive: bool = False
    "Powered, with a running corosync, not paused."
    ring: Ring | None = None
    received: int = 0
    arrival: int = 0
    waiting: list[Entry] = field(default_factory=list)
    process: int = 0
    attached: bool = False
    "An agent of this machine is in the process group."
    group: tuple[str, ...] = ()
    "The members of the process group as delivered here."
    inbox: deque[View | tuple[str, Message]] = field(default_factory=deque)
    wake: Callable[[], object] = bool
    "Called when something was put into the inbox."


class Bus:
    """All machines' ports, and the air between them."""

    def __init__(self, clock: Clock, rng: Random, nodes: tuple[str, ...], detect_ms: int) -> None:
        self.clock = clock
        self.rng = rng
        self.detect_ms = detect_ms
        self.ports = {name: Port(name, order) for order, name in enumerate(nodes)}
        self._generation = 0
        self._rings = 0

    # --- topology --------------------------------------------------------------------------------------------------

    def connected(self, a: str, b: str) -> bool:
        """True when the two can hear each other now."""
        one, two = self.ports[a], self.ports[b]
        # A token has to come round: who cannot be heard by the other is in no ring with it.
        return one.alive and two.alive and one.side == two.side and b not in one.deaf and a not in two.deaf

    def changed(self) -> None:
        """Machines or cables changed: rings that lost somebody stand still; new ones form after detection."""
        for port in self.ports.values():
            if port.ring is not None and not all(self._together(port, other, port.ring) for other in port.ring.nodes):
                port.ring.open = False
        self._generation += 1
        generation = self._generation
        delay = self.rng.randint(self.detect_ms // 2, self.detect_ms * 3 // 2)
        self.clock.after(delay * MS, lambda: self._reform(generation))

    def _known(self, ring: Ring, index: int, together: tuple[str, ...]) -> bool:
        """True when somebody of those who stay together has that message: then they all get it."""
        return ring.log[index].sender in together or any(self.ports[name].received > index for name in together)

    def _together(self, port: Port, other: str, ring: Ring) -> bool:
        return self.connected(port.name, other) and self.ports[other].ring is ring

    def crash(self, name: str) -> None:
        """The machine's corosync is gone, and all it had not delivered with it."""
        port = self.ports[name]
        if port.ring is not None:
            port.ring.open = False
        port.alive, port.ring, port.attached, port.group = False, None, False, ()
        port.waiting.clear()
        port.inbox.clear()

    def _reform(self, generation: int) -> None:
        if generation != self._generation:
            return
        seen: list[str] = []
        for name, port in self.ports.items():
            if port.alive and name not in seen:
                component = self._component(name, seen)
                seen.extend(component)
                rings = [self.ports[other].ring for other in component]
                if rings[0] is None or not rings[0].open or any(ring is not rings[0] for ring in rings):
                    self._form(component)

    def _component(self, first: str, seen: list[str]) -> tuple[str, ...]:
        """The machines that form a ring around the first one: all of them hear each other."""
        chosen = [first]
        for other in self.ports:
            if other not in seen and other != first and all(self.connected(other, each) for each in chosen):
                chosen.append(other)
        return tuple(name for name in self.ports if name in chosen)

    def _form(self, component: tuple[str, ...]) -> None:
        self._rings += 1
        new = Ring(f"{self.ports[component[0]].order + 1}-{self._rings}", component)
        olds: list[Ring] = []
        for name in component:
            ring = self.ports[name].ring
            if ring is not None and ring not in olds:
                olds.append(ring)
        for old in olds:
            old.open = False
            together = tuple(name for name in component if self.ports[name].ring is old)
            known = [self._known(old, index, together) for index in range(len(old.log))]
            for name in together:
                port = self.ports[name]
                for index in range(port.received, len(old.log)):
                    if known[index]:
                        self._receive(port, old, old.log[index])
                if together != old.nodes:
                    stayed = tuple(other for other in self.ports[name].group if other in together)
                    self._show(self.ports[name], new.id, stayed, together)
        agents = tuple(name for name in component if self.ports[name].attached)
        for name in component:
            port = self.ports[name]
            port.ring, port.received, port.arrival = new, 0, self.clock.now
            if agents != port.group or component != together_of(olds, name, component):
                self._show(port, new.id, agents, component)
        for name in component:
            self._flush(self.ports[name])

    # --- the process group -----------------------------------------------------------------------------------------

    def attach(self, name: str) -> None:
        """An agent joins the group."""
        port = self.ports[name]
        port.process += 1
        port.inbox.clear()
        self._put(port, Entry(name, None, joined=port.process))

    def detach(self, name: str) -> None:
        """The agent has left or died; the others hear of it in order."""
        port = self.ports[name]
        port.process += 1
        port.attached = False
        port.inbox.clear()
        self._put(port, Entry(name, None))

    def send(self, name: str, message: Message) -> None:
        """Multicast; lost with its sender unless somebody received it."""
        self._put(self.ports[name], Entry(name, message))

    def _put(self, port: Port, entry: Entry) -> None:
        if port.alive:
            port.waiting.append(entry)
            self.clock.after(self.rng.randint(100, 1_000), lambda: self._flush(port))

    def _flush(self, port: Port) -> None:
        ring = port.ring
        if port.alive and ring is not None and ring.open:
            waiting, port.waiting = port.waiting, []
            for entry in waiting:
                self._append(port, ring, entry)

    def _append(self, port: Port, ring: Ring, entry: Entry) -> None:
        if entry.joined:
            if entry.joined != port.process:
                return  # the process died before it had joined
            port.attached = True
        ring.log.append(entry)
        for name in ring.nodes:
            other = self.ports[name]
            late = self.rng.randint(100, 2_000) if self.rng.random() < 0.97 else self.rng.randint(2_000, 80_000)
            other.arrival = max(other.arrival, self.clock.now + (0 if other is port else late))
            self.clock.after(other.arrival - self.clock.now, partial(self._arrive, other, ring))

    def _arrive(self, port: Port, ring: Ring) -> None:
        if port.alive and port.ring is ring and ring.open and port.received < len(ring.log):
            port.received += 1
            self._receive(port, ring, ring.log[port.received - 1])

    def _receive(self, port: Port, ring: Ring, entry: Entry) -> None:
        if entry.message is not None:
            if port.attached and port.name in port.group:
                port.inbox.append((entry.sender, entry.message))
                port.wake()
            return
        members = tuple(name for name in port.group if name != entry.sender)
        if members != port.group:
            self._show(port, ring.id, members, ring.nodes)
        if entry.joined:
            grown = tuple(name for name in self.ports if name in members or name == entry.sender)
            self._show(port, ring.id, grown, ring.nodes)

    def _show(self, port: Port, ring: str, members: tuple[str, ...], nodes: tuple[str, ...]) -> None:
        port.group = members
        if port.attached and port.name in members:
            port.inbox.append(View(ring, members, nodes))
            port.wake()


def together_of(olds: list[Ring], name: str, component: tuple[str, ...]) -> tuple[str, ...]:
    """The nodes that an intermediate view has already shown to that node, if there was one."""
    for old in olds:
        if name in old.nodes:
            together = tuple(node for node in component if node in old.nodes)
            return together if together != old.nodes else ()
    return ()

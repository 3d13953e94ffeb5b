"""The bus: membership and total order."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from komainu.model.message import Said


@dataclass(frozen=True, slots=True)
class RingId:
    """The name of one period of membership; it never comes back."""

    representative: int
    sequence: int


@dataclass(frozen=True, slots=True)
class BusView:
    """Who is there, as the bus says it, at one place in the order."""

    ring: RingId
    agents: tuple[int, ...]
    "Ids of the nodes whose daemon is in the process group, ascending."
    nodes: tuple[int, ...]
    "Ids of the nodes in the ring, ascending; a node without a daemon is here and not in `agents`."


class BusListener(Protocol):
    """What the bus calls, in delivery order, never concurrently."""

    def on_view(self, view: BusView) -> None:
        """Membership changed.

        Two views in one turn, of one new ring, the first without a node and the second with it: that node is back from
        another ring, or this node is; either has lived through another history meanwhile.
        """

    def on_message(self, sender: int, payload: bytes) -> None:
        """A message was delivered, one's own among them. `sender` is the node id, proven by the bus."""

    def on_lost(self, reason: Said) -> None:
        """The connection to the bus is gone: nothing will be delivered until the next `on_view`."""


class Bus(Protocol):
    """Totally ordered multicast with membership (the real one is corosync's CPG).

    `send` returning says nothing about delivery: one's own `on_message` is the only proof.
    """

    async def start(self, listener: BusListener) -> None:
        """Connect, and keep connecting again after a loss, until `stop`."""

    def send(self, payload: bytes) -> None:
        """Queue a message; what cannot be sent at once is retried in order. Raises ValueError above 1,000,000 bytes.

        Before the first `on_view`, and from `on_lost` to the next one, it is dropped: propose again.
        """

    async def stop(self) -> None:
        """Leave the group (the others see a clean departure) and disconnect."""


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """One interconnect to one node, as the bus of this node sees it. For people: nothing is decided by it."""

    node: int
    link: int
    "Counted from 0."
    up: bool
    latency_us: int | None
    "Mean time to that node and back; None when it was not measured."


class Links(Protocol):
    """The interconnects below the bus."""

    async def read(self, links: Iterable[tuple[int, int]]) -> tuple[LinkSeen, ...] | None:
        """The links of those node ids and numbers, as far as there are such; None when nobody answers now.

        Takes a second at most.
        """

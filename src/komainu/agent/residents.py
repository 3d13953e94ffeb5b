"""The daemons of all nodes, members of the cluster or not: a process group of its own, beside the cluster's (ADR 0009).

A node that an operator has stopped has left the cluster's group and is here still. So it can be told to start, and it
can be told how the cluster stands. Nothing that is said here decides anything about groups or nodes: the core never
hears of it. While every node takes part, nothing is said at all.

A message is one JSON object in UTF-8: `{"v": protocol, "k": kind, "b": body}`.
"""

import asyncio
import itertools
import json
import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from pydantic import TypeAdapter, ValidationError

from komainu.agent.members import wire
from komainu.agent.parts import Parts
from komainu.model.config import Cluster
from komainu.model.message import Said
from komainu.ports import Bus, BusView

GROUP: Final = "komainu-residents"
PROTOCOL: Final = 1

_log = logging.getLogger(__name__)


class Stands(StrEnum):
    """How the daemon of a node stands to the cluster."""

    MEMBER = "member"
    "It takes part, or is about to."
    LEAVING = "leaving"
    "It stops its groups, and stays or ends after that."
    STOPPED = "stopped"
    "It has left the cluster and waits to be started."


class Started(StrEnum):
    """What became of the wish to start a node."""

    BEGUN = "begun"
    "It was stopped, and joins now."
    MEMBER = "member"
    "It took part already."
    LEAVING = "leaving"
    "It is about to stop; it can be started when it has."
    ABSENT = "absent"
    "Its daemon is not to be heard: it does not run, or its node is off or cut off."
    SILENT = "silent"
    "Its daemon is there and gave no answer in time; it may start yet."


@dataclass(frozen=True, slots=True)
class Standing:
    """This is how I stand."""

    stands: Stands


@dataclass(frozen=True, slots=True)
class Start:
    """Take part again."""

    id: str
    nodes: tuple[str, ...]
    by: str
    "The node where an operator asked for it."


@dataclass(frozen=True, slots=True)
class StartAnswer:
    """What the sender makes of a Start."""

    id: str
    started: Started


@dataclass(frozen=True, slots=True)
class Report:
    """How the cluster stands, as a member says it, for those who are no members."""

    packed: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration that holds, for those who are no members: their corosync is in the ring all the same (C11)."""

    packed: str


@dataclass(frozen=True, slots=True)
class VoteAsked:
    """What do you remember of the third vote, and does its store keep its promises as you reach it?"""

    id: str
    examine: bool
    "False: the store is not asked."


@dataclass(frozen=True, slots=True)
class VoteTold:
    """What the sender says to a VoteAsked."""

    id: str
    epoch: int
    "Of the newest vote record that it has ever seen."
    findings: tuple[Said, ...]
    "What is wrong with the store."
    took_ms: int
    "How long the examination took."


Message = Standing | Start | StartAnswer | Report | Configuration | VoteAsked | VoteTold

_KINDS: Final[dict[str, TypeAdapter[Any]]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (Standing, Start, StartAnswer, Report, Configuration, VoteAsked, VoteTold)
}


def encode(message: Message) -> bytes:
    """The bytes of a message."""
    kind = type(message).__name__
    body = _KINDS[kind].dump_python(message, mode="json")
    return json.dumps({"v": PROTOCOL, "k": kind, "b": body}, separators=(",", ":")).encode()


def decode(data: bytes) -> Message | None:
    """The message of those bytes; None for what this release cannot read."""
    try:
        frame = json.loads(data)
        if frame["v"] != PROTOCOL:
            return None
        message: Message = _KINDS[frame["k"]].validate_python(frame["b"])
    except (KeyError, TypeError, ValueError, ValidationError, RecursionError):
        return None
    return message


class House(Protocol):
    """The daemon, as its part in this group sees it."""

    parts: Parts

    def stands(self) -> Stands:
        """How it stands."""

    def begin(self, by: str) -> None:
        """It is stopped, and is to take part again."""

    def take_over(self, cluster: Cluster) -> None:
        """It is stopped, and this is the configuration that holds now."""

    def stirred(self) -> None:
        """Something changed that status shows."""


class Residents:
    """`komainu.ports.BusListener`: this node's part in the group, for the life of its daemon."""

    def __init__(self, me: str, name: str, cluster: Callable[[], Cluster], bus: Bus, house: House) -> None:
        """`name` makes the ids of wishes unique among daemons."""
        self._me = me
        self._name = name
        self._cluster = cluster
        self._bus = bus
        self._house = house
        self._numbers = itertools.count(1)
        self._present: tuple[str, ...] = ()
        self._known: dict[str, Stands] = {}
        self._report: tuple[str, dict[str, Any]] | None = None
        self._answers: dict[tuple[str, str], asyncio.Future[Started]] = {}
        self._votes: dict[tuple[str, str], asyncio.Future[VoteTold]] = {}
        self._looks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Join the group, and join it again after every loss, until `close`."""
        await self._bus.start(self)

    async def close(self) -> None:
        """Leave the group."""
        for look in tuple(self._looks):
            look.cancel()
        await self._bus.stop()

    # --- what is known ---------------------------------------------------------------------------------------------

    def stopped(self) -> tuple[str, ...]:
        """Nodes whose daemon is there and takes no part in the cluster, this one among them."""
        return tuple(node for node in self._present if self._stands(node) is Stands.STOPPED)

    def report(self) -> dict[str, Any] | None:
        """How the cluster stands, as a member that is still there last said it; None when there is no such word."""
        if self._report is not None and self._report[0] in self._present:
            return self._report[1] if self._stands(self._report[0]) is not Stands.STOPPED else None
        return None

    def _stands(self, node: str) -> Stands | None:
        return self._house.stands() if node == self._me else self._known.get(node)

    # --- what this node says ---------------------------------------------------------------------------------------

    def changed(self) -> None:
        """This daemon stands otherwise now."""
        if self._present:
            self._bus.send(encode(Standing(self._house.stands())))

    def tell(self, status: dict[str, Any]) -> None:
        """Tell those who are no members how the cluster stands."""
        parts = wire.pack(json.dumps(status, ensure_ascii=False).encode(errors="replace"))
        if len(parts) == 1:
            self._bus.send(encode(Report(parts[0])))
        else:
            _log.warning("the status of this cluster is too large to be told to stopped nodes")

    def tell_configuration(self, cluster: Cluster) -> None:
        """Tell those who are no members which configuration holds."""
        parts = wire.pack(cluster.model_dump_json().encode())
        if len(parts) == 1:
            self._bus.send(encode(Configuration(parts[0])))
        else:
            _log.warning("the configuration of this cluster is too large to be told to stopped nodes")

    async def start(self, nodes: tuple[str, ...], timeout_ms: int) -> dict[str, Started]:
        """Have these nodes take part again: what became of it, node by node, in time."""
        wish = f"{self._name}-{next(self._numbers)}"
        done = {node: Started.ABSENT for node in nodes if node != self._me and node not in self._present}
        asked = tuple(node for node in nodes if node not in done and node != self._me)
        loop = asyncio.get_running_loop()
        waiting = {node: loop.create_future() for node in asked}
        self._answers.update({(wish, node): future for node, future in waiting.items()})
        try:
            if asked:
                self._bus.send(encode(Start(wish, asked, self._me)))
                await asyncio.wait(waiting.values(), timeout=timeout_ms / 1000)
        finally:
            for node in asked:
                del self._answers[wish, node]
        done |= {node: each.result() if each.done() else Started.SILENT for node, each in waiting.items()}
        if self._me in nodes:
            # Without the bus, too: what keeps this node from the others is for its membership to find out.
            done[self._me] = self._take_up(self._me)
        return {node: done[node] for node in nodes}

    async def votes(self, timeout_ms: int, *, examine: bool) -> dict[str, VoteTold | None]:
        """What each configured node says of the third vote; None for one that did not answer in time."""
        asked = f"{self._name}-{next(self._numbers)}"
        nodes = [node.name for node in self._cluster().nodes]
        loop = asyncio.get_running_loop()
        waiting = {node: loop.create_future() for node in nodes if node != self._me and node in self._present}
        self._votes.update({(asked, node): future for node, future in waiting.items()})
        told: dict[str, VoteTold | None] = {}
        try:
            if waiting:
                self._bus.send(encode(VoteAsked(asked, examine)))
            async with asyncio.timeout(timeout_ms / 1000):
                told[self._me] = await self._look(asked, examine=examine)
                if waiting:
                    await asyncio.wait(waiting.values())
        except TimeoutError:
            _log.info("not every node has told what it knows of the vote within %d ms", timeout_ms)
        finally:
            for node in waiting:
                del self._votes[asked, node]
        told |= {node: future.result() for node, future in waiting.items() if future.done()}
        return {node: told.get(node) for node in nodes}

    # --- what the bus tells ----------------------------------------------------------------------------------------

    def on_view(self, view: BusView) -> None:
        """Who is there."""
        before = self._present
        self._present = tuple(node.name for node in self._cluster().nodes if node.id in view.agents)
        self._known = {node: stands for node, stands in self._known.items() if node in self._present}
        if any(node not in before for node in self._present):
            # Whoever is new does not know it, and this node may be who is new.
            self._bus.send(encode(Standing(self._house.stands())))
        self._house.stirred()

    def on_message(self, sender: int, payload: bytes) -> None:
        """Somebody said something."""
        node = next((node.name for node in self._cluster().nodes if node.id == sender), None)
        message = decode(payload)
        if node is None or message is None:
            _log.warning("a message of node id %d to the residents is not understood", sender)
            return
        match message:
            case Standing():
                self._known[node] = message.stands
                self._house.stirred()
            case Start() if self._me in message.nodes:
                self._bus.send(encode(StartAnswer(message.id, self._take_up(message.by))))
            case StartAnswer():
                future = self._answers.get((message.id, node))
                if future is not None and not future.done():
                    future.set_result(message.started)
            case VoteAsked() if node != self._me:
                task = asyncio.get_running_loop().create_task(self._tell_vote(message), name="look at the vote")
                self._looks.add(task)
                task.add_done_callback(self._looks.discard)
            case VoteTold():
                asked = self._votes.get((message.id, node))
                if asked is not None and not asked.done():
                    asked.set_result(message)
            case Report() if self._house.stands() is Stands.STOPPED:
                self._take_in(node, message)
            case Configuration() if self._house.stands() is Stands.STOPPED and node != self._me:
                self._take_over(node, message)

    def on_lost(self, reason: Said) -> None:
        """The bus is gone: nobody is to be heard."""
        self._present, self._known = (), {}
        self._house.stirred()

    def _take_up(self, by: str) -> Started:
        stands = self._house.stands()
        if stands is Stands.STOPPED:
            self._house.begin(by)
            return Started.BEGUN
        return Started.LEAVING if stands is Stands.LEAVING else Started.MEMBER

    async def _tell_vote(self, message: VoteAsked) -> None:
        self._bus.send(encode(await self._look(message.id, examine=message.examine)))

    async def _look(self, asked: str, *, examine: bool) -> VoteTold:
        loop, voting = asyncio.get_running_loop(), self._house.parts.voting
        began = loop.time()
        findings = await voting.examine(self._cluster()) if examine else ()
        return VoteTold(asked, voting.voter.claimant.epoch, findings, int((loop.time() - began) * 1000))

    def _take_in(self, node: str, message: Report) -> None:
        try:
            status = json.loads(wire.unpack((message.packed,)))
        except (ValueError, zlib.error) as error:  # not packed, not JSON
            _log.warning("the report of node %s cannot be read: %s", node, error)
            return
        self._report = (node, status)
        self._house.stirred()

    def _take_over(self, node: str, message: Configuration) -> None:
        try:
            cluster = Cluster.model_validate_json(wire.unpack((message.packed,)))
        except (ValueError, zlib.error) as error:  # not packed, or not understood by this release
            _log.warning("the configuration from node %s cannot be read: %s", node, error)
            return
        self._house.take_over(cluster)

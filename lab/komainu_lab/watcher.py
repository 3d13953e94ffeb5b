"""The outside watcher of a cluster whose nodes need a right to act: what each of them really does, every 10 ms.

Three kinds of effect are seen: who answers on the address that moves, who answers on the application's port at a node's
own address (both as the client sees them), and whose application writes, which no packet carries and no network stops.
Two nodes must never do so at once. An effect counts against a node only when it surely lies between two effects of
another one that has not paused meanwhile.
"""

import bisect
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from komainu_lab.client import PORT, Client, longest_gap
from komainu_lab.configuration import WRITES

if TYPE_CHECKING:
    from pathlib import Path

    from komainu_lab.cluster import LabCluster

MS = 1_000_000
PAUSE_NS = 500 * MS
"Who has no effect for so long is not taken to have had one meanwhile."
ADDRESS, PORTS, WRITING = "address", "port", "writes"


@dataclass(frozen=True, slots=True)
class Effect:
    """Something a node did, at some time between these two (CLOCK_BOOTTIME in ns)."""

    earliest_ns: int
    latest_ns: int


@dataclass(frozen=True, slots=True)
class Clash:
    """Effects of one node while another one had effects."""

    intruder: str
    active: str
    first_ns: int
    last_ns: int
    count: int

    @property
    def text(self) -> str:
        """In words."""
        length = (self.last_ns - self.first_ns) / MS
        return f"{self.intruder} {self.count} times within {length:.0f} ms while {self.active} was active"


def spans(effects: Sequence[Effect]) -> list[Effect]:
    """The times that a node surely was active without a pause: each from the end of its first effect to the beginning
    of its last one."""
    found: list[list[Effect]] = []
    for effect in sorted(effects, key=lambda each: each.latest_ns):
        if not found or effect.earliest_ns - found[-1][-1].latest_ns > PAUSE_NS:
            found.append([])
        found[-1].append(effect)
    return [Effect(each[0].latest_ns, each[-1].earliest_ns) for each in found]


def clashes(effects: Mapping[str, Sequence[Effect]]) -> list[Clash]:
    """What two nodes did at once."""
    found = []
    for active, intruder in itertools.permutations(sorted(effects), 2):
        known = sorted(effects[intruder], key=lambda each: each.earliest_ns)
        begins = [each.earliest_ns for each in known]
        for span in spans(effects[active]):
            late = known[bisect.bisect_right(begins, span.earliest_ns) : bisect.bisect_left(begins, span.latest_ns)]
            within = [each for each in late if each.latest_ns < span.latest_ns]
            if within:
                first, last = within[0].earliest_ns, max(each.latest_ns for each in within)
                found.append(Clash(intruder, active, first, last, len(within)))
    return found


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen in some time."""

    effects: Mapping[str, Mapping[str, Sequence[Effect]]]
    "By kind, then by node."
    longest_gap_ms: float | None
    "The longest time between two answers on the address; None: no answer came after it began."
    answered_by: tuple[str, ...]
    "On the address, each name once, in the order of the first answer."
    clashes: Mapping[str, Sequence[Clash]] = field(default_factory=dict)
    "By kind."

    def count(self, kind: str, node: str) -> int:
        """How many effects of a node."""
        return len(self.effects[kind].get(node, ()))

    def lines(self) -> list[str]:
        """All of it in words."""
        gap = "no answer at the end" if self.longest_gap_ms is None else f"{self.longest_gap_ms:.0f} ms"
        lines = [f"longest time without service: {gap}; answered by {', '.join(self.answered_by) or 'nobody'}"]
        for kind, by_node in self.effects.items():
            counts = ", ".join(f"{node} {len(effects)}" for node, effects in sorted(by_node.items()))
            lines.append(f"{kind}: {counts or 'nothing'}")
            lines += [f"  TWO AT ONCE: {clash.text}" for clash in self.clashes.get(kind, ())]
        return lines


class Watcher:
    """Watches one lab cluster from when it is started."""

    def __init__(self, cluster: "LabCluster") -> None:
        """The cluster has a client, and an application that writes."""
        self._cluster = cluster
        machine = cluster.lab.node(cluster.topology.client.name)
        self._ports = {
            node.name: Client(machine, str(node.address), PORT, service=f"prober-{node.name}")
            for node in cluster.topology.nodes
        }
        self._writes = {
            node.name: _Writes(cluster.lab.node(node.name).disk.path(WRITES)) for node in cluster.topology.nodes
        }

    def start(self) -> None:
        """Begin to look."""
        self._cluster.client.start()
        for client in self._ports.values():
            client.start()

    def see(self, since_ns: int, until_ns: int) -> Sight:
        """What happened in that time. What was sent in it has to be answered by now."""
        answers: dict[str, list[Effect]] = {}
        records = [each for each in self._cluster.client.records() if each.good]
        for each in sorted(records, key=lambda each: each.answered_ns):
            if since_ns <= each.sent_ns < until_ns:
                answers.setdefault(each.who, []).append(Effect(each.sent_ns, each.answered_ns))
        ports = {
            name: [Effect(each.sent_ns, each.answered_ns) for each in client.records() if each.good]
            for name, client in self._ports.items()
        }
        effects: dict[str, Mapping[str, Sequence[Effect]]] = {
            ADDRESS: answers,
            PORTS: _within(ports, since_ns, until_ns),
            WRITING: _within({name: each.effects() for name, each in self._writes.items()}, since_ns, until_ns),
        }
        gap = longest_gap(records, since_ns, until_ns)
        return Sight(
            effects=effects,
            longest_gap_ms=None if gap is None else gap.ms,
            answered_by=tuple(answers),
            clashes={kind: clashes(by_node) for kind, by_node in effects.items()},
        )


def _within(effects: Mapping[str, Iterable[Effect]], since_ns: int, until_ns: int) -> dict[str, Sequence[Effect]]:
    """Those of that time; nodes without any are left out."""
    chosen = {
        name: [each for each in of_node if since_ns <= each.earliest_ns < until_ns] for name, of_node in effects.items()
    }
    return {name: of_node for name, of_node in chosen.items() if of_node}


class _Writes:
    """What the application of one node wrote, read as it grows."""

    def __init__(self, path: "Path") -> None:
        self._path = path
        self._offset = 0
        self._effects: list[Effect] = []

    def effects(self) -> list[Effect]:
        """Everything since the beginning."""
        if self._path.exists():
            with self._path.open() as file:
                file.seek(self._offset)
                complete, newline, _ = file.read().rpartition("\n")
            self._offset += len(complete + newline)
            self._effects += [Effect(int(line), int(line)) for line in complete.split()]
        return self._effects

"""What the cluster knows: facts, pending actions among them, and nothing else.

The state is a value. Two members that absorbed the same events hold equal states, byte for byte in
`agent.members.snapshot`. Dictionaries are always built in the order of the configuration, so that the encoding is
canonical.

Members of different releases read each other's states (ADR 0010): what has its default is not written, and what is
written has to be known to the reader. So the default of a field, once released, is part of the format.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import ConfigDict

from komainu.model.actions import Action, RaiseAlert
from komainu.model.config import Cluster, Group
from komainu.model.copies import replace
from komainu.model.facts import (
    ADDED as ADDED,
    UNWATCHED as UNWATCHED,
    Change as Change,
    GroupFacts as GroupFacts,
    Hold as Hold,
    MonitorFacts as MonitorFacts,
    NodeFacts as NodeFacts,
    Noted as Noted,
    Suspension as Suspension,
    Vote as Vote,
    Watch as Watch,
)
from komainu.model.message import Said
from komainu.model.status import (
    Presence as Presence,
    Proof as Proof,
    Status as Status,
    Verdict as Verdict,
    Wanted as Wanted,
)

RULES = 2
"The version of the decisions in this package; see law 1 of the design."


@dataclass(frozen=True, slots=True)
class State:
    """Everything the members agree on."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    cluster: Cluster
    epoch: int = 0
    "Grows whenever a node is lost and whenever histories are put together."
    ring: str = ""
    won: int = 0
    "The newest epoch in which this history had the vote or was the majority: of two, the newer one goes on."
    floor_ms: int = 0
    "D before a change of the configuration, until all nodes were together for that long: a right of then may still be."
    undecided: bool = False
    "Cut off while a change of the third vote was being made: nobody here knows by which rules the others act."
    rules: int = 0
    "Under which everything was last settled."
    counter: int = 0
    "Numbers the actions within (epoch, ring)."
    formed: bool = False
    "All nodes came, or the startup sync wait is over (C9). Before that nothing starts."
    nodes: dict[str, NodeFacts] = field(default_factory=dict)
    groups: dict[str, GroupFacts] = field(default_factory=dict)
    monitors: dict[str, MonitorFacts] = field(default_factory=dict)
    maintenance: bool = False
    "The maintenance switch: nothing is recovered."
    change: Change | None = None
    vote: Vote | None = None
    "None: no member holds it."
    suspension: Suspension | None = None
    timers: dict[str, int] = field(default_factory=dict)
    "Armed timers and their length in milliseconds."
    notes: tuple[Action, ...] = ()
    "What the step at work has decided already; empty between steps."

    def with_node(self, name: str, facts: NodeFacts) -> "State":
        """The same state with other facts about one node."""
        return replace(self, nodes={**self.nodes, name: facts})

    def with_group(self, name: str, facts: GroupFacts) -> "State":
        """The same state with other facts about one group."""
        return replace(self, groups={**self.groups, name: facts})

    def with_hold(self, group: str, node: str, index: int, hold: Hold) -> "State":
        """The same state with another Hold."""
        facts = self.groups[group]
        holds = facts.holds[node]
        changed = (*holds[:index], hold, *holds[index + 1 :])
        return self.with_group(group, replace(facts, holds={**facts.holds, node: changed}))

    def monitor(self, name: str) -> MonitorFacts:
        """What is known of a monitor."""
        return self.monitors.get(name) or MonitorFacts()

    def with_monitor(self, name: str, facts: MonitorFacts) -> "State":
        """The same state with other facts about one monitor; what says nothing has no entry."""
        on = {node: facts.on[node] for node in sorted(facts.on) if facts.on[node] != UNWATCHED}
        changed = {**self.monitors, name: replace(facts, on=on)}
        if changed[name] == MonitorFacts():
            del changed[name]
        return replace(self, monitors=changed if name in self.monitors else dict(sorted(changed.items())))

    def with_watch(self, name: str, node: str, watch: Watch) -> "State":
        """The same state with other facts about a monitor on one node."""
        facts = self.monitor(name)
        return self.with_monitor(name, replace(facts, on={**facts.on, node: watch}))

    def numbered(self) -> "tuple[State, str]":
        """The same state with one more action counted, and the id of that action (law 9)."""
        number = self.counter + 1
        return replace(self, counter=number), f"{self.epoch}.{self.ring}.{number}"

    def doing(self, *actions: Action) -> "State":
        """The same state with further actions to be taken in this step."""
        return replace(self, notes=(*self.notes, *actions))

    def noting(self, *said: Said) -> "State":
        """The same state with further alerts to raise at the end of the step."""
        return self.doing(*(RaiseAlert(each) for each in said))

    def members(self) -> tuple[str, ...]:
        """The members in the order of the configuration."""
        return tuple(name for name, facts in self.nodes.items() if facts.presence is Presence.MEMBER)


@dataclass(frozen=True, slots=True)
class Marks:
    """What a node remembers on disk of the state of the cluster, besides epoch and configuration."""

    maintenance: bool = False
    "The maintenance switch was on."
    suspended: Noted = Noted.NOT
    "The whole cluster was suspended, or about to be, and it knows of no end of that."
    undecided: bool = False
    "Another third vote may be in force elsewhere."


NO_MARKS = Marks()


def marks(state: State) -> Marks:
    """What is to be remembered of that state."""
    noted = state.suspension.holds(state.nodes) if state.suspension is not None else Noted.NOT
    return Marks(state.maintenance, noted, state.undecided)


def initial(cluster: Cluster, epoch: int = 0, marks: Marks = NO_MARKS) -> State:
    """The state of a node that knows its configuration, and what it remembers, and nothing else."""
    groups = {group.name: unknown(group) for group in cluster.groups}
    nodes = {node.name: NodeFacts(rules=RULES, suspended=marks.suspended is not Noted.NOT) for node in cluster.nodes}
    # Whoever does not know that all had noted it is bound by its right until it has met the others again.
    known = {Noted.IN_FORCE: Suspension("", True, tuple(nodes)), Noted.BEGUN: Suspension("", False)}
    return State(
        cluster,
        epoch=epoch,
        nodes=nodes,
        groups=groups,
        maintenance=marks.maintenance,
        suspension=known.get(marks.suspended) if cluster.arbitration.limited else None,
        undecided=marks.undecided,
    )


def unknown(group: Group) -> GroupFacts:
    """A group of which nobody knows anything yet."""
    wanted = Wanted.UP if group.start == "auto" else Wanted.IDLE
    return GroupFacts(wanted, holds={node: tuple(Hold() for _ in group.resources) for node in group.nodes})

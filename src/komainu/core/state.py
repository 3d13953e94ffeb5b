"""What the cluster knows: facts, pending actions among them, and nothing else.

The state is a value. Two members that absorbed the same events hold equal states, byte for byte in `agent.snapshot`.
Dictionaries are always built in the order of the configuration, so that the encoding is canonical.

Members of different releases read each other's states (ADR 0010): what has its default is not written, and what is
written has to be known to the reader. So the default of a field, once released, is part of the format.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import ConfigDict

from komainu.model.actions import Action, Ending, RaiseAlert
from komainu.model.config import Cluster, Group
from komainu.model.copies import replace
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
class NodeFacts:
    """One node."""

    presence: Presence = Presence.UNSEEN
    incarnation: str = ""
    rules: int = 1
    "The newest that its release knows. The default is the same in all releases, as every default here (ADR 0010)."
    proof: Proof | None = None
    probed: bool = False
    probe: str = ""
    "The id of the probe under way."
    fence: str = ""
    "The id of the attempt under way to fence this node."
    fence_by: str = ""
    "Who tries it, or tried it last."
    fence_wait: str = ""
    "The timer after which fencing is tried again."
    leaving: bool = False
    then: Ending = "end"
    "What comes after it has left."
    forced: bool = False
    "It leaves because of a final action (C7): if it cannot stop everything it is ended without that."
    dismissed: bool = False
    "Told that it may leave."
    ended: bool = False
    "Told to end at once: it may be gone at any moment, and is not proven gone by that."
    suspended: bool = False
    "Nothing is checked, started or stopped here (C10)."
    powerless: bool = False
    "Its right to act has ended, or is about to: everything stops here and nothing starts (N2)."

    @property
    def proven_gone(self) -> bool:
        """True when it surely runs nothing: that it is assumed is no proof."""
        return self.presence is Presence.GONE and self.proof is not Proof.ASSUMED


ADDED = NodeFacts(Presence.GONE, proof=Proof.ADDED)
"A node that the configuration did not have before."


@dataclass(frozen=True, slots=True)
class Hold:
    """One resource on one node."""

    status: Status = Status.UNKNOWN
    action: str = ""
    "The id of the start or stop under way."
    run: str = ""
    "The id of the start or probe by which it runs."
    epoch: int = 0
    "The epoch in which it was started."
    found: bool = False
    "It runs because a probe found it, not because this history started it: placement has yet to judge it."
    wait: str = ""
    "The timer after which a start or stop with unknown result is tried again."
    start_failures: int = 0
    stop_failures: int = 0
    restarts: int = 0
    outdated: bool = False
    "It runs under a configuration that is about to be replaced: it has to be stopped first (C11)."
    said: Said | None = None
    "Why it is not as it should be."


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """One group."""

    wanted: Wanted
    home: str | None = None
    "The node where it runs or should run."
    since: int = 0
    "The epoch of the takeover by which it is there: on a merge of two actives the newer one stays."
    barred: tuple[str, ...] = ()
    "Nodes on which it failed; not chosen again until an operator, a return or time clears them."
    failovers: int = 0
    "Failovers for failed resources since the counters last began."
    recent: tuple[str, ...] = ()
    "Timers of the failovers that still count against `failover_limit` (C8)."
    given_up: bool = False
    "Recovery is at its end: what failed stays failed, what depends on it is not started (C4)."
    parked: tuple[str, ...] = ()
    "Resources that an operator or a final action has stopped; what depends on them is stopped too."
    ordered: bool = False
    "An operator asked for it while the maintenance switch was on."
    overdue: tuple[str, ...] = ()
    "Groups that were waited for long enough."
    because: tuple[Said, ...] = ()
    "Why it is wanted or not, and why there."
    hindrance: Said | None = None
    "Why it may not start at its home now."
    holds: dict[str, tuple[Hold, ...]] = field(default_factory=dict)
    "Per startable node, one Hold per resource, in the order of starting."


@dataclass(frozen=True, slots=True)
class Watch:
    """A monitor of its own on one node."""

    round: str = ""
    "The id under which it checks now; empty: it does not. A new round begins after every step of recovery."
    verdict: Verdict | None = None
    "None: nothing was found yet in this round."
    said: Said | None = None
    recovering: bool = False
    "A step of recovery is under way: no check counts before its target is at rest again."
    restarts: int = 0
    "Reactivations asked for since the counters last began."
    script: str = ""
    "The id of the pre-recovery script under way."
    scripted: bool = False
    "The script has run for the next step of recovery."
    ended: bool = False
    "Its final action was taken."
    held: bool = False
    "Its final action is held back for as long as it would end the last service."


UNWATCHED = Watch()
"A monitor that does not check there and remembers nothing."


@dataclass(frozen=True, slots=True)
class MonitorFacts:
    """One monitor. It has an entry only while there is something to say of it."""

    suspended: tuple[str, ...] = ()
    "Nodes on which an operator does not want it to check."
    simulated: tuple[str, ...] = ()
    "Nodes on which it is to find an error: verification mode (C10)."
    failovers: int = 0
    "Failovers it asked for since the counters last began."
    on: dict[str, Watch] = field(default_factory=dict)
    "Per node on which it checks or has something to remember; none for a resource's own."


@dataclass(frozen=True, slots=True)
class Vote:
    """The third vote, as a member holds it."""

    node: str
    ring: str
    "The view in which it was won: it counts in no other."
    epoch: int
    "Of the record."
    waited: bool
    "No other node has had a right since it was won, or the wait for that is over."
    wait_ms: int
    "How long that wait is."


@dataclass(frozen=True, slots=True)
class Suspension:
    """The whole cluster is suspended, or is about to be, or to be no more."""

    id: str
    on: bool
    "False: it is to be resumed."
    noted: tuple[str, ...] = ()
    "Nodes that have written it down; when resuming, nodes that are bound by their right again."


@dataclass(frozen=True, slots=True)
class Change:
    """A configuration that is to hold, and is not yet in force (C11)."""

    id: str
    origin: str
    "The node that asked."
    command: str
    "The id of the command, which is answered when it is in force or refused."
    cluster: Cluster
    who: str
    why: str
    agreed: tuple[str, ...] = ()
    "Members that found it right and wrote it down."


@dataclass(frozen=True, slots=True)
class State:
    """Everything the members agree on."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    cluster: Cluster
    epoch: int = 0
    "Grows whenever a node is lost and whenever histories are put together."
    ring: str = ""
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


def initial(cluster: Cluster, epoch: int = 0, maintenance: bool = False, suspended: bool = False) -> State:
    """The state of a node that knows its configuration and nothing else.

    `epoch`: the highest it remembers; `maintenance`: as it remembers the switch;
    `suspended`: it has noted that the cluster is suspended, and does not know of any end of that.
    """
    groups = {group.name: unknown(group) for group in cluster.groups}
    nodes = {node.name: NodeFacts(rules=RULES, suspended=suspended) for node in cluster.nodes}
    suspension = Suspension("", True, tuple(nodes)) if suspended else None
    return State(cluster, epoch=epoch, nodes=nodes, groups=groups, maintenance=maintenance, suspension=suspension)


def unknown(group: Group) -> GroupFacts:
    """A group of which nobody knows anything yet."""
    wanted = Wanted.UP if group.start == "auto" else Wanted.IDLE
    return GroupFacts(wanted, holds={node: tuple(Hold() for _ in group.resources) for node in group.nodes})

"""Everything that can have happened. Every member of the cluster delivers the same events in the same order."""

from dataclasses import dataclass
from typing import Literal

from komainu.model.config import Cluster
from komainu.model.message import Said
from komainu.model.outcome import Outcome, Result


@dataclass(frozen=True, slots=True)
class ViewChanged:
    """Membership changed: who is there now."""

    ring: str
    members: tuple[str, ...]
    "Nodes whose daemon is in the group, in the order of the configuration."
    nodes: tuple[str, ...]
    "Nodes in the ring; one that is here and not in `members` lives without a daemon (law 5)."


@dataclass(frozen=True, slots=True)
class Member:
    """One member as it presented itself when states were put together."""

    node: str
    incarnation: str
    rules: int
    epoch: int
    continuing: bool
    "True when it came from the same history as the state that goes on: then nothing of it has to be probed."
    leaving: bool = False
    "Its daemon was asked to end. That is never taken back: whoever saw it leave may rely on it (N1)."


@dataclass(frozen=True, slots=True)
class MembersSynced:
    """All members of the view now hold the same state; it was the state of `source`."""

    ring: str
    source: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class AgentSilent:
    """A member's daemon has not been heard for three beats though its node is in the ring."""

    node: str
    incarnation: str
    "As the accuser knew it, for the journal; one that just joined knows none."


@dataclass(frozen=True, slots=True)
class ActionFinished:
    """A start, stop or fence came to an end on the node that carried it out."""

    action: str
    node: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Found:
    """What a probe found of one resource."""

    group: str
    resource: str
    result: Result
    "SUCCEEDED: it runs; FAILED: it surely does not; UNKNOWN."
    epoch: int
    "The epoch in which it was started, as the node remembers it; 0 when it does not."


@dataclass(frozen=True, slots=True)
class NodeProbed:
    """A node told what really runs on it (law 8)."""

    action: str
    node: str
    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class MonitorChanged:
    """The check of a running resource changed its verdict, or the resource told of its own failure."""

    node: str
    group: str
    resource: str
    run: str
    "The id under which it runs: a verdict about an earlier run means nothing."
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class MonitorJudged:
    """A monitor of its own (no resource's) changed its verdict on a node."""

    node: str
    monitor: str
    round: str
    "The round of checks in which it was found: a verdict of an earlier round means nothing."
    outcome: Outcome
    "SUCCEEDED: normal, or Caution when it says something; FAILED: Error; UNKNOWN: nobody can say (N4)."


@dataclass(frozen=True, slots=True)
class ConfigurationJudged:
    """A member looked at a proposed configuration (C11)."""

    change: str
    "The id of JudgeConfiguration."
    node: str
    refusals: tuple[Said, ...]
    "Why it cannot hold on that node; none when it can, and is safely written there."


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer that the state had armed has run out."""

    timer: str


@dataclass(frozen=True, slots=True)
class NodeLeaving:
    """The daemon of a node was asked to end: its groups have to go before it does."""

    node: str
    incarnation: str


@dataclass(frozen=True, slots=True)
class MoveGroup:
    """Run the group on that node, or on the best other node when none is named."""

    group: str
    to: str | None
    verb: Literal["move-group"] = "move-group"


@dataclass(frozen=True, slots=True)
class StartGroup:
    """Start the group, on the named node or on the best one."""

    group: str
    on: str | None
    verb: Literal["start-group"] = "start-group"


@dataclass(frozen=True, slots=True)
class StopGroup:
    """Stop the group and leave it stopped."""

    group: str
    verb: Literal["stop-group"] = "stop-group"


@dataclass(frozen=True, slots=True)
class RestoreGroup:
    """Count the failures of the group anew and try again what recovery gave up (C8)."""

    group: str
    verb: Literal["restore-group"] = "restore-group"


@dataclass(frozen=True, slots=True)
class StartPart:
    """Start one resource of a group where the group is, and what it depends on."""

    group: str
    resource: str
    verb: Literal["start-resource"] = "start-resource"


@dataclass(frozen=True, slots=True)
class StopPart:
    """Stop one resource of a group, and what depends on it; the rest of the group goes on."""

    group: str
    resource: str
    verb: Literal["stop-resource"] = "stop-resource"


@dataclass(frozen=True, slots=True)
class SuspendMonitor:
    """Do not check on the node, or on any."""

    monitor: str
    "A resource's own monitor, too."
    node: str | None
    verb: Literal["suspend-monitor"] = "suspend-monitor"


@dataclass(frozen=True, slots=True)
class ResumeMonitor:
    """Check again."""

    monitor: str
    node: str | None
    verb: Literal["resume-monitor"] = "resume-monitor"


@dataclass(frozen=True, slots=True)
class SimulateFailure:
    """Verification mode: from now on the monitor finds an error on the node, or on all; or no longer."""

    monitor: str
    node: str | None
    on: bool
    verb: Literal["simulate-failure"] = "simulate-failure"


@dataclass(frozen=True, slots=True)
class SuspendNode:
    """Nothing is checked, recovered, started or stopped on the node, or in the whole cluster (C10)."""

    node: str | None
    verb: Literal["suspend"] = "suspend"


@dataclass(frozen=True, slots=True)
class ResumeNode:
    """The end of SuspendNode."""

    node: str | None
    verb: Literal["resume"] = "resume"


@dataclass(frozen=True, slots=True)
class StopNode:
    """Stop the groups of the node, or of all nodes, and take it out of the cluster; then go on as `then` says (C10)."""

    node: str | None
    then: Literal["stop", "shutdown", "reboot"]
    verb: Literal["stop-node"] = "stop-node"


@dataclass(frozen=True, slots=True)
class SetMaintenance:
    """The maintenance switch: while it is on nothing is recovered; checks go on and show what they find."""

    on: bool
    verb: Literal["maintenance"] = "maintenance"


@dataclass(frozen=True, slots=True)
class ChangeConfiguration:
    """Put another configuration in force on all members, or on none (C11)."""

    cluster: Cluster
    "Its version is one higher than that of the configuration it was made from."
    who: str
    why: str
    verb: Literal["change-configuration"] = "change-configuration"


@dataclass(frozen=True, slots=True)
class ConfirmGone:
    """The operator's word: that node is powered off and will not come back unseen."""

    node: str
    epoch: int
    "The epoch of the state in which the operator saw the node lost: a word that arrives late means nothing."
    verb: Literal["confirm-gone"] = "confirm-gone"


Command = (
    MoveGroup
    | StartGroup
    | StopGroup
    | RestoreGroup
    | StartPart
    | StopPart
    | SuspendMonitor
    | ResumeMonitor
    | SimulateFailure
    | SuspendNode
    | ResumeNode
    | StopNode
    | SetMaintenance
    | ChangeConfiguration
    | ConfirmGone
)


@dataclass(frozen=True, slots=True)
class CommandGiven:
    """An operator's request; the core accepts or refuses it."""

    id: str
    origin: str
    "The node that asked, and that gets the answer."
    command: Command


Event = (
    ViewChanged
    | MembersSynced
    | AgentSilent
    | ActionFinished
    | NodeProbed
    | MonitorChanged
    | MonitorJudged
    | ConfigurationJudged
    | TimerFired
    | NodeLeaving
    | CommandGiven
)

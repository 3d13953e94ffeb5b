"""What an operator can ask for (C10). The core accepts or refuses it."""

from dataclasses import dataclass
from typing import Literal

from komainu.model.config import Cluster


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
    text: str = ""
    "The file it was made from, to be kept beside it."
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


def subject(command: Command) -> str:
    """What a command is about."""
    match command:
        case StartPart() | StopPart():
            return f"{command.group}/{command.resource}"
        case SuspendMonitor() | ResumeMonitor() | SimulateFailure():
            return command.monitor
        case ConfirmGone() | SuspendNode() | ResumeNode() | StopNode():
            return command.node or "*"
        case SetMaintenance():
            return "on" if command.on else "off"
        case ChangeConfiguration():
            return f"{command.cluster.version}"
        case _:
            return command.group

"""Everything that can be asked. Every member computes the same actions; each carries out those addressed to it."""

from dataclasses import dataclass
from typing import Literal

from komainu.model.config import Cluster
from komainu.model.message import Said

Ending = Literal["end", "stop", "shutdown", "reboot"]
"""What comes after a node has left: see LeaveCluster."""


@dataclass(frozen=True, slots=True)
class StartResource:
    """Bring a resource into effect on a node."""

    id: str
    node: str
    group: str
    resource: str
    epoch: int
    "To be remembered with the running resource: on a merge of two actives the newer takeover stays."
    because: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class StopResource:
    """Take a resource out of effect on a node."""

    id: str
    node: str
    group: str
    resource: str
    because: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeNode:
    """Find out what really runs on a node."""

    id: str
    node: str
    because: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class FenceNode:
    """Make sure that another node is gone."""

    id: str
    node: str
    "Who does it."
    target: str
    because: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class RunScript:
    """Run the pre-recovery script of a monitor (C6); its end is told as ActionFinished, recovery goes on after it."""

    id: str
    node: str
    monitor: str
    because: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class EndNode:
    """End this machine now, whatever still runs on it (C7). It has no outcome: the others see the node go."""

    id: str
    node: str
    how: Literal["shutdown", "reboot", "panic", "reset"]
    "An orderly shutdown or reboot that hangs ends in a reset by the watchdog."
    because: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class JudgeConfiguration:
    """Look whether a configuration can hold on this node and write it down; answer ConfigurationJudged (C11)."""

    id: str
    node: str
    cluster: Cluster
    origin: str = ""
    "Where it was asked for; this and what follows is for the history."
    who: str = ""
    why: str = ""
    text: str = ""
    "The file it was made from."


@dataclass(frozen=True, slots=True)
class LeaveCluster:
    """Nothing runs here any more: the daemon may leave."""

    node: str
    then: Ending = "end"
    "`end`: the daemon ends. `stop`: it stays as manager. Otherwise the operating system goes down as well."


@dataclass(frozen=True, slots=True)
class ArmTimer:
    """Every member arms it; the member of rank n proposes TimerFired at the deadline plus n x 300 ms (law 9)."""

    timer: str
    after_ms: int


@dataclass(frozen=True, slots=True)
class AnswerCommand:
    """Tell the node that asked whether its command was accepted."""

    id: str
    node: str
    accepted: bool
    said: Said


@dataclass(frozen=True, slots=True)
class RaiseAlert:
    """Tell the administrator; every member journals it."""

    said: Said
    detail: str = ""


Action = (
    StartResource
    | StopResource
    | ProbeNode
    | FenceNode
    | RunScript
    | EndNode
    | JudgeConfiguration
    | LeaveCluster
    | ArmTimer
    | AnswerCommand
    | RaiseAlert
)

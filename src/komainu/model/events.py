"""Everything that can have happened. Every member of the cluster delivers the same events in the same order."""

from dataclasses import dataclass

from komainu.model.actions import Ending
from komainu.model.commands import Command
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
    "It was asked to leave. That is never taken back: whoever saw it leave may rely on it (N1)."
    then: Ending = "end"
    noted: bool = False
    "Its disk has a suspension of the whole cluster: it starts nothing, also after a crash (C10)."


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
class VoteWon:
    """A node's claim is written: it holds the vote, and may act alone (N3)."""

    node: str
    ring: str
    "The view in which it claimed: in another one the claim means nothing, however late its success is learned."
    epoch: int
    "Of the record."
    waited: bool
    "The record that the claim replaced had been unchanged for D: whatever right another node had has ended."
    wait_ms: int
    "D, as the record and this node have it: how long another node may still have a right."


@dataclass(frozen=True, slots=True)
class VoteLost:
    """Another node has the vote that this one held, or nobody knows any more."""

    node: str
    ring: str
    said: Said


@dataclass(frozen=True, slots=True)
class RightEnding:
    """A node's right to act is about to end: it has just time enough for a soft stop (N2)."""

    node: str
    incarnation: str
    said: Said


@dataclass(frozen=True, slots=True)
class RightRegained:
    """The node may act again."""

    node: str
    incarnation: str


@dataclass(frozen=True, slots=True)
class SuspensionNoted:
    """A node has durably noted that the cluster is suspended; or, when it is resumed, is bound by its right again."""

    node: str
    suspension: str
    "The id of the suspension."


@dataclass(frozen=True, slots=True)
class NodeLeaving:
    """The daemon of a node was asked to end: its groups have to go before it does."""

    node: str
    incarnation: str


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
    | VoteWon
    | VoteLost
    | RightEnding
    | RightRegained
    | SuspensionNoted
    | NodeLeaving
    | CommandGiven
)

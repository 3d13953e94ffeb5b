"""The shapes of answers: what a program may rest on. Pages and other clients are built from them."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """An answer has these keys, and no others."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class SaidAnswer(Answer):
    """A message in both languages."""

    code: str
    level: str
    en: str
    ja: str


class ArbitrationAnswer(Answer):
    """How it is decided that a lost node is gone (N3, N5)."""

    kind: str
    strength: str
    "`weakest`, `weak` or `strong`."
    statement: list[SaidAnswer]
    rests_on: str
    """What the right to act rests on now: `together` (all nodes are there), `word` (an operator said of all missing
    nodes that they are gone), `vote`, `majority`, or `nothing`."""
    right_ms: int | None
    "How long a right lasts (E); None where rights are not limited."
    wait_ms: int | None
    "How long it is waited until the right of a missing node has surely ended (D)."
    voter: str | None
    "The node that holds the vote, as the members agree."
    way_out: list[SaidAnswer]
    "What ends the wait of those who have no right, or would when they need one."


class SuspensionAnswer(Answer):
    """The suspension of the whole cluster, where rights are limited (C10)."""

    on: bool
    "False: it is being ended."
    in_force: bool
    "No node needs a right, and nothing starts anywhere."
    awaited: list[str]
    "Nodes that have not noted it yet."


class VoteAnswer(Answer):
    """The vote record, as the answering node last saw it."""

    owner: str | None
    mode: str | None
    "`alone`: the owner acts without the others. `together`: nobody does."
    epoch: int | None
    known_for_ms: int | None
    "For how long owner, mode and epoch have been known so."
    trouble: SaidAnswer | None
    "What keeps this node from the vote."


class ChangeAnswer(Answer):
    """A configuration that is being applied (C11)."""

    version: int
    who: str
    why: str
    origin: str
    "The node where it was asked for."
    agreed: list[str]
    awaited: list[str]
    "Members that have not judged it yet."


class ClusterAnswer(Answer):
    """The cluster as a whole."""

    name: str
    version: int
    "Of the configuration."
    environment: str
    language: str
    detect_within_ms: int
    formed: bool
    "All nodes came, or the startup sync wait is over (C9)."
    epoch: int
    rules: int
    "By these the members decide: the newest that all of them know; 0 before the first decision."
    maintenance: bool
    "The maintenance switch: while it is on nothing is recovered (C10)."
    suspended: bool
    "Every member is suspended."
    suspension: SuspensionAnswer | None
    change: ChangeAnswer | None
    arbitration: ArbitrationAnswer


class LinkAnswer(Answer):
    """The heartbeat to another node over one interconnect, as the answering node sees it."""

    node: str
    link: int
    "Counted from 1, in order of priority."
    address: str
    state: str
    "`up`, `down` or `unknown`."
    latency_us: int | None
    "To that node and back, on the average."


class IsolationAnswer(Answer):
    """What ends the effects of a node when its right ends."""

    trouble: SaidAnswer | None
    "Why the kernel cannot cut it off from the network; None: it can."
    reset_by: SaidAnswer
    "What would reset it in place of komainud, and how surely."


class HereAnswer(Answer):
    """The node that answers."""

    node: str
    version: str
    pid: int
    incarnation: str
    standing: str
    "`connected`, `waiting` or `alone`."
    synced: bool
    beat_interval_ms: int
    beat_round_trip_ms: int
    "How long the last beat took to come back from the cluster."
    api_calls: dict[str, int]
    "Calls to the cloud since the daemon started."
    api_calls_in_last_minute: int
    "Calls to the cloud in the last minute, all together."
    heartbeat: list[LinkAnswer]
    isolation: IsolationAnswer | None
    "What ends the effects of this node with its right; None while it needs none."
    right_left_ms: int | None
    "How long its right to act still lasts; None where it needs none."
    vote: VoteAnswer | None


class NodeAnswer(Answer):
    """One node."""

    name: str
    id: int
    links: list[str]
    status: str
    "Online, Offline, Online Pending, Offline Pending, Caution or Unknown (C12)."
    why: SaidAnswer | None
    presence: str
    proof: str | None
    "Why it counts as gone."
    suspended: bool
    powerless: bool
    "Its right to act has ended, or is about to: nothing is started there."
    leaving: bool
    then: str | None
    "What comes after it has left: `end`, `stop`, `shutdown` or `reboot`; None while it is not leaving."
    incarnation: str
    rules: int | None
    "The newest that the release knows with which it took part last; None while it never did."


class MonitorAnswer(Answer):
    """A resource's own check."""

    name: str
    status: str
    "Normal, Caution, Error, Suspend, Unused or Unknown (C12)."
    why: SaidAnswer | None


class ReadyAnswer(Answer):
    """Whether a resource could be started on the node that answers."""

    result: str
    why: SaidAnswer | None
    detail: str


class LeftAnswer(Answer):
    """How much of a resource's recovery is left before its final action (C4, C8)."""

    starts: int
    "Attempts to start it."
    restarts: int
    failovers: int


class ResourceAnswer(Answer):
    """One resource."""

    name: str
    type: str
    label: str
    "What people know it by, such as its address; empty where it cannot run on the node that answers."
    status: str
    "Online, Offline, Online Pending, Offline Pending, Online Failure or Offline Failure (C12)."
    node: str | None
    why: SaidAnswer | None
    exclusive: bool
    depends_on: list[str]
    start_failures: int
    restarts: int
    left: LeftAnswer
    monitor: MonitorAnswer
    ready_here: ReadyAnswer | None
    "None when it runs on the node that answers, or is not known."


class GroupAnswer(Answer):
    """One group."""

    name: str
    status: str
    "As of a resource."
    node: str | None
    "Where it is, or should be."
    why: SaidAnswer | None
    nodes: list[str]
    "Where it may run, best first."
    wanted: str
    exclusive: bool
    failovers: int
    "For failed resources and monitors, since the counters last began."
    failovers_counted: int
    "Those that still count against `failover_limit` (C8)."
    failover_limit: int
    given_up: bool
    "Recovery is at its end."
    parked: list[str]
    "Resources that were stopped by themselves."
    barred: list[str]
    "Nodes on which it failed."
    hindrance: SaidAnswer | None
    "Why it may not start now."
    because: list[SaidAnswer]
    "Why it is where it is."
    may_run_on: list[str]
    "Nodes on which it is not known to be stopped."
    resources: list[ResourceAnswer]


class MonitorOnAnswer(Answer):
    """A monitor on one node."""

    node: str
    status: str
    why: SaidAnswer | None
    restarts_left: int
    suspended: bool
    "An operator wants no checks there."
    simulated: bool
    "Verification mode: it is to find an error there (C10)."


class MonitorStatusAnswer(Answer):
    """A monitor: a resource's own, or one of its own."""

    name: str
    type: str
    "Of the resource, when it is a resource's own."
    status: str
    "The worst of all nodes: Normal, Caution, Error, Suspend, Unused or Unknown (C12)."
    node: str | None
    "Where it is so."
    why: SaidAnswer | None
    group: str | None
    "Whose own it is, with `resource`."
    resource: str | None
    watches: str | None
    "What has to be active where it checks; None: it checks always."
    recovers: str
    "The target of its recovery."
    restarts: int
    failovers: int
    failovers_left: int
    final_action: str
    on: list[MonitorOnAnswer]


class PendingAnswer(Answer):
    """An action under way."""

    action: str
    id: str
    text: SaidAnswer
    since: str | None
    "When it was decided, as far as the answering node remembers."
    node: str
    group: str | None
    resource: str | None
    monitor: str | None
    target: str | None


class TimerAnswer(Answer):
    """A wait."""

    timer: str
    text: SaidAnswer
    "What happens when it is over."
    after_ms: int
    "The whole of it."
    left_ms: int | None
    "What is left, by the clock of the answering node."
    node: str | None
    group: str | None
    resource: str | None
    monitor: str | None


class StatusAnswer(Answer):
    """The whole cluster as the answering node sees it."""

    cluster: ClusterAnswer
    here: HereAnswer
    nodes: list[NodeAnswer]
    groups: list[GroupAnswer]
    monitors: list[MonitorStatusAnswer]
    pending: list[PendingAnswer]
    timers: list[TimerAnswer]


class ObjectAnswer(Answer):
    """One object of the cluster, with what is under way and waited for around it. One of the four is there."""

    kind: str
    "`node`, `group`, `resource` or `monitor`."
    node: NodeAnswer | None
    group: GroupAnswer | None
    "The group itself, or that of the resource."
    resource: ResourceAnswer | None
    monitor: MonitorStatusAnswer | None
    monitors: list[MonitorStatusAnswer]
    "On a node, of a group, of a resource."
    pending: list[PendingAnswer]
    timers: list[TimerAnswer]
    maintenance: bool
    suspended: bool


class ObjectsAnswer(Answer):
    """All objects of one name."""

    objects: list[ObjectAnswer]


class MonitorsAnswer(Answer):
    """All monitors."""

    maintenance: bool
    suspended: bool
    monitors: list[MonitorStatusAnswer]


class NodesAnswer(Answer):
    """All nodes, and the epoch in which they were seen so."""

    epoch: int
    nodes: list[NodeAnswer]


class ForeseenAnswer(Answer):
    """An action that would be taken."""

    action: str
    id: str
    text: SaidAnswer
    node: str
    group: str | None
    resource: str | None
    monitor: str | None
    target: str | None
    because: list[SaidAnswer]


class MomentAnswer(Answer):
    """One step of a course."""

    at_ms: int
    "Configured waits since the beginning; what starts and stops take comes on top."
    event: str
    text: SaidAnswer
    assumed: bool
    "An outcome that was assumed, or a timer; otherwise it is what was asked."
    actions: list[ForeseenAnswer]
    alerts: list[SaidAnswer]
    changes: list[dict[str, Any]]
    "As in the journal."


class StandingAnswer(Answer):
    """How a node or a group stands."""

    status: str
    node: str | None
    why: SaidAnswer | None


class BecomesAnswer(Answer):
    """What becomes of a node or a group."""

    name: str
    before: StandingAnswer | None
    after: StandingAnswer


class CourseAnswer(Answer):
    """All that would follow, up to rest."""

    accepted: bool | None
    "Of a command: whether the core would accept it. None for anything else."
    said: SaidAnswer | None
    complete: bool
    "False when it did not come to rest, and is told as far as it went."
    moments: list[MomentAnswer]
    nodes: list[BecomesAnswer]
    groups: list[BecomesAnswer]


class CommandAnswer(Answer):
    """Whether the cluster accepted a command."""

    accepted: bool
    "Also when all was already as it was asked for; `said` says so."
    said: SaidAnswer
    course: CourseAnswer | None = None
    "Of a dry run: nothing was changed."


class SettlingAnswer(Answer):
    """One object on its way."""

    kind: str
    "`node`, `group` or `resource`."
    name: str
    status: str
    node: str | None
    why: SaidAnswer | None


class SettleAnswer(Answer):
    """How far it is with what was asked for."""

    reached: bool
    settled: bool
    "Nothing more is to be waited for: it is done, or it failed, or it waits for somebody."
    waits: bool
    "It waits for something that may never come: `why` says what to do."
    why: SaidAnswer | None
    objects: list[SettlingAnswer]


class ConfigAnswer(Answer):
    """The configuration that holds."""

    version: int
    cluster: dict[str, Any]

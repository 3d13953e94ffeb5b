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
    arbitration: ArbitrationAnswer


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
    incarnation: str


class MonitorAnswer(Answer):
    """A resource's own check."""

    name: str
    status: str
    "Normal, Caution, Error, Unused or Unknown (C12)."
    why: SaidAnswer | None


class ReadyAnswer(Answer):
    """Whether a resource could be started on the node that answers."""

    result: str
    why: SaidAnswer | None
    detail: str


class ResourceAnswer(Answer):
    """One resource."""

    name: str
    type: str
    status: str
    "Online, Offline, Online Pending, Offline Pending, Online Failure or Offline Failure (C12)."
    node: str | None
    why: SaidAnswer | None
    exclusive: bool
    start_failures: int
    restarts: int
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
    barred: list[str]
    "Nodes on which it failed."
    hindrance: SaidAnswer | None
    "Why it may not start now."
    because: list[SaidAnswer]
    "Why it is where it is."
    may_run_on: list[str]
    "Nodes on which it is not known to be stopped."
    resources: list[ResourceAnswer]


class StatusAnswer(Answer):
    """The whole cluster as the answering node sees it."""

    cluster: ClusterAnswer
    here: HereAnswer
    nodes: list[NodeAnswer]
    groups: list[GroupAnswer]


class NodesAnswer(Answer):
    """All nodes, and the epoch in which they were seen so."""

    epoch: int
    nodes: list[NodeAnswer]


class CommandAnswer(Answer):
    """Whether the cluster accepted a command."""

    accepted: bool
    said: SaidAnswer


class ExplainedAnswer(Answer):
    """One action, why it was taken, and what became of it."""

    at: str
    boottime_ms: int
    seq: int
    action: str
    id: str
    node: str
    group: str | None
    resource: str | None
    target: str | None
    because: list[SaidAnswer]
    result: str | None
    "None while it is under way."
    said: SaidAnswer | None
    detail: str
    took_ms: int | None


class ExplainAnswer(Answer):
    """The safety statement and the last actions."""

    statement: list[SaidAnswer]
    actions: list[ExplainedAnswer]


class EntryAnswer(BaseModel):
    """One entry of the journal."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)

    seq: int
    at: str
    boottime_ms: int
    monotonic_ns: int
    node: str
    "Who recorded it."
    alerts: list[dict[str, str]]
    changes: list[dict[str, Any]]
    "Status words that changed: what, name, before, now, node."


class ConfigAnswer(Answer):
    """The configuration that holds."""

    version: int
    cluster: dict[str, Any]

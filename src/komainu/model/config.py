"""The configuration of a cluster: the one representation of it, complete, with every default filled in.

`komainu.config.read` makes it from YAML and knows the defaults of each resource type; from then on nobody has to ask
a type what a timeout would have been. It is frozen: a change is a new `Cluster` with a higher version (C11).
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from komainu.model.message import Language
from komainu.model.names import Name
from komainu.model.traits import Environment

ArbitrationKind = Literal["none", "operator", "fence"]


class Part(BaseModel):
    """A part of the configuration: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Node(Part):
    """A cluster server (C1)."""

    name: Name
    id: int = Field(ge=1, le=65_535)
    "Corosync's node id; by default the node's place in the list, counted from 1."
    links: tuple[str, ...] = Field(min_length=1, max_length=8)
    "The node's addresses on the interconnects, in order of priority."


class Recovery(Part):
    """What happens when a resource fails (C4, C6)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    start_retries: int = Field(
        default=1, ge=0, le=99, json_schema_extra={"description_ja": "活性に失敗したとき、同じノードで再試行する回数。"}
    )
    "Further attempts on the same node after a failed start."
    restarts: int = Field(
        default=3,
        ge=0,
        le=99,
        json_schema_extra={"description_ja": "活性中の異常を検出したとき、同じノードで再活性する回数。"},
    )
    "Reactivations on the same node after a check found the running resource in error."
    failovers: int = Field(
        default=1,
        ge=0,
        le=99,
        json_schema_extra={"description_ja": "再活性で直らないときにグループを移す回数。その後は停止のままにする。"},
    )
    "Failovers of the group after those; then the group stays stopped."
    reset_after_ms: int = Field(
        default=60_000, ge=1, json_schema_extra={"description_ja": "正常な状態がこの時間続くと、回数を数え直す。"}
    )
    "The counters begin again after the resource was normal for so long."


class Resource(Part):
    """A part of a group: an address, a disk, an application (C4, C5)."""

    name: Name
    type: Name
    exclusive: bool
    "Never on two nodes at once (N1)."
    params: dict[str, Any]
    "What the type asks for, common to all nodes."
    per_node: dict[Name, dict[str, Any]] = {}
    "What differs on a node; overrides `params` key by key (C5)."
    start_timeout_ms: int = Field(ge=1)
    stop_timeout_ms: int = Field(ge=1)
    check_interval_ms: int = Field(ge=100)
    check_timeout_ms: int = Field(ge=1)
    check_retries: int = Field(default=0, ge=0)
    "Further checks that must fail as well before the resource counts as failed."
    prepare_interval_ms: int = Field(ge=100)
    recovery: Recovery = Recovery()

    def params_on(self, node: str) -> dict[str, Any]:
        """The parameters that hold on one node: the common part overridden by the node's own (C5)."""
        return {**self.params, **self.per_node.get(node, {})}


class Group(Part):
    """A failover group: the unit that moves (C3)."""

    name: Name
    nodes: tuple[Name, ...]
    "The nodes where it may start, best first. The reader writes all nodes here when the file says none."
    start: Literal["auto", "manual"] = "auto"
    failover: Literal["auto", "manual"] = "auto"
    resources: tuple[Resource, ...]
    "In the order of starting; they stop in reverse."

    @property
    def exclusive(self) -> bool:
        """True when it contains an exclusive resource: then it may wait for proof that a lost node is gone (N1)."""
        return any(resource.exclusive for resource in self.resources)


class Arbitration(Part):
    """How it is decided that a lost node is gone (N3; design of the takeover law in docs/decisions)."""

    kind: ArbitrationKind
    fence_retry_ms: int = Field(default=5_000, ge=1)


class Aws(Part):
    """What all AWS types share."""

    region: str


class Cluster(Part):
    """The whole configuration."""

    name: Name
    version: int = Field(default=1, ge=1)
    environment: Environment
    language: Language = "en"
    aws: Aws | None = None
    detect_within_ms: int = Field(ge=200, le=120_000)
    "A node that is dead or cut off is noticed within this time; every cluster timer is derived from it."
    startup_sync_wait_ms: int = Field(default=300_000, ge=0)
    "How long a starting node waits for the others before it goes on without them (C9)."
    agent_return_ms: int = Field(default=10_000, ge=1)
    "How long a node whose daemon died, but whose corosync lives, is left alone."
    arbitration: Arbitration
    nodes: tuple[Node, ...] = Field(min_length=1, max_length=32)
    groups: tuple[Group, ...] = ()

    def node(self, name: str) -> Node:
        """The node of that name. Raises KeyError when there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def group(self, name: str) -> Group:
        """The group of that name. Raises KeyError when there is none."""
        for group in self.groups:
            if group.name == name:
                return group
        raise KeyError(name)

"""The configuration of a cluster: the one representation of it, complete, with every default filled in.

`komainu.config.read` makes it from YAML and knows the defaults of each resource type; from then on nobody has to ask
a type what a timeout would have been. It is frozen: a change is a new `Cluster` with a higher version (C11).
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from komainu.model.message import Language, Level
from komainu.model.names import Name
from komainu.model.traits import Environment

ArbitrationKind = Literal["none", "operator", "lease", "majority"]

FinalAction = Literal["none", "stop-resource", "stop-group", "stop-service", "shutdown", "reboot", "panic", "reset"]
"""What is done when recovery is at its end (C7); `panic` and `reset` go through sysrq and spare nothing."""


class Part(BaseModel):
    """A part of the configuration: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy without what was computed from the fields, which may be others now."""
        copy = super().model_copy(update=update, deep=deep)
        for name in [name for name in copy.__dict__ if name not in type(copy).model_fields]:
            del copy.__dict__[name]
        return copy


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
    start_failovers: int = Field(
        default=1,
        ge=0,
        le=99,
        json_schema_extra={"description_ja": "再試行しても活性できないときにグループを移す回数。"},
    )
    "Failovers of the group after those."
    start_final_action: FinalAction = Field(
        default="none",
        json_schema_extra={"description_ja": "その後の最終動作。`none` では依存するリソースも起動しない。"},
    )
    "What is done after those; with `none` what depends on the resource is not started."
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
        json_schema_extra={"description_ja": "再活性で直らないときにグループを移す回数。"},
    )
    "Failovers of the group after those."
    final_action: FinalAction = Field(
        default="none", json_schema_extra={"description_ja": "その後の最終動作。`none` では異常のまま残す。"}
    )
    "What is done after those; with `none` it stays failed."
    reset_after_ms: int = Field(
        default=60_000, ge=1, json_schema_extra={"description_ja": "正常な状態がこの時間続くと、回数を数え直す。"}
    )
    "The counters begin again after the resource was normal for so long (C8)."
    stop_retries: int = Field(
        default=0, ge=0, le=99, json_schema_extra={"description_ja": "非活性に失敗したとき、再試行する回数。"}
    )
    "Further attempts after a failed stop."
    stop_final_action: FinalAction = Field(
        default="shutdown",
        json_schema_extra={"description_ja": "それでも停止できないときの最終動作。`none` では停止を試み続ける。"},
    )
    "What is done when it does not stop; with `none` the stop is tried again for ever."


class Scripts(Part):
    """Scripts around the start and the stop of a resource."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    before_start: str = Field(
        default="", json_schema_extra={"description_ja": "活性の前に実行するスクリプト。失敗すると活性も失敗とする。"}
    )
    "Run before a start; when it fails, the start has failed."
    after_start: str = Field(default="", json_schema_extra={"description_ja": "活性の後に実行するスクリプト。"})
    "Run after a successful start; its failure is told and changes nothing."
    before_stop: str = Field(default="", json_schema_extra={"description_ja": "非活性の前に実行するスクリプト。"})
    "Run before a stop; its failure is told and changes nothing."
    after_stop: str = Field(default="", json_schema_extra={"description_ja": "非活性の後に実行するスクリプト。"})
    "Run after a successful stop; its failure is told and changes nothing."
    timeout_ms: int = Field(default=30_000, ge=1, json_schema_extra={"description_ja": "各スクリプトのタイムアウト。"})
    "Time for each of them; it is not part of the resource's own start and stop timeouts."


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
    depends_on: tuple[Name, ...] = ()
    "Resources of the same group that must run before it starts and that stop after it (C4). The reader fills it in."
    monitor: str = ""
    "The name of its own monitor: `awsvipw1` of `awsvip1` (V3)."
    scripts: Scripts = Scripts()

    def params_on(self, node: str) -> dict[str, Any]:
        """The parameters that hold on one node: the common part overridden by the node's own (C5)."""
        return {**self.params, **self.per_node.get(node, {})}


class GroupDependency(Part):
    """One group starts after another and stops before it (C3)."""

    group: Name
    "The one that has to be online first."
    same_node: bool = False
    "Only on the node where the other one is; it follows when that one moves."
    start_wait_ms: int = Field(default=1_800_000, ge=1)
    "How long a start waits for the other group to be online; then it counts as failed."
    stop_wait_ms: int = Field(default=1_800_000, ge=1)
    "How long the other group waits for this one to stop; then it stops all the same."


class Group(Part):
    """A failover group: the unit that moves (C3)."""

    name: Name
    nodes: tuple[Name, ...]
    "The nodes where it may start, best first. The reader writes all nodes here when the file says none."
    start: Literal["auto", "manual"] = "auto"
    failover: Literal["auto", "manual"] = "auto"
    failback: Literal["manual", "auto"] = "manual"
    failback_after_ms: int = Field(default=60_000, ge=1)
    "Stickiness: a better node must have been there, in order, for so long before the group goes back to it."
    destination: Literal["priority", "healthiest"] = "priority"
    "Whether a failover goes to the first usable node or to the one with the fewest monitors not normal."
    failover_limit: int = Field(default=6, ge=1, le=99)
    "Failovers for failed resources and monitors within `failover_window_ms`, whatever the counters say (C8)."
    failover_window_ms: int = Field(default=3_600_000, ge=1)
    depends_on: tuple[GroupDependency, ...] = ()
    resources: tuple[Resource, ...]
    "In an order that fits their dependencies: each after all that it depends on."

    @cached_property
    def exclusive(self) -> bool:
        """True when it contains an exclusive resource: then it may wait for proof that a lost node is gone (N1)."""
        return any(resource.exclusive for resource in self.resources)

    @cached_property
    def needs(self) -> tuple[tuple[int, ...], ...]:
        """Per resource, the places in `resources` of those that it depends on."""
        places = {resource.name: place for place, resource in enumerate(self.resources)}
        return tuple(tuple(places[name] for name in resource.depends_on) for resource in self.resources)

    @cached_property
    def needed_by(self) -> tuple[tuple[int, ...], ...]:
        """Per resource, the places in `resources` of those that depend on it."""
        every = range(len(self.resources))
        return tuple(tuple(other for other in every if place in self.needs[other]) for place in every)


class Target(Part):
    """What a monitor watches, or what is recovered when it finds an error (C6)."""

    kind: Literal["resource", "group", "all-groups", "node"]
    "`all-groups`: every group that is on the node of the monitor. `node`: that node itself (LocalServer)."
    group: Name | Literal[""] = ""
    resource: Name | Literal[""] = ""


class MonitorRecovery(Part):
    """What happens when a monitor finds an error: reactivations, then failovers, then the final action (C6)."""

    target: Target
    script: str = ""
    "Run on the monitor's node before every step of recovery; empty for none."
    script_timeout_ms: int = Field(default=30_000, ge=1)
    restarts: int = Field(default=3, ge=0, le=99)
    "Reactivations of the target; none of a node."
    failovers: int = Field(default=1, ge=0, le=99)
    "Failovers of the target's group after those; none of a node."
    final_action: FinalAction = "none"
    reset_after_ms: int = Field(default=60_000, ge=1)
    "The counters begin again after the monitor was normal for so long (C8)."


class Monitor(Part):
    """A check of its own, beside the checks that resources bring with them (C6)."""

    name: Name
    type: Name
    nodes: tuple[Name, ...]
    "The nodes that run it."
    watches: Target | None = None
    "It runs while this resource or group is active on the node; None: always."
    params: dict[str, Any]
    per_node: dict[Name, dict[str, Any]] = {}
    first_wait_ms: int = Field(ge=0)
    "Before the first check, and before the first one after a recovery."
    interval_ms: int = Field(ge=100)
    timeout_ms: int = Field(ge=1)
    retries: int = Field(ge=0, le=99)
    "Further checks that must fail as well before it is in error."
    recovery: MonitorRecovery
    np: bool = False
    "It serves network partition resolution: its final action is never held back (C7)."

    def params_on(self, node: str) -> dict[str, Any]:
        """The parameters that hold on one node: the common part overridden by the node's own (C5)."""
        return {**self.params, **self.per_node.get(node, {})}


class Exclusion(Part):
    """Groups that avoid each other (C3)."""

    name: Name
    kind: Literal["normal", "absolute"]
    "`normal`: a group goes rather to a node without another of them. `absolute`: two of them never share a node."
    groups: tuple[Name, ...] = Field(min_length=2)


class Lease(Part):
    """The third vote of two nodes: one record in a store that both can reach (N3)."""

    type: Name
    "`lease_s3`, `lease_dynamodb`, `lease_http`."
    params: dict[str, Any]
    "What the type asks for, the same on every node: two stores would be two votes."


class Fence(Part):
    """How another node is made sure to be gone (N3). Nobody is fenced before the vote or the majority is won."""

    type: Name
    "`ec2_stop`."
    params: dict[str, Any]
    per_node: dict[Name, dict[str, Any]] = {}
    "How the node of that name is to be fenced; overrides `params` key by key."
    timeout_ms: int = Field(default=180_000, ge=1)
    retry_ms: int = Field(default=5_000, ge=1)

    def params_of(self, target: str) -> dict[str, Any]:
        """The parameters for fencing one node."""
        return {**self.params, **self.per_node.get(target, {})}


class Arbitration(Part):
    """How it is decided that a lost node is gone (N3), and how long a node may act without the others (N2)."""

    kind: ArbitrationKind
    lease: Lease | None = None
    "The store of the vote, for kind `lease`."
    fence: Fence | None = None
    "Whichever proves first: the fence, or the time."
    right_ms: int = Field(default=0, ge=0)
    "E: how long a right to act lasts, from the sending of what renews it; 0 where no right is asked for."
    wait_ms: int = Field(default=0, ge=0)
    "D: how long the others wait before they take it that a right has ended. Longer than E by all clock error."
    stop_grace_ms: int = Field(default=500, ge=1)
    "Time for the soft stop, at the end of the right."
    store_timeout_ms: int = Field(default=1_000, ge=1)
    "Time for one call to the store."
    head_start_ms: int = Field(default=300, ge=0)
    "A node on which nothing runs leaves the claim to the other one for so long."

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_releases(cls, values: Any) -> Any:
        """Journals and states of releases that could not fence have a field for it that means nothing."""
        if isinstance(values, dict) and "fence_retry_ms" in values:
            return {key: value for key, value in values.items() if key != "fence_retry_ms"}
        return values

    @property
    def limited(self) -> bool:
        """True when every node needs a right to act, which ends by itself."""
        return self.kind in ("lease", "majority")


class Notification(Part):
    """Where alerts are sent besides the alert log (W5)."""

    name: Name
    kind: Name
    level: Level = "error"
    "From this level on."
    params: dict[str, Any]
    "What the kind asks for."


LEAST_CALLS_PER_MINUTE, MOST_CALLS_PER_MINUTE = 5, 600
"""Below, not even one address could be watched; above, nothing would be limited."""


class Aws(Part):
    """What all AWS types share."""

    region: str | None = None
    "None: where the credentials come from says it."
    calls_per_minute: int = Field(default=30, ge=LEAST_CALLS_PER_MINUTE, le=MOST_CALLS_PER_MINUTE)
    "What monitors and preparations of one node may ask of the EC2 API; a takeover asks beyond it."


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
    end_timeout_ms: int = Field(default=120_000, ge=1)
    "How long a node that has to end may take to stop everything; then it is reset (C7)."
    arbitration: Arbitration
    nodes: tuple[Node, ...] = Field(min_length=1, max_length=32)
    groups: tuple[Group, ...] = ()
    monitors: tuple[Monitor, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    notifications: tuple[Notification, ...] = ()

    def node(self, name: str) -> Node:
        """The node of that name. Raises KeyError when there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def group(self, name: str) -> Group:
        """The group of that name. Raises KeyError when there is none."""
        return self._groups[name]

    @cached_property
    def dependants(self) -> dict[str, tuple[Group, ...]]:
        """Per group, those that depend on it; groups without any are left out."""
        found: dict[str, tuple[Group, ...]] = {}
        for group in self.groups:
            for needed in group.depends_on:
                found[needed.group] = (*found.get(needed.group, ()), group)
        return found

    @cached_property
    def related(self) -> dict[str, tuple[str, ...]]:
        """Per group, the groups whose course can depend on it: by dependencies and by exclusions."""
        found: dict[str, tuple[str, ...]] = {}
        for group in self.groups:
            for needed in group.depends_on:
                found[needed.group] = (*found.get(needed.group, ()), group.name)
                found[group.name] = (*found.get(group.name, ()), needed.group)
        for rule in self.exclusions:
            for name in rule.groups:
                found[name] = (*found.get(name, ()), *(other for other in rule.groups if other != name))
        return found

    @cached_property
    def _groups(self) -> dict[str, Group]:
        return {group.name: group for group in self.groups}

    def monitor(self, name: str) -> Monitor:
        """The monitor of that name; a resource's own is no part of it. Raises KeyError when there is none."""
        for monitor in self.monitors:
            if monitor.name == name:
                return monitor
        raise KeyError(name)

    def nodes_of_monitor(self, name: str) -> tuple[str, ...]:
        """The nodes that run the monitor of that name, which may be a resource's own; none when there is none."""
        own = (group for group in self.groups if any(resource.monitor == name for resource in group.resources))
        found = next((monitor for monitor in self.monitors if monitor.name == name), None) or next(own, None)
        return found.nodes if found is not None else ()

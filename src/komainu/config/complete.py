"""From the values of a file to a `Cluster`, with every default filled in.

It works on values that were not found right as well: what cannot be used becomes empty (a name `""`, no links), so
that the rules can judge the rest and every error is named at once. Such a cluster never leaves `komainu.config`.
"""

from functools import partial
from typing import Any

from pydantic import BaseModel

from komainu.config import dependencies, network_partition
from komainu.config.arbitration import KINDS, shortest_right_ms, shortest_wait_ms
from komainu.config.declared import Declared
from komainu.config.shape import (
    DETECT_WITHIN_MS,
    MOST_GROUPS,
    MOST_MONITORS,
    MOST_RESOURCES,
    PRESETS,
    ClusterSection,
    GroupEntry,
)
from komainu.config.shape_beside import MOST_EXCLUDED
from komainu.model.config import (
    Arbitration,
    Aws,
    Cluster,
    Exclusion,
    Fence,
    Group,
    GroupDependency,
    Lease,
    Monitor,
    MonitorRecovery,
    Node,
    Notification,
    Recovery,
    Resource,
    Scripts,
    Target,
)
from komainu.model.traits import Traits
from komainu.ports import MonitorTraits

_TIMES = (
    "start_timeout_ms",
    "stop_timeout_ms",
    "check_interval_ms",
    "check_timeout_ms",
    "prepare_interval_ms",
)
_UNKNOWN_TYPE = Traits(exclusive=False)
"""Stands for the facts of a type that does not exist; the resource is in error anyway."""
_UNKNOWN_MONITOR_TYPE = MonitorTraits()
_NODE_ITSELF = Target(kind="node")
_ALL_GROUPS = Target(kind="all-groups")


def complete(data: Any, declared: Declared, version: int) -> Cluster:
    """The cluster those values describe, with resources in the order of the file.

    It is not validated: the caller does that once nothing else is wrong, and brings the resources into their order.
    """
    file = _section(data)
    section = _section(file.get("cluster"))
    nodes = tuple(_node(number, _section(entry)) for number, entry in enumerate(_list(file.get("nodes")), start=1))
    names = tuple(dict.fromkeys(node.name for node in nodes if node.name))
    environment: Any = _word(section.get("environment"))
    aws = section.get("aws")
    detect_within_ms = _detect_within_ms(section, environment)
    groups = tuple(_group(_section(entry), names, declared) for entry in _list(file.get("groups"))[:MOST_GROUPS])
    monitors = _list(file.get("monitors"))[:MOST_MONITORS]
    return Cluster.model_construct(
        name=_word(section.get("name")),
        version=version,
        environment=environment,
        language=section.get("language", "en"),
        aws=_aws(_section(aws)) if aws is not None else None,
        detect_within_ms=detect_within_ms,
        startup_sync_wait_ms=_number_or_default(section, "startup_sync_wait_ms"),
        agent_return_ms=_number_or_default(section, "agent_return_ms"),
        end_timeout_ms=_number_or_default(section, "end_timeout_ms"),
        arbitration=_arbitration(section.get("arbitration"), detect_within_ms, _needs_watchdog(groups, declared)),
        nodes=nodes,
        groups=groups,
        monitors=(
            *(_monitor(_section(entry), names, groups, declared) for entry in monitors),
            *network_partition.monitors(section.get("np"), names),
        ),
        exclusions=tuple(_exclusion(_section(entry)) for entry in _list(file.get("exclusions"))[:MOST_GROUPS]),
        notifications=tuple(_notification(_section(entry)) for entry in _list(file.get("notifications"))),
    )


def ordered(cluster: Cluster) -> Cluster:
    """The same cluster with the resources of each group in an order that fits their dependencies; no circles there."""
    groups = tuple(
        group.model_copy(update={"resources": dependencies.in_order(group.resources)}) for group in cluster.groups
    )
    return cluster.model_copy(update={"groups": groups})


def _detect_within_ms(section: dict[str, Any], environment: str) -> int:
    written = _number(section.get("detect_within_ms"))
    if written is not None:
        return written
    preset = section.get("preset")
    if isinstance(preset, str) and preset in PRESETS:
        return PRESETS[preset]
    return DETECT_WITHIN_MS["onprem"] if environment == "onprem" else DETECT_WITHIN_MS["aws"]


def _aws(section: dict[str, Any]) -> Aws:
    calls = _number(section.get("calls_per_minute"))
    default: int = Aws.model_fields["calls_per_minute"].default
    return Aws.model_construct(
        region=_word(section.get("region")) or None, calls_per_minute=default if calls is None else calls
    )


def _number_or_default(section: dict[str, Any], key: str) -> int:
    written = _number(section.get(key))
    default: int = ClusterSection.model_fields[key].default
    return default if written is None else written


_ARBITRATION_TIMES = ("right_ms", "wait_ms", "stop_grace_ms", "store_timeout_ms", "head_start_ms")


def _needs_watchdog(groups: tuple[Group, ...], declared: Declared) -> bool:
    """True when something is configured that must not run twice and that nothing less than a reset surely ends."""
    kinds = (declared.resources.get(each.type) for group in groups for each in group.resources if each.exclusive)
    return any(kind is not None and kind.traits.ended_by == "reset" for kind in kinds)


def _arbitration(written: Any, detect_within_ms: int, by_watchdog: bool) -> Arbitration:
    """With the right and the wait that follow from the other times, where they are needed and not written."""
    section = {"kind": written} if isinstance(written, str) else _section(written)
    kind: Any = section.get("kind")
    if kind not in KINDS or written == "lease":
        # As a word `lease` names no store, which was said already.
        kind = ""
    numbers: dict[str, Any] = {key: _number(section.get(key)) for key in _ARBITRATION_TIMES}
    found = Arbitration.model_construct(
        kind=kind,
        lease=_lease(section.get("lease")),
        fence=_fence(section.get("fence")),
        **{key: number for key, number in numbers.items() if number is not None},
    )
    if not found.limited:
        return found
    if numbers["right_ms"] is None:
        found = found.model_copy(update={"right_ms": shortest_right_ms(found, detect_within_ms)})
    if numbers["wait_ms"] is None:
        found = found.model_copy(update={"wait_ms": shortest_wait_ms(found.right_ms, by_watchdog=by_watchdog)})
    return found


def _lease(written: Any) -> Lease | None:
    if written is None:
        return None
    section = _section(written)
    return Lease.model_construct(type=_word(section.get("type")), params=_section(section.get("params")))


def _fence(written: Any) -> Fence | None:
    if written is None:
        return None
    section = _section(written)
    waits: dict[str, Any] = {
        key: number for key in ("timeout_ms", "retry_ms") if (number := _number(section.get(key))) is not None
    }
    return Fence.model_construct(
        type=_word(section.get("type")),
        params=_section(section.get("params")),
        per_node={node: _section(own) for node, own in _section(section.get("per_node")).items()},
        **waits,
    )


def _node(number: int, entry: dict[str, Any]) -> Node:
    return Node.model_construct(
        name=_word(entry.get("name")),
        id=_number(entry.get("id", number)) or 0,
        links=tuple(_word(link) for link in _list(entry.get("links"))),
    )


_GROUP_WORDS = ("start", "failover", "failback", "destination")
_GROUP_NUMBERS = ("failback_after_ms", "failover_limit", "failover_window_ms")


def _group(entry: dict[str, Any], all_nodes: tuple[str, ...], declared: Declared) -> Group:
    nodes = entry.get("nodes")
    entries = [_section(part) for part in _list(entry.get("resources"))[:MOST_RESOURCES]]
    listed = [(_word(part.get("name")), _traits(part, declared)) for part in entries]
    fields = GroupEntry.model_fields
    values: dict[str, Any] = {key: fields[key].default for key in (*_GROUP_WORDS, *_GROUP_NUMBERS)}
    values |= {key: word for key in _GROUP_WORDS if (word := _word(entry.get(key)))}
    values |= {key: number for key in _GROUP_NUMBERS if (number := _number(entry.get(key))) is not None}
    return Group.model_construct(
        name=_word(entry.get("name")),
        nodes=all_nodes if nodes is None else tuple(_word(node) for node in _list(nodes)),
        depends_on=tuple(_dependency(each) for each in _list(entry.get("depends_on"))),
        resources=tuple(map(partial(_resource, declared), entries, dependencies.by_default(listed))),
        **values,
    )


def _traits(entry: dict[str, Any], declared: Declared) -> Traits | None:
    kind = declared.resources.get(_word(entry.get("type")))
    return None if kind is None else kind.traits


def _dependency(written: Any) -> GroupDependency:
    section = _section(written)
    same_node = section.get("same_node")
    waits: dict[str, Any] = {
        key: number for key in ("start_wait_ms", "stop_wait_ms") if (number := _number(section.get(key)))
    }
    return GroupDependency.model_construct(
        group=_word(written) or _word(section.get("group")), same_node=same_node is True, **waits
    )


def _resource(declared: Declared, entry: dict[str, Any], by_default: tuple[str, ...]) -> Resource:
    name, kind = _word(entry.get("name")), declared.resources.get(_word(entry.get("type")))
    traits = _UNKNOWN_TYPE if kind is None else kind.traits
    exclusive, depends_on = entry.get("exclusive"), entry.get("depends_on")
    times: dict[str, Any] = {}
    for key in _TIMES:
        written = _number(entry.get(key))
        times[key] = getattr(traits, key) if written is None else written
    recovery = _usable(Recovery, _section(entry.get("recovery")))
    recovery.setdefault("reset_after_ms", _reset_after_ms(times["check_interval_ms"]))
    return Resource.model_construct(
        name=name,
        type=_word(entry.get("type")),
        exclusive=exclusive if isinstance(exclusive, bool) else traits.exclusive,
        params=_section(entry.get("params")),
        per_node={node: _section(own) for node, own in _section(entry.get("per_node")).items()},
        check_retries=entry.get("check_retries", 0),
        recovery=Recovery.model_construct(**recovery),
        depends_on=by_default if depends_on is None else tuple(_word(other) for other in _list(depends_on)),
        monitor=kind.monitor_name(name) if kind is not None and name else "",
        scripts=Scripts.model_construct(**_usable(Scripts, _section(entry.get("scripts")))),
        **times,
    )


def _reset_after_ms(interval_ms: int) -> int:
    """The default: the model's, unless not even one check would lie between the failure and the end of the count."""
    default: int = Recovery.model_fields["reset_after_ms"].default
    return max(default, interval_ms)


def _monitor(
    entry: dict[str, Any], all_nodes: tuple[str, ...], groups: tuple[Group, ...], declared: Declared
) -> Monitor:
    kind = declared.monitors.get(_word(entry.get("type")))
    traits = _UNKNOWN_MONITOR_TYPE if kind is None else kind.traits
    times: dict[str, Any] = {}
    for key in ("first_wait_ms", "interval_ms", "timeout_ms", "retries"):
        written = _number(entry.get(key))
        times[key] = getattr(traits, key) if written is None else written
    section = _section(entry.get("recovery"))
    wanted, recovered = entry.get("watches"), _target(section.get("target"))
    watches = None if wanted == "always" else _target(wanted)
    if recovered is None:
        # The very same object: so the rules know that it was not written.
        recovered = watches or (_ALL_GROUPS if traits.moves_groups else _NODE_ITSELF)
    if wanted is None and traits.watches_target and recovered.group:
        watches = recovered.model_copy()
    nodes, np = entry.get("nodes"), entry.get("np")
    return Monitor.model_construct(
        name=_word(entry.get("name")),
        type=_word(entry.get("type")),
        nodes=_own_nodes(watches, recovered, groups) or all_nodes if nodes is None else tuple(map(_word, _list(nodes))),
        watches=watches,
        params=_section(entry.get("params")),
        per_node={node: _section(own) for node, own in _section(entry.get("per_node")).items()},
        recovery=_monitor_recovery(section, recovered, times["interval_ms"], traits),
        np=np is True,
        **times,
    )


def _target(written: Any) -> Target | None:
    """The target, with an empty name where none can be read; None when nothing is written."""
    if written is None:
        return None
    if written in ("local-server", "all-groups"):
        return Target(kind="node" if written == "local-server" else "all-groups")
    section = _section(written)
    group, resource = _word(section.get("group")), section.get("resource")
    kind: Any = "group" if resource is None else "resource"
    return Target.model_construct(kind=kind, group=group, resource=_word(resource))


def _own_nodes(watches: Target | None, recovered: Target, groups: tuple[Group, ...]) -> tuple[str, ...]:
    """The nodes of the group that is watched, or else recovered; none when there is no such group."""
    for target in (watches, recovered):
        for group in groups:
            if target is not None and target.group and target.group == group.name:
                return tuple(node for node in dict.fromkeys(group.nodes) if node)
    return ()


def _monitor_recovery(
    section: dict[str, Any], target: Target, interval_ms: int, traits: MonitorTraits
) -> MonitorRecovery:
    values = _usable(MonitorRecovery, section)
    if target.kind == "node":
        values = {"restarts": 0, "failovers": 0, **values}
    elif traits.moves_groups:
        values = {"restarts": 0, **values}
    values.setdefault("reset_after_ms", _reset_after_ms(interval_ms))
    return MonitorRecovery.model_construct(**{**values, "target": target})


def _exclusion(entry: dict[str, Any]) -> Exclusion:
    kind: Any = _word(entry.get("kind"))
    groups = tuple(_word(group) for group in _list(entry.get("groups"))[:MOST_EXCLUDED])
    return Exclusion.model_construct(name=_word(entry.get("name")), kind=kind, groups=groups)


def _notification(entry: dict[str, Any]) -> Notification:
    kind: Any = _word(entry.get("kind"))
    return Notification.model_construct(
        name=_word(entry.get("name")),
        kind=kind,
        level=entry.get("level", "error"),
        params=_section(entry.get("params")),
    )


def _usable(model: type[BaseModel], section: dict[str, Any]) -> dict[str, Any]:
    """The values of a section that are of the kind the model wants; the others were refused already."""
    usable: dict[str, Any] = {}
    for key, field in model.model_fields.items():
        value = section.get(key)
        if _number(value) is not None if field.annotation is int else isinstance(value, str):
            usable[key] = value
    return usable


def _section(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None

"""From the values of a file to a `Cluster`, with every default filled in.

It works on values that were not found right as well: what cannot be used becomes empty (a name `""`, no links), so
that the rules can judge the rest and every error is named at once. Such a cluster never leaves `komainu.config`.
"""

from collections.abc import Mapping
from typing import Any

from komainu.config.shape import DETECT_WITHIN_MS, PRESETS, ClusterSection
from komainu.model.config import Arbitration, Aws, Cluster, Group, Node, Recovery, Resource
from komainu.model.traits import Traits
from komainu.ports import ResourceType

_TIMES = (
    "start_timeout_ms",
    "stop_timeout_ms",
    "check_interval_ms",
    "check_timeout_ms",
    "prepare_interval_ms",
)
_UNKNOWN_TYPE = Traits(exclusive=False)
"""Stands for the facts of a type that does not exist; the resource is in error anyway."""


def complete(data: Any, types: Mapping[str, ResourceType], version: int) -> Cluster:
    """The cluster those values describe. It is not validated: the caller does that once nothing else is wrong."""
    file = _section(data)
    section = _section(file.get("cluster"))
    nodes = tuple(_node(number, _section(entry)) for number, entry in enumerate(_list(file.get("nodes")), start=1))
    names = tuple(dict.fromkeys(node.name for node in nodes if node.name))
    environment: Any = _word(section.get("environment"))
    aws = section.get("aws")
    return Cluster.model_construct(
        name=_word(section.get("name")),
        version=version,
        environment=environment,
        language=section.get("language", "en"),
        aws=Aws.model_construct(region=_word(_section(aws).get("region"))) if aws is not None else None,
        detect_within_ms=_detect_within_ms(section, environment),
        startup_sync_wait_ms=_number_or_default(section, "startup_sync_wait_ms"),
        agent_return_ms=_number_or_default(section, "agent_return_ms"),
        arbitration=_arbitration(section.get("arbitration")),
        nodes=nodes,
        groups=tuple(_group(_section(entry), names, types) for entry in _list(file.get("groups"))),
    )


def _detect_within_ms(section: dict[str, Any], environment: str) -> int:
    written = _number(section.get("detect_within_ms"))
    if written is not None:
        return written
    preset = section.get("preset")
    if isinstance(preset, str) and preset in PRESETS:
        return PRESETS[preset]
    return DETECT_WITHIN_MS["onprem"] if environment == "onprem" else DETECT_WITHIN_MS["aws"]


def _number_or_default(section: dict[str, Any], key: str) -> int:
    written = _number(section.get(key))
    default: int = ClusterSection.model_fields[key].default
    return default if written is None else written


def _arbitration(written: Any) -> Arbitration:
    kind: Any = written if isinstance(written, str) else _section(written).get("kind")
    if kind not in ("none", "operator"):
        kind = ""
    return Arbitration.model_construct(kind=kind)


def _node(number: int, entry: dict[str, Any]) -> Node:
    return Node.model_construct(
        name=_word(entry.get("name")),
        id=_number(entry.get("id", number)) or 0,
        links=tuple(_word(link) for link in _list(entry.get("links"))),
    )


def _group(entry: dict[str, Any], all_nodes: tuple[str, ...], types: Mapping[str, ResourceType]) -> Group:
    nodes = entry.get("nodes")
    return Group.model_construct(
        name=_word(entry.get("name")),
        nodes=all_nodes if nodes is None else tuple(_word(node) for node in _list(nodes)),
        start=entry.get("start", "auto"),
        failover=entry.get("failover", "auto"),
        resources=tuple(_resource(_section(part), types) for part in _list(entry.get("resources"))),
    )


def _resource(entry: dict[str, Any], types: Mapping[str, ResourceType]) -> Resource:
    declared = types.get(_word(entry.get("type")))
    traits = _UNKNOWN_TYPE if declared is None else declared.traits
    exclusive = entry.get("exclusive")
    times: dict[str, Any] = {}
    for key in _TIMES:
        written = _number(entry.get(key))
        times[key] = getattr(traits, key) if written is None else written
    recovery = {key: value for key, value in _section(entry.get("recovery")).items() if key in Recovery.model_fields}
    return Resource.model_construct(
        name=_word(entry.get("name")),
        type=_word(entry.get("type")),
        exclusive=exclusive if isinstance(exclusive, bool) else traits.exclusive,
        params=_section(entry.get("params")),
        per_node={node: _section(own) for node, own in _section(entry.get("per_node")).items()},
        check_retries=entry.get("check_retries", 0),
        recovery=Recovery.model_construct(**recovery),
        **times,
    )


def _section(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None

"""The parameters of each resource, checked by its type as they hold on every node where it may start (C5)."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel, ValidationError

from komainu.config import refusals, schema
from komainu.config.problem import Finding, Path, named, shown
from komainu.model.config import Cluster, Group, Resource
from komainu.model.message import Message
from komainu.ports import ResourceType

UNKNOWN_TYPE = Message(
    "KM1131",
    "There is no resource type `{type}`. Possible types: {possible}.",
    "リソースタイプ `{type}` はありません。使えるタイプ: {possible}。",
    "error",
)
MISSPELT_TYPE = Message(
    "KM1132",
    "There is no resource type `{type}`. Did you mean `{near}`?",
    "リソースタイプ `{type}` はありません。`{near}` ではありませんか。",
    "error",
)
NOT_ON_NODE = Message(
    "KM1133",
    "`{key}` is missing for node {node}. Every node of the group needs its own: write it under `per_node: {node}:`.",
    "ノード {node} の `{key}` がありません。グループの各ノードに固有の値が必要です。`per_node: {node}:` の下に書いて"
    "ください。",
    "error",
)
SAME_ON_NODES = Message(
    "KM1134",
    "`{key}` is {value} on node {node} and on node {other}. It belongs to one node only: write each node's own.",
    "`{key}` がノード {node} とノード {other} で同じ {value} になっています。この値はノードごとに異なります。"
    "それぞれの値を書いてください。",
    "error",
)
MISPLACED = Message(
    "KM1135",
    "`{key}` is a parameter of the type `{type}`: write it under `params:`.",
    "`{key}` はタイプ `{type}` のパラメータです。`params:` の下に書いてください。",
    "error",
)
NODE_NOT_IN_GROUP = Message(
    "KM1136",
    "The group {group} never starts on {node}, so these values have no effect. Add the node to the group, correct "
    "the name, or remove them.",
    "グループ {group} は {node} では起動しないため、この値は使われません。ノードをグループに加えるか、名前を直すか、"
    "この値を削除してください。",
    "warning",
)
NO_SUCH_NODE = Message(
    "KM1137",
    "There is no node {node} in this cluster. Correct the name, or add the node under `nodes:`.",
    "このクラスタにノード {node} はありません。名前を直すか、`nodes:` にノードを追加してください。",
    "error",
)
MESSAGES = (*(UNKNOWN_TYPE, MISSPELT_TYPE, NOT_ON_NODE, SAME_ON_NODES, MISPLACED, NODE_NOT_IN_GROUP, NO_SUCH_NODE),)


def findings(cluster: Cluster, types: Mapping[str, ResourceType]) -> list[Finding]:
    """What the types refuse, and what they advise."""
    found: list[Finding] = []
    for path, group, resource in resources(cluster):
        if not resource.type:
            continue
        declared = types.get(resource.type)
        if declared is None:
            found.append(_unknown_type(path, resource.type, types))
            continue
        found += _per_node(path, cluster, group, resource, declared)
        found += _values(path, cluster, group, resource, declared)
    return list(dict.fromkeys(found))


def resources(cluster: Cluster) -> Iterator[tuple[Path, Group, Resource]]:
    """Every resource with its place in the file and its group."""
    for number, group in enumerate(cluster.groups):
        for place, resource in enumerate(group.resources):
            yield ("groups", number, "resources", place), group, resource


def misplaced(finding: Finding, data: Any, types: Mapping[str, ResourceType]) -> Finding:
    """An unknown key beside `params` that the type knows as a parameter: said so. Any other finding as it is."""
    unknown = (refusals.UNKNOWN_KEY.code, refusals.MISSPELT_KEY.code)
    if finding.said.code not in unknown or len(finding.path) != 5 or finding.path[2] != "resources":
        return finding
    groups, group, _, resource, key = finding.path
    name = data[groups][group]["resources"][resource].get("type")
    declared = types.get(name) if isinstance(name, str) else None
    if declared is None or key not in declared.params.model_fields:
        return finding
    return Finding(finding.path, MISPLACED.said(key=key, type=declared.name), at_key=True)


def _unknown_type(path: Path, name: str, types: Mapping[str, ResourceType]) -> Finding:
    near = refusals.nearest(name, types)
    if near is not None:
        return Finding((*path, "type"), MISSPELT_TYPE.said(type=named(name), near=near))
    return Finding((*path, "type"), UNKNOWN_TYPE.said(type=named(name), possible=", ".join(types) or "-"))


def _startable(cluster: Cluster, group: Group) -> list[str]:
    known = [node.name for node in cluster.nodes if node.name]
    return [name for name in dict.fromkeys(group.nodes) if name in known]


def _per_node(
    path: Path, cluster: Cluster, group: Group, resource: Resource, declared: ResourceType
) -> Iterator[Finding]:
    startable = _startable(cluster, group)
    known = [node.name for node in cluster.nodes]
    for node in resource.per_node:
        if node not in known:
            yield Finding((*path, "per_node", node), NO_SUCH_NODE.said(node=named(node)), at_key=True)
        elif node not in startable:
            said = NODE_NOT_IN_GROUP.said(group=named(group.name), node=named(node))
            yield Finding((*path, "per_node", node), said, at_key=True)
    for key in declared.per_node_required:
        first: dict[str, str] = {}
        for node in startable:
            own = resource.per_node.get(node, {})
            place = (*path, "per_node", node, key)
            if key not in own:
                yield Finding(place, NOT_ON_NODE.said(key=key, node=named(node)))
                continue
            value = shown(own[key])
            if value in first:
                said = SAME_ON_NODES.said(key=key, value=value, node=named(first[value]), other=named(node))
                yield Finding(place, said)
            first.setdefault(value, node)


def _values(
    path: Path, cluster: Cluster, group: Group, resource: Resource, declared: ResourceType
) -> Iterator[Finding]:
    validated: dict[str, BaseModel] = {}
    startable = _startable(cluster, group)
    complete = True
    for node in startable or [""]:
        values = resource.params_on(node)
        try:
            # Strict JSON: what YAML has for a number, a text or a truth value is what the type gets.
            validated[node] = declared.params.model_validate_json(json.dumps(values), strict=True)
        except ValidationError as error:
            complete = False
            keys_at = partial(schema.keys_at, schema.parameters(declared))
            for finding in refusals.findings(error, values, keys_at):
                if not _is_said_per_node(finding, declared):
                    yield _placed(finding, path, node, resource)
    if complete and startable:
        for said in declared.advise(validated):
            yield Finding(path, said)


def _is_said_per_node(finding: Finding, declared: ResourceType) -> bool:
    """True for a missing key that `_per_node` reports with the node's name."""
    missing = finding.said.code == refusals.MISSING.code
    return missing and len(finding.path) == 1 and finding.path[0] in declared.per_node_required


def _placed(finding: Finding, path: Path, node: str, resource: Resource) -> Finding:
    """The finding where its value was written: under the node, or in the part common to all."""
    first = finding.path[0] if finding.path else None
    if first is not None and first in resource.per_node.get(node, {}):
        start: Path = (*path, "per_node", node)
    else:
        start = (*path, "params")
    meant = (*start, *finding.meant) if finding.meant else ()
    return Finding((*start, *finding.path), finding.said, finding.at_key, meant)

"""The parameters of resources, monitors and the like, checked by their types as they hold on each node (C5)."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel, ValidationError

from komainu.config import refusals, schema
from komainu.config.declared import Declared, Kind
from komainu.config.problem import Finding, Path, named, shown
from komainu.model.config import Cluster, Fence, Group, Lease, Monitor, Notification, Resource
from komainu.model.message import Message, Said

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
    "`{key}` is missing for node {node}. Each node where it may run needs its own: write it under `per_node: {node}:`.",
    "ノード {node} の `{key}` がありません。動作する各ノードに固有の値が必要です。`per_node: {node}:` の下に書いて"
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
NO_MONITOR_TYPE = Message(
    "KM1138",
    "There is no monitor type `{type}`. Possible types: {possible}.",
    "モニタのタイプ `{type}` はありません。使えるタイプ: {possible}。",
    "error",
)
MISSPELT_MONITOR_TYPE = Message(
    "KM1139",
    "There is no monitor type `{type}`. Did you mean `{near}`?",
    "モニタのタイプ `{type}` はありません。`{near}` ではありませんか。",
    "error",
)
OWN_MONITOR = Message(
    "KM1140",
    "`{type}` is no monitor type of its own: such a monitor comes with every resource of type `{resource}` by itself. "
    "Remove this entry, and set `check_interval_ms` and the like at the resource.",
    "`{type}` は単独のモニタタイプではなく、タイプ `{resource}` のリソースに自動的に付属します。この項目を削除し、"
    "`check_interval_ms` などはリソースに設定してください。",
    "error",
)
NO_NOTIFIER = Message(
    "KM1141",
    "There is no way `{type}` to send a notification. Possible kinds: {possible}.",
    "通知の方法 `{type}` はありません。使える方法: {possible}。",
    "error",
)
MISSPELT_NOTIFIER = Message(
    "KM1142",
    "There is no way `{type}` to send a notification. Did you mean `{near}`?",
    "通知の方法 `{type}` はありません。`{near}` ではありませんか。",
    "error",
)
MONITOR_NOT_ON_NODE = Message(
    "KM1143",
    "The monitor {monitor} does not run on {node}, so these values have no effect. Add the node to `nodes`, correct "
    "the name, or remove them.",
    "モニタ {monitor} は {node} では監視を行わないため、この値は使われません。ノードを加えるか、名前を直すか、"
    "この値を削除してください。",
    "warning",
)
NO_LEASE_TYPE = Message(
    "KM1701",
    "There is no type of lease `{type}`. Possible types: {possible}.",
    "投票先のタイプ `{type}` はありません。使えるタイプ: {possible}。",
    "error",
)
MISSPELT_LEASE_TYPE = Message(
    "KM1702",
    "There is no type of lease `{type}`. Did you mean `{near}`?",
    "投票先のタイプ `{type}` はありません。`{near}` ではありませんか。",
    "error",
)
NO_FENCE_TYPE = Message(
    "KM1703",
    "There is no way of fencing `{type}`. Possible ways: {possible}.",
    "強制停止の方法 `{type}` はありません。使える方法: {possible}。",
    "error",
)
MISSPELT_FENCE_TYPE = Message(
    "KM1704",
    "There is no way of fencing `{type}`. Did you mean `{near}`?",
    "強制停止の方法 `{type}` はありません。`{near}` ではありませんか。",
    "error",
)


@dataclass(frozen=True, slots=True)
class _Use:
    """One use of a declaration, with the values that were written for it."""

    path: Path
    kind: Kind
    params: dict[str, Any]
    per_node: dict[str, dict[str, Any]]
    nodes: tuple[str, ...]
    "The known nodes where it may run; `` alone when there is none, or when it belongs to no node."
    required: tuple[str, ...] = ()
    "Parameters that each of those nodes must give for itself."
    everywhere: bool = False
    "It belongs to no node: the one set of values holds on all."

    def on(self, node: str) -> dict[str, Any]:
        """The values that hold on a node."""
        return {**self.params, **self.per_node.get(node, {})}


_ARBITRATION: Path = ("cluster", "arbitration")


def findings(cluster: Cluster, declared: Declared) -> list[Finding]:
    """What the types refuse, and what they advise."""
    found: list[Finding] = []
    for path, group, resource in resources(cluster):
        found += _resource(path, cluster, group, resource, declared)
    for number, monitor in enumerate(cluster.monitors):
        found += _monitor(("monitors", number), cluster, monitor, declared)
    for number, notification in enumerate(cluster.notifications):
        found += _notification(("notifications", number), notification, declared)
    lease, fence = cluster.arbitration.lease, cluster.arbitration.fence
    found += _lease((*_ARBITRATION, "lease"), lease, declared) if lease is not None else ()
    found += _fence((*_ARBITRATION, "fence"), cluster, fence, declared) if fence is not None else ()
    return list(dict.fromkeys(found))


def resources(cluster: Cluster) -> Iterator[tuple[Path, Group, Resource]]:
    """Every resource with its place in the file and its group."""
    for number, group in enumerate(cluster.groups):
        for place, resource in enumerate(group.resources):
            yield ("groups", number, "resources", place), group, resource


def misplaced(finding: Finding, data: Any, declared: Declared) -> Finding:
    """An unknown key beside `params` that the type knows as a parameter: said so. Any other finding as it is."""
    unknown = (refusals.UNKNOWN_KEY.code, refusals.MISSPELT_KEY.code)
    if finding.said.code not in unknown:
        return finding
    types: Mapping[str, Kind]
    match finding.path:
        case ("groups", int(), "resources", int(), str(key)):
            types, word = declared.resources, "type"
        case ("monitors", int(), str(key)):
            types, word = declared.monitors, "type"
        case ("notifications", int(), str(key)):
            types, word = declared.notifiers, "kind"
        case ("cluster", "arbitration", "lease", str(key)):
            types, word = declared.leases, "type"
        case ("cluster", "arbitration", "fence", str(key)):
            types, word = declared.fences, "type"
        case _:
            return finding
    for step in finding.path[:-1]:
        data = data[step]
    name = data.get(word)
    kind = types.get(name) if isinstance(name, str) else None
    if kind is None or key not in kind.params.model_fields:
        return finding
    return Finding(finding.path, MISPLACED.said(key=key, type=kind.name), at_key=True)


def _resource(path: Path, cluster: Cluster, group: Group, resource: Resource, declared: Declared) -> Iterator[Finding]:
    if not resource.type:
        return
    kind = declared.resources.get(resource.type)
    if kind is None:
        yield _unknown((*path, "type"), resource.type, declared.resources, UNKNOWN_TYPE, MISSPELT_TYPE)
        return
    nodes = _known(cluster, group.nodes)
    yield from _per_node(path, cluster, resource, nodes, partial(NODE_NOT_IN_GROUP.said, group=named(group.name)))
    yield from _values(_Use(path, kind, resource.params, resource.per_node, nodes or ("",), kind.per_node_required))


def _notification(path: Path, notification: Notification, declared: Declared) -> Iterator[Finding]:
    name: str = notification.kind
    if not name:
        return
    kind = declared.notifiers.get(name)
    if kind is None:
        yield _unknown((*path, "kind"), name, declared.notifiers, NO_NOTIFIER, MISSPELT_NOTIFIER)
        return
    yield from _values(_Use(path, kind, notification.params, {}, ("",), everywhere=True))


def _lease(path: Path, lease: Lease, declared: Declared) -> Iterator[Finding]:
    if not lease.type:
        return
    kind = declared.leases.get(lease.type)
    if kind is None:
        yield _unknown((*path, "type"), lease.type, declared.leases, NO_LEASE_TYPE, MISSPELT_LEASE_TYPE)
        return
    yield from _values(_Use(path, kind, lease.params, {}, ("",), everywhere=True))


def _fence(path: Path, cluster: Cluster, fence: Fence, declared: Declared) -> Iterator[Finding]:
    if not fence.type:
        return
    kind = declared.fences.get(fence.type)
    if kind is None:
        yield _unknown((*path, "type"), fence.type, declared.fences, NO_FENCE_TYPE, MISSPELT_FENCE_TYPE)
        return
    known = [node.name for node in cluster.nodes]
    for node in fence.per_node:
        if node not in known:
            yield Finding((*path, "per_node", node), NO_SUCH_NODE.said(node=named(node)), at_key=True)
    nodes = _known(cluster, tuple(known)) or ("",)
    yield from _values(_Use(path, kind, fence.params, fence.per_node, nodes, kind.per_node_required))


def _monitor(path: Path, cluster: Cluster, monitor: Monitor, declared: Declared) -> Iterator[Finding]:
    if not monitor.type:
        return
    kind = declared.monitors.get(monitor.type)
    if kind is None:
        for each in declared.resources.values():
            if each.monitor == monitor.type:
                said = OWN_MONITOR.said(type=monitor.type, resource=each.name)
                yield Finding((*path, "type"), said)
                return
        yield _unknown((*path, "type"), monitor.type, declared.monitors, NO_MONITOR_TYPE, MISSPELT_MONITOR_TYPE)
        return
    nodes = _known(cluster, monitor.nodes)
    yield from _per_node(path, cluster, monitor, nodes, partial(MONITOR_NOT_ON_NODE.said, monitor=named(monitor.name)))
    yield from _values(_Use(path, kind, monitor.params, monitor.per_node, nodes or ("",), kind.per_node_required))


def _unknown(path: Path, name: str, types: Mapping[str, Any], unknown: Message, misspelt: Message) -> Finding:
    near = refusals.nearest(name, types)
    if near is not None:
        return Finding(path, misspelt.said(type=named(name), near=near))
    return Finding(path, unknown.said(type=named(name), possible=", ".join(types) or "-"))


def _known(cluster: Cluster, nodes: tuple[str, ...]) -> tuple[str, ...]:
    known = [node.name for node in cluster.nodes if node.name]
    return tuple(name for name in dict.fromkeys(nodes) if name in known)


def _per_node(
    path: Path, cluster: Cluster, part: Resource | Monitor, nodes: tuple[str, ...], elsewhere: Callable[..., Said]
) -> Iterator[Finding]:
    """Values for nodes that are none, or where it never runs."""
    known = [node.name for node in cluster.nodes]
    for node in part.per_node:
        if node not in known:
            yield Finding((*path, "per_node", node), NO_SUCH_NODE.said(node=named(node)), at_key=True)
        elif node not in nodes:
            yield Finding((*path, "per_node", node), elsewhere(node=named(node)), at_key=True)


def _each_its_own(use: _Use) -> Iterator[Finding]:
    """What every node must give for itself is there, and differs."""
    for key in use.required:
        first: dict[str, str] = {}
        for node in filter(None, use.nodes):
            own = use.per_node.get(node, {})
            place = (*use.path, "per_node", node, key)
            if key not in own:
                yield Finding(place, NOT_ON_NODE.said(key=key, node=named(node)))
                continue
            value = shown(own[key])
            if value in first:
                said = SAME_ON_NODES.said(key=key, value=value, node=named(first[value]), other=named(node))
                yield Finding(place, said)
            first.setdefault(value, node)


def _values(use: _Use) -> Iterator[Finding]:
    yield from _each_its_own(use)
    validated: dict[str, BaseModel] = {}
    complete = True
    for node in use.nodes:
        values = use.on(node)
        try:
            # Strict JSON: what YAML has for a number, a text or a truth value is what the type gets.
            validated[node] = use.kind.params.model_validate_json(json.dumps(values), strict=True)
        except ValidationError as error:
            complete = False
            keys_at = partial(schema.keys_at, schema.of_model(use.kind.params))
            for finding in refusals.findings(error, values, keys_at):
                if not _is_said_per_node(finding, use):
                    yield _placed(finding, use, node)
    if complete and (use.nodes != ("",) or use.everywhere):
        for said in use.kind.advise(validated):
            yield Finding(use.path, said)


def _is_said_per_node(finding: Finding, use: _Use) -> bool:
    """True for a missing key that `_each_its_own` reports with the node's name."""
    missing = finding.said.code == refusals.MISSING.code
    return missing and len(finding.path) == 1 and finding.path[0] in use.required


def _placed(finding: Finding, use: _Use, node: str) -> Finding:
    """The finding where its value was written: under the node, or in the part common to all."""
    first = finding.path[0] if finding.path else None
    if first is not None and first in use.per_node.get(node, {}):
        start: Path = (*use.path, "per_node", node)
    else:
        start = (*use.path, "params")
    meant = (*start, *finding.meant) if finding.meant else ()
    return Finding((*start, *finding.path), finding.said, finding.at_key, meant)

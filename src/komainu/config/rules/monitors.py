"""Monitors of their own: what they watch and recover, where they run, and what their recovery can do (C6, C7)."""

from collections.abc import Iterator, Mapping

from komainu.config.declared import Declared
from komainu.config.parameters import resources
from komainu.config.problem import Finding, Path, named
from komainu.config.rules import references
from komainu.model.config import Cluster, Monitor, Target
from komainu.model.message import Message

SAME_MONITOR = Message(
    "KM1601",
    "Another monitor is called {name} already. Give each monitor its own name.",
    "モニタ名 {name} はすでに使われています。モニタごとに別の名前を付けてください。",
    "error",
)
NAME_OF_OWN = Message(
    "KM1602",
    "{name} is the name of the monitor that comes with resource {resource}. Give this monitor another name.",
    "{name} はリソース {resource} に付属するモニタの名前です。このモニタに別の名前を付けてください。",
    "error",
)
OUTSIDE = Message(
    "KM1603",
    "The monitor would run on {nodes} too, where group {group} may not start: there it could neither watch nor recover "
    "anything of it. Remove these nodes from `nodes`, or let the group start there.",
    "このモニタは {nodes} でも監視を行いますが、グループ {group} はそこでは起動しないため、監視も復旧もできません。"
    "`nodes` から取り除くか、そこでグループを起動できるようにしてください。",
    "error",
)
OTHER_TYPE = Message(
    "KM1604",
    "A monitor of type `{type}` belongs to resources of type `{wanted}`, but {resource} is of type `{found}`. Write a "
    "resource of that type, or choose another monitor type.",
    "タイプ `{type}` のモニタはタイプ `{wanted}` のリソース用ですが、{resource} のタイプは `{found}` です。該当する"
    "タイプのリソースを書くか、別のタイプのモニタを使ってください。",
    "error",
)
NONE_OF_TYPE = Message(
    "KM1605",
    "A monitor of type `{type}` belongs to resources of type `{wanted}`, and group {group} has none. Write a resource "
    "of that type, or choose another monitor type.",
    "タイプ `{type}` のモニタはタイプ `{wanted}` のリソース用ですが、"
    "グループ {group} には該当するリソースがありません。"
    "該当するタイプのリソースを書くか、別のタイプのモニタを使ってください。",
    "error",
)
NODE_NOT_RECOVERED = Message(
    "KM1606",
    "`{key}` is {value}, but the target is `local-server`: a node is neither reactivated nor failed over. Write 0, "
    "or remove the key; `final_action` says what is done.",
    "`{key}` が {value} ですが、回復対象は `local-server` です。ノードは再活性もフェイルオーバもできません。0 にするか"
    "キーを削除してください。異常時の動作は `final_action` で指定します。",
    "error",
)
NO_RESOURCE_TO_STOP = Message(
    "KM1607",
    "`stop-resource` is possible only when the target is a resource: this target names none. Write `stop-group`, "
    "another final action, or a target with a resource.",
    "`stop-resource` を使えるのは回復対象がリソースの場合だけですが、この回復対象はリソースではありません。"
    "`stop-group` "
    "などほかの最終動作にするか、リソースを回復対象にしてください。",
    "error",
)
NO_GROUP_TO_STOP = Message(
    "KM1611",
    "`stop-group` is not possible when the target is `local-server`: it names no group. Write `stop-service`, "
    "`shutdown` or `reboot`, or a target with a group.",
    "回復対象が `local-server` の場合、停止するグループがないため `stop-group` は使えません。`stop-service`、"
    "`shutdown`、"
    "`reboot` などにするか、グループを回復対象にしてください。",
    "error",
)
NP_OF_NODE = Message(
    "KM1608",
    "`np: true` is for a monitor that decides whether this node is cut off: its target is `local-server`, and its "
    "final action ends the node. With another target it has no effect. Remove it, or write `target: local-server`.",
    "`np: true` は、このノードが孤立したかどうかを判断するモニタに使います。回復対象は `local-server` で、最終動作に"
    "よりノードを停止します。ほかの回復対象では意味を持ちません。削除するか `target: local-server` にしてください。",
    "warning",
)
ONLY_TELLS = Message(
    "KM1609",
    "An error of {monitor} raises an alert and nothing else: its target is `local-server` and its final action `none`.",
    "{monitor} が異常を検出しても、アラートを出すだけです。回復対象が `local-server` で、"
    "最終動作が `none` のためです。",
    "info",
)
ELSEWHERE = Message(
    "KM1610",
    "Monitors of type `{type}` work with `environment: {possible}` only. Choose another type.",
    "タイプ `{type}` のモニタは `environment: {possible}` でだけ使えます。別のタイプを使ってください。",
    "error",
)
HASTY = Message(
    "KM1612",
    "{monitor} checks right after each step of its recovery, and one failed check is an error: it may use up its "
    "recovery before the service answers. Write a `first_wait_ms` longer than the service needs, or `retries`.",
    "{monitor} は復旧処理の各段階の直後に監視し、1 回の失敗で異常と判断するため、サービスが応答する前に復旧処理を"
    "使い切るおそれがあります。応答するまでの時間より長い `first_wait_ms` か、`retries` を指定してください。",
    "warning",
)
MESSAGES = (
    *(SAME_MONITOR, NAME_OF_OWN, OUTSIDE, OTHER_TYPE, NONE_OF_TYPE, NODE_NOT_RECOVERED, NP_OF_NODE),
    *(NO_RESOURCE_TO_STOP, NO_GROUP_TO_STOP, ONLY_TELLS, ELSEWHERE, HASTY),
)


def findings(cluster: Cluster, declared: Declared) -> Iterator[Finding]:
    """Every monitor by itself, and their names together."""
    yield from _names(cluster)
    startable = {group.name: group.nodes for group in cluster.groups}
    for number, monitor in enumerate(cluster.monitors):
        path = ("monitors", number)
        yield from references.nodes(cluster, (*path, "nodes"), monitor.nodes)
        target = monitor.recovery.target
        if monitor.watches != target:
            yield from references.target(cluster, (*path, "watches"), monitor.watches)
        yield from references.target(cluster, _written(path, monitor), target)
        yield from _outside(path, monitor, startable)
        yield from _recovery((*path, "recovery"), monitor)
        yield from _type(path, cluster, monitor, declared)
        if monitor.np and target.kind != "node":
            yield Finding((*path, "np"), NP_OF_NODE.said())
        if monitor.name and _hasty(monitor, declared):
            yield Finding((*path, "first_wait_ms"), HASTY.said(monitor=named(monitor.name)))


def _hasty(monitor: Monitor, declared: Declared) -> bool:
    """It judges a service that is just starting, and something worse than a reactivation follows from that."""
    recovery, kind = monitor.recovery, declared.monitors.get(monitor.type)
    of_service = monitor.watches is not None or recovery.target.kind != "node"
    of_service = of_service and not (kind is not None and kind.traits.moves_groups)
    grave = recovery.failovers > 0 or recovery.final_action != "none"
    return of_service and grave and monitor.first_wait_ms == 0 and monitor.retries == 0


def _names(cluster: Cluster) -> Iterator[Finding]:
    own = {resource.monitor: resource.name for _, _, resource in resources(cluster) if resource.monitor}
    seen: dict[str, None] = {}
    for number, monitor in enumerate(cluster.monitors):
        if monitor.name and monitor.name in seen:
            yield Finding(("monitors", number, "name"), SAME_MONITOR.said(name=named(monitor.name)))
        elif monitor.name in own:
            said = NAME_OF_OWN.said(name=named(monitor.name), resource=named(own[monitor.name]))
            yield Finding(("monitors", number, "name"), said)
        seen[monitor.name] = None


def _written(path: Path, monitor: Monitor) -> Path:
    """Where the target of the recovery stands in the file; `complete` takes the watched one when there is none."""
    if monitor.recovery.target is monitor.watches:
        return (*path, "watches")
    return (*path, "recovery", "target")


def _outside(path: Path, monitor: Monitor, startable: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    asked = dict.fromkeys(each.group for each in (monitor.watches, monitor.recovery.target) if each is not None)
    for group in asked:
        outside = [node for node in monitor.nodes if node and node not in startable.get(group, monitor.nodes)]
        if outside:
            said = OUTSIDE.said(nodes=", ".join(map(named, outside)), group=named(group))
            yield Finding((*path, "nodes"), said)


def _recovery(path: Path, monitor: Monitor) -> Iterator[Finding]:
    recovery = monitor.recovery
    kind, action = recovery.target.kind, recovery.final_action
    if kind == "node":
        for key, value in (("restarts", recovery.restarts), ("failovers", recovery.failovers)):
            if value > 0:
                yield Finding((*path, key), NODE_NOT_RECOVERED.said(key=key, value=value))
        if action == "stop-group":
            yield Finding((*path, "final_action"), NO_GROUP_TO_STOP.said())
        if action == "none" and not recovery.script and monitor.name:
            yield Finding(path, ONLY_TELLS.said(monitor=named(monitor.name)))
    if action == "stop-resource" and kind != "resource":
        yield Finding((*path, "final_action"), NO_RESOURCE_TO_STOP.said())


def _type(path: Path, cluster: Cluster, monitor: Monitor, declared: Declared) -> Iterator[Finding]:
    kind = declared.monitors.get(monitor.type)
    if kind is None:
        return
    if cluster.environment and cluster.environment not in kind.traits.environments:
        possible = ", ".join(kind.traits.environments)
        yield Finding((*path, "type"), ELSEWHERE.said(type=kind.name, possible=possible))
    wanted, target = kind.traits.resource_type, monitor.watches or monitor.recovery.target
    if wanted and target.group:
        place = (*path, "watches") if monitor.watches is not None else _written(path, monitor)
        yield from _of_type(place, cluster, target, kind.name, wanted)


def _of_type(path: Path, cluster: Cluster, target: Target, name: str, wanted: str) -> Iterator[Finding]:
    for group in cluster.groups:
        if group.name != target.group:
            continue
        types = {resource.name: resource.type for resource in group.resources}
        if target.kind == "group" and wanted not in types.values():
            yield Finding(path, NONE_OF_TYPE.said(type=name, wanted=wanted, group=named(group.name)))
        elif target.kind == "resource" and types.get(target.resource, wanted) != wanted:
            found = named(types[target.resource])
            said = OTHER_TYPE.said(type=name, wanted=wanted, resource=named(target.resource), found=found)
            yield Finding(path, said)

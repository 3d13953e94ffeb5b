"""Groups and their resources: names, startable nodes, order, environment (C3, C4, O1)."""

from collections.abc import Iterator, Mapping

from komainu.config.parameters import resources
from komainu.config.problem import Finding, named
from komainu.config.rules import references
from komainu.model.config import Cluster
from komainu.model.message import Message
from komainu.ports import ResourceType

SAME_GROUP = Message(
    "KM1221",
    "Another group is called {name} already. Give each group its own name.",
    "グループ名 {name} はすでに使われています。グループごとに別の名前を付けてください。",
    "error",
)
SAME_RESOURCE = Message(
    "KM1222",
    "A resource of group {group} is called {name} already. Names of resources are unique in the whole cluster.",
    "リソース名 {name} はすでにグループ {group} で使われています。リソース名はクラスタ全体で重複できません。",
    "error",
)
SAME_MONITOR = Message(
    "KM1223",
    "The monitor of this resource would be called {monitor}, as that of {other}. Rename one of the two resources.",
    "このリソースのモニタ名が {other} のものと同じ {monitor} になります。どちらかのリソース名を変更してください。",
    "error",
)
NO_RESOURCES = Message(
    "KM1227",
    "The group {group} has no resources: it would move, but carry nothing. Add resources.",
    "グループ {group} にリソースがありません。移動しても何も提供しません。リソースを追加してください。",
    "warning",
)
ONE_STARTABLE = Message(
    "KM1228",
    "The group {group} can start on {node} only: it never fails over. Add a second node to its list, or "
    "write `failover: manual` if that is meant.",
    "グループ {group} は {node} でしか起動できず、フェイルオーバしません。起動可能なノードを追加してください。"
    "意図した構成であれば `failover: manual` と書いてください。",
    "warning",
)
ORDER = Message(
    "KM1229",
    "{later} ({later_type}) usually starts before {earlier} ({earlier_type}), but is to wait for it: what starts first "
    "has to do without it. Remove {earlier} from `depends_on` unless that is meant.",
    "{later}（{later_type}）は通常 {earlier}（{earlier_type}）より先に起動しますが、それを待つように指定されています。"
    "先に起動する側はそれなしで動くことになります。意図したものでなければ `depends_on` から {earlier} を削除して"
    "ください。",
    "warning",
)
ONPREM_ONLY = Message(
    "KM1230",
    "`{type}` works on premises only: a VPC forwards no gratuitous ARP, so the address would answer nowhere. "
    "On AWS use a type made for it: {possible}.",
    "`{type}` はオンプレミス専用です。VPC は Gratuitous ARP を転送しないため、そのアドレスには届きません。AWS "
    "では対応するタイプを使ってください: {possible}。",
    "error",
)
AWS_ONLY = Message(
    "KM1231",
    "`{type}` works on AWS only: it moves by calls to the AWS API. On premises use: {possible}.",
    "`{type}` は AWS 専用です。AWS の API を呼び出して切り替えるためです。オンプレミスでは次を使ってください: "
    "{possible}。",
    "error",
)
NOT_CLEARED = Message(
    "KM1232",
    "`exclusive` of `{type}` is always `{value}`: the type is built for it. Remove the key.",
    "`{type}` の `exclusive` は常に `{value}` です。タイプの性質として決まっています。このキーを削除してください。",
    "error",
)
MESSAGES = (
    *(SAME_GROUP, SAME_RESOURCE, SAME_MONITOR, NO_RESOURCES, ONE_STARTABLE),
    *(ORDER, ONPREM_ONLY, AWS_ONLY, NOT_CLEARED),
)


def findings(cluster: Cluster, types: Mapping[str, ResourceType]) -> Iterator[Finding]:
    """Everything about groups but addresses."""
    yield from _names(cluster, types)
    yield from _nodes(cluster)
    yield from _order(cluster, types)
    yield from _traits(cluster, types)


def _names(cluster: Cluster, types: Mapping[str, ResourceType]) -> Iterator[Finding]:
    seen: dict[str, None] = {}
    for number, group in enumerate(cluster.groups):
        if group.name and group.name in seen:
            yield Finding(("groups", number, "name"), SAME_GROUP.said(name=named(group.name)))
        seen[group.name] = None
        if not group.resources:
            yield Finding(("groups", number), NO_RESOURCES.said(group=named(group.name)))
    owners: dict[str, str] = {}
    monitors: dict[str, str] = {}
    for path, group, resource in resources(cluster):
        if not resource.name:
            continue
        if resource.name in owners:
            said = SAME_RESOURCE.said(group=named(owners[resource.name]), name=named(resource.name))
            yield Finding((*path, "name"), said)
            continue
        owners[resource.name] = group.name
        declared = types.get(resource.type)
        monitor = "" if declared is None else declared.monitor_name(resource.name)
        if monitor and monitor in monitors:
            yield Finding((*path, "name"), SAME_MONITOR.said(monitor=named(monitor), other=named(monitors[monitor])))
        monitors.setdefault(monitor, resource.name)


def _nodes(cluster: Cluster) -> Iterator[Finding]:
    known = [node.name for node in cluster.nodes if node.name]
    for number, group in enumerate(cluster.groups):
        path = ("groups", number, "nodes")
        yield from references.nodes(cluster, path, group.nodes)
        if len(group.nodes) == 1 and group.nodes[0] in known and len(known) > 1 and group.failover == "auto":
            yield Finding(path, ONE_STARTABLE.said(group=named(group.name), node=named(group.nodes[0])))


def _order(cluster: Cluster, types: Mapping[str, ResourceType]) -> Iterator[Finding]:
    for number, group in enumerate(cluster.groups):
        typed = {each.name: each for each in group.resources if each.type in types}
        for place, later in enumerate(group.resources):
            for index, name in enumerate(later.depends_on):
                earlier = typed.get(name)
                if earlier is None or later.type not in types:
                    continue
                if types[earlier.type].traits.order > types[later.type].traits.order:
                    said = ORDER.said(
                        later=named(later.name),
                        later_type=later.type,
                        earlier=named(earlier.name),
                        earlier_type=earlier.type,
                    )
                    yield Finding(("groups", number, "resources", place, "depends_on", index), said)


def _traits(cluster: Cluster, types: Mapping[str, ResourceType]) -> Iterator[Finding]:
    for path, _, resource in resources(cluster):
        declared = types.get(resource.type)
        if declared is None:
            continue
        traits = declared.traits
        if cluster.environment and cluster.environment not in traits.environments:
            possible = ", ".join(f"`{each.name}`" for each in types.values() if _replaces(each, cluster.environment))
            message = ONPREM_ONLY if cluster.environment == "aws" else AWS_ONLY
            yield Finding((*path, "type"), message.said(type=declared.name, possible=possible or "-"))
        if resource.exclusive != traits.exclusive and not (traits.exclusive and traits.exclusive_may_be_cleared):
            value = "true" if traits.exclusive else "false"
            yield Finding((*path, "exclusive"), NOT_CLEARED.said(type=declared.name, value=value))


def _replaces(declared: ResourceType, environment: str) -> bool:
    """True for a type of that environment alone that carries an address, as the refused one does."""
    return declared.traits.environments == (environment,) and bool(declared.traits.addresses)

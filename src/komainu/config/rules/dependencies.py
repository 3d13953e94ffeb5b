"""Who waits for whom: resources inside a group, and groups (C3, C4)."""

from collections.abc import Iterator, Mapping, Sequence

from komainu.config import dependencies
from komainu.config.problem import Finding, Path, named
from komainu.config.rules import references
from komainu.model.config import Cluster, Group, GroupDependency
from komainu.model.message import Message
from komainu.ports import ResourceType

ITSELF = Message(
    "KM1268",
    "{name} is to wait for itself, so it could never start. Remove it from its own `depends_on`.",
    "{name} が自分自身を待つ指定になっており、起動できません。自身の `depends_on` から削除してください。",
    "error",
)
RESOURCE_CIRCLE = Message(
    "KM1269",
    "These resources wait for each other, so none of them could ever start: {circle}. Remove one of the dependencies.",
    "次のリソースは互いに待ち合うため、どれも起動できません: {circle}。依存関係のどれか 1 つを取り除いてください。",
    "error",
)
RESOURCE_CIRCLE_BY_DEFAULT = Message(
    "KM1270",
    "These resources wait for each other, so none of them could ever start: {circle}. Of these, {defaults} only follow "
    "the usual order (by type, and of applications by their place in the list). Write another `depends_on` there, or "
    "remove one here.",
    "次のリソースは互いに待ち合うため、どれも起動できません: {circle}。このうち {defaults} は通常の順序（タイプの順、"
    "アプリケーションは一覧の順）に従っています。そちらに別の `depends_on` を書くか、ここから 1 つ取り除いてください。",
    "error",
)
GROUP_CIRCLE = Message(
    "KM1271",
    "These groups wait for each other, so none of them could ever start: {circle}. Remove one of the dependencies.",
    "次のグループは互いに待ち合うため、どれも起動できません: {circle}。依存関係のどれか 1 つを取り除いてください。",
    "error",
)
NOWHERE_TOGETHER = Message(
    "KM1272",
    "{group} may run only on the node of {other}, but no node is startable for both: it could never start. Give "
    "them a common node, or remove `same_node`.",
    "{group} は {other} のあるノードでだけ動作しますが、両方が起動可能なノードがないため、起動できません。共通の"
    "ノードを指定するか、`same_node` を取り除いてください。",
    "error",
)
SOMEWHERE_ALONE = Message(
    "KM1273",
    "{group} may run only on the node of {other}, but not on {nodes}: while {other} is there, {group} stays stopped. "
    "Make these nodes startable for {group} too if it is to follow everywhere.",
    "{group} は {other} のあるノードでだけ動作しますが、{nodes} では起動できません。{other} がそこにある間、{group} は"
    "停止したままです。常に追従させるには、{group} の起動可能なノードにも加えてください。",
    "warning",
)
OTHER_ORDER = Message(
    "KM1274",
    "{group} goes where {other} is, so its own order of nodes ({own}) has no effect where it differs from that of "
    "{other} ({others}). Write the same order, so that the file says what happens.",
    "{group} は {other} のあるノードに従うため、{other} の順序（{others}）と異なる {group} 自身の順序（{own}）は"
    "使われません。実際の動作と一致するように、同じ順序で書いてください。",
    "warning",
)
START_WAIT_SHORT = Message(
    "KM1282",
    "{value} ms is too short: {other} may take {longest} ms to start by its own timeouts, and {group} would count as "
    "failed while that is still under way. Write {longest} or more.",
    "{value} ミリ秒は短すぎます。{other} の活性には、設定されたタイムアウトでは最大 {longest} ミリ秒かかり、その途中で "
    "{group} が起動失敗となります。{longest} 以上にしてください。",
    "warning",
)
STOP_WAIT_SHORT = Message(
    "KM1284",
    "{value} ms is too short: {group} may take {longest} ms to stop by its own timeouts, and {other} would be stopped "
    "under it while that is still under way. Write {longest} or more.",
    "{value} ミリ秒は短すぎます。{group} の非活性には、設定されたタイムアウトでは最大 {longest} ミリ秒かかり、その"
    "途中で {other} の停止が始まります。{longest} 以上にしてください。",
    "warning",
)
WAITS_FOR_MANUAL = Message(
    "KM1283",
    "{group} starts by itself and waits for {other}, which starts only when an operator asks for it: {group} would "
    "wait {wait} ms and then count as failed. Give both the same `start`.",
    "{group} は自動で起動して {other} を待ちますが、{other} は操作者の指示でしか起動しません。{group} は {wait} ミリ秒"
    "待った後、起動失敗となります。両方の `start` を同じにしてください。",
    "warning",
)
MESSAGES = (
    *(ITSELF, RESOURCE_CIRCLE, RESOURCE_CIRCLE_BY_DEFAULT, GROUP_CIRCLE, NOWHERE_TOGETHER, SOMEWHERE_ALONE),
    *(OTHER_ORDER, START_WAIT_SHORT, STOP_WAIT_SHORT, WAITS_FOR_MANUAL),
)

Longest = Mapping[str, tuple[int | None, int | None]]
"""How long the start and the stop of each group may take."""


def findings(cluster: Cluster, types: Mapping[str, ResourceType]) -> Iterator[Finding]:
    """Dependencies of resources, then those of groups."""
    for number, group in enumerate(cluster.groups):
        yield from _resources(("groups", number, "resources"), cluster, group, types)
    yield from _groups(cluster)


def by_default(group: Group, types: Mapping[str, ResourceType]) -> list[tuple[str, ...]]:
    """What each resource of the group would depend on if the file said nothing about it."""
    listed = [(each.name, types[each.type].traits if each.type in types else None) for each in group.resources]
    return dependencies.by_default(listed)


def _resources(path: Path, cluster: Cluster, group: Group, types: Mapping[str, ResourceType]) -> Iterator[Finding]:
    names = [resource.name for resource in group.resources if resource.name]
    written: dict[str, int] = {}
    for place, (resource, usual) in enumerate(zip(group.resources, by_default(group, types), strict=True)):
        own = (*path, place, "depends_on")
        if resource.depends_on == usual:
            continue
        written[resource.name] = place
        yield from references.twice(own, resource.depends_on)
        for index, name in enumerate(resource.depends_on):
            if name and name == resource.name:
                yield Finding((*own, index), ITSELF.said(name=named(name)))
            elif name not in names:
                yield from references.resource(cluster, (*own, index), group.name, name)
    if len(dict.fromkeys(names)) < len(names):
        # Two resources of one name are refused; who waits for whom is not known then.
        return
    for circle in dependencies.circles(_graph(dependencies.resource_graph(group))):
        places = [written[name] for name in circle[:-1] if name in written]
        defaults = [named(name) for name in circle[:-1] if name not in written]
        message = RESOURCE_CIRCLE_BY_DEFAULT if defaults else RESOURCE_CIRCLE
        said = message.said(circle=_shown(circle), defaults=", ".join(defaults))
        yield Finding((*path, min(places), "depends_on"), said)


def _graph(graph: dependencies.Graph) -> dependencies.Graph:
    """Without what other rules refuse: a name that is empty, one that waits for itself."""
    return {name: [other for other in others if other != name] for name, others in graph.items() if name}


def _shown(circle: Sequence[str]) -> str:
    return " → ".join(map(named, circle))


def _groups(cluster: Cluster) -> Iterator[Finding]:
    groups = {group.name: group for group in cluster.groups if group.name}
    longest = {group.name: _longest(group) for group in cluster.groups}
    places = {group.name: place for place, group in enumerate(cluster.groups)}
    for number, group in enumerate(cluster.groups):
        path = ("groups", number, "depends_on")
        yield from references.twice(path, [each.group for each in group.depends_on])
        for index, dependency in enumerate(group.depends_on):
            place = (*path, index)
            if dependency.group and dependency.group == group.name:
                yield Finding(place, ITSELF.said(name=named(group.name)))
            elif dependency.group in groups:
                yield from _dependency(place, group, groups[dependency.group], dependency, longest)
            else:
                yield from references.group(cluster, place, dependency.group)
    graph = {name: [each.group for each in group.depends_on] for name, group in groups.items()}
    for circle in dependencies.circles(_graph(graph)):
        yield Finding(("groups", places[circle[0]], "depends_on"), GROUP_CIRCLE.said(circle=_shown(circle)))


def _longest(group: Group) -> tuple[int | None, int | None]:
    return dependencies.longest_start_ms(group), dependencies.longest_stop_ms(group)


def _dependency(
    path: Path, group: Group, other: Group, dependency: GroupDependency, longest: Longest
) -> Iterator[Finding]:
    names = {"group": named(group.name), "other": named(other.name)}
    if dependency.same_node:
        yield from _same_node(path, group, other)
    (start_ms, _), (_, stop_ms) = longest[other.name], longest[group.name]
    if start_ms is not None and dependency.start_wait_ms < start_ms:
        said = START_WAIT_SHORT.said(value=dependency.start_wait_ms, longest=start_ms, **names)
        yield Finding((*path, "start_wait_ms"), said)
    if stop_ms is not None and dependency.stop_wait_ms < stop_ms:
        said = STOP_WAIT_SHORT.said(value=dependency.stop_wait_ms, longest=stop_ms, **names)
        yield Finding((*path, "stop_wait_ms"), said)
    if group.start == "auto" and other.start == "manual":
        yield Finding(path, WAITS_FOR_MANUAL.said(wait=dependency.start_wait_ms, **names))


def _same_node(path: Path, group: Group, other: Group) -> Iterator[Finding]:
    names = {"group": named(group.name), "other": named(other.name)}
    common = [node for node in group.nodes if node in other.nodes]
    theirs = [node for node in other.nodes if node in common]
    alone = [node for node in other.nodes if node and node not in common]
    if not common and group.nodes and other.nodes:
        yield Finding(path, NOWHERE_TOGETHER.said(**names))
    elif alone:
        yield Finding(path, SOMEWHERE_ALONE.said(nodes=", ".join(map(named, alone)), **names))
    if common != theirs:
        orders = {"own": ", ".join(map(named, common)), "others": ", ".join(map(named, theirs))}
        yield Finding(path, OTHER_ORDER.said(**orders, **names))

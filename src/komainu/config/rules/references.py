"""What a name in the file refers to exists: a node, a group, a resource. If not, the nearest name is told."""

from collections.abc import Iterator, Sequence

from komainu.config import refusals
from komainu.config.problem import Finding, Path, named
from komainu.model.config import Cluster, Target
from komainu.model.message import Message

NO_SUCH_NODE = Message(
    "KM1224",
    "The cluster has no node {node}. Correct the name, or add the node under `nodes:`. Known nodes: {known}.",
    "クラスタにノード {node} はありません。名前を直すか、`nodes:` にノードを追加してください。登録済みのノード: "
    "{known}。",
    "error",
)
NODE_MISSPELT = Message(
    "KM1225",
    "The cluster has no node {node}. Did you mean `{near}`?",
    "クラスタにノード {node} はありません。`{near}` ではありませんか。",
    "error",
)
NODE_TWICE = Message(
    "KM1226",
    "{node} stands twice in the list. The order is the priority, so remove the second.",
    "{node} が一覧に 2 回あります。順序が優先順位になるため、2 つ目を削除してください。",
    "error",
)
NO_GROUP = Message(
    "KM1262",
    "The cluster has no group {group}. Correct the name, or add the group under `groups:`. Known groups: {known}.",
    "クラスタにグループ {group} はありません。名前を直すか、`groups:` にグループを追加してください。"
    "登録済みのグループ: {known}。",
    "error",
)
GROUP_MISSPELT = Message(
    "KM1263",
    "The cluster has no group {group}. Did you mean `{near}`?",
    "クラスタにグループ {group} はありません。`{near}` ではありませんか。",
    "error",
)
NO_RESOURCE = Message(
    "KM1264",
    "Group {group} has no resource {resource}. Correct the name, or add the resource. Its resources: {known}.",
    "グループ {group} にリソース {resource} はありません。名前を直すか、リソースを追加してください。"
    "このグループのリソース: {known}。",
    "error",
)
RESOURCE_MISSPELT = Message(
    "KM1265",
    "Group {group} has no resource {resource}. Did you mean `{near}`?",
    "グループ {group} にリソース {resource} はありません。`{near}` ではありませんか。",
    "error",
)
RESOURCE_ELSEWHERE = Message(
    "KM1266",
    "The resource {resource} is in group {other}, not in {group}. Write the group that it is in; what has to wait for "
    "another group is said by `depends_on` of the group.",
    "リソース {resource} はグループ {group} ではなく {other} にあります。正しいグループを書いてください。"
    "別のグループを待つ必要がある場合は、グループの `depends_on` に書きます。",
    "error",
)
TWICE = Message(
    "KM1267",
    "{name} stands twice in the list. Remove the second: it adds nothing, and may be a slip for another name.",
    "{name} が一覧に 2 回あります。2 つ目は意味を持たず、別の名前の書き誤りかもしれません。削除してください。",
    "error",
)
MESSAGES = (
    *(NO_SUCH_NODE, NODE_MISSPELT, NODE_TWICE, NO_GROUP, GROUP_MISSPELT, NO_RESOURCE, RESOURCE_MISSPELT),
    *(RESOURCE_ELSEWHERE, TWICE),
)


def nodes(cluster: Cluster, path: Path, listed: Sequence[str]) -> Iterator[Finding]:
    """A list of nodes: each exists, and stands once. An empty name was refused already, here and below."""
    known = [node.name for node in cluster.nodes if node.name]
    seen: dict[str, None] = {}
    for place, node in enumerate(listed):
        if node in seen:
            yield Finding((*path, place), NODE_TWICE.said(node=named(node)))
        elif node and node not in known:
            near = refusals.nearest(node, known)
            if near is not None:
                yield Finding((*path, place), NODE_MISSPELT.said(node=named(node), near=named(near)))
            else:
                said = NO_SUCH_NODE.said(node=named(node), known=_listed(known))
                yield Finding((*path, place), said)
        if node:
            seen[node] = None


def group(cluster: Cluster, path: Path, name: str) -> Iterator[Finding]:
    """The name of a group."""
    known = [each.name for each in cluster.groups if each.name]
    if not name or name in known:
        return
    near = refusals.nearest(name, known)
    if near is not None:
        yield Finding(path, GROUP_MISSPELT.said(group=named(name), near=named(near)))
    else:
        yield Finding(path, NO_GROUP.said(group=named(name), known=_listed(known)))


def resource(cluster: Cluster, path: Path, owner: str, name: str) -> Iterator[Finding]:
    """The name of a resource of a group. Nothing is said when the group itself does not exist."""
    groups = {each.name: [part.name for part in each.resources if part.name] for each in cluster.groups}
    if not name or owner not in groups or name in groups[owner]:
        return
    values = {"group": named(owner), "resource": named(name)}
    for other, parts in groups.items():
        if name in parts:
            yield Finding(path, RESOURCE_ELSEWHERE.said(other=named(other), **values))
            return
    near = refusals.nearest(name, groups[owner])
    if near is not None:
        yield Finding(path, RESOURCE_MISSPELT.said(near=named(near), **values))
    else:
        yield Finding(path, NO_RESOURCE.said(known=_listed(groups[owner]), **values))


def target(cluster: Cluster, path: Path, wanted: Target | None) -> Iterator[Finding]:
    """What a monitor watches, or what is recovered."""
    if wanted is not None and wanted.group:
        yield from group(cluster, (*path, "group"), wanted.group)
        yield from resource(cluster, (*path, "resource"), wanted.group, wanted.resource)


def twice(path: Path, listed: Sequence[str]) -> Iterator[Finding]:
    """The names that stand in a list already."""
    seen: dict[str, None] = {}
    for place, name in enumerate(listed):
        if name and name in seen:
            yield Finding((*path, place), TWICE.said(name=named(name)))
        seen[name] = None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(named, names)) or "-"

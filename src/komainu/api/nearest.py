"""Names that nobody knows: the answer names the nearest ones. Asked before the core is."""

from collections.abc import Iterable
from difflib import get_close_matches

from komainu.api.operation import OperationRefused
from komainu.model.config import Cluster, Group, Monitor, Resource
from komainu.model.message import Message, Said

NO_GROUP = Message("KM6010", "There is no group {name}.", "グループ {name} はありません。", "error")
NO_NODE = Message("KM6012", "There is no node {name}.", "ノード {name} はありません。", "error")
NO_RESOURCE = Message("KM6013", "There is no resource {name}.", "リソース {name} はありません。", "error")
NO_MONITOR = Message("KM6014", "There is no monitor {name}.", "モニタ {name} はありません。", "error")
NO_OBJECT = Message(
    "KM6015",
    "There is no node, group, resource or monitor {name}.",
    "{name} という名前のノード、グループ、リソース、モニタはありません。",
    "error",
)
MEANT = Message("KM6016", "Did you mean {names}?", "{names} の誤りではありませんか。")
THERE_ARE = Message("KM6017", "There is: {names}.", "存在する名前: {names}")
NONE_AT_ALL = Message("KM6018", "There is none at all.", "一つもありません。")
IS_ANOTHER = {
    "node": Message("KM6026", "{name} is a node.", "{name} はノードです。"),
    "group": Message("KM6027", "{name} is a group.", "{name} はグループです。"),
    "resource": Message("KM6028", "{name} is a resource.", "{name} はリソースです。"),
    "monitor": Message("KM6029", "{name} is a monitor.", "{name} はモニタです。"),
}

MOST_NAMED = 8
_LIKE = 0.5


def names(cluster: Cluster) -> dict[str, tuple[str, ...]]:
    """Every name there is, by kind."""
    resources = tuple(resource for group in cluster.groups for resource in group.resources)
    own = tuple(resource.monitor for resource in resources if resource.monitor)
    return {
        "node": tuple(node.name for node in cluster.nodes),
        "group": tuple(group.name for group in cluster.groups),
        "resource": tuple(resource.name for resource in resources),
        "monitor": (*own, *(monitor.name for monitor in cluster.monitors)),
    }


def node(cluster: Cluster, name: str) -> str:
    """The name of a node. Raises OperationRefused."""
    return _known(cluster, "node", name, NO_NODE)


def group(cluster: Cluster, name: str) -> Group:
    """The group of that name. Raises OperationRefused."""
    return cluster.group(_known(cluster, "group", name, NO_GROUP))


def resource(cluster: Cluster, name: str) -> tuple[Group, Resource]:
    """The resource of that name, which is unique in the cluster, and its group. Raises OperationRefused."""
    _known(cluster, "resource", name, NO_RESOURCE)
    return next((group, each) for group in cluster.groups for each in group.resources if each.name == name)


def monitor(cluster: Cluster, name: str) -> Monitor | tuple[Group, Resource]:
    """The monitor of that name, or the group and the resource whose own it is. Raises OperationRefused."""
    _known(cluster, "monitor", name, NO_MONITOR)
    for each in cluster.monitors:
        if each.name == name:
            return each
    return next((group, each) for group in cluster.groups for each in group.resources if each.monitor == name)


def kinds(cluster: Cluster, name: str) -> tuple[str, ...]:
    """What goes by that name: kinds as in `names`. Raises OperationRefused when nothing does."""
    every = names(cluster)
    found = tuple(kind for kind, known in every.items() if name in known)
    if not found:
        raise OperationRefused(unknown(NO_OBJECT, name, (each for known in every.values() for each in known)))
    return found


def unknown(message: Message, name: str, known: Iterable[str]) -> Said:
    """A refusal that names the nearest of the names there are, or all of them when they are few."""
    there = tuple(dict.fromkeys(known))
    plain = {each.casefold(): each for each in there}
    near = [plain[each] for each in get_close_matches(name.casefold(), plain, n=3, cutoff=_LIKE)]
    if near:
        hint = MEANT.said(names=", ".join(near))
    elif there:
        more = ", ..." if len(there) > MOST_NAMED else ""
        hint = THERE_ARE.said(names=", ".join(there[:MOST_NAMED]) + more)
    else:
        hint = NONE_AT_ALL.said()
    return _joined(message.said(name=name), hint)


def _known(cluster: Cluster, kind: str, name: str, message: Message) -> str:
    every = names(cluster)
    if name in every[kind]:
        return name
    for other, known in every.items():
        if name in known:
            raise OperationRefused(_joined(message.said(name=name), IS_ANOTHER[other].said(name=name)))
    raise OperationRefused(unknown(message, name, every[kind]))


def _joined(said: Said, hint: Said) -> Said:
    return Said(said.code, f"{said.en} {hint.en}", f"{said.ja}{hint.ja}", said.level)

"""Groups that avoid each other (C3)."""

from collections.abc import Iterator, Sequence

from komainu.config.dependencies import reachable
from komainu.config.problem import Finding, named
from komainu.config.rules import references
from komainu.model.config import Cluster
from komainu.model.message import Message

SAME_EXCLUSION = Message(
    "KM1276",
    "Another exclusion is called {name} already. Give each exclusion its own name.",
    "排他ルールの名前 {name} はすでに使われています。排他ルールごとに別の名前を付けてください。",
    "error",
)
CONTRADICTION = Message(
    "KM1277",
    "{one} and {other} stand in the exclusion {name} too, which is `{kind}`: they may share a node by one of the two "
    "and may not by the other. Keep one kind for the pair.",
    "{one} と {other} は `{kind}` の排他ルール {name} にも含まれています。一方では同じノードで動作でき、他方では"
    "できないことになります。この組の排他ルールの種類をどちらか一方にしてください。",
    "error",
)
TOGETHER_AND_APART = Message(
    "KM1278",
    "{one} may run only on the node of {other} (`depends_on` with `same_node`), and never on the same node by this "
    "exclusion: it could never start. Remove one of the two.",
    "{one} は {other} と同じノードでだけ動作する指定（`depends_on` の `same_node`）と、決して同じノードで動作しない"
    "という排他ルールとが両方あるため、起動できません。どちらか一方を取り除いてください。",
    "error",
)
NOT_ENOUGH_NODES = Message(
    "KM1279",
    "These {count} groups never share a node, but their startable nodes have room for {room} of them: the others "
    "stay stopped. Add nodes to their lists, or take groups out of the exclusion.",
    "この {count} 個のグループは同じノードで動作しませんが、起動可能なノードには {room} 個分しか場所がなく、残りは"
    "停止したままになります。起動可能なノードを増やすか、排他ルールからグループを外してください。",
    "warning",
)
NO_SPARE_NODE = Message(
    "KM1280",
    "These {count} groups never share a node and need {count} nodes. When {node} is lost, not all of them find a "
    "place: one stays stopped until it returns.",
    "この {count} 個のグループは同じノードで動作せず、{count} 台のノードが必要です。{node} が通信不能になると"
    "場所が足りず、そのノードが戻るまで 1 つは停止したままになります。",
    "info",
)
MESSAGES = (SAME_EXCLUSION, CONTRADICTION, TOGETHER_AND_APART, NOT_ENOUGH_NODES, NO_SPARE_NODE)

Pair = tuple[str, str]


def findings(cluster: Cluster) -> Iterator[Finding]:
    """Names, groups, contradictions, and whether there are nodes enough."""
    seen: dict[str, None] = {}
    for number, exclusion in enumerate(cluster.exclusions):
        path = ("exclusions", number)
        if exclusion.name and exclusion.name in seen:
            yield Finding((*path, "name"), SAME_EXCLUSION.said(name=named(exclusion.name)))
        seen[exclusion.name] = None
        yield from references.twice((*path, "groups"), exclusion.groups)
        for place, group in enumerate(exclusion.groups):
            yield from references.group(cluster, (*path, "groups", place), group)
        if exclusion.kind == "absolute":
            yield from _room(cluster, number, exclusion.groups)
    yield from _contradictions(cluster)


def _contradictions(cluster: Cluster) -> Iterator[Finding]:
    together = dict.fromkeys(_same_node(cluster))
    kinds: dict[Pair, tuple[str, str]] = {}
    for number, exclusion in enumerate(cluster.exclusions):
        path = ("exclusions", number, "groups")
        groups = [group for group in dict.fromkeys(exclusion.groups) if group]
        said: dict[str, None] = {}
        for one, other in _pairs(groups):
            name, kind = kinds.setdefault(_sorted(one, other), (exclusion.name, exclusion.kind))
            if exclusion.kind and kind and kind != exclusion.kind and name not in said:
                said[name] = None
                values = {"one": named(one), "other": named(other), "name": named(name), "kind": kind}
                yield Finding(path, CONTRADICTION.said(**values))
            if exclusion.kind == "absolute":
                for pair in ((one, other), (other, one)):
                    if pair in together:
                        yield Finding(path, TOGETHER_AND_APART.said(one=named(pair[0]), other=named(pair[1])))


def _sorted(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


def _pairs(groups: Sequence[str]) -> Iterator[Pair]:
    for place, one in enumerate(groups):
        for other in groups[place + 1 :]:
            yield one, other


def _same_node(cluster: Cluster) -> Iterator[Pair]:
    """Each group with every one whose node it has to share, directly or through others."""
    follows = {
        group.name: [each.group for each in group.depends_on if each.same_node and each.group != group.name]
        for group in cluster.groups
    }
    for name in follows:
        for other in reachable(follows, name):
            if other != name:
                yield name, other


def _room(cluster: Cluster, number: int, wanted: Sequence[str]) -> Iterator[Finding]:
    startable = {group.name: [node for node in group.nodes if node] for group in cluster.groups}
    groups = [name for name in dict.fromkeys(wanted) if startable.get(name)]
    path = ("exclusions", number, "groups")
    room = _places([startable[name] for name in groups], "")
    if room < len(groups):
        yield Finding(path, NOT_ENOUGH_NODES.said(count=len(groups), room=room))
        return
    for node in cluster.nodes:
        if node.name and _places([startable[name] for name in groups], node.name) < len(groups):
            yield Finding(path, NO_SPARE_NODE.said(count=len(groups), node=named(node.name)))
            return


def _places(choices: Sequence[Sequence[str]], lost: str) -> int:
    """How many groups can be placed at once, each on a node of its own, without the lost one (a maximum matching)."""
    taken: dict[str, int] = {}

    def place(group: int, tried: dict[str, None]) -> bool:
        for node in choices[group]:
            if node != lost and node not in tried:
                tried[node] = None
                if node not in taken or place(taken[node], tried):
                    taken[node] = group
                    return True
        return False

    return sum(place(group, {}) for group in range(len(choices)))

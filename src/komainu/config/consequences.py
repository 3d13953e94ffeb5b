"""What follows from a changed configuration: what restarts, what stops, what cannot be changed in operation (C11)."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from komainu.config import dependencies
from komainu.model.config import Cluster, Group
from komainu.model.difference import arbitration_differs, keeps_majority, vote_differs
from komainu.model.message import Message, Said

RESTARTS = Message(
    "KM1501",
    "These resources restart where they run, because they work otherwise from now on: {resources}.",
    "次のリソースは設定が変わるため、動作中であれば再起動します: {resources}。",
    "warning",
)
RESTARTS_TOO = Message(
    "KM1502",
    "These resources stop meanwhile and start again, because they depend on those: {resources}.",
    "次のリソースはそれらに依存しているため、いったん停止してから再び起動します: {resources}。",
    "warning",
)
STOPS = Message(
    "KM1503",
    "These resources stop for good, because the new configuration has them no more: {resources}.",
    "次のリソースは新しい構成にないため、停止します: {resources}。",
    "warning",
)
STARTS = Message(
    "KM1504",
    "These resources are new, and start where their group runs: {resources}.",
    "次のリソースは新しく追加され、グループが動作しているノードで起動します: {resources}。",
)
LEAVES = Message(
    "KM1505",
    "These groups may run on these nodes no more, and stop there if they do: {groups}.",
    "次のグループは以下のノードでは動作できなくなり、動作中であればそこで停止します: {groups}。",
    "warning",
)
MAY_MOVE = Message(
    "KM1506",
    "These groups may stop or move, so that the new rules hold for them: {groups}.",
    "次のグループは、新しい規則に合わせて停止または移動することがあります: {groups}。",
    "warning",
)
TRANSPORT = Message(
    "KM1507",
    "The settings of the interconnects change: corosync takes over new ones on every node.",
    "インタコネクトの設定が変わります。すべてのノードで corosync の設定が更新されます。",
    "warning",
)
NEXT_START = Message(
    "KM1508",
    "The change of {what} takes effect on a node when its daemon starts the next time.",
    "{what} の変更は、各ノードのデーモンが次に起動したときに有効になります。",
    "warning",
)
NOT_WHILE_IT_EXISTS = Message(
    "KM1509",
    "`{what}` cannot be changed while the cluster exists. Leave it as it is, or stop the cluster and initialise its "
    "nodes anew.",
    "`{what}` は既存のクラスタでは変更できません。元の値に戻すか、クラスタを停止して各ノードを初期化し直してください。",
    "error",
)
ONLY_TOGETHER = Message(
    "KM1511",
    "This comes into force only while all nodes of the present configuration are there: one that is away would wake "
    "with the old nodes, store or times, and could take itself to be in the right.",
    "この変更は、現在の構成の全ノードがそろっている間だけ有効にできます。不在のノードが、変更前のノード、投票先、"
    "時間のまま動き出し、自分に権利があると判断するおそれがあるためです。",
    "warning",
)
NO_MAJORITY_STAYS = Message(
    "KM1512",
    "The nodes that stay are not more than half of the old nodes and of the new ones: those that go and those that "
    "come could both take themselves for the majority. Exchange the nodes in several steps.",
    "残るノードが、変更前または変更後のノードの過半数になりません。外れるノードと加わるノードが、"
    "どちらも自分たちを過半数と判断するおそれがあります。ノードの入れ替えは何回かに分けて行ってください。",
    "error",
)
NOTHING_RESTARTS = Message("KM1510", "Nothing restarts.", "再起動するものはありません。")

Place = tuple[str, str]
"""A resource by the names of its group and its own; or a group and a node."""

ORDER = "(order)"
"""The last word of a path when a list holds the same names in another order. No name looks like it."""

_RIGHTS = ("kind", "lease", "right_ms", "wait_ms")
"""What of the arbitration all nodes have to know alike."""

_WORK = ("type", "exclusive", "params", "per_node")
"""What a running resource was started with; all else is only what is done about it."""


@dataclass(frozen=True, slots=True)
class Consequences:
    """What follows. Resources are given as (group, resource), whether they run or not."""

    restarted: tuple[Place, ...] = ()
    "They have to be started anew if they run."
    carried: tuple[Place, ...] = ()
    "They stop and start again with others, because they depend on them."
    removed: tuple[Place, ...] = ()
    "They have to stop."
    added: tuple[Place, ...] = ()
    leaves: tuple[Place, ...] = ()
    "(group, node): the group may run there no more."
    may_move: tuple[str, ...] = ()
    "Groups to which other rules of placement apply."
    transport_changed: bool = False
    "The interconnects: nodes, their ids and links, the time of detection."
    next_start: tuple[str, ...] = ()
    "What takes effect when a daemon starts the next time."
    refused_online: tuple[str, ...] = ()
    "What cannot be changed while the cluster exists."
    only_together: bool = False
    "It concerns who may act: all nodes have to be there."
    no_majority_stays: bool = False
    "Too many nodes are exchanged at once."

    def joined(self, other: "Consequences") -> "Consequences":
        """Both together, each thing once."""
        values: dict[str, Any] = {}
        for field in fields(self):
            mine, theirs = getattr(self, field.name), getattr(other, field.name)
            values[field.name] = mine or theirs if isinstance(mine, bool) else tuple(dict.fromkeys((*mine, *theirs)))
        whole = Consequences(**values)
        certain = (*whole.restarted, *whole.removed, *whole.added)
        return replace(whole, carried=tuple(place for place in whole.carried if place not in certain))

    @property
    def interrupts(self) -> bool:
        """True when something that may be running now has to stop, if only for a moment."""
        return bool(self.restarted or self.carried or self.removed or self.leaves or self.may_move)

    def said(self) -> tuple[Said, ...]:
        """In sentences, the gravest first."""
        found = [NOT_WHILE_IT_EXISTS.said(what=what) for what in self.refused_online]
        if self.no_majority_stays:
            found.append(NO_MAJORITY_STAYS.said())
        for message, places in (
            (STOPS, self.removed),
            (RESTARTS, self.restarted),
            (RESTARTS_TOO, self.carried),
            (STARTS, self.added),
        ):
            if places:
                found.append(message.said(resources=_places(places)))
        if self.leaves:
            found.append(LEAVES.said(groups=_places(self.leaves)))
        if self.may_move:
            found.append(MAY_MOVE.said(groups=", ".join(self.may_move)))
        if self.transport_changed:
            found.append(TRANSPORT.said())
        if self.only_together:
            found.append(ONLY_TOGETHER.said())
        found += [NEXT_START.said(what=what) for what in self.next_start]
        if not self.interrupts and not self.refused_online:
            found.append(NOTHING_RESTARTS.said())
        return tuple(found)


def of_difference(old: Cluster, new: Cluster, path: tuple[str, ...]) -> Consequences:
    """What follows from one difference alone, found at that path."""
    match path:
        case ("name" | "environment" as what,):
            return Consequences(refused_online=(what,))
        case ("nodes", *rest):
            rights = _rights(old, new) if len(rest) == 1 and rest != [ORDER] else Consequences()
            return replace(rights, transport_changed=rest != [ORDER])
        case ("detect_within_ms",):
            return Consequences(transport_changed=True)
        case ("arbitration", *rest):
            return _rights(old, new) if rest and rest[0] in _RIGHTS else Consequences()
        case ("aws", *_):
            return Consequences(next_start=("aws",))
        case ("exclusions", str(name), *_):
            return _exclusion(new, name)
        case ("groups", str(name)) if name != ORDER:
            return _whole_group(_group(old, name), _group(new, name))
        case ("groups", str(name), str(key), *rest):
            before, after = _group(old, name), _group(new, name)
            if before is not None and after is not None:
                return _inside_group(before, after, key, tuple(rest))
    return Consequences()


def _rights(old: Cluster, new: Cluster) -> Consequences:
    """Where another vote is to count, nothing runs on from the one to the other."""
    stays = [(group.name, each.name) for group in new.groups for each in group.resources]
    had = [(group.name, each.name) for group in old.groups for each in group.resources]
    return Consequences(
        restarted=tuple(place for place in had if place in stays) if vote_differs(old, new) else (),
        only_together=arbitration_differs(old, new),
        no_majority_stays=not keeps_majority(old, new),
    )


def _group(cluster: Cluster, name: str) -> Group | None:
    return next((group for group in cluster.groups if group.name == name), None)


def _whole_group(old: Group | None, new: Group | None) -> Consequences:
    removed = () if old is None else tuple((old.name, each.name) for each in old.resources)
    added = () if new is None else tuple((new.name, each.name) for each in new.resources)
    return Consequences(removed=removed, added=added)


def _exclusion(new: Cluster, name: str) -> Consequences:
    now = next((each for each in new.exclusions if each.name == name), None)
    if now is None or now.kind != "absolute":
        return Consequences()
    return Consequences(may_move=now.groups)


def _inside_group(old: Group, new: Group, key: str, rest: tuple[str, ...]) -> Consequences:
    moves = (new.name,)
    if key == "nodes":
        gone = tuple((new.name, node) for node in old.nodes if node not in new.nodes)
        return Consequences(leaves=gone, may_move=moves if new.failback == "auto" else ())
    if key == "failback":
        return Consequences(may_move=moves if new.failback == "auto" else ())
    if key == "depends_on" and rest:
        known = {each.group: each for each in old.depends_on}
        for each in new.depends_on:
            before = known.get(each.group)
            if each.group == rest[0] and (before is None or (each.same_node and not before.same_node)):
                return Consequences(may_move=moves)
    if key == "resources" and rest and rest != (ORDER,):
        return _resource(old, new, rest[0], rest[1:])
    return Consequences()


def _resource(old: Group, new: Group, name: str, rest: tuple[str, ...]) -> Consequences:
    place = (new.name, name)
    before = [each.name for each in old.resources]
    after = [each.name for each in new.resources]
    if rest and rest[0] not in _WORK:
        return Consequences()
    stopped = _dependants(old, name) if name in before else ()
    undermined = _dependants(new, name) if name in after else ()
    carried = tuple(
        (new.name, each) for each in dict.fromkeys((*stopped, *undermined)) if each in before and each in after
    )
    if rest:
        return Consequences(restarted=(place,), carried=carried)
    if name in before:
        return Consequences(removed=(place,), carried=carried)
    return Consequences(added=(place,), carried=carried)


def _dependants(group: Group, name: str) -> tuple[str, ...]:
    """Who depends on a resource, directly or not, in the order of the group."""
    graph = dependencies.resource_graph(group)
    return tuple(each for each in graph if each != name and name in dependencies.reachable(graph, each))


def _places(places: Iterable[Place]) -> str:
    return ", ".join(f"{group}/{name}" for group, name in places)

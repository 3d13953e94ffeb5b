"""What a node asks to find out whether it is cut off: what lies outside of the cluster, and more than one (A4)."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from komainu.config.network_partition import TYPE
from komainu.config.parameters import resources
from komainu.config.problem import Finding, Path, named
from komainu.config.rules.nodes import Address, address
from komainu.model.config import Cluster, Monitor
from komainu.model.message import Message
from komainu.model.reach import ReachTarget
from komainu.ports import ResourceType

IS_NODE = Message(
    "KM1651",
    "{target} is node {node} of this cluster: its silence would end the others just when they are needed, and itself "
    "it always reaches. Write something outside of the cluster.",
    "{target} はこのクラスタのノード {node} です。そのノードの停止によって、引き継ぐべきノードまで停止してしまいます。"
    "また、自分自身には常に到達できます。クラスタの外にあるものを指定してください。",
    "error",
)
MOVES = Message(
    "KM1652",
    "{target} is the address of resource {resource}, which moves: it always answers on the node where it is active, "
    "and is silent when nothing runs. Write something outside of the cluster.",
    "{target} はリソース {resource} のアドレスです。活性しているノードからは常に到達でき、停止中はどこからも到達"
    "できません。クラスタの外にあるものを指定してください。",
    "error",
)
ONE_TARGET = Message(
    "KM1653",
    "One target decides: when that one fails, every node that asks it takes itself for cut off, and `{action}` is "
    "carried out on all of them. Write two or more that do not fail together, with `need: any`.",
    "ターゲットが 1 つしかないため、それが故障すると、確認しているすべてのノードが孤立したとみなして `{action}` を"
    "実行します。同時に故障しないターゲットを 2 つ以上書き、`need: any` にしてください。",
    "warning",
)
NEEDS_ALL = Message(
    "KM1654",
    "With `need: all` a single target that fails is enough: every node that asks it takes itself for cut off, and "
    "`{action}` is carried out on all of them. Write `need: any` unless that is meant.",
    "`need: all` では、ターゲットが 1 つ故障しただけで、確認しているすべてのノードが孤立したとみなして `{action}` を"
    "実行します。意図したものでなければ `need: any` にしてください。",
    "warning",
)
LATER = Message(
    "KM1655",
    "With arbitration `none` another node takes over {detect} ms after it lost this one, but a node that is cut off "
    "ends only {within} ms after its targets fell silent, and what its groups need to stop comes after that: so long "
    "both may be active. Only `lease` and `majority` have the others wait.",
    "`arbitration: none` では、通信不能になってから {detect} ミリ秒で別のノードが引き継ぎますが、孤立したノードが停止を"
    "始めるのはターゲットの応答が途絶えてから最大 {within} ミリ秒後で、さらにグループの停止に時間がかかります。その間は"
    "両方のノードで動作することがあります。引き継ぐ側が待つのは `lease` と `majority` だけです。",
    "info",
)
MESSAGES = (IS_NODE, MOVES, ONE_TARGET, NEEDS_ALL, LATER)


def findings(cluster: Cluster, types: Mapping[str, ResourceType]) -> Iterator[Finding]:
    """Every monitor of that type, the one of the section `np` among them."""
    nodes = {found: node.name for node in cluster.nodes for link in node.links if (found := address(link)) is not None}
    movable = moving(cluster, types)
    for number, monitor in enumerate(cluster.monitors):
        if monitor.type == TYPE:
            path = ("monitors", number)
            for place, target in _written(path, monitor):
                found = address(target.host)
                text = named(target.text)
                if found in nodes:
                    yield Finding(place, IS_NODE.said(target=text, node=named(nodes[found])))
                elif found in movable:
                    yield Finding(place, MOVES.said(target=text, resource=named(movable[found])))
            if monitor.np and monitor.recovery.final_action != "none":
                yield from _of_ending(path, cluster, monitor)


def _of_ending(path: Path, cluster: Cluster, monitor: Monitor) -> Iterator[Finding]:
    """What it means that a node ends by it."""
    action = monitor.recovery.final_action
    counts = [len(_list(monitor.params_on(node).get("targets"))) for node in monitor.nodes]
    if 1 in counts:
        yield Finding((*path, "params", "targets"), ONE_TARGET.said(action=action))
    elif monitor.params.get("need") == "all" and any(count > 1 for count in counts):
        yield Finding((*path, "params", "need"), NEEDS_ALL.said(action=action))
    if cluster.arbitration.kind == "none" and len(cluster.nodes) > 1 and any(g.exclusive for g in cluster.groups):
        grace = monitor.params.get("grace_ms")
        within = 2 * monitor.interval_ms + monitor.timeout_ms + (grace if isinstance(grace, int) else 0)
        yield Finding(path, LATER.said(detect=cluster.detect_within_ms, within=within))


def moving(cluster: Cluster, types: Mapping[str, ResourceType]) -> dict[Address, str]:
    """The addresses that move with resources, and whose they are."""
    found: dict[Address, str] = {}
    for _, _, resource in resources(cluster):
        declared = types.get(resource.type)
        for key in () if declared is None else declared.traits.addresses:
            for params in (resource.params, *resource.per_node.values()):
                value = params.get(key)
                each = address(value) if isinstance(value, str) else None
                if each is not None:
                    found.setdefault(each, resource.name)
    return found


def _written(path: Path, monitor: Monitor) -> Iterator[tuple[Path, ReachTarget]]:
    """Every target that can be read, with its place."""
    places: list[tuple[Path, Any]] = [((*path, "params", "targets"), monitor.params.get("targets"))]
    places += [((*path, "per_node", node, "targets"), own.get("targets")) for node, own in monitor.per_node.items()]
    for place, targets in places:
        for number, target in enumerate(_list(targets)):
            try:
                yield (*place, number), ReachTarget.model_validate(target)
            except ValidationError:
                continue  # said already, by its type


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

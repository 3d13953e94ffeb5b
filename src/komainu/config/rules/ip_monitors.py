"""IP monitors that end a node: what they ask lies outside of the cluster, and does not end several nodes at once (A2).

One that ends nothing may ask whatever it likes: an alert is no harm.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from komainu.config.problem import Finding, Path, named
from komainu.config.rules.network_partition import IS_NODE, LATER, MOVES, moving
from komainu.config.rules.nodes import address
from komainu.model.config import Cluster, Monitor
from komainu.model.ip_target import IpTarget
from komainu.model.message import Message
from komainu.ports import ResourceType

SHARED = Message(
    "KM1656",
    "Nodes {nodes} all depend on {target}: when that one fails, `{action}` is carried out on all of them. Give each "
    "node `targets` of its own under `per_node`, such as the NAT instance of its zone, or several with `require: any`.",
    "{nodes} のすべてのノードが {target} に依存しています。それが故障すると、すべてのノードで `{action}` が実行され"
    "ます。自分のゾーンの NAT インスタンスのように、`per_node` でノードごとに異なる `targets` を指定するか、"
    "`require: any` で複数のターゲットを指定してください。",
    "warning",
)
GATEWAY = Message(
    "KM1657",
    "A NAT gateway never answers to ping. If {targets} belongs to one, `{action}` is carried out at the first checks "
    "already: ask an instance that is always on, or `tcp` or `dns` instead.",
    "NAT ゲートウェイは ping に応答しません。{targets} が NAT ゲートウェイの場合、起動後の最初の監視で `{action}` が"
    "実行されます。常時稼働しているインスタンスか、`tcp`、`dns` を指定してください。",
    "warning",
)
MESSAGES = (SHARED, GATEWAY)

TYPE: Final = "ipw"


def findings(cluster: Cluster, types: Mapping[str, ResourceType]) -> Iterator[Finding]:
    """Every monitor of that type whose error ends the node."""
    for number, monitor in enumerate(cluster.monitors):
        recovery = monitor.recovery
        if monitor.type == TYPE and recovery.target.kind == "node" and recovery.final_action != "none":
            path = ("monitors", number)
            yield from _outside(path, cluster, monitor, types)
            yield from _shared(path, monitor)
            pinged = dict.fromkeys(_pings_that_decide(monitor))
            if pinged and cluster.environment == "aws":
                said = GATEWAY.said(targets=", ".join(map(named, pinged)), action=recovery.final_action)
                yield Finding((*path, "params", "targets"), said)
            if monitor.np and cluster.arbitration.kind == "none" and len(cluster.nodes) > 1:
                yield from _later(path, cluster, monitor)


def _pings_that_decide(monitor: Monitor) -> Iterator[str]:
    """What is pinged by a node that asks nothing else that could be enough."""
    for node in monitor.nodes:
        params = monitor.params_on(node)
        asked = list(_targets(params.get("targets")))
        pinged = [target.icmp for target in asked if target.icmp]
        if params.get("require", "all") == "all" or len(pinged) == len(asked):
            yield from pinged


def _outside(path: Path, cluster: Cluster, monitor: Monitor, types: Mapping[str, ResourceType]) -> Iterator[Finding]:
    nodes = {found: node.name for node in cluster.nodes for link in node.links if (found := address(link)) is not None}
    movable = moving(cluster, types)
    for place, target in _written(path, monitor):
        found = address(target.host)
        text = named(target.text)
        if found in nodes:
            yield Finding(place, IS_NODE.said(target=text, node=named(nodes[found])))
        elif found in movable:
            yield Finding(place, MOVES.said(target=text, resource=named(movable[found])))


def _shared(path: Path, monitor: Monitor) -> Iterator[Finding]:
    """Targets each of which ends several nodes by its silence alone."""
    decides: dict[IpTarget, list[str]] = {}
    for node in monitor.nodes:
        params = monitor.params_on(node)
        asked = list(dict.fromkeys(_targets(params.get("targets"))))
        if params.get("require", "all") == "all" or len(asked) == 1:
            for target in asked:
                decides.setdefault(target, []).append(node)
    for target, nodes in decides.items():
        if len(nodes) > 1:
            names, action = ", ".join(map(named, nodes)), monitor.recovery.final_action
            said = SHARED.said(nodes=names, target=named(target.text), action=action)
            yield Finding((*path, "params", "targets"), said)


def _later(path: Path, cluster: Cluster, monitor: Monitor) -> Iterator[Finding]:
    if any(group.exclusive for group in cluster.groups):
        checks = monitor.retries + 1
        within = checks * (monitor.interval_ms + monitor.timeout_ms)
        yield Finding(path, LATER.said(detect=cluster.detect_within_ms, within=within))


def _written(path: Path, monitor: Monitor) -> Iterator[tuple[Path, IpTarget]]:
    """Every target that can be read, with its place."""
    places: list[tuple[Path, Any]] = [((*path, "params", "targets"), monitor.params.get("targets"))]
    places += [((*path, "per_node", node, "targets"), own.get("targets")) for node, own in monitor.per_node.items()]
    for place, targets in places:
        for number, written in enumerate(targets if isinstance(targets, list) else ()):
            for target in _targets([written]):
                yield (*place, number), target


def _targets(written: Any) -> Iterator[IpTarget]:
    """Those that can be read; of the others the type has said what is wrong."""
    for each in written if isinstance(written, list) else ():
        try:
            yield IpTarget.model_validate(each)
        except ValidationError:
            continue

"""Monitors of any type that end nodes: what one of them asks does not end all nodes at once (A2, A4).

`ipw` and `reach` ask several targets and have rules of their own.
"""

from collections.abc import Iterator
from typing import Final

from komainu.config.declared import Declared
from komainu.config.network_partition import TYPE as REACH
from komainu.config.problem import Finding, Path, named
from komainu.config.rules.ip_monitors import TYPE as IPW
from komainu.config.rules.network_partition import LATER
from komainu.model.config import Cluster, Monitor
from komainu.model.message import Message
from komainu.ports import MonitorType

SHARED = Message(
    "KM1658",
    "Nodes {nodes} all ask {target}: when it answers none of them, `{action}` is carried out on all of them, and "
    "nobody serves. Let each node ask something of its own (`per_node`), or use an `ipw` with several targets and "
    "`require: any`.",
    "{nodes} のすべてのノードが {target} に問い合わせています。どのノードにも応答しなくなると、すべてのノードで "
    "`{action}` が実行され、サービスが停止します。`per_node` でノードごとに異なる問い合わせ先を指定するか、"
    "複数のターゲットと `require: any` を指定した `ipw` を使用してください。",
    "warning",
)
MESSAGES = (SHARED,)

OTHERS: Final = (IPW, REACH)


def findings(cluster: Cluster, declared: Declared) -> Iterator[Finding]:
    """Every such monitor whose error ends its node."""
    for number, monitor in enumerate(cluster.monitors):
        kind = declared.monitors.get(monitor.type)
        ends = monitor.recovery.target.kind == "node" and monitor.recovery.final_action != "none"
        if kind is None or not ends or monitor.type in OTHERS:
            continue
        path = ("monitors", number)
        yield from _shared(path, monitor, kind)
        exclusive = any(group.exclusive for group in cluster.groups)
        if monitor.np and exclusive and cluster.arbitration.kind == "none" and len(cluster.nodes) > 1:
            yield Finding(path, LATER.said(detect=cluster.detect_within_ms, within=found_within_ms(monitor)))


def found_within_ms(monitor: Monitor) -> int:
    """How long an error may last, at most, before the monitor is in error."""
    return (monitor.retries + 1) * (monitor.interval_ms + monitor.timeout_ms)


def _shared(path: Path, monitor: Monitor, kind: MonitorType) -> Iterator[Finding]:
    asking: dict[str, list[str]] = {}
    for node in monitor.nodes:
        if place := kind.asks(monitor.params_on(node)):
            asking.setdefault(place, []).append(node)
    for place, nodes in asking.items():
        if len(nodes) > 1:
            names, action = ", ".join(map(named, nodes)), monitor.recovery.final_action
            yield Finding((*path, "params"), SHARED.said(nodes=names, target=named(place), action=action))

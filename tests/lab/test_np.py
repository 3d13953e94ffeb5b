"""The section `np` on real nodes: one that nothing outside answers any more goes down by itself, and the other serves.

The nodes hear each other all the time: it is the way outside that is cut, with real packets to the NAT instances.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from komainu_lab.wires import cut_between
from tests.lab.stage import until

pytestmark = pytest.mark.lab

SERVED_S = 30.0
GOES_DOWN_S = 40.0
GRACE_MS, INTERVAL_MS, TIMEOUT_MS = 1_500, 300, 600
NATS = ("nat1", "nat2")


def outside(document: Document) -> None:
    """Both NAT instances are asked, often enough for a test, and by the section alone."""
    document.pop("monitors", None)
    document["cluster"].update(
        startup_sync_wait_ms=30_000,
        np={
            "targets": [{"ping": "10.0.10.10"}, {"ping": "10.0.20.10"}],
            "grace_ms": GRACE_MS,
            "interval_ms": INTERVAL_MS,
            "timeout_ms": TIMEOUT_MS,
        },
    )


@pytest.fixture(scope="module")
def cluster() -> Iterator[LabCluster]:
    with LabCluster("vip", f"test-{os.getpid()}-np", print, tweak=outside) as made:
        made.client.start()
        made.client.wait_answer(boottime_ns(), SERVED_S, by=made.wait_settled())
        yield made


def found(cluster: LabCluster, seen_from: str, node: str) -> dict[str, Any]:
    """The monitor of the section on a node, as another one tells it."""
    (monitor,) = [each for each in cluster.product(seen_from).status()["monitors"] if each["name"] == "np"]
    return dict(next(each for each in monitor["on"] if each["node"] == node))


def cut(cluster: LabCluster, node: str, *targets: str) -> int:
    """Nothing passes between a node and these machines."""
    machine, at = cluster.topology.machine(node), boottime_ns()
    for target in targets:
        cluster.lab.cut(f"cut {node}-{target}", cut_between(machine, cluster.topology.machine(target)))
    return at


def told(cluster: LabCluster, node: str, since_ns: int) -> list[str]:
    """The codes of the alerts in a node's journal since a time."""
    entries = cluster.product(node).events(1000)
    recent = [entry for entry in entries if entry["boottime_ms"] * 1_000_000 >= since_ns]
    return [str(alert["code"]) for entry in recent for alert in entry["alerts"]]


def test_both_nodes_reach_the_outside(cluster: LabCluster) -> None:
    until(
        lambda: all(found(cluster, "node1", node)["status"] == "Normal" for node in ("node1", "node2")),
        "both nodes reach the outside",
    )


def test_one_silent_target_is_a_caution_and_nothing_more(cluster: LabCluster) -> None:
    active = cluster.active()
    since_ns = cut(cluster, active, "nat1")
    until(lambda: found(cluster, active, active)["status"] == "Caution", "one target is missed")
    cluster.client.wait(
        lambda record: record.good and record.sent_ns > since_ns + 2 * (GRACE_MS + TIMEOUT_MS) * 1_000_000,
        SERVED_S,
        "an answer long after the grace",
    )
    assert cluster.active() == active
    assert "KM4901" not in told(cluster, active, since_ns)
    cluster.lab.heal()
    until(lambda: found(cluster, active, active)["status"] == "Normal", "both targets answer again")


def test_a_node_that_reaches_nothing_goes_down_and_the_other_one_serves(cluster: LabCluster) -> None:
    active = cluster.active()
    other = cluster.other(active)
    since_ns = cut(cluster, active, *NATS)
    until(lambda: not cluster.lab.node(active).on, f"{active} goes down", GOES_DOWN_S)
    served = cluster.client.wait_answer(since_ns + 1, SERVED_S, by=other)
    assert served.who == other
    cluster.wait_settled(on=other, ready=False)
    assert "KM4901" in told(cluster, other, since_ns), "why it went down is told where somebody can read it"
    assert found(cluster, other, other)["status"] == "Normal"


def test_not_even_the_last_node_is_spared(cluster: LabCluster) -> None:
    """It may be the one that is cut off: nobody can know that better (C7)."""
    last = cluster.active()
    assert not cluster.lab.node(cluster.other(last)).on
    cut(cluster, last, *NATS)
    until(lambda: not cluster.lab.node(last).on, f"{last} goes down as well", GOES_DOWN_S)

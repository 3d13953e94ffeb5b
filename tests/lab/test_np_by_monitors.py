"""Network partition resolved by the monitors of the examples: a node that is cut off goes down, the other one serves.

With the VIP each node asks the NAT instance of its own Availability Zone (`ipw1`), with the Elastic IP the endpoint of
the region (`endpoint1`). Nothing of the examples is changed but how long it takes them.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from komainu_lab import configuration
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from komainu_lab.wires import cut_between, cut_off
from tests.lab.stage import until

pytestmark = pytest.mark.lab

SERVED_S = 30.0
GOES_DOWN_S = 40.0
DECIDES = {"vip": "ipw1", "eip": "endpoint1"}
"The monitor of each example that ends a node."
SILENT = {"vip": {"KM4201"}, "eip": {"KM4402", "KM4403"}}
"What it says then: no target answers; a time-out, or no way there."
NAT_OF = {"node1": "nat1", "node2": "nat2"}


def quick(document: Document) -> None:
    """The example with checks that a test can wait for."""
    document["cluster"]["startup_sync_wait_ms"] = 30_000
    for entry in document["monitors"]:
        decides = entry["name"] in DECIDES.values()
        entry.update(interval_ms=500 if decides else 1_000, timeout_ms=900 if decides else 5_000)
        entry.update({"retries": 2} if decides else {})
    kind = document["groups"][0]["resources"][0]["type"]
    configuration.resource(document, kind).update(prepare_interval_ms=1_000, start_timeout_ms=10_000)


@pytest.fixture(scope="module", params=DECIDES)
def _cluster(request: pytest.FixtureRequest) -> Iterator[LabCluster]:
    with LabCluster(request.param, f"test-{os.getpid()}-monitors-np", print, tweak=quick) as made:
        made.client.start()
        yield made


@pytest.fixture
def cluster(_cluster: LabCluster) -> LabCluster:
    """Both nodes on, nothing cut, the client served."""
    _cluster.lab.heal()
    _cluster.lab.power_on()
    _cluster.client.wait_answer(boottime_ns(), SERVED_S, by=_cluster.wait_settled())
    decides = DECIDES[_cluster.example]
    until(lambda: set(found(_cluster, decides).values()) == {"Normal"}, "both nodes reach what they ask")
    return _cluster


def found(cluster: LabCluster, name: str) -> dict[str, str]:
    """What a monitor finds on each node."""
    told: Any = cluster.status()
    (monitor,) = [each for each in told["monitors"] if each["name"] == name]
    return {each["node"]: each["status"] for each in monitor["on"]}


def alerted(cluster: LabCluster, node: str, since: str) -> set[str]:
    """The codes in the alert log of a node since a time; a shutdown does not end it."""
    said = cluster.product(node).komainu("alerts", "--json", "--since", since)
    return {str(json.loads(line)["code"]) for line in said.splitlines()}


def serves_alone(cluster: LabCluster, node: str, since_ns: int) -> None:
    """The client is answered by that node, and by no other any more."""
    served = cluster.client.wait_answer(since_ns, SERVED_S, by=node)
    cluster.wait_settled(on=node, ready=False)
    later = boottime_ns()
    cluster.client.wait(lambda record: record.good and record.sent_ns > later + 1_000_000_000, SERVED_S, "more answers")
    who = {each.who for each in cluster.client.records() if each.good and each.sent_ns > served.sent_ns}
    assert who == {node}


def test_the_monitors_of_the_example_are_normal_on_both_nodes(cluster: LabCluster) -> None:
    for name in (DECIDES[cluster.example], "awsazw1"):
        until(lambda: set(found(cluster, name).values()) == {"Normal"}, f"{name} is normal on both nodes")  # noqa: B023


def test_an_active_node_that_is_cut_off_from_everything_goes_down_and_the_other_one_serves(
    cluster: LabCluster,
) -> None:
    active = cluster.active()
    other = cluster.other(active)
    since, since_ns = datetime.now(UTC).isoformat(), boottime_ns()
    cluster.lab.cut(f"cut {active} off", cut_off(cluster.topology.machine(active)))
    until(lambda: not cluster.lab.node(active).on, f"{active} goes down by itself", GOES_DOWN_S)
    serves_alone(cluster, other, since_ns)
    assert not SILENT[cluster.example] & alerted(cluster, other, since), "nobody could tell it"

    cluster.lab.heal()
    cluster.lab.power_on()
    cluster.wait_settled(on=other)
    assert SILENT[cluster.example] & alerted(cluster, active, since), "why it went down can be read when it is back"


def test_a_standby_that_is_cut_off_goes_down_and_nobody_notices(cluster: LabCluster) -> None:
    active = cluster.active()
    standby = cluster.other(active)
    since_ns = boottime_ns()
    cluster.lab.cut(f"cut {standby} off", cut_off(cluster.topology.machine(standby)))
    until(lambda: not cluster.lab.node(standby).on, f"{standby} goes down by itself", GOES_DOWN_S)
    who = {each.who for each in cluster.client.records() if each.good and each.sent_ns > since_ns}
    assert who == {active}
    serves_alone(cluster, active, since_ns)


def test_a_node_that_misses_only_its_own_nat_tells_why_and_hands_over(cluster: LabCluster) -> None:
    if cluster.example != "vip":
        pytest.skip("the nodes of this example have no NAT")
    active = cluster.active()
    other = cluster.other(active)
    machine, nat = (cluster.topology.machine(name) for name in (active, NAT_OF[active]))
    since, since_ns = datetime.now(UTC).isoformat(), boottime_ns()
    cluster.lab.cut(f"cut {active} from its NAT", cut_between(machine, nat))
    until(lambda: not cluster.lab.node(active).on, f"{active} goes down by itself", GOES_DOWN_S)
    serves_alone(cluster, other, since_ns)
    assert SILENT[cluster.example] & alerted(cluster, other, since), (
        "it was told while the nodes still heard each other"
    )
    assert found(cluster, "ipw1")[other] == "Normal"

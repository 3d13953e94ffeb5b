"""An IPv6 VIP on real packets: the client of the VPC follows it, and only by the rows of the route tables.

The cluster is that of the VIP example, and nodes and client have IPv6 beside IPv4. What belongs to the cluster itself
(corosync, the API) goes by IPv4.
"""

import json
import os
from collections.abc import Iterator

import pytest

from komainu_lab import configuration
from komainu_lab.client import TIMEOUT_MS
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from tests.lab.stage import NS, impatient, until

pytestmark = pytest.mark.lab
SERVED_S = 40.0


class Six:
    """The cluster, and how the tests look at it."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self.cluster = LabCluster("vip6", f"test-{os.getpid()}-ipv6", print, tweak=impatient)
        self.vip = str(self.cluster.topology.service_address)

    def mend(self) -> str:
        """Everything is on, the standby is ready, the client is served; answers the active node."""
        self.cluster.lab.power_on()
        active = self.cluster.wait_settled()
        self.cluster.client.wait_answer(boottime_ns(), SERVED_S, by=active)
        return active

    def follow(self, since_ns: int, node: str) -> None:
        """The client is served by that node, every row leads there, and the group is online."""
        self.cluster.client.wait_answer(since_ns, SERVED_S, by=node)
        until(lambda: self.online() == node, f"the group is online at {node}", SERVED_S)
        until(lambda: self.targets() == {node}, f"every row leads to {node}", SERVED_S)
        assert self.carriers() == {node}

    def targets(self) -> set[str]:
        """Where the rows lead."""
        return {row["target"] for row in self.cluster.cloud.routes().values()}

    def online(self) -> str:
        """Where the group is online; empty: nowhere."""
        group = self.cluster.status()["groups"][0]
        return str(group["node"]) if group["status"] == "Online" else ""

    def carriers(self) -> set[str]:
        """The nodes that are on and carry the VIP, ready to be used at once."""
        found = set()
        for machine in self.cluster.topology.nodes:
            node = self.cluster.lab.node(machine.name)
            lines = node.run(["ip", "-6", "-o", "address"]).stdout.splitlines() if node.on else []
            (mine,) = [line for line in lines if f"inet6 {self.vip}/128 " in line] or [""]
            if mine:
                assert "nodad" in mine
                assert "tentative" not in mine
                found.add(machine.name)
        return found

    def source(self, name: str) -> str:
        """Where the connections come from that this machine makes to the internet of its own accord."""
        found = self.cluster.lab.node(name).run(["ip", "-6", "-json", "route", "get", "2600::1"]).stdout
        return str(json.loads(found)[0]["prefsrc"])

    def answers(self, since_ns: int) -> list[str]:
        """Who answered the client's questions of a moment from then on; empty: a question that nobody answered."""
        until_ns = since_ns + NS // 3
        ended_ns = until_ns + (TIMEOUT_MS + 200) * 1_000_000  # when a later question has ended, these have
        self.cluster.client.wait(lambda record: record.sent_ns > ended_ns, 20, "later questions")
        asked = [record for record in self.cluster.client.records() if since_ns <= record.sent_ns < until_ns]
        return sorted({record.who for record in asked})


@pytest.fixture(scope="module")
def _six() -> Iterator[Six]:
    made = Six()
    try:
        made.cluster.up()
        made.cluster.client.start()
        yield made
    finally:
        made.cluster.down()


@pytest.fixture
def six(_six: Six) -> Six:
    """Everything is well."""
    _six.mend()
    return _six


def test_move_and_power_loss(six: Six) -> None:
    cluster = six.cluster
    active = cluster.active()
    target = cluster.other(active)
    moved_ns = boottime_ns()
    cluster.product(active).komainu("group", "move", cluster.group, target)
    six.follow(moved_ns, target)
    cluster.wait_settled(on=target)
    assert set(six.answers(boottime_ns())) - {""} == {target}
    assert six.source(target) == str(cluster.topology.machine(target).address6), "not the VIP, whose rows may lead away"
    fault_ns = cluster.lab.power_off(target)
    six.follow(fault_ns, active)


@pytest.mark.slow
def test_rows_that_somebody_points_elsewhere_come_back(six: Six) -> None:
    """Only when 30 s have passed since the node's own write: until then a row may just not be visible yet."""
    cluster = six.cluster
    active = cluster.active()
    other = cluster.other(active)
    before = cluster.cloud.programmed()[-1]["number"]
    cluster.cloud.point_route(other)
    away = f"br-{cluster.topology.machine(other).subnet.name}"
    followed = [tuple(route) for entry in cluster.cloud.programmed(before) for route in entry["routes"]]
    assert cluster.topology.service_route in [to for _, to, device, _ in followed if device == away]
    until(lambda: six.targets() == {active}, "the rows are back", SERVED_S)
    six.follow(boottime_ns(), active)
    alerts = "".join(alert["en"] for entry in cluster.product(active).events() for alert in entry["alerts"])
    assert f"(8 : The routing for VIP {six.vip} was changed.)" in alerts


@pytest.mark.slow
def test_only_rows_lead_to_it(six: Six) -> None:
    """Without them nobody answers, whatever a machine claims; nor does a node whose Source/Dest check is on."""
    cluster = six.cluster
    active = cluster.active()
    group = cluster.group
    cluster.product(active).komainu("group", "stop", group)
    until(lambda: cluster.status()["groups"][0]["status"] == "Offline", "the group is offline")
    assert six.carriers() == set()
    cluster.cloud.point_route(active)
    claiming = cluster.lab.node(active)
    claiming.run(["ip", "-6", "address", "add", f"{six.vip}/128", "dev", "eth0", "nodad"])
    claiming.start_service("claiming", configuration.APPLICATION)
    try:
        cluster.client.wait_answer(boottime_ns(), SERVED_S, by=active)
        cluster.cloud.source_dest_check(active, on=True)
        assert six.answers(boottime_ns()) == [""]
        cluster.cloud.source_dest_check(active, on=False)
        cluster.client.wait_answer(boottime_ns(), SERVED_S, by=active)
        cluster.cloud.delete_route()
        assert six.answers(boottime_ns()) == [""]
        cluster.cloud.create_route(active)
        cluster.client.wait_answer(boottime_ns(), SERVED_S, by=active)
    finally:
        claiming.stop_service("claiming", timeout_s=10)
        claiming.run(["ip", "-6", "address", "del", f"{six.vip}/128", "dev", "eth0"])
    cluster.product(active).komainu("group", "start", group)

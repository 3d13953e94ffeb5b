"""Addresses that move within one subnet, by a role of another account, and in Route 53: on real packets.

One cluster has them all in one group: an awsvip of whose route tables one belongs to another account, an awssip and an
awsdns. The client is in the nodes' subnet.
"""

import copy
import os
from collections.abc import Iterator

import pytest

from komainu_lab import configuration
from komainu_lab.client import Client
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from tests.lab.stage import NS, until

pytestmark = pytest.mark.lab

SERVED_S = 40.0
SIP = "10.0.110.20"
NAME = "db.example.com"
SHARED = "Private-A"
"The route table of the client's subnet: without it the client does not follow."
RIGHTS = (
    *("ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses", "sts:AssumeRole"),
    *("route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets", "route53:GetChange"),
)
QUICK = {"check_interval_ms": 6_000, "prepare_interval_ms": 6_000, "start_timeout_ms": 10_000}


class Addresses:
    """The cluster, and what is prepared in AWS for it."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self.cluster = LabCluster("addresses", f"test-{os.getpid()}-addresses", print, tweak=self._fit)
        self.zone = ""
        self._sip: Client | None = None

    def _fit(self, document: Document) -> None:
        """Three addresses in place of one; what an operator does in AWS beforehand is done."""
        cloud = self.cluster.cloud
        cloud.allow(*RIGHTS)
        self.zone = cloud.hosted_zone("example.com")
        role = cloud.share(SHARED)
        document["cluster"]["startup_sync_wait_ms"] = 60_000
        document.pop("monitors", None)
        vip = configuration.resource(document, "awsvip")
        vip.update(QUICK)
        vip["params"]["roles"] = {cloud.built.tables[SHARED]: role}
        nodes = self.cluster.topology.nodes
        sip = {
            "name": "awssip1",
            "type": "awssip",
            "params": {"address": SIP},
            "per_node": copy.deepcopy(vip["per_node"]),
            **QUICK,
        }
        dns = {
            "name": "awsdns1",
            "type": "awsdns",
            "params": {"zone_id": self.zone, "name": NAME, "ttl_s": 10},
            "per_node": {node.name: {"value": str(node.address)} for node in nodes},
            **QUICK,
        }
        resources = document["groups"][0]["resources"]
        resources[resources.index(vip) + 1 : resources.index(vip) + 1] = [sip, dns]

    def up(self) -> None:
        """Bring it up; the client asks both addresses."""
        self.cluster.up()
        self.cluster.client.start()
        self.sip.start()

    @property
    def sip(self) -> Client:
        """The client of the secondary private address."""
        if self._sip is None:
            self._sip = Client(self.cluster.lab.node("client"), SIP, service="prober-sip")
        return self._sip

    def follow(self, since_ns: int, node: str) -> None:
        """Both clients are served by that node, and everything in AWS leads there."""
        for client in (self.cluster.client, self.sip):
            client.wait_answer(since_ns, SERVED_S, by=node)
        until(lambda: self.product_online(node), "the group is online", SERVED_S)
        assert self.leads() == {"vip": {node}, "sip": {node}, "dns": {node}}

    def product_online(self, node: str) -> bool:
        """The group is online at that node."""
        group = self.cluster.product(node).status()["groups"][0]
        return (group["status"], group["node"]) == ("Online", node)

    def leads(self) -> dict[str, set[str]]:
        """Where AWS has each of the addresses."""
        cloud, nodes = self.cluster.cloud, self.cluster.topology.nodes
        values = cloud.record(self.zone, NAME)
        return {
            "vip": {route["target"] for route in cloud.routes().values()},
            "sip": {node.name for node in nodes if SIP in cloud.private_addresses(node.name)},
            "dns": {node.name for node in nodes if (str(node.address),) == values},
        }


@pytest.fixture(scope="module")
def _addresses() -> Iterator[Addresses]:
    made = Addresses()
    try:
        made.up()
        yield made
    finally:
        made.cluster.down()


@pytest.fixture
def addresses(_addresses: Addresses) -> Addresses:
    """Everything is on, the standby is ready, both clients are served."""
    cluster = _addresses.cluster
    cluster.lab.power_on()
    active = cluster.wait_settled()
    _addresses.follow(boottime_ns(), active)
    return _addresses


def test_the_table_of_another_account_is_written_by_its_role(addresses: Addresses) -> None:
    """What the cluster's start has done already: without the role the node could not."""
    cloud, active = addresses.cluster.cloud, addresses.cluster.active()
    written = [call for call in cloud.calls() if call["action"] == "ReplaceRoute" and "DryRun" not in call["details"]]
    mine = [call for call in written if call["details"]["RouteTableId"] == cloud.built.tables[SHARED]]
    assert mine
    assert {call["status"] for call in mine} == {200}
    assert {call["source"] for call in mine} == {""}, "by no key of a node's own role"
    assert cloud.routes()[SHARED]["target"] == active
    assert not [call for call in cloud.calls() if call["status"] == 403]


def test_power_loss(addresses: Addresses) -> None:
    cluster = addresses.cluster
    active = cluster.active()
    survivor = cluster.other(active)
    fault_ns = cluster.lab.power_off(active)
    addresses.follow(fault_ns, survivor)


def test_move(addresses: Addresses) -> None:
    cluster = addresses.cluster
    active = cluster.active()
    target = cluster.other(active)
    moved_ns = boottime_ns()
    cluster.product(active).komainu("group", "move", cluster.group, target)
    addresses.follow(moved_ns, target)
    cluster.wait_settled(on=target)
    ends_ns = boottime_ns()
    addresses.sip.wait(lambda record: record.sent_ns > ends_ns + 2 * NS, 10, "later requests")
    answered = [each.who for each in addresses.sip.records() if each.good and each.sent_ns > ends_ns]
    assert set(answered) == {target}


CLAIM = """
import socket, sys
sending = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sending.bind((sys.argv[1], 0))
sending.sendto(b"here I am", (sys.argv[2], 9))
"""


def test_a_machine_that_claims_the_address_gets_none_of_its_packets(addresses: Addresses) -> None:
    """As in a VPC: where an address is, the API says, and no word by ARP."""
    cluster = addresses.cluster
    active = cluster.active()
    claiming = cluster.lab.node(cluster.other(active))
    claiming.run(["ip", "address", "add", f"{SIP}/32", "dev", "eth0"])
    try:
        claiming.run(["ip", "neighbour", "flush", "dev", "eth0"])  # it has to ask for the client, in the name of SIP
        claiming.run(["/usr/bin/python3", "-I", "-S", "-c", CLAIM, SIP, str(cluster.topology.client.address)])
        since_ns = boottime_ns()
        addresses.sip.wait(lambda record: record.sent_ns > since_ns + 2 * NS, 10, "later requests")
        asked = [each for each in addresses.sip.records() if each.sent_ns > since_ns]
        assert {each.who for each in asked} == {active}
    finally:
        claiming.run(["ip", "address", "del", f"{SIP}/32", "dev", "eth0"])

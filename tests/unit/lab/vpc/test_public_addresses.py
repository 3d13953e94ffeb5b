"""Figure 5-1 in moto: an Elastic IP takes the place of a node's own public address, as on EC2."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from moto.moto_api._internal.models import moto_api_backend

from komainu_lab import topology
from komainu_lab.vpc import corrections, metadata
from komainu_lab.vpc.build import Operator, backend, build
from komainu_lab.vpc.dispatch import Dispatcher
from komainu_lab.vpc.plan import Hop, Reader
from komainu_lab.vpc.public_addresses import OwnAddresses

TOPOLOGY = topology.eip()
EIP = "203.0.113.10"
PRIVATE = {"node1": "10.0.10.100", "node2": "10.0.20.100"}


class World:
    """The built VPC."""

    def __init__(self, own: OwnAddresses) -> None:
        operator = Operator(Dispatcher(), TOPOLOGY.region)
        self.built = build(TOPOLOGY, operator)
        self.ec2 = operator.client("ec2")
        self.own = own
        self.reader = Reader(TOPOLOGY)

    def public(self, node: str) -> str:
        """The only public address that packets of a node have; empty: none."""
        found = [str(public) for public, private in self._plan.public if private == PRIVATE[node]]
        assert len(found) <= 1
        return "".join(found)

    @property
    def _plan(self) -> Any:
        return self.reader.read(backend(TOPOLOGY.region))

    def default_routes(self) -> set[Hop]:
        return {hop for (_, destination), hop in self._plan.routes.items() if destination == "0.0.0.0/0"}

    def associate(self, node: str) -> str:
        answer = self.ec2.associate_address(
            AllocationId=self.built.allocation, NetworkInterfaceId=self.built.instances[node].interface
        )
        return str(answer["AssociationId"])


@pytest.fixture
def world() -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        moto_api_backend.reset()
        own = OwnAddresses(lambda work: work())
        applied = corrections.apply((*corrections.CORRECTIONS, own.correct))
        yield World(own)
        applied.withdraw()
        moto_api_backend.reset()


def test_figure_5_1(world: World) -> None:
    assert world.default_routes() == {Hop("br-outside")}
    assert (world.public("node1"), world.public("node2")) == ("203.0.113.101", "203.0.113.102")
    assert list(world.built.tables) == ["Public-AB"]
    found = world.ec2.describe_addresses(AllocationIds=[world.built.allocation])["Addresses"][0]
    assert found["PublicIp"] == world.built.service_address == EIP
    assert "AssociationId" not in found


def test_an_elastic_ip_takes_the_place_of_the_own_address(world: World) -> None:
    world.associate("node1")
    assert world.public("node1") == EIP
    meta = metadata.tree(backend(TOPOLOGY.region), world.built.instances["node1"].id)
    assert meta["meta-data/public-ipv4"] == EIP


def test_without_it_the_node_gets_another_one(world: World) -> None:
    association = world.associate("node1")
    world.ec2.disassociate_address(AssociationId=association)
    assert world.public("node1") == "203.0.113.103"
    meta = metadata.tree(backend(TOPOLOGY.region), world.built.instances["node1"].id)
    assert meta["meta-data/public-ipv4"] == "203.0.113.103"


def test_a_takeover_changes_both_and_an_association_again_changes_nothing(world: World) -> None:
    first = world.associate("node1")
    assert world.associate("node1") == first
    assert world.associate("node2") != first
    assert (world.public("node1"), world.public("node2")) == ("203.0.113.103", EIP)


def test_it_may_never_come_until_it_is_given(world: World) -> None:
    world.own.delay(None)
    world.associate("node1")
    world.associate("node2")
    assert (world.public("node1"), world.public("node2")) == ("", EIP)
    meta = metadata.tree(backend(TOPOLOGY.region), world.built.instances["node1"].id)
    assert "meta-data/public-ipv4" not in meta
    world.own.delay(0)
    assert (world.public("node1"), world.public("node2")) == ("203.0.113.103", EIP)


def test_it_may_come_late_and_not_in_place_of_an_elastic_ip_that_was_faster(world: World) -> None:
    world.own.delay(1)
    world.associate("node1")
    world.associate("node2")
    deadline = time.monotonic() + 20
    while not world.public("node1"):
        assert time.monotonic() < deadline, "the address of its own did not come"
        time.sleep(0.001)
    world.own.delay(None)
    world.associate("node1")
    world.associate("node2")
    world.associate("node1")
    world.own.delay(0)
    assert (world.public("node1"), world.public("node2")) == (EIP, "203.0.113.104")


def test_a_node_that_starts_again_keeps_the_elastic_ip(world: World) -> None:
    world.associate("node1")
    for verb in ("stop", "start"):
        getattr(world.ec2, f"{verb}_instances")(InstanceIds=[world.built.instances["node1"].id])
    assert world.public("node1") == EIP

"""What the router must do, read from the emulated state: every kind of target, without a router."""

from typing import Any

import pytest

from komainu_lab.topology import VPC_CIDR6
from komainu_lab.vpc.build import VPC_CIDR
from komainu_lab.vpc.plan import BLACKHOLE, Hop
from komainu_lab.wires import hardware_address
from tests.unit.lab.vpc.world import READER, SIX, VIP, World

NODE1, NODE2 = Hop("br-private-a", "10.0.110.100"), Hop("br-private-c", "10.0.120.100")


def test_figure_4_1(world: World) -> None:
    assert world.hops(VIP) == dict.fromkeys(("private-a", "private-c", "public-a", "public-c"), NODE1)
    outside = Hop("br-outside")
    assert world.hops("0.0.0.0/0") == {
        "private-a": Hop("br-public-a", "10.0.10.10"),
        "private-c": Hop("br-public-c", "10.0.20.10"),
        "public-a": outside,
        "public-c": outside,
    }
    assert set(world.hops("10.0.120.0/24").values()) == {Hop("br-private-c")}
    assert set(world.hops(VPC_CIDR).values()) == {BLACKHOLE}
    found = world.plan()
    assert found.checked_ports == {"p-client"}
    assert found.own_addresses == {("p-client", "10.0.20.50")}
    assert found.public == {("203.0.113.11", "10.0.10.10"), ("203.0.113.12", "10.0.20.10")}
    assert (found.stopped, found.stopped_ports) == (frozenset(), frozenset())
    assert ("br-private-a", "10.0.110.100", hardware_address(bytes([10, 0, 110, 100]))) in found.neighbours
    assert len(found.neighbours) == 5


def test_a_table_at_a_time(world: World) -> None:
    world.point("Private-B", NetworkInterfaceId=world.eni("node2"))
    assert world.hops(VIP) == {"private-a": NODE1, "private-c": NODE2, "public-a": NODE1, "public-c": NODE1}


def test_an_instance_as_target_is_its_first_interface(world: World) -> None:
    world.point("Public-AB", InstanceId=world.built.instances["node2"].id)
    assert world.hops(VIP)["public-a"] == NODE2


def test_a_row_that_is_deleted(world: World) -> None:
    world.ec2.delete_route(RouteTableId=world.built.tables["Public-AB"], DestinationCidrBlock=VIP)
    routes = world.plan().routes
    with_row = {table for table, destination in routes if destination == VIP}
    assert with_row == {100, 101}


@pytest.mark.parametrize("verb", ["stop", "terminate"])
def test_an_instance_that_does_not_run_is_unreachable(world: World, verb: str) -> None:
    getattr(world.ec2, f"{verb}_instances")(InstanceIds=[world.built.instances["node1"].id])
    found = world.plan()
    assert set(world.hops(VIP).values()) == {BLACKHOLE}
    assert (found.stopped, found.stopped_ports) == ({"10.0.110.100"}, {"p-node1"})


def test_an_interface_that_is_deleted_is_unreachable(world: World) -> None:
    world.ec2.delete_network_interface(NetworkInterfaceId=world.eni("node1"))
    found = world.plan()
    assert set(world.hops(VIP).values()) == {BLACKHOLE}
    assert (found.stopped, found.stopped_ports) == ({"10.0.110.100"}, {"p-node1"})


def test_source_dest_check(world: World) -> None:
    check = {"Value": True}
    world.ec2.modify_network_interface_attribute(NetworkInterfaceId=world.eni("node1"), SourceDestCheck=check)
    world.ec2.assign_private_ip_addresses(NetworkInterfaceId=world.eni("node1"), PrivateIpAddresses=["10.0.110.200"])
    found = world.plan()
    assert found.checked_ports == {"p-client", "p-node1"}
    assert {("p-node1", "10.0.110.100"), ("p-node1", "10.0.110.200")} <= found.own_addresses


def test_a_secondary_address_is_where_the_api_has_it(world: World) -> None:
    """On the wire, too: the router knows that hardware address, and asks nobody."""
    address = "10.0.110.200"
    world.ec2.assign_private_ip_addresses(NetworkInterfaceId=world.eni("node1"), PrivateIpAddresses=[address])
    hardware = hardware_address(bytes([10, 0, 110, 100]))
    assert [each for each in world.plan().neighbours if each[1] == address] == [("br-private-a", address, hardware)]
    world.ec2.unassign_private_ip_addresses(NetworkInterfaceId=world.eni("node1"), PrivateIpAddresses=[address])
    assert not [each for each in world.plan().neighbours if each[1] == address]


def test_the_ports_inside_are_those_of_the_vpcs_machines() -> None:
    assert set(READER.ports) == {"p-node1", "p-node2", "p-nat1", "p-nat2", "p-client"}


def test_targets_that_no_machine_carries_lead_nowhere(world: World) -> None:
    subnet = world.built.subnets["public-a"]
    lone = world.ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    world.point("Public-AB", NetworkInterfaceId=lone)
    assert world.hops(VIP)["public-a"] == BLACKHOLE
    gateway = world.ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    world.point("Public-AB", NatGatewayId=gateway)
    assert world.hops(VIP)["public-a"] == BLACKHOLE


def test_without_an_internet_gateway_nothing_is_public(world: World) -> None:
    gateway = world.ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    world.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=world.built.vpc)
    assert world.plan().public == frozenset()
    assert world.hops("0.0.0.0/0")["public-a"] == BLACKHOLE


def test_a_subnet_without_a_table_of_its_own_uses_the_main_one(world: World) -> None:
    tables = world.ec2.describe_route_tables(RouteTableIds=[world.built.tables["Private-A"]])["RouteTables"]
    association = tables[0]["Associations"][0]["RouteTableAssociationId"]
    world.ec2.disassociate_route_table(AssociationId=association)
    routes = world.plan().routes
    assert (100, VIP) not in routes
    assert routes[100, "0.0.0.0/0"] == BLACKHOLE
    assert routes[100, "10.0.120.0/24"] == Hop("br-private-c")


def test_elastic_addresses_follow_their_association(world: World) -> None:
    allocation: Any = world.ec2.describe_addresses(PublicIps=["203.0.113.11"])["Addresses"][0]["AllocationId"]
    world.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=world.eni("node1"))
    assert ("203.0.113.11", "10.0.110.100") in world.plan().public


# --- IPv6

six = pytest.mark.parametrize("world", [SIX], indirect=True)
VIP6 = SIX.service_route
CLIENT6 = "2001:db8:0:10c::32"
NODE1_6, NODE2_6 = Hop("br-private-a", "2001:db8:0:11a::64"), Hop("br-private-c", "2001:db8:0:11c::64")
SUBNETS = ("private-a", "private-c", "public-a", "public-c")


@six
def test_ipv6_beside_ipv4(world: World) -> None:
    assert world.hops(VIP6) == dict.fromkeys(SUBNETS, NODE1_6)
    assert set(world.hops("::/0").values()) == {BLACKHOLE}
    assert set(world.hops(str(VPC_CIDR6)).values()) == {BLACKHOLE}
    assert set(world.hops("2001:db8:0:11c::/64").values()) == {Hop("br-private-c")}
    assert set(world.hops("10.0.120.0/24").values()) == {Hop("br-private-c")}
    found = world.plan()
    assert found.own_addresses == {("p-client", "10.0.20.50"), ("p-client", CLIENT6)}
    assert ("br-private-a", "2001:db8:0:11a::64", hardware_address(bytes([10, 0, 110, 100]))) in found.neighbours
    assert len(found.neighbours) == 10


@six
def test_an_ipv6_row_a_table_at_a_time(world: World) -> None:
    world.point("Private-B", NetworkInterfaceId=world.eni("node2"))
    assert world.hops(VIP6) == dict.fromkeys(SUBNETS, NODE1_6) | {"private-c": NODE2_6}
    world.point("Public-AB", InstanceId=world.built.instances["node2"].id)
    assert world.hops(VIP6)["public-c"] == NODE2_6
    world.ec2.delete_route(RouteTableId=world.built.tables["Public-AB"], DestinationIpv6CidrBlock=VIP6)
    assert {table for table, destination in world.plan().routes if destination == VIP6} == {100, 101}


@six
def test_ipv6_does_not_leave_the_vpc(world: World) -> None:
    gateway = world.ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    world.point("Public-AB", GatewayId=gateway)
    assert world.hops(VIP6)["public-a"] == BLACKHOLE


@six
def test_an_instance_that_is_stopped_gets_no_ipv6(world: World) -> None:
    world.ec2.stop_instances(InstanceIds=[world.built.instances["node1"].id])
    assert set(world.hops(VIP6).values()) == {BLACKHOLE}
    assert world.plan().stopped == {"10.0.110.100", "2001:db8:0:11a::64"}


@six
def test_an_interface_without_an_ipv6_address_gets_none(world: World) -> None:
    world.ec2.unassign_ipv6_addresses(NetworkInterfaceId=world.eni("node1"), Ipv6Addresses=["2001:db8:0:11a::64"])
    assert set(world.hops(VIP6).values()) == {BLACKHOLE}
    assert set(world.hops("10.0.110.0/24").values()) == {Hop("br-private-a")}


@six
def test_source_dest_check_of_ipv6(world: World) -> None:
    check = {"Value": True}
    world.ec2.modify_network_interface_attribute(NetworkInterfaceId=world.eni("node1"), SourceDestCheck=check)
    assert ("p-node1", "2001:db8:0:11a::64") in world.plan().own_addresses


def test_without_ipv6_there_is_nothing_of_it(world: World) -> None:
    world.ec2.create_route(
        RouteTableId=world.built.tables["Public-AB"],
        DestinationIpv6CidrBlock=VIP6,
        NetworkInterfaceId=world.eni("node1"),
    )
    found = world.plan()
    assert not [destination for _, destination in found.routes if ":" in destination]
    assert not [address for _, address, _ in found.neighbours if ":" in address]

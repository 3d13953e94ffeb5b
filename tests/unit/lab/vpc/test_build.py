"""What is built: the VPC of figure 4-1, the same every time, with the seed's policy."""

import pytest

from komainu_lab.vpc.build import NODE_ACTIONS, allow, destination, grant
from komainu_lab.vpc.description import Description
from tests.unit.lab.vpc.world import SIX, World, forget


def test_ids_are_the_same_every_time(world: World) -> None:
    assert Description.from_data(world.built.to_data()) == world.built
    assert world.built.vpc == "vpc-bfbdabe898736a356"
    assert world.built.instances["node2"].interface == "eni-9258e4d27eb0d1cb7"


def test_ids_are_the_same_whatever_was_done_before(world: World) -> None:
    world.ec2.terminate_instances(InstanceIds=[world.built.instances["node1"].id])
    forget()
    assert World().built == world.built


def test_the_instances_of_the_nodes_have_the_seeds_policy(world: World) -> None:
    iam = world.operator.client("iam")
    document = iam.get_role_policy(RoleName="komainu-node", PolicyName="cluster")["PolicyDocument"]
    assert document["Statement"][0]["Action"] == list(NODE_ACTIONS)
    found = world.ec2.describe_instances(InstanceIds=[i.id for i in world.built.instances.values()])
    profiles = [bool(i.get("IamInstanceProfile")) for r in found["Reservations"] for i in r["Instances"]]
    assert profiles == [instance.role == "komainu-node" for instance in world.built.instances.values()]


def test_more_can_be_allowed_and_what_was_allowed_stays(world: World) -> None:
    allow(world.operator, "ec2:StopInstances")
    iam = world.operator.client("iam")
    policies = iam.list_role_policies(RoleName="komainu-node")["PolicyNames"]
    assert sorted(policies) == ["cluster", "more"]
    document = iam.get_role_policy(RoleName="komainu-node", PolicyName="more")["PolicyDocument"]
    assert document["Statement"][0]["Action"] == ["ec2:StopInstances"]


def test_what_is_granted_takes_the_place_of_what_was(world: World) -> None:
    grant(world.operator, "ec2:AssignPrivateIpAddresses")
    iam = world.operator.client("iam")
    assert iam.list_role_policies(RoleName="komainu-node")["PolicyNames"] == ["cluster"]
    document = iam.get_role_policy(RoleName="komainu-node", PolicyName="cluster")["PolicyDocument"]
    assert document["Statement"][0]["Action"] == ["ec2:AssignPrivateIpAddresses"]


@pytest.mark.parametrize("world", [SIX], indirect=True)
def test_a_vpc_with_ipv6(world: World) -> None:
    (vpc,) = world.ec2.describe_vpcs(VpcIds=[world.built.vpc])["Vpcs"]
    assert [block["Ipv6CidrBlock"] for block in vpc["Ipv6CidrBlockAssociationSet"]] == ["2001:db8:0:100::/56"]
    interface = world.built.instances["node2"].interface
    (found,) = world.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    assert [each["Ipv6Address"] for each in found["Ipv6Addresses"]] == ["2001:db8:0:11c::64"]
    (subnet,) = world.ec2.describe_subnets(SubnetIds=[found["SubnetId"]])["Subnets"]
    assert [each["Ipv6CidrBlock"] for each in subnet["Ipv6CidrBlockAssociationSet"]] == ["2001:db8:0:11c::/64"]
    for table in world.ec2.describe_route_tables(RouteTableIds=list(world.built.tables.values()))["RouteTables"]:
        rows = {row.get("DestinationIpv6CidrBlock"): row.get("NetworkInterfaceId") for row in table["Routes"]}
        assert rows["2001:db8:1::20/128"] == world.eni("node1")


def test_the_destination_of_a_route_by_family() -> None:
    assert destination("10.1.0.20/32") == {"DestinationCidrBlock": "10.1.0.20/32"}
    assert destination("2001:db8:1::20/128") == {"DestinationIpv6CidrBlock": "2001:db8:1::20/128"}

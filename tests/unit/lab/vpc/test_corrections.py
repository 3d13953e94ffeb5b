"""Each correction: moto alone is wrong (else the correction is needless), corrected it is right."""

import functools
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.authorization import enable_iam_authentication

from komainu_lab.vpc import corrections

REGION = "ap-northeast-1"
VIP = "10.1.0.20/32"
GHOST = "eni-0123456789abcdef0"
_NUMBERS = itertools.count()


@functools.cache
def ec2_client() -> Any:
    return boto3.client("ec2", region_name=REGION)


class Scene:
    """A VPC with two instances, an internet gateway and one route table that carries the VIP."""

    def __init__(self) -> None:
        self.ec2 = ec2_client()
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        self.instances = [self.run(), self.run()]
        self.enis = [self.eni_of(instance) for instance in self.instances]
        self.gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        self.table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.ec2.create_route(RouteTableId=self.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=self.gateway)
        self.ec2.create_route(RouteTableId=self.table, DestinationCidrBlock=VIP, NetworkInterfaceId=self.enis[0])
        self.number = next(_NUMBERS)

    def run(self) -> str:
        answer = self.ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SubnetId=self.subnet)
        return str(answer["Instances"][0]["InstanceId"])

    def eni_of(self, instance: str) -> str:
        found = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return str(found["NetworkInterfaces"][0]["NetworkInterfaceId"])

    def routes(self) -> dict[str, dict[str, Any]]:
        tables = self.ec2.describe_route_tables(RouteTableIds=[self.table])["RouteTables"]
        return {route["DestinationCidrBlock"]: route for route in tables[0]["Routes"]}

    def replace(self, destination: str = VIP, **target: Any) -> None:
        self.ec2.replace_route(RouteTableId=self.table, DestinationCidrBlock=destination, **target)

    def public(self, host: int = 0) -> str:
        """A public address that no other scenario uses."""
        return f"203.0.{self.number}.{host}"

    def allocate(self, host: int = 0) -> str:
        address = self.public(host)
        return str(self.ec2.allocate_address(Domain="vpc", Address=address)["AllocationId"])

    def associate(self, allocation: str, eni: str, **more: Any) -> str:
        answer = self.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=eni, **more)
        return str(answer["AssociationId"])


def code(call: Callable[[], object]) -> str:
    """The error code a call ends with; `done` when it succeeds."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "done"


@pytest.fixture(scope="module", autouse=True)
def _moto() -> Iterator[None]:
    """One moto for the whole file; every scenario has a VPC of its own in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        with mock_aws():
            yield
        ec2_client.cache_clear()


@pytest.fixture
def compare() -> Callable[[Callable[[Scene], object]], tuple[object, object]]:
    """Run a scenario on moto alone and on corrected moto; both answers."""

    def both(scenario: Callable[[Scene], object]) -> tuple[object, object]:
        alone = scenario(Scene())
        applied = corrections.apply()
        try:
            corrected = scenario(Scene())
        finally:
            applied.withdraw()
        return alone, corrected

    return both


Compare = Callable[[Callable[[Scene], object]], tuple[object, object]]


def test_corrections_can_be_withdrawn(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        return code(lambda: scene.replace(NetworkInterfaceId=scene.enis[1], DryRun=True))

    assert compare(scenario) == ("done", "DryRunOperation")
    assert compare(scenario) == ("done", "DryRunOperation")


def test_dry_run_of_replace_route_changes_nothing(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        answer = code(lambda: scene.replace(NetworkInterfaceId=scene.enis[1], DryRun=True))
        return answer, scene.routes()[VIP]["NetworkInterfaceId"] == scene.enis[0]

    assert compare(scenario) == (("done", False), ("DryRunOperation", True))


@pytest.mark.parametrize("call", ["create_route", "delete_route"])
def test_dry_run_of_the_other_route_calls_changes_nothing(compare: Compare, call: str) -> None:
    def scenario(scene: Scene) -> object:
        if call == "create_route":
            more, destination = {"NetworkInterfaceId": scene.enis[0]}, "10.2.0.1/32"
        else:
            more, destination = {}, VIP
        before = sorted(scene.routes())
        method = getattr(scene.ec2, call)
        answer = code(lambda: method(RouteTableId=scene.table, DestinationCidrBlock=destination, DryRun=True, **more))
        return answer, sorted(scene.routes()) == before

    assert compare(scenario) == (("done", False), ("DryRunOperation", True))


def test_a_failed_replace_route_leaves_the_target(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        answer = code(lambda: scene.replace("0.0.0.0/0", NetworkInterfaceId=GHOST))
        return answer, scene.routes()["0.0.0.0/0"].get("GatewayId") == scene.gateway

    expected = "InvalidNetworkInterfaceID.NotFound"
    assert compare(scenario) == ((expected, False), (expected, True))


def test_replace_route_without_a_target_is_refused(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        return code(scene.replace), scene.routes()[VIP].get("NetworkInterfaceId") == scene.enis[0]

    assert compare(scenario) == (("done", False), ("MissingParameter", True))


@pytest.mark.parametrize("verb", ["stop", "terminate", "delete"])
def test_a_route_to_nothing_is_a_blackhole(compare: Compare, verb: str) -> None:
    def scenario(scene: Scene) -> object:
        before = scene.routes()[VIP]["State"]
        if verb == "delete":
            lone = scene.ec2.create_network_interface(SubnetId=scene.subnet)["NetworkInterface"]["NetworkInterfaceId"]
            scene.replace(NetworkInterfaceId=lone)
            scene.ec2.delete_network_interface(NetworkInterfaceId=lone)
        else:
            getattr(scene.ec2, f"{verb}_instances")(InstanceIds=[scene.instances[0]])
        return before, scene.routes()[VIP]["State"]

    assert compare(scenario) == (("active", "active"), ("active", "blackhole"))


def test_a_blackhole_ends_when_the_instance_runs_again(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        scene.ec2.stop_instances(InstanceIds=[scene.instances[0]])
        stopped = scene.routes()[VIP]["State"]
        scene.ec2.start_instances(InstanceIds=[scene.instances[0]])
        return stopped, scene.routes()[VIP]["State"]

    assert compare(scenario) == (("active", "active"), ("blackhole", "active"))


def test_an_unattached_interface_and_a_detached_gateway_are_blackholes(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        lone = scene.ec2.create_network_interface(SubnetId=scene.subnet)["NetworkInterface"]["NetworkInterfaceId"]
        scene.replace(NetworkInterfaceId=lone)
        scene.ec2.detach_internet_gateway(InternetGatewayId=scene.gateway, VpcId=scene.vpc)
        routes = scene.routes()
        return routes[VIP]["State"], routes["0.0.0.0/0"]["State"]

    assert compare(scenario) == (("active", "active"), ("blackhole", "blackhole"))


@pytest.mark.parametrize("call", ["create_route", "replace_route"])
def test_an_interface_of_another_vpc_is_refused(compare: Compare, call: str) -> None:
    def scenario(scene: Scene) -> object:
        other = scene.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        subnet = scene.ec2.create_subnet(VpcId=other, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
        eni = scene.ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
        destination = VIP if call == "replace_route" else "10.2.0.1/32"
        method = getattr(scene.ec2, call)
        return code(lambda: method(RouteTableId=scene.table, DestinationCidrBlock=destination, NetworkInterfaceId=eni))

    assert compare(scenario) == ("done", "InvalidParameterValue")


def test_create_route_does_not_overwrite(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        answer = code(
            lambda: scene.ec2.create_route(
                RouteTableId=scene.table, DestinationCidrBlock=VIP, NetworkInterfaceId=scene.enis[1]
            )
        )
        return answer, scene.routes()[VIP]["NetworkInterfaceId"] == scene.enis[0]

    assert compare(scenario) == (("done", False), ("RouteAlreadyExists", True))


def test_associate_address_takes_the_address_over_by_default(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        allocation = scene.allocate()
        scene.associate(allocation, scene.enis[0])
        return code(lambda: scene.associate(allocation, scene.enis[1]))

    assert compare(scenario) == ("Resource.AlreadyAssociated", "done")


def test_associate_address_is_refused_when_reassociation_is_forbidden(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        allocation = scene.allocate()
        scene.associate(allocation, scene.enis[0])
        return code(lambda: scene.associate(allocation, scene.enis[1], AllowReassociation=False))

    assert compare(scenario) == ("Resource.AlreadyAssociated", "Resource.AlreadyAssociated")


def test_associate_address_again_changes_nothing(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        allocation = scene.allocate()
        ids = [scene.associate(allocation, scene.enis[0], AllowReassociation=True) for _ in range(2)]
        return ids[0] == ids[1]

    assert compare(scenario) == (False, True)


def test_the_old_interface_loses_the_address(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        allocation = scene.allocate()
        scene.associate(allocation, scene.enis[0])
        scene.associate(allocation, scene.enis[1], AllowReassociation=True)
        found = scene.ec2.describe_network_interfaces(NetworkInterfaceIds=scene.enis)["NetworkInterfaces"]
        holders = [eni["NetworkInterfaceId"] for eni in found if eni.get("Association", {}).get("PublicIp")]
        truth = scene.ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0]
        return holders == [scene.enis[1]], truth["NetworkInterfaceId"] == scene.enis[1], truth.get("InstanceId", "")[:2]

    assert compare(scenario) == ((False, True, ""), (True, True, "i-"))


def test_another_address_of_the_interface_is_displaced(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        first, second = scene.allocate(0), scene.allocate(1)
        scene.associate(first, scene.enis[0])
        scene.associate(second, scene.enis[0])
        found = scene.ec2.describe_addresses(AllocationIds=[first])["Addresses"][0]
        return bool(found.get("AssociationId"))

    assert compare(scenario) == (True, False)


def test_disassociation_frees_the_interface(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        allocation = scene.allocate()
        scene.associate(allocation, scene.enis[0])
        stale = scene.associate(allocation, scene.enis[1], AllowReassociation=True)
        scene.ec2.disassociate_address(AssociationId=stale)
        again = code(lambda: scene.ec2.disassociate_address(AssociationId=stale))
        found = scene.ec2.describe_network_interfaces(NetworkInterfaceIds=scene.enis)["NetworkInterfaces"]
        return again, [eni.get("Association", {}).get("PublicIp") == scene.public() for eni in found]

    stale = "InvalidAssociationID.NotFound"
    assert compare(scenario) == ((stale, [True, False]), (stale, [False, False]))


@pytest.mark.parametrize("names", [{"ZoneNames": ["ap-northeast-1x"]}, {"ZoneIds": ["apne1-az9"]}])
def test_an_unknown_zone_is_an_error(compare: Compare, names: dict[str, list[str]]) -> None:
    def scenario(scene: Scene) -> object:
        known = scene.ec2.describe_availability_zones(ZoneNames=["ap-northeast-1a"])["AvailabilityZones"]
        return len(known), code(lambda: scene.ec2.describe_availability_zones(**names))

    assert compare(scenario) == ((1, "done"), (1, "InvalidParameterValue"))


def test_a_call_the_policy_does_not_allow(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        iam = boto3.client("iam", region_name=REGION)
        name = f"reader{scene.number}"
        iam.create_user(UserName=name)
        statement = {"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        reader = boto3.client(
            "ec2",
            region_name=REGION,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )
        with enable_iam_authentication():
            allowed = code(reader.describe_route_tables)
            denied = code(
                lambda: reader.replace_route(
                    RouteTableId=scene.table, DestinationCidrBlock=VIP, NetworkInterfaceId=scene.enis[1]
                )
            )
        return allowed, denied

    assert compare(scenario) == (("done", "AccessDenied"), ("done", "UnauthorizedOperation"))


@pytest.mark.parametrize("by", ["interface", "instance"])
def test_source_dest_check_is_one_property(compare: Compare, by: str) -> None:
    def scenario(scene: Scene) -> object:
        off = {"Value": False}
        if by == "interface":
            scene.ec2.modify_network_interface_attribute(NetworkInterfaceId=scene.enis[0], SourceDestCheck=off)
        else:
            scene.ec2.modify_instance_attribute(InstanceId=scene.instances[0], SourceDestCheck=off)
        eni = scene.ec2.describe_network_interfaces(NetworkInterfaceIds=[scene.enis[0]])["NetworkInterfaces"][0]
        instance = scene.ec2.describe_instances(InstanceIds=[scene.instances[0]])["Reservations"][0]["Instances"][0]
        return eni["SourceDestCheck"] == instance["SourceDestCheck"], eni["SourceDestCheck"]

    wrong = (False, by == "instance")
    assert compare(scenario) == (wrong, (True, False))


def test_route_tables_come_in_pages(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        for _ in range(7):
            scene.ec2.create_route_table(VpcId=scene.vpc)
        wanted = [{"Name": "vpc-id", "Values": [scene.vpc]}]
        pages = list(
            scene.ec2.get_paginator("describe_route_tables").paginate(Filters=wanted, PaginationConfig={"PageSize": 5})
        )
        seen = [table["RouteTableId"] for page in pages for table in page["RouteTables"]]
        everything = [t["RouteTableId"] for t in scene.ec2.describe_route_tables(Filters=wanted)["RouteTables"]]
        return [len(page["RouteTables"]) for page in pages], seen == everything

    assert compare(scenario) == (([9], True), ([5, 4], True))


@pytest.mark.parametrize("bad", [{"MaxResults": 4}, {"MaxResults": 101}, {"MaxResults": 5, "NextToken": "never"}])
def test_a_bad_page_is_refused(compare: Compare, bad: dict[str, Any]) -> None:
    def scenario(scene: Scene) -> object:
        return code(lambda: unchecked.describe_route_tables(**bad))

    unchecked = boto3.client("ec2", region_name=REGION, config=Config(parameter_validation=False))
    right = "InvalidNextToken" if "NextToken" in bad else "InvalidParameterValue"
    assert compare(scenario) == ("done", right)


def test_route_tables_are_found_by_instance_and_state(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        found = []
        for name, value in (("route.instance-id", scene.instances[0]), ("route.state", "active")):
            try:
                mine = {"Name": "vpc-id", "Values": [scene.vpc]}
                answer = scene.ec2.describe_route_tables(Filters=[mine, {"Name": name, "Values": [value]}])
            except Exception as error:  # noqa: BLE001 - moto alone ends in whatever it ends in; that is the point
                found.append(type(error).__name__)
            else:
                found.append(scene.table in [table["RouteTableId"] for table in answer["RouteTables"]])
        return found

    alone, corrected = compare(scenario)
    assert corrected == [True, True]
    assert alone != corrected


def test_a_filter_that_does_not_exist_is_refused(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        try:
            scene.ec2.describe_route_tables(Filters=[{"Name": "route.network-interface-id", "Values": ["x"]}])
        except ClientError as error:
            return error.response["Error"]["Code"]
        except Exception as error:  # noqa: BLE001 - see above
            return type(error).__name__
        return "done"

    assert compare(scenario) == ("FilterNotImplementedError", "InvalidParameterValue")


def test_texts_name_the_unknown_id(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        texts = []
        calls: list[Callable[[], object]] = [
            lambda: scene.ec2.describe_vpcs(VpcIds=["vpc-0123"]),
            lambda: scene.associate("eipalloc-0123", scene.enis[0]),
            lambda: scene.replace(NetworkInterfaceId=GHOST),
        ]
        for call in calls:
            with pytest.raises(ClientError) as raised:
                call()
            texts.append(raised.value.response["Error"]["Message"])
        return texts

    alone, corrected = compare(scenario)
    assert corrected == [
        "The vpc ID 'vpc-0123' does not exist",
        "The allocation ID 'eipalloc-0123' does not exist",
        f"The networkInterface ID '{GHOST}' does not exist",
    ]
    assert alone != corrected


def test_a_secondary_address_has_one_interface(compare: Compare) -> None:
    def scenario(scene: Scene) -> object:
        def assign(interface: str, **more: bool) -> str:
            return code(
                lambda: scene.ec2.assign_private_ip_addresses(
                    NetworkInterfaceId=interface, PrivateIpAddresses=[address], **more
                )
            )

        described = scene.ec2.describe_network_interfaces(NetworkInterfaceIds=scene.enis)["NetworkInterfaces"]
        address = described[0]["PrivateIpAddress"].rpartition(".")[0] + ".200"
        answers = assign(scene.enis[0]), assign(scene.enis[1]), assign(scene.enis[1], AllowReassignment=True)
        described = scene.ec2.describe_network_interfaces(NetworkInterfaceIds=scene.enis)["NetworkInterfaces"]
        holders = [
            scene.enis.index(eni["NetworkInterfaceId"])
            for eni in described
            if address in [each["PrivateIpAddress"] for each in eni["PrivateIpAddresses"]]
        ]
        taken = code(
            lambda: scene.ec2.unassign_private_ip_addresses(
                NetworkInterfaceId=scene.enis[0], PrivateIpAddresses=[address]
            )
        )
        return answers, sorted(holders), taken

    refused = "InvalidParameterValue"
    assert compare(scenario) == (
        (("done", "done", "done"), [0, 1], "done"),
        (("done", refused, "done"), [1], refused),
    )


def test_the_ipv6_network_of_a_vpc_is_for_documentation(compare: Compare) -> None:
    def attempt(scene: Scene) -> bool:
        vpc = scene.ec2.create_vpc(CidrBlock="10.7.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
        found = [block["Ipv6CidrBlock"] for block in vpc["Ipv6CidrBlockAssociationSet"]]
        return found == ["2001:db8:0:100::/56"]

    assert compare(attempt) == (False, True)

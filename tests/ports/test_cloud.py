"""The port Cloud: one suite for the fake and for Ec2Cloud against an emulated EC2 on loopback.

The emulation answers as EC2 does in all that is asked here; where it differs, the lab puts it right.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import pytest
from moto.server import ThreadedMotoServer

from komainu.adapters.aws.ec2 import Ec2Cloud
from komainu.ports import Address, Cloud, CloudError, CloudFault, Instance, Route, Zone
from komainu_lab.vpc import corrections
from tests.doubles.api_server import ApiServer, drop, error, hang, nobody_listens, through
from tests.doubles.cloud import FakeCloud, connection_lost, throttled, unreachable

REGION = "ap-northeast-1"
ZONE = "ap-northeast-1a"
VIP = "10.1.0.20/32"
LONG_MS = 30_000


@dataclass
class World:
    """Two VPCs. In the first: interfaces one and two, tables a and b with the VIP's row, table c without it."""

    cloud: Cloud
    vpc: str
    other_vpc: str
    one: str
    two: str
    table_a: str
    table_b: str
    table_c: str
    other_table: str
    instance: str
    "An instance that runs, with interface one."
    allocation: str
    "An Elastic IP that is associated with nothing."
    source_dest_check: Callable[[bool], None]
    "Switches the check of interface one."
    behaving: Callable[..., "World"]
    "The same world through an API that behaves as told: hang, refused, throttled, answer lost."
    close: Callable[[], None]


# --- the two worlds


def fake_world() -> World:
    cloud = FakeCloud()
    cloud.add_vpc("vpc-1", "10.0.0.0/16", "100.64.0.0/16")
    cloud.add_vpc("vpc-2", "172.16.0.0/16")
    cloud.add_interface("vpc-1", "eni-1", "10.0.110.100", source_dest_check=True)
    cloud.add_interface("vpc-1", "eni-2", "10.0.110.101", source_dest_check=True)
    cloud.interfaces["eni-2"] = replace(cloud.interfaces["eni-2"], label="second")
    cloud.add_instance("i-1")
    cloud.attach("eni-1", "i-1")
    cloud.add_address("eipalloc-1", "203.0.113.10")
    cloud.add_zone(ZONE)
    cloud.add_table("vpc-1", "rtb-a", {VIP: "eni-1"})
    cloud.add_table("vpc-1", "rtb-b", {VIP: "eni-1"})
    cloud.add_table("vpc-1", "rtb-c", {})
    cloud.add_table("vpc-2", "rtb-other", {})
    faults: dict[str, Callable[[], None]] = {
        "hang": lambda: cloud.fail("replace_route", None),
        "refused": lambda: cloud.fail("replace_route", unreachable()),
        "throttled": lambda: cloud.fail("replace_route", throttled()),
        "answer lost": lambda: cloud.fail("replace_route", connection_lost(), after_change=True),
    }

    def behaving(kind: str) -> World:
        faults[kind]()
        return made

    made = World(
        cloud=cloud,
        vpc="vpc-1",
        other_vpc="vpc-2",
        one="eni-1",
        two="eni-2",
        table_a="rtb-a",
        table_b="rtb-b",
        table_c="rtb-c",
        other_table="rtb-other",
        instance="i-1",
        allocation="eipalloc-1",
        source_dest_check=lambda on: cloud.set_source_dest_check("eni-1", on),
        behaving=behaving,
        close=lambda: None,
    )
    return made


class Emulation:
    """One emulated EC2 for the whole module; every world builds its own VPCs in it."""

    def __init__(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self.ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=self.url)

    def stop(self) -> None:
        self.ec2.close()
        self._server.stop()

    def world(self) -> World:
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="100.64.0.0/16")
        other = self.ec2.create_vpc(CidrBlock="172.16.0.0/16")["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.110.0/24")["Subnet"]["SubnetId"]
        one, two = (self._interface(subnet, address) for address in ("10.0.110.100", "10.0.110.101"))
        self.ec2.create_tags(Resources=[two], Tags=[{"Key": "Name", "Value": "second"}])
        instance = self._instance(one)
        tables = [self._table(vpc), self._table(vpc), self._table(vpc)]
        for table in tables[:2]:
            self.ec2.create_route(RouteTableId=table, DestinationCidrBlock=VIP, NetworkInterfaceId=one)
        other_table = self._table(other)
        allocation = str(self.ec2.allocate_address(Domain="vpc")["AllocationId"])
        servers: list[ApiServer] = []
        clouds: list[Ec2Cloud] = []

        def made(url: str) -> World:
            cloud = Ec2Cloud(REGION, url)
            cloud._ready_client()  # the time to make it belongs to no test
            clouds.append(cloud)
            return World(
                cloud=cloud,
                vpc=vpc,
                other_vpc=other,
                one=one,
                two=two,
                table_a=tables[0],
                table_b=tables[1],
                table_c=tables[2],
                other_table=other_table,
                instance=instance,
                allocation=allocation,
                source_dest_check=source_dest_check,
                behaving=behaving,
                close=close,
            )

        def source_dest_check(on: bool) -> None:
            self.ec2.modify_network_interface_attribute(NetworkInterfaceId=one, SourceDestCheck={"Value": on})

        def behaving(kind: str) -> World:
            if kind == "refused":
                with nobody_listens() as url:
                    return made(url)
            behaviours = {
                "hang": hang,
                "throttled": error(503, "RequestLimitExceeded"),
                "answer lost": through(self.url, then=drop),
            }
            server = ApiServer(behaviours[kind])
            server.__enter__()
            servers.append(server)
            return made(server.url)

        def close() -> None:
            for cloud in clouds:
                cloud.close()
            for server in servers:
                server.__exit__()

        return made(self.url)

    def _interface(self, subnet: str, address: str) -> str:
        made = self.ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress=address)
        return str(made["NetworkInterface"]["NetworkInterfaceId"])

    def _instance(self, interface: str) -> str:
        placed = [{"DeviceIndex": 0, "NetworkInterfaceId": interface}]
        made = self.ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, NetworkInterfaces=placed)
        return str(made["Instances"][0]["InstanceId"])

    def _table(self, vpc: str) -> str:
        return str(self.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"])


@pytest.fixture(scope="module")
def emulation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulation]:
    """Keys of nobody, then the emulation."""
    home: Path = tmp_path_factory.mktemp("home")
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text("[default]\naws_access_key_id = AKIANOBODY\naws_secret_access_key = x\n")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("AWS_"):
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        loader = botocore.loaders.create_loader()  # the SDK's description of EC2 is read only once
        patch.setattr(botocore.session, "create_loader", lambda path: loader)
        applied = corrections.apply()  # where the emulation is known to differ from EC2
        made = Emulation()
        yield made
        made.stop()
        applied.withdraw()


@pytest.fixture(params=["fake", "EC2"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = fake_world() if request.param == "fake" else request.getfixturevalue("emulation").world()
    yield made
    made.close()


def run(asking: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asking)


def refusal(asking: Coroutine[Any, Any, Any]) -> CloudError:
    with pytest.raises(CloudError) as raised:
        asyncio.run(asking)
    return raised.value


def targets(world: World) -> dict[str, str]:
    routes: tuple[Route, ...] = run(world.cloud.routes(world.vpc, VIP, LONG_MS))
    return {route.table: route.interface for route in routes}


# --- the suite


def test_all_cidr_blocks_of_a_vpc_are_named(world: World) -> None:
    assert set(run(world.cloud.vpc_cidrs(world.vpc, LONG_MS))) == {"10.0.0.0/16", "100.64.0.0/16"}
    assert run(world.cloud.vpc_cidrs(world.other_vpc, LONG_MS)) == ("172.16.0.0/16",)


def test_an_unknown_vpc_is_refused(world: World) -> None:
    found = refusal(world.cloud.vpc_cidrs("vpc-0123456789abcdef0", LONG_MS))
    assert (found.fault, found.code) == (CloudFault.REFUSED, "InvalidVpcID.NotFound")


def test_the_routes_of_all_tables_are_named(world: World) -> None:
    routes = run(world.cloud.routes(world.vpc, VIP, LONG_MS))
    assert sorted(routes, key=lambda route: route.table) == sorted(
        (
            Route(world.table_a, VIP, world.one, "active"),
            Route(world.table_b, VIP, world.one, "active"),
        ),
        key=lambda route: route.table,
    )


def test_of_what_does_not_exist_there_are_no_routes(world: World) -> None:
    """Not an error, here as in EC2: whoever asks must not take it for one."""
    assert run(world.cloud.routes("vpc-0123456789abcdef0", VIP, LONG_MS)) == ()
    assert run(world.cloud.routes(world.other_vpc, VIP, LONG_MS)) == ()
    assert run(world.cloud.routes(world.vpc, "10.1.0.21/32", LONG_MS)) == ()


def test_all_tables_of_a_vpc_are_named(world: World) -> None:
    tables = run(world.cloud.route_tables(world.vpc, LONG_MS))
    assert {world.table_a, world.table_b, world.table_c} <= set(tables)
    assert world.other_table not in tables


def test_replacing_a_route_changes_that_table_alone(world: World) -> None:
    run(world.cloud.replace_route(world.table_a, VIP, world.two, LONG_MS))
    assert targets(world) == {world.table_a: world.two, world.table_b: world.one}
    run(world.cloud.replace_route(world.table_a, VIP, world.two, LONG_MS))  # idempotent
    assert targets(world) == {world.table_a: world.two, world.table_b: world.one}


def test_tables_can_be_written_together(world: World) -> None:
    async def both() -> None:
        await asyncio.gather(
            *(world.cloud.replace_route(table, VIP, world.two, LONG_MS) for table in (world.table_a, world.table_b))
        )

    run(both())
    assert targets(world) == {world.table_a: world.two, world.table_b: world.two}


def test_a_route_that_does_not_exist_cannot_be_replaced(world: World) -> None:
    found = refusal(world.cloud.replace_route(world.table_c, VIP, world.two, LONG_MS))
    assert (found.fault, found.code, found.transient) == (CloudFault.REFUSED, "InvalidParameterValue", False)
    found = refusal(world.cloud.replace_route("rtb-0123456789abcdef0", VIP, world.two, LONG_MS))
    assert (found.fault, found.code, found.transient) == (CloudFault.REFUSED, "InvalidRouteTableID.NotFound", False)


def test_a_route_cannot_point_at_an_unknown_interface(world: World) -> None:
    found = refusal(world.cloud.replace_route(world.table_a, VIP, "eni-0123456789abcdef0", LONG_MS))
    assert (found.fault, found.code) == (CloudFault.REFUSED, "InvalidNetworkInterfaceID.NotFound")


def test_an_interface_is_described(world: World) -> None:
    found = run(world.cloud.interface(world.one, LONG_MS))
    assert (found.id, found.vpc, found.private_address) == (world.one, world.vpc, "10.0.110.100")
    assert found.source_dest_check
    world.source_dest_check(False)
    assert not run(world.cloud.interface(world.one, LONG_MS)).source_dest_check
    assert run(world.cloud.interface(world.two, LONG_MS)).source_dest_check


def test_to_ask_whether_a_route_may_be_written_writes_nothing(world: World) -> None:
    run(world.cloud.may_replace_route(world.table_a, VIP, world.two, LONG_MS))
    assert {route.interface for route in run(world.cloud.routes(world.vpc, VIP, LONG_MS))} == {world.one}


def test_to_ask_whether_an_address_may_be_associated_associates_nothing(world: World) -> None:
    run(world.cloud.may_associate(world.allocation, world.one, "", LONG_MS))
    assert run(world.cloud.address(world.allocation, LONG_MS)).association == ""


def test_an_interface_is_told_by_its_name(world: World) -> None:
    assert run(world.cloud.interface(world.two, LONG_MS)).label == "second"


def test_an_unknown_interface_is_refused(world: World) -> None:
    found = refusal(world.cloud.interface("eni-0123456789abcdef0", LONG_MS))
    assert (found.fault, found.code) == (CloudFault.REFUSED, "InvalidNetworkInterfaceID.NotFound")


def test_an_interface_tells_its_instance(world: World) -> None:
    assert run(world.cloud.interface(world.one, LONG_MS)).instance == world.instance


def test_an_instance_is_seen_running_and_stopped(world: World) -> None:
    assert run(world.cloud.instance(world.instance, LONG_MS)) == Instance(world.instance, "running")
    run(world.cloud.may_stop_instance(world.instance, LONG_MS))
    assert run(world.cloud.instance(world.instance, LONG_MS)).state == "running", "a question changes nothing"
    assert run(world.cloud.stop_instance(world.instance, LONG_MS)) in ("stopping", "stopped")
    until_stopped = [run(world.cloud.instance(world.instance, LONG_MS)).state for _ in range(2)]
    assert until_stopped[-1] == "stopped"
    assert run(world.cloud.interface(world.one, LONG_MS)).instance == world.instance, "it keeps its interface"


def test_a_stopped_instance_may_be_stopped_again(world: World) -> None:
    run(world.cloud.stop_instance(world.instance, LONG_MS))
    run(world.cloud.instance(world.instance, LONG_MS))
    run(world.cloud.stop_instance(world.instance, LONG_MS, skip_os=False))
    run(world.cloud.instance(world.instance, LONG_MS))
    assert run(world.cloud.instance(world.instance, LONG_MS)).state == "stopped"


def test_an_unknown_instance_is_refused(world: World) -> None:
    unknown = "i-0123456789abcdef0"
    for asking in (world.cloud.instance(unknown, LONG_MS), world.cloud.stop_instance(unknown, LONG_MS)):
        found = refusal(asking)
        assert (found.fault, found.code) == (CloudFault.REFUSED, "InvalidInstanceID.NotFound")


# --- Elastic IPs


def address(world: World) -> Address:
    found = run(world.cloud.address(world.allocation, LONG_MS))
    assert isinstance(found, Address)
    return found


def test_an_address_that_is_nowhere(world: World) -> None:
    found = address(world)
    assert (found.allocation, found.association, found.interface) == (world.allocation, "", "")
    assert found.public_address


def test_an_address_is_associated_from_wherever_it_is(world: World) -> None:
    first = run(world.cloud.associate(world.allocation, world.one, "", LONG_MS))
    found = address(world)
    assert (found.association, found.interface, found.private_address) == (first, world.one, "10.0.110.100")
    second = run(world.cloud.associate(world.allocation, world.two, "10.0.110.101", LONG_MS))
    found = address(world)
    assert (found.association, found.interface, found.private_address) == (second, world.two, "10.0.110.101")
    assert first != second


def test_an_association_is_ended_once(world: World) -> None:
    association = run(world.cloud.associate(world.allocation, world.one, "", LONG_MS))
    run(world.cloud.disassociate(association, LONG_MS))
    assert (address(world).association, address(world).interface) == ("", "")
    found = refusal(world.cloud.disassociate(association, LONG_MS))
    assert (found.fault, found.code) == (CloudFault.REFUSED, "InvalidAssociationID.NotFound")


def test_an_association_that_was_moved_on_is_no_more(world: World) -> None:
    """A node that stops late cannot take the address from the one that has it by then."""
    mine = run(world.cloud.associate(world.allocation, world.one, "", LONG_MS))
    run(world.cloud.associate(world.allocation, world.two, "", LONG_MS))
    assert refusal(world.cloud.disassociate(mine, LONG_MS)).code == "InvalidAssociationID.NotFound"
    assert address(world).interface == world.two


def test_an_unknown_address_or_interface_is_refused(world: World) -> None:
    unknown = "eipalloc-0123456789abcdef0"
    for asking in (
        world.cloud.address(unknown, LONG_MS),
        world.cloud.associate(unknown, world.one, "", LONG_MS),
    ):
        found = refusal(asking)
        assert (found.fault, found.code) == (CloudFault.REFUSED, "InvalidAllocationID.NotFound")
    found = refusal(world.cloud.associate(world.allocation, "eni-0123456789abcdef0", "", LONG_MS))
    assert (found.fault, found.code) == (CloudFault.REFUSED, "InvalidNetworkInterfaceID.NotFound")


# --- secondary addresses

SECOND = "10.0.110.200"


def addresses(world: World, interface: str) -> tuple[str, ...]:
    return tuple(run(world.cloud.interface(interface, LONG_MS)).private_addresses)


def test_a_secondary_address_is_given_from_whichever_interface_has_it(world: World) -> None:
    assert addresses(world, world.one) == ("10.0.110.100",)
    for _ in range(2):  # idempotent
        run(world.cloud.assign_private_address(world.one, SECOND, LONG_MS))
        assert addresses(world, world.one) == ("10.0.110.100", SECOND)
    run(world.cloud.assign_private_address(world.two, SECOND, LONG_MS))
    assert addresses(world, world.two) == ("10.0.110.101", SECOND)
    assert addresses(world, world.one) == ("10.0.110.100",)


def test_a_secondary_address_is_taken_only_where_it_is(world: World) -> None:
    run(world.cloud.assign_private_address(world.one, SECOND, LONG_MS))
    found = refusal(world.cloud.unassign_private_address(world.two, SECOND, LONG_MS))
    assert (found.fault, found.code) == (CloudFault.REFUSED, "InvalidParameterValue")
    assert addresses(world, world.one) == ("10.0.110.100", SECOND)
    run(world.cloud.unassign_private_address(world.one, SECOND, LONG_MS))
    assert addresses(world, world.one) == ("10.0.110.100",)


def test_both_interfaces_tell_their_subnet(world: World) -> None:
    one, two = (run(world.cloud.interface(each, LONG_MS)).subnet for each in (world.one, world.two))
    assert one == two != ""


# --- zones


def test_a_zone_is_available(world: World) -> None:
    assert run(world.cloud.zone(ZONE, LONG_MS)) == Zone(ZONE, "available", ())


def test_an_unknown_zone_is_refused(world: World) -> None:
    found = refusal(world.cloud.zone("ap-northeast-1x", LONG_MS))
    assert (found.fault, found.code) == (CloudFault.REFUSED, "InvalidParameterValue")
    assert found.text == "Invalid availability zone: [ap-northeast-1x]"


# --- as somebody else, and afresh


def test_after_reconnect_and_by_a_role_all_goes_on(world: World) -> None:
    world.cloud.reconnect()
    other = world.cloud.assume("arn:aws:iam::123456789012:role/routes")
    run(other.replace_route(world.table_a, VIP, world.two, LONG_MS))
    other.reconnect()
    world.cloud.reconnect()
    assert targets(world)[world.table_a] == world.two


# --- bad days


def change(world: World, timeout_ms: int) -> CloudError:
    return refusal(world.cloud.replace_route(world.table_a, VIP, world.two, timeout_ms))


def test_an_api_that_never_answers_ends_at_the_deadline(world: World) -> None:
    hanging = world.behaving("hang")
    found = change(hanging, 500)
    assert (found.fault, found.timed_out, found.transient) == (CloudFault.NO_ANSWER, True, True)


def test_an_api_that_refuses_the_connection_was_not_reached(world: World) -> None:
    found = change(world.behaving("refused"), LONG_MS)
    assert (found.fault, found.timed_out, found.transient) == (CloudFault.UNREACHABLE, False, True)
    assert targets(world)[world.table_a] == world.one


def test_an_api_that_throttles_has_refused_for_the_moment(world: World) -> None:
    found = change(world.behaving("throttled"), LONG_MS)
    assert (found.fault, found.code, found.transient) == (CloudFault.REFUSED, "RequestLimitExceeded", True)
    assert targets(world)[world.table_a] == world.one


def test_a_change_whose_answer_is_lost_was_made_and_nobody_knows(world: World) -> None:
    found = change(world.behaving("answer lost"), LONG_MS)
    assert (found.fault, found.timed_out, found.transient) == (CloudFault.NO_ANSWER, False, True)
    assert targets(world)[world.table_a] == world.two

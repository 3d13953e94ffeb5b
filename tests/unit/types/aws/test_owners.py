"""Drift: a route of a running awsvip was changed by somebody else. It is said who has it now (V3)."""

import asyncio
from dataclasses import replace

from komainu.model.outcome import Result
from komainu.types.aws.owners import MOST, node_of, owners
from tests.doubles import cloud as aws
from tests.doubles.cloud import FakeCloud
from tests.unit.types.aws.station import ENI, text
from tests.unit.types.aws.world import ROUTE, TABLES, VIP, World, in_world

ELSEWHERE = {"node1": {"eni_id": "eni-1"}, "node3": {}}


@in_world()
async def test_a_changed_route_is_code_8_and_a_restart_repairs_it(world: World) -> None:
    await world.vip.start(60_000)
    world.now_ms += 31_000
    world.cloud.tables[TABLES[1]][ROUTE] = "eni-foreign"
    outcome = await world.vip.check(30_000)
    assert outcome.result is Result.FAILED
    assert "(8 : " in text(outcome)
    told, _, whose = outcome.detail.partition(". ")
    assert told == "rtb-private-a -> eni-foreign"
    assert whose == "eni-foreign is of no node of this cluster (InvalidNetworkInterfaceID.NotFound)"
    assert (await world.vip.stop(60_000)).succeeded
    assert (await world.vip.start(60_000)).succeeded
    assert world.targets() == [ENI[2]] * 3


@in_world()
async def test_alone_it_leaves_a_route_to_another_node_as_it_is(world: World) -> None:
    """Else two nodes that are cut off from each other change the routes back and forth for ever."""
    await world.vip.start(60_000)
    world.now_ms += 31_000
    world.alone = True
    world.cloud.tables[TABLES[1]][ROUTE] = ENI[1]
    outcome = await world.vip.check(30_000)
    assert outcome.result is Result.SUCCEEDED
    assert text(outcome) == (
        f"Warn monitoring awsvipw1. (112 : The routing for VIP {VIP} points at node1. "
        "It is not changed back while this node is alone.)"
    )
    world.cloud.tables[TABLES[0]][ROUTE] = "eni-foreign"
    assert text(await world.vip.check(30_000)) == text(outcome), "a restart would take back what node1 has"
    world.cloud.tables[TABLES[1]][ROUTE] = ENI[2]
    assert (await world.vip.check(30_000)).result is Result.FAILED
    world.cloud.tables[TABLES[0]][ROUTE] = ENI[2]
    world.cloud.tables[TABLES[1]][ROUTE] = ENI[1]
    world.alone = False
    assert (await world.vip.check(30_000)).result is Result.FAILED


@in_world()
async def test_an_interface_of_no_node_is_told_with_its_instance(world: World) -> None:
    await world.vip.start(60_000)
    world.now_ms += 31_000
    world.cloud.add_interface("vpc-other", "eni-foreign", "10.9.0.5")
    for table in TABLES[:2]:
        world.cloud.tables[table][ROUTE] = "eni-foreign"
    world.cloud.tables[TABLES[2]][ROUTE] = ENI[1]
    world.cloud.log.clear()
    outcome = await world.vip.check(30_000)
    assert outcome.detail == (
        "rtb-public-ab -> eni-foreign; rtb-private-a -> eni-foreign; rtb-private-b -> eni-00000001. "
        "eni-foreign (i-of-eni-foreign, 10.9.0.5, vpc-other) is of no node of this cluster: does another cluster use "
        "the same address?; eni-00000001 is the one of node1"
    )
    assert world.cloud.log.count("interface eni-foreign") == 1
    assert f"interface {ENI[1]}" not in world.cloud.log


def test_an_interface_is_told_by_its_name_where_there_is_one() -> None:
    cloud = FakeCloud()
    cloud.add_interface("vpc-1", "eni-f", "10.9.0.5")
    cloud.attach("eni-f", "")
    cloud.interfaces["eni-f"] = replace(cloud.interfaces["eni-f"], label="billing node 2")
    told = asyncio.run(owners(cloud, ("eni-f",), ELSEWHERE, 1_000))
    assert told.startswith("eni-f (billing node 2, attached to no instance, 10.9.0.5, vpc-1) is of no node")


def test_a_node_is_known_by_its_eni() -> None:
    assert node_of("eni-1", ELSEWHERE) == "node1"
    assert node_of("eni-2", ELSEWHERE) is None
    assert node_of("", ELSEWHERE) is None


def test_no_more_than_some_are_asked_for() -> None:
    cloud = FakeCloud()
    names = ("", *(f"eni-f{number}" for number in range(10)))
    told = asyncio.run(owners(cloud, names, ELSEWHERE, 1_000))
    assert len(cloud.log) == MOST == told.count("InvalidNetworkInterfaceID.NotFound")


def test_an_api_that_does_not_say_whose_it_is_changes_nothing() -> None:
    cloud = FakeCloud()
    cloud.fail("interface", aws.unauthorized())
    told = asyncio.run(owners(cloud, ("eni-f",), ELSEWHERE, 1_000))
    assert told == "eni-f is of no node of this cluster (UnauthorizedOperation)"

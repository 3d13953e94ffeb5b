"""awsvip and awsvipw rule by rule (V1-V6). The texts of T are in test_messages.py."""

import asyncio
from collections.abc import Callable

import pytest

from komainu.model.outcome import Outcome, Result
from komainu.ports import CloudError
from komainu.types.aws.patience import SELDOM
from komainu.types.aws.vip import AWSVIP
from tests.doubles import cloud as aws
from tests.unit.types.aws.silences import SILENCES, Silence
from tests.unit.types.aws.station import ENI, text
from tests.unit.types.aws.world import ROUTE, TABLES, VIP, VPC, World, in_world

# --- V1, V4: start and stop


@in_world()
async def test_a_start_adds_the_address_and_points_every_route_at_this_node(world: World) -> None:
    outcome = await world.vip.start(60_000)
    assert outcome.succeeded
    assert outcome.said is None
    assert (VIP, 32) in world.network.devices["eth0"]
    assert world.targets() == [ENI[2]] * 3  # V4: public and private subnets of two zones
    assert ROUTE not in world.cloud.tables["rtb-without-row"]  # a table without the row is information


@in_world()
async def test_the_address_is_here_before_the_first_packet_can_be(world: World) -> None:
    await world.vip.prepare()
    world.cloud.fail("replace_route", aws.unauthorized())
    await world.vip.start(60_000)
    assert (VIP, 32) in world.network.devices["eth0"]


@in_world()
async def test_a_start_is_idempotent(world: World) -> None:
    await world.vip.start(60_000)
    assert (await world.vip.start(60_000)).succeeded
    assert world.network.devices["eth0"].count((VIP, 32)) == 1
    assert world.targets() == [ENI[2]] * 3


@in_world()
async def test_a_stop_takes_the_address_off_and_leaves_the_routes(world: World) -> None:
    await world.vip.start(60_000)
    assert (await world.vip.stop(60_000)).succeeded
    assert await world.network.device_with(VIP) is None
    assert world.targets() == [ENI[2]] * 3
    assert (await world.vip.stop(60_000)).succeeded  # idempotent


@in_world()
async def test_a_stop_that_the_kernel_refuses_is_a_failure(world: World) -> None:
    await world.vip.start(60_000)
    world.network.fails = PermissionError(1, "Operation not permitted")
    outcome = await world.vip.stop(60_000)
    assert outcome.result is Result.FAILED
    assert text(outcome) == "Deactivating awsvip1 resource has failed.(99 : Internal error. (status=2))"
    assert "Operation not permitted" in outcome.detail
    world.network.fails = None


@in_world()
async def test_a_start_that_failed_is_cleaned_by_stop(world: World) -> None:
    world.cloud.fail("replace_route", aws.unauthorized(), key=TABLES[1])
    assert (await world.vip.start(60_000)).result is Result.FAILED
    assert (await world.vip.stop(60_000)).succeeded
    assert await world.network.device_with(VIP) is None


@in_world()
async def test_no_table_with_the_row_is_a_failure(world: World) -> None:
    for table in TABLES:
        del world.cloud.tables[table][ROUTE]
    outcome = await world.vip.start(60_000)
    assert outcome.result is Result.FAILED
    assert f"(9 : No route table of {VPC} has a route to VIP {VIP}/32" in text(outcome)


@in_world(vpc_id="vpc-elsewhere")
async def test_an_eni_of_another_vpc_is_found_out(world: World) -> None:
    world.cloud.add_vpc("vpc-elsewhere", "172.16.0.0/16")
    outcome = await world.vip.prepare()
    assert outcome.result is Result.FAILED
    assert "(11 : eni-00000002 does not belong to vpc-elsewhere" in text(outcome)


@in_world()
async def test_an_eni_of_another_instance_is_found_out(world: World) -> None:
    world.network.devices["eth0"] = [("10.0.110.100", 24)]
    outcome = await world.vip.start(60_000)
    assert outcome.result is Result.FAILED
    assert text(outcome) == "Activating awsvip1 resource has failed.(99 : Internal error. (status=1))"
    assert "no network device of this node carries eni-00000002 (10.0.120.100, i-of-eni-00000002)" in outcome.detail


@in_world()
async def test_an_eni_that_went_to_another_instance_gets_no_route(world: World) -> None:
    await world.vip.prepare()
    world.network.devices["eth0"] = [("10.0.120.9", 24)]
    assert (await world.vip.prepare()).result is Result.FAILED
    assert (await world.vip.start(60_000)).result is Result.FAILED
    assert world.targets() == [ENI[1]] * 3


# --- V2: outside the VPC


@pytest.mark.parametrize(("address", "cidr"), [("10.0.200.20", "10.0.0.0/16"), ("100.64.9.9", "100.64.0.0/16")])
def test_an_address_inside_any_cidr_of_the_vpc_is_refused(address: str, cidr: str) -> None:
    async def body(world: World) -> None:
        outcome = await world.vip.start(60_000)
        assert outcome.result is Result.FAILED
        assert f"(7 : The VIP address {address} belongs to a VPC subnet.)" in text(outcome)
        assert cidr in outcome.detail
        assert world.cloud.called("replace_route") == 0

    in_world(address=address)(body)()


# --- V3: the check


@in_world()
async def test_a_running_resource_is_normal(world: World) -> None:
    await world.vip.start(60_000)
    outcome = await world.vip.check(30_000)
    assert outcome == Outcome(Result.SUCCEEDED)


@in_world()
async def test_an_address_that_vanished_is_seen_without_the_api(world: World) -> None:
    await world.vip.start(60_000)
    await world.network.remove_address(VIP)
    asked = len(world.cloud.log)
    outcome = await world.vip.check(30_000)
    assert outcome.result is Result.FAILED
    assert text(outcome) == f"Detected an error in monitoring awsvipw1. (7 : The VIP address {VIP} does not exist.)"
    assert len(world.cloud.log) == asked


@pytest.mark.parametrize("silence", SILENCES)
def test_a_silent_api_is_what_the_policy_makes_of_it(silence: Silence) -> None:
    async def body(world: World) -> None:
        await world.vip.start(60_000)
        world.cloud.fail("routes", silence.error())
        silence.assert_told(await world.vip.check(30_000), "awsvipw1")

    in_world(api_failure=silence.policy)(body)()


@in_world(api_failure="ignore")
async def test_what_the_kernel_says_is_heard_whatever_the_policy(world: World) -> None:
    await world.vip.start(60_000)
    world.cloud.fail("routes", aws.unreachable())
    await world.network.remove_address(VIP)
    assert (await world.vip.check(30_000)).result is Result.FAILED


@in_world()
async def test_an_api_that_hangs_is_given_up_within_the_timeout(world: World) -> None:
    await world.vip.start(60_000)
    world.cloud.fail("routes", None)
    outcome = await asyncio.wait_for(world.vip.check(200), timeout=10)
    assert outcome.result is Result.UNKNOWN
    assert text(outcome) == "Warn monitoring awsvipw1. (106 : Timeout occurred.)"


@in_world()
async def test_a_check_that_learns_the_routes_but_not_the_eni_is_normal(world: World) -> None:
    await world.vip.start(60_000)
    world.cloud.fail("interface", aws.throttled())
    assert (await world.vip.check(30_000)).succeeded


@in_world()
async def test_a_kernel_that_does_not_say_is_unknown(world: World) -> None:
    await world.vip.start(60_000)
    world.network.fails = OSError(105, "No buffer space available")
    for outcome in (await world.vip.check(30_000), await world.vip.probe(30_000)):
        assert outcome.result is Result.UNKNOWN
        assert text(outcome) == "Warn monitoring awsvipw1. (199 : Internal error. (status=2))"
    world.network.fails = None


@in_world()
async def test_a_probe_asks_the_kernel_alone(world: World) -> None:
    outcome = await world.vip.probe(1_000)
    assert outcome.result is Result.FAILED
    assert VIP in text(outcome)
    await world.vip.start(60_000)
    asked = len(world.cloud.log)
    assert (await world.vip.probe(1_000)).succeeded
    assert len(world.cloud.log) == asked


# --- V5: Source/Dest check


@in_world()
async def test_source_dest_check_is_found_out_before_the_start(world: World) -> None:
    world.cloud.set_source_dest_check(ENI[2], True)
    outcome = await world.vip.prepare()
    assert outcome.result is Result.FAILED
    assert f"(10 : Source/Dest. Check of {ENI[2]} is enabled" in text(outcome)


@in_world()
async def test_source_dest_check_is_told_while_running(world: World) -> None:
    world.cloud.set_source_dest_check(ENI[2], True)
    started = await world.vip.start(60_000)
    checked = await world.vip.check(30_000)
    for outcome in (started, checked):
        assert outcome.result is Result.SUCCEEDED
        assert "Warn monitoring awsvipw1. (110 : Source/Dest. Check" in text(outcome)
    world.cloud.set_source_dest_check(ENI[2], False)
    assert (await world.vip.check(30_000)).said is None


# --- V6: a takeover is one parallel round of ReplaceRoute


@in_world()
async def test_a_warm_start_sends_replace_route_and_nothing_else(world: World) -> None:
    assert (await world.vip.prepare()).succeeded
    world.cloud.log.clear()
    assert (await world.vip.start(60_000)).succeeded
    assert sorted(world.cloud.log) == sorted(f"replace_route {table}" for table in TABLES)
    assert world.cloud.most_at_once == 3  # all in flight together


@in_world()
async def test_a_cold_start_asks_first(world: World) -> None:
    assert (await world.vip.start(60_000)).succeeded
    assert world.cloud.log[:3] == [f"vpc_cidrs {VPC}", f"interface {ENI[2]}", f"routes {VPC}"]


@in_world()
async def test_what_a_check_saw_is_enough_for_a_warm_restart(world: World) -> None:
    """After the daemon was replaced the resource is adopted, and no prepare has run."""
    await world.vip.start(60_000)
    adopted = world.new()
    assert (await adopted.probe(1_000)).succeeded
    assert (await adopted.check(30_000)).succeeded
    world.cloud.log.clear()
    assert (await adopted.start(60_000)).succeeded
    assert world.cloud.called("replace_route") == len(world.cloud.log) == 3
    await adopted.stop(5_000)


# --- faults of a start


@in_world()
async def test_a_start_outlives_an_outage_that_ends_in_time(world: World) -> None:
    await world.vip.prepare()
    world.cloud.fail("replace_route", aws.unreachable(), times=30)
    assert (await world.vip.start(20_000)).succeeded


@in_world()
async def test_a_refusal_is_not_tried_again(world: World) -> None:
    await world.vip.prepare()
    world.cloud.log.clear()
    world.cloud.fail("replace_route", aws.unauthorized())
    outcome = await world.vip.start(60_000)
    assert outcome.result is Result.FAILED
    assert len(world.cloud.log) == 3


@in_world()
async def test_a_change_that_may_have_been_made_is_unknown(world: World) -> None:
    await world.vip.prepare()
    world.cloud.fail("replace_route", aws.no_answer(), key=TABLES[0], after_change=True)
    outcome = await world.vip.start(300)
    assert outcome.result is Result.UNKNOWN
    assert text(outcome) == "Activating awsvip1 resource has failed.(6 : Timeout occurred.)"


@in_world()
async def test_an_api_that_was_never_reached_is_a_known_failure(world: World) -> None:
    await world.vip.prepare()
    world.cloud.fail("replace_route", aws.unreachable())
    outcome = await world.vip.start(300)
    assert outcome.result is Result.FAILED
    assert "(5 : " in text(outcome)


@in_world()
async def test_an_endpoint_that_hangs_ends_within_the_timeout(world: World) -> None:
    await world.vip.prepare()
    world.cloud.fail("replace_route", None)
    outcome = await asyncio.wait_for(world.vip.start(300), timeout=10)
    assert outcome.result is Result.UNKNOWN
    assert "(6 : " in text(outcome)


@in_world()
async def test_a_question_that_was_not_answered_changed_nothing(world: World) -> None:
    world.cloud.fail("routes", aws.no_answer())
    outcome = await world.vip.start(300)
    assert outcome.result is Result.FAILED
    assert "(6 : " in text(outcome)


@in_world()
async def test_a_cold_start_through_an_outage_asks_again(world: World) -> None:
    world.cloud.fail("vpc_cidrs", aws.connect_timeout(), times=3)
    assert (await world.vip.start(20_000)).succeeded


@in_world()
async def test_a_device_with_a_new_name_is_found_again(world: World) -> None:
    await world.vip.prepare()
    world.network.devices["ens5"] = world.network.devices.pop("eth0")
    assert (await world.vip.start(60_000)).succeeded
    assert (VIP, 32) in world.network.devices["ens5"]


@in_world()
async def test_an_address_that_the_kernel_refuses_is_code_99(world: World) -> None:
    await world.vip.prepare()
    world.network.fails = PermissionError(1, "Operation not permitted")
    outcome = await world.vip.start(60_000)
    assert outcome.result is Result.FAILED
    assert text(outcome) == "Activating awsvip1 resource has failed.(99 : Internal error. (status=2))"
    assert world.cloud.called("replace_route") == 0  # no route to a node that would drop the packets
    world.network.fails = None


@in_world()
async def test_after_throttling_the_next_start_asks_nothing(world: World) -> None:
    await world.vip.prepare()
    world.cloud.fail("replace_route", aws.throttled())
    assert (await world.vip.start(300)).result is Result.FAILED
    world.cloud.heal()
    world.cloud.log.clear()
    assert (await world.vip.start(60_000)).succeeded
    assert sorted(world.cloud.log) == sorted(f"replace_route {table}" for table in TABLES)


@in_world()
async def test_a_start_that_was_refused_makes_the_next_one_ask_first(world: World) -> None:
    await world.vip.prepare()
    world.cloud.fail("replace_route", aws.unauthorized(), times=3)
    assert (await world.vip.start(60_000)).result is Result.FAILED
    world.cloud.log.clear()
    assert (await world.vip.start(60_000)).succeeded
    assert world.cloud.called("vpc_cidrs") == 1


@in_world()
async def test_the_address_follows_the_eni_to_another_device(world: World) -> None:
    await world.vip.prepare()
    world.network.devices["ens6"] = world.network.devices["eth0"]
    world.network.devices["eth0"] = [("10.0.111.5", 24)]
    del world.cloud.tables[TABLES[0]]  # the cache is out of date in this as well, and that is noticed
    del world.cloud.table_vpc[TABLES[0]]
    assert (await world.vip.start(60_000)).succeeded
    assert (VIP, 32) in world.network.devices["ens6"]


# --- prepare


@in_world()
async def test_a_prepare_that_cannot_reach_the_api_keeps_what_it_knew(world: World) -> None:
    await world.vip.prepare()
    world.cloud.fail("routes", aws.unreachable())
    outcome = await world.vip.prepare()
    assert outcome.result is Result.UNKNOWN
    assert text(outcome).endswith("(105 : Failed in the AWS CLI command.)")
    world.cloud.heal()
    world.cloud.log.clear()
    assert (await world.vip.start(60_000)).succeeded
    assert len(world.cloud.log) == world.cloud.called("replace_route") == 3


@pytest.mark.parametrize(
    ("error", "result", "expected"),
    [
        (aws.no_answer, Result.UNKNOWN, "(106 : Timeout occurred.)"),
        (aws.throttled, Result.UNKNOWN, "(105 : Failed in the AWS CLI command.)"),
        (aws.no_credentials, Result.UNKNOWN, "(105 : Failed in the AWS CLI command.)"),
        (aws.unauthorized, Result.FAILED, "(5 : Failed in the AWS CLI command.)"),
        (aws.defect, Result.UNKNOWN, "(199 : Internal error. (status=3))"),
    ],
)
def test_what_a_prepare_makes_of_faults(error: Callable[[], CloudError], result: Result, expected: str) -> None:
    async def body(world: World) -> None:
        world.cloud.fail("interface", error())
        outcome = await world.vip.prepare()
        assert outcome.result is result
        assert text(outcome).endswith(expected)
        assert outcome.detail == str(error())

    in_world()(body)()


@in_world()
async def test_a_prepare_that_finds_the_eni_gone_forgets_the_cache(world: World) -> None:
    await world.vip.prepare()
    kept = world.cloud.interfaces.pop(ENI[2])
    for _ in range(SELDOM - 1):
        assert (await world.vip.prepare()).succeeded  # it is asked for seldom
    assert "does not exist" in text(await world.vip.prepare())
    world.cloud.interfaces[ENI[2]] = kept
    world.cloud.log.clear()
    await world.vip.start(60_000)
    assert world.cloud.called("vpc_cidrs") == 1


# --- the declaration


def test_the_eni_is_asked_of_every_node() -> None:
    assert AWSVIP.per_node_required == ("eni_id",)
    assert AWSVIP.traits.environments == ("aws",)
    assert not AWSVIP.traits.exclusive


def test_it_is_not_made_without_a_cloud() -> None:
    world = World()
    with pytest.raises(ValueError, match="environment: aws"):
        AWSVIP.make(world.params, world.host(cloud=None))


# --- what is asked seldom, and within the budget


@in_world()
async def test_what_is_not_as_it_should_be_is_asked_for_each_time(world: World) -> None:
    world.cloud.set_source_dest_check(ENI[2], True)
    for _ in range(2):
        assert (await world.vip.prepare()).result is Result.FAILED
    world.cloud.set_source_dest_check(ENI[2], False)
    assert (await world.vip.prepare()).succeeded


@in_world()
async def test_checks_and_preparations_keep_within_the_budget_and_a_start_does_not_wait_for_it(world: World) -> None:
    acting = world.cloud
    world.watching = aws.FakeCloud()  # empty: it knows no VPC, and would say so
    hands = world.new()
    assert "does not exist" in text(await hands.prepare())
    assert (await hands.start(60_000)).succeeded
    acting.log.clear()
    assert (await hands.check(30_000)).result is Result.FAILED
    assert not acting.log
    await hands.stop(5_000)

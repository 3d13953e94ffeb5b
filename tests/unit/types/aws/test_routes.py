"""The routes of a running awsvip: written together, seen late, found where nobody expected them (V1, V6)."""

import asyncio

from komainu.model.outcome import Outcome, Result
from komainu.types.aws.patience import SELDOM
from tests.doubles import cloud as aws
from tests.unit.types.aws.station import ENI, text
from tests.unit.types.aws.world import ROUTE, TABLES, VPC, World, in_world


@in_world()
async def test_a_table_that_was_never_written_has_no_time_of_grace(world: World) -> None:
    await world.vip.start(60_000)
    world.cloud.add_table(VPC, "rtb-new", {ROUTE: "eni-foreign"})
    outcome = await world.vip.check(30_000)
    assert outcome.result is Result.FAILED
    assert outcome.detail.startswith("rtb-new -> eni-foreign. ")


@in_world()
async def test_at_most_ten_tables_are_written_at_once(world: World) -> None:
    for number in range(25):
        world.cloud.add_table(VPC, f"rtb-{number}", {ROUTE: ENI[1]})
    await world.vip.prepare()
    world.cloud.most_at_once = 0
    assert (await world.vip.start(60_000)).succeeded
    assert world.cloud.most_at_once == 10
    assert {routes.get(ROUTE, ENI[2]) for routes in world.cloud.tables.values()} == {ENI[2]}


@in_world()
async def test_an_api_that_hangs_keeps_no_start_beyond_its_time_however_many_tables_there_are(world: World) -> None:
    """The executor would cancel it, and nobody would know of any table."""
    for number in range(25):
        world.cloud.add_table(VPC, f"rtb-{number}", {ROUTE: ENI[1]})
    await world.vip.prepare()
    world.cloud.fail("replace_route", None)
    outcome = await asyncio.wait_for(world.vip.start(1_000), 1)
    assert outcome.result is Result.UNKNOWN
    assert text(outcome) == "Activating awsvip1 resource has failed.(6 : Timeout occurred.)"
    assert world.cloud.called("replace_route") == 10
    assert "rtb-24: DeadlineExceeded: no time was left; nothing was sent" in outcome.detail


@in_world()
async def test_an_old_target_soon_after_our_write_is_not_yet_visible(world: World) -> None:
    world.cloud.reads_see = dict.fromkeys(TABLES, ENI[1])
    await world.vip.start(60_000)
    world.now_ms += 29_999
    outcome = await world.vip.check(30_000)
    assert outcome.succeeded
    assert outcome.detail.startswith("not yet visible: rtb-public-ab -> eni-00000001")
    world.now_ms += 1
    outcome = await world.vip.check(30_000)
    assert outcome.result is Result.FAILED
    assert "(8 : " in text(outcome)


@in_world()
async def test_the_read_back_ends_when_all_is_visible(world: World) -> None:
    await world.vip.start(60_000)
    world.cloud.log.clear()
    await world.settle()
    assert world.cloud.log == [f"routes {VPC}"]


@in_world()
async def test_the_read_back_looks_three_times_and_writes_nothing_twice(world: World) -> None:
    world.cloud.reads_see = dict.fromkeys(TABLES, ENI[1])
    await world.vip.start(60_000)
    world.cloud.log.clear()
    await world.settle()
    assert world.cloud.log == [f"routes {VPC}"] * 3


@in_world()
async def test_the_read_back_writes_a_table_that_prepare_did_not_know(world: World) -> None:
    await world.vip.prepare()
    world.cloud.add_table(VPC, "rtb-new", {ROUTE: ENI[1]})
    await world.vip.start(60_000)
    assert world.cloud.tables["rtb-new"][ROUTE] == ENI[1]
    await world.settle()
    assert world.cloud.tables["rtb-new"][ROUTE] == ENI[2]


@in_world()
async def test_the_read_back_takes_no_new_table_from_who_has_the_others_by_now(world: World) -> None:
    """This node was slow to look back: another one has taken the address over meanwhile."""
    await world.vip.start(60_000)
    world.cloud.add_table(VPC, "rtb-new", {ROUTE: ENI[1]})
    for table in TABLES:
        world.cloud.tables[table][ROUTE] = ENI[1]
    await world.settle()
    assert world.cloud.tables["rtb-new"][ROUTE] == ENI[1]


@in_world()
async def test_an_api_failure_during_the_read_back_says_nothing(world: World) -> None:
    await world.vip.start(60_000)
    world.cloud.fail("routes", aws.unreachable())
    await world.settle()
    assert world.reports == []


@in_world()
async def test_a_table_that_fails_for_the_moment_is_tried_again_alone(world: World) -> None:
    await world.vip.prepare()
    world.cloud.log.clear()
    world.cloud.fail("replace_route", aws.throttled(), times=2, key=TABLES[0])
    assert (await world.vip.start(60_000)).succeeded
    assert world.cloud.log.count(f"replace_route {TABLES[0]}") == 3
    assert world.cloud.log.count(f"replace_route {TABLES[1]}") == 1
    assert world.targets() == [ENI[2]] * 3


@in_world()
async def test_a_table_that_replaced_another_is_written_too(world: World) -> None:
    await world.vip.prepare()
    del world.cloud.tables[TABLES[0]]
    del world.cloud.table_vpc[TABLES[0]]
    world.cloud.add_table(VPC, "rtb-replacement", {ROUTE: ENI[1]})
    assert (await world.vip.start(60_000)).succeeded
    assert world.cloud.tables["rtb-replacement"][ROUTE] == ENI[2]
    assert world.cloud.log.count(f"replace_route {TABLES[1]}") == 1  # what was done is not done again


@in_world()
async def test_what_an_earlier_start_wrote_is_not_taken_for_done(world: World) -> None:
    await world.vip.start(60_000)
    del world.cloud.tables[TABLES[1]][ROUTE]
    assert (await world.vip.check(30_000)).succeeded  # the cache no longer has that table
    world.cloud.tables[TABLES[1]][ROUTE] = ENI[1]
    del world.cloud.tables[TABLES[0]]
    del world.cloud.table_vpc[TABLES[0]]
    assert (await world.vip.start(60_000)).succeeded
    assert world.cloud.tables[TABLES[1]][ROUTE] == ENI[2]


@in_world()
async def test_a_row_that_is_gone_from_one_table_is_information(world: World) -> None:
    await world.vip.start(60_000)
    del world.cloud.tables[TABLES[2]][ROUTE]
    assert (await world.vip.check(30_000)).succeeded


@in_world()
async def test_a_route_to_something_else_than_an_eni_is_changed(world: World) -> None:
    await world.vip.start(60_000)
    world.now_ms += 31_000
    world.cloud.tables[TABLES[0]][ROUTE] = ""
    assert (await world.vip.check(30_000)).detail == "rtb-public-ab -> no network interface"


@in_world()
async def test_a_cancelled_start_leaves_nothing_running(world: World) -> None:
    await world.vip.prepare()
    world.cloud.fail("replace_route", None)
    start = asyncio.create_task(world.vip.start(60_000))
    while world.cloud.at_once < 3:
        await asyncio.sleep(0)
    start.cancel()
    await asyncio.wait([start])
    assert start.cancelled()
    assert world.cloud.at_once == 0


@in_world()
async def test_an_answer_that_was_lost_once_is_made_good(world: World) -> None:
    await world.vip.prepare()
    world.cloud.fail("replace_route", aws.connection_lost(), times=1, after_change=True)
    assert (await world.vip.start(60_000)).succeeded


@in_world()
async def test_a_partial_failure_says_which_tables(world: World) -> None:
    await world.vip.prepare()
    world.cloud.fail("replace_route", aws.unauthorized(), key=TABLES[2])
    outcome = await world.vip.start(60_000)
    assert outcome.result is Result.FAILED
    assert text(outcome) == "Activating awsvip1 resource has failed.(5 : Failed in the AWS CLI command.)"
    assert outcome.detail == f"rtb-public-ab: done; rtb-private-a: done; rtb-private-b: {aws.unauthorized()}"


@in_world()
async def test_of_several_reasons_a_wrong_id_tells_the_most(world: World) -> None:
    await world.vip.prepare()
    world.cloud.fail("replace_route", aws.unauthorized(), key=TABLES[0])
    world.cloud.fail("replace_route", aws.no_answer(), key=TABLES[2])
    del world.cloud.interfaces[ENI[2]]
    outcome = await world.vip.start(300)
    assert outcome.result is Result.UNKNOWN
    assert text(outcome).endswith(f"(5 : The networkInterface ID '{ENI[2]}' does not exist)")
    world.cloud.heal()
    world.cloud.add_interface(VPC, ENI[2], "10.0.120.100")
    world.cloud.fail("replace_route", aws.unauthorized(), key=TABLES[0])
    world.cloud.fail("replace_route", aws.no_answer(), key=TABLES[2])
    assert text(await world.vip.start(300)).endswith("(6 : Timeout occurred.)")


@in_world()
async def test_routes_that_are_all_gone_are_code_8(world: World) -> None:
    await world.vip.start(60_000)
    for table in TABLES:
        del world.cloud.tables[table][ROUTE]
    outcome = await world.vip.check(30_000)
    assert outcome.result is Result.FAILED
    assert "(8 : " in text(outcome)
    assert "(9 : No route table" in text(await world.vip.start(60_000)), "no route is not all routes written"


@in_world()
async def test_a_table_that_was_deleted_since_is_left_out(world: World) -> None:
    await world.vip.prepare()
    del world.cloud.tables[TABLES[0]]
    del world.cloud.table_vpc[TABLES[0]]
    assert (await world.vip.start(60_000)).succeeded
    assert [world.cloud.tables[table][ROUTE] for table in TABLES[1:]] == [ENI[2]] * 2
    assert (await world.vip.check(30_000)).succeeded


@in_world()
async def test_silence_after_some_tables_were_written_hides_nothing_of_them(world: World) -> None:
    """What was found to be out of date could not be found out afresh."""
    await world.vip.prepare()
    del world.cloud.tables[TABLES[0]]
    world.cloud.fail("replace_route", aws.no_answer(), key=TABLES[1], after_change=True)
    world.cloud.fail("vpc_cidrs", aws.unauthorized())
    outcome = await world.vip.start(300)
    assert outcome.result is Result.UNKNOWN
    assert outcome.detail.startswith(f"{TABLES[0]}: InvalidRouteTableID.NotFound")
    assert f"{TABLES[1]}: {aws.no_answer()}; {TABLES[2]}: done" in outcome.detail


@in_world()
async def test_all_rows_deleted_since_prepare_is_said_as_such(world: World) -> None:
    await world.vip.prepare()
    for table in TABLES:
        del world.cloud.tables[table][ROUTE]
    outcome = await world.vip.start(60_000)
    assert outcome.result is Result.FAILED
    assert "(9 : No route table" in text(outcome)


@in_world()
async def test_a_stop_ends_the_read_back(world: World) -> None:
    await world.vip.start(60_000)
    task = world.vip._read_back
    assert task is not None
    await world.vip.stop(60_000)
    assert task.cancelled()


@in_world()
async def test_a_second_start_ends_the_read_back_of_the_first(world: World) -> None:
    """Nobody would end it later: it would write for a resource that is stopped."""
    await world.vip.start(60_000)
    task = world.vip._read_back
    assert task is not None
    await world.vip.start(60_000)
    assert task.cancelled()


@in_world()
async def test_a_defect_of_the_read_back_is_reported(world: World) -> None:
    await world.vip.start(60_000)
    world.cloud.table_vpc.clear()  # the double now raises KeyError, as a defect would
    await world.settle()
    (report,) = world.reports
    assert report.result is Result.UNKNOWN
    assert "KeyError" in report.detail


# --- information: tables without the route


@in_world()
async def test_a_preparation_names_the_tables_without_the_route_as_information(world: World) -> None:
    outcome = await world.vip.prepare()
    assert outcome.said is None
    assert outcome.detail == f"no route to {ROUTE} in rtb-without-row"
    assert (await world.vip.prepare()).detail == outcome.detail  # kept between the times when it is asked for


@in_world()
async def test_that_the_tables_cannot_be_listed_matters_to_nobody(world: World) -> None:
    world.cloud.fail("route_tables", aws.unauthorized())
    assert await world.vip.prepare() == Outcome(Result.SUCCEEDED)


# --- whether the routes may be written


@in_world()
async def test_a_missing_permission_shows_before_a_takeover_needs_it(world: World) -> None:
    world.cloud.fail("may_replace_route", aws.unauthorized())
    for _ in range(2):
        outcome = await world.vip.prepare()
        assert outcome.result is Result.FAILED
        assert text(outcome).endswith("(5 : Failed in the AWS CLI command.)")
        assert str(aws.unauthorized()) in outcome.detail
    world.cloud.heal()
    assert (await world.vip.prepare()).succeeded, "it is asked again at once"
    assert world.cloud.called("replace_route") == 0


@in_world()
async def test_every_table_has_its_turn_to_be_asked_about(world: World) -> None:
    for _ in range(3 * SELDOM):
        assert (await world.vip.prepare()).succeeded
    asked = [entry for entry in world.cloud.log if entry.startswith("may_replace_route")]
    assert asked == [f"may_replace_route {table}" for table in TABLES]


@in_world()
async def test_a_table_that_may_not_be_written_is_not_passed_over(world: World) -> None:
    world.cloud.fail("may_replace_route", aws.unauthorized(), key=TABLES[1])
    results = [(await world.vip.prepare()).result for _ in range(SELDOM + 3)]
    assert results == [Result.SUCCEEDED] * SELDOM + [Result.FAILED] * 3


@in_world()
async def test_an_api_that_does_not_say_whether_it_is_allowed_forbids_nothing(world: World) -> None:
    for error in (aws.throttled(), aws.unreachable(), aws.no_answer()):
        world.cloud.fail("may_replace_route", error, times=1)
        hands = world.new()
        assert (await hands.prepare()).succeeded

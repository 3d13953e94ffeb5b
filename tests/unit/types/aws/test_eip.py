"""awseip and awseipw (E1, E2): a public address that EC2 has at one ENI, and the silence while it moves."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from komainu.model.outcome import SUCCEEDED, Outcome, Result
from komainu.ports import Address
from komainu.types.aws.eip import AWSEIP, Params
from komainu.types.aws.patience import SELDOM
from tests.doubles import cloud as aws
from tests.unit.types.aws.eip_world import EIP, PUBLIC, Ec2, World, in_world
from tests.unit.types.aws.silences import SILENCES, Silence
from tests.unit.types.aws.station import ENI, text

GONE = f"(7 : The EIP address does not exist. (EIP ALLOCATION ID={EIP}))"


# --- start


@in_world()
async def test_a_warm_start_is_one_call(world: World) -> None:
    assert await world.eip.prepare() == SUCCEEDED
    world.cloud.log.clear()
    assert await world.eip.start(60_000) == SUCCEEDED
    assert world.cloud.log == [f"associate {EIP}"]
    assert world.holder == ENI[2]


@in_world()
async def test_a_cold_start_asks_first_and_a_second_one_changes_nothing(world: World) -> None:
    assert (await world.eip.start(60_000)).succeeded
    assert world.cloud.log == [f"interface {ENI[2]}", f"associate {EIP}"]
    before = world.cloud.place
    assert (await world.eip.start(60_000)).succeeded
    assert world.cloud.place == before


@in_world()
async def test_open_connections_are_dropped_when_the_own_address_changes(world: World) -> None:
    await world.eip.start(60_000)
    assert world.cloud.fresh == 1
    await world.eip.stop(60_000)
    assert world.cloud.fresh == 2


@in_world()
async def test_an_answer_lost_by_the_change_itself_is_looked_up_over_new_connections(world: World) -> None:
    await world.eip.prepare()
    world.cloud.fail("associate", aws.no_answer(), times=1, after_change=True)
    world.cloud.log.clear()
    assert await world.eip.start(60_000) == SUCCEEDED
    assert world.cloud.log == [f"associate {EIP}", f"address {EIP}"]
    assert world.cloud.fresh == 1
    world.cloud.log.clear()
    assert await world.eip.stop(60_000) == SUCCEEDED
    assert world.cloud.log == ["disassociate eipassoc-2"]


@in_world()
async def test_an_association_that_never_arrived_is_tried_again(world: World) -> None:
    await world.eip.prepare()
    world.cloud.dead = True
    world.cloud.log.clear()
    assert await world.eip.start(60_000) == SUCCEEDED
    assert world.cloud.log == [f"associate {EIP}", f"address {EIP}", f"associate {EIP}"]
    assert world.holder == ENI[2]


@in_world()
async def test_silence_that_outlasts_the_start_is_unknown(world: World) -> None:
    await world.eip.prepare()
    world.cloud.fail("associate", aws.no_answer(), after_change=True)
    world.cloud.fail("address", aws.no_answer())
    outcome = await world.eip.start(300)
    assert outcome.result is Result.UNKNOWN
    assert text(outcome) == "Activating awseip1 resource has failed.(6 : Timeout occurred.)"


@in_world()
async def test_an_association_that_was_ended_is_no_proof_of_a_new_one(world: World) -> None:
    """EC2 is eventually consistent: what it shows after a lost answer may be what was before."""
    await world.eip.start(60_000)
    world.cloud.stale = world.cloud.place
    await world.eip.stop(60_000)
    world.cloud.fail("associate", aws.no_answer(), times=1)
    assert await world.eip.start(60_000) == SUCCEEDED
    assert world.holder == ENI[2]


@in_world()
async def test_an_eni_that_was_taken_out_of_this_node_gets_no_address(world: World) -> None:
    """EC2 would associate it all the same, and clients would find nobody."""
    await world.eip.prepare()
    del world.network.devices["eth0"]
    outcome = await world.eip.start(60_000)
    assert outcome.result is Result.FAILED
    assert text(outcome) == "Activating awseip1 resource has failed.(99 : Internal error. (status=1))"
    assert world.holder == ENI[1]


REFUSALS: list[tuple[Callable[[World], None], str]] = [
    (lambda w: w.cloud.fail("associate", aws.unauthorized()), "(5 : Failed in the AWS CLI command.)"),
    (lambda w: setattr(w.cloud, "known", ()), f"(5 : The allocation ID '{EIP}' does not exist)"),
    (lambda w: w.cloud.interfaces.clear(), f"(5 : The networkInterface ID '{ENI[2]}' does not exist)"),
    (lambda w: w.cloud.fail("associate", aws.connect_timeout()), "(6 : Timeout occurred.)"),
    (lambda w: w.cloud.fail("associate", aws.defect()), "(99 : Internal error. (status=3))"),
]


@pytest.mark.parametrize(("break_it", "expected"), REFUSALS)
def test_why_a_start_failed_is_told_to_the_letter(break_it: Callable[[World], None], expected: str) -> None:
    async def body() -> Outcome:
        world = World()
        await world.eip.prepare()
        break_it(world)
        return await world.eip.start(300)

    outcome = asyncio.run(body())
    assert outcome.result is Result.FAILED
    assert text(outcome) == f"Activating awseip1 resource has failed.{expected}"


@in_world()
async def test_after_a_refusal_the_next_start_asks_first(world: World) -> None:
    await world.eip.prepare()
    world.cloud.fail("associate", aws.unauthorized(), times=1)
    assert (await world.eip.start(60_000)).result is Result.FAILED
    world.cloud.log.clear()
    assert (await world.eip.start(60_000)).succeeded
    assert world.cloud.log[0] == f"interface {ENI[2]}"


@in_world()
async def test_after_a_refusal_a_preparation_asks_at_once_and_after_throttling_nobody_does(world: World) -> None:
    for error, asked in ((aws.throttled, 0), (aws.unauthorized, 1)):
        await world.eip.prepare()
        world.cloud.fail("associate", error())
        assert (await world.eip.start(300)).result is Result.FAILED
        world.cloud.heal()
        world.cloud.log.clear()
        await world.eip.prepare()
        assert world.cloud.called("interface") == asked


# --- prepare


@in_world()
async def test_preparations_cost_little_more_than_a_call(world: World) -> None:
    for _ in range(2 * SELDOM):
        assert await world.eip.prepare() == SUCCEEDED
    assert world.cloud.called("address") == 2 * SELDOM
    assert world.cloud.called("interface") == world.cloud.called("may_associate") == 2


@in_world()
async def test_a_missing_permission_shows_before_a_takeover_needs_it(world: World) -> None:
    world.cloud.fail("may_associate", aws.unauthorized())
    for _ in range(2):
        outcome = await world.eip.prepare()
        assert outcome.result is Result.FAILED
        assert text(outcome).endswith("(5 : Failed in the AWS CLI command.)")
        assert str(aws.unauthorized()) in outcome.detail
    world.cloud.heal()
    assert (await world.eip.prepare()).succeeded, "it is asked again at once"
    assert world.cloud.called("associate") == 0


@in_world()
async def test_an_eni_of_another_instance_is_found_out(world: World) -> None:
    world.network.devices["eth0"] = [("10.0.20.9", 24)]
    outcome = await world.eip.prepare()
    assert outcome.result is Result.FAILED
    assert text(outcome).endswith("(99 : Internal error. (status=1))")
    assert "no network device of this node carries eni-00000002" in outcome.detail
    assert "(99 : Internal error. (status=1))" in text(await world.eip.start(60_000))
    assert world.holder == ENI[1]
    world.network.fails = OSError(105, "No buffer space available")
    assert text(await world.eip.prepare()).endswith("(99 : Internal error. (status=2))")


@in_world(allocation_id="eipalloc-0")
async def test_an_unknown_allocation_is_found_out_before_the_start(world: World) -> None:
    outcome = await world.eip.prepare()
    assert outcome.result is Result.FAILED
    assert text(outcome).endswith("(5 : The allocation ID 'eipalloc-0' does not exist)")


@in_world()
async def test_a_silent_api_leaves_what_was_known_and_gets_new_connections(world: World) -> None:
    """Another node has just taken the address that this one sent from."""
    await world.eip.prepare()
    world.cloud.dead = True
    assert (await world.eip.prepare()).result is Result.UNKNOWN
    assert (await world.eip.prepare()).succeeded
    world.cloud.log.clear()
    await world.eip.start(60_000)
    assert world.cloud.log == [f"associate {EIP}"]


@in_world()
async def test_what_was_not_asked_for_now_is_asked_for_next_time(world: World) -> None:
    world.cloud.fail("address", aws.unreachable(), times=1)
    await world.eip.start(60_000)
    world.cloud.log.clear()
    assert (await world.eip.prepare()).result is Result.UNKNOWN
    assert world.cloud.called("interface") == 0
    assert await world.eip.prepare() == SUCCEEDED
    assert world.cloud.called("interface") == 1


# --- stop


@in_world()
async def test_a_stop_is_one_call_and_idempotent(world: World) -> None:
    await world.eip.start(60_000)
    world.cloud.log.clear()
    assert await world.eip.stop(60_000) == SUCCEEDED
    assert world.cloud.log == ["disassociate eipassoc-2"]
    assert world.holder == ""
    assert await world.eip.stop(60_000) == SUCCEEDED


@in_world()
async def test_a_stop_takes_nothing_from_the_node_that_has_it_by_now(world: World) -> None:
    await world.eip.start(60_000)
    world.cloud.move(ENI[1])
    world.now_ms += 30_000
    for look in (world.eip.check, world.eip.probe):  # they learn the name of the other one's association
        assert (await look(30_000)).result is Result.FAILED
    assert await world.eip.stop(60_000) == SUCCEEDED
    assert world.holder == ENI[1]
    assert await world.new().stop(60_000) == SUCCEEDED
    assert world.holder == ENI[1]


@in_world()
async def test_a_stop_of_what_was_found_running_looks_first(world: World) -> None:
    world.cloud.move(ENI[2])
    assert await world.new().stop(60_000) == SUCCEEDED
    assert world.holder == ""


@in_world()
async def test_a_stop_ends_the_association_that_is_by_now_and_not_one_that_was(world: World) -> None:
    """Somebody has ended ours and made another one with this ENI, in the console."""
    await world.eip.start(60_000)
    world.cloud.move("")
    world.cloud.move(ENI[2])
    assert await world.eip.stop(60_000) == SUCCEEDED
    assert world.holder == ""


@in_world()
async def test_a_stop_after_a_start_of_which_nothing_is_known_looks_first(world: World) -> None:
    await world.eip.start(60_000)
    world.cloud.fail("disassociate", aws.unreachable())
    await world.eip.stop(300)
    world.cloud.heal()
    world.cloud.move(ENI[1])
    world.cloud.fail("associate", aws.no_answer(), after_change=True)
    world.cloud.fail("address", aws.no_answer())
    assert (await world.eip.start(300)).result is Result.UNKNOWN
    world.cloud.heal()
    assert await world.eip.stop(60_000) == SUCCEEDED
    assert world.holder == ""


@in_world()
async def test_a_stop_ends_within_its_time_however_many_calls_it_takes(world: World) -> None:
    """A stop that is cancelled would be a failure: the node would be shut down for a slow API."""
    world.cloud.move(ENI[2])
    world.cloud.fail("disassociate", None)
    slow = world.cloud.address

    async def late(allocation: str, timeout_ms: int) -> Address:
        await asyncio.sleep(0.8 * timeout_ms / 1000)
        return await slow(allocation, timeout_ms)

    world.cloud.address = late  # type: ignore[method-assign]
    outcome = await asyncio.wait_for(world.new().stop(1_000), 1)
    assert "may still be associated" in text(outcome)


@in_world()
async def test_a_lost_answer_to_a_stop_is_asked_for_again(world: World) -> None:
    await world.eip.start(60_000)
    world.cloud.fail("disassociate", aws.no_answer(), times=1, after_change=True)
    assert await world.eip.stop(60_000) == SUCCEEDED
    assert world.holder == ""


@in_world()
async def test_a_change_over_a_dead_connection_is_given_up_soon_and_made_over_a_new_one(world: World) -> None:
    await world.eip.prepare()
    for method, change in (("associate", world.eip.start), ("disassociate", world.eip.stop)):
        world.cloud.fail(method, None, times=1)
        fresh = world.cloud.fresh
        assert await asyncio.wait_for(change(60_000), 2.5) == SUCCEEDED
        assert world.cloud.fresh == fresh + 2
    assert world.holder == ""


@in_world()
async def test_a_silent_api_is_no_failure_of_a_stop(world: World) -> None:
    """N4: the next holder takes the address from this node anyway."""
    await world.eip.start(60_000)
    world.cloud.fail("disassociate", aws.unreachable())
    outcome = await asyncio.wait_for(world.eip.stop(300), 0.3)
    assert outcome.result is Result.SUCCEEDED
    assert f"{EIP} may still be associated with {ENI[2]}" in text(outcome)
    assert outcome.detail == str(aws.unreachable())


@in_world()
async def test_a_stop_gives_up_soon_however_much_time_it_has(world: World) -> None:
    world.cloud.fail("address", aws.unreachable())
    assert "EC2 could not be told" in text(await asyncio.wait_for(world.eip.stop(60_000), 5.1))


# --- check


@in_world()
async def test_a_running_resource_is_normal_and_costs_a_call(world: World) -> None:
    await world.eip.start(60_000)
    world.cloud.log.clear()
    assert await world.eip.check(30_000) == SUCCEEDED
    assert world.cloud.log == [f"address {EIP}"]


@in_world()
async def test_an_address_that_is_gone_is_code_7_to_the_letter_and_a_restart_repairs_it(world: World) -> None:
    await world.eip.start(60_000)
    world.now_ms += 30_000
    world.cloud.move("")
    outcome = await world.eip.check(30_000)
    assert outcome.result is Result.FAILED
    assert text(outcome) == f"Detected an error in monitoring awseipw1. {GONE}"
    assert outcome.detail == f"{PUBLIC} is associated with nothing"
    assert (await world.eip.stop(60_000)).succeeded
    assert (await world.eip.start(60_000)).succeeded
    assert world.holder == ENI[2]


@in_world()
async def test_an_eni_that_is_in_no_device_of_this_node_is_a_failure(world: World) -> None:
    await world.eip.start(60_000)
    del world.network.devices["eth0"]
    outcome = await world.eip.check(30_000)
    assert outcome.result is Result.FAILED
    assert text(outcome) == "Detected an error in monitoring awseipw1. (99 : Internal error. (status=1))"
    assert outcome.detail == f"no network device of this node carries {ENI[2]} (10.0.20.100)"
    world.network.fails = OSError(105, "No buffer space available")
    assert (await world.eip.check(30_000)).result is Result.UNKNOWN


@in_world()
async def test_who_has_it_is_told(world: World) -> None:
    await world.eip.start(60_000)
    world.now_ms += 30_000
    world.cloud.move(ENI[1])
    outcome = await world.eip.check(30_000)
    assert outcome.result is Result.FAILED
    assert outcome.detail == f"{PUBLIC} is associated with {ENI[1]}. {ENI[1]} is the one of node1"
    world.cloud.add_interface("vpc-9", "eni-foreign", "10.9.0.1")
    world.cloud.move("eni-foreign")
    assert "does another cluster use the same address?" in (await world.eip.check(30_000)).detail


@in_world()
async def test_what_was_just_written_may_not_be_visible_yet(world: World) -> None:
    world.cloud.stale = world.cloud.place
    await world.eip.start(60_000)
    fresh = await world.eip.check(30_000)
    assert fresh.succeeded
    assert fresh.detail == f"not yet visible: {PUBLIC} is associated with {ENI[1]}"
    world.now_ms += 29_999
    assert (await world.eip.check(30_000)).succeeded
    world.now_ms += 1
    assert (await world.eip.check(30_000)).result is Result.FAILED


@in_world()
async def test_alone_it_leaves_the_address_to_another_node(world: World) -> None:
    await world.eip.start(60_000)
    world.now_ms += 30_000
    world.alone = True
    world.cloud.move(ENI[1])
    outcome = await world.eip.check(30_000)
    assert outcome.result is Result.SUCCEEDED
    assert "(112 : The EIP address is associated with node1. It is not taken back while this node is" in text(outcome)
    world.cloud.move("")
    assert (await world.eip.check(30_000)).result is Result.FAILED


@in_world()
async def test_an_allocation_that_was_released_is_a_failure(world: World) -> None:
    await world.eip.start(60_000)
    world.cloud.known = ()
    outcome = await world.eip.check(30_000)
    assert outcome.result is Result.FAILED
    assert text(outcome).endswith(f"(5 : The allocation ID '{EIP}' does not exist)")
    assert (await world.eip.probe(30_000)).result is Result.FAILED


@in_world()
async def test_a_check_over_a_dead_connection_is_unknown_once(world: World) -> None:
    await world.eip.start(60_000)
    world.cloud.dead = True
    assert (await world.eip.check(30_000)).result is Result.UNKNOWN
    assert (await world.eip.check(30_000)).succeeded


@pytest.mark.parametrize("silence", SILENCES)
def test_a_silent_api_is_what_the_policy_makes_of_it(silence: Silence) -> None:
    async def body(world: World) -> None:
        await world.eip.start(60_000)
        world.cloud.fail("address", silence.error())
        silence.assert_told(await world.eip.check(30_000), "awseipw1")

    in_world(api_failure=silence.policy)(body)()


# --- probe


@in_world()
async def test_a_probe_finds_it_where_ec2_has_it_and_a_stop_knows_its_name(world: World) -> None:
    assert (await world.eip.probe(30_000)).result is Result.FAILED
    await world.eip.start(60_000)
    adopted = world.new()
    assert (await adopted.probe(30_000)).succeeded
    world.cloud.log.clear()
    assert (await adopted.stop(60_000)).succeeded
    assert world.cloud.log == ["disassociate eipassoc-2"]


@in_world()
async def test_a_probe_of_a_silent_api_is_unknown(world: World) -> None:
    world.cloud.fail("address", aws.unreachable())
    assert (await world.eip.probe(300)).result is Result.UNKNOWN


@in_world()
async def test_checks_and_preparations_are_within_the_budget(world: World) -> None:
    budgeted = Ec2()
    budgeted.interfaces, budgeted.place = world.cloud.interfaces, (ENI[2], "eipassoc-9")
    world.watching = budgeted
    eip = world.new()
    assert (await eip.prepare()).succeeded
    assert (await eip.check(30_000)).succeeded
    assert not world.cloud.log
    assert (await eip.start(60_000)).succeeded
    assert world.cloud.log == [f"associate {EIP}"]
    assert budgeted.fresh == world.cloud.fresh == 1


# --- the declaration


@pytest.mark.parametrize(
    "wrong", [{"allocation_id": PUBLIC}, {"eni_id": "vpc-1"}, {"api_failure": "panic"}, {"address": PUBLIC}]
)
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Params.model_validate({"allocation_id": EIP, "eni_id": ENI[1], **wrong})


def test_nothing_of_it_can_be_cut_off_on_the_node_and_each_gives_its_own_eni() -> None:
    """The address it is translated to is the node's own: without it the node would be cut off from everything."""
    assert AWSEIP.guards({"allocation_id": EIP}).addresses == ()
    assert AWSEIP.per_node_required == ("eni_id",)
    assert not AWSEIP.traits.exclusive


def test_it_is_not_made_without_a_cloud() -> None:
    world = World()
    with pytest.raises(ValueError, match="environment: aws"):
        AWSEIP.make(world.params, world.host(None))

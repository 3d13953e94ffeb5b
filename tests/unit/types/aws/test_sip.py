"""awssip and awssipw (E3): an address of the subnet that EC2 delivers to one ENI."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from komainu.model.outcome import SUCCEEDED, Result
from komainu.ports import Interface
from komainu.types.aws.sip import AWSSIP, Params, Sip
from tests.doubles import cloud as aws
from tests.doubles.cloud import FakeCloud
from tests.unit.types.aws.silences import SILENCES, Silence
from tests.unit.types.aws.station import ENI, Station, text, worlds

ADDRESS = "10.0.110.50"


class Ec2(FakeCloud):
    """It tells when an assignment arrives, and what time a question was given."""

    seen: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self) -> None:
        super().__init__()
        self.given_ms: dict[str, int] = {}

    async def interface(self, interface: str, timeout_ms: int) -> Interface:
        self.given_ms[interface] = timeout_ms
        return await super().interface(interface, timeout_ms)

    async def assign_private_address(self, interface: str, address: str, timeout_ms: int) -> None:
        self.seen()
        await super().assign_private_address(interface, address, timeout_ms)


class World(Station):
    """Node 2 of two in one subnet; the address is still at node 1."""

    resource = "awssip1"

    def __init__(self, **params: Any) -> None:
        super().__init__("10.0.110.102/24")
        self.cloud = Ec2()
        for number, primary in ((1, "10.0.110.101"), (2, "10.0.110.102")):
            self.cloud.add_interface("vpc-1", ENI[number], primary, subnet="subnet-a")
        self._has(1, "10.0.110.101", ADDRESS)
        self.params = Params.model_validate({"address": ADDRESS, "eni_id": ENI[2], **params})
        self.sip = self.new()

    def new(self) -> Sip:
        made = AWSSIP.make(self.params, self.host(self.cloud))
        assert isinstance(made, Sip)
        return made

    def _has(self, number: int, *addresses: str) -> None:
        found = self.cloud.interfaces[ENI[number]]
        self.cloud.interfaces[ENI[number]] = replace(found, private_addresses=addresses)

    def to_node1(self) -> None:
        """Somebody assigns it to node 1."""
        self._has(1, "10.0.110.101", ADDRESS)
        self._has(2, "10.0.110.102")

    def holder(self) -> list[str]:
        """The ENIs that EC2 has the address at."""
        return [name for name, found in self.cloud.interfaces.items() if ADDRESS in found.private_addresses]


in_world = worlds(World)


# --- start


@in_world()
async def test_a_warm_start_is_one_call_and_the_address_is_here_before_it(world: World) -> None:
    assert await world.sip.prepare() == SUCCEEDED
    world.cloud.log.clear()
    seen: list[bool] = []
    world.cloud.seen = lambda: seen.append((ADDRESS, 32) in world.network.devices["eth0"])
    assert await world.sip.start(60_000) == SUCCEEDED
    assert seen == [True]
    assert len(world.cloud.log) == 1
    assert world.holder() == [ENI[2]]


@in_world()
async def test_a_cold_start_asks_first_and_a_second_one_changes_nothing(world: World) -> None:
    assert (await world.sip.start(60_000)).succeeded
    assert world.cloud.log[0] == f"interface {ENI[2]}"
    assert (await world.sip.start(60_000)).succeeded
    assert world.network.devices["eth0"].count((ADDRESS, 32)) == 1
    assert world.holder() == [ENI[2]]


@in_world()
async def test_a_device_with_a_new_name_is_found_again(world: World) -> None:
    await world.sip.prepare()
    world.network.devices["ens5"] = world.network.devices.pop("eth0")
    assert (await world.sip.start(60_000)).succeeded
    assert (ADDRESS, 32) in world.network.devices["ens5"]


@in_world()
async def test_a_start_outlives_throttling(world: World) -> None:
    world.cloud.fail("assign_private_address", aws.throttled(), times=3)
    assert (await world.sip.start(20_000)).succeeded
    world.cloud.fail("assign_private_address", aws.throttled())
    assert (await world.sip.start(300)).result is Result.FAILED
    world.cloud.heal()
    world.cloud.log.clear()
    assert (await world.sip.start(20_000)).succeeded
    assert len(world.cloud.log) == 1, "what is known of the ENI is not asked for again"


@in_world()
async def test_an_assignment_whose_answer_is_lost_is_unknown(world: World) -> None:
    await world.sip.prepare()
    world.cloud.fail("assign_private_address", aws.no_answer(), after_change=True)
    outcome = await world.sip.start(300)
    assert outcome.result is Result.UNKNOWN
    assert text(outcome) == "Activating awssip1 resource has failed.(6 : Timeout occurred.)"


@in_world()
async def test_a_refused_assignment_is_a_failure_and_the_next_start_asks_first(world: World) -> None:
    await world.sip.prepare()
    world.cloud.fail("assign_private_address", aws.unauthorized(), times=1)
    outcome = await world.sip.start(60_000)
    assert outcome.result is Result.FAILED
    assert text(outcome) == "Activating awssip1 resource has failed.(5 : Failed in the AWS CLI command.)"
    assert outcome.detail == str(aws.unauthorized())
    world.cloud.log.clear()
    assert (await world.sip.start(60_000)).succeeded
    assert world.cloud.log[0] == f"interface {ENI[2]}"


@in_world()
async def test_a_question_that_was_not_answered_changed_nothing(world: World) -> None:
    world.cloud.fail("interface", aws.no_answer())
    outcome = await world.sip.start(300)
    assert outcome.result is Result.FAILED
    assert await world.network.device_with(ADDRESS) is None


@in_world()
async def test_a_defect_of_the_adapter_is_code_99(world: World) -> None:
    world.cloud.fail("assign_private_address", aws.defect())
    outcome = await world.sip.start(60_000)
    assert text(outcome) == "Activating awssip1 resource has failed.(99 : Internal error. (status=3))"


@in_world()
async def test_an_eni_that_is_gone_is_forgotten_and_a_refusal_is_not_the_end_of_it(world: World) -> None:
    await world.sip.prepare()
    world.cloud.fail("interface", aws.unauthorized(), times=1)
    assert (await world.sip.prepare()).result is Result.FAILED
    world.cloud.log.clear()
    await world.sip.start(60_000)
    assert world.cloud.called("interface") == 0
    kept = world.cloud.interfaces.pop(ENI[2])
    assert (await world.sip.prepare()).result is Result.FAILED
    world.cloud.interfaces[ENI[2]] = kept
    await world.sip.start(60_000)
    assert world.cloud.called("interface") == 2


@in_world()
async def test_a_kernel_that_refuses_the_address_is_code_99_and_ec2_is_not_told(world: World) -> None:
    await world.sip.prepare()
    world.network.fails = PermissionError(1, "Operation not permitted")
    outcome = await world.sip.start(60_000)
    assert text(outcome) == "Activating awssip1 resource has failed.(99 : Internal error. (status=2))"
    assert world.holder() == [ENI[1]]


# --- prepare


@in_world(address="10.0.120.50")
async def test_an_address_of_another_subnet_is_found_out_before_the_start(world: World) -> None:
    outcome = await world.sip.prepare()
    assert outcome.result is Result.FAILED
    assert "(9 : The private IP address 10.0.120.50 does not lie in the subnet of eni-00000002" in text(outcome)
    assert outcome.detail == "eni-00000002 (10.0.110.102) is in subnet-a"
    assert "(9 : " in text(await world.sip.start(60_000))


@in_world(address="10.0.120.50")
async def test_the_subnet_of_another_device_of_this_node_does_not_count(world: World) -> None:
    world.network.devices["eth1"] = [("10.0.120.9", 24)]
    outcome = await world.sip.prepare()
    assert outcome.result is Result.FAILED
    assert "(9 : The private IP address 10.0.120.50 does not lie in the subnet of eni-00000002" in text(outcome)


@in_world()
async def test_a_device_without_a_subnet_does_not_say_that_the_address_lies_in_it(world: World) -> None:
    world.network.devices["eth0"] = [("10.0.110.102", 32)]
    assert "(9 : The private IP address 10.0.110.50 does not lie in the subnet" in text(await world.sip.prepare())


@in_world()
async def test_two_devices_in_the_subnet_are_no_hindrance(world: World) -> None:
    world.network.devices = {"eth1": [("10.0.110.9", 24)], **world.network.devices}
    assert await world.sip.prepare() == SUCCEEDED


@in_world(address="10.0.110.102")
async def test_a_primary_address_does_not_move(world: World) -> None:
    assert "(10 : The private IP address 10.0.110.102 is the primary one of" in text(await world.sip.prepare())


@in_world()
async def test_an_eni_of_another_instance_is_found_out(world: World) -> None:
    await world.sip.prepare()
    world.network.devices["eth0"] = [("10.0.110.9", 24)]
    outcome = await world.sip.prepare()
    assert text(outcome).endswith("(99 : Internal error. (status=1))")
    assert "no network device of this node carries eni-00000002" in outcome.detail
    assert (await world.sip.start(60_000)).result is Result.FAILED
    assert world.holder() == [ENI[1]], "EC2 would assign it there all the same"


@in_world(eni_id="eni-0")
async def test_an_unknown_eni_is_told_as_such(world: World) -> None:
    outcome = await world.sip.prepare()
    assert outcome.result is Result.FAILED
    assert text(outcome).endswith("(5 : The networkInterface ID 'eni-0' does not exist)")


@in_world()
async def test_a_silent_api_leaves_what_was_known(world: World) -> None:
    await world.sip.prepare()
    world.cloud.fail("interface", aws.unreachable(), times=1)
    assert (await world.sip.prepare()).result is Result.UNKNOWN
    world.cloud.log.clear()
    await world.sip.start(60_000)
    assert len(world.cloud.log) == 1


# --- stop


@in_world()
async def test_a_stop_takes_the_address_off_and_gives_it_back(world: World) -> None:
    await world.sip.start(60_000)
    assert await world.sip.stop(60_000) == SUCCEEDED
    assert await world.network.device_with(ADDRESS) is None
    assert world.holder() == []
    assert await world.sip.stop(60_000) == SUCCEEDED  # idempotent


@in_world()
async def test_a_stop_takes_nothing_from_the_node_that_has_it_by_now(world: World) -> None:
    await world.sip.start(60_000)
    world.to_node1()
    assert await world.sip.stop(60_000) == SUCCEEDED
    assert world.holder() == [ENI[1]]


@in_world()
async def test_a_silent_api_is_no_failure_of_a_stop(world: World) -> None:
    """N4: else the node would be shut down for an outage of the API."""
    await world.sip.start(60_000)
    world.cloud.fail("unassign_private_address", aws.unreachable())
    outcome = await asyncio.wait_for(world.sip.stop(300), 0.3)
    assert outcome.result is Result.SUCCEEDED
    assert text(outcome).startswith("awssip1 is stopped: this node does not answer for 10.0.110.50 any more.")
    assert outcome.detail == str(aws.unreachable())
    assert await world.network.device_with(ADDRESS) is None


@in_world()
async def test_a_stop_gives_up_soon_however_much_time_it_has(world: World) -> None:
    world.cloud.fail("unassign_private_address", aws.unreachable())
    assert "EC2 has not confirmed" in text(await asyncio.wait_for(world.sip.stop(60_000), 5.1))


@in_world()
async def test_a_refusal_for_another_reason_is_told_of_a_stop(world: World) -> None:
    await world.sip.start(60_000)
    world.cloud.fail("unassign_private_address", aws.unauthorized())
    outcome = await world.sip.stop(60_000)
    assert outcome.result is Result.SUCCEEDED
    assert "it may be assigned to eni-00000002" in text(outcome)


@in_world()
async def test_a_stop_that_the_kernel_refuses_is_a_failure_and_ec2_is_not_told(world: World) -> None:
    await world.sip.start(60_000)
    world.network.fails = PermissionError(1, "Operation not permitted")
    outcome = await world.sip.stop(60_000)
    assert text(outcome) == "Deactivating awssip1 resource has failed.(99 : Internal error. (status=2))"
    assert world.holder() == [ENI[2]]


# --- check and probe


@in_world()
async def test_a_running_resource_is_normal_and_costs_a_call(world: World) -> None:
    await world.sip.start(60_000)
    world.cloud.log.clear()
    assert await world.sip.check(30_000) == SUCCEEDED
    assert world.cloud.log == [f"interface {ENI[2]}"]


@in_world()
async def test_an_address_that_vanished_is_seen_without_the_api(world: World) -> None:
    await world.sip.start(60_000)
    await world.network.remove_address(ADDRESS)
    world.cloud.log.clear()
    outcome = await world.sip.check(30_000)
    expected = "Detected an error in monitoring awssipw1. (7 : The private IP address 10.0.110.50 does not exist.)"
    assert text(outcome) == expected
    assert not world.cloud.log
    assert (await world.sip.probe(1_000)).result is Result.FAILED


@in_world()
async def test_an_address_that_somebody_took_is_code_8_and_a_restart_repairs_it(world: World) -> None:
    await world.sip.start(60_000)
    world.to_node1()
    fresh = await world.sip.check(30_000)
    assert fresh.succeeded
    assert fresh.detail == "not yet visible: 10.0.110.50 at eni-00000002"
    world.now_ms += 30_000
    outcome = await world.sip.check(30_000)
    assert outcome.result is Result.FAILED
    assert "(8 : The private IP address 10.0.110.50 is not assigned to eni-00000002 any more.)" in text(outcome)
    assert outcome.detail == "it is assigned to eni-00000001 of node1"
    assert (await world.sip.stop(60_000)).succeeded
    assert (await world.sip.start(60_000)).succeeded
    assert world.holder() == [ENI[2]]


@in_world()
async def test_alone_it_leaves_the_address_to_another_node(world: World) -> None:
    await world.sip.start(60_000)
    world.now_ms += 30_000
    world.alone = True
    world.to_node1()
    outcome = await world.sip.check(30_000)
    assert outcome.result is Result.SUCCEEDED
    assert "(112 : The private IP address 10.0.110.50 is assigned to node1." in text(outcome)
    world._has(1, "10.0.110.101")
    outcome = await world.sip.check(30_000)
    assert outcome.result is Result.FAILED
    assert outcome.detail == "no node of this cluster has it"


@in_world()
async def test_alone_it_leaves_alone_what_it_cannot_see(world: World) -> None:
    """The other node may have it: taking it back while its place is unknown would be a fight."""
    await world.sip.start(60_000)
    world.now_ms += 30_000
    world.alone = True
    world.to_node1()
    world.cloud.fail("interface", aws.throttled(), key=ENI[1])
    outcome = await world.sip.check(30_000)
    assert outcome.result is Result.UNKNOWN
    assert text(outcome) == "Warn monitoring awssipw1. (105 : Failed in the AWS CLI command.)"
    world.alone = False
    outcome = await world.sip.check(30_000)
    assert outcome.result is Result.FAILED
    assert outcome.detail == f"{ENI[1]} of node1 could not be looked at: {aws.throttled()}"


@in_world()
async def test_one_node_whose_eni_does_not_answer_hides_no_other_one(world: World) -> None:
    world.elsewhere = {"node3": {"eni_id": "eni-00000003"}, "node1": {"eni_id": ENI[1]}}
    hands = world.new()
    await hands.start(60_000)
    world.now_ms += 30_000
    world.alone = True
    world.to_node1()
    world.cloud.fail("interface", None, key="eni-00000003")
    outcome = await asyncio.wait_for(hands.check(300), 10)
    assert outcome.result is Result.SUCCEEDED
    assert outcome.detail == f"it is assigned to {ENI[1]} of node1"
    assert world.cloud.given_ms[ENI[1]] > 100


@in_world()
async def test_an_eni_that_is_gone_is_a_failure(world: World) -> None:
    await world.sip.start(60_000)
    del world.cloud.interfaces[ENI[2]]
    outcome = await world.sip.check(30_000)
    assert outcome.result is Result.FAILED
    assert "(5 : The networkInterface ID 'eni-00000002' does not exist)" in text(outcome)


@in_world()
async def test_an_adopted_resource_has_no_time_of_grace(world: World) -> None:
    await world.sip.start(60_000)
    world.to_node1()
    assert (await world.new().check(30_000)).result is Result.FAILED


@in_world()
async def test_checks_and_preparations_keep_within_the_budget(world: World) -> None:
    world.watching = FakeCloud()  # empty: it knows no ENI, and would say so
    hands = world.new()
    assert "does not exist" in text(await hands.prepare())
    assert (await hands.start(60_000)).succeeded
    world.cloud.log.clear()
    assert "does not exist" in text(await hands.check(30_000))
    assert not world.cloud.log


@pytest.mark.parametrize("silence", SILENCES)
def test_a_silent_api_is_what_the_policy_makes_of_it(silence: Silence) -> None:
    async def body(world: World) -> None:
        await world.sip.start(60_000)
        world.cloud.fail("interface", silence.error())
        silence.assert_told(await world.sip.check(30_000), "awssipw1")

    in_world(api_failure=silence.policy)(body)()


@in_world()
async def test_an_api_that_hangs_is_given_up_within_the_timeout_and_after_ten_seconds(world: World) -> None:
    await world.sip.start(60_000)
    world.cloud.fail("interface", None)
    for timeout_ms, within_s in ((300, 0.3), (60_000, 10.1)):
        assert (await asyncio.wait_for(world.sip.check(timeout_ms), within_s)).result is Result.UNKNOWN


@in_world()
async def test_a_kernel_that_does_not_say_is_unknown(world: World) -> None:
    await world.sip.start(60_000)
    world.network.fails = OSError(105, "No buffer space available")
    for outcome in (await world.sip.check(30_000), await world.sip.probe(30_000)):
        assert outcome.result is Result.UNKNOWN


@in_world()
async def test_an_adopted_resource_is_found_and_restarts_warm(world: World) -> None:
    await world.sip.start(60_000)
    adopted = world.new()
    assert (await adopted.probe(1_000)).succeeded
    assert (await adopted.check(30_000)).succeeded
    world.cloud.log.clear()
    assert (await adopted.start(60_000)).succeeded
    assert len(world.cloud.log) == 1


# --- the declaration


@pytest.mark.parametrize(
    "wrong",
    [
        *({"address": address} for address in ("127.0.0.1", "fd00::1", "224.0.0.1", "0.0.0.0", "169.254.1.1")),
        {"eni_id": "vpc-1"},
        {"api_failure": "panic"},
        {"x": 1},
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Params.model_validate({"address": ADDRESS, "eni_id": ENI[1], **wrong})


def test_its_address_is_guarded_and_each_node_gives_its_own_eni() -> None:
    assert AWSSIP.guards({"address": ADDRESS}).addresses == (ADDRESS,)
    assert AWSSIP.per_node_required == ("eni_id",)
    assert AWSSIP.traits.addresses == ("address",)


def test_it_is_not_made_without_a_cloud() -> None:
    world = World()
    with pytest.raises(ValueError, match="environment: aws"):
        AWSSIP.make(world.params, world.host(None))

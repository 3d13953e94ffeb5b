"""awsdns and awsdnsw (E3): a record of Route 53 that leads to the active node."""

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from komainu.model.message import Refused
from komainu.model.outcome import SUCCEEDED, Outcome, Result
from komainu.ports import CloudError, CloudFault, NameRecord, RecordType
from komainu.types.aws.dns import AWSDNS, Dns, Params
from komainu.types.aws.patience import now
from tests.doubles import cloud as aws
from tests.doubles.names import ZONE, FakeNames
from tests.unit.types.aws.silences import SILENCES, Silence
from tests.unit.types.aws.station import Station, text, worlds

NAME = "db.example.com"
VALUE = {1: "10.0.110.101", 2: "10.0.120.102"}


class World(Station):
    """Node 2 of two; the record still leads to node 1."""

    resource = "awsdns1"

    def __init__(self, **params: Any) -> None:
        super().__init__("10.0.120.102/24")
        self.elsewhere = {"node1": {"value": VALUE[1]}}
        self.zone = FakeNames()
        self.lead_to(VALUE[1])
        given = {"zone_id": ZONE, "name": NAME, "value": VALUE[2], **params}
        self.params = Params.model_validate(given)
        made = AWSDNS.make(self.params, self.host(None, names=self.zone))
        assert isinstance(made, Dns)
        self.dns = made

    def lead_to(self, *values: str) -> None:
        self.zone.records[NAME, "A"] = NameRecord(NAME, "A", values, 10)

    def values(self) -> tuple[str, ...]:
        return self.zone.records[NAME, "A"].values

    async def settle(self) -> None:
        """Wait until nothing more is looked at."""
        task = self.dns._looking
        assert task is not None
        await asyncio.wait([task], timeout=200)
        assert task.done()

    async def end(self) -> None:
        await self.dns.stop(5_000)


in_world = worlds(World)


# --- start


@in_world()
async def test_a_start_is_one_call(world: World) -> None:
    assert await world.dns.start(60_000) == SUCCEEDED
    assert world.zone.log == ["put"]
    assert world.zone.records[NAME, "A"] == NameRecord(NAME, "A", (VALUE[2],), 10)


@in_world(type="AAAA", value="2001:db8::2", ttl_s=30, name="DB.Example.COM.")
async def test_a_record_of_ipv6_under_the_plain_name(world: World) -> None:
    await world.dns.start(60_000)
    assert world.zone.records[NAME, "AAAA"] == NameRecord(NAME, "AAAA", ("2001:db8::2",), 30)
    assert world.values() == (VALUE[1],)


@in_world()
async def test_that_all_servers_have_it_is_looked_at_until_they_do(world: World) -> None:
    world.zone.pending = 1
    await world.dns.start(60_000)
    await world.settle()
    assert world.zone.log == ["put", "in_sync", "in_sync"]
    assert not world.reports


@in_world()
async def test_a_change_that_stays_on_its_way_is_told(world: World) -> None:
    world.zone.pending = 99
    begun = now()
    await world.dns.start(60_000)
    await world.settle()
    assert now() - begun == pytest.approx(120)
    assert world.zone.log == ["put", *["in_sync"] * 5]
    (report,) = world.reports
    assert report.result is Result.UNKNOWN
    assert "(113 : The change of the record db.example.com has not reached all name servers" in text(report)


@in_world()
async def test_silence_about_a_change_tells_nothing(world: World) -> None:
    world.zone.faults += [("in_sync", aws.unreachable(), False)] * 5
    await world.dns.start(60_000)
    await world.settle()
    assert not world.reports


@in_world()
async def test_a_stop_ends_the_looks(world: World) -> None:
    world.zone.pending = 99
    await world.dns.start(60_000)
    task = world.dns._looking
    assert task is not None
    await world.dns.stop(60_000)
    assert task.cancelled()


@in_world()
async def test_a_second_start_ends_the_looks_of_the_first(world: World) -> None:
    world.zone.pending = 99
    await world.dns.start(60_000)
    task = world.dns._looking
    assert task is not None
    await world.dns.start(60_000)
    assert task.cancelled()


@in_world()
async def test_a_defect_of_the_looks_is_reported(world: World) -> None:
    world.zone.pending = "one"  # type: ignore[assignment]
    await world.dns.start(60_000)
    await world.settle()
    assert "TypeError" in world.reports[0].detail


@in_world()
async def test_a_start_outlives_throttling(world: World) -> None:
    world.zone.faults += [("put", aws.throttled(), False)] * 3
    assert (await world.dns.start(20_000)).succeeded


@in_world()
async def test_a_change_whose_answer_is_lost_is_unknown(world: World) -> None:
    world.zone.faults += [("put", aws.no_answer(), True)] * 99
    outcome = await world.dns.start(300)
    assert outcome.result is Result.UNKNOWN
    assert text(outcome) == "Activating awsdns1 resource has failed.(6 : Timeout occurred.)"


@in_world()
async def test_a_refusal_is_a_failure(world: World) -> None:
    world.zone.faults.append(("put", aws.unauthorized(), False))
    outcome = await world.dns.start(60_000)
    assert outcome.result is Result.FAILED
    assert text(outcome) == "Activating awsdns1 resource has failed.(5 : Failed in the AWS CLI command.)"
    assert world.values() == (VALUE[1],)


@in_world(zone_id="Z9")
async def test_an_unknown_zone_is_told_as_such(world: World) -> None:
    for outcome in (await world.dns.prepare(), await world.dns.start(60_000), await world.dns.check(30_000)):
        assert outcome.result is Result.FAILED
        assert text(outcome).endswith("(5 : The hosted zone ID 'Z9' does not exist)")


# --- prepare


@in_world()
async def test_a_preparation_tells_where_the_record_leads(world: World) -> None:
    assert await world.dns.prepare() == Outcome(Result.SUCCEEDED, detail="db.example.com 10 A 10.0.110.101")
    world.zone.records.clear()
    assert await world.dns.prepare() == Outcome(Result.SUCCEEDED, detail="there is no record db.example.com yet")


@in_world()
async def test_a_preparation_that_gets_no_answer_is_unknown(world: World) -> None:
    world.zone.faults.append(("record", aws.no_answer(), False))
    outcome = await world.dns.prepare()
    assert outcome.result is Result.UNKNOWN
    assert text(outcome).endswith("(106 : Timeout occurred.)")


# --- stop


@in_world()
async def test_a_stop_keeps_the_record_and_asks_nothing(world: World) -> None:
    await world.dns.start(60_000)
    world.zone.log.clear()
    assert await world.dns.stop(60_000) == SUCCEEDED
    assert world.values() == (VALUE[2],)
    assert not world.zone.log


@in_world(on_stop="delete")
async def test_a_stop_deletes_the_record_as_it_is_when_it_leads_here(world: World) -> None:
    await world.dns.start(60_000)
    world.zone.records[NAME, "A"] = NameRecord(NAME, "A", (VALUE[2],), 300)  # somebody changed its TTL
    assert await world.dns.stop(60_000) == SUCCEEDED
    assert not world.zone.records
    assert await world.dns.stop(60_000) == SUCCEEDED  # idempotent


@in_world(on_stop="delete")
async def test_a_stop_leaves_a_record_that_leads_elsewhere(world: World) -> None:
    await world.dns.start(60_000)
    world.lead_to(VALUE[1])
    assert await world.dns.stop(60_000) == SUCCEEDED
    assert world.values() == (VALUE[1],)


@in_world(on_stop="delete")
async def test_a_record_that_changed_in_the_same_moment_is_left(world: World) -> None:
    await world.dns.start(60_000)
    changed = CloudError(CloudFault.REFUSED, "InvalidChangeBatch", "the values provided do not match")
    world.zone.faults.append(("remove", changed, False))
    assert await world.dns.stop(60_000) == SUCCEEDED


@in_world(on_stop="delete")
async def test_a_silent_api_is_no_failure_of_a_stop(world: World) -> None:
    await world.dns.start(60_000)
    world.zone.faults.append(("remove", aws.unauthorized(), False))
    outcome = await world.dns.stop(300)
    assert outcome.result is Result.SUCCEEDED
    assert text(outcome).startswith("awsdns1 is stopped, but Route 53 has not confirmed that the record db.ex")


@in_world(on_stop="delete")
async def test_a_stop_ends_within_its_time_however_many_calls_it_takes(world: World) -> None:
    """A stop that is cancelled would be a failure: the node would be shut down for a slow API."""
    await world.dns.start(60_000)
    read = world.zone.record

    async def late(zone: str, name: str, type_: RecordType, timeout_ms: int) -> NameRecord | None:
        await asyncio.sleep(0.8 * timeout_ms / 1000)
        return await read(zone, name, type_, timeout_ms)

    async def never(zone: str, record: NameRecord, timeout_ms: int) -> str:
        await asyncio.sleep(timeout_ms / 1000)
        raise aws.no_answer()

    world.zone.record = late  # type: ignore[method-assign]
    world.zone.remove = never  # type: ignore[method-assign]
    outcome = await asyncio.wait_for(world.dns.stop(1_000), 1)
    assert "has not confirmed that the record" in text(outcome)


# --- check and probe


@in_world()
async def test_a_running_resource_is_normal(world: World) -> None:
    await world.dns.start(60_000)
    assert await world.dns.check(30_000) == SUCCEEDED
    assert await world.dns.probe(30_000) == SUCCEEDED


@in_world(type="AAAA", value="2001:db8::2")
async def test_an_address_is_known_in_any_form(world: World) -> None:
    world.zone.records[NAME, "AAAA"] = NameRecord(NAME, "AAAA", ("2001:0DB8:0::2",), 10)
    assert await world.dns.check(30_000) == SUCCEEDED


@in_world()
async def test_a_record_that_somebody_changed_is_code_8_and_a_restart_repairs_it(world: World) -> None:
    await world.dns.start(60_000)
    for values, told in (
        (("192.0.2.9",), "db.example.com 10 A 192.0.2.9"),
        ((VALUE[1],), f"db.example.com 10 A {VALUE[1]} (node1)"),
        ((VALUE[2], VALUE[1]), f"db.example.com 10 A {VALUE[2]}, {VALUE[1]}"),
    ):
        world.lead_to(*values)
        outcome = await world.dns.check(30_000)
        assert outcome.result is Result.FAILED
        assert text(outcome) == (
            "Detected an error in monitoring awsdnsw1. "
            "(8 : The record db.example.com does not lead to 10.0.120.102 any more.)"
        )
        assert outcome.detail == told
    world.zone.records.clear()
    assert (await world.dns.check(30_000)).detail == "there is no such record"
    await world.dns.stop(60_000)
    await world.dns.start(60_000)
    assert world.values() == (VALUE[2],)


@in_world()
async def test_alone_it_leaves_the_record_to_another_node(world: World) -> None:
    await world.dns.start(60_000)
    world.alone = True
    world.lead_to(VALUE[1])
    outcome = await world.dns.check(30_000)
    assert outcome.result is Result.SUCCEEDED
    assert "(112 : The record db.example.com leads to node1." in text(outcome)
    world.lead_to("192.0.2.9")
    assert (await world.dns.check(30_000)).result is Result.FAILED


@in_world()
async def test_a_probe_knows_nothing_from_a_silent_api(world: World) -> None:
    assert (await world.dns.probe(1_000)).result is Result.FAILED
    world.zone.faults.append(("record", aws.unreachable(), False))
    assert (await world.dns.probe(1_000)).result is Result.UNKNOWN


@pytest.mark.parametrize("silence", SILENCES)
def test_a_silent_api_is_what_the_policy_makes_of_it(silence: Silence) -> None:
    async def body(world: World) -> None:
        await world.dns.start(60_000)
        world.zone.faults.append(("record", silence.error(), False))
        silence.assert_told(await world.dns.check(30_000), "awsdnsw1")

    in_world(api_failure=silence.policy)(body)()


# --- the declaration


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone_id": "example.com"},
        {"name": "db"},
        {"name": "*.example.com"},
        {"name": "db..example.com"},
        {"value": "fd00::1"},
        *({"value": value} for value in ("127.0.0.1", "224.0.0.1", "0.0.0.0", "169.254.1.1")),
        {"type": "CNAME"},
        {"ttl_s": 0},
        {"on_stop": "leave"},
        {"x": 1},
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Params.model_validate({"zone_id": ZONE, "name": NAME, "value": VALUE[1], **wrong})


def test_a_value_that_does_not_fit_the_type_is_explained() -> None:
    with pytest.raises(ValidationError) as refused:
        Params.model_validate({"zone_id": ZONE, "name": NAME, "type": "AAAA", "value": VALUE[1]})
    (error,) = refused.value.errors()
    assert isinstance(error["ctx"]["error"], Refused)
    assert "A record of type AAAA cannot lead to 10.0.110.101" in str(error["ctx"]["error"])


def test_one_value_for_all_nodes_is_warned_of() -> None:
    one = Params.model_validate({"zone_id": ZONE, "name": NAME, "value": VALUE[1]})
    two = Params.model_validate({"zone_id": ZONE, "name": NAME, "value": VALUE[2]})
    assert not AWSDNS.advise({"node1": one, "node2": two})
    assert not AWSDNS.advise({"node1": one})
    (said,) = AWSDNS.advise({"node1": one, "node2": one})
    assert "whichever of these nodes is active (node1, node2)" in said.en


def test_nothing_is_promised_that_a_record_cannot_keep() -> None:
    assert not AWSDNS.traits.exclusive
    assert AWSDNS.traits.ended_by == "reset"
    assert not AWSDNS.guards({"value": VALUE[1]}).addresses


def test_it_is_not_made_without_a_name_service() -> None:
    world = World()
    with pytest.raises(ValueError, match="environment: aws"):
        AWSDNS.make(world.params, world.host(None))

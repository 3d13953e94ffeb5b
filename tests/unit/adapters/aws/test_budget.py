"""The budget of calls: what watches waits for it, and gives way when the API asks for patience."""

import asyncio

import pytest

from komainu.adapters.aws.budget import EXHAUSTED, Budget, Budgeted
from komainu.ports import Cloud, CloudError, CloudFault
from tests.doubles.cloud import FakeCloud, throttled

_: type[Cloud] = Budgeted


class Clock:
    def __init__(self) -> None:
        self.ms = 1_000

    def __call__(self) -> int:
        return self.ms


def empty(budget: Budget) -> int:
    """How many tokens there were."""
    taken = 0
    while not budget.take():
        taken += 1
    return taken


def test_so_many_at_once_then_one_by_one() -> None:
    clock = Clock()
    budget = Budget(clock, per_minute=30, burst=20)
    assert empty(budget) == 20
    assert budget.take() == 2_000
    clock.ms += 1_999
    assert budget.take() == 1
    clock.ms += 1
    assert budget.take() == 0
    clock.ms += 3_600_000
    assert empty(budget) == 20, "more than the burst is not saved up"


@pytest.mark.parametrize(("per_minute", "burst"), [(5, 10), (30, 20), (60, 40), (600, 100)])
def test_what_is_saved_up_follows_from_the_rate(per_minute: int, burst: int) -> None:
    assert empty(Budget(Clock(), per_minute)) == burst


def test_throttling_halves_the_rate_once_for_what_was_under_way() -> None:
    clock = Clock()
    budget = Budget(clock, per_minute=30, burst=20, jitter=lambda: 0.5)
    for _ in range(5):
        budget.throttled()
    assert budget.per_minute == 15
    assert empty(budget) == 1, "what was saved up is gone"
    assert budget.take() == 4_000
    clock.ms += 6_000
    budget.throttled()
    assert budget.per_minute == 7.5
    clock.ms += 59_999
    assert budget.per_minute == 7.5
    clock.ms += 1
    assert budget.per_minute == 15
    clock.ms += 60_000
    assert budget.per_minute == 30


def test_some_is_always_left() -> None:
    clock = Clock()
    budget = Budget(clock, per_minute=30)
    for _ in range(50):
        budget.throttled()
        clock.ms += 10_000
    assert budget.per_minute >= 30 / 8


def test_two_that_were_throttled_together_come_back_at_different_times() -> None:
    clock = Clock()
    early, late = Budget(clock, jitter=lambda: 0.0), Budget(clock, jitter=lambda: 1.0)
    early.throttled()
    late.throttled()
    clock.ms += 45_000
    assert (early.per_minute, late.per_minute) == (30, 15)


def asked(budget: Budget, cloud: FakeCloud, timeout_ms: int) -> None:
    asyncio.run(Budgeted(cloud, budget).vpc_cidrs("vpc-1", timeout_ms))


@pytest.fixture
def cloud() -> FakeCloud:
    made = FakeCloud()
    made.add_vpc("vpc-1", "10.0.0.0/16")
    made.add_interface("vpc-1", "eni-1", "10.0.1.10")
    return made


def test_without_a_token_in_time_nothing_is_sent(cloud: FakeCloud) -> None:
    budget = Budget(Clock(), burst=1)
    asked(budget, cloud, 1_000)
    with pytest.raises(CloudError) as raised:
        asked(budget, cloud, 1_000)
    found = raised.value
    assert (found.fault, found.code) == (CloudFault.UNREACHABLE, EXHAUSTED)
    assert (found.timed_out, found.transient) == (True, True)
    assert cloud.called("vpc_cidrs") == 1


def test_a_call_waits_for_its_token(cloud: FakeCloud) -> None:
    """By the real clock, as in the daemon: 50 ms for a token."""

    async def body() -> None:
        loop = asyncio.get_running_loop()
        budget = Budget(lambda: round(loop.time() * 1000), per_minute=1_200, burst=1)
        for _ in range(3):
            await Budgeted(cloud, budget).vpc_cidrs("vpc-1", 30_000)

    asyncio.run(body())
    assert cloud.called("vpc_cidrs") == 3


def test_a_call_that_is_throttled_makes_the_next_ones_rarer(cloud: FakeCloud) -> None:
    budget = Budget(Clock(), per_minute=30)
    cloud.fail("vpc_cidrs", throttled(), times=1)
    with pytest.raises(CloudError) as raised:
        asked(budget, cloud, 1_000)
    assert raised.value.code == "RequestLimitExceeded"
    assert budget.per_minute == 15


def test_every_call_goes_through_and_costs_a_token(cloud: FakeCloud) -> None:
    cloud.add_address("eipalloc-1", "203.0.113.1")
    cloud.add_zone("ap-northeast-1a")
    cloud.add_table("vpc-1", "rtb-1", {"10.1.0.20/32": "eni-1"})
    cloud.add_instance("i-1")
    clock = Clock()
    budget = Budget(clock, burst=100)
    here = Budgeted(cloud, budget).assume("arn:aws:iam::111122223333:role/x")
    here.reconnect()

    async def body() -> None:
        await here.vpc_cidrs("vpc-1", 100)
        await here.routes("vpc-1", "10.1.0.20/32", 100)
        await here.route_tables("vpc-1", 100)
        await here.replace_route("rtb-1", "10.1.0.20/32", "eni-1", 100)
        await here.may_replace_route("rtb-1", "10.1.0.20/32", "eni-1", 100)
        await here.interface("eni-1", 100)
        await here.may_associate("eipalloc-1", "eni-1", "", 100)
        association = await here.associate("eipalloc-1", "eni-1", "", 100)
        assert (await here.address("eipalloc-1", 100)).association == association
        await here.disassociate(association, 100)
        await here.assign_private_address("eni-1", "10.0.1.20", 100)
        await here.unassign_private_address("eni-1", "10.0.1.20", 100)
        assert (await here.zone("ap-northeast-1a", 100)) is not None
        await here.instance("i-1", 100)
        await here.may_stop_instance("i-1", 100)
        await here.stop_instance("i-1", 100)

    asyncio.run(body())
    assert len(cloud.log) == 16
    assert empty(budget) == 100 - 16
    assert (cloud.reconnected, len(cloud.roles)) == (1, 1)

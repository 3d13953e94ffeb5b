"""How often a call is tried, for how long, and how often one is made at all."""

import asyncio
from collections.abc import Callable

import pytest

from komainu.model.outcome import Result
from komainu.ports import CloudError, CloudFault
from komainu.types.aws import patience
from komainu.types.aws.patience import CALL_TIMEOUT_MS, Seldom, left_ms, now, patiently, together, within_ms
from komainu.types.aws.vip import AWSVIP
from tests.doubles import cloud as aws
from tests.unit.types.aws.world import TABLES, World, in_world


def tried(error: Callable[[], CloudError], failures: int, within_s: float) -> tuple[str, list[int]]:
    """Let an attempt fail so many times, then succeed: the answer or the error's code, and the timeouts given."""
    timeouts: list[int] = []

    async def attempt(timeout_ms: int) -> str:
        timeouts.append(timeout_ms)
        if len(timeouts) <= failures:
            raise error()
        return "answer"

    async def run() -> str:
        try:
            return await patiently(attempt, now() + within_s)
        except CloudError as last:
            return last.code

    return asyncio.run(run()), timeouts


def test_what_is_left_for_one_more_call() -> None:
    async def left() -> tuple[int, int, int]:
        return left_ms(now() - 1), left_ms(now() + 1.5), left_ms(now() + 60)

    over, half, ample = asyncio.run(left())
    assert over == 1
    assert 1_000 < half <= 1_500
    assert ample == CALL_TIMEOUT_MS


def test_nothing_is_sent_after_the_deadline() -> None:
    assert tried(aws.throttled, 0, within_s=-1) == ("DeadlineExceeded", [])


def test_a_failure_of_the_moment_is_tried_again() -> None:
    answer, timeouts = tried(aws.throttled, 5, within_s=30)
    assert answer == "answer"
    assert len(timeouts) == 6


@pytest.mark.parametrize(("chance", "part"), [(0.0, 1.0), (1.0, 0.5)])
def test_pauses_double_and_calls_that_failed_together_are_scattered(
    chance: float, part: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def attempt(timeout_ms: int) -> str:
        if len(pauses) < 5:
            raise aws.throttled()
        return "answer"

    async def slept(seconds: float) -> None:
        pauses.append(seconds)

    async def run() -> str:
        return await patiently(attempt, now() + 60, lambda: chance)

    monkeypatch.setattr(patience, "FIRST_PAUSE_MS", 250)
    monkeypatch.setattr(patience, "LONGEST_PAUSE_MS", 2_000)
    monkeypatch.setattr(asyncio, "sleep", slept)
    assert asyncio.run(run()) == "answer"
    assert pauses == [ms * part / 1000 for ms in (250, 500, 1_000, 2_000, 2_000)]


def test_a_refusal_is_final() -> None:
    answer, timeouts = tried(aws.unauthorized, 5, within_s=30)
    assert answer == "UnauthorizedOperation"
    assert len(timeouts) == 1


def test_the_deadline_ends_it() -> None:
    answer, timeouts = tried(aws.unreachable, 10_000, within_s=0.1)
    assert answer == "EndpointConnectionError"
    assert len(timeouts) > 1


def known(code: str, fault: CloudFault = CloudFault.REFUSED) -> CloudError:
    return CloudError(fault, code, "told so", transient=True)


def silent() -> CloudError:
    return CloudError(CloudFault.NO_ANSWER, "DeadlineExceeded", "no answer", timed_out=True, transient=True)


def unsent() -> CloudError:
    return CloudError(CloudFault.UNREACHABLE, "DeadlineExceeded", "not sent", timed_out=True, transient=True)


THROTTLED, RESET, DENIED = known("Throttling"), known("Reset", CloudFault.NO_ANSWER), known("Denied")


@pytest.mark.parametrize(
    ("failed", "fault", "told", "timed_out"),
    [
        ([THROTTLED], CloudFault.REFUSED, "Throttling: told so", False),
        ([silent()], CloudFault.NO_ANSWER, "DeadlineExceeded: no answer", True),
        # The reason that is known is told, and what is unknown stays so.
        ([THROTTLED, silent()], CloudFault.NO_ANSWER, "DeadlineExceeded: no answer (before that: Throttling:", True),
        ([THROTTLED, unsent()], CloudFault.REFUSED, "Throttling: told so", False),
        ([THROTTLED, unsent(), unsent()], CloudFault.REFUSED, "Throttling: told so", False),
        ([unsent(), unsent()], CloudFault.UNREACHABLE, "DeadlineExceeded: not sent", True),
        # A refusal says nothing of the attempt before it.
        (
            [RESET, DENIED],
            CloudFault.NO_ANSWER,
            "Denied: told so (an earlier attempt was sent and not answered)",
            False,
        ),
        ([silent(), THROTTLED], CloudFault.NO_ANSWER, "Throttling: told so (an earlier attempt", False),
        ([silent(), THROTTLED, unsent()], CloudFault.NO_ANSWER, "Throttling: told so (an earlier attempt", False),
        ([silent(), unsent()], CloudFault.NO_ANSWER, "DeadlineExceeded: not sent (an earlier attempt", True),
        ([RESET, unsent()], CloudFault.NO_ANSWER, "Reset: told so", False),
    ],
)
def test_what_several_attempts_amount_to(
    failed: list[CloudError], fault: CloudFault, told: str, timed_out: bool
) -> None:
    found = together(failed)
    assert (found.fault, found.timed_out, found.transient) == (fault, timed_out, True)
    assert f"{found}".startswith(told)


@in_world()
async def test_a_start_that_is_throttled_until_its_time_is_over_tells_of_the_throttling(world: World) -> None:
    """The last attempt is under way when the time ends: whether it was carried out is not known."""
    await world.vip.prepare()
    world.cloud.fail("replace_route", aws.throttled(), times=len(TABLES))
    world.cloud.fail("replace_route", None)
    outcome = await world.vip.start(1_500)
    assert outcome.result is Result.UNKNOWN
    assert "RequestLimitExceeded" in outcome.detail


def test_one_call_never_gets_all_the_time() -> None:
    _, timeouts = tried(aws.throttled, 1, within_s=3_600)
    assert timeouts == [patience.CALL_TIMEOUT_MS] * 2


def test_the_last_call_gets_what_is_left() -> None:
    _, timeouts = tried(aws.throttled, 0, within_s=2)
    assert 0 < timeouts[0] <= 2_000


def test_a_pause_that_took_too_long_ends_with_the_error_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pause = asyncio.sleep

    async def long(_: float) -> None:
        await pause(0.3)

    monkeypatch.setattr(asyncio, "sleep", long)
    answer, timeouts = tried(aws.throttled, 9, within_s=0.25)
    assert (answer, len(timeouts)) == ("RequestLimitExceeded", 1)


@pytest.mark.parametrize(("timeout_ms", "kept"), [(60_000, 59_500), (1_000, 900), (5, 5)])
def test_a_margin_is_kept_to_give_account(timeout_ms: int, kept: int) -> None:
    assert within_ms(timeout_ms) == kept


def test_seldom_is_the_first_of_every_so_many_times() -> None:
    seldom = Seldom(3)
    assert [seldom.due() for _ in range(7)] == [True, False, False, True, False, False, True]
    seldom.again()
    assert [seldom.due() for _ in range(2)] == [True, False]


@in_world()
async def test_an_hour_of_checks_costs_little_more_than_a_call_a_minute(world: World) -> None:
    """Issue: at most 3 calls a minute of a node, of which a monitor of the zone takes one."""
    await world.vip.start(60_000)
    await world.settle()
    world.cloud.log.clear()
    for _ in range(60):
        world.now_ms += AWSVIP.traits.check_interval_ms
        assert (await world.vip.check(30_000)).succeeded
    assert AWSVIP.traits.check_interval_ms == 60_000
    assert len(world.cloud.log) == 60 + 12 <= 1.2 * 60


@in_world()
async def test_an_hour_on_standby_costs_less_than_two_calls_a_minute(world: World) -> None:
    for _ in range(60):
        world.now_ms += AWSVIP.traits.prepare_interval_ms
        assert (await world.vip.prepare()).succeeded
    assert AWSVIP.traits.prepare_interval_ms == 60_000
    assert len(world.cloud.log) == 60 + 12 * 4 <= 2 * 60

"""One attempt with a deadline: there is always an outcome, and it says no more than is known."""

import asyncio
from collections.abc import Awaitable, Callable

from komainu.agent.execution import attempt
from komainu.agent.execution.attempt import CANCEL_MS, EXTRA_MS, Lane
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed
from tests.doubles.virtual_time import now_ms, run

TIMED_OUT = attempt.ACTIVATION_TIMEOUT.said(name="app")
DEFECT = attempt.ACTIVATION_DEFECT.said(name="app")
BUSY = attempt.STILL_AT_WORK.said(name="app")


async def tried(lane: Lane, work: Callable[[], Awaitable[Outcome]], timeout_ms: int = 1_000) -> Outcome:
    return await lane.attempt(work, timeout_ms, timed_out=TIMED_OUT, defect=DEFECT, busy=BUSY)  # type: ignore[arg-type]


async def takes(ms: int, outcome: Outcome = SUCCEEDED) -> Outcome:
    await asyncio.sleep(ms / 1000)
    return outcome


async def stubborn(released: asyncio.Event) -> Outcome:
    """Does not end when it is cancelled."""
    while not released.is_set():
        try:
            await released.wait()
        except asyncio.CancelledError:
            continue
    return SUCCEEDED


def test_the_outcome_is_that_of_the_type() -> None:
    async def story() -> None:
        said = failed(TIMED_OUT, "why")

        assert await tried(Lane(), lambda: takes(10)) == SUCCEEDED
        assert await tried(Lane(), lambda: takes(10, said)) == said

    run(story())


def test_no_answer_in_time_is_unknown_and_the_type_speaks_first() -> None:
    async def story() -> None:
        mine = failed(BUSY)
        begun = now_ms()

        assert await tried(Lane(), lambda: takes(1_000 + EXTRA_MS - 1, mine)) == mine
        outcome = await tried(Lane(), lambda: takes(10_000))
        assert (outcome.result, outcome.said) == (Result.UNKNOWN, TIMED_OUT)
        assert now_ms() - begun == 2 * (1_000 + EXTRA_MS) - 1

    run(story())


def test_an_answer_given_while_being_cancelled_counts() -> None:
    async def work() -> Outcome:
        try:
            return await takes(10_000)
        except asyncio.CancelledError:
            return failed(BUSY)

    assert run(tried(Lane(), work)) == failed(BUSY)


def test_an_exception_is_unknown_and_the_detail_has_the_traceback() -> None:
    async def work() -> Outcome:
        raise ZeroDivisionError("planted")

    outcome = run(tried(Lane(), work))
    assert (outcome.result, outcome.said) == (Result.UNKNOWN, DEFECT)
    assert "ZeroDivisionError: planted" in outcome.detail
    assert "in work" in outcome.detail


def test_what_does_not_end_when_cancelled_blocks_what_follows_until_it_does() -> None:
    async def story() -> None:
        lane, released = Lane(), asyncio.Event()
        begun = now_ms()
        first = await tried(lane, lambda: stubborn(released))
        assert (first.result, first.said) == (Result.UNKNOWN, TIMED_OUT)
        assert now_ms() - begun == 1_000 + EXTRA_MS + CANCEL_MS

        ran: list[int] = []

        async def second() -> Outcome:
            ran.append(1)
            return SUCCEEDED

        assert await tried(lane, second) == Outcome(Result.UNKNOWN, BUSY)
        assert not ran
        released.set()
        await asyncio.sleep(0.01)
        assert await tried(lane, second) == SUCCEEDED

    run(story())


def test_attempts_come_one_after_the_other_each_with_its_whole_time() -> None:
    async def story() -> None:
        lane, log = Lane(), []

        async def work(name: str) -> Outcome:
            log.append(f"{name} begins")
            await asyncio.sleep(0.9)
            log.append(f"{name} ends")
            return SUCCEEDED

        both = await asyncio.gather(tried(lane, lambda: work("a")), tried(lane, lambda: work("b")))
        assert both == [SUCCEEDED, SUCCEEDED]
        assert log == ["a begins", "a ends", "b begins", "b ends"]

    run(story())


def test_whoever_is_cancelled_cancels_its_attempt() -> None:
    async def story() -> None:
        ended: list[str] = []

        async def work() -> Outcome:
            try:
                return await takes(500)
            finally:
                ended.append("ended")

        task = asyncio.get_running_loop().create_task(tried(Lane(), work))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})
        await asyncio.sleep(0.01)

        assert task.cancelled()
        assert ended == ["ended"]

    run(story())

"""awseip when AWS is not as it should be, through the real adapter and an API that can be spoilt.

After each fault: what is known, what is said, where the address really is, and nothing secret in any text.
"""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from komainu.model.outcome import Outcome, Result
from tests.ports.emulated_aws import HERE, PEER, EmulatedAws, NodeUnderTest, Story, Told, nothing_leaks

SHORT_MS = 1_500
LONG_MS = 20_000
FAILED_5 = "Activating awseip1 resource has failed.(5 : Failed in the AWS CLI command.)"


@pytest.fixture
def told(aws: EmulatedAws, caplog: pytest.LogCaptureFixture) -> Iterator[Told]:
    with nothing_leaks(aws, "awseip1", caplog) as made:
        yield made


def text(outcome: Outcome) -> str:
    assert outcome.said is not None, outcome
    return outcome.said.en


def gone(aws: EmulatedAws) -> str:
    return (
        "Detected an error in monitoring awseipw1. "
        f"(7 : The EIP address does not exist. (EIP ALLOCATION ID={aws.allocation}))"
    )


def prepared(then: Callable[[NodeUnderTest], None], timeout_ms: int = SHORT_MS) -> Story:
    """It was prepared, something happens, and the takeover comes; where the address is then, is asked by the test."""

    async def story(node: NodeUnderTest) -> Outcome:
        outcome = await node.hands.prepare()
        assert outcome.succeeded, outcome
        then(node)
        return await node.hands.start(timeout_ms)

    return story


def spoilt(aws: EmulatedAws, kind: str, seen: list[str], times: int | None = None) -> Story:
    """A takeover while AssociateAddress goes wrong; `seen` gets the interface that has the address after it."""

    async def story(node: NodeUnderTest) -> Outcome:
        assert (await node.hands.prepare()).succeeded
        aws.plan.add(kind, ("AssociateAddress",), times=times)
        mark = aws.log.last
        outcome = await node.hands.start(LONG_MS if times else SHORT_MS)
        assert kind in [each["fault"] for each in aws.log.after(mark)], "the fault struck nothing"
        seen.append(aws.associated())
        return outcome

    return story


def test_a_prepared_takeover_is_one_call(aws: EmulatedAws, told: Told) -> None:
    marks: list[int] = []
    calls: list[str] = []

    async def story(node: NodeUnderTest) -> Outcome:
        assert (await node.hands.prepare()).succeeded
        marks.append(aws.log.last)
        outcome = await node.hands.start(LONG_MS)
        calls.extend(each["action"] for each in aws.log.after(marks[0]) if each["source"] == HERE)
        return outcome

    assert told(story).succeeded
    assert calls == ["AssociateAddress"]


@pytest.mark.parametrize(
    ("kind", "results"),
    [
        ("hang", {Result.UNKNOWN}),
        ("error", {Result.UNKNOWN}),
        # The time may end while one more attempt is on its way: then nobody knows.
        ("throttle", {Result.FAILED, Result.UNKNOWN}),
        ("denied", {Result.FAILED}),
        ("expired", {Result.FAILED}),
    ],
)
def test_a_takeover_that_is_not_carried_out(aws: EmulatedAws, told: Told, kind: str, results: set[Result]) -> None:
    seen: list[str] = []
    outcome = told(spoilt(aws, kind, seen))
    assert outcome.result in results
    assert text(outcome) in (FAILED_5, FAILED_5.replace("5 : Failed in the AWS CLI command.", "6 : Timeout occurred."))
    assert seen == [aws.eni(PEER)]


@pytest.mark.parametrize("kind", ["throttle", "error", "reset", "lost"])
def test_a_fault_that_passes_costs_no_takeover(aws: EmulatedAws, told: Told, kind: str) -> None:
    """Also when the change was made and its answer lost: it is looked up."""
    seen: list[str] = []
    assert told(spoilt(aws, kind, seen, times=1)).succeeded
    assert seen == [aws.eni(HERE)]


@pytest.mark.parametrize("kind", ["lost", "mute"])
def test_an_answer_that_is_lost_every_time_is_looked_up(aws: EmulatedAws, told: Told, kind: str) -> None:
    seen: list[str] = []
    outcome = told(spoilt(aws, kind, seen))
    assert outcome.result in (Result.SUCCEEDED, Result.UNKNOWN), "it was made: never a failure"
    assert seen == [aws.eni(HERE)]


def test_an_address_that_another_machine_takes(aws: EmulatedAws, told: Told) -> None:
    """The check says so and whose it is; a restart takes it back; a stop takes nothing from who has it."""

    async def story(node: NodeUnderTest) -> Outcome:
        await node.running()
        aws.associate("client")
        found = await node.hands.check(LONG_MS)
        assert (found.result, text(found)) == (Result.FAILED, gone(aws))
        assert aws.eni("client") in found.detail
        assert (await node.hands.stop(LONG_MS)).succeeded
        assert aws.associated() == aws.eni("client")
        await node.running()
        assert aws.associated() == aws.eni(HERE)
        return await node.hands.check(LONG_MS)

    assert told(story).succeeded


def test_an_association_that_changes_during_ours(aws: EmulatedAws, told: Told) -> None:
    """Before the delayed write: that wins. Behind it: the check finds it."""

    async def story(node: NodeUnderTest) -> Outcome:
        await node.hands.prepare()
        aws.plan.add("delay", ("AssociateAddress",), delay_ms=1_000)
        mark = aws.log.last
        starting = asyncio.create_task(node.hands.start(LONG_MS))
        async with asyncio.timeout(LONG_MS / 1000):
            while not [each for each in aws.log.after(mark) if each["fault"] == "delay"]:
                await asyncio.sleep(0.01)
        aws.associate("client")
        assert (await starting).succeeded
        assert aws.associated() == aws.eni(HERE)
        aws.associate("client")
        node.now_ms += 31_000
        return await node.hands.check(LONG_MS)

    outcome = told(story)
    assert (outcome.result, text(outcome)) == (Result.FAILED, gone(aws))


def test_a_stale_answer_after_the_takeover_is_no_error(aws: EmulatedAws, told: Told) -> None:
    async def story(node: NodeUnderTest) -> Outcome:
        await node.hands.prepare()
        aws.plan.add("stale")
        assert (await node.hands.start(LONG_MS)).succeeded
        return await node.hands.check(SHORT_MS)

    outcome = told(story)
    assert (outcome.result, outcome.said) == (Result.SUCCEEDED, None)
    assert "not yet visible" in outcome.detail

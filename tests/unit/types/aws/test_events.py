"""What AWS announces: each announcement is told, and by policy it is an error that moves the groups off."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from komainu.model.outcome import SUCCEEDED, Outcome, Result
from komainu.ports import Announcement, AnnouncementKind, CloudError
from komainu.types.aws.events import AWSEVW, SILENCE_MS, EventParams
from tests.doubles import cloud as faults
from tests.doubles.metadata import LIFECYCLE, REBALANCE, REBOOT, SPOT, STOP, FakeMetadata
from tests.unit.types.monitor_stage import Node, play

TEXTS = {
    REBOOT: "7 : AWS has scheduled maintenance of this instance: system-reboot 21 Jan 2027 09:00:43 GMT "
    "(instance-event-0d59937288b749b32)",
    SPOT: "8 : AWS is going to interrupt this spot instance: terminate 2026-11-23T10:02:00Z",
    REBALANCE: "9 : AWS may interrupt this spot instance soon: rebalance 2026-11-23T10:00:00Z",
    LIFECYCLE: "10 : The Auto Scaling group is going to stop or end this instance: Terminated",
}


def look(story: Callable[[Node, FakeMetadata], Awaitable[None]], *now: Announcement, **params: Any) -> None:
    metadata = FakeMetadata(*now)

    async def told(node: Node) -> None:
        await story(node, metadata)

    play(AWSEVW, told, more={"metadata": metadata, "now_ms": lambda: metadata.clock_ms}, **params)


def text(outcome: Outcome) -> str:
    assert outcome.said is not None
    assert outcome.said.ja
    return outcome.said.en


def warned(outcome: Outcome) -> str:
    assert outcome.result is Result.SUCCEEDED
    said = text(outcome)
    assert said.startswith("Warn monitoring m1. (1")
    return said


def in_error(outcome: Outcome) -> str:
    assert outcome.result is Result.FAILED
    said = text(outcome)
    assert said.startswith("Detected an error in monitoring m1. (")
    return said


def test_nothing_announced_is_normal() -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        assert await node.check(5_000) == SUCCEEDED
        assert metadata.asked == [4_500]
        assert node.reported == []

    look(story)


@pytest.mark.parametrize("announced", TEXTS, ids=lambda announced: announced.kind.value)
def test_an_announcement_is_a_caution_or_an_error_by_its_policy(announced: Announcement) -> None:
    async def warns(node: Node, metadata: FakeMetadata) -> None:
        number, _, rest = TEXTS[announced].partition(" ")
        assert warned(await node.check()) == f"Warn monitoring m1. ({100 + int(number)} {rest})"
        assert node.reported == []

    async def drains(node: Node, metadata: FakeMetadata) -> None:
        assert in_error(await node.check()) == f"Detected an error in monitoring m1. ({TEXTS[announced]})"

    async def ignores(node: Node, metadata: FakeMetadata) -> None:
        assert await node.check() == SUCCEEDED

    own = announced.kind.value
    look(warns, announced)
    look(warns, announced, policy="drain", **{own: "alert"})
    look(drains, announced, policy="drain")
    look(drains, announced, **{own: "drain"})
    look(ignores, announced, policy="ignore")
    look(ignores, announced, policy="drain", **{own: "ignore"})


def test_each_of_several_is_told_once() -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        metadata.now = (REBOOT,)
        await node.check()
        metadata.now = (REBOOT, REBALANCE, STOP)
        outcome = await node.check()
        assert warned(outcome).startswith("Warn monitoring m1. (111 : AWS has announced 3 events")
        for word in ("system-reboot", "rebalance", "instance-stop"):
            assert word in text(outcome)
        assert ["(109 " in warned(each) for each in node.reported] == [False, True]
        assert "instance-stop" in warned(node.reported[0])
        assert await node.check() == outcome
        assert len(node.reported) == 2, "nothing is told again"

    look(story)


def test_what_drains_is_named_first_and_the_rest_beside_it() -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        outcome = await node.check()
        assert in_error(outcome) == (
            "Detected an error in monitoring m1. (11 : AWS has announced 2 events for this instance: "
            f"spot: terminate {SPOT.at}, maintenance: system-reboot {REBOOT.at} ({REBOOT.id}))"
        )
        assert outcome.detail.splitlines() == [
            f"spot: terminate {SPOT.at}",
            f"maintenance: system-reboot {REBOOT.at} ({REBOOT.id})",
        ]
        assert node.reported == [], "a Caution beside an Error would take it back"

    look(story, REBOOT, SPOT, spot="drain")


def test_what_comes_later_beside_what_drains_has_other_words() -> None:
    """So it has its alert: the same message with other words is news for this monitor."""

    async def story(node: Node, metadata: FakeMetadata) -> None:
        alone = in_error(await node.check())
        metadata.now = (SPOT, REBOOT)
        both = in_error(await node.check())
        metadata.now = (SPOT, REBOOT, STOP)
        three = in_error(await node.check())
        assert len({alone, both, three}) == 3
        assert in_error(await node.check()) == three

    look(story, SPOT, spot="drain")
    assert AWSEVW.traits.words_count


def test_an_event_that_is_moved_to_another_day_is_told_with_the_new_day() -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        before = warned(await node.check())
        metadata.now = (replace(REBOOT, at="28 Jan 2027 09:00:43 GMT"),)
        after = warned(await node.check())
        assert "21 Jan" in before
        assert "28 Jan" in after
        assert warned(await node.check()) == after

    look(story, REBOOT)


def test_what_is_over_is_normal_again() -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        in_error(await node.check())
        metadata.now = ()
        assert await node.check() == SUCCEEDED

    look(story, REBALANCE, policy="drain")


TROUBLES = (faults.no_answer(), faults.unreachable(), faults.defect())
"The service hangs; it is off, or answers with 5xx; it answers with what cannot be read."


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda error: str(error.fault.value))
@pytest.mark.parametrize("policy", ["alert", "drain"])
def test_silence_from_the_beginning_is_unknown_at_once(trouble: CloudError, policy: str) -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        metadata.trouble = trouble
        for _ in range(30):
            outcome = await node.check()
            assert outcome.result is Result.UNKNOWN
            assert text(outcome).startswith("Warn monitoring m1. (112 : The instance metadata service does not answer")
            assert str(trouble) in outcome.detail
            metadata.clock_ms += 5_000

    look(story, policy=policy)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda error: str(error.fault.value))
def test_silence_after_nothing_was_announced_is_unknown_when_it_lasts(trouble: CloudError) -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        assert await node.check() == SUCCEEDED
        metadata.trouble = trouble
        metadata.clock_ms += SILENCE_MS - 1
        outcome = await node.check()
        assert (outcome.result, outcome.said) == (Result.SUCCEEDED, None)
        assert str(trouble) in outcome.detail
        metadata.clock_ms += 1
        outcome = await node.check()
        assert outcome.result is Result.UNKNOWN
        assert "(112 : " in text(outcome)
        metadata.clock_ms += 10 * SILENCE_MS
        assert await node.check() == outcome, "however long it lasts it is no error"
        metadata.trouble = None
        assert await node.check() == SUCCEEDED

    look(story, policy="drain")


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda error: str(error.fault.value))
def test_silence_takes_nothing_back(trouble: CloudError) -> None:
    """Else groups would be brought back to a node that ends."""

    async def story(node: Node, metadata: FakeMetadata) -> None:
        before = in_error(await node.check())
        metadata.trouble = trouble
        metadata.clock_ms += SILENCE_MS - 1
        assert in_error(await node.check()) == before
        metadata.clock_ms += 1
        stale = in_error(await node.check())
        assert stale == (
            "Detected an error in monitoring m1. (13 : The instance metadata service does not answer, or not in full; "
            f"AWS has announced for this instance: terminate {SPOT.at})"
        )
        metadata.clock_ms += 100 * SILENCE_MS
        assert in_error(await node.check()) == stale
        metadata.trouble, metadata.now = None, ()
        assert await node.check() == SUCCEEDED

    look(story, SPOT, policy="drain")


def test_silence_makes_no_error_of_what_is_only_told() -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        warned(await node.check())
        metadata.trouble = faults.no_answer()
        metadata.clock_ms += SILENCE_MS
        assert "(113 : " in warned(await node.check())

    look(story, REBOOT, spot="drain")


def test_what_is_silent_of_one_kind_hides_no_other() -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        metadata.troubles[AnnouncementKind.MAINTENANCE] = faults.no_answer()
        outcome = await node.check()
        assert outcome.result is Result.UNKNOWN, "it is not known whether there is maintenance"
        metadata.now = (SPOT,)
        outcome = await node.check()
        assert f"terminate {SPOT.at}" in in_error(outcome)
        assert outcome.detail.splitlines()[1].startswith("maintenance: ")

    look(story, spot="drain")


def test_what_is_ignored_may_be_silent() -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        metadata.troubles[AnnouncementKind.MAINTENANCE] = faults.no_answer()
        metadata.clock_ms += SILENCE_MS
        assert await node.check() == SUCCEEDED

    look(story, maintenance="ignore")


def test_an_answer_of_one_kind_takes_back_only_its_own() -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        in_error(await node.check())
        metadata.now = ()
        metadata.troubles[AnnouncementKind.SPOT] = faults.unreachable()
        assert "terminate" in in_error(await node.check())

    look(story, SPOT, REBOOT, spot="drain")


def test_a_new_round_tells_everything_anew() -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        await node.check()
        await node.hands.end()
        await node.hands.begin()
        await node.check()
        assert len(node.reported) == 4

    look(story, REBOOT, REBALANCE)


def test_without_a_metadata_service_it_does_not_know() -> None:
    async def story(node: Node) -> None:
        outcome = await node.check()
        assert outcome.result is Result.UNKNOWN
        assert text(outcome) == "Warn monitoring m1. (199 : Internal error. (status=3))"

    play(AWSEVW, story)


def test_every_kind_has_a_policy_of_its_own() -> None:
    assert {kind.value for kind in AnnouncementKind} <= set(EventParams.model_fields)

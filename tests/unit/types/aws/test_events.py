"""What AWS announces: each announcement is told, and by policy it is an error that moves the groups off."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from komainu.model.outcome import SUCCEEDED, Outcome, Result
from komainu.ports import Announcement, AnnouncementKind
from komainu.types.aws.events import AWSEVW, EventParams
from tests.doubles import cloud as faults
from tests.doubles.metadata import LIFECYCLE, REBALANCE, REBOOT, SPOT, STOP, FakeMetadata
from tests.unit.types.monitor_stage import Node, play

TEXTS = {
    REBOOT: "7 : AWS has scheduled maintenance of this instance: system-reboot 21 Jan 2027 09:00:43 GMT "
    "(instance-event-0d59937288b749b32)",
    SPOT: "8 : AWS is going to interrupt this spot instance: terminate 2026-11-23T10:02:00Z",
    REBALANCE: "9 : AWS may interrupt this spot instance soon: rebalance 2026-11-23T10:00:00Z",
    LIFECYCLE: "10 : The Auto Scaling group is going to end this instance: Terminated",
}


def look(story: Callable[[Node, FakeMetadata], Awaitable[None]], *now: Announcement, **params: Any) -> None:
    metadata = FakeMetadata(*now)

    async def told(node: Node) -> None:
        await story(node, metadata)

    play(AWSEVW, told, more={"metadata": metadata}, **params)


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
        assert ["(109 " in warned(each) for each in node.reported] == [True, False]
        assert "instance-stop" in warned(node.reported[1])
        assert await node.check() == outcome
        assert len(node.reported) == 2, "nothing is told again"

    look(story)


def test_what_drains_is_named_and_the_rest_is_in_the_detail() -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        outcome = await node.check()
        assert "terminate" in in_error(outcome)
        assert "system-reboot" not in text(outcome)
        assert outcome.detail.splitlines() == [
            f"maintenance: system-reboot {REBOOT.at} ({REBOOT.id})",
            f"spot: terminate {SPOT.at}",
        ]
        assert node.reported == [], "a Caution beside an Error would take it back"

    look(story, REBOOT, SPOT, spot="drain")


def test_what_is_over_is_normal_again() -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        in_error(await node.check())
        metadata.now = ()
        assert await node.check() == SUCCEEDED

    look(story, REBALANCE, policy="drain")


def test_a_metadata_service_that_is_silent_says_nothing() -> None:
    async def story(node: Node, metadata: FakeMetadata) -> None:
        metadata.trouble = faults.no_answer()
        outcome = await node.check()
        assert outcome.result is Result.UNKNOWN
        assert text(outcome).startswith("Warn monitoring m1. (112 : The instance metadata service does not answer")
        assert "Read timeout" in outcome.detail

    look(story, policy="drain")


def test_silence_takes_nothing_back() -> None:
    """Else groups would be brought back to a node that ends."""

    async def story(node: Node, metadata: FakeMetadata) -> None:
        before = await node.check()
        in_error(before)
        metadata.trouble = faults.unreachable()
        assert await node.check() == before
        metadata.trouble, metadata.now = None, ()
        assert await node.check() == SUCCEEDED
        metadata.trouble = faults.unreachable()
        assert (await node.check()).result is Result.UNKNOWN

    look(story, SPOT, policy="drain")


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

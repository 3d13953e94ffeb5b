"""The AZ monitor: what AWS says of a zone, and what is made of an API that says nothing. The texts are the seed's."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from komainu.model.outcome import SUCCEEDED, Outcome, Result
from komainu.ports import CloudError, CloudFault, Zone
from komainu.types.aws.az import AWSAZW, CONFIRMED
from tests.doubles import cloud as faults
from tests.unit.types.monitor_stage import Node

ZONE = "ap-northeast-1x"
NOT_VALID = CloudError(CloudFault.REFUSED, "InvalidParameterValue", f"Invalid availability zone: [{ZONE}]")


class OneZone:
    """The part of `komainu.ports.Cloud` that is asked."""

    def __init__(self, answer: Zone | CloudError | None) -> None:
        self.answer = answer
        self.asked: list[tuple[str, int]] = []

    async def zone(self, zone: str, timeout_ms: int) -> Zone | None:
        self.asked.append((zone, timeout_ms))
        if isinstance(self.answer, CloudError):
            raise self.answer
        return self.answer


def found(answer: Zone | CloudError | None, timeout_ms: int = 20_000, **params: Any) -> Outcome:
    cloud = OneZone(answer)
    outcome = asyncio.run(Node(AWSAZW, {"zone": ZONE, **params}, None, cloud=cloud).check(timeout_ms))
    assert cloud.asked == [(ZONE, min(10_000, timeout_ms - 500))]
    return outcome


def text(outcome: Outcome) -> str:
    assert outcome.said is not None
    assert outcome.said.ja
    return outcome.said.en


def test_an_available_zone_is_normal() -> None:
    assert found(Zone(ZONE, "available")) == SUCCEEDED


@pytest.mark.parametrize("state", ["information", "impaired", "constrained", "something-new"])
@pytest.mark.parametrize("policy", ["ignore", "warn", "recover"])
def test_a_zone_that_is_not_well_is_a_caution(state: str, policy: str) -> None:
    outcome = found(Zone(ZONE, state, ("Power is back soon.", "Really.")), api_failure=policy)
    assert outcome.result is Result.SUCCEEDED
    assert text(outcome) == f"Warn monitoring m1. (107 : Availability zone {ZONE} is {state}.)"
    assert outcome.detail == "Power is back soon.\nReally."


def test_an_unavailable_zone_is_an_error() -> None:
    outcome = found(Zone(ZONE, "unavailable", ("It burns.",)))
    assert outcome.result is Result.FAILED
    assert text(outcome) == f"Detected an error in monitoring m1. (7 : Availability zone {ZONE} is unavailable.)"
    assert outcome.detail == "It burns."


@pytest.mark.parametrize(
    ("answer", "number", "reason"),
    [
        (None, 5, f"Invalid availability zone: [{ZONE}]"),
        (NOT_VALID, 5, f"Invalid availability zone: [{ZONE}]"),
        (faults.unauthorized(), 5, "Failed in the AWS CLI command."),
        (faults.throttled(), 5, "Failed in the AWS CLI command."),
        (faults.no_credentials(), 5, "Failed in the AWS CLI command."),
        (faults.unreachable(), 5, "Failed in the AWS CLI command."),
        (faults.connect_timeout(), 6, "Timeout occurred."),
        (faults.no_answer(), 6, "Timeout occurred."),
    ],
)
def test_the_rows_of_the_seeds_troubleshooting_chapter(answer: CloudError | None, number: int, reason: str) -> None:
    """A Caution by default, an Error where the policy says so."""
    warned, in_error = found(answer), found(answer, api_failure="recover")
    assert warned.result is Result.SUCCEEDED
    assert text(warned) == f"Warn monitoring m1. ({100 + number} : {reason})"
    assert in_error.result is Result.FAILED
    assert text(in_error) == f"Detected an error in monitoring m1. ({number} : {reason})"
    assert warned.detail
    assert warned.detail == in_error.detail


def test_an_api_that_may_be_silent_is_normal_and_a_wrong_zone_is_not() -> None:
    outcome = found(faults.no_answer(), api_failure="ignore")
    assert (outcome.result, outcome.said) == (Result.SUCCEEDED, None)
    assert "Read timeout" in outcome.detail
    assert text(found(None, api_failure="ignore")).startswith("Warn monitoring m1. (105 : Invalid")


def _defect() -> Outcome:
    return found(faults.defect(), api_failure="recover")


def _without_a_cloud() -> Outcome:
    return asyncio.run(Node(AWSAZW, {"zone": ZONE}, None).check())


@pytest.mark.parametrize("ask", [_defect, _without_a_cloud])
def test_what_should_not_happen_is_unknown(ask: Callable[[], Outcome]) -> None:
    outcome = ask()
    assert outcome.result is Result.UNKNOWN
    assert text(outcome) == "Warn monitoring m1. (199 : Internal error. (status=3))"


class Told:
    """One monitor that looks again and again."""

    def __init__(self, **params: Any) -> None:
        self.cloud = OneZone(None)
        self.node = Node(AWSAZW, {"zone": ZONE, **params}, None, cloud=self.cloud)

    def __call__(self, answer: Zone | CloudError | None) -> Outcome:
        self.cloud.answer = answer
        return asyncio.run(self.node.check())


BAD = Zone(ZONE, "unavailable")
SILENCES = (faults.no_answer(), faults.unreachable(), faults.throttled(), faults.unauthorized(), faults.defect())
LAST = (
    f"Detected an error in monitoring m1. (8 : Availability zone {ZONE} was unavailable when AWS answered last; since "
    "then AWS has not told its state.)"
)


@pytest.mark.parametrize("silence", SILENCES, ids=lambda error: error.code)
@pytest.mark.parametrize("policy", ["ignore", "warn", "recover"])
def test_silence_does_not_take_back_that_the_zone_is_unavailable(silence: CloudError, policy: str) -> None:
    told = Told(api_failure=policy)
    assert [told(BAD).result for _ in range(CONFIRMED)] == [Result.FAILED] * CONFIRMED
    for _ in range(3):
        outcome = told(silence)
        assert outcome.result is Result.FAILED
        assert text(outcome) == LAST
        assert outcome.detail == f"{silence}"
    assert told(Zone(ZONE, "available")) == SUCCEEDED
    said = told(silence).said
    assert said is None or said.en != LAST


@pytest.mark.parametrize("silence", SILENCES, ids=lambda error: error.code)
def test_silence_confirms_nothing(silence: CloudError) -> None:
    """One answer is not yet an error with the usual retries: silence must not be the second one."""
    told = Told()
    told(BAD)
    assert told(silence).result is not Result.FAILED
    told(Zone(ZONE, "impaired"))
    told(BAD)
    assert told(silence).result is not Result.FAILED
    assert AWSAZW.traits.retries + 1 == CONFIRMED


def test_a_new_round_knows_nothing_of_the_zone() -> None:
    told = Told()
    told(BAD)
    told(BAD)
    asyncio.run(told.node.hands.begin())
    assert told(faults.no_answer()).result is Result.SUCCEEDED


def test_another_state_of_the_zone_has_other_words() -> None:
    """So it has its alert: the same message with other words is news for this monitor."""
    told = Told()
    states = ("information", "impaired", "constrained")
    assert len({text(told(Zone(ZONE, state))) for state in states}) == len(states)
    assert AWSAZW.traits.words_count

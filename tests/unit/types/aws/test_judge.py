"""What becomes of refusals and of silence, in the words of one resource."""

from collections.abc import Callable

import pytest

from komainu.model.outcome import Result
from komainu.ports import CloudError, CloudFault
from komainu.types.aws.judge import Impossible, Judge
from komainu.types.aws.messages import (
    ACTIVATION,
    API_FAILED,
    DEACTIVATION,
    ENI_UNKNOWN,
    INTERNAL,
    NOT_READY,
    VPC_UNKNOWN,
    InternalKind,
    Reason,
)
from tests.doubles import cloud as aws
from tests.unit.types.aws.station import text

ZONE_UNKNOWN = Reason("41", 5, "The hosted zone ID '{zone}' does not exist", "")
ELSEWHERE = Reason("42", 12, "{zone} leads to {other}.", "")
JUDGE = Judge("r1", "m1", {"eni": "eni-0", "vpc": "vpc-0", "zone": "Z0"}, {"NoSuchHostedZone": ZONE_UNKNOWN})


def refusal(code: str) -> CloudError:
    return CloudError(CloudFault.REFUSED, code, "no")


def test_its_own_codes_are_known_beside_those_of_all() -> None:
    assert JUDGE.reason(refusal("NoSuchHostedZone")) is ZONE_UNKNOWN
    assert JUDGE.reason(refusal("InvalidVpcID.NotFound")) is VPC_UNKNOWN
    assert JUDGE.reason(refusal("AccessDenied")) is API_FAILED


@pytest.mark.parametrize(
    ("error", "changing", "result", "expected"),
    [
        (aws.no_answer, True, Result.UNKNOWN, "(6 : Timeout occurred.)"),
        (aws.no_answer, False, Result.FAILED, "(6 : Timeout occurred.)"),
        (aws.unreachable, True, Result.FAILED, "(5 : Failed in the AWS CLI command.)"),
        (aws.unauthorized, True, Result.FAILED, "(5 : Failed in the AWS CLI command.)"),
        (aws.defect, True, Result.FAILED, "(99 : Internal error. (status=3))"),
    ],
)
def test_a_start_is_unknown_only_when_a_change_was_not_answered(
    error: Callable[[], CloudError], changing: bool, result: Result, expected: str
) -> None:
    outcome = JUDGE.not_started(error(), changing=changing)
    assert outcome.result is result
    assert text(outcome) == f"Activating r1 resource has failed.{expected}"
    assert outcome.detail == f"{error()}"
    assert JUDGE.not_started(error(), "more", changing=changing).detail == "more"


def test_what_cannot_succeed_is_a_failure_in_the_words_of_what_was_to_be_done() -> None:
    why = Impossible(INTERNAL, "no device", InternalKind.NO_DEVICE)
    for frame, said in (
        (ACTIVATION, "Activating r1 resource has failed.(99 : Internal error. (status=1))"),
        (DEACTIVATION, "Deactivating r1 resource has failed.(99 : Internal error. (status=1))"),
        (NOT_READY, "r1 resource could not be activated on this node.(99 : Internal error. (status=1))"),
    ):
        outcome = JUDGE.impossible(frame, why)
        assert (outcome.result, text(outcome), outcome.detail) == (Result.FAILED, said, "no device")


def test_what_a_check_found_and_what_it_could_not_find_out() -> None:
    wrong = JUDGE.wrong(ENI_UNKNOWN, "eni-0")
    expected = "Detected an error in monitoring m1. (5 : The networkInterface ID 'eni-0' does not exist)"
    assert (wrong.result, text(wrong), wrong.detail) == (Result.FAILED, expected, "eni-0")
    unsure = JUDGE.unsure(Impossible(INTERNAL, "busy", InternalKind.KERNEL))
    expected = "Warn monitoring m1. (199 : Internal error. (status=2))"
    assert (unsure.result, text(unsure), unsure.detail) == (Result.UNKNOWN, expected, "busy")
    caution = JUDGE.caution(ELSEWHERE, "r1", other="node2")
    assert (caution.result, text(caution), caution.detail) == (
        Result.SUCCEEDED,
        "Warn monitoring m1. (112 : Z0 leads to node2.)",
        "r1",
    )
    assert (
        text(JUDGE.wrong(ELSEWHERE, other="node2")) == "Detected an error in monitoring m1. (12 : Z0 leads to node2.)"
    )
    assert JUDGE.unseen(aws.throttled(), "recover").result is Result.FAILED
    assert JUDGE.unseen(aws.throttled(), "warn").result is Result.UNKNOWN


def test_a_preparation_tells_its_own_reason_of_a_refusal_and_none_of_what_is_unknown() -> None:
    assert "The hosted zone ID 'Z0' does not exist" in text(JUDGE.not_prepared(refusal("NoSuchHostedZone")))
    assert JUDGE.not_prepared(aws.no_answer()).result is Result.UNKNOWN

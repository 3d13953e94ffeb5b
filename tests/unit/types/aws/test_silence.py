"""What a silent API means to a check and to a preparation (N4)."""

from collections.abc import Callable

import pytest

from komainu.adapters.aws.budget import EXHAUSTED
from komainu.model.message import Said
from komainu.model.outcome import Result
from komainu.ports import CloudError, CloudFault
from komainu.types.aws.messages import API_FAILED, ENI_UNKNOWN, READINESS_UNKNOWN, Frame, Reason, reason_of
from komainu.types.aws.silence import Policy, not_prepared, refused, unseen
from tests.doubles import cloud as aws
from tests.unit.types.aws.silences import SILENCES


def test_every_kind_of_fault_is_among_the_silences() -> None:
    assert {silence.error().fault for silence in SILENCES} == set(CloudFault)


def over_budget() -> CloudError:
    text = "the node's budget of API calls leaves none within 10000 ms; nothing was sent"
    return CloudError(CloudFault.UNREACHABLE, EXHAUSTED, text, timed_out=True, transient=True)


def say(frame: Frame, reason: Reason, status: int) -> Said:
    return frame.row(reason).said(resource="r1", monitor="m1", eni="eni-0", status=int(status))


POLICIES: list[tuple[Policy, Callable[[], CloudError], Result, str]] = [
    ("ignore", aws.unreachable, Result.SUCCEEDED, ""),
    ("warn", aws.unreachable, Result.UNKNOWN, "(105 : "),
    ("warn", aws.no_answer, Result.UNKNOWN, "(106 : "),
    ("recover", aws.unreachable, Result.FAILED, "(5 : "),
    ("recover", aws.connect_timeout, Result.FAILED, "(6 : "),
    ("recover", over_budget, Result.UNKNOWN, "(106 : "),
    ("ignore", over_budget, Result.SUCCEEDED, ""),
    ("ignore", aws.defect, Result.UNKNOWN, "(199 : "),
    ("recover", aws.defect, Result.UNKNOWN, "(199 : "),
]


@pytest.mark.parametrize(("policy", "error", "result", "number"), POLICIES)
def test_a_check_that_could_not_see(
    policy: Policy, error: Callable[[], CloudError], result: Result, number: str
) -> None:
    outcome = unseen(error(), policy, say)
    assert outcome.result is result
    assert (outcome.said is None) == (not number)
    assert outcome.said is None or number in outcome.said.en
    assert str(error()) in outcome.detail


@pytest.mark.parametrize(
    ("error", "result", "number"),
    [
        (aws.unauthorized, Result.FAILED, "(5 : "),
        (aws.throttled, Result.UNKNOWN, "(105 : "),
        (aws.no_answer, Result.UNKNOWN, "(106 : "),
        (aws.defect, Result.UNKNOWN, "(199 : "),
    ],
)
def test_a_preparation_fails_only_when_the_api_has_said_no(
    error: Callable[[], CloudError], result: Result, number: str
) -> None:
    outcome = not_prepared(error(), reason_of(error()), say)
    assert outcome.result is result
    assert outcome.said is not None
    assert number in outcome.said.en
    assert refused(error()) == (result is Result.FAILED)


def test_a_reason_that_only_a_refusal_can_have_is_not_said_of_what_is_unknown() -> None:
    outcome = not_prepared(aws.throttled(), ENI_UNKNOWN, say)
    assert outcome.said is not None
    assert outcome.said.en == say(READINESS_UNKNOWN, API_FAILED, 0).en

"""There are three answers, not two."""

import pytest

from komainu.model.message import Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown

WHY = Said("TEST1", "It is broken.", "壊れています。", "error")


@pytest.mark.parametrize("outcome", [failed(WHY), unknown(WHY), Outcome(Result.UNKNOWN)])
def test_only_success_is_success(outcome: Outcome) -> None:
    assert SUCCEEDED.succeeded
    assert not outcome.succeeded


def test_failed_and_unknown_are_not_the_same_and_keep_why() -> None:
    assert failed(WHY, "exit code 1") == Outcome(Result.FAILED, WHY, "exit code 1")
    assert unknown(WHY, "no answer") == Outcome(Result.UNKNOWN, WHY, "no answer")
    assert failed(WHY) != unknown(WHY)

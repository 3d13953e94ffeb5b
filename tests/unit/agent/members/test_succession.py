"""Whose state goes on when histories meet."""

from dataclasses import replace

import pytest

from komainu.agent.members.succession import Claim, successor

FIRST = Claim("a", formed=True, won=0, epoch=5, version=2, active=1)
SECOND = replace(FIRST, node="b")


@pytest.mark.parametrize(
    "better",
    [
        replace(SECOND, won=3, epoch=4, version=1, active=0),
        replace(SECOND, epoch=6, version=1, active=0),
        replace(SECOND, version=3, active=0),
        replace(SECOND, active=2),
    ],
)
def test_the_last_vote_then_the_epoch_then_the_configuration_then_the_side_that_serves(better: Claim) -> None:
    assert successor((FIRST, better)) == "b"
    assert successor((replace(better, node="a"), SECOND)) == "a"


def test_who_has_not_formed_never_wins_over_who_has() -> None:
    assert successor((replace(FIRST, formed=False, won=9, epoch=99, version=9, active=9), SECOND)) == "b"


def test_on_a_tie_the_first_in_the_configuration() -> None:
    assert successor((FIRST, SECOND)) == "a"
    assert successor((SECOND, FIRST)) == "b"


def test_alone_one_succeeds_oneself() -> None:
    assert successor((SECOND,)) == "b"

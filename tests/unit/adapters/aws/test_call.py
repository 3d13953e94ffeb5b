"""What is known of a call that was sent, and what must not be sent any more."""

import pytest

from komainu.adapters.aws.call import AbandonedError, Call


def test_before_anything_is_sent_nothing_can_have_arrived() -> None:
    assert not Call(60_000).may_have_arrived


def test_while_an_attempt_is_under_way_it_may_have_arrived() -> None:
    call = Call(60_000)
    call.attempt()
    assert call.may_have_arrived
    assert call.abandon()


def test_an_answer_settles_it() -> None:
    call = Call(60_000)
    call.attempt()
    call.attempt_ended(answer_lost=False)
    assert not call.may_have_arrived
    assert not call.abandon()


def test_one_lost_answer_is_not_made_good_by_a_later_refusal() -> None:
    call = Call(60_000)
    call.attempt()
    call.attempt_ended(answer_lost=True)
    call.attempt()
    call.attempt_ended(answer_lost=False)
    assert call.may_have_arrived


def test_nothing_is_sent_for_a_call_that_nobody_waits_for() -> None:
    call = Call(60_000)
    call.abandon()
    with pytest.raises(AbandonedError):
        call.attempt()
    assert not call.may_have_arrived


def test_before_the_connection_stands_nothing_can_have_arrived() -> None:
    call = Call(60_000)
    call.attempt()
    call.connecting()
    assert not call.may_have_arrived
    call.connected()
    assert call.may_have_arrived


def test_a_handshake_that_takes_too_long_has_lost_no_answer() -> None:
    call = Call(60_000)
    call.attempt()
    call.connecting()
    call.attempt_ended(answer_lost=True)
    assert not call.may_have_arrived


def test_a_connection_that_stands_too_late_sends_nothing() -> None:
    call = Call(60_000)
    call.attempt()
    call.connecting()
    assert not call.abandon()
    with pytest.raises(AbandonedError):
        call.connected()
    assert not call.may_have_arrived


def test_nothing_is_sent_after_the_deadline() -> None:
    with pytest.raises(AbandonedError):
        Call(0).attempt()

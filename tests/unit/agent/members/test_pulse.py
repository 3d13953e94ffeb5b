"""What beats prove, and what they do not."""

from komainu.agent.members.pulse import Pulse
from tests.unit.core.clusters import cluster


def a_pulse(*others: str, detect_within_ms: int = 450, arbitration: str = "operator") -> Pulse:
    configured = cluster(arbitration=arbitration).model_copy(update={"detect_within_ms": detect_within_ms})
    pulse = Pulse(configured)
    pulse.begin(others)
    return pulse


def there_and_back(pulse: Pulse, times: int = 1) -> None:
    for _ in range(times):
        pulse.back(pulse.beat(0), 0)


def test_the_interval_follows_the_time_of_detection() -> None:
    assert [a_pulse(detect_within_ms=ms).interval_ms for ms in (200, 450, 1_500, 5_000)] == [250, 250, 375, 1_250]
    # While a ring is formed nothing is delivered for the time of detection: that is no stall.
    assert [a_pulse(detect_within_ms=ms).stall_ms for ms in (450, 5_000)] == [1_200, 8_750]


def test_there_are_six_beats_in_a_right_where_rights_are_limited() -> None:
    assert [a_pulse(detect_within_ms=5_000, arbitration=kind).interval_ms for kind in ("none", "lease")] == [1_250, 583]


def test_beats_are_counted_on_from_where_they_were_told_to() -> None:
    pulse = Pulse(cluster(), first=4_000)
    assert [pulse.beat(0), pulse.beat(0)] == [4_001, 4_002]


def test_a_member_is_silent_when_it_missed_three_of_our_beats() -> None:
    pulse = a_pulse("n2", "n3")
    there_and_back(pulse, 3)
    assert pulse.silent() == ()
    pulse.heard("n3", 7)
    there_and_back(pulse)

    assert pulse.silent() == ("n2",)
    pulse.heard("n2", 7)
    assert pulse.silent() == ()


def test_as_long_as_our_own_beats_do_not_come_back_nobody_is_silent() -> None:
    pulse = a_pulse("n2")
    for _ in range(100):
        pulse.beat(0)

    assert pulse.silent() == ()


def test_a_new_view_begins_anew() -> None:
    pulse = a_pulse("n2")
    there_and_back(pulse, 10)
    pulse.begin(("n2", "n3"))

    assert pulse.silent() == ()


def test_who_is_not_a_member_is_not_listened_for() -> None:
    pulse = a_pulse("n2")
    pulse.heard("n9", 7)
    there_and_back(pulse, 10)

    assert pulse.silent() == ("n2",)


def test_a_stall_is_the_age_of_the_oldest_beat_under_way() -> None:
    pulse = a_pulse()
    assert pulse.waiting_ms(5_000) == 0
    first = pulse.beat(1_000)
    pulse.beat(1_250)
    assert pulse.waiting_ms(1_500) == 500
    pulse.back(first, 1_500)
    assert pulse.waiting_ms(1_500) == 250
    assert pulse.round_trip_ms == 500

    pulse.awoke()
    assert pulse.waiting_ms(9_000) == 0


def test_beats_of_an_earlier_view_are_waited_for_no_more() -> None:
    pulse = a_pulse()
    pulse.beat(0)
    pulse.begin(())

    assert pulse.waiting_ms(9_000) == 0


def test_a_beat_that_is_back_has_overtaken_nothing() -> None:
    pulse = a_pulse()
    first, second = pulse.beat(0), pulse.beat(0)
    assert not pulse.is_back(first)
    pulse.back(second, 0)

    assert pulse.is_back(first)
    assert pulse.is_back(second)
    assert not pulse.is_back(pulse.beat(0))


def test_for_how_long_a_lost_member_was_not_heard() -> None:
    pulse = a_pulse("n2", "n3")
    pulse.heard("n2", 1_000)
    pulse.heard("n3", 1_200)
    pulse.accused("n3")
    pulse.begin(["n2"])
    pulse.heard("n2", 1_400)

    assert pulse.unheard_ms(["n2", "n3", "n9"], 1_500) == {"n2": 100}


def test_an_accusation_is_not_repeated_at_once_and_is_no_sign_of_life() -> None:
    pulse = a_pulse("n2")
    pulse.heard("n2", 1_000)
    there_and_back(pulse, 4)
    assert pulse.silent() == ("n2",)
    pulse.accused("n2")

    assert pulse.silent() == ()
    assert pulse.unheard_ms(["n2"], 5_000) == {"n2": 4_000}

"""The times that follow from one another."""

import pytest

from komainu.model.times import interval_ms, least_right_ms, least_wait_ms


@pytest.mark.parametrize(
    ("detect_within_ms", "right_ms", "interval"),
    [(200, 0, 250), (1_500, 0, 375), (5_000, 0, 1_250), (5_000, 3_000, 500), (1_500, 60_000, 375), (1_500, 600, 250)],
)
def test_four_beats_in_the_time_of_detection_and_six_in_a_right(
    detect_within_ms: int, right_ms: int, interval: int
) -> None:
    assert interval_ms(detect_within_ms, right_ms) == interval


def test_the_shortest_right_has_room_for_a_plain_cut() -> None:
    # The loss is noticed (1500), an answer rides on the next beat (2 x 375), read and write, and a soft stop.
    assert least_right_ms(1_500, 5_000, 1_000, 500) == 1_500 + 750 + 2_000 + 500


@pytest.mark.parametrize("right_ms", [1, 3_500, 5_000, 60_000])
def test_the_wait_is_over_after_the_right_by_any_two_clocks(right_ms: int) -> None:
    """The right on a clock that is one per cent slow, the wait on one that is one per cent fast, and 500 ms between."""
    wait_ms = least_wait_ms(right_ms)
    assert wait_ms * 990 >= right_ms * 1_010 + 500 * 1_000
    assert (wait_ms - 1) * 990 < right_ms * 1_010 + 500 * 1_000

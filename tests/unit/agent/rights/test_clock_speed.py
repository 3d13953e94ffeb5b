"""A clock that a time service lets run faster or slower is noticed, once, and so is its end."""

import time

import pytest

from komainu.agent.rights import clock_speed
from komainu.agent.rights.clock_speed import RIGHT, WINDOW_NS, WRONG, ClockSpeed, Reading
from komainu.model.message import Said

SECOND = 1_000_000_000


class Clocks:
    """Two clocks; one has a speed."""

    def __init__(self) -> None:
        self.now: Reading | None = Reading(7 * SECOND, 100 * SECOND)
        self.said: list[Said] = []
        self.speed = ClockSpeed("n1", self.said.append, lambda: self.now)
        self.speed.look()

    def pass_ns(self, raw_ns: int, ppm: int) -> list[str]:
        """Some time passes at that speed; the codes of what is said then."""
        assert self.now is not None
        self.now = Reading(self.now.corrected + raw_ns + raw_ns * ppm // 1_000_000, self.now.raw + raw_ns)
        before = len(self.said)
        self.speed.look()
        return [each.code for each in self.said[before:]]


@pytest.mark.parametrize("ppm", [10_001, 83_333, -10_001, -83_333])
def test_a_speed_that_is_wrong_by_more_than_the_vote_allows_for_is_said_once(ppm: int) -> None:
    clocks = Clocks()

    assert clocks.pass_ns(WINDOW_NS, ppm) == [WRONG.code]
    assert clocks.pass_ns(WINDOW_NS, ppm) == []
    assert f"{ppm / 10_000:+.1f} %" in clocks.said[0].en


@pytest.mark.parametrize("ppm", [0, 500, 10_000, -10_000])
def test_what_the_vote_allows_for_is_no_trouble(ppm: int) -> None:
    assert Clocks().pass_ns(WINDOW_NS, ppm) == []


def test_the_end_is_said_when_it_is_surely_over() -> None:
    clocks = Clocks()
    clocks.pass_ns(WINDOW_NS, 50_000)

    assert clocks.pass_ns(WINDOW_NS, 9_000) == []
    assert clocks.pass_ns(WINDOW_NS, 100) == [RIGHT.code]
    assert clocks.pass_ns(WINDOW_NS, 50_000) == [WRONG.code]


def test_looks_that_follow_each_other_closely_are_one_window() -> None:
    clocks = Clocks()
    part_ns = WINDOW_NS // 5

    assert [clocks.pass_ns(part_ns, 50_000) for _ in range(5)] == [[], [], [], [], [WRONG.code]]


def test_clocks_that_could_not_be_read_together_say_nothing() -> None:
    clocks = Clocks()
    known, clocks.now = clocks.now, None
    clocks.speed.look()
    clocks.now = known

    assert clocks.pass_ns(WINDOW_NS, 50_000) == [WRONG.code]


def test_the_clocks_of_this_machine_can_be_read_and_agree() -> None:
    begun = clock_speed.read()
    time.sleep(0.2)
    ended = clock_speed.read()

    assert begun is not None
    assert ended is not None
    passed = (ended.corrected - begun.corrected) / (ended.raw - begun.raw)
    assert 0.9 < passed < 1.1


def test_a_process_that_stands_still_between_the_clocks_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(0, 100 * SECOND, SECOND // 100))
    monkeypatch.setattr(time, "clock_gettime_ns", lambda clock: next(moments))

    assert clock_speed.read() is None

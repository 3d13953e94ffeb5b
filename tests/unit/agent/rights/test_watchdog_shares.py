"""Nobody prolongs the time of another, and the end of a machine takes the watchdog from everybody."""

import pytest

from komainu.agent.rights.watchdog_shares import Shares
from tests.unit.types.monitor_stage import FakeWatchdog


def test_a_monitor_has_it_as_long_as_nothing_ends() -> None:
    device = FakeWatchdog()
    shares = Shares(device)
    shares.monitors.arm(90_000)
    shares.monitors.pat()
    shares.end.pat()  # it was never armed for the end: there is nothing to prolong
    shares.monitors.disarm()
    assert device.asked == ["arm 90000", "pat", "disarm"]


def test_from_the_end_on_a_monitor_is_not_heard() -> None:
    device = FakeWatchdog()
    shares = Shares(device)
    shares.monitors.arm(90_000)
    shares.end.arm(120_000)
    shares.monitors.pat()
    shares.monitors.arm(90_000)
    shares.monitors.disarm()
    assert device.asked == ["arm 90000", "arm 120000"]

    shares.end.pat()
    shares.end.disarm()
    shares.monitors.arm(90_000)
    assert device.asked[2:] == ["pat", "disarm", "arm 90000"]


def test_an_end_that_cannot_arm_it_leaves_what_is_armed_to_run_out() -> None:
    device = FakeWatchdog()
    shares = Shares(device)
    shares.monitors.arm(90_000)
    device.trouble = OSError(22, "Invalid argument")
    with pytest.raises(OSError, match="Invalid argument"):
        shares.end.arm(120_000)
    shares.monitors.pat()
    shares.monitors.disarm()
    assert device.asked == ["arm 90000"]


class Clock:
    """Stands still unless it is told."""

    def __init__(self) -> None:
        self.ms = 1_000

    def __call__(self) -> int:
        return self.ms


def test_the_shortest_time_that_is_left_counts() -> None:
    device, clock = FakeWatchdog(), Clock()
    shares = Shares(device, clock)
    shares.monitors.arm(90_000)
    clock.ms += 10_000
    shares.right.arm(5_000)
    clock.ms += 1_000
    shares.right.pat()
    shares.monitors.pat()
    assert device.asked == ["arm 90000", "arm 5000", "pat", "pat"]
    clock.ms += 2_000
    shares.monitors.pat()
    assert device.asked[-1] == "arm 3000", "of the right only that is left"
    shares.right.disarm()
    assert device.asked[-1] == "arm 90000"
    shares.monitors.disarm()
    assert device.asked[-1] == "disarm"


def test_one_who_is_silent_is_not_kept_alive_by_another() -> None:
    device, clock = FakeWatchdog(), Clock()
    shares = Shares(device, clock)
    shares.monitors.arm(10_000)
    shares.right.arm(5_000)
    for _ in range(4):
        clock.ms += 2_000
        shares.right.pat()
    assert device.asked[2:] == ["pat", "pat", "arm 4000", "arm 2000"]
    told = len(device.asked)
    clock.ms += 2_000
    shares.right.pat()
    assert len(device.asked) == told, "it is to fire"


def test_a_claim_that_could_not_be_made_is_none() -> None:
    device, clock = FakeWatchdog(), Clock()
    shares = Shares(device, clock)
    device.trouble = OSError(16, "busy")
    with pytest.raises(OSError, match="busy"):
        shares.right.arm(5_000)
    shares.right.pat()
    shares.right.disarm()
    assert device.asked == []
    device.trouble = None
    shares.monitors.arm(9_000)
    assert device.asked == ["arm 9000"]


def test_the_end_takes_it_from_the_right_as_well() -> None:
    device, clock = FakeWatchdog(), Clock()
    shares = Shares(device, clock)
    shares.right.arm(5_000)
    shares.end.arm(60_000)
    shares.right.pat()
    shares.right.disarm()
    shares.right.arm(5_000)
    assert device.asked == ["arm 5000", "arm 60000"]
    assert shares.right.means() == device.means()

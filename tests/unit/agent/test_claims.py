"""The end of a machine takes the watchdog from a monitor, which can neither pat nor disarm it from then on."""

import pytest

from komainu.agent.claims import Claims
from tests.unit.types.monitor_stage import FakeWatchdog


def test_a_monitor_has_it_as_long_as_nothing_ends() -> None:
    device = FakeWatchdog()
    claims = Claims(device)
    claims.monitors.arm(90_000)
    claims.monitors.pat()
    claims.end.pat()  # it was never armed for the end: there is nothing to prolong
    claims.monitors.disarm()
    assert device.asked == ["arm 90000", "pat", "disarm"]


def test_from_the_end_on_a_monitor_is_not_heard() -> None:
    device = FakeWatchdog()
    claims = Claims(device)
    claims.monitors.arm(90_000)
    claims.end.arm(120_000)
    claims.monitors.pat()
    claims.monitors.arm(90_000)
    claims.monitors.disarm()
    assert device.asked == ["arm 90000", "arm 120000"]

    claims.end.pat()
    claims.end.disarm()
    claims.monitors.arm(90_000)
    assert device.asked[2:] == ["pat", "disarm", "arm 90000"]


def test_an_end_that_cannot_arm_it_leaves_what_is_armed_to_run_out() -> None:
    device = FakeWatchdog()
    claims = Claims(device)
    claims.monitors.arm(90_000)
    device.trouble = OSError(22, "Invalid argument")
    with pytest.raises(OSError, match="Invalid argument"):
        claims.end.arm(120_000)
    claims.monitors.pat()
    claims.monitors.disarm()
    assert device.asked == ["arm 90000"]

"""The clock that counts while the machine sleeps."""

import time

from komainu.agent.clock import now_ms


def test_it_is_the_boot_time_in_milliseconds() -> None:
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    now = now_ms()
    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    assert before // 1_000_000 <= now <= after // 1_000_000

"""The clocks of this node. CLOCK_BOOTTIME counts while the machine sleeps, and nobody sets it."""

import time


def now_ms() -> int:
    """CLOCK_BOOTTIME in milliseconds."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

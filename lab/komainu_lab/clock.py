"""The clock of the lab."""

import time


def boottime_ns() -> int:
    """CLOCK_BOOTTIME, the clock of every record of the lab and of the product: the same in all namespaces."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

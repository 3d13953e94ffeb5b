"""The watchdog of this machine: a device that resets it unless it is written to in time, whatever else hangs.

The kernel's interface: opening the device arms it, a timeout is set by ioctl, every write or keepalive begins the time
anew, and a close without the letter `V` before it leaves the device armed. So the end of this process disarms nothing.

One process alone may have the device open. Where systemd holds it (RuntimeWatchdogSec) there is none for us.

A device that was made to be never disarmed (`nowayout`) is kept alive instead, as long as this process lives.
"""

import errno
import fcntl
import math
import os
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from komainu.ports import WatchdogMeans

DEVICE = Path("/dev/watchdog")
FACTS = Path("/sys/class/watchdog/watchdog0")
"What the kernel says of the device without its being opened."
SOFTWARE = "Software Watchdog"
"How the kernel's own names itself."
_INT = struct.Struct("i")
_SET_TIMEOUT = 0xC0045706
_GET_TIMEOUT = 0x80045707
_KEEP_ALIVE = 0x80045705


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class LinuxWatchdog:
    """`komainu.ports.Watchdog`.

    A device whose longest time is shorter than what was asked for is kept alive by a thread until only that time is
    left. When this process dies meanwhile the reset comes earlier than asked, never later than the device's time.
    """

    def __init__(self, device: Path = DEVICE, now: Callable[[], float] = _now, facts: Path = FACTS) -> None:
        """Nothing is opened yet: that alone would arm it. `now` is a clock in seconds."""
        self._device = device
        self._facts = facts
        self._now = now
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._asked_s = 0.0
        self._own_s = 0.0
        "The time that the device itself waits."
        self._until = 0.0
        "When the device is to be left to itself."
        self._disarmed = threading.Event()

    def means(self) -> WatchdogMeans:
        """What there is. That somebody else has it is seen by its being active without us."""
        name = self._fact("identity")
        if not self._device.exists():
            return WatchdogMeans("none")
        if self._descriptor is None and self._fact("state") == "active":
            return WatchdogMeans("taken", name)
        if not name:
            return WatchdogMeans("unclear")
        return WatchdogMeans("software" if name == SOFTWARE else "hardware", name)

    def arm(self, timeout_ms: int) -> None:
        """Arm it, or give it another time. Raises OSError when there is none, it is taken, or it knows no time."""
        with self._lock:
            descriptor = self._descriptor
            if descriptor is None:
                # Not to be created: a file in its place would watch nothing.
                descriptor = os.open(self._device, os.O_WRONLY | os.O_CLOEXEC)
            try:
                own_s = _time_of(descriptor, -(-timeout_ms // 1000))
            except OSError:
                if self._descriptor is None:
                    _let_go(descriptor)
                raise
            fresh = self._descriptor is None
            self._descriptor, self._asked_s, self._own_s = descriptor, timeout_ms / 1000, float(own_s)
            self._begin_anew()
            if fresh:
                self._disarmed = threading.Event()
                threading.Thread(target=self._keep, args=(self._disarmed,), name="watchdog", daemon=True).start()

    def pat(self) -> None:
        """The time begins anew; nothing when it is not armed."""
        with self._lock:
            if self._descriptor is not None:
                self._begin_anew()

    def disarm(self) -> None:
        """Watch no more; nothing when it is not armed. What can never be disarmed fires when this process has ended."""
        with self._lock:
            if self._descriptor is not None and self._fact("nowayout") == "1":
                self._until = math.inf
                _keep_alive(self._descriptor)
                return
            descriptor, self._descriptor = self._descriptor, None
            self._disarmed.set()
            if descriptor is not None:
                _let_go(descriptor)

    def _fact(self, name: str) -> str:
        """Empty where the kernel does not say it."""
        try:
            return (self._facts / name).read_text().strip()
        except OSError:
            return ""

    def _begin_anew(self) -> None:
        assert self._descriptor is not None
        self._until = self._now() + self._asked_s - self._own_s
        _keep_alive(self._descriptor)

    def _keep(self, disarmed: threading.Event) -> None:
        """Keep a device alive that would fire too early."""
        while not disarmed.wait(self._own_s / 4):
            with self._lock:
                if self._descriptor is not None and self._now() < self._until:
                    _keep_alive(self._descriptor)


def _time_of(descriptor: int, wanted_s: int) -> int:
    """Set the time, or learn the one that cannot be changed. Raises OSError for a device that knows none."""
    try:
        return _ask(descriptor, _SET_TIMEOUT, wanted_s)
    except OSError:
        # Longer than it can wait, or it has but one time.
        own_s = _ask(descriptor, _GET_TIMEOUT, 0)
    if own_s <= 0:
        raise OSError(errno.EINVAL, "the watchdog does not say how long it waits")
    return own_s


def _ask(descriptor: int, request: int, value: int) -> int:
    answer: int = _INT.unpack(fcntl.ioctl(descriptor, request, _INT.pack(value)))[0]
    return answer


def _keep_alive(descriptor: int) -> None:
    # Whatever goes wrong with the device, the caller has better to do than to handle it: at worst it fires.
    with suppress(OSError):
        os.write(descriptor, b"\0")


def _let_go(descriptor: int) -> None:
    with suppress(OSError):
        os.write(descriptor, b"V")
    with suppress(OSError):
        os.close(descriptor)

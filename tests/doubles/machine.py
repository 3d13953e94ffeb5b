"""A machine that only says that it ends: `komainu.ports.Power` and `komainu.ports.Watchdog` without harm."""

import errno
from collections.abc import Callable
from typing import Literal

from komainu.ports import WatchdogMeans


class FakePower:
    """Remembers what ended it. The suite in tests/ports/test_power.py holds it to the manners of the real one."""

    def __init__(self, ended: Callable[[], None] = lambda: None) -> None:
        """`ended` is called when the machine ends, for whatever reason."""
        self.asked: list[str] = []
        "Every request, in order."
        self.refuses: tuple[str, ...] = ()
        "Requests that are not taken."
        self.hangs = False
        "An orderly end is accepted and never comes."
        self.ending = ""
        "`off` or `restart` once the machine has ended."
        self._ended = ended

    async def shutdown(self) -> None:
        self._take("shutdown", "off", orderly=True)

    async def reboot(self) -> None:
        self._take("reboot", "restart", orderly=True)

    def panic(self) -> None:
        self._take("panic", "off")

    def reset(self) -> None:
        self._take("reset", "restart")

    def _take(self, request: str, ending: str, *, orderly: bool = False) -> None:
        self.asked.append(request)
        if request in self.refuses:
            raise OSError(errno.EPERM, f"{request} is not taken")
        if not (orderly and self.hangs) and not self.ending:
            self.ending = ending
            self._ended()


class FakeWatchdog:
    """Fires when time is made to pass. The suite in tests/ports/test_watchdog.py holds it to the real one's manners."""

    def __init__(self, *, absent: bool = False) -> None:
        self.absent = absent
        self.armed_ms: int | None = None
        "The time it was armed with; None while it is not."
        self.left_ms = 0.0
        self.fired = False
        self.kind: Literal["hardware", "software", "unclear", "taken", "none"] = "hardware"
        self.asked: list[str] = []

    def means(self) -> WatchdogMeans:
        return WatchdogMeans("none") if self.absent else WatchdogMeans(self.kind, "fake")

    def arm(self, timeout_ms: int) -> None:
        self.asked.append(f"arm {timeout_ms}")
        if self.absent:
            raise FileNotFoundError(errno.ENOENT, "no watchdog", "/dev/watchdog")
        self.armed_ms = timeout_ms
        self.left_ms = timeout_ms

    def pat(self) -> None:
        self.asked.append("pat")
        if self.armed_ms is not None:
            self.left_ms = self.armed_ms

    def disarm(self) -> None:
        self.asked.append("disarm")
        self.armed_ms = None

    def pass_ms(self, ms: float) -> None:
        """So much time passes."""
        if self.armed_ms is not None:
            self.left_ms -= ms
            self.fired = self.fired or self.left_ms <= 0

"""One watchdog and two who want it: a monitor while all is well, and whoever ends this machine.

The end comes first. Once it has armed the watchdog, a monitor can neither keep the machine alive nor disarm what
guards its end (C7).
"""

import threading

from komainu.ports import Watchdog


class Claims:
    """Who has the watchdog. May be asked from any thread."""

    def __init__(self, device: Watchdog) -> None:
        """Nobody has it yet."""
        self._device = device
        self._lock = threading.Lock()
        self._taken = False
        self.end: Watchdog = _End(self)
        "The watchdog as the end of this machine has it."
        self.monitors: Watchdog = _Monitors(self)
        "The watchdog as monitors have it: what they ask counts only until the end has armed it."

    def arm(self, timeout_ms: int, *, ends: bool) -> None:
        """Arm it. Raises OSError when there is none; the end has it all the same: nobody pats what is armed already."""
        with self._lock:
            self._taken = self._taken or ends
            if ends or not self._taken:
                self._device.arm(timeout_ms)

    def pat(self, *, ends: bool) -> None:
        """All is well, if it is for this one to say."""
        with self._lock:
            if ends == self._taken:
                self._device.pat()

    def disarm(self, *, ends: bool) -> None:
        """Watch no more, if it is for this one to say."""
        with self._lock:
            if ends or not self._taken:
                self._device.disarm()
            if ends:
                self._taken = False


class _End:
    """`komainu.ports.Watchdog`."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims

    def arm(self, timeout_ms: int) -> None:
        self._claims.arm(timeout_ms, ends=True)

    def pat(self) -> None:
        self._claims.pat(ends=True)

    def disarm(self) -> None:
        self._claims.disarm(ends=True)


class _Monitors:
    """`komainu.ports.Watchdog`."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims

    def arm(self, timeout_ms: int) -> None:
        self._claims.arm(timeout_ms, ends=False)

    def pat(self) -> None:
        self._claims.pat(ends=False)

    def disarm(self) -> None:
        self._claims.disarm(ends=False)

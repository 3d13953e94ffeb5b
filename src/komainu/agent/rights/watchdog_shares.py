"""One watchdog, and those who want it: monitors and the right to act while all is well, and the end of this machine.

Nobody prolongs the time of another: the device always has the shortest of the times that are left, and once one of
them is over it is left to fire.

The end comes first. Once it has armed the watchdog nobody else can keep the machine alive, nor disarm what guards its
end (C7).
"""

import threading
from collections.abc import Callable
from typing import Literal

from komainu.agent import clock
from komainu.ports import Watchdog, WatchdogMeans

Who = Literal["end", "right", "monitors"]


class Shares:
    """Who has the watchdog. May be asked from any thread."""

    def __init__(self, device: Watchdog, now_ms: Callable[[], int] = clock.now_ms) -> None:
        """Nobody has it yet."""
        self._device = device
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._taken = False
        "By the end."
        self._shares: dict[Who, tuple[int, int]] = {}
        "The time that was asked for, and when it is over."
        self._armed_ms: int | None = None
        "What the device was last armed with."
        self.end: Watchdog = _Claim(self, "end")
        "The watchdog as the end of this machine has it."
        self.right: Watchdog = _Claim(self, "right")
        "The watchdog as the right to act has it: a machine whose right is over is not to live on."
        self.monitors: Watchdog = _Claim(self, "monitors")
        "The watchdog as monitors have it."

    def means(self) -> WatchdogMeans:
        """What there is."""
        return self._device.means()

    def arm(self, who: Who, timeout_ms: int) -> None:
        """Arm it. Raises OSError when there is none; the end has it all the same: nobody pats what is armed already."""
        with self._lock:
            if who == "end":
                self._taken = True
                self._shares = {}
            elif self._taken:
                return
            self._begin(who, timeout_ms)

    def pat(self, who: Who) -> None:
        """All is well, if it is for this one to say."""
        with self._lock:
            if who in self._shares:
                self._begin(who, self._shares[who][0])

    def disarm(self, who: Who) -> None:
        """Watch no more, if it is for this one to say."""
        with self._lock:
            if who == "end":
                self._taken = False
            elif self._taken or self._shares.pop(who, None) is None:
                return
            if who != "end" and self._shares:
                self._set(self._left_ms(self._now_ms()))
                return
            self._shares = {}
            self._armed_ms = None
            self._device.disarm()

    def _begin(self, who: Who, timeout_ms: int) -> None:
        """The time of this one begins, and the device gets what is left of all."""
        before, now_ms = dict(self._shares), self._now_ms()
        self._shares[who] = (timeout_ms, now_ms + timeout_ms)
        try:
            self._set(self._left_ms(now_ms))
        except OSError:
            self._shares = before
            raise

    def _left_ms(self, now_ms: int) -> int:
        return min(due for _, due in self._shares.values()) - now_ms

    def _set(self, left_ms: int) -> None:
        if left_ms <= 0:
            return  # it is to fire
        if left_ms == self._armed_ms:
            self._device.pat()
            return
        self._armed_ms = None
        self._device.arm(left_ms)
        self._armed_ms = left_ms


class _Claim:
    """`komainu.ports.Watchdog`."""

    def __init__(self, shares: Shares, who: Who) -> None:
        self._shares = shares
        self._who: Who = who

    def means(self) -> WatchdogMeans:
        return self._shares.means()

    def arm(self, timeout_ms: int) -> None:
        self._shares.arm(self._who, timeout_ms)

    def pat(self) -> None:
        self._shares.pat(self._who)

    def disarm(self) -> None:
        self._shares.disarm(self._who)

"""Turns ArmTimer into TimerFired. Every member arms every timer; the first to fire is enough (law 9).

The deadlines are CLOCK_BOOTTIME: the loop's own clock stands still while the machine sleeps, so whoever notices that
it has slept calls `look`.
"""

import asyncio
from collections.abc import Callable

from komainu.model import events as e
from komainu.model.actions import ArmTimer

RANK_MS = 300
"The member of rank n fires so much later for each rank: the others fire only if those before them do not."


class Timekeeper:
    """The timers of this member."""

    def __init__(
        self,
        propose: Callable[[e.Event], None],
        wanted: Callable[[str], bool],
        rank: Callable[[], int],
        now_ms: Callable[[], int],
    ) -> None:
        """`wanted` says whether the state still has a timer armed; `rank` is asked when one runs out."""
        self._propose = propose
        self._wanted = wanted
        self._rank = rank
        self._now_ms = now_ms
        self._deadlines: dict[str, int] = {}
        self._alarm: asyncio.TimerHandle | None = None

    def arm(self, action: ArmTimer) -> None:
        """Begin to wait; a timer of that name begins anew."""
        self._deadlines[action.timer] = self._now_ms() + action.after_ms
        self._set_alarm()

    def reset(self) -> None:
        """Forget all: another state goes on, and arms its own."""
        self._deadlines.clear()
        self._set_alarm()

    def left_ms(self) -> dict[str, int]:
        """How long each timer still has to run, by the clock of this member."""
        now_ms = self._now_ms()
        return {timer: max(0, ms - now_ms) for timer, ms in self._deadlines.items()}

    def look(self) -> None:
        """Fire what is due."""
        now_ms = self._now_ms()
        late_ms = self._rank() * RANK_MS
        self._deadlines = {timer: ms for timer, ms in self._deadlines.items() if self._wanted(timer)}
        for timer in [timer for timer, ms in self._deadlines.items() if ms + late_ms <= now_ms]:
            del self._deadlines[timer]
            self._propose(e.TimerFired(timer))
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._deadlines:
            after_ms = max(0, min(self._deadlines.values()) + self._rank() * RANK_MS - self._now_ms())
            self._alarm = asyncio.get_running_loop().call_later(after_ms / 1000, self.look)

"""Whether the clock by which this node's right to act is counted runs at the right speed (N2, docs/en/safety.md).

A time service corrects an offset by letting the clock run faster or slower for a while; chrony does so by up to 8 %
unless it is told not to. CLOCK_MONOTONIC_RAW is never corrected, so the two beside each other show it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from komainu.model.message import Message, Said

WINDOW_NS = 5_000_000_000
"Speed is what happened to both clocks in so much time at least."
APART_NS = 1_000_000
"Both clocks are read within this time, or not at all: a process that stood still in between would see a wrong speed."
TRIES = 3
MOST_PPM = 10_000
"The 1 % that the times of the vote allow for."
RIGHT_PPM = 5_000

WRONG = Message(
    "KM8921",
    "A time service is changing the speed of the clock of node {node} by {percent} %. The times of the vote allow for "
    "1 %: until it is over, two nodes could act at once if they lost each other just now. Write `maxslewrate 5000` in "
    "chrony.conf on every node.",
    "時刻同期により、ノード {node} のクロックの速さが {percent} % 変えられています。投票の時間の余裕は 1 % のため、"
    "この間にノード間の通信が途絶えると、両系活性が起こる可能性があります。全ノードの chrony.conf に maxslewrate 5000 "
    "と書いてください。",
    "warning",
)
RIGHT = Message(
    "KM8922",
    "The clock of node {node} runs at the right speed again.",
    "ノード {node} のクロックの速さが正常に戻りました。",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks at one moment, in nanoseconds."""

    corrected: int
    "CLOCK_MONOTONIC, which has the speed of CLOCK_BOOTTIME."
    raw: int


def read() -> Reading | None:
    """Both clocks now; None when they could not be read close enough to each other."""
    for _ in range(TRIES):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        raw = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        if after - before <= APART_NS:
            return Reading((before + after) // 2, raw)
    return None


class ClockSpeed:
    """Says once when the speed is wrong, and once when it is right again."""

    def __init__(self, me: str, alert: Callable[[Said], None], read: Callable[[], Reading | None] = read) -> None:
        self._me = me
        self._alert = alert
        self._read = read
        self._begun: Reading | None = None
        self._wrong = False

    def look(self) -> None:
        """To be called now and then."""
        now, begun = self._read(), self._begun
        if now is None:
            return
        if begun is None:
            self._begun = now
            return
        passed_ns = now.raw - begun.raw
        if passed_ns < WINDOW_NS:
            return
        self._begun = now
        wrong_ns = now.corrected - begun.corrected - passed_ns
        wrong_ppm = abs(wrong_ns) * 1_000_000 // passed_ns
        if wrong_ppm > MOST_PPM and not self._wrong:
            self._wrong = True
            self._alert(WRONG.said(node=self._me, percent=f"{wrong_ns * 100 / passed_ns:+.1f}"))
        elif wrong_ppm <= RIGHT_PPM and self._wrong:
            self._wrong = False
            self._alert(RIGHT.said(node=self._me))

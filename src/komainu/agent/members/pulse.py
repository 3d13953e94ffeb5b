"""The beats of this daemon, and what they prove (laws 5 and 6).

A beat that comes back proves that the local corosync lives. A member that says nothing while our own beats do come
back is silent; counting own deliveries instead of time means that neither a bus that pauses (a ring is being formed)
nor a daemon that slept itself can accuse anybody.
"""

from collections.abc import Iterable

from komainu.model.config import Cluster
from komainu.model.times import interval_ms

MISSED_BEATS = 3
FIRST_BEATS = 100_000_000
"Beats are counted from anywhere below that, so that a life of this daemon does not repeat the numbers of another."


class Pulse:
    """Pure bookkeeping; the loop brings the time."""

    def __init__(self, cluster: Cluster, first: int = 0) -> None:
        """The interval is a quarter of the time of detection, and not below 250 ms; beats count from `first` on.

        Where rights are limited it is a sixth of a right at most.
        """
        self.interval_ms = 0
        self.stall_ms = 0
        self.round_trip_ms = 0
        "How long the last beat took to come back."
        self._number = first
        self._delivered = 0
        self._outstanding: dict[int, int] = {}
        self._since_heard: dict[str, int] = {}
        self._heard_ms: dict[str, int] = {}
        self.configure(cluster)

    def configure(self, cluster: Cluster) -> None:
        """Take over the times of a configuration.

        While a ring is formed anew nothing is delivered for just that time: a stall is what takes longer.
        """
        self.interval_ms = interval_ms(cluster.detect_within_ms, cluster.arbitration.right_ms)
        self.stall_ms = cluster.detect_within_ms + MISSED_BEATS * self.interval_ms

    def beat(self, now_ms: int) -> int:
        """The number of the next beat to send."""
        self._number += 1
        self._outstanding[self._number] = now_ms
        return self._number

    def back(self, number: int, now_ms: int) -> None:
        """An own beat was delivered."""
        self._delivered = number
        sent_ms = self._outstanding.get(number)
        if sent_ms is not None:
            self.round_trip_ms = now_ms - sent_ms
        # Beats of an earlier connection never come back.
        self._outstanding = {other: ms for other, ms in self._outstanding.items() if other > number}
        for node in self._since_heard:
            self._since_heard[node] += 1

    def is_back(self, number: int) -> bool:
        """True when that beat was delivered: then everything sent before it has been delivered, or never will be."""
        return self._delivered >= number

    def heard(self, node: str, now_ms: int) -> None:
        """Another member's daemon said something."""
        if node in self._since_heard:
            self._since_heard[node] = 0
            self._heard_ms[node] = now_ms

    def accused(self, node: str) -> None:
        """A member was said to be silent: not again before it has missed three more beats."""
        if node in self._since_heard:
            self._since_heard[node] = 0

    def unheard_ms(self, nodes: Iterable[str], now_ms: int) -> dict[str, int]:
        """For how long each of these nodes has said nothing, as far as that is known."""
        return {node: now_ms - self._heard_ms[node] for node in nodes if node in self._heard_ms}

    def begin(self, others: Iterable[str]) -> None:
        """A new view: these members are to be heard from now on."""
        self._since_heard = dict.fromkeys(others, 0)
        self._heard_ms = {node: ms for node, ms in self._heard_ms.items() if node in self._since_heard}
        self._outstanding = {}

    def awoke(self) -> None:
        """This daemon slept: what did not come back meanwhile proves nothing."""
        self._outstanding = {}

    def silent(self) -> tuple[str, ...]:
        """Members that have missed three beats."""
        return tuple(node for node, beats in self._since_heard.items() if beats > MISSED_BEATS)

    def waiting_ms(self, now_ms: int) -> int:
        """For how long the oldest beat has not come back; 0 when none is under way."""
        return now_ms - min(self._outstanding.values()) if self._outstanding else 0

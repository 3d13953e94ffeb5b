"""Every call to the emulated API, counted and timed.

Times are CLOCK_BOOTTIME in nanoseconds, the clock of all of the lab's records, so that a demonstration can lay them
beside what the cluster and the client recorded.
"""

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

from komainu_lab.namespaces import boottime_ns

KEPT = 20_000
"Older calls are forgotten; the counts are not."


@dataclass(slots=True)
class Call:
    """One call."""

    number: int
    service: str
    action: str
    source: str
    "The machine whose credentials signed it; empty: unknown."
    received_ns: int
    details: dict[str, str] = field(default_factory=dict)
    "What the call is about: the ids among its parameters."
    applied_ns: int = 0
    "When the API had carried it out; 0: it did not."
    answered_ns: int = 0
    "When the last byte of the answer was handed to the network; 0: no answer."
    status: int = 0
    fault: str = ""
    "The fault it met."


class CallLog:
    """Calls in the order in which they came. Safe to use from several threads."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=KEPT)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._number = 0
        self._lock = threading.Lock()

    def begin(self, service: str, action: str, source: str, details: dict[str, str]) -> Call:
        """Note a call that has just been read."""
        received_ns = boottime_ns()
        with self._lock:
            self._number += 1
            call = Call(self._number, service, action, source, received_ns, details)
            self._calls.append(call)
            self._counts[(source, action)] += 1
        return call

    def after(self, number: int) -> list[dict[str, Any]]:
        """The calls with a higher number, oldest first, as plain data."""
        with self._lock:
            return [asdict(call) for call in self._calls if call.number > number]

    def counts(self) -> dict[str, dict[str, int]]:
        """How many calls by source and action since the start."""
        with self._lock:
            counted: dict[str, dict[str, int]] = {}
            for (source, action), number in sorted(self._counts.items()):
                counted.setdefault(source, {})[action] = number
            return counted

    @property
    def last(self) -> int:
        """The number of the latest call; 0: none yet."""
        with self._lock:
            return self._number

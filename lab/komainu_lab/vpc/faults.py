"""What can be wrong with the emulated API: one fault at a time is chosen for each call, by action and by caller.

Faults of the network (`refuse`, `silence`) hold for all actions and are carried out by the fabric, in packets. The
others are carried out by the endpoint, after the request was read.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How a call goes wrong."""

    REFUSE = "refuse"
    "Connections are refused, open ones are reset: nothing reaches the API."
    SILENCE = "silence"
    "Packets to and from the API are dropped."
    HANG = "hang"
    "The request is read, never carried out and never answered."
    DELAY = "delay"
    "The request is carried out `delay_ms` late."
    RESET = "reset"
    "The request is read, not carried out; the connection is reset."
    THROTTLE = "throttle"
    "503 RequestLimitExceeded."
    ERROR = "error"
    "500 InternalError; nothing is carried out."
    LOST = "lost"
    "The request is carried out; the connection is reset in place of an answer."
    MUTE = "mute"
    "The request is carried out; no answer ever comes."
    DENIED = "denied"
    "403 UnauthorizedOperation: a policy lacks the action."
    EXPIRED = "expired"
    "400 RequestExpired, as for a role's credentials that have ended."
    SKEWED = "skewed"
    "The API's clock is ahead of everybody's: what was signed at another time is refused, 400 RequestExpired."
    GONE = "gone"
    "400 InvalidNetworkInterfaceID.NotFound, as for an interface that was deleted."
    STALE = "stale"
    "A question is answered as the same question was answered last before the fault; a change is carried out."


NETWORK = (Kind.REFUSE, Kind.SILENCE)
"What the fabric carries out, in packets."


class BadFault(ValueError):
    """A fault that makes no sense."""


@dataclass(eq=False, slots=True)
class Fault:
    """One fault, until it is healed or used up."""

    id: int
    kind: Kind
    actions: tuple[str, ...] = ()
    "API actions such as ReplaceRoute; none: all."
    sources: tuple[str, ...] = ()
    "Names of machines that call; none: all."
    times: int | None = None
    "How often it strikes; None: until it is healed."
    delay_ms: int = 0
    healed: threading.Event = field(default_factory=threading.Event)
    "Set when it is over: what hangs because of it lets go."


class Plan:
    """The faults that hold now. Safe to use from several threads."""

    def __init__(self, on_network_change: Callable[[], None]) -> None:
        """`on_network_change` is called after the faults of the network changed."""
        self._on_network_change = on_network_change
        self._faults: dict[int, Fault] = {}
        self._spent: dict[int, Fault] = {}
        self._number = 0
        self._lock = threading.Lock()

    def add(
        self,
        kind: str,
        actions: tuple[str, ...] = (),
        sources: tuple[str, ...] = (),
        times: int | None = None,
        delay_ms: int = 0,
    ) -> Fault:
        """From now on this goes wrong. Raises BadFault."""
        if kind not in tuple(Kind):
            raise BadFault(f"there is no fault of kind {kind!r}; there are: {', '.join(Kind)}")
        if kind in NETWORK and (actions or times is not None):
            raise BadFault(f"{kind} is a fault of the network: it knows neither actions nor times")
        if (kind == Kind.DELAY) != (delay_ms > 0):
            raise BadFault("delay_ms belongs to the kind delay, and is greater than 0")
        if times is not None and times < 1:
            raise BadFault("times is 1 or more")
        with self._lock:
            self._number += 1
            fault = Fault(self._number, Kind(kind), actions, sources, times, delay_ms)
            self._faults[fault.id] = fault
        if fault.kind in NETWORK:
            self._on_network_change()
        return fault

    def heal(self, number: int | None = None) -> None:
        """End one fault, or all of them, and let go what hangs. One that is over already is no error."""
        with self._lock:
            gone = []
            for faults in (self._faults, self._spent):
                for fault in [fault for fault in faults.values() if number in (None, fault.id)]:
                    gone.append(faults.pop(fault.id))
        for fault in gone:
            fault.healed.set()
        if any(fault.kind in NETWORK for fault in gone):
            self._on_network_change()

    def strike(self, action: str, source: str) -> Fault | None:
        """The fault that this call meets: the oldest that fits; None: it goes well. Counts the fault down."""
        with self._lock:
            for fault in self._faults.values():
                if fault.kind in NETWORK or not _fits(fault, action, source):
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self._spent[fault.id] = self._faults.pop(fault.id)
                return fault
        return None

    def holding(self) -> tuple[Fault, ...]:
        """The faults that hold now, oldest first."""
        with self._lock:
            return tuple(self._faults.values())


def _fits(fault: Fault, action: str, source: str) -> bool:
    return (not fault.actions or action in fault.actions) and (not fault.sources or source in fault.sources)

"""One call to the API: its deadline, and what is known of what was sent.

An SDK tries again by itself, and only its last attempt is reported. That is not enough to say what became of a
change: when the first attempt was sent and its answer lost, and the second could not connect, then "could not
connect" would be a wrong "nothing was changed". A call therefore watches every attempt.

It also forbids attempts after the deadline. A ReplaceRoute that is sent late by a forgotten thread could take the
address back from the node that has it by then.
"""

import threading
import time


class AbandonedError(Exception):
    """The deadline passed, or nobody waits any more: the attempt was not sent."""


class Call:
    """The state of one call. Both the waiting task and the sending thread use it."""

    def __init__(self, timeout_ms: int) -> None:
        self._lock = threading.Lock()
        self._deadline_ns = time.monotonic_ns() + timeout_ms * 1_000_000
        self._abandoned = False
        self._in_flight = False
        self._answer_lost = False
        self.failed: BaseException | None = None
        "How the last attempt failed that ended: why the call has not succeeded yet."

    def attempt(self) -> None:
        """An attempt is about to be sent. Raises AbandonedError when it must not be."""
        with self._lock:
            if self._abandoned or time.monotonic_ns() >= self._deadline_ns:
                raise AbandonedError
            self._in_flight = True

    def connecting(self) -> None:
        """The attempt needs a connection first: nothing of it is sent before `connected`."""
        with self._lock:
            self._in_flight = False

    def connected(self) -> None:
        """The connection stands. Raises AbandonedError when it is too late to send."""
        self.attempt()

    def attempt_ended(self, answer_lost: bool) -> None:
        """An attempt ended: with an answer, without one (`answer_lost`), or surely before it was sent."""
        with self._lock:
            # One that ended before its connection stood has lost no answer.
            self._answer_lost = self._answer_lost or (answer_lost and self._in_flight)
            self._in_flight = False

    def abandon(self) -> bool:
        """Nobody waits for the call any more: no further attempt is sent. Answers `may_have_arrived`.

        One step, so that no attempt can begin between the two.
        """
        with self._lock:
            self._abandoned = True
            return self._in_flight or self._answer_lost

    @property
    def may_have_arrived(self) -> bool:
        """True when an attempt was sent whose answer nobody has seen: a change may have been made."""
        with self._lock:
            return self._in_flight or self._answer_lost

"""How long and how often a call to the API is tried within the time that a resource has, and how often one is made."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from komainu.ports import CloudError, CloudFault

T = TypeVar("T")

CALL_TIMEOUT_MS = 10_000
"The longest wait for one call, however much time is left: a second attempt may well be answered."
FIRST_PAUSE_MS = 250
LONGEST_PAUSE_MS = 2_000
"Pauses after a call that failed for the moment; they double. An API that throttles asks for them."
SCATTER = 0.5
"Each pause is shorter by up to this part of it: calls that were throttled together do not come back together."
MARGIN_MS = 500
"What is kept of a timeout, at most a tenth of it: our own account of a failure beats being cancelled without one."

SELDOM = 5
"What hardly ever changes is asked for every so many times (3 calls a minute are what a node may cost in the long run)."


async def patiently(
    attempt: Callable[[int], Awaitable[T]], deadline: float, chance: Callable[[], float] = random.random
) -> T:
    """Call `attempt(timeout_ms)` until it succeeds, is refused for good, or the deadline is near.

    `deadline` is a time of `now()`; `chance` answers 0 to 1. Raises what all attempts together amount to, as a
    CloudError. After the deadline nothing is sent: whoever waited, or slept, so long does not know any more whether the
    change is still wanted.
    """
    longest = FIRST_PAUSE_MS / 1000
    failed: list[CloudError] = []
    while True:
        pause = longest * (1 - SCATTER * chance())
        try:
            return await attempt(in_time_ms(deadline))
        except CloudError as error:
            failed.append(error)
            last = together(failed)
            if not error.transient or now() + pause >= deadline:
                raise last from error.__cause__
        await asyncio.sleep(pause)
        if now() >= deadline:
            raise last
        longest = min(2 * longest, LONGEST_PAUSE_MS / 1000)


def together(failed: Sequence[CloudError]) -> CloudError:
    """What is known after several attempts at the same, the last one last; `failed` is not empty.

    One that was sent and not answered may have made the change, whatever is answered later (N4). And a time that ran
    out says less than what was answered before: that the API is throttled, for example.
    """
    *earlier, last = failed
    reasons = [error for error in earlier if not error.timed_out]
    unanswered = any(error.fault is CloudFault.NO_ANSWER for error in earlier)
    if last.timed_out and last.fault is CloudFault.UNREACHABLE and reasons:
        last = reasons[-1]  # nothing was sent by the last one
    elif last.timed_out and reasons:
        last = _but(last, last.fault, f"before that: {reasons[-1]}")
    if unanswered and last.fault in (CloudFault.REFUSED, CloudFault.UNREACHABLE):
        return _but(last, CloudFault.NO_ANSWER, "an earlier attempt was sent and not answered")
    return last


def _but(error: CloudError, fault: CloudFault, told: str) -> CloudError:
    text = f"{error.text} ({told})"
    return CloudError(fault, error.code, text, timed_out=error.timed_out, transient=error.transient)


def within_ms(timeout_ms: int) -> int:
    """What a resource may use of the timeout it was given."""
    return timeout_ms - min(MARGIN_MS, timeout_ms // 10)


def left_ms(deadline: float) -> int:
    """How long one more call may take; `deadline` is a time of `now()`."""
    return max(1, min(int((deadline - now()) * 1000), CALL_TIMEOUT_MS))


def in_time_ms(deadline: float) -> int:
    """The same for a call that must not be sent late. Raises CloudError when nothing is left."""
    if now() >= deadline:
        text = "no time was left; nothing was sent"
        raise CloudError(CloudFault.UNREACHABLE, "DeadlineExceeded", text, timed_out=True, transient=True)
    return left_ms(deadline)


def now() -> float:
    """Seconds of the running loop's clock."""
    return asyncio.get_running_loop().time()


class Seldom:
    """What is worth a call every so many times only, because it hardly ever changes."""

    def __init__(self, every: int) -> None:
        """The first time is one of them."""
        self._every = every
        self._passed = 0

    def due(self) -> bool:
        """Whether this is one of the times; it counts."""
        due = self._passed == 0
        self._passed = (self._passed + 1) % self._every
        return due

    def again(self) -> None:
        """The next time is one of them: something is not as it should be."""
        self._passed = 0

"""How a type divides the time it is given."""

from typing import Final

_ANSWER_MS: Final = 500
"Kept of a timeout so that our own answer comes before the cancelling."


def own(timeout_ms: int) -> int:
    """What of the time the work itself may take: the answer has to come before the time is over."""
    return timeout_ms - min(_ANSWER_MS, timeout_ms // 10)

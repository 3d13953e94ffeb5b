"""The times that follow from one number, how soon a loss is to be noticed, and how they hang together (safety, N2)."""

SHORTEST_INTERVAL_MS = 250
RATE_PER_MILLE = 10
"By how much a clock may run fast or slow."
SLACK_MS = 500
"What a timer may be late, and what a message may take."

WATCHDOG_STEP_MS = 1000
"A watchdog counts whole seconds: it may reset a machine so much after its right has ended."


def interval_ms(detect_within_ms: int, right_ms: int = 0) -> int:
    """Between two beats: four in the time of detection, and six in a right where rights are limited."""
    wanted = detect_within_ms // 4
    return max(SHORTEST_INTERVAL_MS, min(wanted, right_ms // 6) if right_ms else wanted)


def least_right_ms(detect_within_ms: int, right_ms: int, store_timeout_ms: int, stop_grace_ms: int) -> int:
    """The shortest right (E) that a healthy node does not lose in a plain cut.

    From the sending of the last beacon that was answered: an answer rides on the next beat, the loss is noticed, the
    record is read and written, and there is time for a soft stop.
    """
    return detect_within_ms + 2 * interval_ms(detect_within_ms, right_ms) + 2 * store_timeout_ms + stop_grace_ms


def least_wait_ms(right_ms: int) -> int:
    """The shortest wait (D) after which a right of that length (E) has ended by any clock: (E(1+rho)+g)/(1-rho)."""
    scaled = right_ms * (1000 + RATE_PER_MILLE) + 1000 * SLACK_MS
    return -(-scaled // (1000 - RATE_PER_MILLE))

"""The right of this node to act: a deadline on its own clock (N2; the rules are in docs/en/safety.md).

It is counted from the sending of what the others then answered, or of a claim that was then confirmed: whatever is
learned late, after a freeze or through a slow network, makes it no longer. A new life of the daemon begins with none.
"""

from collections.abc import Iterable

from komainu.model.config import Arbitration

KEPT = 64
"So many beacons are remembered; an answer to an older one says nothing new."


class Right:
    """Pure bookkeeping; whoever owns it brings the time, CLOCK_BOOTTIME in milliseconds."""

    def __init__(self) -> None:
        self.until_ms = 0
        "The deadline. At or after it this node has no right."
        self.since_ms = 0
        "What the deadline rests on was sent then."
        self.answered_ms = 0
        "Enough others have answered what was sent then."
        self._needed = 1
        self._right_ms = 0
        self._terms_ms = 0
        "Since when the terms hold."
        self._others: tuple[str, ...] = ()
        self._sent: dict[int, int] = {}
        self._answered: dict[str, int] = {}

    def configure(self, arbitration: Arbitration, nodes: Iterable[str], me: str, now_ms: int) -> None:
        """The terms that hold. Under `lease` all others have to answer, under `majority` enough to be one with them."""
        self._others = tuple(node for node in nodes if node != me)
        count = len(self._others) + 1
        self._needed = count // 2 if arbitration.kind == "majority" else count - 1
        if self._right_ms != arbitration.right_ms:
            # What was sent under other terms says nothing under these.
            self._sent, self._answered, self._terms_ms = {}, {}, now_ms
            self.until_ms = min(self.until_ms, self.since_ms + arbitration.right_ms)
        self._right_ms = arbitration.right_ms
        self._answered = {node: ms for node, ms in self._answered.items() if node in self._others}

    def sent(self, number: int, now_ms: int) -> None:
        """A beacon is about to be sent."""
        self._sent[number] = now_ms
        while len(self._sent) > KEPT:
            del self._sent[next(iter(self._sent))]

    def answered(self, node: str, number: int) -> None:
        """Another node has heard that beacon while it was together with this one."""
        sent_ms = self._sent.get(number)
        if sent_ms is None or node not in self._others:
            return
        self._answered[node] = max(sent_ms, self._answered.get(node, 0))
        times = sorted(self._answered.values(), reverse=True)
        if len(times) >= self._needed:
            self.answered_ms = max(self.answered_ms, times[self._needed - 1])
            self.confirmed(times[self._needed - 1])

    def confirmed(self, sent_ms: int) -> None:
        """What was sent then has been confirmed: an answer, a claim or a renewal. An earlier one changes nothing."""
        if sent_ms > self.since_ms and sent_ms >= self._terms_ms:
            self.since_ms = sent_ms
            self.until_ms = sent_ms + self._right_ms

    def drop(self) -> None:
        """This node gives its right up: nothing has effect here, and nothing is to have."""
        self.until_ms = 0

    def left_ms(self, now_ms: int) -> int:
        """How long it still lasts; 0 when it has ended."""
        return max(0, self.until_ms - now_ms)

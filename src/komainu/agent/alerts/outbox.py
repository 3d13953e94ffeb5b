"""What waits to be sent by one notification: bounded, limited in its rate, tried again, and in nobody's way (W5)."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from komainu.agent.alert_record import LEVELS, Record, shown
from komainu.agent.execution.attempt import Lane
from komainu.model.message import Language, Message, Said
from komainu.model.outcome import Outcome, failed
from komainu.ports import Notice, NotifierHands

SETTLE_MS = 1_000
"Alerts of one event come together and go out together."
SEND_MS = 30_000
"Deadline of one sending."
AGAIN_MS = (5_000, 15_000, 45_000, 120_000)
"Pauses before the further attempts."
BURST = 5
"So many sendings may follow each other without a pause."
PACE_MS = 60_000
"In a storm one sending in this time, with all that came meanwhile."
MOST_IN_ONE = 20
"So many alerts are told in full; of more, the others are counted."
MOST_WAITING = 1_000
"So many wait in full; of more, the oldest are counted."

TIMED_OUT = Message(
    "KM5721",
    "Notification {name}: no answer in time; it is not known whether it was sent.",
    "通知 {name}: 時間内に応答がなく、送信できたかどうか分かりません。",
    "warning",
)
DEFECT = Message(
    "KM5722",
    "Notification {name} met an internal error. The detail has it; please report it.",
    "通知 {name} で内部エラーが発生しました。詳細を添えて報告してください。",
    "error",
)
BUSY = Message(
    "KM5723",
    "Notification {name}: an earlier sending does not end; nothing new is sent before it has.",
    "通知 {name}: 以前の送信が終了しません。終了するまで新たな送信は行いません。",
    "warning",
)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What every notice of this node bears."""

    cluster: str
    sender: str
    language: Language


class Outbox:
    """One notification of this node. `offer` and `close` are called in the event loop; nothing waits for the rest."""

    def __init__(
        self,
        name: str,
        hands: NotifierHands | Said,
        head: Letterhead,
        done: Callable[[Sequence[Record], Outcome], None],
    ) -> None:
        """`hands`: who sends, or why nobody can. `done` hears what became of alerts: sent, or given up."""
        self._name = name
        self._hands = hands
        self._head = head
        self._done = done
        self._lane = Lane()
        self._waiting: deque[Record] = deque()
        self._in_hand: list[Record] = []
        "What is being sent, or tried again."
        self._counted: Counter[str] = Counter()
        self._tokens = float(BURST)
        self._tokens_at = asyncio.get_running_loop().time()
        self._worker: asyncio.Task[None] | None = None

    def offer(self, each: Record) -> None:
        """Send it when its turn comes."""
        self._waiting.append(each)
        if len(self._waiting) > MOST_WAITING:
            oldest = self._waiting.popleft()
            self._counted[oldest.code] += 1
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work())

    async def test(self, each: Record) -> Outcome:
        """Send this one at once, past all that waits, once."""
        return await self._send(
            Notice(self._head.cluster, self._head.sender, self._head.language, (shown(each),), test=True)
        )

    def close(self) -> list[Record]:
        """Send nothing more; what was not sent."""
        if self._worker is not None:
            self._worker.cancel()
        left, self._in_hand = [*self._in_hand, *self._waiting], []
        self._waiting.clear()
        return left

    async def _work(self) -> None:
        while self._waiting:
            await asyncio.sleep(SETTLE_MS / 1000)
            await self._wait_for_turn()
            self._in_hand, counted = list(self._waiting), self._counted
            self._waiting.clear()
            self._counted = Counter()
            outcome = await self._try(self._notice(self._in_hand, counted))
            records, self._in_hand = self._in_hand, []
            self._done(records, outcome)

    async def _try(self, notice: Notice) -> Outcome:
        outcome = await self._send(notice)
        for pause_ms in AGAIN_MS:
            if outcome.succeeded or isinstance(self._hands, Said):
                break
            await asyncio.sleep(pause_ms / 1000)
            outcome = await self._send(notice)
        return outcome

    async def _wait_for_turn(self) -> None:
        """A few at once, then one in each time of `PACE_MS`; a quiet time earns another burst."""
        loop = asyncio.get_running_loop()
        self._earn(loop.time())
        if self._tokens < 1:
            await asyncio.sleep((1 - self._tokens) * PACE_MS / 1000)
            self._earn(loop.time())
        self._tokens = max(0.0, self._tokens - 1)

    def _earn(self, now: float) -> None:
        self._tokens = min(float(BURST), self._tokens + (now - self._tokens_at) * 1000 / PACE_MS)
        self._tokens_at = now

    def _notice(self, records: Sequence[Record], counted: Counter[str]) -> Notice:
        """One alert, several, or the summary of a storm: then the gravest are told, in the order of time."""
        gravest = sorted(range(len(records)), key=lambda index: (-LEVELS[records[index].level], index))[:MOST_IN_ONE]
        told = sorted(gravest)
        others = Counter(each.code for index, each in enumerate(records) if index not in told)
        return self._letter([records[index] for index in told], tuple(sorted((others + counted).items())))

    def _letter(
        self, records: Sequence[Record], left_out: tuple[tuple[str, int], ...] = (), *, test: bool = False
    ) -> Notice:
        alerts = tuple(shown(each) for each in records)
        return Notice(self._head.cluster, self._head.sender, self._head.language, alerts, left_out, test)

    async def _send(self, notice: Notice) -> Outcome:
        hands = self._hands
        if isinstance(hands, Said):
            return failed(hands)
        return await self._lane.attempt(
            lambda: hands.send(notice, SEND_MS),
            SEND_MS,
            timed_out=TIMED_OUT.said(name=self._name),
            defect=DEFECT.said(name=self._name),
            busy=BUSY.said(name=self._name),
        )

"""The alert log of this node: what it said, what the core said, what the other nodes told it (W5).

The last alerts are in memory, all of them in the store, which one thread writes in the background. A disk that is
broken, full or hangs costs the log, and nothing else; that is told once.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from komainu.agent.alert_record import Record, record, wall_ms
from komainu.agent.alerts.store import AlertStore, Range, StoreBroken, Wanted
from komainu.agent.background import Background
from komainu.model.message import Message, Said

MOST_IN_MEMORY = 1_000
WRITE_AFTER_MS = 100
"Alerts are written together a little later: a takeover is over by then, and did not share its processor with that."
MOST_WAITING = 2_000
"So many wait for a disk that is at work, or broken; of more the oldest are missing in the log."
RETRY_MS = 30_000
ANSWER_MS = 5_000
"A disk that has not answered by then is not waited for."

LOST = Message(
    "KM5701",
    "The alert log cannot be written ({reason}). The cluster goes on; the last alerts are kept in memory, and the "
    "journal is not affected. Make space in, or repair, the file system of /var/lib/komainu.",
    "アラートログに書き込めません ({reason})。クラスタは動作を続け、直近のアラートはメモリ上に残ります。ジャーナルには"
    "影響しません。/var/lib/komainu のファイルシステムの空き容量と状態を確認してください。",
    "error",
)
WRITTEN_AGAIN = Message(
    "KM5702",
    "The alert log is written again; {count} alerts are missing from it on this node.",
    "アラートログへの書き込みが回復しました。このノードでは {count} 件のアラートが欠落しています。",
    "warning",
)
SET_ASIDE = Message(
    "KM5703",
    "The alert log could not be read ({reason}). It is kept as alerts.db.broken in /var/lib/komainu, and a new one was "
    "begun; what the other nodes have of it is fetched when this node joins them again.",
    "アラートログを読み込めませんでした ({reason})。/var/lib/komainu の alerts.db.broken として保存し、新しいログを作成"
    "しました。他のノードにある記録は、次にクラスタに参加したときに取得します。",
    "warning",
)

_T = TypeVar("_T")


class AlertLog:
    """Everything but the store itself runs in the event loop."""

    def __init__(
        self,
        me: str,
        stream: str,
        store: AlertStore | None,
        background: Background,
        tell: Callable[[Said, str], None],
        clock: Callable[[], int] = wall_ms,
    ) -> None:
        """`stream`: of this daemon among all that ever ran. Without a store everything is in memory only.

        `tell` raises an alert of this node; it comes back here as any other.
        """
        self._me = me
        self._stream = stream
        self._store = store
        self._background = background
        self._tell = tell
        self._clock = clock
        self._local = 0
        self._core = ("", 0)
        self._memory: deque[tuple[int, Record]] = deque(maxlen=MOST_IN_MEMORY)
        self._known: dict[tuple[str, int], None] = {}
        self._seq = 0
        self._grown = asyncio.Event()
        self._waiting: list[tuple[Record, bool]] = []
        "What is not written yet, and whether it came from another node."
        self._timer: asyncio.TimerHandle | None = None
        self._writing = False
        self._broken = False
        self._missing = 0

    # --- what is said ----------------------------------------------------------------------------------------------

    def local(self, said: Said, detail: str) -> Record:
        """This node said it of itself."""
        self._local += 1
        return self._said(record(self._stream, self._local, self._me, said, detail, self._clock()))

    def core(self, lineage: str, node: str, said: Said, detail: str) -> Record:
        """The core said it, in this history; every member of it gives it the same name."""
        n = self._core[1] + 1 if self._core[0] == lineage else 1
        self._core = (lineage, n)
        return self._said(record(lineage, n, node, said, detail, self._clock()))

    def received(self, records: Iterable[Record]) -> None:
        """Other nodes said it."""
        self._keep([(each, True) for each in records if each.key not in self._known])

    def _said(self, each: Record) -> Record:
        self._show(each)
        self._keep([(each, False)])
        return each

    # --- what is asked ---------------------------------------------------------------------------------------------

    async def find(self, wanted: Wanted) -> list[Record]:
        """The last ones of those that are asked for, oldest first; without the disk those in memory."""
        self.flush()
        stored = await self._ask(lambda store: store.find(wanted)) or []
        found = {each.key: each for each in stored}
        found |= {each.key: each for _, each in self._memory if wanted.fits(each)}
        in_order = sorted(found.values(), key=lambda each: (each.at_ms, *each.key))
        return in_order[-wanted.last :] if wanted.last else []

    async def streams(self) -> dict[str, Range] | None:
        """What this node has of each stream; None when the disk does not answer."""
        self.flush()
        return await self._ask(lambda store: store.streams())

    async def part(self, stream: str, first: int, last: int, most: int) -> list[Record]:
        """At most `most` alerts of a stream, from one number to another."""
        return await self._ask(lambda store: store.part(stream, first, last, most)) or []

    @property
    def seq(self) -> int:
        """How many alerts were shown since the daemon started."""
        return self._seq

    def after(self, seq: int) -> list[tuple[int, Record]]:
        """The alerts shown after that one, with their numbers, as far as they are in memory."""
        return [(number, each) for number, each in self._memory if number > seq]

    async def more(self, seq: int) -> None:
        """Wait until there is an alert after that one."""
        while self._seq <= seq:
            await self._grown.wait()

    def _show(self, each: Record) -> None:
        self._seq += 1
        if len(self._memory) == MOST_IN_MEMORY:
            self._known.pop(self._memory[0][1].key, None)
        self._memory.append((self._seq, each))
        self._known[each.key] = None
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    async def _ask(self, question: Callable[[AlertStore], _T]) -> _T | None:
        """An answer of the store, after everything queued before is done; None when it has none in time."""
        store = self._store
        if store is None:
            return None
        answer: asyncio.Future[_T | None] = asyncio.get_running_loop().create_future()

        def settle(result: _T | None) -> None:
            if not answer.done():
                answer.set_result(result)

        def work() -> None:
            try:
                result: _T | None = question(store)
            except StoreBroken:
                result = None  # told of when it is written to
            self._background.hand_over(partial(settle, result))

        if not self._background.do(work, lambda error: settle(None)):
            return None
        try:
            async with asyncio.timeout(ANSWER_MS / 1000):
                return await answer
        except TimeoutError:
            return None

    # --- the disk --------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Have written what waits to be, unless the disk is at work on something."""
        self._rest()
        if not self._waiting or self._writing or self._store is None:
            return
        batch, self._waiting = self._waiting, []
        self._writing = True
        failed = partial(self._failed, batch)
        if not self._background.do(partial(self._write, self._store, batch), failed):
            failed(OSError("the disk does not answer"))

    def close(self) -> None:
        """The daemon ends: write what waits, and let go of the file."""
        self._writing = False
        self.flush()
        self._rest()
        if self._store is not None:
            self._background.do(self._store.close, lambda error: None)

    def _keep(self, records: list[tuple[Record, bool]]) -> None:
        if self._store is None:
            for each, foreign in records:
                if foreign and each.key not in self._known:
                    self._show(each)
            return
        self._waiting += records
        self._bound()
        if self._timer is None and not self._writing:
            self._wake(WRITE_AFTER_MS)

    def _bound(self) -> None:
        """A disk that hangs must not fill the memory."""
        over = len(self._waiting) - MOST_WAITING
        if over > 0:
            self._missing += over
            del self._waiting[:over]
            self._trouble("the disk does not answer")

    def _trouble(self, reason: str) -> None:
        if not self._broken:
            self._broken = True
            self._tell(LOST.said(reason=reason), "")

    def _write(self, store: AlertStore, batch: list[tuple[Record, bool]]) -> None:
        """In the background."""
        new = store.add(each for each, _ in batch)
        aside, store.set_aside = store.set_aside, ""
        foreign = {each.key for each, foreign in batch if foreign}
        self._background.hand_over(partial(self._written, [each for each in new if each.key in foreign], aside))

    def _written(self, new: list[Record], aside: str) -> None:
        self._writing = False
        for each in new:
            if each.key not in self._known:
                self._show(each)
        self.flush()  # before anything is said, which has to wait as well
        if aside:
            self._tell(SET_ASIDE.said(reason=aside), "")
        if self._broken:
            count, self._missing, self._broken = self._missing, 0, False
            self._tell(WRITTEN_AGAIN.said(count=count), "")

    def _failed(self, batch: list[tuple[Record, bool]], error: Exception) -> None:
        self._writing = False
        for each, foreign in batch:
            if foreign and each.key not in self._known:
                self._show(each)
        self._waiting = [*((each, False) for each, _ in batch), *self._waiting]
        self._bound()
        self._trouble(str(error))
        self._wake(RETRY_MS)

    def _wake(self, ms: int) -> None:
        self._rest()
        self._timer = asyncio.get_running_loop().call_later(ms / 1000, self.flush)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

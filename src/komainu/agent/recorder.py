"""What happened, what was decided and why: the last of it in memory, more of it in the journal.

Every delivered event is recorded with the actions it led to, so that it can be explained later. Only the time is taken
in the path of a takeover; putting it into words and writing it is done in the background.
"""

import asyncio
import dataclasses
import logging
import time
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from komainu.agent.background import Background
from komainu.agent.journal import Journal
from komainu.agent.replica import Decided
from komainu.agent.wire import event_to_json
from komainu.agent.words import Change
from komainu.core.actions import Action, RaiseAlert
from komainu.core.causes import headline
from komainu.model.message import Message, Said

MOST_IN_MEMORY = 1_000
WRITE_AFTER_MS = 100
"Entries are written together a little later: a takeover is over by then, and did not share its processor with that."

LOST = Message(
    "KM5301",
    "The journal cannot be written ({reason}). The cluster goes on; what happens now is kept in memory only. Make "
    "space in, or repair, the file system of /var/lib/komainu.",
    "ジャーナルに書き込めません ({reason})。クラスタは動作を続けますが、以後の記録はメモリ上にのみ残ります。"
    "/var/lib/komainu のファイルシステムの空き容量と状態を確認してください。",
    "error",
)
WRITTEN_AGAIN = Message(
    "KM5302",
    "The journal is written again; {count} entries are missing from it.",
    "ジャーナルへの書き込みが回復しました。{count} 件の記録が欠落しています。",
    "warning",
)
STARTED = Message("KM5303", "komainud {version} started on {node}.", "{node} で komainud {version} を起動しました。")

MESSAGES = (LOST, WRITTEN_AGAIN, STARTED)

_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_log = logging.getLogger("komainu")


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One entry, not yet put into words."""

    seq: int
    node: str
    wall_ns: int
    boottime_ms: int
    monotonic_ns: int
    decided: Decided | None
    alerts: tuple[RaiseAlert, ...]
    "Of this node alone; those that every member raises are among the actions."
    changes: tuple[Change, ...]


class Recorder:
    """Records for this node. Everything but the journal itself runs in the event loop."""

    def __init__(self, node: str, journal: Journal | None, background: Background) -> None:
        """Without a journal everything is in memory only."""
        self._node = node
        self._journal = journal
        self._background = background
        self._entries: deque[Entry | dict[str, Any]] = deque(maxlen=MOST_IN_MEMORY)
        self._seq = 0
        self._grown = asyncio.Event()
        self._waiting: list[Entry] = []
        self._unwritten = 0

    def load(self) -> None:
        """Bring the end of the journal back to memory. Reads a file: only at the start."""
        if self._journal is None:
            return
        try:
            self._entries.extend(self._journal.tail(MOST_IN_MEMORY))
        except OSError as error:
            self.alert(LOST.said(reason=str(error)))
        for entry in self._entries:
            self._seq = max(self._seq, seq_of(entry))

    def decided(self, decided: Iterable[Decided], changes: tuple[Change, ...] = ()) -> None:
        """Record delivered events with their actions; the changes belong to the last of them."""
        each = list(decided)
        for index, item in enumerate(each):
            for action in item.actions:
                if isinstance(action, RaiseAlert):
                    _say(action)
            self._add(item, (), changes if index == len(each) - 1 else ())

    def alert(self, said: Said, detail: str = "") -> None:
        """Record something that concerns this node alone."""
        alert = RaiseAlert(said, detail)
        _say(alert)
        self._add(None, (alert,), ())

    def last(self, most: int) -> list[dict[str, Any]]:
        """The last entries, oldest first."""
        entries = list(self._entries)[-most:] if most > 0 else []
        return [to_json(entry) for entry in entries]

    def after(self, seq: int) -> list[dict[str, Any]]:
        """The entries after that one, oldest first, as far as they are in memory."""
        return [to_json(entry) for entry in self._entries if seq_of(entry) > seq]

    @property
    def seq(self) -> int:
        """The number of the last entry."""
        return self._seq

    async def more(self, seq: int) -> None:
        """Wait until there is an entry after that one."""
        while self._seq <= seq:
            await self._grown.wait()

    def _add(self, decided: Decided | None, alerts: tuple[RaiseAlert, ...], changes: tuple[Change, ...]) -> None:
        self._seq += 1
        entry = Entry(
            self._seq,
            self._node,
            time.time_ns(),
            time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000,
            time.monotonic_ns(),
            decided,
            alerts,
            changes,
        )
        self._entries.append(entry)
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()
        if self._journal is not None:
            if not self._waiting:
                asyncio.get_running_loop().call_later(WRITE_AFTER_MS / 1000, self.flush)
            self._waiting.append(entry)

    def flush(self) -> None:
        """Have written what waits to be."""
        entries, self._waiting = self._waiting, []
        failed = partial(self._failed, len(entries))
        if entries and not self._background.do(partial(self._write, entries), failed):
            failed(OSError("the disk does not answer"))

    def _write(self, entries: list[Entry]) -> None:
        """In the background."""
        assert self._journal is not None
        self._journal.append([to_json(entry) for entry in entries])
        if self._unwritten:
            self._background.hand_over(self._written_again)

    def _failed(self, count: int, error: Exception) -> None:
        first = not self._unwritten
        self._unwritten += count
        if first:
            self.alert(LOST.said(reason=str(error)))

    def _written_again(self) -> None:
        count, self._unwritten = self._unwritten, 0
        if count:
            self.alert(WRITTEN_AGAIN.said(count=count))


def seq_of(entry: Entry | dict[str, Any]) -> int:
    """The number of an entry."""
    return entry.seq if isinstance(entry, Entry) else int(entry["seq"])


def to_json(entry: Entry | dict[str, Any]) -> dict[str, Any]:
    """An entry as plain JSON values; this is the format of the journal and of `komainu events --json`."""
    if not isinstance(entry, Entry):
        return entry
    at = datetime.fromtimestamp(entry.wall_ns // 1_000_000 / 1000, UTC).isoformat(timespec="milliseconds")
    told: dict[str, Any] = {
        "seq": entry.seq,
        "at": at.replace("+00:00", "Z"),
        "boottime_ms": entry.boottime_ms,
        "monotonic_ns": entry.monotonic_ns,
        "node": entry.node,
    }
    alerts = list(entry.alerts)
    if entry.decided is not None:
        actions = entry.decided.actions
        told["text"] = said_to_json(headline(entry.decided.event))
        told["event"] = event_to_json(entry.decided.event)
        told["actions"] = [action_to_json(action) for action in actions if not isinstance(action, RaiseAlert)]
        alerts += [action for action in actions if isinstance(action, RaiseAlert)]
    told["alerts"] = [{**said_to_json(alert.said), "detail": alert.detail} for alert in alerts]
    told["changes"] = [dataclasses.asdict(change) for change in entry.changes]
    return told


def action_to_json(action: Action) -> dict[str, Any]:
    """An action as plain JSON values, with its kind under `action`."""
    told = {field.name: _plain(getattr(action, field.name)) for field in dataclasses.fields(action)}
    return {"action": type(action).__name__, **told}


def said_to_json(said: Said) -> dict[str, str]:
    """A message in both languages."""
    return {"code": said.code, "level": said.level, "en": said.en, "ja": said.ja}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return said_to_json(value) if isinstance(value, Said) else value


def _say(alert: RaiseAlert) -> None:
    said = alert.said
    _log.log(_LEVELS[said.level], "%s %s%s", said.code, said.en, f" [{alert.detail}]" if alert.detail else "")

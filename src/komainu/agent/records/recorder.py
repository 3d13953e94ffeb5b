"""What happened, what was decided and why: the last of it in memory, more of it in the journal.

Every delivered event is recorded with the actions it led to, so that it can be explained and replayed later. Only the
time is taken in the path of a takeover; putting it into words and writing it is done in the background. States are
values: their snapshots and digests are made there too.
"""

import asyncio
import dataclasses
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from pydantic import TypeAdapter

from komainu import __version__
from komainu.agent.background import Background
from komainu.agent.members import wire
from komainu.agent.members.replica import Decided
from komainu.agent.members.snapshot import digest, encode
from komainu.agent.members.wire import event_to_json
from komainu.agent.records.journal import SNAPSHOT, Journal
from komainu.agent.shown.deeds import TOLD, deed
from komainu.agent.shown.words import Change
from komainu.core.state import RULES, State
from komainu.model import events as e
from komainu.model.actions import Action, AnswerCommand, RaiseAlert
from komainu.model.causes import headline
from komainu.model.message import Message, Said

FORMAT = 1
"Of the journal; told in each snapshot."
MOST_IN_MEMORY = 1_000
WRITE_AFTER_MS = 100
"Entries are written together a little later: a takeover is over by then, and did not share its processor with that."
SYNC_AFTER_MS = 1_000
"What was written survives a loss of power after so long, or is told not to."
DIGEST_EVERY = 16
"So many entries lie between two digests of the state, at least."
DIGEST_REST = 50
"A digest keeps the interpreter busy: so many times its own length passes before the next one."

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
    "The journal is written again; up to {count} entries are missing from it.",
    "ジャーナルへの書き込みが回復しました。最大 {count} 件の記録が欠落しています。",
    "warning",
)
STARTED = Message("KM5303", "komainud {version} started on {node}.", "{node} で komainud {version} を起動しました。")

_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_log = logging.getLogger("komainu")


@dataclasses.dataclass(slots=True)
class Entry:
    """One entry, not yet put into words. Nobody changes it; to freeze it would cost the path of a delivery time."""

    seq: int
    node: str
    wall_ns: int
    boottime_ms: int
    monotonic_ns: int
    decided: Decided | None
    alerts: tuple[RaiseAlert, ...]
    "Of this node alone; those that every member raises are among the actions."
    changes: tuple[Change, ...]
    version: int = 0
    "Of the configuration in force; 0 when nothing was decided."
    unheard_ms: Mapping[str, int] = dataclasses.field(default_factory=dict)
    "For how long the nodes that this view lost had not been heard."


Why = Literal["start", "segment", "adopted", "other"]
"""`start`: of a daemon. `segment`: a file begins, or lines before were lost. `adopted`: the state of another member."""


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """From here on the state is this one, whatever it was before: what the following entries are replayed from."""

    seq: int
    "Of the entry before it."
    node: str
    why: Why
    wall_ns: int
    boottime_ms: int
    state: State | None
    packed: str = ""
    "The state as the bus brought it, when `state` is None. Both missing: it is not known."


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
        self._state: State | None = None
        "After the last entry."
        self._parts: dict[int, str] = {}
        self._parts_of = ("", "")
        self._waiting: list[tuple[Entry, State | None] | Turn] = []
        self._sync_waits = False
        self._failing = False
        self._unwritten = 0
        self._script = _Script()
        self.heard: Callable[[Said, str], None] = _unheard
        "Hears of every alert that concerns this node alone."

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

    def begin(self, state: State) -> None:
        """A daemon begins with this state."""
        self._state = state
        self._turn("start", state)

    def decided(
        self,
        decided: Iterable[Decided],
        changes: tuple[Change, ...] = (),
        before: State | None = None,
        after: State | None = None,
        *,
        adopted: bool = False,
        unheard_ms: Mapping[str, int] | None = None,
    ) -> None:
        """Record delivered events with their actions, in their order.

        The changes belong to the last of them. `before`, `after`: the state before and after all of them.
        `adopted`: it was replaced before the first of them, by the one that `told` has brought.
        """
        known = self._adopted() if adopted else before is self._state or self._turn("other", before)
        each = list(decided)
        version = after.cluster.version if after is not None else 0
        for index, item in enumerate(each):
            last = index == len(each) - 1
            for action in item.actions:
                if isinstance(action, RaiseAlert):
                    _say(action)
            unheard = unheard_ms if unheard_ms and isinstance(item.event, e.ViewChanged) else {}
            self._add(item, (), changes if last else (), after if last and known else None, version, unheard)
        self._state = after
        if not known:
            self._turn("adopted", after)

    def told(self, sender: str, part: wire.Snapshot) -> None:
        """A part of a state came over the bus: it may be the one that is adopted next."""
        if self._parts_of != (sender, part.round):
            self._parts_of, self._parts = (sender, part.round), {}
        self._parts[part.part] = part.data

    def _adopted(self) -> bool:
        """The state was replaced; False when nobody knows by what."""
        parts, self._parts, self._parts_of = self._parts, {}, ("", "")
        whole = bool(parts) and sorted(parts) == list(range(len(parts)))
        self._turn("adopted", None, "".join(parts[index] for index in range(len(parts))) if whole else "")
        return whole

    def alert(self, said: Said, detail: str = "", *, shared: bool = False) -> None:
        """Record something beside the events. `shared`: every member says it; else it concerns this node alone."""
        alert = RaiseAlert(said, detail)
        _say(alert)
        self._add(None, (alert,), (), None)
        if not shared:
            self.heard(said, detail)

    def last(self, most: int) -> list[dict[str, Any]]:
        """The last entries, oldest first."""
        entries = list(self._entries)[-most:] if most > 0 else []
        return [told(entry) for entry in entries]

    def after(self, seq: int) -> list[dict[str, Any]]:
        """The entries after that one, oldest first, as far as they are in memory."""
        return [told(entry) for entry in self._entries if seq_of(entry) > seq]

    def began(self, ids: Iterable[str]) -> dict[str, str]:
        """When the actions of these ids were decided, as far as that is in memory and of this run of the daemon."""
        left, found = list(ids), dict[str, str]()
        for entry in reversed(self._entries):
            if not left or not isinstance(entry, Entry):
                break
            for action in entry.decided.actions if entry.decided is not None else ():
                number = getattr(action, "id", "")
                if number in left and not isinstance(action, AnswerCommand):
                    left.remove(number)
                    found[number] = _at(entry.wall_ns)
        return found

    @property
    def seq(self) -> int:
        """The number of the last entry."""
        return self._seq

    async def more(self, seq: int) -> None:
        """Wait until there is an entry after that one."""
        while self._seq <= seq:
            self._grown.clear()
            await self._grown.wait()

    def _add(
        self,
        decided: Decided | None,
        alerts: tuple[RaiseAlert, ...],
        changes: tuple[Change, ...],
        state: State | None,
        version: int = 0,
        unheard_ms: Mapping[str, int] | None = None,
    ) -> None:
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
            version,
            unheard_ms or {},
        )
        self._entries.append(entry)
        self._grown.set()
        self._put((entry, state))

    def _turn(self, why: Why, state: State | None, packed: str = "") -> bool:
        boottime_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        self._put(Turn(self._seq, self._node, why, time.time_ns(), boottime_ms, state, packed))
        return True

    def _put(self, item: tuple[Entry, State | None] | Turn) -> None:
        if self._journal is not None:
            if not self._waiting:
                asyncio.get_running_loop().call_later(WRITE_AFTER_MS / 1000, self._write_waiting)
            self._waiting.append(item)

    def flush(self) -> None:
        """Have written what waits to be, and have it survive a loss of power."""
        self._write_waiting()
        self._sync()

    def _write_waiting(self) -> None:
        items, self._waiting = self._waiting, []
        failed = partial(self._failed, sum(1 for item in items if not isinstance(item, Turn)))
        if items and not self._background.do(partial(self._write, items), failed):
            failed(OSError("the disk does not answer"))
        if items and not self._sync_waits:
            self._sync_waits = True
            asyncio.get_running_loop().call_later(SYNC_AFTER_MS / 1000, self._sync)

    def _sync(self) -> None:
        self._sync_waits = False
        if self._journal is not None:
            self._background.do(self._sync_now, partial(self._failed, 0))

    async def written(self) -> None:
        """Returns when everything up to now is on the disk."""
        done = asyncio.Event()
        self.flush()
        if self._background.do(lambda: self._background.hand_over(done.set), self._unsaid):
            await done.wait()

    def _unsaid(self, error: Exception) -> None:
        _log.error("%s: %s", type(error).__name__, error)

    def _write(self, items: list[tuple[Entry, State | None] | Turn]) -> None:
        """In the background."""
        assert self._journal is not None
        begin = self._script.segment(items[0])
        self._journal.append([self._script.line(item) for item in items], begin)

    def _sync_now(self) -> None:
        """In the background."""
        assert self._journal is not None
        if self._journal.sync() and self._failing:
            self._background.hand_over(self._written_again)

    def _failed(self, count: int, error: Exception) -> None:
        self._unwritten += count
        if not self._failing:
            self._failing = True
            self.alert(LOST.said(reason=str(error)))

    def _written_again(self) -> None:
        if self._failing:
            count, self._unwritten, self._failing = self._unwritten, 0, False
            self.alert(WRITTEN_AGAIN.said(count=count))


def seq_of(entry: Entry | dict[str, Any]) -> int:
    """The number of an entry."""
    return entry.seq if isinstance(entry, Entry) else int(entry["seq"])


class _Script:
    """Puts into lines what waits to be written. Used by the background thread alone."""

    def __init__(self) -> None:
        self._state: State | None = None
        "After the last line."
        self._digested = 0
        self._rest_until_ns = 0

    def segment(self, first: tuple[Entry, State | None] | Turn) -> Callable[[], dict[str, Any] | None]:
        """Makes the snapshot that a file begins with when this is the first that is written to it."""
        state = self._state
        after, at = (first.seq, first) if isinstance(first, Turn) else (first[0].seq - 1, first[0])
        turn = Turn(after, at.node, "segment", at.wall_ns, at.boottime_ms, state)
        return lambda: snapshot_to_json(turn) if state is not None else None

    def line(self, item: tuple[Entry, State | None] | Turn) -> dict[str, Any]:
        """The line of an entry or a snapshot."""
        if isinstance(item, Turn):
            self._state = item.state
            return snapshot_to_json(item)
        entry, state = item
        told = to_json(entry)
        if state is not None:
            self._state = state
            began_ns = time.monotonic_ns()
            if entry.seq - self._digested >= DIGEST_EVERY and began_ns >= self._rest_until_ns:
                told["digest"] = digest(state)
                ended_ns = time.monotonic_ns()
                self._digested, self._rest_until_ns = entry.seq, ended_ns + DIGEST_REST * (ended_ns - began_ns)
        return told


def to_json(entry: Entry | dict[str, Any]) -> dict[str, Any]:
    """An entry as plain JSON values; this is the format of the journal."""
    if not isinstance(entry, Entry):
        return entry
    body: dict[str, Any] = {
        "seq": entry.seq,
        "at": _at(entry.wall_ns),
        "boottime_ms": entry.boottime_ms,
        "monotonic_ns": entry.monotonic_ns,
        "node": entry.node,
    }
    alerts = list(entry.alerts)
    if entry.decided is not None:
        actions = entry.decided.actions
        body["rules"] = entry.decided.rules
        body["configuration"] = entry.version
        if entry.unheard_ms:
            body["unheard_ms"] = dict(entry.unheard_ms)
        body["text"] = headline(entry.decided.event).as_json()
        body["event"] = event_to_json(entry.decided.event)
        body["actions"] = [action_to_json(action) for action in actions if not isinstance(action, RaiseAlert)]
        alerts += [action for action in actions if isinstance(action, RaiseAlert)]
    body["alerts"] = [{**alert.said.as_json(), "detail": alert.detail} for alert in alerts]
    body["changes"] = [dataclasses.asdict(change) for change in entry.changes]
    return body


def told(entry: Entry | dict[str, Any]) -> dict[str, Any]:
    """An entry as the API gives it: with `text` in each action that touches the world."""
    body = to_json(entry)
    return {**body, "actions": list(map(worded, body["actions"]))} if "actions" in body else body


def worded(action: dict[str, Any]) -> dict[str, Any]:
    """An action of `action_to_json` with what it does in words, under `text`, if it touches the world."""
    if action["action"] not in TOLD:
        return action
    return {**action, "text": deed(action["action"], action).as_json()}


def snapshot_to_json(turn: Turn) -> dict[str, Any]:
    """A state in the journal, packed. A line without `state`: what follows cannot be replayed until the next one."""
    state = turn.state
    return {
        "kind": SNAPSHOT,
        "seq": turn.seq,
        "at": _at(turn.wall_ns),
        "boottime_ms": turn.boottime_ms,
        "node": turn.node,
        "why": turn.why,
        "format": FORMAT,
        "release": __version__,
        "rules": RULES,
        "digest": digest(state) if state is not None else None,
        "state": ("".join(wire.pack(encode(state))) if state is not None else turn.packed) or None,
    }


_ACTIONS: dict[str, TypeAdapter[Any]] = {kind.__name__: TypeAdapter(kind) for kind in Action.__args__}


def action_to_json(action: Action) -> dict[str, Any]:
    """An action as plain JSON values, with its kind under `action`."""
    kind = type(action).__name__
    return {"action": kind, **_ACTIONS[kind].dump_python(action, mode="json")}


def _at(wall_ns: int) -> str:
    """Wall clock, UTC, to the millisecond."""
    at = datetime.fromtimestamp(wall_ns // 1_000_000 / 1000, UTC).isoformat(timespec="milliseconds")
    return at.replace("+00:00", "Z")


def _unheard(said: Said, detail: str) -> None:
    """Nobody has asked to hear of alerts yet."""


def _say(alert: RaiseAlert) -> None:
    said = alert.said
    _log.log(_LEVELS[said.level], "%s %s%s", said.code, said.en, f" [{alert.detail}]" if alert.detail else "")

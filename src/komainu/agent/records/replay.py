"""A journal is gone through once more by the real core: does it decide today what it decided then? Pure.

Every event is absorbed by the state of the last snapshot before it, under the rules number that was recorded with it.
The actions are compared with the recorded ones, the digests of the states with those that lie in between.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from komainu import __version__
from komainu.agent.members import wire
from komainu.agent.members.replica import BROKEN
from komainu.agent.members.snapshot import decode, digest
from komainu.agent.records.journal import SNAPSHOT, Read
from komainu.agent.records.recorder import action_to_json, worded
from komainu.core.audit import InvariantBroken
from komainu.core.state import RULES, State
from komainu.core.step import step
from komainu.model.actions import Action, RaiseAlert
from komainu.model.message import Message, Said

OTHER_ACTIONS = Message(
    "KM5321",
    "The core decides otherwise than it did. Only then: {recorded}. Only now: {decided}.",
    "記録と異なる決定になりました。記録のみ: {recorded}。再実行のみ: {decided}。",
    "error",
)
OTHER_STATE = Message(
    "KM5322",
    "The state is not the one that was recorded (digest {recorded}, now {decided}).",
    "状態が記録と一致しません (記録のダイジェスト {recorded}、再実行 {decided})。",
    "error",
)
CORE_FAILED = Message(
    "KM5323",
    "The core cannot absorb this event ({reason}). Everything up to the next snapshot is left out.",
    "コアがこのイベントを処理できません ({reason})。次のスナップショットまで省略します。",
    "error",
)
OTHER_RELEASE = Message(
    "KM5324",
    "From here on the journal is that of release {release}; this is release {own}. Releases may decide differently "
    "on purpose, so a difference is no proof of a defect: to be sure, replay it with release {release}.",
    "ここからのジャーナルはリリース {release} のものです (このコマンドはリリース {own})。決定はリリース間で意図的に"
    "変更されることがあり、差異は不具合の証拠になりません。確認するにはリリース {release} で再実行してください。",
    "warning",
)
OTHER_RULES = Message(
    "KM5325",
    "Entries {first} to {last} were decided under rules that this release does not know. They are left out, and what "
    "follows up to the next snapshot.",
    "記録 {first} から {last} は、このリリースにない規則番号で決定されています。次のスナップショットまで省略します。",
    "warning",
)
OTHER_FORM = Message(
    "KM5326",
    "{what} cannot be read by this release ({reason}). Everything up to the next snapshot is left out.",
    "{what} はこのリリースでは読み取れません ({reason})。次のスナップショットまで省略します。",
    "warning",
)
DAMAGED = Message(
    "KM5327",
    "{file}, line {line}, is damaged. Everything from there to the next snapshot is left out.",
    "{file} の {line} 行目が破損しています。次のスナップショットまで省略します。",
    "warning",
)
TORN = Message(
    "KM5328",
    "{file} ends in the middle of line {line}: the machine lost its power, or the daemon is writing just now. Nothing "
    "before it is lost.",
    "{file} は {line} 行目の途中で終わっています。電源断か、デーモンが書き込み中です。それより前の記録は失われて"
    "いません。",
)
MISSING = Message(
    "KM5329",
    "Entries {first} to {last} are missing. Everything up to the next snapshot is left out.",
    "記録 {first} から {last} が欠落しています。次のスナップショットまで省略します。",
    "warning",
)
NO_STATE = Message(
    "KM5330",
    "Entries {first} to {last} have no snapshot before them and are left out.",
    "記録 {first} から {last} は、前にスナップショットがないため省略しました。",
    "warning",
)

Json = dict[str, Any]


@dataclass(slots=True)
class Tally:
    """What a whole replay came to."""

    entries: int = 0
    "In the range, alerts of the node alone among them."
    replayed: int = 0
    left_out: int = 0
    "Events that could not be replayed."
    snapshots: int = 0
    digests: int = 0
    "That were compared."
    differences: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """One event, and what the core decides about it now."""

    seq: int
    at: str
    text: Mapping[str, str]
    event: Mapping[str, Any]
    rules: int
    actions: tuple[Json, ...]
    "As in the journal; with `text` where the action touches the world."
    alerts: tuple[Json, ...]
    digest: str
    "Of the state after it, where the journal has one; else empty."
    differences: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about the journal itself, or about a snapshot."""

    seq: int
    "Of the entry before it."
    at: str
    said: Said
    difference: bool = False


class Replay:
    """One pass over a journal. Iterate `run` to its end, then look at `tally`."""

    def __init__(self, first: int = 0, last: int | None = None) -> None:
        """Only entries of these numbers are told and compared; those before them are absorbed all the same."""
        self.tally = Tally()
        self._first = first
        self._last = last
        self._state: State | None = None
        self._seq = 0
        self._at = ""
        self._release = __version__
        self._excused = False
        "It was said why there is no state."
        self._unknown: tuple[int, int, Message] | None = None
        "The entries that are being left out, and what to say of them."

    def run(self, lines: Iterable[Read]) -> Iterator[Decision | Remark]:
        """Everything in its order."""
        for line in lines:
            body = line.body
            if body is None:
                if line.torn:
                    yield from self._remark(TORN.said(file=line.file, line=line.number))
                else:
                    yield from self._lose(DAMAGED.said(file=line.file, line=line.number))
                continue
            if self._last is not None and body["seq"] > self._last:
                break
            if "kind" in body:
                yield from self._snapshot(body) if body["kind"] == SNAPSHOT else ()
                continue
            yield from self._missing(body["seq"])
            self._seq, self._at = body["seq"], str(body.get("at", ""))
            self.tally.entries += self._told
            if "event" in body:
                yield from self._entry(body)
        yield from self._left_out()

    @property
    def _told(self) -> bool:
        return self._seq >= self._first

    def _remark(self, said: Said, *, difference: bool = False) -> Iterator[Remark]:
        if self._told:
            self.tally.differences += difference
            yield Remark(self._seq, self._at, said, difference)

    def _lose(self, said: Said, *, difference: bool = False) -> Iterator[Remark]:
        """What comes before the next snapshot cannot be replayed, for this reason."""
        self._state, self._excused = None, True
        yield from self._remark(said, difference=difference)

    def _missing(self, seq: int) -> Iterator[Remark]:
        if self._seq and seq > self._seq + 1:
            yield from self._lose(MISSING.said(first=self._seq + 1, last=seq - 1))

    def _snapshot(self, body: Json) -> Iterator[Remark]:
        yield from self._left_out()
        yield from self._missing(body["seq"] + 1)
        self._seq, self._at = body["seq"], str(body.get("at", ""))
        release = str(body.get("release", ""))
        if release != self._release:
            self._release = release
            yield from self._remark(OTHER_RELEASE.said(release=release, own=__version__))
        before, self._state, self._excused = self._state, None, False
        packed = body.get("state")
        if packed is None:
            return
        try:
            self._state = decode(wire.unpack([packed]))
        except (ValueError, TypeError, zlib.error) as error:
            yield from self._lose(OTHER_FORM.said(what=f"snapshot {self._seq}", reason=_short(error)))
            return
        self.tally.snapshots += 1
        # Another state than the one before it is no surprise when a daemon began, or took over another member's.
        if before is not None and body.get("why") == "segment":
            yield from self._compare_digest(before, body)

    def _compare_digest(self, state: State, body: Json) -> Iterator[Remark]:
        recorded = body.get("digest")
        if recorded and self._told:
            self.tally.digests += 1
            if (decided := digest(state)) != recorded:
                yield from self._remark(OTHER_STATE.said(recorded=recorded, decided=decided), difference=True)

    def _entry(self, body: Json) -> Iterator[Decision | Remark]:
        rules = body.get("rules")
        state = self._state
        if state is None or not isinstance(rules, int):
            self._leave_out(body["seq"], NO_STATE)
            return
        if not 1 <= rules <= RULES:
            self._leave_out(body["seq"], OTHER_RULES)
            self._state = None
            return
        try:
            event = wire.event_from_json(body["event"])
        except wire.Undecodable as error:
            yield from self._lose(OTHER_FORM.said(what=f"entry {self._seq}", reason=_short(error)))
            self._leave_out(body["seq"], NO_STATE)
            return
        actions: tuple[Action, ...]
        try:
            done = step(state, event, rules)
            self._state, actions = done.state, done.actions
        except InvariantBroken as error:
            actions = (RaiseAlert(BROKEN.said(what=str(error))),)
        except Exception as error:  # noqa: BLE001  (a defect of the core is what a replay looks for: it is told)
            yield from self._lose(CORE_FAILED.said(reason=f"{type(error).__name__}: {error}"), difference=True)
            self._leave_out(body["seq"], NO_STATE)
            return
        self.tally.replayed += self._told
        if self._told:
            yield self._decision(body, rules, actions)

    def _decision(self, body: Json, rules: int, actions: tuple[Action, ...]) -> Decision:
        acts = [action_to_json(action) for action in actions if not isinstance(action, RaiseAlert)]
        alerts = [
            {**action.said.as_json(), "detail": action.detail} for action in actions if isinstance(action, RaiseAlert)
        ]
        differences = []
        recorded, decided = [*body.get("actions", ()), *body.get("alerts", ())], [*acts, *alerts]
        if recorded != decided:
            only_then = [each for each in recorded if each not in decided]
            only_now = [each for each in decided if each not in recorded]
            if not only_then and not only_now:
                only_then, only_now = recorded, decided  # the same ones, in another order
            differences.append(OTHER_ACTIONS.said(recorded=_briefly(only_then), decided=_briefly(only_now)))
        assert self._state is not None
        differences += [remark.said for remark in self._compare_digest(self._state, body)]
        # A digest that differs was counted where it was compared.
        self.tally.differences += recorded != decided
        return Decision(
            seq=body["seq"],
            at=str(body.get("at", "")),
            text=body["text"],
            event=body["event"],
            rules=rules,
            actions=tuple(worded(act) for act in acts),
            alerts=tuple(alerts),
            digest=str(body.get("digest") or ""),
            differences=tuple(differences),
        )

    def _leave_out(self, seq: int, why: Message) -> None:
        self.tally.left_out += self._told
        if self._told and not self._excused:
            first = self._unknown[0] if self._unknown is not None else seq
            self._unknown = (first, seq, self._unknown[2] if self._unknown is not None else why)

    def _left_out(self) -> Iterator[Remark]:
        if self._unknown is not None:
            first, last, why = self._unknown
            self._unknown = None
            yield from self._remark(why.said(first=first, last=last))


def _briefly(items: list[Json]) -> str:
    """Actions and alerts in a few words."""
    return ", ".join(map(_brief, items)) or "-"


def _brief(item: Json) -> str:
    if "action" not in item:
        return f"{item.get('code')} {item.get('en')}"
    shown = [f"{name}={value}" for name, value in item.items() if name not in ("action", "because", "cluster", "said")]
    return f"{item['action']}({', '.join(shown)})"


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]

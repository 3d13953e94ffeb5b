"""Messages between agents, and their bytes.

A message is one JSON object in UTF-8: `{"v": protocol, "k": kind, "b": body}`. Bodies of proposals are core events.
What does not decode, has a newer protocol or is too large is refused with Undecodable: it is logged, never a crash.
A large message (a whole configuration, C11) is packed: `{"v", "k": "Packed", "b": the message, deflated, in base64}`.
"""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from komainu.agent.alert_record import Record
from komainu.model import commands as c, events as e
from komainu.model.actions import Ending
from komainu.model.message import Said
from komainu.model.outcome import Result

PROTOCOL: Final = 1
MAX_BYTES: Final = 1_000_000
PART_BYTES: Final = 900_000
"The largest part of a snapshot."
PACKED_FROM_BYTES: Final = 65_536
UNPACKED_BYTES: Final = 64_000_000
"What a packed message may grow to."


class Undecodable(ValueError):
    """A message that this release cannot read."""


@dataclass(frozen=True, slots=True)
class Beat:
    """I live (law 6). At most 64 bytes on the wire."""

    number: int


@dataclass(frozen=True, slots=True)
class Beacon:
    """A beat where rights are limited (N2): it answers the beacons of others, and wants to be answered.

    At most 64 bytes on the wire between two nodes.
    """

    n: int
    "Its number."
    h: dict[int, int] = field(default_factory=dict)
    "By node id, the newest beacon heard while the sender was together with that node."


@dataclass(frozen=True, slots=True)
class Proposal:
    """An event that happened on the sender; it counts once it is delivered."""

    number: int
    "The sender's own count: it repeats a proposal until it sees it delivered (law 9)."
    event: e.Event


@dataclass(frozen=True, slots=True)
class RoundOpened:
    """Let us put our states together: everybody says Hello. A later one replaces an earlier one."""

    round: str
    "Unique."
    silent: tuple[str, ...]
    "Members that do not speak, as the opener knows: nobody waits for their Hello."


@dataclass(frozen=True, slots=True)
class Hello:
    """A member presents its history, so that all can agree whose state goes on."""

    round: str
    incarnation: str
    rules: int
    epoch: int
    formed: bool
    version: int
    "Of the configuration it holds."
    configuration: str
    "Digest of that configuration."
    lineage: str
    "Equal for members that have gone through the same views with the same state."
    active: int
    "How many resources it runs; on a tie the side that serves goes on."
    leaving: bool = False
    "It was asked to leave."
    then: Ending = "end"
    won: int = 0
    "The newest epoch in which its history had the vote or was the majority."
    noted: bool = False
    "Its disk has a suspension of the whole cluster."


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A part of the state that goes on."""

    round: str
    part: int
    parts: int
    data: str


@dataclass(frozen=True, slots=True)
class DigestAsked:
    """Let everybody take the digest of the state at this place in the order (law 7)."""

    number: int


@dataclass(frozen=True, slots=True)
class DigestTold:
    """The digest that the sender took then."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class AlertsTold:
    """Alerts that others may lack (W5). This and what follows means nothing to the state."""

    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class AlertsHeld:
    """Which alerts the sender has."""

    lineage: str
    "Of the history in which it says so."
    able: bool
    "False: its alert log does not answer, and is to be left out."
    streams: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class AlertsSent:
    """The sender has sent alerts of the core by a notification, or has given that up."""

    name: str
    keys: tuple[tuple[str, int], ...]
    sent: bool


@dataclass(frozen=True, slots=True)
class TestAsked:
    """Let everybody test that notification, or all when none is named."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class TestAnswered:
    """What became of the sender's test."""

    id: str
    name: str
    result: Result
    said: Said | None
    detail: str


_KINDS: Final = (
    *(Beat, Beacon, Hello, Snapshot, RoundOpened, DigestAsked, DigestTold),
    *(AlertsTold, AlertsHeld, AlertsSent, TestAsked, TestAnswered),
)
Message = (
    Beat
    | Beacon
    | Proposal
    | Hello
    | Snapshot
    | RoundOpened
    | DigestAsked
    | DigestTold
    | AlertsTold
    | AlertsHeld
    | AlertsSent
    | TestAsked
    | TestAnswered
)

_MESSAGES: Final[dict[str, TypeAdapter[Any]]] = {kind.__name__: TypeAdapter(kind) for kind in _KINDS}
_EVENTS: Final[dict[str, TypeAdapter[Any]]] = {kind.__name__: TypeAdapter(kind) for kind in e.Event.__args__}


def event_to_json(event: e.Event) -> dict[str, Any]:
    """An event as plain JSON values, with its kind under `event`."""
    kind = type(event).__name__
    body = _EVENTS[kind].dump_python(event, mode="json")
    if isinstance(event, e.CommandGiven) and isinstance(event.command, c.ChangeConfiguration):
        # An older release refuses parts that it does not know: it is told of those that are used (ADR 0010).
        body["command"]["cluster"] = event.command.cluster.model_dump(mode="json", exclude_defaults=True)
    return {"event": kind, **body}


def event_from_json(body: dict[str, Any]) -> e.Event:
    """The event of `event_to_json`. Raises Undecodable."""
    try:
        kind = body["event"]
        event: e.Event = _EVENTS[kind].validate_python({key: body[key] for key in body if key != "event"})
    except (KeyError, TypeError, ValidationError) as error:
        raise Undecodable(f"not an event: {error}") from error
    return event


def encode(message: Message) -> bytes:
    """The bytes of a message. What is not text (half a surrogate in the output of a program) becomes `?`."""
    if isinstance(message, Proposal):
        kind, body = "Proposal", {"number": message.number, **event_to_json(message.event)}
    else:
        kind = type(message).__name__
        body = _MESSAGES[kind].dump_python(message, mode="json")
    text = json.dumps({"v": PROTOCOL, "k": kind, "b": body}, separators=(",", ":"), ensure_ascii=False)
    data = text.encode(errors="replace")
    if len(data) < PACKED_FROM_BYTES or isinstance(message, Snapshot):
        return data
    packed = base64.b64encode(zlib.compress(data, level=1)).decode()
    return json.dumps({"v": PROTOCOL, "k": "Packed", "b": packed}, separators=(",", ":")).encode()


def decode(data: bytes) -> Message:
    """The message of those bytes. Raises Undecodable."""
    if len(data) > MAX_BYTES:
        raise Undecodable(f"{len(data)} bytes are more than {MAX_BYTES}")
    try:
        kind, body = _opened(data)
        if kind == "Packed":
            kind, body = _opened(_unpacked(body))
        if kind == "Proposal":
            number = int(body.pop("number"))
            return Proposal(number, event_from_json(body))
        message: Message = _MESSAGES[kind].validate_python(body)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        if isinstance(error, Undecodable):
            raise
        raise Undecodable(f"not a message: {error}") from error
    return message


def _opened(data: bytes) -> tuple[str, Any]:
    """Kind and body. Raises what the JSON and its use can raise."""
    frame = json.loads(data)
    if b"\\u" in data:
        # JSON can spell half a surrogate, and no state that holds one could be written out.
        json.dumps(frame, ensure_ascii=False).encode()
    if frame["v"] != PROTOCOL:
        raise Undecodable(f"protocol {frame['v']}; this release speaks {PROTOCOL}")
    return frame["k"], frame["b"]


def _unpacked(body: str) -> bytes:
    """Raises ValueError, also for what would grow beyond all measure."""
    opened = zlib.decompressobj()
    try:
        data = opened.decompress(base64.b64decode(body, validate=True), UNPACKED_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not opened.eof:
        raise ValueError(f"cut off, or larger than {UNPACKED_BYTES} bytes")
    return data


def pack(snapshot: bytes) -> tuple[str, ...]:
    """A snapshot as parts that fit into messages: packed, and in ASCII, which no message makes longer."""
    data = base64.b64encode(zlib.compress(snapshot)).decode()
    return tuple(data[start : start + PART_BYTES] for start in range(0, len(data), PART_BYTES))


def unpack(parts: Sequence[str]) -> bytes:
    """The snapshot of `pack`."""
    return zlib.decompress(base64.b64decode("".join(parts)))

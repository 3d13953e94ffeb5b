"""One alert as it is kept: who said it, when, and by which name every node knows it (W5). Pure.

Alerts come in streams, numbered from 1. What the core raises belongs to the stream of the history it was decided in
(`Replica.lineage`): all members of that history decide the same in the same order, so each of them numbers alike, and
an alert that every member records has one name. What a daemon says of its own node belongs to a stream of that daemon.
A stream with its numbers tells a node that was away what it has missed.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import Field

from komainu.core import change, membership, placement
from komainu.model import events as e
from komainu.model.message import Level, Said
from komainu.ports import Alert

MODULES: Final[Mapping[str, str]] = {
    "KM1": "config",
    "KM2": "corosync",
    "KM3": "aws",
    "KM38": "address",
    "KM39": "notify",
    "KM4": "monitor",
    "KM40": "exec",
    "KM5": "agent",
    "KM51": "resource",
    "KM571": "notify",
    "KM572": "notify",
    "KM58": "fence",
    "KM6": "api",
    "KM61": "cli",
    "KM64": "vote",
    "KM7": "core",
    "KM85": "vote",
    "KM86": "witness",
    "KM89": "isolation",
}
"""The module of a message by the beginning of its code; the longest that fits counts. Filters rest on these words."""
OTHER: Final = "other"

OF_THE_CLUSTER: Final = tuple(
    message.code
    for message in (membership.FORMED, placement.PLACED, placement.BOTH_ACTIVE, change.IN_FORCE, change.ABANDONED)
)
"What is said of no single node, whichever node's news was the last that led to it."

LEVELS: Final[Mapping[Level, int]] = {"info": 0, "warning": 1, "error": 2}

TEXT_LENGTH: Final = 2_000
DETAIL_LENGTH: Final = 4_000
"Characters that are kept; the journal has the whole."
MOST_MS: Final = 253_402_300_800_000
"The end of the year 9999: no clock of a node is behind it, and no calendar goes on after it."

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


def module_of(code: str) -> str:
    """The module that a message belongs to."""
    for length in range(len(code), 0, -1):
        if code[:length] in MODULES:
            return MODULES[code[:length]]
    return OTHER


@dataclass(frozen=True, slots=True)
class Record:
    """One alert."""

    stream: Annotated[str, Field(min_length=1, max_length=200)]
    n: Annotated[int, Field(ge=1, le=2**53)]
    "Its number in the stream, from 1."
    at_ms: Annotated[int, Field(ge=0, lt=MOST_MS)]
    "Milliseconds since 1970, by the clock of the node that recorded it."
    node: str
    "The node it is about or comes from; empty: the cluster as a whole."
    code: str
    level: Level
    en: str
    ja: str
    detail: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """Its name, the same on every node."""
        return (self.stream, self.n)


def record(stream: str, n: int, node: str, said: Said, detail: str, at_ms: int) -> Record:
    """An alert that was just said; texts of programs are cut off and made writable."""
    en, ja = _writable(said.en, TEXT_LENGTH), _writable(said.ja, TEXT_LENGTH)
    return Record(stream, n, at_ms, node, said.code, said.level, en, ja, _writable(detail, DETAIL_LENGTH))


def shown(each: Record) -> Alert:
    """An alert for people and programs."""
    at = (_BEGINNING + timedelta(milliseconds=each.at_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name = f"{each.stream}-{each.n}"
    return Alert(name, at, each.node, module_of(each.code), each.code, each.level, each.en, each.ja, each.detail)


def node_of(event: e.Event, said: Said) -> str:
    """The node of an alert that an event led to; empty when it is about the cluster as a whole."""
    if said.code in OF_THE_CLUSTER:
        return ""
    if isinstance(event, e.CommandGiven):
        return event.origin
    node: Any = getattr(event, "node", "")
    return node if isinstance(node, str) else ""


def wall_ms() -> int:
    """The time by this node's clock."""
    return time.time_ns() // 1_000_000


def _writable(text: str, most: int) -> str:
    # What a program wrote may hold half a surrogate, which neither the bus nor a file can take.
    text = text.encode(errors="replace").decode()
    return text if len(text) <= most else text[:most] + " ..."

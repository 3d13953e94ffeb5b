"""A takeover or a move as its witnesses tell it: the cluster's journal, the emulated API, the client. Pure.

All times are CLOCK_BOOTTIME in nanoseconds; what is reported is milliseconds since the fault or the command.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from komainu_lab.client import Record, longest_gap

NS_PER_MS = 1_000_000
LOST = ("Unknown", "Offline")
"What a node's status becomes when its loss is delivered."

Entry = Mapping[str, Any]
Call = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened."""

    ms: float
    what: str
    where: str


@dataclass(frozen=True, slots=True)
class Gap:
    """What the client noticed."""

    ms: float
    before: str
    "Who answered last."
    after: str
    "Who answered first."
    unanswered: int
    "Requests sent in between that nobody answered."


def at_ns(entry: Entry) -> int:
    """When a journal entry was recorded."""
    return int(entry["boottime_ms"]) * NS_PER_MS


def changed(entries: Iterable[Entry], what: str, name: str, now: Iterable[str], since_ns: int) -> Entry | None:
    """The first entry, not before a time, in which a node or a group came to one of these status words."""
    words = tuple(now)
    for entry in entries:
        # The journal counts in whole milliseconds, so the one that contains the fault may not be left out.
        if at_ns(entry) + NS_PER_MS <= since_ns:
            continue
        for change in entry["changes"]:
            if change["what"] == what and change["name"] == name and change["now"] in words:
                return entry
    return None


def ms_between(since_ns: int, until_ns: int) -> int:
    """Whole milliseconds, rounded; never negative, for the journal's clock is coarser than the lab's."""
    return max(0, round((until_ns - since_ns) / NS_PER_MS))


def calls_by(calls: Iterable[Call], source: str, since_ns: int, until_ns: int) -> list[Call]:
    """The API calls that a machine made in that time."""
    return [call for call in calls if call["source"] == source and since_ns <= call["received_ns"] <= until_ns]


def count(calls: Iterable[Call]) -> dict[str, int]:
    """How many calls of each action."""
    counted: dict[str, int] = {}
    for call in calls:
        counted[call["action"]] = counted.get(call["action"], 0) + 1
    return counted


def gap_of(records: list[Record], since_ns: int) -> Gap | None:
    """The gap that a fault or a command at that time caused; None when nobody was answered afterwards."""
    found = longest_gap(records, since_ns)
    if found is None:
        return None
    unanswered = sum(1 for r in records if not r.good and found.last.sent_ns <= r.sent_ns <= found.next.sent_ns)
    return Gap(found.ms, found.last.who, found.next.who, unanswered)


def route_moments(calls: Iterable[Call], since_ns: int, names: Mapping[str, str]) -> list[Moment]:
    """Each ReplaceRoute with its table and each AssociateAddress, at the time of its answer.

    `names`: of the tables, by id.
    """
    moments = []
    for call in calls:
        if call["action"] in ("ReplaceRoute", "AssociateAddress") and call["answered_ns"]:
            table = str(call["details"].get("RouteTableId", ""))
            took = (call["answered_ns"] - call["received_ns"]) / NS_PER_MS
            done = f"route replaced in {names.get(table, table)}" if table else "Elastic IP associated"
            what = f"{done}, the API took {took:.0f} ms"
            moments.append(Moment((call["answered_ns"] - since_ns) / NS_PER_MS, what, str(call["source"])))
    return moments

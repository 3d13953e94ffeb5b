"""Which groups stopped being online, when, why, and when they were online again: found in the lines of a journal. Pure.

Groups that one event took down make one interruption. Its number is that of the journal entry in which it began, so it
keeps it as long as the journal holds it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = Mapping[str, Any]
Kind = Literal["failover", "restart", "stopped", "unfinished", "ordered"]
"""`failover`: online on another node. `restart`: online again on the same one. `stopped`: an operator stopped what was
not online. `unfinished`: not online yet. `ordered`: it began with an operator's word, or with the orderly end of a
daemon."""

ONLINE = "Online"


@dataclass(slots=True)
class Outage:
    """One group in one interruption."""

    group: str
    came_from: str | None
    "Where it was online before; None when the journal does not go back so far."
    began: Json
    "The entry."
    online: Json | None = None
    "The entry in which it was online again."
    to: str | None = None
    word: str = ""
    "What it is now, or was when it was stopped by an operator."
    stopped: bool = False
    "An operator stopped it before it was online again."

    @property
    def over(self) -> bool:
        """Nobody waits for it any more."""
        return self.online is not None or self.stopped


@dataclass(slots=True)
class Interruption:
    """What one event took down."""

    began: Json
    outages: list[Outage] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Of the entry in which it began."""
        return int(self.began["seq"])

    @property
    def over(self) -> bool:
        """Every group of it is online again, or stopped by an operator."""
        return all(outage.over for outage in self.outages)

    @property
    def kind(self) -> Kind:
        """What became of it."""
        event = self.began.get("event") or {}
        if event.get("event") in ("CommandGiven", "NodeLeaving"):
            return "ordered"
        if not self.over:
            return "unfinished"
        again = [outage for outage in self.outages if outage.online is not None]
        if any(outage.to != outage.came_from for outage in again):
            return "failover"
        return "restart" if again else "stopped"


def interruptions(lines: Iterable[Json]) -> list[Interruption]:
    """All of them, the oldest first. `lines`: of one journal, snapshots among them or not."""
    search = _Search()
    for line in lines:
        search.line(line)
    return search.found


class _Search:
    def __init__(self) -> None:
        self.found: list[Interruption] = []
        self._words: dict[str, tuple[str, str | None]] = {}
        self._open: dict[str, tuple[Interruption, Outage]] = {}

    def line(self, line: Json) -> None:
        if line.get("kind") == "snapshot":
            if line.get("why") == "start":
                # A new daemon knows nothing yet: its first words are no news of the groups.
                self._words = {}
        elif "event" in line:
            for change in line.get("changes", ()):
                if change["what"] == "group":
                    self._changed(line, change)

    def _changed(self, entry: Json, change: Json) -> None:
        name, word, node = change["name"], change["now"], change["node"]
        before, home = self._words.get(name, (change["before"], None))
        self._words[name] = (word, node)
        if name in self._open:
            self._goes_on(entry, name, word, node)
        elif before == ONLINE and (word != ONLINE or (home is not None and node != home)):
            self._begins(entry, name, home, word, node)

    def _begins(self, entry: Json, name: str, home: str | None, word: str, node: str | None) -> None:
        outage = Outage(name, home, entry, word=word)
        reasons = _reasons(entry, name)
        whole = next((each for each in self.found if _belongs(each, entry, reasons)), None)
        if whole is None:
            whole = Interruption(entry)
            self.found.append(whole)
        whole.outages.append(outage)
        self._open[name] = (whole, outage)
        self._goes_on(entry, name, word, node)

    def _goes_on(self, entry: Json, name: str, word: str, node: str | None) -> None:
        _, outage = self._open[name]
        outage.word = word
        if word == ONLINE:
            outage.online, outage.to = entry, node
        elif word == "Offline" and _is_command(entry):
            outage.stopped = True
        if outage.over:
            del self._open[name]


def _belongs(whole: Interruption, entry: Json, reasons: list[str]) -> bool:
    """It began with the same entry, or is the reason of what begins now and not over yet."""
    return whole.number == entry["seq"] or (not whole.over and _text(whole.began) in reasons)


def _reasons(entry: Json, group: str) -> list[str]:
    """Every sentence in the causes of the actions on that group."""
    chains = [action.get("because") or () for action in entry.get("actions", ()) if action.get("group") == group]
    return [said["en"] for chain in chains for said in chain]


def _text(entry: Json) -> str:
    return str((entry.get("text") or {}).get("en", ""))


def _is_command(entry: Json) -> bool:
    return bool((entry.get("event") or {}).get("event") == "CommandGiven")

"""Where Komainu's time goes: from the journal of one node, which has an entry for each delivered event. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

Entry = Mapping[str, Any]
NS_PER_MS = 1_000_000
UNTIL_DECIDED = "until decided"


def stages(entries: Iterable[Entry], since_ns: int, until_ns: int) -> dict[str, float]:
    """The steps between two times (of CLOCK_MONOTONIC) with their milliseconds, in the order in which they ended.

    A step is an action: from the event that led to it until the event that tells of its end, both as this node
    delivered them. `until decided` is from the beginning until the first action was decided.
    """
    found: dict[str, float] = {}
    begun: dict[str, tuple[str, int]] = {}
    for entry in entries:
        at_ns = int(entry["monotonic_ns"])
        if not since_ns <= at_ns <= until_ns:
            continue
        event = entry.get("event") or {}
        if event.get("event") == "ActionFinished" and event["action"] in begun:
            step, from_ns = begun.pop(event["action"])
            found[step] = (at_ns - from_ns) / NS_PER_MS
        for action in entry.get("actions", ()):
            if action["action"] in ("StartResource", "StopResource"):
                found.setdefault(UNTIL_DECIDED, (at_ns - since_ns) / NS_PER_MS)
                verb = "start" if action["action"] == "StartResource" else "stop"
                begun[action["id"]] = (f"{verb} {action['resource']}", at_ns)
    return found

"""Why the last actions were taken: each with the chain of its causes, and what became of it. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

TOLD = ("StartResource", "StopResource", "ProbeNode", "FenceNode")
"""Actions that touch the world; the others carry no cause of their own."""

Json = Mapping[str, Any]


def explain(entries: Iterable[Json]) -> list[dict[str, Any]]:
    """The actions in journal entries (`recorder.to_json`), oldest first, each with causes, result and duration."""
    actions: dict[str, dict[str, Any]] = {}
    for entry in entries:
        event = entry.get("event") or {}
        if event.get("event") in ("ActionFinished", "NodeProbed") and event.get("action") in actions:
            _finish(actions[event["action"]], entry, event)
        for action in entry.get("actions") or ():
            if action["action"] in TOLD:
                actions[action["id"]] = _begun(entry, action)
    return list(actions.values())


def _begun(entry: Json, action: Json) -> dict[str, Any]:
    return {
        "at": entry["at"],
        "boottime_ms": entry["boottime_ms"],
        "seq": entry["seq"],
        "action": action["action"],
        "id": action["id"],
        "node": action["node"],
        "group": action.get("group"),
        "resource": action.get("resource"),
        "target": action.get("target"),
        "because": list(action.get("because") or ()),
        "result": None,
        "said": None,
        "detail": "",
        "took_ms": None,
    }


def _finish(told: dict[str, Any], entry: Json, event: Json) -> None:
    outcome = event.get("outcome") or {"result": "succeeded"}
    told["result"] = outcome["result"]
    told["said"] = outcome.get("said")
    told["detail"] = outcome.get("detail", "")
    told["took_ms"] = entry["boottime_ms"] - told["boottime_ms"]

"""Why the last actions were taken: each with the chain of its causes, and what became of it. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from komainu.agent.shown.deeds import TOLD, deed

ANSWERS = ("ActionFinished", "NodeProbed", "ConfigurationJudged")
"""Events that tell how an action ended."""
ENDS = ("EndNode", "LeaveCluster")
"""Actions that have no outcome: the others see the node go."""

Json = Mapping[str, Any]


def explain(entries: Iterable[Json]) -> list[dict[str, Any]]:
    """The actions in journal entries (`recorder.to_json`), oldest first, each with causes, result and duration."""
    actions: dict[str, dict[str, Any]] = {}
    for entry in entries:
        event = entry.get("event") or {}
        if event.get("event") in ANSWERS:
            number = f"{event['change']} {event['node']}" if "change" in event else event["action"]
            if number in actions:
                _finish(actions[number], entry, event)
        if event.get("event") == "ViewChanged":
            for told in actions.values():
                if told["action"] in ENDS and told["result"] is None and told["node"] not in event["members"]:
                    _finish(told, entry, {})
        for action in entry.get("actions") or ():
            if action["action"] in TOLD:
                actions[_number(entry, action)] = _begun(entry, action)
    return list(actions.values())


def _begun(entry: Json, action: Json) -> dict[str, Any]:
    return {
        "at": entry["at"],
        "boottime_ms": entry["boottime_ms"],
        "seq": entry["seq"],
        "action": action["action"],
        "id": action.get("id", ""),
        "node": action["node"],
        "group": action.get("group"),
        "resource": action.get("resource"),
        "target": action.get("target"),
        "monitor": action.get("monitor"),
        "text": _text(action),
        "because": list(action.get("because") or ()),
        "result": None,
        "said": None,
        "detail": "",
        "took_ms": None,
    }


def _finish(told: dict[str, Any], entry: Json, event: Json) -> None:
    refusals = event.get("refusals")
    refused = {"result": "failed", "said": refusals[0]} if refusals else {"result": "succeeded"}
    outcome = event.get("outcome") or refused
    told["result"] = outcome["result"]
    told["said"] = outcome.get("said")
    told["detail"] = outcome.get("detail", "")
    told["took_ms"] = entry["boottime_ms"] - told["boottime_ms"]


def _number(entry: Json, action: Json) -> str:
    """The order to leave has no id of its own; a configuration is judged by all members under one."""
    if action["action"] == "LeaveCluster":
        return f"{entry['seq']} {action['node']}"
    return f"{action['id']} {action['node']}" if action["action"] == "JudgeConfiguration" else str(action["id"])


def _text(action: Json) -> dict[str, str]:
    return deed(action["action"], action).as_json()

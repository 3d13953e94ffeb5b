"""One interruption, told whole: what happened, when and why, what each node did, how long clients were without service.

Pure: lines of journals in, plain JSON values out. Times are those of the node whose journal it is; what other nodes
recorded is put beside it, by the difference of the clocks as the events show it that both have delivered.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from komainu import __version__
from komainu.agent.members import wire
from komainu.agent.members.pulse import MISSED_BEATS
from komainu.agent.records.interruptions import Interruption, Outage
from komainu.agent.shown.deeds import TOLD, deed
from komainu.agent.shown.explain import explain
from komainu.model.message import Message
from komainu.model.times import interval_ms

NODES_LOST = Message("KM5341", "The cluster lost {nodes}.", "{nodes} が通信不能になりました。")
RESOURCE_FAILED = Message(
    "KM5342",
    "Resource {resource} of group {group} failed on {node}.",
    "{node} でグループ {group} のリソース {resource} に異常が発生しました。",
)
MONITOR_FOUND = Message(
    "KM5343", "Monitor {monitor} found an error on {node}.", "{node} でモニタ {monitor} が異常を検出しました。"
)
ASKED_TO_LEAVE = Message(
    "KM5344", "{node} was asked to leave the cluster.", "{node} にクラスタからの離脱が指示されました。"
)

Json = Mapping[str, Any]
BEFORE_MS = 30_000
"What happened so shortly before belongs to the story."
AFTER_MS = 10_000
"And so shortly after."
ONLINE = "Online"


def brief(whole: Interruption, lines: Sequence[Json]) -> dict[str, Any]:
    """One row of the list: `number`, `at`, `kind`, `text`, `groups` with their outages."""
    story = _Story(whole, lines)
    return {
        "number": whole.number,
        "at": whole.began["at"],
        "kind": whole.kind,
        "text": story.cause()["summary"],
        "groups": [story.group(outage) for outage in whole.outages],
    }


def tell(whole: Interruption, lines: Sequence[Json], others: Mapping[str, Sequence[Json]]) -> dict[str, Any]:
    """The whole story. `lines`: the journal in which it was found; `others`: journals of other nodes, by node."""
    return _Story(whole, lines).tell(others)


class _Story:
    """One interruption in the journal of one node."""

    def __init__(self, whole: Interruption, lines: Sequence[Json]) -> None:
        self.whole = whole
        self.began = whole.began
        self.entries = [line for line in lines if "kind" not in line]
        self._by_seq = {int(entry["seq"]): entry for entry in self.entries}
        self._boots = _boots(self.entries)
        self.cluster = cluster(lines, whole.number)
        ends = [outage.online["seq"] for outage in whole.outages if outage.online is not None]
        self._last = max(ends) if whole.over and ends else None
        "The number of its last entry; None: it is not over."
        self.window = [entry for entry in self.entries if self._inside(entry)]

    def tell(self, others: Mapping[str, Sequence[Json]]) -> dict[str, Any]:
        actions = self.actions()
        return {
            "number": self.whole.number,
            "kind": self.whole.kind,
            "cluster": self.cluster.get("name", ""),
            "language": self.cluster.get("language", ""),
            "node": self.began.get("node", ""),
            "release": __version__,
            "configuration": self.began.get("configuration") or self.cluster.get("version"),
            "arbitration": (self.cluster.get("arbitration") or {}).get("kind"),
            "at": self.began["at"],
            "cause": self.cause(),
            "because": self.because(),
            "groups": [self.group(outage) for outage in self.whole.outages],
            "durations": self.durations(),
            "actions": actions,
            "timeline": self.timeline(others),
            "alerts": self.alerts(),
            "not_recovered": self.not_recovered(actions),
            "nodes": self.nodes(others),
            "missing": self.missing(),
        }

    # --- when ------------------------------------------------------------------------------------------------------

    def _inside(self, entry: Json) -> bool:
        if self._last is not None and entry["seq"] > self._last:
            return self.since_ms(entry) <= self.since_ms(self._by_seq[self._last]) + AFTER_MS
        return bool(entry["seq"] >= self.whole.number) or self.since_ms(entry) >= -BEFORE_MS

    def since_ms(self, entry: Json) -> int:
        """From the beginning to that entry: by CLOCK_BOOTTIME, over a reboot in between by the wall clock."""
        if self._boots[entry["seq"]] == self._boots[self.whole.number]:
            return int(entry["boottime_ms"]) - int(self.began["boottime_ms"])
        return _wall_ms(entry) - _wall_ms(self.began)

    def detection(self) -> dict[str, Any]:
        """How long before the beginning the loss, or the error, was: between these bounds; `most_ms` None: unknown."""
        event = self.began.get("event") or {}
        if self.whole.kind == "ordered":
            return {"by": "order", "least_ms": 0, "most_ms": 0}
        match event.get("event"):
            case "MonitorChanged":
                return {"by": "check", "least_ms": 0, "most_ms": self._check_ms(event)}
            case "MonitorJudged":
                return {"by": "monitor", "least_ms": 0, "most_ms": self._monitor_ms(event)}
            case "ViewChanged" if unheard := self._unheard(self.began):
                # The beat after the last one that was heard was not sent, or not heard any more.
                least_ms = max(0, min(unheard) - self._beat_ms())
                return {"by": "beat", "least_ms": least_ms, "most_ms": max(unheard)}
            case "TimerFired" | "AgentSilent":
                return self._silence()
        return {"by": "unknown", "least_ms": 0, "most_ms": None}

    def _silence(self) -> dict[str, Any]:
        """A daemon was lost before its node was: what it ran may have gone on until the end, or ended with it."""
        homes = self._homes()
        for entry in reversed([entry for entry in self.window if entry["seq"] <= self.whole.number]):
            event, passed_ms = entry.get("event") or {}, -self.since_ms(entry)
            if unheard := self._unheard(entry):
                return {"by": "silence", "least_ms": 0, "most_ms": passed_ms + max(unheard)}
            if event.get("event") == "AgentSilent" and (not homes or event["node"] in homes):
                most_ms = passed_ms + (MISSED_BEATS + 2) * self._beat_ms()
                return {"by": "silence", "least_ms": 0, "most_ms": most_ms}
        return {"by": "unknown", "least_ms": 0, "most_ms": None}

    def _unheard(self, entry: Json) -> list[int]:
        """For how long those that were lost then, and had one of these groups, had not been heard."""
        homes = self._homes()
        return [ms for node, ms in (entry.get("unheard_ms") or {}).items() if not homes or node in homes]

    def _homes(self) -> dict[str, None]:
        return {outage.came_from: None for outage in self.whole.outages if outage.came_from is not None}

    def _beat_ms(self) -> int:
        right_ms = (self.cluster.get("arbitration") or {}).get("right_ms", 0)
        return interval_ms(int(self.cluster.get("detect_within_ms", 0)), int(right_ms))

    def _check_ms(self, event: Json) -> int | None:
        for group in self.cluster.get("groups", ()):
            for resource in group["resources"]:
                if (group["name"], resource["name"]) == (event.get("group"), event.get("resource")):
                    once = int(resource["check_interval_ms"]) + int(resource["check_timeout_ms"])
                    return once * (int(resource.get("check_retries", 0)) + 1)
        return None

    def _monitor_ms(self, event: Json) -> int | None:
        for monitor in self.cluster.get("monitors", ()):
            if monitor["name"] == event.get("monitor"):
                return (int(monitor["interval_ms"]) + int(monitor["timeout_ms"])) * (int(monitor["retries"]) + 1)
        return None

    def durations(self) -> dict[str, Any]:
        """Detection, the wait for the first action that brings a group back, the work, and all of it."""
        names = [outage.group for outage in self.whole.outages]
        first = next(
            (
                entry
                for entry in self.window
                if entry["seq"] >= self.whole.number and _acts_on(entry, names, ("StartResource", "StopResource"))
            ),
            None,
        )
        decision_ms = self.since_ms(first) if first is not None else None
        ended = self._by_seq[self._last] if self._last is not None else None
        total_ms = self.since_ms(ended) if ended is not None else None
        work_ms = total_ms - decision_ms if total_ms is not None and decision_ms is not None else None
        return {
            "detection": self.detection(),
            "decision_ms": decision_ms,
            "actions_ms": work_ms,
            "until_online_ms": total_ms,
        }

    # --- why -------------------------------------------------------------------------------------------------------

    def cause(self) -> dict[str, Any]:
        """What it began with: the event, in words, and what the failed part said of itself."""
        event = self.began.get("event") or {}
        outcome = event.get("outcome") or {}
        lost = [
            change["name"]
            for change in self.began.get("changes", ())
            if change["what"] == "node" and change["now"] in ("Unknown", "Offline", "Caution")
        ]
        return {
            "event": event.get("event", ""),
            "summary": self._summary(event, lost),
            "text": self.began.get("text"),
            "nodes": lost or [event[key] for key in ("node", "origin") if key in event],
            "group": event.get("group"),
            "resource": event.get("resource"),
            "monitor": event.get("monitor"),
            "said": outcome.get("said"),
            "detail": outcome.get("detail", ""),
        }

    def _summary(self, event: Json, lost: Sequence[str]) -> Json | None:
        match event.get("event"):
            case "MonitorChanged":
                said = RESOURCE_FAILED.said(resource=event["resource"], group=event["group"], node=event["node"])
            case "MonitorJudged":
                said = MONITOR_FOUND.said(monitor=event["monitor"], node=event["node"])
            case "NodeLeaving":
                said = ASKED_TO_LEAVE.said(node=event["node"])
            case "ViewChanged" | "TimerFired" | "AgentSilent" if lost:
                said = NODES_LOST.said(nodes=", ".join(lost))
            case _:
                return self.began.get("text")
        return said.as_json()

    def because(self) -> list[Json]:
        """The chain of causes of the first action on these groups."""
        names = [outage.group for outage in self.whole.outages]
        chains = [
            action["because"]
            for entry in self.window
            if self._within(entry)
            for action in entry.get("actions", ())
            if action.get("group") in names and action.get("because")
        ]
        chain = chains[0] if chains else []
        return [said for index, said in enumerate(chain) if said not in chain[:index]]

    def _within(self, entry: Json) -> bool:
        return self.whole.number <= int(entry["seq"]) <= (self._last or int(entry["seq"]))

    # --- what ------------------------------------------------------------------------------------------------------

    def group(self, outage: Outage) -> dict[str, Any]:
        """One group: from where to where, and for how long nobody was served."""
        least: int | None = None
        most: int | None = None
        by = "journal"
        if outage.online is not None:
            bare_ms = self.since_ms(outage.online) - self.since_ms(outage.began)
            if outage.began["seq"] == self.whole.number:
                found = self.detection()
                by = found["by"]
                least = bare_ms + found["least_ms"]
                most = bare_ms + found["most_ms"] if found["most_ms"] is not None else None
            else:
                least = most = bare_ms
        return {
            "group": outage.group,
            "from": outage.came_from,
            "to": outage.to,
            "word": outage.word,
            "stopped": outage.stopped,
            "online_at": outage.online["at"] if outage.online is not None else None,
            "without_service_ms": {"least": least, "most": most, "by": by},
        }

    def actions(self) -> list[dict[str, Any]]:
        """Every action of that time on these groups, or on nodes, with its result, its length and its causes."""
        names = [outage.group for outage in self.whole.outages]
        return [
            {**told, "after_ms": self.since_ms(self._by_seq[told["seq"]])}
            for told in explain(self.entries)
            if self._within(self._by_seq[told["seq"]]) and (told["group"] is None or told["group"] in names)
        ]

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts of that time, of the whole cluster and of this node."""
        return [
            {**alert, "at": entry["at"], "after_ms": self.since_ms(entry)}
            for entry in self.window
            for alert in entry.get("alerts", ())
        ]

    def not_recovered(self, actions: Iterable[Json]) -> dict[str, Any]:
        """What is not well when the journal ends: groups, nodes, and actions that failed and were not made good."""
        words: dict[tuple[str, str], str] = {}
        for entry in self.entries:
            for change in entry.get("changes", ()):
                words[change["what"], change["name"]] = change["now"]
        at_fault = [*self.cause()["nodes"], *self._homes()]
        last = {(told["action"], told["node"], told["group"], told["resource"]): told for told in actions}
        return {
            "groups": [
                {"group": outage.group, "word": words.get(("group", outage.group), outage.word)}
                for outage in self.whole.outages
                if words.get(("group", outage.group), outage.word) != ONLINE
            ],
            "nodes": [
                {"node": node, "word": words["node", node]}
                for node in dict.fromkeys(at_fault)
                if words.get(("node", node), ONLINE) != ONLINE
            ],
            "actions": [told["text"] for told in last.values() if told["result"] in ("failed", "unknown")],
        }

    # --- who -------------------------------------------------------------------------------------------------------

    def timeline(self, others: Mapping[str, Sequence[Json]]) -> list[dict[str, Any]]:
        """Everything in its order: events, actions on every node, what changed, alerts; each node's own beside it."""
        items = [item for entry in self.window for item in _items(entry, self.since_ms(entry), own=True)]
        for node, lines in others.items():
            shift = self._shift_ms(lines)
            heard = [_same(entry) for entry in self.window if "event" in entry]
            first, last = (self.since_ms(self.window[index]) for index in (0, -1))
            for entry in lines:
                if "kind" in entry:
                    continue
                after_ms = _wall_ms(entry) - (shift or 0) - _wall_ms(self.began)
                if not min(first, -BEFORE_MS) <= after_ms <= max(last, AFTER_MS) or _same(entry) in heard:
                    continue
                items += [{**item, "node": item["node"] or node} for item in _items(entry, after_ms, own=False)]
        return sorted(items, key=lambda item: item["after_ms"])

    def nodes(self, others: Mapping[str, Sequence[Json]]) -> list[dict[str, Any]]:
        """Whose journal was read, and by how much the clock of another node is ahead; None: that is not known."""
        names = [node["name"] for node in self.cluster.get("nodes", ())] or [self.began.get("node", "")]
        told = []
        for name in names:
            if name == self.began.get("node"):
                told.append({"node": name, "journal": "own", "clock_ahead_ms": 0})
            elif name in others:
                told.append({"node": name, "journal": "read", "clock_ahead_ms": self._shift_ms(others[name])})
            else:
                told.append({"node": name, "journal": "missing", "clock_ahead_ms": None})
        return told

    def _shift_ms(self, lines: Sequence[Json]) -> int | None:
        """By how much the wall clock of another node is ahead, by the events that both have delivered."""
        mine = {_same(entry): _wall_ms(entry) for entry in self.entries if "event" in entry}
        shifts = [_wall_ms(entry) - mine[_same(entry)] for entry in lines if "event" in entry and _same(entry) in mine]
        return round(median(shifts[-200:])) if shifts else None

    def missing(self) -> list[list[int]]:
        """First and last number of the entries that this journal lacks in that time."""
        pairs = zip(self.window, self.window[1:], strict=False)
        return [[one["seq"] + 1, two["seq"] - 1] for one, two in pairs if two["seq"] > one["seq"] + 1]


def _items(entry: Json, after_ms: int, *, own: bool) -> list[dict[str, Any]]:
    """What one entry adds to the timeline. `own`: it stands in the journal that tells."""
    actions = [action for action in entry.get("actions", ()) if action["action"] in TOLD]
    alerts, changes = entry.get("alerts", ()), entry.get("changes", ())
    frame = {"after_ms": after_ms, "at": entry["at"], "seq": entry["seq"], "recorded_by": entry.get("node", "")}
    items: list[dict[str, Any]] = []
    if "event" in entry and (actions or alerts or changes or _is_end(entry)):
        node = (entry["event"] or {}).get("node", "")
        items.append({**frame, "node": node, "what": "event", "text": entry.get("text"), "level": "info"})
    for alert in alerts:
        node = entry.get("node", "") if "event" not in entry else ""
        items.append({**frame, "node": node, "what": "alert", "text": alert, "level": alert["level"]})
    for action in actions:
        text = deed(action["action"], action).as_json()
        items.append({**frame, "node": action["node"], "what": "action", "text": text, "level": "info"})
    for change in changes:
        items.append({**frame, "node": change["node"] or "", "what": "change", "change": change, "level": "info"})
    return items if own or "event" not in entry else items[:1]


def _is_end(entry: Json) -> bool:
    return (entry.get("event") or {}).get("event") in ("ActionFinished", "NodeProbed", "ConfigurationJudged")


def _acts_on(entry: Json, groups: Sequence[str], kinds: Sequence[str]) -> bool:
    return any(action["action"] in kinds and action.get("group") in groups for action in entry.get("actions", ()))


def _same(entry: Json) -> str:
    """Equal for entries of two nodes that delivered one event."""
    return json.dumps(entry.get("event"), sort_keys=True)


def _boots(entries: Iterable[Json]) -> dict[int, int]:
    """Which boot of the machine each entry is of, by its number: CLOCK_BOOTTIME goes back in a reboot alone."""
    found: dict[int, int] = {}
    boot = before_ms = 0
    for entry in entries:
        boot += int(entry["boottime_ms"]) < before_ms
        before_ms = int(entry["boottime_ms"])
        found[int(entry["seq"])] = boot
    return found


def _wall_ms(entry: Json) -> int:
    return round(datetime.fromisoformat(str(entry["at"])).timestamp() * 1000)


def cluster(lines: Sequence[Json], number: int) -> dict[str, Any]:
    """The configuration in the last snapshot before that entry, else in the first one; {} when none can be read."""
    found: dict[str, Any] = {}
    for line in lines:
        if "kind" not in line or not line.get("state") or (found and line["seq"] >= number):
            continue
        try:
            found = json.loads(wire.unpack([line["state"]]))["cluster"]
        except (ValueError, TypeError, KeyError, zlib.error):
            continue  # a snapshot of another release: the story can be told without it
    return found

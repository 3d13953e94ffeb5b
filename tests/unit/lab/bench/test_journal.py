"""The steps of a takeover, from the entries of a journal."""

from typing import Any

from komainu_lab.bench import journal

MS = 1_000_000


def entry(ms: float, ended: str = "", **begun: str) -> dict[str, Any]:
    """`begun`: action ids with what they do, `start fip1`."""
    actions = []
    for number, words in begun.items():
        verb, resource = words.split()
        actions.append({"action": f"{verb.title()}Resource", "id": number, "resource": resource})
    event = {"event": "ActionFinished", "action": ended} if ended else {"event": "ViewChanged"}
    return {"monotonic_ns": int(ms * MS), "event": event, "actions": actions}


def test_each_action_is_a_step_from_its_decision_to_its_end() -> None:
    entries = [entry(102, a="start fip1"), entry(110, ended="a", b="start web1"), entry(125.5, ended="b")]
    assert journal.stages(entries, 100 * MS, 200 * MS) == {"until decided": 2.0, "start fip1": 8.0, "start web1": 15.5}


def test_what_lies_outside_does_not_count() -> None:
    entries = [entry(50, a="start fip1"), entry(102, ended="a"), entry(110, b="stop web1"), entry(300, ended="b")]
    assert journal.stages(entries, 100 * MS, 200 * MS) == {"until decided": 10.0}


def test_entries_without_event_or_of_other_actions_are_passed_over() -> None:
    alert: dict[str, Any] = {"monotonic_ns": 101 * MS, "alerts": [{"code": "KM1"}]}
    timer = {"monotonic_ns": 102 * MS, "event": {"event": "TimerFired"}, "actions": [{"action": "ArmTimer"}]}
    assert journal.stages([alert, timer], 100 * MS, 200 * MS) == {}

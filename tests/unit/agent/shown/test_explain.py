"""Each action with its causes, its result and how long it took."""

from typing import Any

from komainu.agent.shown.explain import explain

SAID = {"code": "X", "level": "info", "en": "why", "ja": "なぜ"}


def entry(seq: int, at_ms: int, event: dict[str, Any] | None = None, *actions: dict[str, Any]) -> dict[str, Any]:
    return {"seq": seq, "at": f"t{seq}", "boottime_ms": at_ms, "event": event, "actions": list(actions)}


def start(number: str) -> dict[str, Any]:
    return {"action": "StartResource", "id": number, "node": "n1", "group": "web", "resource": "app", "because": [SAID]}


def test_an_action_and_its_end_are_put_together() -> None:
    ended = {"event": "ActionFinished", "action": "1", "outcome": {"result": "failed", "said": SAID, "detail": "log"}}
    told = explain([entry(1, 100, None, start("1")), entry(2, 130, ended)])

    assert told == [
        {
            "at": "t1",
            "boottime_ms": 100,
            "seq": 1,
            "action": "StartResource",
            "id": "1",
            "node": "n1",
            "group": "web",
            "resource": "app",
            "target": None,
            "monitor": None,
            "text": {"code": "KM5441", "level": "info", "en": "start app on n1", "ja": "n1 で app を起動"},
            "because": [SAID],
            "result": "failed",
            "said": SAID,
            "detail": "log",
            "took_ms": 30,
        }
    ]


def test_what_is_under_way_has_no_result_and_a_probe_succeeds_by_being_delivered() -> None:
    probe = {"action": "ProbeNode", "id": "2", "node": "n1", "because": []}
    probed = {"event": "NodeProbed", "action": "2", "found": []}
    told = explain([entry(1, 0, None, start("1"), probe), entry(2, 5, probed)])

    assert [(each["id"], each["result"]) for each in told] == [("1", None), ("2", "succeeded")]


def test_timers_and_alerts_are_no_actions_to_explain() -> None:
    timer = {"action": "ArmTimer", "timer": "x", "after_ms": 1}

    assert explain([entry(1, 0, None, timer), {"seq": 2, "at": "", "boottime_ms": 0, "alerts": []}]) == []


def test_a_configuration_is_judged_by_each_member_under_one_id() -> None:
    judges = [{"action": "JudgeConfiguration", "id": "7", "node": node} for node in ("n1", "n2")]
    good = {"event": "ConfigurationJudged", "change": "7", "node": "n1", "refusals": []}
    bad = {"event": "ConfigurationJudged", "change": "7", "node": "n2", "refusals": [SAID]}
    told = explain([entry(1, 0, None, *judges), entry(2, 5, bad), entry(3, 9, good)])

    assert [(each["node"], each["result"], each["said"]) for each in told] == [
        ("n1", "succeeded", None),
        ("n2", "failed", SAID),
    ]


def test_the_end_of_a_node_is_seen_by_the_others() -> None:
    leave = {"action": "LeaveCluster", "node": "n1", "then": "reboot"}
    script = {"action": "RunScript", "id": "3", "node": "n2", "monitor": "diskw", "because": []}
    gone = {"event": "ViewChanged", "ring": "r", "members": ["n2"], "nodes": ["n2"]}
    there = {"event": "ViewChanged", "ring": "q", "members": ["n1", "n2"], "nodes": ["n1", "n2"]}
    told = explain([entry(1, 0, None, leave, script), entry(2, 3, there), entry(3, 9, gone)])

    assert [(each["action"], each["result"], each["took_ms"]) for each in told] == [
        ("LeaveCluster", "succeeded", 9),
        ("RunScript", None, None),
    ]
    assert "reboots" in told[0]["text"]["en"]
    assert told[1]["monitor"] == "diskw"

"""The story of an interruption: on journals of a real cluster in the lab, and on some made for the purpose."""

import json
import zlib
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from komainu.agent.records import journal, post_mortem
from komainu.agent.records.interruptions import interruptions

Body = dict[str, Any]

RECORDED = Path(__file__).parent / "recorded"
MEASURED_MS = {"power loss of node1": 508.361012, "death of the application on node2": 59.545005}
"""The gap that the client of the lab saw when these journals were recorded."""
CLIENT_MS = 100
"""It asks every few milliseconds, and is answered when the application listens, not when its process runs."""
BOOT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def node1() -> list[Body]:
    return recorded("node1")


@pytest.fixture(scope="module")
def node2() -> list[Body]:
    return recorded("node2")


def recorded(node: str) -> list[Body]:
    return [line.body for line in journal.read(RECORDED / f"{node}.jsonl") if line.body is not None]


def stories(lines: list[Body], **others: list[Body]) -> list[Body]:
    return [post_mortem.tell(whole, lines, others) for whole in interruptions(lines)]


# --- a power loss, the death of an application and a move, in the lab -------------------------------------------------


def test_the_list_of_a_real_journal(node2: list[Body]) -> None:
    briefs = [post_mortem.brief(whole, node2) for whole in interruptions(node2)]

    assert [(each["kind"], each["text"]["en"]) for each in briefs] == [
        ("failover", "The cluster lost node1."),
        ("restart", "Resource web1 of group failover1 failed on node2."),
        ("ordered", "An operator on node2 gave the command move-group failover1."),
    ]
    assert [(group["from"], group["to"]) for each in briefs for group in each["groups"]] == [
        ("node1", "node2"),
        ("node2", "node2"),
        ("node2", "node1"),
    ]


def test_a_power_loss_took_as_long_as_the_client_measured(node2: list[Body]) -> None:
    story = stories(node2)[0]
    length = story["groups"][0]["without_service_ms"]
    detection = story["durations"]["detection"]

    assert length["least"] - CLIENT_MS <= MEASURED_MS["power loss of node1"] <= length["most"] + CLIENT_MS
    assert detection["by"] == "beat"
    assert detection["most_ms"] - detection["least_ms"] == 250, "one beat at this time of detection"
    assert length["least"] == detection["least_ms"] + story["durations"]["until_online_ms"]
    assert story["durations"]["decision_ms"] == 0
    assert story["cause"]["nodes"] == ["node1"]
    assert story["because"][0]["en"] == "The members are now: node2."
    assert (story["configuration"], story["cluster"], story["arbitration"]) == (1, "vip-cluster", "none")
    assert [(act["node"], act["resource"], act["result"]) for act in story["actions"]] == [
        ("node2", "awsvip1", "succeeded"),
        ("node2", "web1", "succeeded"),
    ]


def test_the_death_of_an_application_took_as_long_as_the_client_measured(node2: list[Body]) -> None:
    story = stories(node2)[1]
    length = story["groups"][0]["without_service_ms"]

    assert abs(length["least"] - MEASURED_MS["death of the application on node2"]) < CLIENT_MS
    assert length["by"] == "check"
    assert story["cause"]["said"]["en"].startswith("web1 on node2 was ended by signal SIGKILL")
    assert [act["action"] for act in story["actions"]] == ["StopResource", "StartResource"]
    assert story["because"][0]["en"] == "web1 on node2 is in error."
    assert story["not_recovered"] == {"groups": [], "nodes": [], "actions": []}


def test_a_move_is_measured_from_the_command(node2: list[Body]) -> None:
    story = stories(node2)[2]
    length = story["groups"][0]["without_service_ms"]

    assert length["least"] == length["most"] == story["durations"]["until_online_ms"] > 0


def test_the_node_that_lost_its_power_tells_what_it_can(node1: list[Body]) -> None:
    """Its journal ends where the power was cut; the failover that it slept through is none of its own."""
    assert [story["kind"] for story in stories(node1)] == ["restart", "ordered"]


def test_the_other_node_s_journal_is_put_beside_it(node1: list[Body], node2: list[Body]) -> None:
    alone = stories(node2)[0]
    both = stories(node2, node1=node1)[0]

    assert {each["node"]: each["journal"] for each in alone["nodes"]} == {"node1": "missing", "node2": "own"}
    assert {each["node"]: each["journal"] for each in both["nodes"]} == {"node1": "read", "node2": "own"}
    (shift,) = [each["clock_ahead_ms"] for each in both["nodes"] if each["node"] == "node1"]
    assert abs(shift) <= 5, "the nodes of a lab share a clock"
    theirs = [item for item in both["timeline"] if item["recorded_by"] == "node1"]
    assert {item["text"]["code"] for item in theirs if item["what"] == "alert"} >= {"KM5303"}
    assert [item["after_ms"] for item in both["timeline"]] == sorted(item["after_ms"] for item in both["timeline"])
    assert len(both["timeline"]) == len(alone["timeline"]) + len(theirs)


def test_a_story_is_plain_json(node1: list[Body], node2: list[Body]) -> None:
    for story in stories(node2, node1=node1):
        assert json.loads(json.dumps(story)) == story


# --- journals made for the purpose ------------------------------------------------------------------------------------


class Journal:
    """A journal of n1, a line at a time."""

    def __init__(self, node: str = "n1", clock: timedelta = timedelta()) -> None:
        self.node = node
        self.clock = clock
        self.lines: list[Body] = []
        self.seq = 0
        self.boot_ms = 0
        cluster = {
            "name": "test", "version": 3, "language": "ja", "detect_within_ms": 2_000,
            "arbitration": {"kind": "operator"}, "nodes": [{"name": "n1"}, {"name": "n2"}],
            "groups": [
                {"name": "web", "resources": [
                    {"name": "app", "check_interval_ms": 3_000, "check_timeout_ms": 500, "check_retries": 1}]},
            ],
            "monitors": [{"name": "disk1", "interval_ms": 100, "timeout_ms": 50, "retries": 0}],
        }  # fmt: skip
        state = b64encode(zlib.compress(json.dumps({"cluster": cluster}).encode())).decode()
        self.lines.append({"kind": "snapshot", "seq": 0, "why": "start", "state": state})
        self.says(0, {"event": "MembersSynced"}, web=("Offline", "Online", "n2"))

    def says(self, ms: int, event: Body | None, *actions: Body, alerts: tuple[str, ...] = (), **changes: Any) -> int:
        """At that time; a change is (before, now, node) by name of a group, or of a node."""
        self.seq += 1
        told: list[Body] = [{"code": code, "level": "error", "en": code, "ja": code, "detail": ""} for code in alerts]
        line: Body = {
            "seq": self.seq,
            "at": (BOOT + timedelta(milliseconds=ms) + self.clock).isoformat(timespec="milliseconds"),
            "boottime_ms": ms - self.boot_ms,
            "node": self.node,
            "alerts": told,
            "changes": [
                {"what": "node" if name.startswith("n") else "group", "name": name,
                 "before": each[0], "now": each[1], "node": each[2]}
                for name, each in changes.items() if name != "unheard_ms"
            ],
        }  # fmt: skip
        if event is not None:
            sentence = " ".join(map(str, event.values()))
            line |= {"event": event, "text": said(sentence), "actions": list(actions), "configuration": 3}
            if "unheard_ms" in changes:
                line["unheard_ms"] = changes["unheard_ms"]
        self.lines.append(line)
        return self.seq

    def ends(self, ms: int, action: str, node: str, result: str = "succeeded", **changes: Any) -> int:
        outcome = {"result": result, "said": None if result == "succeeded" else said("it broke"), "detail": "why"}
        return self.says(ms, {"event": "ActionFinished", "action": action, "node": node, "outcome": outcome}, **changes)

    def stories(self, **others: list[Body]) -> list[Body]:
        return stories(self.lines, **others)


def said(text: str) -> Body:
    return {"code": "X", "level": "info", "en": text, "ja": text}


def act(number: str, kind: str = "StartResource", node: str = "n1", group: str = "web", *because: str) -> Body:
    return {
        "action": kind, "id": number, "node": node, "group": group, "resource": "app",
        "because": [said(each) for each in because or ("why",)],
    }  # fmt: skip


VIEW = {"event": "ViewChanged", "ring": "2", "members": ["n1"], "nodes": ["n1"]}
LOST = ("Online", "Unknown", "n2")


def test_waiting_for_a_proof_is_no_work() -> None:
    lived = Journal()
    lived.says(10_000, VIEW, n2=LOST, web=("Online", "Online Pending", "n1"), unheard_ms={"n2": 1_900})
    lived.says(
        70_000, {"event": "CommandGiven", "id": "c", "origin": "n1", "command": {"verb": "confirm-gone"}}, act("1")
    )
    lived.ends(70_200, "1", "n1", web=("Online Pending", "Online", "n1"))
    (story,) = lived.stories()

    assert story["kind"] == "failover"
    assert story["durations"] == {
        "detection": {"by": "beat", "least_ms": 1_400, "most_ms": 1_900},
        "decision_ms": 60_000,
        "actions_ms": 200,
        "until_online_ms": 60_200,
    }
    assert story["groups"][0]["without_service_ms"] == {"least": 61_600, "most": 62_100, "by": "beat"}
    assert story["language"] == "ja"


def test_a_node_that_lost_none_of_these_groups_says_nothing_about_when() -> None:
    lived = Journal()
    lived.says(10_000, VIEW, web=("Online", "Online Pending", "n1"), unheard_ms={"n9": 1_900})
    (story,) = lived.stories()

    assert story["durations"]["detection"] == {"by": "unknown", "least_ms": 0, "most_ms": None}


def test_a_daemon_that_was_lost_first_may_have_left_its_service_at_work() -> None:
    for before in (
        {"event": {"event": "AgentSilent", "node": "n2", "incarnation": "x"}, "most": 10_000 + 5 * 500},
        {"event": VIEW, "unheard_ms": {"n2": 700}, "most": 10_700},
    ):
        lived = Journal()
        unheard = {"unheard_ms": before["unheard_ms"]} if "unheard_ms" in before else {}
        lived.says(20_000, before["event"], n2=("Online", "Caution", "n2"), **unheard)  # type: ignore[arg-type]
        lived.says(30_000, {"event": "TimerFired", "timer": "agent:n2"}, act("1"), n2=("Caution", "Unknown", "n2"),
                   web=("Online", "Online Pending", "n1"))  # fmt: skip
        lived.ends(30_100, "1", "n1", web=("Online Pending", "Online", "n1"))
        (story,) = lived.stories()

        assert story["durations"]["detection"] == {"by": "silence", "least_ms": 0, "most_ms": before["most"]}
        assert story["cause"]["summary"]["en"] == "The cluster lost n2."


def test_a_check_may_have_found_it_late_by_all_its_attempts() -> None:
    lived = Journal()
    broken = {"result": "failed", "said": said("it broke"), "detail": "a stack"}
    event = {"event": "MonitorChanged", "node": "n2", "group": "web", "resource": "app", "run": "1", "outcome": broken}
    lived.says(5_000, event, act("1", "StopResource", "n2"), web=("Online", "Online Pending", "n2"))
    lived.ends(5_100, "1", "n2", "failed", web=("Online Pending", "Offline Failure", "n2"))
    (story,) = lived.stories()

    assert story["durations"]["detection"] == {"by": "check", "least_ms": 0, "most_ms": 7_000}
    assert (story["cause"]["said"]["en"], story["cause"]["detail"]) == ("it broke", "a stack")
    assert story["kind"] == "unfinished"
    assert story["groups"][0]["without_service_ms"]["least"] is None
    assert story["not_recovered"]["groups"] == [{"group": "web", "word": "Offline Failure"}]
    assert [text["en"] for text in story["not_recovered"]["actions"]] == ["stop app on n2"]


def test_a_monitor_of_its_own_is_named() -> None:
    lived = Journal()
    event = {"event": "MonitorJudged", "node": "n2", "monitor": "disk1", "round": "1",
             "outcome": {"result": "failed", "said": said("full"), "detail": ""}}  # fmt: skip
    lived.says(5_000, event, act("1", "StopResource", "n2"), web=("Online", "Online Pending", "n2"))
    (story,) = lived.stories()

    assert story["cause"]["summary"]["en"] == "Monitor disk1 found an error on n2."
    assert story["durations"]["detection"] == {"by": "monitor", "least_ms": 0, "most_ms": 150}


def test_what_was_made_good_later_is_not_left() -> None:
    lived = Journal()
    lived.says(10_000, VIEW, act("1"), n2=LOST, web=("Online", "Online Pending", "n1"), unheard_ms={"n2": 100})
    lived.ends(10_100, "1", "n1", "failed")
    lived.says(10_200, {"event": "TimerFired", "timer": "again"}, act("2"))
    lived.ends(10_300, "2", "n1", web=("Online Pending", "Online", "n1"))
    (story,) = lived.stories()
    assert [told["result"] for told in story["actions"]] == ["failed", "succeeded"]
    assert story["not_recovered"] == {"groups": [], "nodes": [{"node": "n2", "word": "Unknown"}], "actions": []}
    lived.says(
        90_000, {"event": "NodeProbed", "action": "p", "node": "n2", "found": []}, n2=("Unknown", "Online", "n2")
    )

    assert lived.stories()[0]["not_recovered"]["nodes"] == []


def test_only_what_lies_near_belongs_to_the_story() -> None:
    lived = Journal()
    lived.says(100_000, {"event": "TimerFired", "timer": "long before"}, alerts=("BEFORE",))
    lived.says(190_000, {"event": "TimerFired", "timer": "before"}, alerts=("SHORTLY",))
    lived.says(200_000, VIEW, act("1"), alerts=("DURING",), n2=LOST, web=("Online", "Online Pending", "n1"))
    lived.ends(200_100, "1", "n1", web=("Online Pending", "Online", "n1"))
    lived.says(205_000, None, alerts=("AFTER",))
    lived.says(300_000, None, alerts=("LONG AFTER",))
    (story,) = lived.stories()

    assert [(alert["code"], alert["after_ms"]) for alert in story["alerts"]] == [
        ("SHORTLY", -10_000),
        ("DURING", 0),
        ("AFTER", 5_000),
    ]


def test_the_clock_of_the_other_node_is_set_right() -> None:
    shared = {"event": "MembersSynced", "ring": "1", "source": "n1", "members": []}
    lived, theirs = Journal(), Journal("n2", timedelta(seconds=-40))
    for each in (lived, theirs):
        each.says(8_000, shared)
    theirs.says(9_990, None, alerts=("ITS LAST WORDS",))
    lived.says(10_000, VIEW, act("1"), n2=LOST, web=("Online", "Online Pending", "n1"), unheard_ms={"n2": 10})
    lived.ends(10_100, "1", "n1", web=("Online Pending", "Online", "n1"))
    (story,) = lived.stories(n2=theirs.lines)

    assert story["nodes"][1] == {"node": "n2", "journal": "read", "clock_ahead_ms": -40_000}
    (words,) = [item for item in story["timeline"] if item["recorded_by"] == "n2" and item["what"] == "alert"]
    assert (words["after_ms"], words["node"]) == (-10, "n2")


def test_over_a_reboot_the_wall_clock_counts() -> None:
    lived = Journal()
    begun = lived.says(500_000, VIEW, n2=LOST, web=("Online", "Online Pending", "n1"), unheard_ms={"n2": 100})
    lived.boot_ms = 530_000
    lived.lines.append({"kind": "snapshot", "seq": begun, "why": "start", "state": None})
    lived.says(600_000, {"event": "MembersSynced"}, web=("Offline", "Online", "n1"))
    (story,) = lived.stories()

    assert story["durations"]["until_online_ms"] == 100_000


def test_what_the_journal_lacks_is_said() -> None:
    lived = Journal()
    lived.says(10_000, VIEW, act("1"), n2=LOST, web=("Online", "Online Pending", "n1"))
    lived.seq += 4
    lived.ends(10_100, "1", "n1", web=("Online Pending", "Online", "n1"))
    (story,) = lived.stories()

    assert story["missing"] == [[3, 6]]


def test_without_a_configuration_the_story_is_told_all_the_same() -> None:
    lived = Journal()
    lived.lines[0]["state"] = "%%"
    lived.says(10_000, VIEW, act("1"), n2=LOST, web=("Online", "Online Pending", "n1"), unheard_ms={"n2": 400})
    lived.ends(10_100, "1", "n1", web=("Online Pending", "Online", "n1"))
    (story,) = lived.stories()

    assert (story["cluster"], story["configuration"]) == ("", 3)
    assert story["groups"][0]["without_service_ms"]["most"] == 500
    assert story["nodes"] == [{"node": "n1", "journal": "own", "clock_ahead_ms": 0}]

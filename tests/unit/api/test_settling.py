"""How far it is: reached, at rest, or waiting for somebody."""

from typing import Any

import pytest

from komainu.api.answers import SettleAnswer
from komainu.api.settling import SettleRequest, standing

WARNING = {"code": "X", "level": "warning", "en": "say it", "ja": "x"}
INFO = {**WARNING, "level": "info"}


def part(status: str, node: str | None = "n1", why: Any = None) -> dict[str, Any]:
    return {"name": "app", "status": status, "node": node, "why": why}


def group(
    status: str, resource: dict[str, Any] | None = None, hindrance: Any = None, why: Any = None
) -> dict[str, Any]:
    return {
        "name": "web", "status": status, "node": "n1", "why": why, "hindrance": hindrance,
        "resources": [resource or part(status)],
    }  # fmt: skip


def nodes(*statuses: str) -> list[dict[str, Any]]:
    return [{"name": f"n{number}", "status": status, "why": INFO} for number, status in enumerate(statuses, 1)]


def told(kind: str, name: str | None, want: str, status: dict[str, Any]) -> tuple[bool, bool, bool]:
    request = SettleRequest.model_validate({"kind": kind, "name": name, "want": want})
    answer = standing(status, request)
    assert SettleAnswer.model_validate(answer).model_dump(mode="json") == answer
    return answer["reached"], answer["settled"], answer["waits"]


@pytest.mark.parametrize(
    ("at", "want", "expected"),
    [
        (group("Online"), "Online", (True, True, False)),
        (group("Online Pending"), "Online", (False, False, False)),
        (group("Online Pending", hindrance=WARNING), "Online", (False, True, True)),
        (group("Online Pending", hindrance=INFO), "Online", (False, False, False)),
        (group("Online Failure"), "Online", (False, True, False)),
        (group("Offline"), "Offline", (True, True, False)),
        (group("Offline Pending"), "Offline", (False, False, False)),
        (group("Offline Failure", why=WARNING), "Offline", (False, True, False)),
    ],
)
def test_a_group(at: dict[str, Any], want: str, expected: tuple[bool, bool, bool]) -> None:
    assert told("group", "web", want, {"groups": [at], "nodes": []}) == expected


def test_a_resource_is_followed_by_itself() -> None:
    status = {"groups": [group("Online", part("Offline"))], "nodes": []}

    assert told("resource", "app", "Offline", status) == (True, True, False)
    assert told("resource", "app", "Online", status) == (False, True, False)


@pytest.mark.parametrize(
    ("statuses", "parts", "expected"),
    [
        (("Offline", "Online"), part("Online", "n2"), (True, True, False)),
        (("Offline Pending", "Online"), part("Offline Pending"), (False, False, False)),
        (("Offline Pending", "Online"), part("Offline Failure", "n1", WARNING), (False, True, True)),
        (("Offline Pending", "Online"), part("Offline Failure", "n2", WARNING), (False, False, False)),
    ],
)
def test_a_node_that_stops(statuses: tuple[str, str], parts: dict[str, Any], expected: tuple[bool, bool, bool]) -> None:
    status = {"groups": [group("Online", parts)], "nodes": nodes(*statuses)}

    assert told("node", "n1", "Offline", status) == expected


def test_a_cluster_that_stops_does_not_wait_for_whom_nobody_hears() -> None:
    at_rest = group("Offline")

    assert told("cluster", None, "Offline", {"groups": [at_rest], "nodes": nodes("Offline", "Unknown")})[0]
    assert not told("cluster", None, "Offline", {"groups": [at_rest], "nodes": nodes("Offline", "Caution")})[0]
    assert not told("node", "n2", "Offline", {"groups": [at_rest], "nodes": nodes("Online", "Unknown")})[0]


@pytest.mark.parametrize(
    ("statuses", "at", "expected"),
    [
        (("Online", "Online"), group("Online"), (True, True, False)),
        (("Online", "Online"), group("Offline"), (True, True, False)),
        (("Online", "Online Pending"), group("Online"), (False, False, False)),
        (("Online", "Online"), group("Online Pending"), (False, False, False)),
        (("Online", "Online"), group("Online Pending", hindrance=WARNING), (False, True, True)),
        (("Online", "Online"), group("Online Failure"), (False, True, False)),
    ],
)
def test_a_cluster_that_starts_waits_for_its_groups(
    statuses: tuple[str, str], at: dict[str, Any], expected: tuple[bool, bool, bool]
) -> None:
    assert told("cluster", None, "Online", {"groups": [at], "nodes": nodes(*statuses)}) == expected


def test_what_is_on_its_way_is_told_with_its_parts() -> None:
    request = SettleRequest(kind="cluster", want="Offline")
    answer = standing({"groups": [group("Online")], "nodes": nodes("Online")}, request)

    assert [(each["kind"], each["name"]) for each in answer["objects"]] == [
        ("node", "n1"), ("group", "web"), ("resource", "app"),
    ]  # fmt: skip
    assert answer["why"] == INFO


SuspensionNow = dict[str, Any] | None
NOTED_BY_ONE = {"on": True, "in_force": False, "awaited": ["n2"]}
IN_FORCE = {"on": True, "in_force": True, "awaited": []}
ENDING = {"on": False, "in_force": False, "awaited": ["n2"]}


@pytest.mark.parametrize(
    ("now", "marked", "want", "expected", "why"),
    [
        (None, 2, "Suspended", (True, True, False), None),
        (NOTED_BY_ONE, 0, "Suspended", (False, False, False), "KM6064"),
        (IN_FORCE, 2, "Suspended", (True, True, False), None),
        (None, 0, "Suspended", (False, True, False), "KM7132"),
        (None, 0, "Resumed", (True, True, False), None),
        (ENDING, 2, "Resumed", (False, False, False), "KM6064"),
        (IN_FORCE, 2, "Resumed", (False, True, False), "KM6065"),
        (None, 1, "Resumed", (False, True, False), "KM6065"),
    ],
)
def test_a_suspension_holds_once_every_node_has_noted_it(
    now: SuspensionNow, marked: int, want: str, expected: tuple[bool, bool, bool], why: str | None
) -> None:
    members = [
        {**node, "presence": "member", "suspended": number <= marked, "leaving": False}
        for number, node in enumerate(nodes("Online", "Online"), 1)
    ]
    away = {"name": "n3", "status": "Unknown", "why": None, "presence": "lost", "suspended": False}
    leaves = {**members[0], "name": "n4", "suspended": False, "leaving": True}
    status = {"cluster": {"suspension": now}, "groups": [], "nodes": [*members, away, leaves]}
    request = SettleRequest.model_validate({"kind": "cluster", "want": want})
    assert told("cluster", None, want, status) == expected
    said = standing(status, request)["why"]
    assert (said["code"] if said is not None else None) == why


def test_only_the_cluster_is_waited_for_until_it_is_suspended() -> None:
    with pytest.raises(ValueError, match="only the cluster"):
        SettleRequest.model_validate({"kind": "group", "name": "web", "want": "Suspended"})

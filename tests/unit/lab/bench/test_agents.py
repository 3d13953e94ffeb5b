"""bench-agents: what one start was, from the endpoint's record and the journal; the ratios; a clear word."""

from pathlib import Path
from typing import Any

import pytest

from komainu_lab.bench import agents
from komainu_lab.bench.agents import AGENT_NAME, KOMAINU, START, TAKEOVER, Figures, Try, action_of, tried
from komainu_lab.errors import LabError

MS = 1_000_000


def call(action: str, received_ms: int, source: str = "node1", status: int = 200) -> dict[str, Any]:
    return {
        "action": action,
        "source": source,
        "received_ns": received_ms * MS,
        "applied_ns": (received_ms + 2) * MS,
        "status": status,
    }


def test_a_start_ends_with_its_last_route_and_counts_its_own_calls() -> None:
    calls = [
        call("DescribeRouteTables", 5),
        call("ReplaceRoute", 110),
        call("ReplaceRoute", 120),
        call("ReplaceRoute", 130, status=503),
        call("ReplaceRoute", 140, source="node2"),
        call("DescribeRouteTables", 700),
    ]
    assert tried(100 * MS, 600 * MS, calls, "node1") == Try(routes_ms=22.0, whole_ms=500.0, calls=3)


def test_a_start_that_wrote_nothing_is_none() -> None:
    with pytest.raises(LabError, match="replaced no route"):
        tried(0, 600 * MS, [call("ReplaceRoute", 700), call("DescribeRouteTables", 5)], "node1")


def test_the_last_start_of_the_resource_is_found_in_the_journal() -> None:
    started = {"action": "StartResource", "id": "a2", "resource": "awsvip1"}
    entries = [
        {"monotonic_ns": 5, "actions": [{**started, "id": "a1"}]},
        {"monotonic_ns": 20, "actions": [started, {**started, "id": "a3", "resource": "web1"}]},
        {"monotonic_ns": 30, "event": {"event": "ActionFinished", "action": "a3"}},
        {"monotonic_ns": 40, "event": {"event": "ActionFinished", "action": "a2"}},
        {"monotonic_ns": 50, "event": {"event": "ActionFinished", "action": "a1"}},
    ]
    assert action_of(entries, "awsvip1", 10) == (20, 40)
    with pytest.raises(LabError, match="no start of awsvip1"):
        action_of(entries[:3], "awsvip1", 10)


def test_the_ratio_is_of_the_medians() -> None:
    ours = Figures(KOMAINU, {step: [Try(20, 30, 3), Try(10, 20, 3), Try(99, 99, 3)] for step in (START, TAKEOVER)})
    theirs = Figures(AGENT_NAME, {step: [Try(10_000, 21_000, 9)] for step in (START, TAKEOVER)})
    told = agents.to_json((ours, theirs), 3, 3, {"komainu": "0"}, (0.4, 1.2))
    assert told["ratio"][TAKEOVER] == {"routes_ms": 500.0, "whole_ms": 700.0}
    assert told["tries"][KOMAINU][START][0] == {"routes_ms": 20, "whole_ms": 30, "calls": 3}


def test_a_group_of_the_address_alone() -> None:
    document = {"groups": [{"resources": [{"type": "awsvip"}, {"type": "exec"}]}], "monitors": [{}]}
    agents.vip_alone(document)
    assert document == {"groups": [{"resources": [{"type": "awsvip"}]}]}


def test_a_missing_agent_has_a_clear_word(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(agents, "AGENT", str(tmp_path / "aws-vpc-move-ip"))
    with pytest.raises(LabError, match=r"aws-vpc-move-ip is missing; .*bootstrap.sh --agents"):
        agents.check_agent()

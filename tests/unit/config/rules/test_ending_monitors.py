"""A monitor that ends nodes: what all of them ask is warned of, and so is the time in which two may be active."""

import json
from typing import Any

import pytest
import yaml

from komainu.catalogue import MONITOR_TYPES, RESOURCE_TYPES
from komainu.config.read import read
from komainu.config.rules.ending_monitors import SHARED
from komainu.config.rules.network_partition import LATER
from tests.unit.config.np_files import EXAMPLE, OUTSIDE, OUTSIDE_TOO

ENDS = {"target": "local-server", "final_action": "shutdown"}
TCP = {"host": OUTSIDE, "port": 443}


def told(kind: str, params: dict[str, Any], *, arbitration: str = "operator", **more: Any) -> list[tuple[str, str]]:
    """Path and text of everything that is said about the monitor."""
    document = yaml.safe_load(EXAMPLE.read_text())
    document["cluster"]["arbitration"] = arbitration
    document["monitors"] = [{"name": "m1", "type": kind, "params": params, "recovery": ENDS, **more}]
    problems = read(json.dumps(document).encode(), RESOURCE_TYPES, monitors=MONITOR_TYPES).problems
    return [(each.said.code, each.said.en) for each in problems if each.path.startswith("monitors")]


def codes(kind: str, params: dict[str, Any], **more: Any) -> list[str]:
    return [code for code, _ in told(kind, params, **more)]


@pytest.mark.parametrize(
    ("kind", "params", "target"),
    [
        ("tcp", TCP, f"{OUTSIDE}:443"),
        ("tcp", {"host": "2001:db8::1", "port": 443}, "[2001:db8::1]:443"),
        ("http", {"url": "https://status.example.com/up"}, "https://status.example.com/up"),
    ],
)
def test_what_all_nodes_ask_is_warned_of(kind: str, params: dict[str, Any], target: str) -> None:
    [(code, text)] = told(kind, params)
    assert code == SHARED.code
    assert target in text
    assert "shutdown" in text


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("tcp", {"host": "127.0.0.1", "port": 80}),
        ("tcp", {"host": "localhost", "port": 80}),
        ("http", {"url": "http://[::1]/"}),
        ("userw", {}),
    ],
)
def test_each_node_may_look_at_itself(kind: str, params: dict[str, Any]) -> None:
    assert codes(kind, params) == []


def test_nodes_that_ask_something_of_their_own_end_one_by_one() -> None:
    assert codes("tcp", {"port": 443}, per_node={"node1": {"host": OUTSIDE}, "node2": {"host": OUTSIDE_TOO}}) == []
    assert codes("tcp", TCP, nodes=["node1"]) == []


def test_one_that_ends_nothing_may_ask_what_it_likes() -> None:
    assert SHARED.code not in codes("tcp", TCP, recovery={"target": "local-server"})
    assert SHARED.code not in codes("tcp", TCP, recovery={"target": {"group": "failover1"}})


def test_how_long_both_may_be_active_is_said() -> None:
    [(code, text)] = told("userw", {}, np=True, arbitration="none", interval_ms=10_000, timeout_ms=5_000, retries=2)
    assert code == LATER.code
    assert "45000 ms" in text
    assert codes("userw", {}, arbitration="none") == []
    assert codes("userw", {}, np=True) == []


@pytest.mark.parametrize("params", [{"host": 5, "port": 443}, {"host": OUTSIDE, "port": "x"}, {"port": 443}])
def test_what_cannot_be_read_is_left_to_its_type(params: dict[str, Any]) -> None:
    assert SHARED.code not in codes("tcp", params)
    assert SHARED.code not in codes("http", {"url": "http://[::1"})

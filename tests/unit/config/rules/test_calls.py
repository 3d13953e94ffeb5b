"""The budget of calls: bounds with a reason, and a warning where the checks that are configured ask for more."""

from fractions import Fraction
from typing import Any

import pytest
import yaml

from komainu.catalogue import MONITOR_TYPES, RESOURCE_TYPES
from komainu.config.problem import Problem
from komainu.config.read import read
from komainu.config.rules import calls

VIP: dict[str, Any] = {
    "name": "awsvip1",
    "type": "awsvip",
    "params": {"address": "10.1.0.20", "vpc_id": "vpc-0123456789abcdef0"},
    "per_node": {"node1": {"eni_id": "eni-0123456789abcdef0"}, "node2": {"eni_id": "eni-0123456789abcdef1"}},
}
AZ: dict[str, Any] = {"name": "awsazw1", "type": "awsazw", "per_node": {"node1": {"zone": "ap-northeast-1a"}}}
PATH = "cluster.aws.calls_per_minute"


def problems(aws: dict[str, Any] | None = None, *, check_interval_ms: int = 60_000, **more: Any) -> list[Problem]:
    document: dict[str, Any] = {
        "cluster": {"name": "c", "environment": "aws", "arbitration": "operator"},
        "nodes": [{"name": "node1", "links": ["10.0.110.100"]}, {"name": "node2", "links": ["10.0.120.100"]}],
        "groups": [{"name": "g", "resources": [{**VIP, "check_interval_ms": check_interval_ms}]}],
        **more,
    }
    if aws is not None:
        document["cluster"]["aws"] = aws
    found = read(yaml.safe_dump(document).encode(), RESOURCE_TYPES, monitors=MONITOR_TYPES)
    assert found.cluster is not None or found.errors
    messages = {each.code for each in calls.MESSAGES}
    return [each for each in found.problems if each.said.code in messages or each.is_error]


def codes(found: list[Problem]) -> list[tuple[str, str]]:
    return [(each.path, each.said.code) for each in found]


def test_the_default_is_enough_for_the_default_intervals() -> None:
    assert problems() == []
    assert problems({"region": "ap-northeast-1"}) == []


@pytest.mark.parametrize("value", [5, 600])
def test_the_bounds_themselves_are_possible(value: int) -> None:
    assert problems({"calls_per_minute": value}) == []


@pytest.mark.parametrize(("value", "message"), [(4, calls.TOO_FEW), (601, calls.TOO_MANY), (-1, calls.TOO_FEW)])
def test_beyond_the_bounds_it_is_refused_with_the_reason(value: int, message: Any) -> None:
    (found,) = problems({"calls_per_minute": value})
    assert (found.path, found.said.code, found.is_error) == (PATH, message.code, True)
    assert str(value) in found.said.en
    assert str(value) in found.said.ja


def test_checks_that_ask_for_more_are_warned_of_and_the_busiest_node_is_named() -> None:
    monitors = [{**AZ, "nodes": ["node1"], "interval_ms": 7_000}]
    (found,) = problems({"calls_per_minute": 30}, check_interval_ms=2_000, monitors=monitors)
    assert (found.path, found.said.code, found.is_error) == (PATH, calls.NOT_ENOUGH.code, False)
    assert "node1 may" in found.said.en
    assert "at least 39 times" in found.said.en  # 30, and 60 / 7
    assert problems({"calls_per_minute": 39}, check_interval_ms=2_000, monitors=monitors) == []


def test_without_the_section_the_default_is_what_is_compared() -> None:
    assert [each.said.code for each in problems(check_interval_ms=1_000)] == [calls.NOT_ENOUGH.code]


def test_on_premises_there_is_nothing_to_say() -> None:
    document = {"cluster": {"environment": "onprem"}, "nodes": [{"name": "n"}]}
    found = read(yaml.safe_dump(document).encode(), RESOURCE_TYPES).problems
    assert not {each.code for each in calls.MESSAGES} & {each.said.code for each in found}


def test_the_types_that_are_counted_exist() -> None:
    assert set(calls.RESOURCES) <= set(RESOURCE_TYPES)
    assert set(calls.MONITORS) <= set(MONITOR_TYPES)


def test_a_node_that_does_not_run_it_needs_nothing() -> None:
    document = {
        "cluster": {"name": "c", "environment": "aws", "arbitration": "operator"},
        "nodes": [{"name": name, "links": [f"10.0.1{number}0.100"]} for number, name in enumerate(("n1", "n2"))],
        "groups": [{"name": "g", "nodes": ["n1"], "resources": [{**VIP, "per_node": {"n1": {"eni_id": "eni-0"}}}]}],
    }
    cluster = read(yaml.safe_dump(document).encode(), RESOURCE_TYPES).cluster
    assert cluster is not None
    assert calls.needed_per_minute(cluster, "n1") == Fraction(1)
    assert calls.needed_per_minute(cluster, "n2") == 0

"""Rules about groups and their resources."""

import pytest

from komainu.config.rules import groups, references
from komainu.model.message import Message
from tests.unit.config.sample import GOOD, TYPES, changed, reading, said


def more(text: str) -> str:
    """The right configuration with further groups."""
    return GOOD + text


@pytest.mark.parametrize(
    ("text", "line", "path", "message"),
    [
        (
            more("  - {name: failover1, resources: [{name: a, type: app}]}\n"),
            20,
            "groups[1].name",
            groups.SAME_GROUP,
        ),
        (
            more("  - {name: g, resources: [{name: app1, type: app}]}\n"),
            20,
            "groups[1].resources[0].name",
            groups.SAME_RESOURCE,
        ),
        (
            more("  - {name: g, resources: [{name: app-x, type: app}, {name: x, type: app}]}\n"),
            20,
            "groups[1].resources[1].name",
            groups.SAME_MONITOR,
        ),
        (
            changed(("resources:", "nodes: [node1, server9]\n    resources:")),
            10,
            "groups[0].nodes[1]",
            references.NO_SUCH_NODE,
        ),
        (
            changed(("resources:", "nodes: [node1, nod2]\n    resources:")),
            10,
            "groups[0].nodes[1]",
            references.NODE_MISSPELT,
        ),
        (
            changed(("resources:", "nodes: [node1, node2, node1]\n    resources:")),
            10,
            "groups[0].nodes[2]",
            references.NODE_TWICE,
        ),
        (
            changed(("type: move", "type: move\n        exclusive: true")),
            13,
            "groups[0].resources[0].exclusive",
            groups.NOT_CLEARED,
        ),
        (changed(("environment: aws", "environment: onprem")), 12, "groups[0].resources[0].type", groups.AWS_ONLY),
        (changed(("type: move", "type: float")), 12, "groups[0].resources[0].type", groups.ONPREM_ONLY),
    ],
    ids=lambda value: getattr(value, "code", None),
)
def test_what_is_wrong_with_a_group(text: str, line: int, path: str, message: Message) -> None:
    assert (line, path, message.code) in said(text)
    assert len({code for _, _, code in said(text)}) == 1


def test_the_refusal_of_an_environment_names_what_works_there() -> None:
    (problem,) = reading(changed(("environment: aws", "environment: onprem"))).errors
    assert "`float`" in problem.said.en
    assert "`move`" not in problem.said.en.split("use:")[1]


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (more("  - {name: g}\n"), "groups[1]", groups.NO_RESOURCES),
        (changed(("resources:", "nodes: [node2]\n    resources:")), "groups[0].nodes", groups.ONE_STARTABLE),
        (
            changed(
                ("zone: a}", "zone: a}\n        depends_on: [app1]"), ("type: app", "type: app\n        depends_on: []")
            ),
            "groups[0].resources[0].depends_on[0]",
            groups.ORDER,
        ),
    ],
    ids=lambda value: getattr(value, "code", None),
)
def test_what_an_administrator_should_know_of_a_group(text: str, path: str, message: Message) -> None:
    assert (path, message.code) in [(path, code) for _, path, code in said(text, "warning")]
    assert said(text) == []


def test_nothing_is_warned_of_without_reason() -> None:
    assert said(GOOD, "warning") == []


def test_the_order_of_the_list_does_not_matter_between_types() -> None:
    second = "{name: b, type: move, params: {address: 10.1.0.21, zone: a}, per_node: {node1: {port: port-3}}}"
    text = more("  - {name: g, nodes: [node1], failover: manual, resources: [{name: a, type: app}, " + second + "]}\n")
    assert said(text, "warning") == []
    cluster = reading(text).cluster
    assert cluster is not None
    assert [each.name for each in cluster.group("g").resources] == ["b", "a"]


def test_one_startable_node_is_no_surprise_to_who_fails_over_by_hand() -> None:
    text = changed(("resources:", "nodes: [node2]\n    failover: manual\n    resources:"))
    assert groups.ONE_STARTABLE.code not in [code for _, _, code in said(text, "warning")]


def test_an_application_may_be_declared_harmless_on_two_nodes() -> None:
    cluster = reading(changed(("type: app", "type: app\n        exclusive: false"))).cluster
    assert cluster is not None
    assert not cluster.groups[0].exclusive


def test_a_type_that_is_always_exclusive_cannot_be_cleared() -> None:
    text = changed(("environment: aws", "environment: onprem"), ("type: move", "type: float\n        exclusive: false"))
    assert [code for _, _, code in said(text)] == [groups.NOT_CLEARED.code]


def test_names_of_monitors_follow_from_names_of_resources() -> None:
    assert TYPES["app"].monitor_name("app-x") == TYPES["app"].monitor_name("x") == "appw-x"

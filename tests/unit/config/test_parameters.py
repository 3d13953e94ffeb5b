"""Parameters are checked as they hold on every startable node."""

import pytest

from komainu.config import parameters, refusals
from komainu.model.message import Message
from tests.unit.config.sample import ZONES_DIFFER, changed, only, said

PER_NODE = "groups[0].resources[0].per_node"


@pytest.mark.parametrize(
    ("written", "message"),
    [("mvoe", parameters.MISSPELT_TYPE), ("database", parameters.UNKNOWN_TYPE)],
)
def test_an_unknown_type_is_named_with_the_nearest_or_all(written: str, message: Message) -> None:
    problem = only(changed(("type: move", f"type: {written}")))
    assert (problem.line, problem.path, problem.said.code) == (12, "groups[0].resources[0].type", message.code)
    assert "move" in problem.said.en


def test_every_startable_node_needs_its_own() -> None:
    text = changed(("          node2: {port: port-2}\n", ""))
    problem = only(text)
    assert (problem.path, problem.said) == (
        f"{PER_NODE}.node2.port",
        parameters.NOT_ON_NODE.said(key="port", node="node2"),
    )


def test_a_common_value_does_not_stand_for_the_nodes_own() -> None:
    text = changed(
        ("        per_node:\n          node1: {port: port-1}\n          node2: {port: port-2}\n", ""),
        ("zone: a}", "zone: a, port: port-1}"),
    )
    assert said(text) == [
        (11, f"{PER_NODE}.node1.port", parameters.NOT_ON_NODE.code),
        (11, f"{PER_NODE}.node2.port", parameters.NOT_ON_NODE.code),
    ]


def test_a_node_that_cannot_start_the_group_needs_nothing() -> None:
    text = changed(
        ("          node2: {port: port-2}\n", ""), ("name: failover1", "name: failover1\n    nodes: [node1]")
    )
    assert said(text) == []


def test_the_same_value_on_two_nodes_is_refused() -> None:
    problem = only(changed(("port-2", "port-1")))
    assert (problem.line, problem.path, problem.said.code) == (
        16,
        f"{PER_NODE}.node2.port",
        parameters.SAME_ON_NODES.code,
    )


def test_a_wrong_value_is_named_where_it_was_written() -> None:
    assert said(changed(("port: port-2", "port: 2"))) == [(16, f"{PER_NODE}.node2.port", refusals.NOT_TEXT.code)]
    assert said(changed(("zone: a}", "zone: 5}"))) == [
        (13, "groups[0].resources[0].params.zone", refusals.NOT_TEXT.code)
    ]


def test_a_common_value_that_every_node_overrides_is_still_only_checked_where_it_holds() -> None:
    text = changed(
        ("zone: a}", "zone: 5}"), ("port: port-1", "port: port-1, zone: a"), ("port: port-2", "port: port-2, zone: a")
    )
    assert said(text) == []


def test_values_for_a_node_outside_the_group_have_no_effect() -> None:
    text = changed(("name: failover1", "name: failover1\n    nodes: [node1]"))
    assert (17, f"{PER_NODE}.node2", parameters.NODE_NOT_IN_GROUP.code) in said(text, "warning")


def test_a_type_may_advise_about_all_nodes_together() -> None:
    text = changed(("port: port-2", "port: port-2, zone: b"))
    assert (11, "groups[0].resources[0]", ZONES_DIFFER.code) in said(text, "warning")
    assert ZONES_DIFFER.code not in [code for _, _, code in said(changed(), "warning")]


def test_a_type_is_not_asked_for_advice_about_wrong_values() -> None:
    text = changed(("port: port-2", "port: 2, zone: b"))
    assert ZONES_DIFFER.code not in [code for _, _, code in said(text, "warning")]

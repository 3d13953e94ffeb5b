"""Names that refer to nothing are refused with the nearest name, or with all there are."""

import pytest

from komainu.config.rules import references
from komainu.model.message import Message
from tests.unit.config.sample import GOOD, changed, only, reading, said

APP = ("type: app", "type: app\n        depends_on: [{}]")


def depending(name: str) -> str:
    return changed((APP[0], APP[1].format(name)))


def monitored(target: str) -> str:
    return GOOD + f"monitors:\n  - {{name: m, type: ping, params: {{host: h}}, recovery: {{target: {target}}}}}\n"


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (depending("mov1"), "groups[0].resources[1].depends_on[0]", references.RESOURCE_MISSPELT),
        (depending("database"), "groups[0].resources[1].depends_on[0]", references.NO_RESOURCE),
        (depending("move1, move1"), "groups[0].resources[1].depends_on[1]", references.TWICE),
        (monitored("{group: failover2}"), "monitors[0].recovery.target.group", references.GROUP_MISSPELT),
        (monitored("{group: other}"), "monitors[0].recovery.target.group", references.NO_GROUP),
        (
            monitored("{group: failover1, resource: apps1}"),
            "monitors[0].recovery.target.resource",
            references.RESOURCE_MISSPELT,
        ),
    ],
    ids=lambda value: getattr(value, "code", None),
)
def test_what_is_not_there(text: str, path: str, message: Message) -> None:
    problem = only(text)
    assert (problem.path, problem.said.code) == (path, message.code)


def test_a_resource_of_another_group_is_found_there() -> None:
    text = depending("other1") + "  - {name: g, failover: manual, resources: [{name: other1, type: app}]}\n"
    problem = only(text)
    assert problem.said.code == references.RESOURCE_ELSEWHERE.code
    assert "is in group g" in problem.said.en


def test_the_nearest_name_is_told_as_it_is_written() -> None:
    text = depending("APP2").replace("app1", "App2x")
    assert "`App2x`" in only(text).said.en


def test_nothing_is_said_of_a_resource_in_a_group_that_is_not_there() -> None:
    assert len(reading(monitored("{group: nowhere, resource: x}")).errors) == 1


def test_nodes_of_a_monitor_are_looked_at() -> None:
    text = GOOD + "monitors:\n  - {name: m, type: ping, nodes: [node1, nod2, node1], params: {host: h}}\n"
    assert [code for _, _, code in said(text)] == [references.NODE_MISSPELT.code, references.NODE_TWICE.code]

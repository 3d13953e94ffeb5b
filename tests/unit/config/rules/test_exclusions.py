"""Groups that avoid each other, and contradictions between the ways to say so."""

import pytest

from komainu.config.rules import exclusions, references
from komainu.config.shape_beside import ALONE
from komainu.model.message import Message
from tests.unit.config.rules.test_dependencies import groups
from tests.unit.config.sample import only, said


def excluded(*entries: str, also: str = "name: b") -> str:
    text = groups("name: a", also, "name: c")
    return text + "exclusions:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries)


@pytest.mark.parametrize(
    ("entries", "path", "message"),
    [
        (("name: x, kind: normal, groups: [a]",), "exclusions[0].groups", ALONE),
        (("name: x, kind: normal, groups: []",), "exclusions[0].groups", ALONE),
        (("name: x, kind: normal, groups: [a, a]",), "exclusions[0].groups[1]", references.TWICE),
        (("name: x, kind: normal, groups: [a, other]",), "exclusions[0].groups[1]", references.NO_GROUP),
        (
            ("name: x, kind: normal, groups: [a, b]", "name: x, kind: normal, groups: [a, c]"),
            "exclusions[1].name",
            exclusions.SAME_EXCLUSION,
        ),
        (
            ("name: x, kind: normal, groups: [a, b, c]", "name: y, kind: absolute, groups: [c, b]"),
            "exclusions[1].groups",
            exclusions.CONTRADICTION,
        ),
    ],
    ids=lambda value: getattr(value, "code", None),
)
def test_what_is_wrong_with_an_exclusion(entries: tuple[str, ...], path: str, message: Message) -> None:
    problem = only(excluded(*entries))
    assert (problem.path, problem.said.code) == (path, message.code)


@pytest.mark.parametrize("order", ["a, b", "b, a"])
def test_groups_that_have_to_share_a_node_cannot_avoid_each_other(order: str) -> None:
    follows = "name: b, depends_on: [{group: a, same_node: true}]"
    problem = only(excluded(f"name: x, kind: absolute, groups: [{order}]", also=follows))
    assert problem.said == exclusions.TOGETHER_AND_APART.said(one="b", other="a")
    assert said(excluded(f"name: x, kind: normal, groups: [{order}]", also=follows)) == []
    assert said(excluded(f"name: x, kind: absolute, groups: [{order}]", also="name: b, depends_on: [a]")) == []


def test_the_way_over_a_third_group_is_seen() -> None:
    text = groups(
        "name: a, depends_on: [{group: b, same_node: true}]", "name: b, depends_on: [{group: c, same_node: true}]",
        "name: c",
    )  # fmt: skip
    problem = only(text + "exclusions:\n  - {name: x, kind: absolute, groups: [a, c]}\n")
    assert problem.said == exclusions.TOGETHER_AND_APART.said(one="a", other="c")


def test_more_groups_than_there_is_room_for_are_warned_of() -> None:
    text = excluded("name: x, kind: absolute, groups: [a, b, c]")
    assert said(text) == []
    assert [(path, code) for _, path, code in said(text, "warning")] == [
        ("exclusions[0].groups", exclusions.NOT_ENOUGH_NODES.code)
    ]


def test_room_is_counted_by_where_each_may_start() -> None:
    # Two nodes and two groups, but both groups may start on one node only.
    text = groups("name: a, nodes: [node1], failover: manual", "name: b, nodes: [node1], failover: manual")
    text += "exclusions:\n  - {name: x, kind: absolute, groups: [a, b]}\n"
    assert [code for _, _, code in said(text, "warning")] == [exclusions.NOT_ENOUGH_NODES.code]
    # The first could take either node, and has to leave the second its only one.
    text = groups("name: a", "name: b, nodes: [node1], failover: manual")
    text += "exclusions:\n  - {name: x, kind: absolute, groups: [a, b]}\n"
    assert said(text, "warning") == []
    assert exclusions.NO_SPARE_NODE.code in [code for _, _, code in said(text, "info")]


def test_the_same_pair_of_one_kind_twice_is_no_contradiction() -> None:
    text = excluded("name: x, kind: normal, groups: [a, b]", "name: y, kind: normal, groups: [b, a, c]")
    assert said(text) == said(text, "warning") == []

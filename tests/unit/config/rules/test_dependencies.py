"""Who waits for whom: circles, groups on one node, waits that are too short."""

import pytest

from komainu.config.rules import dependencies, references
from komainu.model.message import Message
from tests.unit.config.sample import GOOD, only, said

HEAD = GOOD.split("groups:")[0]


def apps(**depends_on: str) -> str:
    """A group of applications, listed in that order; an empty text: nothing is written."""
    lines = [
        f"      - {{name: {name}, type: app{', depends_on: [' + other + ']' if other != '-' else ''}}}\n"
        for name, other in depends_on.items()
    ]
    return f"{HEAD}groups:\n  - name: g\n    resources:\n" + "".join(lines)


def groups(*entries: str) -> str:
    return f"{HEAD}groups:\n" + "".join(
        f"  - {{{entry}, resources: [{{name: r{n}, type: app}}]}}\n" for n, entry in enumerate(entries)
    )


def test_a_resource_cannot_wait_for_itself() -> None:
    problem = only(apps(a="a"))
    assert (problem.path, problem.said.code) == ("groups[0].resources[0].depends_on[0]", dependencies.ITSELF.code)


def test_a_circle_that_was_written_is_shown() -> None:
    problem = only(apps(a="b", b="c", c="a"))
    assert (problem.path, problem.said.code) == ("groups[0].resources[0].depends_on", dependencies.RESOURCE_CIRCLE.code)
    assert "a → b → c → a" in problem.said.en
    assert "a → b → c → a" in problem.said.ja


def test_a_circle_with_the_usual_order_says_where_nothing_is_written() -> None:
    problem = only(apps(a="b", b="-"))
    assert problem.said.code == dependencies.RESOURCE_CIRCLE_BY_DEFAULT.code
    assert "Of these, b only follow the usual order" in problem.said.en
    assert said(apps(a="b", b="")) == []


def test_every_circle_is_named_once() -> None:
    text = apps(x="-", a="b", b="a", c="d", d="c", e="a")
    assert [(path, code) for _, path, code in said(text)] == [
        ("groups[0].resources[1].depends_on", dependencies.RESOURCE_CIRCLE.code),
        ("groups[0].resources[3].depends_on", dependencies.RESOURCE_CIRCLE.code),
    ]


def test_two_resources_of_one_name_are_no_circle() -> None:
    text = f"{HEAD}groups:\n  - name: g\n    resources:\n" + "".join(
        f"      - {{name: {name}, type: app}}\n" for name in "aba"
    )
    assert len(said(text)) == 1


@pytest.mark.parametrize("same_node", ["", ", same_node: true"])
def test_groups_that_wait_for_each_other_are_refused(same_node: str) -> None:
    text = groups(
        "name: a, depends_on: [{group: b" + same_node + "}]", "name: b, depends_on: [c]", "name: c, depends_on: [a]"
    )
    problem = only(text)
    assert (problem.path, problem.said.code) == ("groups[0].depends_on", dependencies.GROUP_CIRCLE.code)
    assert "a → b → c → a" in problem.said.en


@pytest.mark.parametrize(
    ("entries", "path", "message"),
    [
        (("name: a, depends_on: [a]",), "groups[0].depends_on[0]", dependencies.ITSELF),
        (("name: a, depends_on: [{group: a}]",), "groups[0].depends_on[0]", dependencies.ITSELF),
        (("name: first, depends_on: [frist]",), "groups[0].depends_on[0]", references.GROUP_MISSPELT),
        (("name: a, depends_on: [b, b]", "name: b"), "groups[0].depends_on[1]", references.TWICE),
        (
            ("name: a, nodes: [node1], failover: manual, depends_on: [{group: b, same_node: true}]",
             "name: b, nodes: [node2], failover: manual"),
            "groups[0].depends_on[0]",
            dependencies.NOWHERE_TOGETHER,
        ),
    ],
    ids=lambda value: getattr(value, "code", None),
)  # fmt: skip
def test_what_is_wrong_with_a_dependency_of_groups(entries: tuple[str, ...], path: str, message: Message) -> None:
    problem = only(groups(*entries))
    assert (problem.path, problem.said.code) == (path, message.code)


@pytest.mark.parametrize(
    ("first", "second", "path", "message"),
    [
        (
            "name: a, nodes: [node1], failover: manual, depends_on: [{group: b, same_node: true}]",
            "name: b",
            "groups[0].depends_on[0]",
            dependencies.SOMEWHERE_ALONE,
        ),
        (
            "name: a, nodes: [node2, node1], depends_on: [{group: b, same_node: true}]",
            "name: b",
            "groups[0].depends_on[0]",
            dependencies.OTHER_ORDER,
        ),
        (
            "name: a, depends_on: [{group: b, start_wait_ms: 6999}]",
            "name: b",
            "groups[0].depends_on[0].start_wait_ms",
            dependencies.START_WAIT_SHORT,
        ),
        (
            "name: a, depends_on: [{group: b, stop_wait_ms: 59999}]",
            "name: b",
            "groups[0].depends_on[0].stop_wait_ms",
            dependencies.STOP_WAIT_SHORT,
        ),
        (
            "name: a, depends_on: [b]",
            "name: b, start: manual",
            "groups[0].depends_on[0]",
            dependencies.WAITS_FOR_MANUAL,
        ),
    ],
    ids=lambda value: getattr(value, "code", None),
)
def test_what_an_administrator_should_know_of_a_dependency(
    first: str, second: str, path: str, message: Message
) -> None:
    text = groups(first, second)
    assert said(text) == []
    assert [(each, code) for _, each, code in said(text, "warning")] == [(path, message.code)]


def test_nothing_is_said_of_dependencies_that_hold() -> None:
    text = groups("name: a, depends_on: [b, {group: c, same_node: true, start_wait_ms: 7000}]", "name: b", "name: c")
    assert said(text) == said(text, "warning") == []

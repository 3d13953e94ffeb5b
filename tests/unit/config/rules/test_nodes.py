"""Rules about nodes and interconnects."""

import pytest

from komainu.config import refusals
from komainu.config.rules import nodes
from komainu.model.message import Message
from tests.unit.config.sample import changed, said

SECOND = "{name: node2, links: [10.0.120.100]}"


def second(text: str) -> str:
    return changed(
        (SECOND, text), ("          node2: {port: port-2}\n", ""), ("resources:", "nodes: [node1]\n    resources:")
    )


@pytest.mark.parametrize(
    ("node", "path", "message"),
    [
        ("{name: node1, links: [10.0.120.100]}", "nodes[1].name", nodes.SAME_NAME),
        ("{name: node2, links: [10.0.120.100], id: 1}", "nodes[1].id", nodes.SAME_ID),
        ("{name: node2, links: [10.0.120.100, 10.0.9.2]}", "nodes[1].links", nodes.LINK_COUNT),
        ("{name: node2, links: [10.0.110.100]}", "nodes[1].links[0]", nodes.LINK_TWICE),
        ("{name: node2, links: ['fd00::1']}", "nodes[1].links[0]", nodes.LINK_FAMILY),
        ("{name: node2, links: [127.0.0.1]}", "nodes[1].links[0]", nodes.LINK_UNFIT),
        ("{name: node2, links: [224.0.0.1]}", "nodes[1].links[0]", nodes.LINK_UNFIT),
        ("{name: node2, links: [0.0.0.0]}", "nodes[1].links[0]", nodes.LINK_UNFIT),
        ("{name: node2, links: [169.254.1.1]}", "nodes[1].links[0]", nodes.LINK_UNFIT),
        ("{name: node2, links: [node2.example]}", "nodes[1].links[0]", refusals.NOT_ADDRESS),
        ("{name: node2, links: [10.0.120.100/24]}", "nodes[1].links[0]", refusals.NOT_ADDRESS),
        ("{name: node2, links: []}", "nodes[1].links", refusals.TOO_SHORT),
    ],
)
def test_what_is_wrong_with_a_node(node: str, path: str, message: Message) -> None:
    assert said(second(node)) == [(7, path, message.code)]


def test_an_address_in_another_spelling_is_the_same_address() -> None:
    text = changed(("[10.0.110.100]", "['fd00::1']"), ("[10.0.120.100]", "['FD00:0::1']"))
    assert said(text) == [(7, "nodes[1].links[0]", nodes.LINK_TWICE.code)]


def test_several_interconnects_of_different_kinds_are_right() -> None:
    text = changed(("[10.0.110.100]", "[10.0.110.100, 'fd00::1']"), ("[10.0.120.100]", "[10.0.120.100, 'fd00::2']"))
    assert said(text) == []


def test_one_node_alone_is_warned_of() -> None:
    text = changed((f"  - {SECOND}\n", ""), ("          node2: {port: port-2}\n", ""))
    assert said(text) == []
    assert said(text, "warning") == [(6, "nodes", nodes.ONE_NODE.code)]

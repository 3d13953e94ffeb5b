"""Rules about addresses that move."""

from komainu.config.rules import addresses
from tests.unit.config.sample import GOOD, changed, said

OTHER = (
    "  - name: g\n    resources:\n      - name: move2\n        type: move\n"
    "        params: {address: %s, zone: a}\n        per_node: {node1: {port: port-8}, node2: {port: port-9}}\n"
)


def test_a_nodes_own_address_cannot_move() -> None:
    assert said(changed(("10.1.0.20", "10.0.120.100"))) == [
        (13, "groups[0].resources[0].params.address", addresses.NODES_OWN.code)
    ]


def test_an_address_moves_with_one_resource_only() -> None:
    assert said(GOOD + OTHER % "10.1.0.20") == [
        (24, "groups[1].resources[0].params.address", addresses.USED_TWICE.code)
    ]
    assert said(GOOD + OTHER % "10.1.0.21") == []


def test_an_address_of_a_single_node_is_seen_too() -> None:
    text = changed(("port: port-2", "port: port-2, address: 10.0.110.100"))
    assert said(text) == [(16, "groups[0].resources[0].per_node.node2.address", addresses.NODES_OWN.code)]


def test_a_resource_may_give_its_own_address_twice() -> None:
    assert said(changed(("port: port-2", "port: port-2, address: 10.1.0.20"))) == []

"""Rules about addresses that move."""

from komainu.config.rules import addresses
from tests.unit.config.sample import changed, said


def test_a_nodes_own_address_cannot_move() -> None:
    assert said(changed(("10.1.0.20", "10.0.120.100"))) == [
        (13, "groups[0].resources[0].params.address", addresses.NODES_OWN.code)
    ]


def test_an_address_of_a_single_node_is_seen_too() -> None:
    text = changed(("port: port-2", "port: port-2, address: 10.0.110.100"))
    assert said(text) == [(16, "groups[0].resources[0].per_node.node2.address", addresses.NODES_OWN.code)]


def test_a_resource_may_give_its_own_address_twice() -> None:
    assert said(changed(("port: port-2", "port: port-2, address: 10.1.0.20"))) == []

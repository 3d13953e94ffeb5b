"""What a cut drops, as nftables is told it. That packets obey is tested in tests/lab/test_machines.py."""

import pytest

from komainu_lab.topology import onprem, vip6
from komainu_lab.wires import Cut, cut_between, cut_off, hardware_address, ipv6_commands, transaction

NODE1, NODE2 = onprem().nodes


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        (cut_off(NODE1), Cut(from_port=('"p-node1"',), to_port=('"p-node1"',))),
        (cut_off(NODE1, "out"), Cut(from_port=('"p-node1"',))),
        (cut_off(NODE1, "in"), Cut(to_port=('"p-node1"',))),
        (cut_between(NODE1, NODE2, "out"), Cut(port_to_address=('"p-node1" . 192.168.10.12',))),
        (cut_between(NODE1, NODE2, "in"), Cut(port_to_address=('"p-node2" . 192.168.10.11',))),
        (
            cut_between(NODE1, NODE2),
            Cut(port_to_address=('"p-node1" . 192.168.10.12', '"p-node2" . 192.168.10.11')),
        ),
    ],
)
def test_a_cut_names_ports_and_directions(cut: Cut, expected: Cut) -> None:
    assert cut == expected


def test_a_transaction_replaces_what_held_before() -> None:
    assert transaction([]).splitlines() == [
        "flush set bridge komainu_lab from_port",
        "flush set bridge komainu_lab to_port",
        "flush set bridge komainu_lab port_to_address",
    ]


def test_cuts_that_overlap_are_one_element() -> None:
    text = transaction([cut_off(NODE1, "out"), cut_off(NODE1, "out"), cut_off(NODE2, "out")])
    assert 'add element bridge komainu_lab from_port { "p-node1", "p-node2" }' in text.splitlines()
    assert "add element bridge komainu_lab to_port" not in text


def test_hardware_addresses_are_local_unicast_and_differ() -> None:
    one, other = hardware_address(NODE1.address.packed), hardware_address(NODE2.address.packed)
    assert one == "02:4b:c0:a8:0a:0b"
    assert one != other


def test_ipv6_of_a_machine_that_has_it() -> None:
    assert ipv6_commands(NODE1) == []
    assert ipv6_commands(vip6().client) == [
        "addr add 2001:db8:0:10c::32/128 dev eth0 nodad",
        "route add ::/0 via 2001:db8:0:10c::1 dev eth0 onlink",
    ]

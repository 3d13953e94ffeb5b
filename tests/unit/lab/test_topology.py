"""The topologies hold together: addresses in their subnets, names that fit the kernel, nothing twice."""

import pytest

from komainu_lab.topology import TOPOLOGIES, VPC_CIDR6, Topology, addresses, eip, vip, vip6

INTERFACE_NAME_MOST = 15


@pytest.fixture(params=sorted(TOPOLOGIES))
def topology(request: pytest.FixtureRequest) -> Topology:
    return TOPOLOGIES[request.param]()


def test_addresses_lie_in_their_subnet_and_are_nobody_elses(topology: Topology) -> None:
    addresses = [machine.address for machine in topology.machines] + [subnet.gateway for subnet in topology.subnets]
    assert len(set(addresses)) == len(addresses)
    assert all(machine.address in machine.subnet.cidr for machine in topology.machines)


def test_device_names_fit_the_kernel_and_are_unique(topology: Topology) -> None:
    names = [machine.port for machine in topology.machines] + [subnet.bridge for subnet in topology.subnets]
    assert len(set(names)) == len(names)
    assert max(len(name) for name in names) <= INTERFACE_NAME_MOST


def test_every_topology_has_nodes_and_one_client(topology: Topology) -> None:
    count = 3 if topology.name == "majority" else 2
    assert [node.name for node in topology.nodes] == [f"node{number + 1}" for number in range(count)]
    assert topology.client.kind == ("internet" if topology.elastic else "client")


def test_figure_4_1() -> None:
    topology = vip()
    assert [str(subnet.cidr) for subnet in topology.subnets if subnet.zone] == [
        "10.0.110.0/24", "10.0.120.0/24", "10.0.10.0/24", "10.0.20.0/24",
    ]  # fmt: skip
    assert {str(node.address): node.subnet.zone for node in topology.nodes} == {
        "10.0.110.100": "ap-northeast-1a",
        "10.0.120.100": "ap-northeast-1c",
    }
    assert not any(topology.service_address in subnet.cidr for subnet in topology.subnets)


def test_figure_5_1() -> None:
    topology = eip()
    assert {str(node.address): str(node.subnet.cidr) for node in topology.nodes} == {
        "10.0.10.100": "10.0.10.0/24",
        "10.0.20.100": "10.0.20.0/24",
    }
    assert not topology.client.subnet.zone, "the client is on the internet"
    assert not any(topology.service_address in subnet.cidr for subnet in topology.subnets)


def test_one_subnet_for_nodes_and_client() -> None:
    topology = addresses()
    assert len({machine.subnet for machine in (*topology.nodes, topology.client)}) == 1
    assert not any(topology.service_address in subnet.cidr for subnet in topology.subnets)


def test_ipv6_beside_ipv4() -> None:
    topology = vip6()
    assert [(m.name, m.kind, m.address) for m in topology.machines] == [
        (m.name, m.kind, m.address) for m in vip().machines
    ]
    assert {m.name: str(m.address6) for m in topology.machines if m.address6 is not None} == {
        "node1": "2001:db8:0:11a::64",
        "node2": "2001:db8:0:11c::64",
        "nat1": "2001:db8:0:10a::a",
        "nat2": "2001:db8:0:10c::a",
        "client": "2001:db8:0:10c::32",
    }
    six = [subnet.cidr6 for subnet in topology.subnets if subnet.cidr6 is not None]
    assert all(cidr.subnet_of(VPC_CIDR6) for cidr in six)
    assert topology.service_address not in VPC_CIDR6
    assert (vip().service_route, topology.service_route) == ("10.1.0.20/32", "2001:db8:1::20/128")
    assert not [machine for machine in vip().machines if machine.address6 or machine.subnet.gateway6]


def test_an_unknown_machine_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="node9"):
        vip().machine("node9")

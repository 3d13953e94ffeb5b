"""What the lab consists of: subnets and machines, as data.

Each subnet is a bridge in the router's network namespace; the router carries the subnet's first address (the gateway
of a VPC subnet) on that bridge. Each machine is a set of namespaces of its own, joined to its subnet's bridge by one
veth pair: `eth0` inside the machine, `Machine.port` on the router's side.

The router's namespace is a plain forwarder here. The emulated VPC (`komainu_lab.vpc`) programs the rest into it: route
tables, Source/Dest check, addresses of the internet gateway. Only a subnet with `cidr6` has IPv6 besides IPv4.
"""

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal

Kind = Literal["node", "client", "nat", "internet", "witness"]

VPC_CIDR6 = IPv6Network("2001:db8:0:100::/56")
"What every emulated VPC with IPv6 is given: of the networks for documentation."


@dataclass(frozen=True, slots=True)
class Subnet:
    """One subnet: one bridge, one gateway address."""

    name: str
    "At most 11 characters: it names the bridge."
    cidr: IPv4Network
    zone: str
    "The availability zone; empty where there are none."
    cidr6: IPv6Network | None = None
    "None: no IPv6 here."

    @property
    def bridge(self) -> str:
        """The bridge in the router's namespace."""
        return f"br-{self.name}"

    @property
    def gateway(self) -> IPv4Address:
        """The router's address in the subnet: the first one, as in a VPC."""
        return self.cidr[1]

    @property
    def gateway6(self) -> IPv6Address | None:
        """The router's IPv6 address in the subnet, the first one; None: it has none."""
        return self.cidr6[1] if self.cidr6 is not None else None


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine: a cluster node, a client, a NAT instance, a witness, or the host that stands for the internet."""

    name: str
    "At most 11 characters: it names the router's port and is the host name."
    kind: Kind
    subnet: Subnet
    address: IPv4Address

    @property
    def port(self) -> str:
        """The router's end of the machine's veth pair."""
        return f"p-{self.name}"

    @property
    def address6(self) -> IPv6Address | None:
        """Its IPv6 address, with the same number in the subnet as `address`; None: it has none."""
        subnet = self.subnet
        return subnet.cidr6[int(self.address) - int(subnet.cidr[0])] if subnet.cidr6 is not None else None


@dataclass(frozen=True, slots=True)
class Topology:
    """A whole lab."""

    name: str
    machines: tuple[Machine, ...]
    service_address: IPv4Address | IPv6Address
    "What the clients talk to: the address that moves."
    region: str = ""
    "The emulated AWS region; empty when there is no emulated VPC."
    elastic: bool = False
    "The service address is an Elastic IP, and the nodes have public addresses; else route tables lead to it."

    @property
    def service_route(self) -> str:
        """The destination of the rows that lead to the service address: a CIDR of it alone."""
        return f"{self.service_address}/{self.service_address.max_prefixlen}"

    @property
    def subnets(self) -> tuple[Subnet, ...]:
        """Every subnet once, in order of first use."""
        return tuple(dict.fromkeys(machine.subnet for machine in self.machines))

    @property
    def nodes(self) -> tuple[Machine, ...]:
        """The cluster nodes."""
        return tuple(machine for machine in self.machines if machine.kind == "node")

    @property
    def client(self) -> Machine:
        """The machine the prober runs on: who reaches an Elastic IP is on the internet."""
        kind = "internet" if self.elastic else "client"
        return next(machine for machine in self.machines if machine.kind == kind)

    def machine(self, name: str) -> Machine:
        """The machine of that name. Raises KeyError when there is none."""
        for machine in self.machines:
            if machine.name == name:
                return machine
        raise KeyError(name)


def _machine(name: str, kind: Kind, subnet: Subnet, host: int) -> Machine:
    return Machine(name, kind, subnet, subnet.cidr[host])


def vip() -> Topology:
    """The VPC of the seed's figure 4-1: two zones, a public and a private subnet in each, NAT per zone."""
    public_a = Subnet("public-a", IPv4Network("10.0.10.0/24"), "ap-northeast-1a")
    public_c = Subnet("public-c", IPv4Network("10.0.20.0/24"), "ap-northeast-1c")
    private_a = Subnet("private-a", IPv4Network("10.0.110.0/24"), "ap-northeast-1a")
    private_c = Subnet("private-c", IPv4Network("10.0.120.0/24"), "ap-northeast-1c")
    outside = Subnet("outside", IPv4Network("198.51.100.0/24"), "")
    return Topology(
        name="vip",
        machines=(
            _machine("node1", "node", private_a, 100),
            _machine("node2", "node", private_c, 100),
            _machine("nat1", "nat", public_a, 10),
            _machine("nat2", "nat", public_c, 10),
            _machine("client", "client", public_c, 50),
            _machine("internet", "internet", outside, 10),
        ),
        service_address=IPv4Address("10.1.0.20"),
        region="ap-northeast-1",
    )


def vip6() -> Topology:
    """`vip` with an IPv6 address as VIP: all inside the VPC have IPv6 as well, the internet has not."""
    plain = vip()
    numbers = {"public-a": 0x0A, "public-c": 0x0C, "private-a": 0x1A, "private-c": 0x1C}
    blocks = list(VPC_CIDR6.subnets(new_prefix=64))
    subnets = {s.name: replace(s, cidr6=blocks[numbers[s.name]] if s.zone else None) for s in plain.subnets}
    machines = tuple(replace(machine, subnet=subnets[machine.subnet.name]) for machine in plain.machines)
    return replace(plain, name="vip6", machines=machines, service_address=IPv6Address("2001:db8:1::20"))


def addresses() -> Topology:
    """Both nodes and the client in one subnet, with a NAT instance: for every address that moves."""
    public = Subnet("public-a", IPv4Network("10.0.10.0/24"), "ap-northeast-1a")
    private = Subnet("private-a", IPv4Network("10.0.110.0/24"), "ap-northeast-1a")
    outside = Subnet("outside", IPv4Network("198.51.100.0/24"), "")
    return Topology(
        name="addresses",
        machines=(
            _machine("node1", "node", private, 100),
            _machine("node2", "node", private, 101),
            _machine("nat1", "nat", public, 10),
            _machine("client", "client", private, 50),
            _machine("internet", "internet", outside, 10),
        ),
        service_address=IPv4Address("10.1.0.20"),
        region="ap-northeast-1",
    )


def eip() -> Topology:
    """The VPC of the seed's figure 5-1: two zones with a public subnet each, and a client on the internet."""
    public_a = Subnet("public-a", IPv4Network("10.0.10.0/24"), "ap-northeast-1a")
    public_c = Subnet("public-c", IPv4Network("10.0.20.0/24"), "ap-northeast-1c")
    outside = Subnet("outside", IPv4Network("198.51.100.0/24"), "")
    return Topology(
        name="eip",
        machines=(
            _machine("node1", "node", public_a, 100),
            _machine("node2", "node", public_c, 100),
            _machine("internet", "internet", outside, 10),
        ),
        service_address=IPv4Address("203.0.113.10"),
        region="ap-northeast-1",
        elastic=True,
    )


def onprem() -> Topology:
    """One segment with two nodes and a client: for addresses that move by gratuitous ARP."""
    segment = Subnet("lan", IPv4Network("192.168.10.0/24"), "")
    return Topology(
        name="onprem",
        machines=(
            _machine("node1", "node", segment, 11),
            _machine("node2", "node", segment, 12),
            _machine("client", "client", segment, 50),
        ),
        service_address=segment.cidr[20],
    )


def witness() -> Topology:
    """`onprem` with a third machine that keeps the vote, behind the router."""
    there = Subnet("there", IPv4Network("192.168.30.0/24"), "")
    segment = onprem()
    return replace(segment, name="witness", machines=(*segment.machines, _machine("witness", "witness", there, 5)))


def majority() -> Topology:
    """`onprem` with a third node."""
    segment = onprem()
    third = _machine("node3", "node", segment.client.subnet, 13)
    machines = (*segment.nodes, third, segment.client)
    return replace(segment, name="majority", machines=machines)


TOPOLOGIES = {
    "vip": vip,
    "vip6": vip6,
    "addresses": addresses,
    "eip": eip,
    "onprem": onprem,
    "lease": vip,
    "witness": witness,
    "majority": majority,
}
"""By the name of the example."""

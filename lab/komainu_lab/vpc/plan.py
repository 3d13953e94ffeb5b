"""What the router must do so that packets obey the emulated state: a pure reading of moto's objects.

Nothing here knows which node is active, and nothing is remembered from one reading to the next.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from komainu_lab.topology import Topology
from komainu_lab.vpc.corrections import interface_is_live, interface_of
from komainu_lab.vpc.public_addresses import own_address

EVERYTHING = {4: "0.0.0.0/0", 6: "::/0"}
FIRST_TABLE = 100
"The kernel's routing table of the topology's first subnet; the others follow."


@dataclass(frozen=True, slots=True)
class Hop:
    """Where a packet goes next. Neither device nor gateway: it is dropped without a word."""

    device: str = ""
    gateway: str = ""


BLACKHOLE = Hop()

Key = tuple[int, str]
"A routing table and a destination (CIDR)."


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the fabric programs, in forms that compare."""

    routes: dict[Key, Hop] = field(default_factory=dict)
    stopped: frozenset[str] = frozenset()
    "Addresses of interfaces that nothing may reach."
    stopped_ports: frozenset[str] = frozenset()
    "The router's ports of instances that do not run: nothing in, nothing out."
    checked_ports: frozenset[str] = frozenset()
    "The router's ports with Source/Dest check on."
    own_addresses: frozenset[tuple[str, str]] = frozenset()
    "Port and address: what a checked interface may send from and be sent to."
    neighbours: frozenset[tuple[str, str, str]] = frozenset()
    "Device, address, hardware address: a VPC knows where an interface is, nobody asks and waits."
    public: frozenset[tuple[str, str]] = frozenset()
    "Public address and the private one it stands for, while the internet gateway is attached."


class Reader:
    """Reads moto's EC2 backend, again and again, for one topology."""

    def __init__(self, topology: Topology) -> None:
        """What the topology says once and for all is looked up here."""
        inside = [(number, subnet) for number, subnet in enumerate(topology.subnets) if subnet.zone]
        self.tables = {str(subnet.cidr): FIRST_TABLE + number for number, subnet in inside}
        "The kernel's routing table for packets from a subnet, by its CIDR."
        self.ipv6 = tuple(str(subnet.cidr) for _, subnet in inside if subnet.cidr6 is not None)
        "The subnets that have IPv6 as well, by their CIDR."
        self.devices = {str(subnet.cidr): subnet.bridge for _, subnet in inside}
        "The router's device in each subnet, by its CIDR."
        self.outside = next((subnet.bridge for subnet in topology.subnets if not subnet.zone), "")
        "The device that leads to the internet; empty: there is none."
        self._ports = {str(machine.address): machine.port for machine in topology.machines if machine.subnet.zone}
        self.ports = tuple(self._ports.values())
        "The router's ports of the machines inside the VPC."

    def read(self, ec2: Any) -> Plan:
        """What must be now. The caller sees to it that nothing changes meanwhile."""
        routes: dict[Key, Hop] = {}
        vpcs: set[str] = set()
        subnets = [subnet for zone in ec2.subnets.values() for subnet in zone.values()]
        carried = [subnet for subnet in subnets if subnet.cidr_block in self.tables]
        for subnet in carried:
            vpcs.add(subnet.vpc_id)
            siblings = [sibling for sibling in carried if sibling.vpc_id == subnet.vpc_id]
            table = self.tables[subnet.cidr_block]
            for destination, hop in self._entries(ec2, subnet, siblings):
                routes[table, destination] = hop
        return Plan(routes=routes, public=_public(ec2, vpcs), **self._interfaces(ec2))

    def _entries(self, ec2: Any, subnet: Any, siblings: list[Any]) -> Iterator[tuple[str, Hop]]:
        """The kernel's routes that stand for a subnet's route table; what no route names is dropped."""
        versions = (4, 6) if subnet.cidr_block in self.ipv6 else (4,)
        for version in versions:
            yield EVERYTHING[version], BLACKHOLE
            for cidr in ec2.vpcs[subnet.vpc_id].get_cidr_block_association_set(ipv6=version == 6):
                yield cidr["cidr_block"], BLACKHOLE
            for sibling in siblings:
                for block in _blocks(sibling, version):
                    yield block, Hop(device=self.devices[sibling.cidr_block])
        table = _table_for(ec2, subnet)
        for route in table.routes if table is not None else ():
            written = route.destination_cidr_block or route.destination_ipv6_cidr_block
            version = 6 if route.destination_ipv6_cidr_block else 4
            if written and not route.local and version in versions:
                yield canonical(written), self._hop(route, subnet.vpc_id, version)

    def _hop(self, route: Any, vpc_id: str, version: int) -> Hop:
        """Where one emulated route leads. Kinds of targets that no machine of the lab carries lead nowhere. So does
        IPv6 to an interface without an IPv6 address (believed), and to the internet, which has no IPv6 here."""
        interface = interface_of(route)
        if interface is not None:
            device = self.devices.get(interface.subnet.cidr_block, "")
            address = next(iter(_addresses(interface, version)), "")
            return Hop(device, address) if device and address and interface_is_live(interface) else BLACKHOLE
        gateway = route.gateway
        if gateway is None or not gateway.id.startswith("igw-") or gateway.vpc is None or gateway.vpc.id != vpc_id:
            return BLACKHOLE
        return Hop(device=self.outside) if version == 4 else BLACKHOLE

    def _interfaces(self, ec2: Any) -> dict[str, frozenset[Any]]:
        """Which ports are dead, which are checked against which addresses, and where every interface is."""
        ports = dict(self._ports)
        stopped: set[str] = set()
        stopped_ports: set[str] = set()
        checked_ports: set[str] = set()
        own: set[tuple[str, str]] = set()
        neighbours: set[tuple[str, str, str]] = set()
        for interface in ec2.enis.values():
            port = ports.pop(interface.private_ip_address, None)
            if port is None:
                continue
            addresses = _addresses(interface, 4)
            if interface.subnet.cidr_block in self.ipv6:
                addresses += _addresses(interface, 6)
            device = self.devices[interface.subnet.cidr_block]
            neighbours.update((device, address, interface.mac_address) for address in addresses)
            if not interface_is_live(interface):
                stopped.update(addresses)
                stopped_ports.add(port)
            elif interface.source_dest_check:
                checked_ports.add(port)
                own.update((port, address) for address in addresses)
        # A machine whose interface was deleted hangs on nothing.
        stopped.update(ports)
        stopped_ports.update(ports.values())
        return {
            "stopped": frozenset(stopped),
            "stopped_ports": frozenset(stopped_ports),
            "checked_ports": frozenset(checked_ports),
            "own_addresses": frozenset(own),
            "neighbours": frozenset(neighbours),
        }


@functools.cache
def canonical(cidr: str) -> str:
    """A CIDR without host bits, as the kernel wants it and as EC2 stores it."""
    return str(ip_network(cidr, strict=False))


def _addresses(interface: Any, version: int) -> list[str]:
    """The addresses of an interface, the primary one first."""
    if version == 6:
        return [str(ip_address(address)) for address in interface.ipv6_addresses]
    secondary = [str(each["PrivateIpAddress"]) for each in interface.private_ip_addresses if not each.get("Primary")]
    return [str(interface.private_ip_address), *secondary]


def _blocks(subnet: Any, version: int) -> list[str]:
    """The CIDRs of a subnet."""
    if version == 4:
        return [str(subnet.cidr_block)]
    return [canonical(str(each["ipv6CidrBlock"])) for each in subnet.ipv6_cidr_block_association_set]


def _table_for(ec2: Any, subnet: Any) -> Any | None:
    """The subnet's route table: the one associated with it, else the main one of its VPC."""
    main = None
    for table in ec2.route_tables.values():
        if table.vpc_id == subnet.vpc_id:
            if subnet.id in table._associations.values():
                return table
            if table.main_association_id is not None:
                main = table
    return main


def _public(ec2: Any, vpcs: set[str]) -> frozenset[tuple[str, str]]:
    """Public addresses that work: of an interface in a VPC with an internet gateway; an Elastic IP before its own."""
    attached = {gateway.vpc.id for gateway in ec2.internet_gateways.values() if gateway.vpc is not None} & vpcs
    found = {each.private_ip_address: own_address(each) for each in ec2.enis.values() if each.vpc_id in attached}
    for elastic in ec2.addresses:
        if elastic.eni is not None and elastic.eni.vpc_id in attached:
            found[elastic.eni.private_ip_address] = elastic.public_ip
    return frozenset((public, private) for private, public in found.items() if public)

"""What the router must do so that packets obey the emulated state: a pure reading of moto's objects.

Nothing here knows which node is active, and nothing is remembered from one reading to the next.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from komainu_lab.topology import Subnet, Topology
from komainu_lab.vpc.corrections import interface_is_live, interface_of

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
    "Device, address, hardware address: a VPC knows where an interface is, nobody asks by ARP and waits."
    public: frozenset[tuple[str, str]] = frozenset()
    "Elastic IP and the private address it stands for, while the internet gateway is attached."


def table_of(topology: Topology, subnet: Subnet) -> int:
    """The kernel's routing table for packets that come from a subnet."""
    return FIRST_TABLE + topology.subnets.index(subnet)


def bound_devices(topology: Topology) -> dict[str, int]:
    """The routing table by the device on which a packet arrives."""
    return {subnet.bridge: table_of(topology, subnet) for subnet in topology.subnets if subnet.zone}


def outside_device(topology: Topology) -> str:
    """The device that leads to the internet; empty: there is none."""
    return next((subnet.bridge for subnet in topology.subnets if not subnet.zone), "")


def read(ec2: Any, topology: Topology) -> Plan:
    """Read moto's EC2 backend. The caller sees to it that nothing changes meanwhile."""
    routes: dict[Key, Hop] = {}
    vpcs: set[str] = set()
    by_cidr = {subnet.cidr_block: subnet for zone in ec2.subnets.values() for subnet in zone.values()}
    for subnet in topology.subnets:
        emulated = by_cidr.get(str(subnet.cidr)) if subnet.zone else None
        if emulated is None:
            continue
        vpcs.add(emulated.vpc_id)
        table = _table_for(ec2, emulated)
        for destination, hop in _entries(ec2, topology, emulated.vpc_id, table):
            routes[table_of(topology, subnet), destination] = hop
    return Plan(routes=routes, public=_public(ec2, vpcs), **_interfaces(ec2, topology))


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


def _entries(ec2: Any, topology: Topology, vpc_id: str, table: Any | None) -> Iterator[tuple[str, Hop]]:
    """The kernel's routes that stand for one route table; what no route names is dropped."""
    yield "0.0.0.0/0", BLACKHOLE
    for cidr in ec2.vpcs[vpc_id].get_cidr_block_association_set(ipv6=False):
        yield cidr["cidr_block"], BLACKHOLE
    present = {str(subnet.cidr): subnet for subnet in topology.subnets if subnet.zone}
    for zone in ec2.subnets.values():
        for subnet in zone.values():
            if subnet.vpc_id == vpc_id and subnet.cidr_block in present:
                yield subnet.cidr_block, Hop(device=present[subnet.cidr_block].bridge)
    for route in table.routes if table is not None else ():
        if route.destination_cidr_block and not route.local:
            yield str(ip_network(route.destination_cidr_block, strict=False)), _hop(topology, route, vpc_id)


def _hop(topology: Topology, route: Any, vpc_id: str) -> Hop:
    """Where one emulated route leads. Kinds of targets that no machine of the lab carries lead nowhere."""
    interface = interface_of(route)
    if interface is not None:
        device = next((s.bridge for s in topology.subnets if str(s.cidr) == interface.subnet.cidr_block), "")
        if device and interface_is_live(interface):
            return Hop(device, interface.private_ip_address)
        return BLACKHOLE
    gateway = route.gateway
    if gateway is not None and gateway.id.startswith("igw-") and gateway.vpc is not None and gateway.vpc.id == vpc_id:
        return Hop(device=outside_device(topology))
    return BLACKHOLE


def _interfaces(ec2: Any, topology: Topology) -> dict[str, frozenset[Any]]:
    """Which ports are dead, and which are checked against which addresses."""
    ports = {str(machine.address): machine.port for machine in topology.machines if machine.subnet.zone}
    devices = {str(subnet.cidr): subnet.bridge for subnet in topology.subnets if subnet.zone}
    neighbours: set[tuple[str, str, str]] = set()
    stopped: set[str] = set()
    stopped_ports: set[str] = set()
    checked_ports: set[str] = set()
    own: set[tuple[str, str]] = set()
    for interface in ec2.enis.values():
        port = ports.pop(interface.private_ip_address, None)
        if port is None:
            continue
        addresses = [str(entry["PrivateIpAddress"]) for entry in interface.private_ip_addresses]
        device = devices[interface.subnet.cidr_block]
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


def _public(ec2: Any, vpcs: set[str]) -> frozenset[tuple[str, str]]:
    """Elastic IPs that work: of an interface in a VPC with an internet gateway."""
    attached = {gateway.vpc.id for gateway in ec2.internet_gateways.values() if gateway.vpc is not None}
    return frozenset(
        (address.public_ip, address.eni.private_ip_address)
        for address in ec2.addresses
        if address.eni is not None and address.eni.vpc_id in attached & vpcs
    )

"""The VPC of figure 4-1 in moto, in this process, without a router."""

from moto.ec2.models import ec2_backends
from moto.moto_api._internal.models import moto_api_backend

from komainu_lab import topology
from komainu_lab.topology import Topology
from komainu_lab.vpc.build import Operator, backend, build, destination
from komainu_lab.vpc.description import Description
from komainu_lab.vpc.dispatch import Dispatcher
from komainu_lab.vpc.plan import Hop, Plan, Reader

VIP = "10.1.0.20/32"
TOPOLOGY = topology.vip()
READER = Reader(TOPOLOGY)
SIX = topology.vip6()


def forget() -> None:
    """Make moto as it is in a new process.

    Its own reset is not enough: other services, such as Auto Scaling, are there once an instance was terminated, and
    when they are reset they make EC2 anew, after it was forgotten. A VPC that is built then has other ids.
    """
    moto_api_backend.reset()
    ec2_backends.clear()


class World:
    """The built VPC."""

    def __init__(self, of: Topology = TOPOLOGY) -> None:
        self.topology = of
        self.reader = Reader(of)
        self.operator = Operator(Dispatcher(), of.region)
        self.built: Description = build(of, self.operator)
        self.ec2 = self.operator.client("ec2")

    def plan(self) -> Plan:
        return self.reader.read(backend(self.topology.region))

    def eni(self, machine: str) -> str:
        return self.built.instances[machine].interface

    def hops(self, destination: str) -> dict[str, Hop]:
        """By subnet, where packets to that destination go."""
        routes = self.plan().routes
        subnets = [subnet for subnet in self.topology.subnets if subnet.zone]
        return {subnet.name: routes[self.reader.tables[str(subnet.cidr)], destination] for subnet in subnets}

    def point(self, table: str, **target: str) -> None:
        where = destination(self.topology.service_route)
        self.ec2.replace_route(RouteTableId=self.built.tables[table], **where, **target)

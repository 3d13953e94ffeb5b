"""The VPC of figure 4-1 in moto, in this process, without a router."""

from moto.ec2.models import ec2_backends
from moto.moto_api._internal.models import moto_api_backend

from komainu_lab import topology
from komainu_lab.vpc.build import Operator, backend, build
from komainu_lab.vpc.description import Description
from komainu_lab.vpc.dispatch import Dispatcher
from komainu_lab.vpc.plan import Hop, Plan, Reader

VIP = "10.1.0.20/32"
TOPOLOGY = topology.vip()
READER = Reader(TOPOLOGY)


def forget() -> None:
    """Make moto as it is in a new process.

    Its own reset is not enough: other services, such as Auto Scaling, are there once an instance was terminated, and
    when they are reset they make EC2 anew, after it was forgotten. A VPC that is built then has other ids.
    """
    moto_api_backend.reset()
    ec2_backends.clear()


class World:
    """The built VPC."""

    def __init__(self) -> None:
        self.operator = Operator(Dispatcher(), TOPOLOGY.region)
        self.built: Description = build(TOPOLOGY, self.operator)
        self.ec2 = self.operator.client("ec2")

    def plan(self) -> Plan:
        return READER.read(backend(TOPOLOGY.region))

    def eni(self, machine: str) -> str:
        return self.built.instances[machine].interface

    def hops(self, destination: str) -> dict[str, Hop]:
        """By subnet, where packets to that destination go."""
        routes = self.plan().routes
        return {s.name: routes[READER.tables[str(s.cidr)], destination] for s in TOPOLOGY.subnets if s.zone}

    def point(self, table: str, **target: str) -> None:
        self.ec2.replace_route(RouteTableId=self.built.tables[table], DestinationCidrBlock=VIP, **target)

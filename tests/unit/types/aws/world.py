"""The VPC of figure 4-1 with a standby node that is about to take over, all in memory."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from komainu.model.outcome import Outcome
from komainu.ports import Cloud, Host
from komainu.types.aws.vip import AWSVIP, Vip
from komainu.types.aws.vip_params import Params
from tests.doubles.cloud import FakeCloud
from tests.doubles.network import FakeNetwork

VIP = "10.1.0.20"
ROUTE = f"{VIP}/32"
VPC = "vpc-0a1b2c3d"
ENI = {1: "eni-00000001", 2: "eni-00000002"}
TABLES = ("rtb-public-ab", "rtb-private-a", "rtb-private-b")


class World:
    """Node 2 of two; the routes still point at node 1."""

    def __init__(self, **params: Any) -> None:
        """`params` differ from the usual ones."""
        self.cloud = FakeCloud()
        self.cloud.add_vpc(VPC, "10.0.0.0/16", "100.64.0.0/16")
        self.cloud.add_interface(VPC, ENI[1], "10.0.110.100")
        self.cloud.add_interface(VPC, ENI[2], "10.0.120.100")
        for table in TABLES:
            self.cloud.add_table(VPC, table, {ROUTE: ENI[1], "0.0.0.0/0": "igw"})
        self.cloud.add_table(VPC, "rtb-without-row", {"0.0.0.0/0": "igw"})
        self.network = FakeNetwork(lo="127.0.0.1/8", eth0="10.0.120.100/24")
        self.now_ms = 1_000_000
        self.alone = False
        self.watching: Cloud | None = None
        "The cloud within the budget of calls, when it is another one."
        self.reports: list[Outcome] = []
        self.params = Params(**{"address": VIP, "vpc_id": VPC, "eni_id": ENI[2], **params})
        self.vip = self.new()

    def host(self, cloud: Cloud | None, resource: str = "awsvip1") -> Host:
        return Host(
            node="node2",
            cluster="cluster1",
            group="failover1",
            resource=resource,
            cloud=cloud,
            network=self.network,
            processes=None,
            report=self.reports.append,
            now_ms=lambda: self.now_ms,
            elsewhere={"node1": {"eni_id": ENI[1]}},
            alone=lambda: self.alone,
            watching=self.watching,
        )

    def new(self, resource: str = "awsvip1") -> Vip:
        """The resource in a daemon that has just started."""
        made = AWSVIP.make(self.params, self.host(self.cloud, resource))
        assert isinstance(made, Vip)
        return made

    def targets(self) -> list[str]:
        """What the routes to the VIP really point at."""
        return [self.cloud.tables[table][ROUTE] for table in TABLES]

    async def settle(self) -> None:
        """Wait until the read-back has nothing more to look at."""
        task = self.vip._read_back
        assert task is not None
        await asyncio.wait([task], timeout=20)
        assert task.done()


Body = Callable[[World], Coroutine[Any, Any, None]]


def run(body: Body, **params: Any) -> None:
    """Run a test's body in a loop of its own, and stop the resource afterwards."""

    async def inner() -> None:
        world = World(**params)
        await body(world)
        assert (await world.vip.stop(5_000)).succeeded

    asyncio.run(inner())


def in_world(**params: Any) -> Callable[[Body], Callable[[], None]]:
    """A test whose body gets a fresh world."""

    def decorate(body: Body) -> Callable[[], None]:
        def test() -> None:
            run(body, **params)

        test.__doc__ = body.__doc__
        return test

    return decorate


def text(outcome: Outcome) -> str:
    assert outcome.said is not None, outcome
    return outcome.said.en

"""The VPC of figure 4-1 with a standby node that is about to take over, all in memory."""

import asyncio
from typing import Any

from komainu.types.aws.vip import AWSVIP, Vip
from komainu.types.aws.vip_params import Params
from tests.doubles.cloud import FakeCloud
from tests.unit.types.aws.station import ENI, Station, worlds

VIP = "10.1.0.20"
ROUTE = f"{VIP}/32"
VPC = "vpc-0a1b2c3d"
TABLES = ("rtb-public-ab", "rtb-private-a", "rtb-private-b")


class World(Station):
    """Node 2 of two; the routes still point at node 1."""

    resource = "awsvip1"

    def __init__(self, **params: Any) -> None:
        """`params` differ from the usual ones."""
        super().__init__("10.0.120.100/24")
        self.cloud = FakeCloud()
        self.cloud.add_vpc(VPC, "10.0.0.0/16", "100.64.0.0/16")
        self.cloud.add_interface(VPC, ENI[1], "10.0.110.100")
        self.cloud.add_interface(VPC, ENI[2], "10.0.120.100")
        for table in TABLES:
            self.cloud.add_table(VPC, table, {ROUTE: ENI[1], "0.0.0.0/0": "igw"})
        self.cloud.add_table(VPC, "rtb-without-row", {"0.0.0.0/0": "igw"})
        self.params = Params(**{"address": VIP, "vpc_id": VPC, "eni_id": ENI[2], **params})
        self.vip = self.new()

    def new(self, resource: str = "") -> Vip:
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

    async def end(self) -> None:
        assert (await self.vip.stop(5_000)).succeeded


in_world = worlds(World)

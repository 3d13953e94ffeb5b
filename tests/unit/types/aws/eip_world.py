"""Figure 5-1 with a standby node that is about to take over, all in memory."""

from typing import Any

from komainu.ports import Address, CloudError, CloudFault
from komainu.types.aws.eip import AWSEIP, Eip, Params
from tests.doubles import cloud as aws
from tests.doubles.cloud import FakeCloud
from tests.unit.types.aws.station import ENI, Station, worlds

EIP = "eipalloc-0a1b2c3d"
PUBLIC = "203.0.113.10"


class Ec2(FakeCloud):
    """With one Elastic IP; its connections die when somebody says so, until they are made anew."""

    def __init__(self) -> None:
        super().__init__()
        self.place = ("", "")
        "The ENI it is associated with, and the association."
        self.stale: tuple[str, str] | None = None
        "What questions are answered with, when it is not what is."
        self.known: tuple[str, ...] = (EIP,)
        self.number = 0
        self.dead = False
        self.fresh = 0

    def move(self, interface: str) -> None:
        """Somebody associates it."""
        self.number += 1
        self.place = (interface, f"eipassoc-{self.number}") if interface else ("", "")

    def reconnect(self) -> None:
        self.dead = False
        self.fresh += 1

    async def address(self, allocation: str, timeout_ms: int) -> Address:
        await self._reach("address", allocation, timeout_ms)
        interface, association = self.stale or self.place
        private = self.interfaces[interface].private_address if interface in self.interfaces else ""
        return Address(allocation, PUBLIC, association, interface, private)

    async def associate(self, allocation: str, interface: str, private_address: str, timeout_ms: int) -> str:
        lost = await self._reach("associate", allocation, timeout_ms)
        if interface not in self.interfaces:
            raise CloudError(CloudFault.REFUSED, "InvalidNetworkInterfaceID.NotFound", interface)
        assert private_address in ("", self.interfaces[interface].private_address)
        if self.place[0] != interface:
            self.move(interface)
        if lost is not None:
            raise lost
        return self.place[1]

    async def disassociate(self, association: str, timeout_ms: int) -> None:
        lost = await self._reach("disassociate", association, timeout_ms)
        if association != self.place[1]:
            raise CloudError(CloudFault.REFUSED, "InvalidAssociationID.NotFound", association)
        self.place = ("", "")
        if lost is not None:
            raise lost

    async def _reach(self, method: str, key: str, timeout_ms: int) -> CloudError | None:
        lost = await self._begin(method, key, timeout_ms)
        if self.dead:
            raise aws.no_answer()
        if method != "disassociate" and key not in self.known:
            raise CloudError(CloudFault.REFUSED, "InvalidAllocationID.NotFound", key)
        return lost


class World(Station):
    """Node 2 of two in public subnets; the address is still at node 1."""

    resource = "awseip1"

    def __init__(self, **params: Any) -> None:
        super().__init__("10.0.20.100/24")
        self.cloud = Ec2()
        self.cloud.add_interface("vpc-1", ENI[1], "10.0.10.100")
        self.cloud.add_interface("vpc-1", ENI[2], "10.0.20.100")
        self.cloud.move(ENI[1])
        self.params = Params.model_validate({"allocation_id": EIP, "eni_id": ENI[2], **params})
        self.eip = self.new()

    def new(self) -> Eip:
        """The resource in a daemon that has just started."""
        made = AWSEIP.make(self.params, self.host(self.cloud))
        assert isinstance(made, Eip)
        return made

    @property
    def holder(self) -> str:
        return self.cloud.place[0]


in_world = worlds(World)

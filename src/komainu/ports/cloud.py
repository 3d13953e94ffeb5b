"""The cloud."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class CloudFault(StrEnum):
    """Why a call to the cloud did not succeed."""

    REFUSED = "refused"
    "The API answered with an error: nothing was changed."
    NO_ANSWER = "no answer"
    "No answer within the deadline, or the connection was lost: a change may have been made (N4)."
    UNREACHABLE = "unreachable"
    "The request surely never reached the API (no route, name not resolved, connection refused, no credentials)."
    INTERNAL = "internal"
    "Anything else; a defect."


class CloudError(Exception):
    """A call to the cloud did not succeed."""

    def __init__(
        self, fault: CloudFault, code: str, text: str, *, timed_out: bool = False, transient: bool = False
    ) -> None:
        """`code` is the API's error code (`InvalidVpcID.NotFound`), or the kind of the SDK's exception.

        `timed_out`: a time limit ran out (T: code 6). `transient`: the same call may well succeed soon.
        """
        super().__init__(f"{code}: {text}")
        self.fault = fault
        self.code = code
        self.text = text
        self.timed_out = timed_out
        self.transient = transient


@dataclass(frozen=True, slots=True)
class Route:
    """One route of a route table."""

    table: str
    destination: str
    "CIDR, for example `10.1.0.20/32`."
    interface: str
    "The ENI it points at; empty when it points elsewhere."
    state: str
    "`active` or `blackhole`."


@dataclass(frozen=True, slots=True)
class Interface:
    """An elastic network interface."""

    id: str
    vpc: str
    private_address: str
    source_dest_check: bool
    instance: str
    subnet: str = ""
    private_addresses: tuple[str, ...] = ()
    "All of them, the primary one first."
    ipv6_addresses: tuple[str, ...] = ()
    label: str = ""
    "Its Name tag, or else its description."


@dataclass(frozen=True, slots=True)
class Address:
    """An Elastic IP address."""

    allocation: str
    public_address: str
    association: str = ""
    "What a disassociation names; empty while it is associated with nothing."
    interface: str = ""
    "The ENI it is associated with; empty when there is none."
    private_address: str = ""
    "The address of that ENI to which it is translated."


@dataclass(frozen=True, slots=True)
class Zone:
    """An Availability Zone."""

    name: str
    state: str
    "`available`, `information`, `impaired`, `constrained` or `unavailable`."
    messages: tuple[str, ...] = ()
    "What AWS says of it."


@dataclass(frozen=True, slots=True)
class Instance:
    """A machine of the cloud."""

    id: str
    state: str
    "`pending`, `running`, `stopping`, `stopped`, `shutting-down` or `terminated`; while it stops it may still work."


class Cloud(Protocol):
    """The part of the EC2 API that Komainu uses. Every method raises CloudError; `timeout_ms` bounds the whole call."""

    async def vpc_cidrs(self, vpc: str, timeout_ms: int) -> tuple[str, ...]:
        """All CIDR blocks associated with the VPC, IPv4 and IPv6."""

    async def routes(self, vpc: str, destination: str, timeout_ms: int) -> tuple[Route, ...]:
        """The routes to exactly that destination in all route tables of the VPC."""

    async def route_tables(self, vpc: str, timeout_ms: int) -> tuple[str, ...]:
        """The ids of all route tables of the VPC."""

    async def replace_route(self, table: str, destination: str, interface: str, timeout_ms: int) -> None:
        """Point an existing route at an interface."""

    async def may_replace_route(self, table: str, destination: str, interface: str, timeout_ms: int) -> None:
        """Whether `replace_route` would be allowed; changes nothing. Raises CloudError when it would not be."""

    async def interface(self, interface: str, timeout_ms: int) -> Interface:
        """One network interface."""

    async def address(self, allocation: str, timeout_ms: int) -> Address:
        """One Elastic IP address, and where it is (E1, E2)."""

    async def associate(self, allocation: str, interface: str, private_address: str, timeout_ms: int) -> str:
        """Associate the Elastic IP with that address of the interface, from wherever it is; the association's id.

        `private_address` may be empty: the primary one.
        """

    async def may_associate(self, allocation: str, interface: str, private_address: str, timeout_ms: int) -> None:
        """Whether `associate` would be allowed; changes nothing. Raises CloudError when it would not be."""

    async def disassociate(self, association: str, timeout_ms: int) -> None:
        """End an association. One that is gone already is refused: `InvalidAssociationID.NotFound`."""

    async def assign_private_address(self, interface: str, address: str, timeout_ms: int) -> None:
        """Give the interface a secondary private address, from whichever interface has it (E3)."""

    async def unassign_private_address(self, interface: str, address: str, timeout_ms: int) -> None:
        """Take a secondary private address from the interface. One that is elsewhere is refused."""

    async def zone(self, zone: str, timeout_ms: int) -> Zone | None:
        """One Availability Zone (A1); None when AWS answers with an empty list."""

    def assume(self, role: str) -> "Cloud":
        """The same API with the rights of that role (its ARN): for what another account owns. Opens nothing yet."""

    def reconnect(self) -> None:
        """Use no connection that is open now: the source address of this node has changed under them (E1)."""

    async def instance(self, instance: str, timeout_ms: int) -> Instance:
        """One machine, as it is now."""

    async def stop_instance(self, instance: str, timeout_ms: int, *, skip_os: bool = True) -> str:
        """Begin to stop the machine by force; the state that the cloud answers, which is rarely `stopped` already.

        `skip_os`: its operating system is not asked to shut down first.
        """

    async def may_stop_instance(self, instance: str, timeout_ms: int) -> None:
        """Whether `stop_instance` would be allowed; changes nothing. Raises CloudError when it would not be."""

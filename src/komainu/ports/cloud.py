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

    async def interface(self, interface: str, timeout_ms: int) -> Interface:
        """One network interface."""

    async def instance(self, instance: str, timeout_ms: int) -> Instance:
        """One machine, as it is now."""

    async def stop_instance(self, instance: str, timeout_ms: int, *, skip_os: bool = True) -> str:
        """Begin to stop the machine by force; the state that the cloud answers, which is rarely `stopped` already.

        `skip_os`: its operating system is not asked to shut down first.
        """

    async def may_stop_instance(self, instance: str, timeout_ms: int) -> None:
        """Whether `stop_instance` would be allowed; changes nothing. Raises CloudError when it would not be."""

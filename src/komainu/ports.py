"""The neighbours, in our own words. A port exists only for a neighbour that has two implementations.

Nothing here knows EC2, corosync or Linux by name: `komainu.adapters` does, and `komainu.compose` chooses.
No port raises for what is expected to go wrong: it answers with an `Outcome` or with a named error of this file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel

from komainu.model.message import Message, Said
from komainu.model.outcome import Outcome
from komainu.model.traits import Traits

# --- the bus: membership and total order ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RingId:
    """The name of one period of membership; it never comes back."""

    representative: int
    sequence: int


@dataclass(frozen=True, slots=True)
class BusView:
    """Who is there, as the bus says it, at one place in the order."""

    ring: RingId
    agents: tuple[int, ...]
    "Ids of the nodes whose daemon is in the process group, ascending."
    nodes: tuple[int, ...]
    "Ids of the nodes in the ring, ascending; a node without a daemon is here and not in `agents`."


class BusListener(Protocol):
    """What the bus calls, in delivery order, never concurrently."""

    def on_view(self, view: BusView) -> None:
        """Membership changed.

        Two views in one turn, of one new ring, the first without a node and the second with it: that node is back from
        another ring, or this node is; either has lived through another history meanwhile.
        """

    def on_message(self, sender: int, payload: bytes) -> None:
        """A message was delivered, one's own among them. `sender` is the node id, proven by the bus."""

    def on_lost(self, reason: Said) -> None:
        """The connection to the bus is gone: nothing will be delivered until the next `on_view`."""


class Bus(Protocol):
    """Totally ordered multicast with membership (the real one is corosync's CPG).

    `send` returning says nothing about delivery: one's own `on_message` is the only proof.
    """

    async def start(self, listener: BusListener) -> None:
        """Connect, and keep connecting again after a loss, until `stop`."""

    def send(self, payload: bytes) -> None:
        """Queue a message; what cannot be sent at once is retried in order. Raises ValueError above 1,000,000 bytes.

        Before the first `on_view`, and from `on_lost` to the next one, it is dropped: propose again.
        """

    async def stop(self) -> None:
        """Leave the group (the others see a clean departure) and disconnect."""


# --- the cloud ------------------------------------------------------------------------------------------------------


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


# --- the machine ----------------------------------------------------------------------------------------------------


class Network(Protocol):
    """Addresses of this machine. Raises OSError for what the kernel refuses."""

    async def device_with(self, address: str) -> str | None:
        """The name of the network device that carries the address, or None."""

    async def device_for(self, address: str) -> str | None:
        """The name of the network device on whose subnet the address lies (longest prefix first), or None."""

    async def add_address(self, device: str, address: str, prefix: int) -> None:
        """Add the address; nothing changes when it is there."""

    async def remove_address(self, address: str) -> None:
        """Take the address off every device; nothing changes when it is absent."""

    async def announce(self, device: str, address: str) -> None:
        """Tell the neighbours on the segment: gratuitous ARP or unsolicited neighbour advertisement."""


# --- resource types -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Host:
    """What a resource sees of its node: the ports, and who it is. Nothing else of the system is within its reach."""

    node: str
    cluster: str
    group: str
    resource: str
    cloud: Cloud | None
    network: Network
    processes: Any
    "komainu.adapters.linux.processes.Processes; a port would have one implementation only."
    report: Callable[[Outcome], None]
    "Tells of a failure of the running resource at once, without waiting for the next check."
    now_ms: Callable[[], int]
    "CLOCK_BOOTTIME in milliseconds."
    elsewhere: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    "The resource's parameters on its other startable nodes."
    alone: Callable[[], bool] = bool
    "True while this node takes part with no other, for whatever reason: then others may be at work unseen."


class ResourceHands(Protocol):
    """One resource on one node. All methods are idempotent and never raise for what can be expected to go wrong.

    The executor bounds each call by the configured timeout by cancelling it: then the outcome is unknown.
    """

    async def prepare(self) -> Outcome:
        """While it does not run here: check that it could, and cache what a start will need (V6)."""

    async def start(self, timeout_ms: int) -> Outcome:
        """Bring it into effect here."""

    async def stop(self, timeout_ms: int) -> Outcome:
        """Take it out of effect here. SUCCEEDED only when that is certain."""

    async def check(self, timeout_ms: int) -> Outcome:
        """While it runs here: SUCCEEDED when it is as it should be."""

    async def probe(self, timeout_ms: int) -> Outcome:
        """After the daemon started: SUCCEEDED when it runs here, FAILED when it surely does not, else UNKNOWN.

        A probe changes nothing; a supervised process is adopted by it.
        """


def _nothing_to_say(params: Mapping[str, Any]) -> tuple[Said, ...]:
    """The advice of a type that has none."""
    return ()


@dataclass(frozen=True, slots=True)
class ResourceType:
    """The declaration of a resource type: everything other parts may know of it. One per file in komainu.types."""

    name: str
    "As in the configuration: `awsvip`."
    monitor: str
    "The name its own check goes by: `awsvipw`. The monitor of resource awsvip1 is awsvipw1."
    title: Message
    description: Message
    params: type[BaseModel]
    (
        "A frozen pydantic model; each field has a docstring (use_attribute_docstrings) and the same in Japanese as "
        '`json_schema_extra={"description_ja": ...}`. A validator that raises `komainu.model.message.Refused` is '
        "quoted in the reader's language."
    )
    per_node_required: tuple[str, ...]
    "Parameters that every startable node must give for itself (V1: the ENI id)."
    traits: Traits
    messages: tuple[Message, ...]
    make: Callable[[Any, Host], ResourceHands]
    "Called with the validated parameters that hold on this node."
    advise: Callable[[Mapping[str, Any]], tuple[Said, ...]] = _nothing_to_say
    (
        "Called with the validated parameters of every startable node, by node name: what they give reason to warn of "
        "when they are seen together (V1: nodes in different VPCs)."
    )

    def monitor_name(self, resource: str) -> str:
        """The name of the monitor that comes with a resource (V3): awsvip1 has awsvipw1, web has awsvipw-web."""
        if resource.startswith(self.name):
            return self.monitor + resource[len(self.name) :]
        return f"{self.monitor}-{resource}"

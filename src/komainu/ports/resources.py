"""What a resource type declares, what it sees, and what it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel

from komainu.model.message import Message, Said
from komainu.model.outcome import Outcome
from komainu.model.traits import Traits
from komainu.ports.cloud import Cloud
from komainu.ports.machine import Guarded, Network
from komainu.ports.names import NameService


@dataclass(frozen=True, slots=True)
class Host:
    """What a resource sees of its node: the ports, and who it is. Nothing else of the system is within its reach."""

    node: str
    cluster: str
    group: str
    resource: str
    cloud: Cloud | None
    "For what has effect, and for what that needs to know: it waits for nobody."
    network: Network
    processes: Any
    "komainu.adapters.linux.processes.Processes; a port would have one implementation only."
    report: Callable[[Outcome], None]
    "Tells of a failure of the running resource at once, without waiting for the next check."
    now_ms: Callable[[], int]
    "CLOCK_BOOTTIME in milliseconds."
    elsewhere: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    "The resource's parameters on its other startable nodes."
    watching: Cloud | None = None
    "The same cloud within the node's budget of calls: for checks and preparations (a start never waits for them)."
    names: NameService | None = None
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


def _guards_nothing(params: Mapping[str, Any]) -> Guarded:
    """The guarded part of a type that has none."""
    return Guarded()


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

    guards: Callable[[Mapping[str, Any]], Guarded] = _guards_nothing
    "Called with the parameters that hold on a node: what of the resource is cut off when the node's right ends."

    def monitor_name(self, resource: str) -> str:
        """The name of the monitor that comes with a resource (V3): awsvip1 has awsvipw1, web has awsvipw-web."""
        if resource.startswith(self.name):
            return self.monitor + resource[len(self.name) :]
        return f"{self.monitor}-{resource}"

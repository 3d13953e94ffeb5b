"""What a monitor type declares, what it sees, and what it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from komainu.model.message import Message, Said
from komainu.model.outcome import Outcome
from komainu.model.traits import Environment
from komainu.ports.cloud import Cloud
from komainu.ports.machine import Network, Watchdog
from komainu.ports.metadata import Metadata
from komainu.ports.ping import Pinger
from komainu.ports.resolver import Resolver


@dataclass(frozen=True, slots=True)
class MonitorHost:
    """What a monitor of its own sees of its node."""

    node: str
    cluster: str
    monitor: str
    cloud: Cloud | None
    "Within the node's budget of calls: a takeover never waits for a monitor."
    network: Network
    processes: Any
    "komainu.adapters.linux.processes.Processes; a port would have one implementation only."
    report: Callable[[Outcome], None]
    "Tells of a change at once, without waiting for the next check."
    now_ms: Callable[[], int]
    "CLOCK_BOOTTIME in milliseconds."
    watchdog: Watchdog | None = None
    "Whoever ends this machine takes it away from a monitor; that one need not know."
    pinger: Pinger | None = None
    metadata: Metadata | None = None
    resolver: Resolver | None = None


class MonitorHands(Protocol):
    """One monitor on one node. `begin` and `end` enclose a round of checks; none raises for what can be expected."""

    async def begin(self) -> None:
        """Checks begin: start what has to be resident."""

    async def check(self, timeout_ms: int) -> Outcome:
        """SUCCEEDED: normal, or Caution when it says something. FAILED: Error. UNKNOWN: nobody can say (N4)."""

    async def end(self) -> None:
        """Checks end: leave nothing behind. May be called without `begin`."""


def _nothing_to_say(params: Mapping[str, Any]) -> tuple[Said, ...]:
    """The advice of a type that has none."""
    return ()


def _nobody(params: Mapping[str, Any]) -> str:
    """What a type asks that looks at its own node."""
    return ""


@dataclass(frozen=True, slots=True)
class MonitorTraits:
    """Facts of a monitor type: the defaults of its monitors."""

    environments: tuple[Environment, ...] = ("aws", "onprem")
    first_wait_ms: int = 0
    interval_ms: int = 60_000
    timeout_ms: int = 120_000
    retries: int = 0
    watches_target: bool = False
    "True when by default it runs only while the target of its recovery is active on the node."
    resource_type: str = ""
    "The resource type whose resources alone it can watch; empty: any."
    moves_groups: bool = False
    (
        "True when by default its recovery moves all groups off the node and tries nothing on the node before, because "
        "an error says that the node will not be there for long."
    )
    words_count: bool = False
    (
        "True when the same message with other words in it is news and has its alert; else only another message is, "
        "because a figure that wavers would be told at every check."
    )


@dataclass(frozen=True, slots=True)
class MonitorType:
    """The declaration of a monitor type that belongs to no resource (ipw, genw, ...). One per file in komainu.types."""

    name: str
    title: Message
    description: Message
    params: type[BaseModel]
    "As in ResourceType."
    per_node_required: tuple[str, ...]
    traits: MonitorTraits
    messages: tuple[Message, ...]
    make: Callable[[Any, MonitorHost], MonitorHands]
    "Called with the validated parameters that hold on this node."
    advise: Callable[[Mapping[str, Any]], tuple[Said, ...]] = _nothing_to_say
    asks: Callable[[Mapping[str, Any]], str] = _nobody
    "What beside the node an error depends on alone, by parameters that may be wrong: a host and its port, a URL."

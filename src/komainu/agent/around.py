"""What surrounds a daemon: everything that it is given from outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from komainu.agent.execution.fencing import NO_FENCES, Fences
from komainu.agent.fitness import Machine
from komainu.agent.judging import Versions
from komainu.agent.keeper import Store
from komainu.agent.members.heartbeat import NoLinks
from komainu.agent.notify import Notifier
from komainu.model.config import Cluster
from komainu.model.facts import Noted
from komainu.model.message import Said
from komainu.model.outcome import Outcome
from komainu.ports import (
    Bus,
    Host,
    Isolation,
    Links,
    MonitorHost,
    MonitorType,
    NotifierType,
    Power,
    ResourceType,
    Topics,
    VoteStore,
    Watchdog,
)


class Transport(Protocol):
    """The corosync of this machine."""

    async def start(self, cluster: Cluster, report: Callable[[Said], None]) -> Said | None:
        """Make it run with this configuration and keep it running; answers why that failed, or None.

        `report` hears of its deaths and restarts.
        """

    async def reload(self, cluster: Cluster) -> Said | None:
        """Take over other nodes, links and times without leaving the ring; answers why that failed, or None."""

    async def restart(self) -> Said | None:
        """It stands still: kill it and start it; answers why that failed, or None."""

    async def stop(self) -> Said | None:
        """Let it leave the ring and end; answers why that failed, or None."""

    async def close(self) -> None:
        """Look after it no more, and leave it running."""


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds a daemon; `komainu.compose` chooses it."""

    me: str
    boot: str
    "The id of this boot; lab nodes share it, so a daemon's name has a nonce besides."
    cluster: Cluster
    epoch: int
    "The highest this node remembers."
    vote_epoch: int
    "Of the newest vote record this node remembers."
    votes: Callable[[Cluster], VoteStore | None]
    "Opens the store of the vote that a configuration names; None when it names none."
    isolation: Isolation
    "How the kernel cuts this node off when its right ends."
    undecided: bool
    "Whether another third vote may be in force elsewhere, as far as this node knows."
    suspended: Noted
    "What this node has noted of a suspension of the whole cluster."
    maintenance: bool
    "Whether the maintenance switch was on, as far as this node remembers."
    types: Mapping[str, ResourceType]
    monitor_types: Mapping[str, MonitorType]
    bus: Callable[[], Bus]
    "Makes a connection to the cluster's process group, for one membership."
    residents: Bus
    "The process group of all daemons, members or not."
    transport: Transport
    host: Callable[[str, str, str, Callable[[Outcome], None]], Host]
    "Makes what a resource sees: cluster, group, resource, and how it reports of itself."
    monitor_host: Callable[[str, str, Callable[[Outcome], None]], MonitorHost]
    "Makes what a monitor of its own sees: cluster, monitor, and how it reports."
    processes: Any
    "komainu.adapters.linux.processes.Processes, for scripts."
    store: Store
    versions: Versions
    machine: Machine
    "What a configuration asks of this machine."
    run_folder: Path
    "Emptied by a boot."
    journal_folder: Path
    alerts_file: Path | None
    "The alert log; None: in memory only."
    notifiers: Mapping[str, NotifierType]
    "The kinds of notification."
    topics: Topics
    api_calls: Callable[[], dict[str, int]]
    now_ms: Callable[[], int]
    notifier: Notifier
    power: Power
    watchdog: Watchdog
    links: Links = field(default_factory=NoLinks)
    "The interconnects below the bus, for status and alerts."
    api_calls_in_last_minute: Callable[[], int] = int
    fences: Fences = NO_FENCES

"""What contenders other than Komainu have alike: the segment of the example `onprem` without Komainu on its nodes."""

import os
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from komainu_lab import topology
from komainu_lab.bench.contender import Say
from komainu_lab.client import Client
from komainu_lab.errors import LabError
from komainu_lab.lab import Lab
from komainu_lab.namespaces import Node
from komainu_lab.topology import Machine


class Peer(ABC):
    """Two nodes and a client on one segment; what runs on the nodes is said by each contender."""

    def __init__(self, name: str, heading: tuple[str, ...], faults: tuple[str, ...], say: Say) -> None:
        """Nothing is started yet."""
        self.name = name
        self.heading = heading
        self.faults = faults
        self.say = say
        self.topology = topology.onprem()
        self.lab = Lab(self.topology, f"bench-{name}-{os.getpid()}", say)
        self._client: Client | None = None

    def __enter__(self) -> Self:
        """Bring it up until the client is served; when that fails, nothing is left."""
        try:
            self.lab.up()
            self.lab.before_power_on.append(self._before)
            self.lab.after_power_on.append(self._after)
            self.say("machines and services")
            self.lab.power_on()
            self.form()
            client = self.lab.node(self.topology.client.name)
            self._client = Client(client, str(self.topology.service_address))
            self._client.start()
        except BaseException:
            self.lab.down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it down."""
        self.lab.down()

    @property
    def client(self) -> Client:
        """Who asks. Raises LabError before the cluster is up."""
        if self._client is None:
            raise LabError("the cluster is not up")
        return self._client

    @property
    def names(self) -> tuple[str, ...]:
        """The nodes."""
        return tuple(machine.name for machine in self.topology.nodes)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes."""
        return tuple(self.lab.node(name) for name in self.names)

    def _before(self, machine: Machine, node: Node) -> None:
        if machine.kind == "node":
            self.prepare(machine, node)

    def _after(self, machine: Machine, node: Node) -> None:
        if machine.kind == "node":
            self.boot(machine, node)

    @abstractmethod
    def prepare(self, machine: Machine, node: Node) -> None:
        """Put files on the disk of a node, before each of its boots."""

    @abstractmethod
    def boot(self, machine: Machine, node: Node) -> None:
        """What a node does by itself each time it is switched on."""

    @abstractmethod
    def form(self) -> None:
        """Make one cluster of nodes that are on for the first time. Raises LabError."""

    def stages(self, node: str, since_ns: int, until_ns: int) -> dict[str, float]:
        """Not looked into."""
        return {}

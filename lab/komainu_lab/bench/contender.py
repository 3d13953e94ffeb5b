"""What is measured: a contender brings its cluster up in the lab, says where the service is and can be told to move it.

Everything else (power, cables, the client, the witness) is the lab's, and the same for all of them.
"""

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from komainu_lab.bench import witness
from komainu_lab.bench.witness import Told
from komainu_lab.client import Client
from komainu_lab.errors import LabError
from komainu_lab.lab import Lab
from komainu_lab.namespaces import Node

SETTLE_TIMEOUT_S = 90.0
"How long a cluster may take to be complete again after a node was switched on."
POLL_S = 0.05

Say = Callable[[str], None]


class Contender(Protocol):
    """One column of the table."""

    name: str
    "In the file of figures."
    heading: tuple[str, ...]
    "In the table, line by line."
    faults: tuple[str, ...]
    "Those that it knows, by name (`komainu_lab.bench.faults`)."

    def __enter__(self) -> Self:
        """Bring it up. Raises LabError."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it down; nothing of it stays."""

    @property
    def lab(self) -> Lab:
        """The machines and cables."""

    @property
    def client(self) -> Client:
        """Who asks through the address that moves."""

    def settle(self) -> str:
        """Wait until both nodes could lose the other one at once. The node that serves. Raises LabError."""

    def move(self, to: str) -> int:
        """Have an operator's command move the service. When it was given, CLOCK_BOOTTIME in ns."""

    def after_move(self) -> None:
        """Undo what a move leaves behind in the configuration."""

    def kill_application(self, node: str) -> int:
        """Kill the application there. When, CLOCK_BOOTTIME in ns."""

    def detected_ns(self, survivor: str, lost: str, since_ns: int) -> int | None:
        """When the survivor learnt after a time that the other one is gone; None when it did not."""

    def stages(self, node: str, since_ns: int, until_ns: int) -> dict[str, float]:
        """What it did in that time and how long each took, in ms, in order; empty for a contender that does not say."""


def start_witness(node: Node, *arguments: str) -> None:
    """Start the witness of a node; nothing when it runs already."""
    node.start_service("witness", [sys.executable, "-I", "-m", witness.__name__, *arguments])


def told(node: Node) -> list[Told]:
    """What the witness of a node said, over all boots."""
    return witness.parse(node.disk.log("witness"))


def ring_lost_ns(lab: Lab, survivor: str, lost: str, since_ns: int) -> int | None:
    """When corosync on the survivor first told of a ring without the other node; None when it did not."""
    number = 1 + [machine.name for machine in lab.topology.nodes].index(lost)
    return witness.ring_without(told(lab.node(survivor)), number, since_ns)


def the_process(node: Node, command: str) -> int:
    """The one process of that command line, as the host numbers it. Raises LabError when it does not run."""
    pids = node.running(command)
    if not pids:
        raise LabError(f"{command} does not run on {node.name}")
    return pids[0]

"""Komainu as a contender: the examples of the lab, brought up as `make demo` does."""

import os
import time
from types import TracebackType
from typing import Self

from komainu_lab.bench import journal
from komainu_lab.bench.contender import Say, ring_lost_ns, start_witness
from komainu_lab.client import Client
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Tweak
from komainu_lab.faults import process_id
from komainu_lab.lab import Lab
from komainu_lab.namespaces import Node
from komainu_lab.topology import Machine

JOURNAL_ENTRIES = 100
"More than a takeover or a move leaves."


class Komainu:
    """The example `onprem` has a floating IP and a supervised application, `vip` the VIP of a VPC and the same one."""

    def __init__(
        self,
        name: str,
        heading: tuple[str, ...],
        faults: tuple[str, ...],
        say: Say,
        *,
        example: str = "onprem",
        detect_within_ms: int | None = None,
        tweak: Tweak | None = None,
    ) -> None:
        """`detect_within_ms` None: the preset `fast`. `tweak` changes the configuration in place."""
        self.name = name
        self.heading = heading
        self.faults = faults
        lab_name = f"bench-{name}-{os.getpid()}"
        self.cluster = LabCluster(example, lab_name, say, detect_within_ms=detect_within_ms, tweak=tweak)

    def __enter__(self) -> Self:
        """Bring it up, with a witness on every node from its first boot on."""
        self.lab.after_power_on.append(_with_witness)
        self.cluster.__enter__()
        try:
            self.cluster.wait_settled()
            self.client.start()
        except BaseException:
            self.cluster.down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it down."""
        self.cluster.down()

    @property
    def lab(self) -> Lab:
        """The machines and cables."""
        return self.cluster.lab

    @property
    def client(self) -> Client:
        """Who asks."""
        return self.cluster.client

    def settle(self) -> str:
        """Wait until both nodes are online and ready. The node where the group is."""
        return self.cluster.wait_settled()

    def move(self, to: str) -> int:
        """`komainu group move`."""
        product, group = self.cluster.product(self.cluster.other(to)), self.cluster.group
        at = boottime_ns()
        product.komainu("group", "move", group, to)
        return at

    def after_move(self) -> None:
        """A move leaves nothing behind."""

    def kill_application(self, node: str) -> int:
        """Kill the process that Komainu supervises."""
        pid = process_id(self.cluster, node, "application")
        at = boottime_ns()
        os.kill(pid, 9)
        return at

    def detected_ns(self, survivor: str, lost: str, since_ns: int) -> int | None:
        """Corosync's membership."""
        return ring_lost_ns(self.lab, survivor, lost, since_ns)

    def stages(self, node: str, since_ns: int, until_ns: int) -> dict[str, float]:
        """From the journal of a node, which has an entry for each delivered event."""
        offset_ns = boottime_ns() - time.monotonic_ns()
        entries = self.cluster.product(node).events(JOURNAL_ENTRIES)
        return journal.stages(entries, since_ns - offset_ns, until_ns - offset_ns)


def _with_witness(machine: Machine, node: Node) -> None:
    if machine.kind == "node":
        start_witness(node, "ring")

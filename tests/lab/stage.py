"""One lab for all tests of a run: brought up once, mended before each test, thrown away when it cannot be mended."""

import os
import time
from collections.abc import Callable
from typing import Any

from komainu_lab import configuration
from komainu_lab.client import Record, failures
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from komainu_lab.errors import LabError
from komainu_lab.faults import process_id
from komainu_lab.product import SERVICE

NS = 1_000_000_000
MOMENT_NS = NS // 50
MEND_TIMEOUT_S = 40.0


def impatient(document: Document) -> None:
    """Checks every second instead of every minute, so that a test need not wait for one."""
    document["cluster"]["startup_sync_wait_ms"] = 60_000
    document.pop("monitors", None)  # they would end the nodes that these tests cut off: see test_np_by_monitors.py
    vip = configuration.resource(document, "awsvip")
    vip.update(check_interval_ms=1_000, check_timeout_ms=5_000, prepare_interval_ms=1_000, start_timeout_ms=10_000)


class Stage:
    """The cluster under test, and how tests look at it."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._cluster: LabCluster | None = None

    @property
    def cluster(self) -> LabCluster:
        """The cluster. Only between `mend` and `close`."""
        assert self._cluster is not None
        return self._cluster

    def mend(self) -> None:
        """Everything is on and healed, the group is online somewhere, the client is served. Raises LabError."""
        if self._cluster is not None:
            try:
                self._mend()
                return
            except LabError as error:
                print(f"the lab could not be mended and is brought up anew: {error}")
                self.close()
        self._cluster = LabCluster("vip", f"test-{os.getpid()}-stage", print, tweak=impatient)
        self._cluster.up()
        self._cluster.client.start()
        self._mend()

    def _mend(self) -> None:
        cluster, lab = self.cluster, self.cluster.lab
        lab.heal()
        cluster.cloud.heal_api()
        for machine in cluster.topology.nodes:
            cluster.cloud.source_dest_check(machine.name, on=False)
            if lab.node(machine.name).frozen:
                lab.thaw(machine.name)
        lab.power_on()
        for machine in cluster.topology.nodes:
            if not lab.node(machine.name).service_pid(SERVICE):
                cluster.product(machine.name).start()
        active = cluster.wait_settled(timeout_s=MEND_TIMEOUT_S)
        cluster.client.wait_answer(boottime_ns(), 10, by=active)

    def close(self) -> None:
        """Take it down."""
        if self._cluster is not None:
            self._cluster.down()
            self._cluster = None

    # --- looking ---

    def pair(self) -> tuple[str, str]:
        """The active node and the other one."""
        active = self.cluster.active()
        return active, self.cluster.other(active)

    def records(self, since_ns: int, until_ns: int | None = None) -> list[Record]:
        """What the client asked in that time."""
        return [
            record
            for record in self.cluster.client.records()
            if record.sent_ns >= since_ns and (until_ns is None or record.sent_ns < until_ns)
        ]

    def unanswered(self, since_ns: int, until_ns: int) -> int:
        """How many requests sent in that time got no answer; waits until all of them have ended."""
        self.cluster.client.wait(lambda record: record.sent_ns > until_ns + 2 * NS, 10, "later requests")
        return failures(self.cluster.client.records(), since_ns, until_ns)

    def answered_by(self, since_ns: int, until_ns: int | None = None) -> list[str]:
        """Who answered in that time, each name once, in the order of the first answer.

        A fault is timed just before it takes effect: requests sent in the moment between still go through.
        """
        records = self.records(since_ns + MOMENT_NS, until_ns)
        return list(dict.fromkeys(record.who for record in records if record.good))

    def holders(self) -> list[str]:
        """The nodes that are on and have the address or the application: who is active in truth."""
        cluster = self.cluster
        address = str(cluster.topology.service_address)
        found = []
        for machine in cluster.topology.nodes:
            node = cluster.lab.node(machine.name)
            if node.on and not node.frozen:
                has_address = f"inet {address}/32 " in node.run(["ip", "-4", "address"]).stdout
                if has_address or node.running("application.py"):
                    found.append(machine.name)
        return found

    def application(self, node: str) -> int:
        """The application's pid."""
        return process_id(self.cluster, node, "application")

    def alerts(self, node: str, since_ns: int) -> dict[str, str]:
        """The alerts of warning level or worse in a node's journal since a time: their texts by code."""
        entries = self.cluster.product(node).events()
        return {
            alert["code"]: alert["en"]
            for entry in entries
            if entry["boottime_ms"] * 1_000_000 >= since_ns
            for alert in entry["alerts"]
            if alert["level"] != "info"
        }

    def group(self, node: str) -> dict[str, Any]:
        """The group as a node sees it."""
        return dict(self.cluster.product(node).status()["groups"][0])


def until(condition: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
    """Wait for a condition, with a bound against hanging."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {timeout_s:.0f} s"
        time.sleep(0.05)

"""A lab cluster whose nodes need a right to act, with the outside watcher, and what has to hold after every fault."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from komainu_lab import votes
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import APPLICATION, Document
from komainu_lab.errors import LabError
from komainu_lab.faults import process_id
from komainu_lab.namespaces import Node
from komainu_lab.product import SERVICE
from komainu_lab.topology import Machine
from komainu_lab.watcher import WRITING, Sight, Watcher
from tests.lab.stage import NS, until

DETECT_MS, RIGHT_MS, WAIT_MS, STORE_MS = 1_000, 4_000, 6_000, 800
"As short as safety allows, with a time of detection and calls to the store that a busy machine can keep."
HEAD_START_MS = 1_000
"Longer than in production, where it is not spent on a machine with many other labs."
TAKEOVER_S = 30.0
"A bound against hanging, no figure."
LATE_S = 1.2
"A request of the client has ended after that."
MEND_S = 60.0
SYNC_WAIT_MS = 5_000
"How long a node that boots waits for the other ones."


def shortened(document: Document) -> None:
    """The times above; without a fence, which has tests of its own."""
    cluster = document["cluster"]
    cluster["startup_sync_wait_ms"] = SYNC_WAIT_MS
    given = cluster["arbitration"]
    arbitration = {"kind": given} if isinstance(given, str) else given
    arbitration.pop("fence", None)
    arbitration.update(right_ms=RIGHT_MS, wait_ms=WAIT_MS)
    if arbitration["kind"] == "lease":
        arbitration.update(store_timeout_ms=STORE_MS, head_start_ms=HEAD_START_MS)
    cluster["arbitration"] = arbitration
    for group in document["groups"]:
        for resource in group["resources"]:
            resource.update(check_interval_ms=1_000, prepare_interval_ms=1_000, start_timeout_ms=10_000)


class RightsStage:
    """One cluster for the tests of a file: brought up once, mended before each test."""

    def __init__(
        self,
        example: str,
        tweak: Callable[[Document], None] = shortened,
        *,
        fenced: bool = False,
        outside: bool = False,
    ) -> None:
        """Nothing runs yet. `fenced`: EC2 stops nodes; `outside`: the application runs on all nodes, and by itself."""
        self.example = example
        self._fenced = fenced
        self._outside = outside
        self._tweak = tweak
        self._cluster: LabCluster | None = None
        self._watcher: Watcher | None = None

    @property
    def cluster(self) -> LabCluster:
        """The cluster. Only between `mend` and `close`."""
        assert self._cluster is not None
        return self._cluster

    def mend(self) -> None:
        """All machines are on and reach each other and the store, and the client is served by one node."""
        if self._cluster is not None:
            try:
                self._mend()
                return
            except LabError as error:
                print(f"the lab could not be mended and is brought up anew: {error}")
                self.close()
        name = f"test-{os.getpid()}-{self.example}"
        self._cluster = LabCluster(self.example, name, print, detect_within_ms=DETECT_MS, tweak=self._tweak)
        if self._outside:
            self._cluster.lab.after_power_on.append(_serve)
        self._cluster.up()
        self._watcher = Watcher(self._cluster)
        self._watcher.start()
        self._mend()

    def _mend(self) -> None:
        cluster, lab = self.cluster, self.cluster.lab
        lab.heal()
        if self.has_votes:
            cluster.votes.heal()
        for machine in cluster.topology.nodes:
            node = lab.node(machine.name)
            if node.frozen:
                lab.thaw(machine.name)
            for process in ("komainud", "corosync"):
                with contextlib.suppress(LabError):
                    os.kill(process_id(cluster, machine.name, process), signal.SIGCONT)
        if self._fenced:
            for machine in cluster.topology.nodes:
                cluster.cloud.stuck(machine.name, on=False)
                self._start_instance(machine.name)
        lab.power_on()
        for machine in cluster.topology.nodes:
            if not lab.node(machine.name).service_pid(SERVICE):
                cluster.product(machine.name).start()
        active = cluster.wait_settled(timeout_s=MEND_S)
        cluster.client.wait_answer(boottime_ns(), 10, by=active)
        until(self.at_rest, "the record says that the nodes are together", MEND_S)

    def _start_instance(self, name: str) -> None:
        """One that is still stopping cannot be started yet. Raises LabError."""
        deadline = time.monotonic() + MEND_S
        while True:
            try:
                self.cluster.cloud.instance(name, "start")
                return
            except LabError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def at_rest(self) -> bool:
        """Whether nobody acts alone, as the record says."""
        if not self.has_votes:
            return True
        found = votes.read(self.cluster.votes)
        return found is not None and found.mode == "together"

    @property
    def has_votes(self) -> bool:
        """Whether there is a third vote."""
        return self.example != "majority"

    def close(self) -> None:
        """Take it down."""
        if self._cluster is not None:
            self._cluster.down()
            self._cluster = self._watcher = None

    # --- looking ---------------------------------------------------------------------------------------------------

    def pair(self) -> tuple[str, str]:
        """The active node and another one."""
        active = self.cluster.active()
        return active, self.cluster.other(active)

    def judge(self, since_ns: int, thawed: str = "") -> Sight:
        """What the watcher saw until now: never two actives.

        `thawed`: a node that stood still has no guest clock that could have ended its right, so what it writes locally
        just after is counted and not judged.
        """
        until_ns = boottime_ns()
        time.sleep(LATE_S)
        assert self._watcher is not None
        sight = self._watcher.see(since_ns, until_ns)
        print("\n".join(sight.lines()))
        for kind, clashes in sight.clashes.items():
            for clash in clashes:
                excused = kind == WRITING and thawed in (clash.intruder, clash.active)
                if excused:
                    print(f"counted, not judged: {clash.text}")
                assert excused, f"two at once by {kind}: {clash.text}"
        return sight

    def served(self, by: str, since_ns: int = 0) -> None:
        """Wait until the client is answered by that node."""
        self.cluster.client.wait_answer(max(since_ns, boottime_ns()), TAKEOVER_S, by=by)

    def settle(self, since_ns: int, thawed: str = "") -> tuple[str, Sight]:
        """Heal everything: in the end exactly one node serves. The node, and what was seen since a time."""
        self.mend()
        active = self.cluster.active()
        assert self.holders() == [active]
        return active, self.judge(since_ns, thawed)

    def holders(self) -> list[str]:
        """The nodes that are on and have the address or the application, or may have."""
        return [machine.name for machine in self.cluster.topology.nodes if self._holds(machine.name)]

    def _holds(self, name: str) -> bool:
        cluster = self.cluster
        node = cluster.lab.node(name)
        if not node.on or node.frozen:
            return False
        try:
            addresses = node.run(["ip", "-4", "address"]).stdout
        except LabError:
            return True  # it was just reset: at the next look it is off, or has booted
        runs = not self._outside and bool(node.running("application.py"))
        return runs or f"inet {cluster.topology.service_address}/" in addresses

    def quiet(self, seconds: float) -> None:
        """Let time pass: what must not happen could have happened in it."""
        time.sleep(seconds)

    def tell(self, since_ns: int) -> None:
        """What every node was told since a time: for whoever reads why a test failed."""
        for machine in self.cluster.topology.nodes:
            node = self.cluster.lab.node(machine.name)
            if not node.on or node.frozen:
                print(f"{machine.name} is off")
                continue
            try:
                entries = self.cluster.product(machine.name).events(500)
            except LabError as error:
                print(f"{machine.name}: {error}")
                continue
            for entry in entries:
                after_s = (entry["boottime_ms"] * 1_000_000 - since_ns) / NS
                for alert in entry["alerts"] if after_s >= 0 else ():
                    print(f"{machine.name} {after_s:7.2f} s  {alert['code']} {alert['en']}")

    def codes(self, node: str, since_ns: int) -> set[str]:
        """The codes of what a node was told since a time."""
        entries = self.cluster.product(node).events(500)
        return {a["code"] for e in entries if e["boottime_ms"] * 1_000_000 >= since_ns for a in e["alerts"]}


def _serve(machine: Machine, node: Node) -> None:
    if machine.kind == "node":
        node.start_service("web", APPLICATION)


def staged(example: str, tweak: Callable[[Document], None] = shortened, **how: bool) -> tuple[Any, Any]:
    """Two fixtures for a file, `_stage` and `stage`: the stage for all its tests, and the same mended for each test."""

    @pytest.fixture(scope="module")
    def _stage() -> Iterator[RightsStage]:
        with contextlib.closing(RightsStage(example, tweak, **how)) as made:
            yield made

    @pytest.fixture
    def stage(_stage: RightsStage) -> Iterator[RightsStage]:
        _stage.mend()
        since_ns = boottime_ns()
        yield _stage
        _stage.tell(since_ns)

    return _stage, stage

"""The watcher of the other tests sees two actives where nothing keeps two nodes from it."""

import os
import time

import pytest

from komainu_lab import faults
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from komainu_lab.watcher import PORTS, WRITING, Watcher
from tests.lab.stage import until

pytestmark = [pytest.mark.lab, pytest.mark.slow]


def without_arbitration(document: Document) -> None:
    """The application that writes, and nobody who needs a right."""
    document["cluster"]["arbitration"] = "none"


def test_an_interconnect_cut_without_arbitration_is_seen_as_two_actives() -> None:
    with LabCluster("lease", f"test-{os.getpid()}-watcher", print, tweak=without_arbitration) as cluster:
        active = cluster.wait_settled()
        watcher = Watcher(cluster)
        watcher.start()
        cluster.client.wait_answer(boottime_ns(), 10, by=active)
        cut_ns = faults.cut_interconnect(cluster)
        taker = cluster.lab.node(cluster.other(active))
        until(lambda: taker.running("application.py") != [], "the other one starts as well")
        time.sleep(2)
        seen_ns = boottime_ns()
        time.sleep(1.2)
        sight = watcher.see(cut_ns, seen_ns)
        print("\n".join(sight.lines()))
        for kind in (WRITING, PORTS):
            assert {clash.intruder for clash in sight.clashes[kind]} == {active, cluster.other(active)}
            assert all(clash.count > 50 for clash in sight.clashes[kind])
        cluster.lab.heal()
        cluster.wait_settled()
        merged_ns = boottime_ns()
        time.sleep(2.2)
        assert not any(watcher.see(merged_ns, boottime_ns()).clashes.values())

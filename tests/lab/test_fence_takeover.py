"""A fence in a cluster with a third vote: the winner stops the other instance and does not wait for the time.

The wait D is far longer than the tests are patient, so that nothing but the fence can be what proves it.
"""

import os
from collections.abc import Iterator

import pytest

from komainu_lab import votes
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from tests.lab.stage import NS, until

pytestmark = pytest.mark.lab

DETECT_MS = 1_000
WAIT_MS = 600_000
FENCE_MS = 5_000
SERVED_S = 60.0


def told(cluster: LabCluster, node: str, since_ns: int) -> list[str]:
    """The codes of the alerts in a node's journal since a time."""
    entries = cluster.product(node).events(1000)
    recent = [entry for entry in entries if entry["boottime_ms"] * 1_000_000 >= since_ns]
    return [str(alert["code"]) for entry in recent for alert in entry["alerts"]]


def patient(document: Document) -> None:
    """An example with a lease and a fence, whose D nobody waits for."""
    document["cluster"]["startup_sync_wait_ms"] = 30_000
    document["cluster"]["arbitration"]["wait_ms"] = WAIT_MS
    fence = document["cluster"]["arbitration"]["fence"]
    assert fence["type"] == "ec2_stop"
    fence.update(timeout_ms=FENCE_MS, retry_ms=1_000)


def mode(cluster: LabCluster) -> str:
    """What the record of the third vote says."""
    record = votes.read(cluster.votes)
    return record.mode if record is not None else ""


@pytest.fixture(scope="module")
def cluster() -> Iterator[LabCluster]:
    name = f"test-{os.getpid()}-fenced"
    with LabCluster("lease", name, print, detect_within_ms=DETECT_MS, tweak=patient) as made:
        made.client.start()
        made.client.wait_answer(boottime_ns(), SERVED_S, by=made.wait_settled())
        yield made


def test_a_frozen_node_is_stopped_and_its_group_does_not_wait(cluster: LabCluster) -> None:
    active = cluster.active()
    other = cluster.other(active)
    since_ns = cluster.lab.freeze(active)
    served = cluster.client.wait_answer(since_ns + 1, SERVED_S, by=other)
    assert served.who == other
    assert not cluster.lab.node(active).on, "EC2 took its power"
    assert "KM7201" in told(cluster, other, since_ns), "the fence is what proved it"


def test_the_stopped_node_comes_back_as_a_newcomer(cluster: LabCluster) -> None:
    active = cluster.active()
    cluster.cloud.instance(cluster.other(active), "start")
    until(lambda: cluster.lab.node(cluster.other(active)).on, "EC2 starts it")
    assert cluster.wait_settled() == active
    until(lambda: mode(cluster) == "together", "the record says that nobody acts alone", SERVED_S)


def test_an_instance_that_is_stopping_for_ever_proves_nothing(cluster: LabCluster) -> None:
    active = cluster.active()
    other = cluster.other(active)
    cluster.client.wait_answer(boottime_ns(), SERVED_S, by=active)
    cluster.cloud.stuck(active)
    since_ns = cluster.lab.freeze(active)
    until(lambda: told(cluster, other, since_ns).count("KM7202") >= 1, "an attempt ends without proof", SERVED_S)
    stuck_until_ns = boottime_ns()
    late = [record for record in cluster.client.records() if since_ns + NS // 50 < record.sent_ns < stuck_until_ns]
    assert late
    assert not any(record.good for record in late), "somebody serves while the other one may still be at work"
    cluster.cloud.stuck(active, False)
    assert cluster.client.wait_answer(stuck_until_ns, SERVED_S, by=other).who == other
    assert not cluster.lab.node(active).on

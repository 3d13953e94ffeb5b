"""After a move the former node has no public address until EC2 gives it one: so long it reaches no API."""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from komainu_lab import configuration
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from tests.lab.stage import until

pytestmark = [pytest.mark.lab, pytest.mark.slow]

SERVED_S = 30.0
START_TIMEOUT_MS = 4_000
ATTEMPTS_S = 4 * START_TIMEOUT_MS / 1000
"Time for more starts than the recovery of the resource has."
NOT_KNOWN = "It is not known whether awseip1 resource could be activated on this node.(106 : Timeout occurred.)"
RECOVERIES = ("KM7501", "KM7502", "KM7503")
"A failover, and the end of recovery."
STILL_TRIED = "KM3723"


def impatient(document: Document) -> None:
    """Everything more often than in the example; its monitor that ends a node still outlasts the starts by far."""
    document["cluster"]["startup_sync_wait_ms"] = 60_000
    configuration.resource(document, "awseip").update(
        check_interval_ms=3_000, prepare_interval_ms=3_000, start_timeout_ms=START_TIMEOUT_MS
    )
    for monitor in document["monitors"]:
        monitor.update(interval_ms=5_000, timeout_ms=3_000)


@pytest.fixture(scope="module")
def _cluster() -> Iterator[LabCluster]:
    with LabCluster("eip", f"test-{os.getpid()}-late", print, tweak=impatient) as made:
        made.client.start()
        yield made


@pytest.fixture
def cluster(_cluster: LabCluster) -> LabCluster:
    """Everything is on, the standby is ready, the client is served, every node has a public address."""
    _cluster.cloud.own_address(0)
    _cluster.lab.power_on()
    active = _cluster.wait_settled()
    _cluster.client.wait_answer(boottime_ns(), SERVED_S, by=active)
    return _cluster


def moved(cluster: LabCluster) -> tuple[str, str]:
    """Move the group by command. The node that had it, without a public address now and known to be; the other one."""
    former = cluster.active()
    active = cluster.other(former)
    cluster.cloud.own_address(None)
    moved_ns = boottime_ns()
    cluster.product(former).komainu("group", "move", cluster.group, active)
    cluster.client.wait_answer(moved_ns, SERVED_S, by=active)
    assert former not in cluster.cloud.public_addresses()
    until(lambda: ready(cluster, former) == ("unknown", NOT_KNOWN), "it is known that the node asks in vain", 60)
    return former, active


def address(cluster: LabCluster, node: str) -> dict[str, Any]:
    """The address as that node sees it."""
    return dict(cluster.product(node).status()["groups"][0]["resources"][0])


def ready(cluster: LabCluster, node: str) -> tuple[str, str]:
    """Whether the address could be started there: the result and the English text."""
    found = address(cluster, node)["ready_here"] or {"result": "", "why": None}
    return found["result"], (found["why"] or {}).get("en", "")


def alerts(cluster: LabCluster, node: str, since_ns: int) -> list[dict[str, Any]]:
    """The alerts in a node's journal since a time."""
    entries = cluster.product(node).events(1000)
    return [alert for each in entries if each["boottime_ms"] * 1_000_000 >= since_ns for alert in each["alerts"]]


def zone(cluster: LabCluster, node: str) -> str:
    """What awsazw1 finds on that node."""
    (monitor,) = [each for each in cluster.status()["monitors"] if each["name"] == "awsazw1"]
    return str(next(each["status"] for each in monitor["on"] if each["node"] == node))


def test_a_standby_without_a_public_address_is_told_and_nothing_follows(cluster: LabCluster) -> None:
    since_ns = boottime_ns()
    former, active = moved(cluster)
    pid, served_ns = cluster.lab.node(former).pid, boottime_ns()
    until(lambda: zone(cluster, former) == "Caution", "awsazw1 is a caution there", 60)
    time.sleep(10)  # some more preparations in vain
    cluster.cloud.own_address(0)
    assert cluster.wait_settled(on=active) == active
    until(lambda: zone(cluster, former) == "Normal", "awsazw1 is normal again", 60)
    assert cluster.lab.node(former).pid == pid
    assert {record.who for record in cluster.client.records() if record.good and record.sent_ns > served_ns} == {active}
    told = alerts(cluster, former, since_ns)
    assert len([alert for alert in told if alert["en"] == NOT_KNOWN]) == 1
    assert not [alert for alert in told if alert["code"] in RECOVERIES]


def test_a_takeover_without_a_public_address_ends_when_it_comes(cluster: LabCluster) -> None:
    survivor, dead = moved(cluster)
    fault_ns = cluster.lab.power_off(dead)
    until(lambda: address(cluster, survivor)["why"] is not None, "it is told why it does not serve", 60)
    time.sleep(ATTEMPTS_S)
    found = address(cluster, survivor)
    assert (found["status"], found["start_failures"], found["why"]["code"]) == ("Online Pending", 0, STILL_TRIED)
    given_ns = boottime_ns()
    cluster.cloud.own_address(0)
    served = cluster.client.wait_answer(given_ns, SERVED_S, by=survivor)
    print(f"served {(served.answered_ns - given_ns) / 1e9:.1f} s after the address came")
    told = alerts(cluster, survivor, fault_ns)
    assert len([alert for alert in told if alert["code"] == STILL_TRIED]) == 1
    assert not [alert for alert in told if alert["code"] in RECOVERIES], "an operator is not needed"
    until(lambda: cluster.product(survivor).status()["groups"][0]["status"] == "Online", "the group is online")
    cluster.lab.power_on(dead)
    assert cluster.wait_settled() == survivor


def test_a_move_back_too_early_ends_when_an_address_comes(cluster: LabCluster) -> None:
    """Neither node has a public address then: the active one has given it back."""
    former, active = moved(cluster)
    back_ns = boottime_ns()
    cluster.product(active).komainu("group", "move", cluster.group, former, "--no-wait")
    until(lambda: address(cluster, former)["why"] is not None, "it is told why it does not serve", 60)
    time.sleep(ATTEMPTS_S)
    given_ns = boottime_ns()
    cluster.cloud.own_address(0)
    served = cluster.client.wait_answer(given_ns, SERVED_S, by=former)
    print(f"served {(served.answered_ns - given_ns) / 1e9:.1f} s after the address came")
    assert not [alert for alert in alerts(cluster, former, back_ns) if alert["code"] in RECOVERIES]
    cluster.wait_settled(on=former)

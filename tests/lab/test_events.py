"""What EC2 announces to a node (`awsevw`), from the instance metadata to the client: told, and a drain in good time."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from komainu_lab import configuration, faults
from komainu_lab.client import failures, longest_gap
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from komainu_lab.topology import vip
from tests.lab.stage import NS, until

pytestmark = pytest.mark.lab

SERVED_S = 20.0
NOTICE_S = 120.0
"So long before it interrupts a spot instance EC2 says so."
GAP_MS = 5_000
WHEN = "2026-11-23T10:02:00Z"
INTERRUPTED = (
    f"Detected an error in monitoring awsevw1. (8 : AWS is going to interrupt this spot instance: terminate {WHEN})"
)
SILENT = "The instance metadata service does not answer"


def announced(document: Document) -> None:
    """The example with a monitor of announcements, which drains for a spot interruption, and quick checks."""
    document["cluster"]["startup_sync_wait_ms"] = 60_000
    document["monitors"] = [
        {
            "name": "awsevw1",
            "type": "awsevw",
            "params": {"policy": "alert", "spot": "drain"},
            "interval_ms": 500,
            "timeout_ms": 2_000,
        },
        {
            "name": "awsazw1",
            "type": "awsazw",
            "per_node": {machine.name: {"zone": machine.subnet.zone} for machine in vip().nodes},
            "interval_ms": 3_000,  # within the budget of calls
            "timeout_ms": 2_000,
        },
    ]
    configuration.resource(document, "awsvip").update(prepare_interval_ms=1_000, start_timeout_ms=10_000)
    web = configuration.resource(document, "exec")
    web.update(check_interval_ms=500)
    web["recovery"] = {"restarts": 0, "failovers": 1, "final_action": "none"}


@pytest.fixture(scope="module")
def _cluster() -> Iterator[LabCluster]:
    with LabCluster("vip", f"test-{os.getpid()}-events", print, tweak=announced) as made:
        made.client.start()
        yield made


@pytest.fixture
def cluster(_cluster: LabCluster) -> LabCluster:
    """Both nodes on, nothing announced, the client served."""
    _cluster.lab.power_on()
    for machine in _cluster.topology.nodes:
        faults.announce(_cluster, machine.name, "ok")
    _cluster.client.wait_answer(boottime_ns(), SERVED_S, by=_cluster.wait_settled())
    until(lambda: found(_cluster) == {"node1": "Normal", "node2": "Normal"}, "the monitor is normal on both nodes")
    return _cluster


def watches(cluster: LabCluster, name: str) -> list[dict[str, Any]]:
    """What a monitor finds on each node, and why."""
    (monitor,) = [each for each in cluster.status()["monitors"] if each["name"] == name]
    return list(monitor["on"])


def found(cluster: LabCluster, name: str = "awsevw1") -> dict[str, str]:
    """What a monitor finds on each node, in one word."""
    return {each["node"]: each["status"] for each in watches(cluster, name)}


def why(cluster: LabCluster, node: str, name: str = "awsevw1") -> str:
    """Why it is so on that node."""
    (said,) = [(each["why"] or {}).get("en", "") for each in watches(cluster, name) if each["node"] == node]
    return str(said)


def told(cluster: LabCluster, node: str, since_ns: int, name: str = "awsevw1") -> list[str]:
    """The texts of a monitor in a node's journal since a time, in their order."""
    return [
        alert["en"]
        for entry in cluster.product(node).events(1000)
        if entry["boottime_ms"] * 1_000_000 >= since_ns
        for alert in entry["alerts"]
        if name in alert["en"]
    ]


def logged(cluster: LabCluster, node: str, text: str) -> int:
    """How often a text stands in a node's alert log."""
    lines = cluster.product(node).komainu("alerts", "--json").splitlines()
    return len([line for line in lines if json.loads(line)["en"] == text])


def test_a_spot_interruption_drains_the_node_in_good_time(cluster: LabCluster) -> None:
    active = cluster.active()
    other = cluster.other(active)
    before = logged(cluster, other, INTERRUPTED)
    at_ns = faults.announce(cluster, active, "spot", at=WHEN)
    served = cluster.client.wait_answer(at_ns, SERVED_S, by=other)
    cluster.wait_settled(on=other)
    assert (served.answered_ns - at_ns) / NS < NOTICE_S / 4
    gap = longest_gap(cluster.client.records(), at_ns)
    assert gap is None or gap.ms < GAP_MS, gap
    print(
        f"moved {(served.answered_ns - at_ns) / 1e6:.0f} ms after the announcement, gap {gap.ms if gap else 0:.0f} ms"
    )

    until(lambda: found(cluster)[active] == "Error", "the new round finds it as well")
    assert why(cluster, active) == INTERRUPTED
    assert found(cluster)[other] == "Normal"
    for node in (active, other):
        assert INTERRUPTED in told(cluster, node, at_ns)
        assert logged(cluster, node, INTERRUPTED) > before
    many = len(told(cluster, active, at_ns))
    later = boottime_ns()
    cluster.client.wait(lambda record: record.good and record.sent_ns > later + 3 * NS, SERVED_S, "more answers")
    assert len(told(cluster, active, at_ns)) == many, "the same is not told again"
    assert cluster.active() == other

    faults.announce(cluster, active, "ok")
    until(lambda: found(cluster)[active] == "Normal", "what is over is over")
    cluster.product(other).komainu("group", "move", cluster.group, active)
    cluster.wait_settled(on=active)


def test_a_failure_does_not_drive_the_group_to_a_node_that_ends(cluster: LabCluster) -> None:
    active = cluster.active()
    standby = cluster.other(active)
    at_ns = faults.announce(cluster, standby, "spot", at=WHEN)
    until(lambda: found(cluster)[standby] == "Error", "it is found")
    product = cluster.product(active)
    web = product.status()["groups"][0]["resources"][-1]["monitor"]["name"]
    product.komainu("monitor", "fail", web, "--yes")
    try:
        until(lambda: "KM7502" in codes(cluster, active, at_ns), "recovery is at its end where the group is")
        assert cluster.active() == active
    finally:
        product.komainu("monitor", "fail", web, "--off")
    faults.announce(cluster, standby, "ok")
    until(lambda: found(cluster)[standby] == "Normal", "what is over is over")
    product.komainu("group", "restore", cluster.group)
    cluster.wait_settled(on=active)
    product.komainu("monitor", "fail", web, "--yes")
    try:
        until(lambda: cluster.active() == standby, "now it is a refuge as any other")
    finally:
        product.komainu("monitor", "fail", web, "--off")
    product.komainu("group", "restore", cluster.group)  # it may have been found failing there too, before it was over
    cluster.wait_settled()


def test_a_node_that_ends_is_better_than_none(cluster: LabCluster) -> None:
    active = cluster.active()
    standby = cluster.other(active)
    faults.announce(cluster, standby, "spot", at=WHEN)
    until(lambda: found(cluster)[standby] == "Error", "it is found")
    lost_ns = cluster.lab.power_off(active)
    cluster.client.wait_answer(lost_ns, SERVED_S, by=standby)
    later = boottime_ns()
    cluster.client.wait(lambda record: record.good and record.sent_ns > later + 3 * NS, SERVED_S, "it stays there")
    faults.announce(cluster, standby, "ok")


def test_maintenance_is_told_and_nothing_moves(cluster: LabCluster) -> None:
    active = cluster.active()
    at_ns = faults.announce(cluster, active, "maintenance", "system-reboot", "21 Jan 2027 09:00:43 GMT")
    until(lambda: found(cluster)[active] == "Caution", "it is a caution")
    first = why(cluster, active)
    assert first.startswith(
        "Warn monitoring awsevw1. (107 : AWS has scheduled maintenance of this instance: "
        "system-reboot 21 Jan 2027 09:00:43 GMT (instance-event-"
    )
    faults.announce(cluster, active, "maintenance", "system-reboot", "28 Jan 2027 09:00:43 GMT")
    until(lambda: why(cluster, active) != first, "it is put off")
    second = why(cluster, active)
    assert second == first.replace("21 Jan", "28 Jan")
    until_ns = boottime_ns()
    cluster.client.wait(lambda record: record.sent_ns > until_ns + 3 * NS, SERVED_S, "later requests")
    assert told(cluster, active, at_ns) == [first, second]
    assert logged(cluster, cluster.other(active), second) == 1
    assert cluster.active() == active
    assert failures(cluster.client.records(), at_ns, until_ns) == 0
    faults.announce(cluster, active, "ok")
    until(lambda: found(cluster)[active] == "Normal", "what is over is over")
    assert told(cluster, active, until_ns)[-1] == f"Monitor awsevw1 on {active} is normal again."


@pytest.mark.slow  # a check every three seconds
def test_each_state_of_a_zone_is_told_once_and_silence_takes_nothing_back(cluster: LabCluster) -> None:
    active = cluster.active()
    zone = cluster.topology.machine(active).subnet.zone
    until(lambda: set(found(cluster, "awsazw1").values()) == {"Normal"}, "both zones are well")
    at_ns, texts = boottime_ns(), []
    for state in ("impaired", "constrained", "unavailable"):
        cluster.cloud.control.call("zone", zone=zone, state=state, text="Power is back soon.")
        until(lambda: f"is {state}." in why(cluster, active, "awsazw1"), f"it is {state}", 30)  # noqa: B023
        texts.append(why(cluster, active, "awsazw1"))
    assert texts == [
        f"Warn monitoring awsazw1. (107 : Availability zone {zone} is impaired.)",
        f"Warn monitoring awsazw1. (107 : Availability zone {zone} is constrained.)",
        f"Detected an error in monitoring awsazw1. (7 : Availability zone {zone} is unavailable.)",
    ]
    faults.api(cluster, "refuse")
    try:
        last = f"(8 : Availability zone {zone} was unavailable when AWS answered last;"
        until(lambda: last in why(cluster, active, "awsazw1"), "silence is told", 30)
        assert found(cluster, "awsazw1")[active] == "Error"
    finally:
        faults.api(cluster, "ok")
        cluster.cloud.control.call("zone", zone=zone, state="available")
    until(lambda: found(cluster, "awsazw1")[active] == "Normal", "the zone is well", 30)
    own = [text for text in told(cluster, active, at_ns, "awsazw1") if f"zone {zone}" in text]
    assert own[:3] == texts
    assert len(own) == 4, "none is told again"
    assert cluster.active() == active, "it is told, and nothing follows"


@pytest.mark.slow  # half a minute of silence
def test_a_metadata_service_that_is_off_takes_nothing_back_and_moves_nothing(cluster: LabCluster) -> None:
    active = cluster.active()
    standby = cluster.other(active)
    faults.announce(cluster, standby, "spot", at=WHEN)
    until(lambda: found(cluster)[standby] == "Error", "it is found")
    off_ns = boottime_ns()
    for node in (active, standby):
        faults.apply(cluster, "metadata", {"target": node})
    try:
        cluster.client.wait(lambda record: record.sent_ns > off_ns + 5 * NS, SERVED_S, "ten checks")
        assert found(cluster) == {active: "Normal", standby: "Error"}
        until(lambda: found(cluster)[active] == "Unknown", "silence that lasts is told", 60)
        assert why(cluster, active).startswith(f"Warn monitoring awsevw1. (112 : {SILENT}")
        until(lambda: SILENT in why(cluster, standby), "what is known is told with the silence")
        assert found(cluster)[standby] == "Error"
        assert f"terminate {WHEN}" in why(cluster, standby)
    finally:
        for node in (active, standby):
            faults.apply(cluster, "metadata", {"target": node, "state": "on"})
    until(lambda: found(cluster) == {active: "Normal", standby: "Error"}, "it answers again")
    until(lambda: why(cluster, standby) == INTERRUPTED, "and says the same")
    assert cluster.active() == active
    assert failures(cluster.client.records(), off_ns, boottime_ns() - NS) == 0


def codes(cluster: LabCluster, node: str, since_ns: int) -> set[str]:
    """The codes of the alerts in a node's journal since a time."""
    return {
        alert["code"]
        for entry in cluster.product(node).events(1000)
        if entry["boottime_ms"] * 1_000_000 >= since_ns
        for alert in entry["alerts"]
    }

"""The EIP cluster of figure 5-1: a client on the internet, real packets through the internet gateway's translation."""

import os
import time
from collections.abc import Iterator

import pytest

from komainu_lab import configuration, timeline
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from komainu_lab.errors import LabError
from tests.lab.stage import until
from tests.lab.test_packets import ASK, Caller

pytestmark = pytest.mark.lab

SERVED_S = 30.0
VISIBLE_WITHIN_S = 31.0
"For so long after its own association the product takes another place for 'not yet visible' (V6)."
EIP = "203.0.113.10"


def impatient(document: Document) -> None:
    """Checks every three seconds instead of every minute, within the budget of calls."""
    document["cluster"]["startup_sync_wait_ms"] = 60_000
    configuration.resource(document, "awseip").update(check_interval_ms=3_000, prepare_interval_ms=3_000)


@pytest.fixture(scope="module")
def _cluster() -> Iterator[LabCluster]:
    with LabCluster("eip", f"test-{os.getpid()}-eip", print, tweak=impatient) as made:
        made.client.start()
        yield made


@pytest.fixture
def cluster(_cluster: LabCluster) -> LabCluster:
    """Everything is on, the standby is ready, the client is served."""
    _cluster.cloud.heal_api()
    _cluster.lab.power_on()
    active = _cluster.wait_settled()
    _cluster.client.wait_answer(boottime_ns(), SERVED_S, by=active)
    return _cluster


def holder(cluster: LabCluster) -> str:
    """The machine whose public address is the Elastic IP."""
    return next((name for name, public in cluster.cloud.public_addresses().items() if public == EIP), "")


def ask(cluster: LabCluster, target: str) -> str:
    """Who answers the internet there, or how nobody does."""
    argv = ["/usr/bin/python3", "-I", "-S", "-c", ASK, target, "80"]
    return cluster.lab.node("internet").run(argv).stdout.strip()


def alerts(cluster: LabCluster, node: str, since_ns: int) -> dict[str, str]:
    """The alerts of warning level or worse in a node's journal since a time: their texts by code."""
    return {
        alert["code"]: alert["en"]
        for entry in cluster.product(node).events(1000)
        if entry["boottime_ms"] * 1_000_000 >= since_ns
        for alert in entry["alerts"]
        if alert["level"] != "info"
    }


def changes(cluster: LabCluster, node: str, after: int) -> list[str]:
    """The calls about associations that a node made."""
    made = [call["action"] for call in cluster.cloud.calls(after) if call["source"] == node]
    return [action for action in made if action in ("AssociateAddress", "DisassociateAddress")]


def asked(cluster: LabCluster, node: str, after: int) -> int:
    """How often a node has asked where the Elastic IP is, and was answered."""
    calls = [call for call in cluster.cloud.calls(after) if call["source"] == node and call["answered_ns"]]
    return len([call for call in calls if call["action"] == "DescribeAddresses"])


def until_visible(cluster: LabCluster, node: str) -> None:
    """Wait until what the node associated last is no longer just written."""
    online_ms = max(
        entry["boottime_ms"]
        for entry in cluster.product(node).events(1000)
        for change in entry["changes"]
        if change["what"] == "group" and change["now"] == "Online"
    )
    time.sleep(max(0.0, VISIBLE_WITHIN_S - (boottime_ns() / 1e6 - online_ms) / 1000))


def test_the_internet_reaches_the_active_node_by_the_elastic_ip_and_only_so(cluster: LabCluster) -> None:
    active = cluster.active()
    assert holder(cluster) == active
    assert ask(cluster, EIP) == active
    assert ask(cluster, str(cluster.topology.machine(active).address)) == "silence"
    taken = set(cluster.cloud.public_addresses().values())
    assert not [who for last in range(101, 110) if (who := ask(cluster, f"203.0.113.{last}")) in ("node1", "node2")]
    assert len(taken) == 2, "the standby has a public address of its own, to reach the API"


def test_power_loss_is_one_call(cluster: LabCluster) -> None:
    active = cluster.active()
    survivor = cluster.other(active)
    fault_ns = cluster.lab.power_off(active)
    cluster.client.wait_answer(fault_ns, SERVED_S, by=survivor)
    until(lambda: cluster.product(survivor).status()["groups"][0]["status"] == "Online", "the group is online")
    assert holder(cluster) == survivor
    entries = cluster.product(survivor).events()
    lost = timeline.changed(entries, "node", active, timeline.LOST, fault_ns)
    online = timeline.changed(entries, "group", cluster.group, ("Online",), fault_ns)
    assert lost is not None
    assert online is not None
    until_ns = timeline.at_ns(online) + 1_000_000
    calls = timeline.calls_by(cluster.cloud.calls(), survivor, timeline.at_ns(lost), until_ns)
    about = [call["action"] for call in calls if call["action"] not in ("DescribeAvailabilityZones",)]
    assert about == ["AssociateAddress"], "one call when the association is known (E1)"
    later = cluster.cloud.last_call()
    until(lambda: asked(cluster, survivor, later) >= 2, "it has been checked since, and that has ended", SERVED_S)
    assert not [code for code in alerts(cluster, survivor, fault_ns) if code.startswith("KM34")], (
        "connections that died with the old public address were taken for an API that does not answer"
    )


def test_move(cluster: LabCluster) -> None:
    active = cluster.active()
    target = cluster.other(active)
    after, moved_ns = cluster.cloud.last_call(), boottime_ns()
    cluster.product(active).komainu("group", "move", cluster.group, target)
    cluster.client.wait_answer(moved_ns, SERVED_S, by=target)
    cluster.wait_settled(on=target)
    assert holder(cluster) == target
    assert changes(cluster, active, after) == ["DisassociateAddress"]
    assert changes(cluster, target, after) == ["AssociateAddress"]


def test_an_answer_that_never_comes_is_looked_up(cluster: LabCluster) -> None:
    active = cluster.active()
    target = cluster.other(active)
    cluster.cloud.break_api("mute", actions=("AssociateAddress",), times=1)
    after, moved_ns = cluster.cloud.last_call(), boottime_ns()
    cluster.product(active).komainu("group", "move", cluster.group, target)
    cluster.client.wait_answer(moved_ns, SERVED_S, by=target)
    cluster.wait_settled(on=target)
    made = [call for call in cluster.cloud.calls(after) if call["source"] == target]
    struck, *again = [call for call in made if call["action"] == "AssociateAddress"]
    assert (struck["fault"], struck["answered_ns"]) == ("mute", 0)
    # The look at it finds it, and nothing is sent again; where the look itself meets the change of the public address,
    # as it may on a busy machine, once more.
    assert [call["status"] for call in again] in ([], [200])
    assert not [code for code in alerts(cluster, target, moved_ns) if code.startswith("KM31")]


def test_an_elastic_ip_that_somebody_removes_is_code_7_and_comes_back(cluster: LabCluster) -> None:
    active = cluster.active()
    until_visible(cluster, active)
    removed_ns = boottime_ns()
    cluster.cloud.disassociate_address()
    served = cluster.client.wait_answer(removed_ns + 200_000_000, SERVED_S)
    assert served.who == active
    assert holder(cluster) == active
    allocation = cluster.cloud.built.allocation
    expected = (
        "Detected an error in monitoring awseipw1. "
        f"(7 : The EIP address does not exist. (EIP ALLOCATION ID={allocation}))"
    )
    assert expected in alerts(cluster, active, removed_ns).values()
    cluster.wait_settled(on=active)


def test_an_elastic_ip_that_somebody_gives_to_the_standby_comes_back(cluster: LabCluster) -> None:
    active = cluster.active()
    until_visible(cluster, active)
    taken_ns = boottime_ns()
    cluster.cloud.associate_address(cluster.other(active))
    until(lambda: holder(cluster) == active, "the address is where the group is", SERVED_S)
    cluster.client.wait_answer(taken_ns + 200_000_000, SERVED_S, by=active)
    assert any("(7 : The EIP address does not exist." in text for text in alerts(cluster, active, taken_ns).values())
    cluster.wait_settled(on=active)


def test_a_connection_that_was_open_dies_with_the_public_address(cluster: LabCluster) -> None:
    """What the product has to cope with, seen by a program of the SDK that does not."""
    active = cluster.active()
    standby = cluster.other(active)
    caller = Caller(cluster.lab, active)
    try:
        assert caller("describe_availability_zones", {})[0] == "done"
        assert caller("describe_availability_zones", {}, fresh=False)[0] == "done"
        moved_ns = boottime_ns()
        cluster.product(active).komainu("group", "move", cluster.group, standby)
        cluster.client.wait_answer(moved_ns, SERVED_S, by=standby)
        assert caller("describe_availability_zones", {}, fresh=False)[0] == "failed"
        assert caller("describe_availability_zones", {})[0] == "done"
    finally:
        caller.close()


def test_who_wakes_up_takes_nothing_back(cluster: LabCluster) -> None:
    active = cluster.active()
    survivor = cluster.other(active)
    frozen_ns = cluster.lab.freeze(active)
    cluster.client.wait_answer(frozen_ns, SERVED_S, by=survivor)
    thawed_ns = cluster.lab.thaw(active)
    assert cluster.wait_settled() == survivor
    assert holder(cluster) == survivor
    answered = [r.who for r in cluster.client.records() if r.good and r.sent_ns > thawed_ns]
    assert set(answered) == {survivor}


def test_both_nodes_off_and_on(cluster: LabCluster) -> None:
    """The association outlives its node: nothing that runs follows from it."""
    for machine in cluster.topology.nodes:
        cluster.lab.power_off(machine.name)
    off_ns = boottime_ns()
    with pytest.raises(LabError):
        cluster.client.wait_answer(off_ns, 2.0)
    cluster.lab.power_on(*(machine.name for machine in reversed(cluster.topology.nodes)))
    active = cluster.wait_settled()
    cluster.client.wait_answer(boottime_ns(), SERVED_S, by=active)
    assert holder(cluster) == active

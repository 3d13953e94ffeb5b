"""The VIP cluster under the faults of its nodes: real corosync, real packets, the client's own view."""

import time

import pytest

from komainu_lab import faults, timeline
from komainu_lab.client import longest_gap
from komainu_lab.clock import boottime_ns
from komainu_lab.product import SERVICE
from tests.lab.stage import NS, Stage, until

pytestmark = pytest.mark.lab

TAKEOVER_S = 15.0
MERGED_WITHIN_S = 5.0
"After a heal, with the preset fast."


def test_power_loss(stage: Stage) -> None:
    cluster = stage.cluster
    active, survivor = stage.pair()
    fault_ns = cluster.lab.power_off(active)
    cluster.client.wait_answer(fault_ns, TAKEOVER_S, by=survivor)
    assert stage.holders() == [survivor]
    assert stage.group(survivor)["node"] == survivor
    gap = timeline.gap_of(cluster.client.records(), fault_ns)
    assert gap is not None
    assert (gap.before, gap.after) == (active, survivor)
    cluster.lab.power_on(active)
    assert cluster.wait_settled() == survivor, "the group goes back by itself"
    assert stage.answered_by(fault_ns) == [survivor]


def test_takeover_is_one_round_of_replace_route(stage: Stage) -> None:
    cluster = stage.cluster
    active, survivor = stage.pair()
    fault_ns = cluster.lab.power_off(active)
    cluster.client.wait_answer(fault_ns, TAKEOVER_S, by=survivor)
    until(lambda: stage.group(survivor)["status"] == "Online", "the group is online")
    entries = cluster.product(survivor).events()
    lost = timeline.changed(entries, "node", active, timeline.LOST, fault_ns)
    online = timeline.changed(entries, "group", cluster.group, ("Online",), fault_ns)
    assert lost is not None
    assert online is not None
    calls = timeline.calls_by(cluster.cloud.calls(), survivor, timeline.at_ns(lost), timeline.at_ns(online) + 1_000_000)
    replaced = [call["details"]["RouteTableId"] for call in calls if call["action"] == "ReplaceRoute"]
    assert sorted(replaced) == sorted(cluster.cloud.built.tables.values())


def test_freeze_and_thaw(stage: Stage) -> None:
    cluster = stage.cluster
    active, survivor = stage.pair()
    frozen_ns = cluster.lab.freeze(active)
    cluster.client.wait_answer(frozen_ns, TAKEOVER_S, by=survivor)
    thawed_ns = cluster.lab.thaw(active)
    until(lambda: stage.holders() == [survivor], "exactly one active", MERGED_WITHIN_S)
    assert cluster.wait_settled() == survivor
    assert stage.answered_by(thawed_ns) == [survivor]


def test_cut_and_heal_of_the_interconnect(stage: Stage) -> None:
    cluster = stage.cluster
    former, taker = stage.pair()
    cut_ns = faults.cut_interconnect(cluster, "")
    cluster.client.wait_answer(cut_ns, TAKEOVER_S, by=taker)
    taken_ns = boottime_ns()
    until(lambda: len(stage.holders()) == 2, "arbitration none: both sides are active")
    time.sleep(3)
    healed_ns = cluster.lab.heal()
    until(lambda: len(stage.holders()) == 1, "exactly one active", MERGED_WITHIN_S)
    assert stage.holders() == [taker], "the newer takeover stays"
    assert cluster.wait_settled() == taker
    by = [record.who for record in sorted(stage.records(cut_ns), key=lambda r: r.answered_ns) if record.good]
    assert list(dict.fromkeys(by)) in ([former, taker], [taker])
    assert stage.answered_by(taken_ns) == [taker], "the former active repaired the route while it was cut off"
    raised = stage.alerts(taker, healed_ns)
    assert "KM7606" in raised, "two actives were found and nobody was told"


def test_one_way_cut(stage: Stage) -> None:
    cluster = stage.cluster
    active, _ = stage.pair()
    cut_ns = faults.cut_interconnect(cluster, active, "out")
    time.sleep(3)
    cluster.lab.heal()
    until(lambda: len(stage.holders()) == 1, "exactly one active", MERGED_WITHIN_S)
    healed_ns = boottime_ns()
    holder = cluster.wait_settled()
    cluster.client.wait_answer(healed_ns, TAKEOVER_S, by=holder)
    assert stage.answered_by(cut_ns, healed_ns)


def test_isolated_active_node(stage: Stage) -> None:
    cluster = stage.cluster
    active, survivor = stage.pair()
    cut_ns = faults.cut(cluster, active)
    cluster.client.wait_answer(cut_ns, TAKEOVER_S, by=survivor)
    healed_ns = cluster.lab.heal()
    until(lambda: stage.holders() == [survivor], "exactly one active", MERGED_WITHIN_S)
    assert cluster.wait_settled() == survivor
    assert stage.answered_by(healed_ns) == [survivor]


def test_move(stage: Stage) -> None:
    cluster = stage.cluster
    active, target = stage.pair()
    moved_ns = boottime_ns()
    cluster.product(active).komainu("group", "move", cluster.group, target)
    cluster.client.wait_answer(moved_ns, TAKEOVER_S, by=target)
    assert cluster.wait_settled() == target
    assert stage.holders() == [target]
    settled_ns = boottime_ns()
    cluster.client.wait_answer(settled_ns + NS, TAKEOVER_S)
    assert stage.answered_by(settled_ns) == [target]


def test_application_kill(stage: Stage) -> None:
    cluster = stage.cluster
    active, _ = stage.pair()
    before = stage.application(active)
    killed_ns = faults.kill(cluster, active, "application")
    cluster.client.wait_answer(killed_ns, TAKEOVER_S, by=active)
    assert stage.application(active) != before
    assert cluster.wait_settled() == active, "one death is recovered in place"
    assert stage.answered_by(killed_ns) == [active]


def test_komainud_kill_is_not_noticed_by_anybody(stage: Stage) -> None:
    cluster = stage.cluster
    active, _ = stage.pair()
    application = stage.application(active)
    daemon = faults.process_id(cluster, active, "komainud")
    killed_ns = faults.kill(cluster, active, "komainud")
    until(lambda: cluster.lab.node(active).running("bin/komainud") not in ([], [daemon]), "komainud is started again")
    assert cluster.wait_settled() == active
    assert stage.application(active) == application
    settled_ns = boottime_ns()
    assert stage.unanswered(killed_ns, settled_ns) == 0
    assert stage.answered_by(killed_ns, settled_ns) == [active]
    # The agent that came back really looks after it: its death is seen at once.
    again_ns = faults.kill(cluster, active, "application")
    cluster.client.wait_answer(again_ns, TAKEOVER_S, by=active)
    assert stage.application(active) != application


def test_komainud_stop(stage: Stage) -> None:
    cluster = stage.cluster
    active, survivor = stage.pair()
    stopped_ns = faults.stop(cluster, active)
    cluster.client.wait_answer(stopped_ns, TAKEOVER_S, by=survivor)
    assert stage.holders() == [survivor]
    nodes = {node["name"]: node["status"] for node in cluster.product(survivor).status()["nodes"]}
    assert nodes[active] == "Offline"
    faults.start(cluster, active)
    assert cluster.wait_settled() == survivor


@pytest.mark.parametrize("signal", ["KILL", "TERM", "STOP"])
def test_corosync_ends_or_stalls(stage: Stage, signal: str) -> None:
    cluster = stage.cluster
    active, _ = stage.pair()
    before = faults.process_id(cluster, active, "corosync")
    fault_ns = faults.kill(cluster, active, "corosync", signal)
    node = cluster.lab.node(active)
    until(lambda: node.pids("corosync") not in ([], [before]), "corosync is started again", 30)
    until(lambda: len(stage.holders()) == 1, "exactly one active", 30)
    settled_on = cluster.wait_settled()
    settled_ns = boottime_ns()
    cluster.client.wait_answer(settled_ns, TAKEOVER_S, by=settled_on)
    assert stage.holders() == [settled_on]
    assert stage.alerts(active, fault_ns), "nobody was told that corosync ended"


def test_clean_shutdown(stage: Stage) -> None:
    cluster = stage.cluster
    active, survivor = stage.pair()
    asked_ns = cluster.lab.shut_down(active)
    cluster.client.wait_answer(asked_ns, TAKEOVER_S, by=survivor)
    said = cluster.product(survivor).events()
    assert any(alert["code"] == "KM7103" for entry in said for alert in entry["alerts"]), "no clean leave was seen"
    assert stage.holders() == [survivor]
    cluster.lab.power_on(active)
    assert cluster.wait_settled() == survivor


def test_both_nodes_off_and_on(stage: Stage) -> None:
    cluster = stage.cluster
    first, second = stage.pair()
    cluster.lab.power_off(first)
    cluster.lab.power_off(second)
    off_ns = boottime_ns()
    cluster.lab.power_on(second, first)
    active = cluster.wait_settled()
    cluster.client.wait_answer(boottime_ns(), TAKEOVER_S, by=active)
    assert stage.holders() == [active]
    assert longest_gap(cluster.client.records(), off_ns) is not None


def test_stopped_service_stays_stopped_over_a_reboot_of_the_other(stage: Stage) -> None:
    """A service that was stopped by an administrator is not started by what happens elsewhere."""
    cluster = stage.cluster
    active, other = stage.pair()
    faults.stop(cluster, other)
    assert cluster.lab.node(other).service_pid(SERVICE) == 0
    fault_ns = cluster.lab.power_off(active)
    time.sleep(1)
    assert stage.holders() == []
    cluster.lab.power_on(active)
    faults.start(cluster, other)
    holder = cluster.wait_settled()
    cluster.client.wait_answer(fault_ns, TAKEOVER_S, by=holder)

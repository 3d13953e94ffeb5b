"""The VIP cluster when AWS is not as it should be: each time the client really gets no answer."""

import time

import pytest

from komainu_lab import faults
from komainu_lab.clock import boottime_ns
from tests.lab.stage import NS, Stage, until

pytestmark = pytest.mark.lab

SERVED_S = 20.0
VISIBLE_WITHIN_S = 31.0
"For so long after its own write the product takes another target for 'not yet visible' (V6)."


def monitor(stage: Stage, node: str) -> tuple[str, str]:
    """What awsvipw says: its status and why."""
    resource = stage.group(node)["resources"][0]["monitor"]
    return resource["status"], (resource["why"] or {}).get("en", "")


def test_source_dest_check_on(stage: Stage) -> None:
    cluster = stage.cluster
    active, _ = stage.pair()
    on_ns = faults.source_dest_check(cluster, active, "on")
    time.sleep(2)
    off_ns = faults.source_dest_check(cluster, active, "off")
    assert stage.answered_by(on_ns + NS // 10, off_ns) == [], "packets arrived in spite of the check"
    cluster.client.wait_answer(off_ns, SERVED_S)


def test_source_dest_check_is_named_in_status(stage: Stage) -> None:
    cluster = stage.cluster
    active, standby = stage.pair()
    faults.source_dest_check(cluster, active, "on")
    faults.source_dest_check(cluster, standby, "on")
    interface = cluster.cloud.built.instances[active].interface
    until(lambda: monitor(stage, active)[0] == "Caution", "awsvipw is in caution")
    assert f"Source/Dest. Check of {interface} is enabled" in monitor(stage, active)[1]
    until(lambda: stage.group(standby)["resources"][0]["ready_here"]["result"] == "failed", "the standby is not ready")
    ready = stage.group(standby)["resources"][0]["ready_here"]
    assert "Source/Dest. Check" in ready["why"]["en"]


def test_wrong_interface_is_found_and_mended(stage: Stage) -> None:
    cluster = stage.cluster
    active, _ = stage.pair()
    online_ms = max(
        entry["boottime_ms"]
        for entry in cluster.product(active).events(1000)
        for change in entry["changes"]
        if change["what"] == "group" and change["now"] == "Online"
    )
    settled_s = (boottime_ns() / 1e6 - online_ms) / 1000
    time.sleep(max(0.0, VISIBLE_WITHIN_S - settled_s))
    wrong_ns = faults.route(cluster, "client")
    cluster.client.wait(lambda r: r.sent_ns > wrong_ns and not r.good, SERVED_S, "a request without answer")
    served = cluster.client.wait_answer(wrong_ns + NS // 5, SERVED_S)
    assert served.who == active
    assert all(route["target"] == active for route in cluster.cloud.routes().values())
    texts = " ".join(stage.alerts(active, wrong_ns).values())
    changed = f"(8 : The routing for VIP {cluster.topology.service_address} was changed.)"
    assert changed in texts
    japanese = cluster.product(active).komainu("alerts", "--lang", "ja")
    assert changed in japanese, "the English text stands beside the Japanese one"
    assert f"(8 : VIP {cluster.topology.service_address} へのルーティングが変更されました。)" in japanese
    journal = [alert for entry in cluster.product(active).events(200) for alert in entry["alerts"]]
    assert [alert["ja"] for alert in journal if changed in alert["en"]], "the journal has both"


def test_api_outage_during_takeover(stage: Stage) -> None:
    cluster = stage.cluster
    active, survivor = stage.pair()
    faults.api(cluster, "down")
    fault_ns = cluster.lab.power_off(active)
    until(lambda: stage.group(survivor)["node"] == survivor, "the takeover begins")
    time.sleep(4)
    mended_ns = faults.api(cluster, "ok")
    assert stage.answered_by(fault_ns, mended_ns) == [], "somebody answered although no route was replaced"
    cluster.client.wait_answer(mended_ns, SERVED_S, by=survivor)
    until(lambda: stage.group(survivor)["status"] == "Online", "the group is online")


def test_api_outage_harms_nobody_who_runs(stage: Stage) -> None:
    cluster = stage.cluster
    active, _ = stage.pair()
    application = stage.application(active)
    down_ns = faults.api(cluster, "down")
    until(lambda: monitor(stage, active)[0] == "Caution", "awsvipw is in caution", 30)
    up_ns = faults.api(cluster, "ok")
    assert stage.unanswered(down_ns, up_ns) == 0
    assert stage.application(active) == application
    assert cluster.active() == active
    until(lambda: monitor(stage, active)[0] == "Normal", "awsvipw is normal again", 30)


def test_deleted_route_is_named_and_served_again_when_it_is_made(stage: Stage) -> None:
    """The nodes may not create routes (I2). An administrator does, and starts the group whose recovery has ended."""
    cluster = stage.cluster
    active, other = stage.pair()
    vpc = cluster.cloud.built.vpc
    deleted_ns = faults.apply(cluster, "delete-route", {})
    lost = cluster.client.wait(lambda r: r.sent_ns > deleted_ns and not r.good, SERVED_S, "a request without answer")
    until(lambda: "KM7502" in stage.alerts(active, deleted_ns), "recovery has ended", 60)
    texts = " ".join({**stage.alerts(active, deleted_ns), **stage.alerts(other, deleted_ns)}.values())
    assert f"No route table of {vpc} has a route to VIP {cluster.topology.service_address}/32" in texts
    made_ns = faults.apply(cluster, "create-route", {"target": active})
    assert stage.answered_by(lost.sent_ns, made_ns) == []
    cluster.product(active).komainu("group", "start", cluster.group)
    cluster.client.wait_answer(made_ns, SERVED_S)

"""Nodes that are stopped, started, rebooted, and ended by final actions: machines that really go down and come up."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from komainu_lab import application, configuration, faults
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from komainu_lab.product import SERVICE
from tests.lab.stage import until

pytestmark = pytest.mark.lab

SERVED_S = 20.0
GOES_DOWN_S = 40.0
HANGS = "/run/hangs"
"While this file is there the application's stop script does not end; a boot removes it."
SERVE = f"setsid /usr/bin/python3 -I -S {application.__file__} 80 </dev/null >/dev/null 2>&1 &"
END_TIMEOUT_MS = 12_000
FINAL = {"reset": "1000001", "panic": "1000002"}
"For each of them there is a group whose application, a sleep of so long, has this final action and no other recovery."


def final(document: Document) -> None:
    """An application whose stop can hang, and one for each final action that ends a node at once."""
    document["cluster"].update(startup_sync_wait_ms=30_000, end_timeout_ms=END_TIMEOUT_MS)
    web = configuration.resource(document, "exec")
    web["params"] = {
        "start": ["/bin/sh", "-c", SERVE],
        "stop": ["/bin/sh", "-c", f"test ! -e {HANGS} || exec sleep 1000"],
    }
    web["stop_timeout_ms"] = 4_000
    for action, seconds in FINAL.items():
        program = {"command": ["/bin/sleep", seconds]}
        recovery = {"restarts": 0, "failovers": 0, "final_action": action}
        resource = {"name": f"{action}s", "type": "exec", "params": program, "recovery": recovery}
        document["groups"].append({"name": f"group-{action}", "resources": [resource]})


@pytest.fixture(scope="module")
def _cluster() -> Iterator[LabCluster]:
    with LabCluster("onprem", f"test-{os.getpid()}-endings", print, tweak=final) as cluster:
        cluster.client.start()
        yield cluster


@pytest.fixture
def cluster(_cluster: LabCluster) -> LabCluster:
    """Both nodes on and online; the first group on node1, so that every test begins alike."""
    _cluster.lab.power_on()
    for name in ("node1", "node2"):
        if not _cluster.lab.node(name).service_pid(SERVICE):
            _cluster.product(name).start()
        _cluster.lab.node(name).run(["rm", "-f", HANGS])
    until(lambda: _cluster.product("node1").call("cluster", "start").returncode == 0, "the nodes are started")
    if _cluster.wait_settled() != "node1":
        for group in _cluster.status()["groups"]:
            _cluster.product("node1").call("group", "move", group["name"], "node1")
        _cluster.wait_settled(on="node1")
    _cluster.client.wait_answer(boottime_ns(), SERVED_S, by="node1")
    return _cluster


def word(cluster: LabCluster, seen_from: str, name: str) -> str:
    """What one node says about another one."""
    return str(next(node["status"] for node in cluster.product(seen_from).status()["nodes"] if node["name"] == name))


def boot(cluster: LabCluster, name: str) -> str:
    """What only this boot of a machine has; nothing while it is off."""
    pid = cluster.lab.node(name).pid
    return str(pid) if pid and os.path.exists(f"/proc/{pid}") else ""


def codes(cluster: LabCluster, name: str, since_ns: int) -> list[str]:
    """The codes of what a node was told since a time."""
    entries = cluster.product(name).events()
    return [a["code"] for e in entries if e["boottime_ms"] * 1_000_000 >= since_ns for a in e["alerts"]]


def test_a_stopped_node_stays_reachable_and_is_started_from_anywhere(cluster: LabCluster) -> None:
    one, two = cluster.product("node1"), cluster.product("node2")
    daemon, corosync = (faults.process_id(cluster, "node1", each) for each in ("komainud", "corosync"))
    stopped_ns = boottime_ns()
    two.komainu("node", "stop", "node1")
    cluster.client.wait_answer(stopped_ns, SERVED_S, by="node2")
    until(lambda: one.status()["here"]["standing"] == "stopped", "node1 is stopped")
    assert (word(cluster, "node2", "node1"), word(cluster, "node1", "node1")) == ("Offline", "Offline")
    until(lambda: word(cluster, "node1", "node2") == "Online", "node1 is told how node2 stands")
    assert one.status()["groups"][0]["node"] == "node2"
    assert "KM7103" in codes(cluster, "node2", stopped_ns), "no clean leave was seen"
    refused = one.call("group", "move", "failover1", "node1")
    assert (refused.returncode, "komainu node start" in refused.stderr) == (1, True)

    one.komainu("node", "start", "node1")
    until(lambda: word(cluster, "node2", "node1") == "Online", "node1 is back")
    assert (daemon, corosync) == tuple(faults.process_id(cluster, "node1", each) for each in ("komainud", "corosync"))
    two.komainu("node", "stop", "node1")
    two.komainu("node", "start", "node1")
    until(lambda: word(cluster, "node1", "node1") == "Online", "node1 is back once more")


def test_a_daemon_that_dies_on_a_stopped_node_comes_back_stopped(cluster: LabCluster) -> None:
    cluster.product("node2").komainu("node", "stop", "node1")
    until(lambda: cluster.product("node1").status()["here"]["standing"] == "stopped", "node1 is stopped")
    daemon = faults.process_id(cluster, "node1", "komainud")
    faults.kill(cluster, "node1", "komainud")
    node = cluster.lab.node("node1")
    until(lambda: node.running("bin/komainud") not in ([], [daemon]), "komainud is started again")
    until(lambda: cluster.product("node1").call("status").returncode == 0, "it answers")
    assert cluster.product("node1").status()["here"]["standing"] == "stopped"
    assert word(cluster, "node2", "node1") == "Offline"
    cluster.lab.power_off("node1")
    cluster.lab.power_on("node1")
    until(lambda: word(cluster, "node2", "node1") == "Online", "a boot starts it")


def test_a_cluster_is_stopped_and_started(cluster: LabCluster) -> None:
    cluster.product("node2").komainu("cluster", "stop", "--yes")
    for name in ("node1", "node2"):
        until(lambda name=name: cluster.product(name).status()["here"]["standing"] == "stopped", f"{name} is stopped")  # type: ignore[misc]
        assert [word(cluster, name, other) for other in ("node1", "node2")] == ["Offline"] * 2
        assert cluster.lab.node(name).running("application.py") == []
        assert [group["status"] for group in cluster.product(name).status()["groups"]] == ["Offline"] * 3
    stopped_ns = boottime_ns()
    cluster.product("node2").komainu("cluster", "start")
    assert cluster.wait_settled() == "node1"
    cluster.client.wait_answer(stopped_ns, SERVED_S, by="node1")


def test_a_reboot_leaves_cleanly_and_the_node_comes_back_by_itself(cluster: LabCluster) -> None:
    before, other = boot(cluster, "node1"), boot(cluster, "node2")
    asked_ns = boottime_ns()
    cluster.product("node2").komainu("node", "reboot", "node1", "--yes", "--no-wait")
    cluster.client.wait_answer(asked_ns, SERVED_S, by="node2")
    until(lambda: boot(cluster, "node1") not in ("", before), "node1 boots", GOES_DOWN_S)
    until(lambda: word(cluster, "node2", "node1") == "Online", "node1 is back", GOES_DOWN_S)
    assert "KM7103" in codes(cluster, "node2", asked_ns), "no clean leave was seen"
    assert boot(cluster, "node2") == other


def test_a_node_that_is_shut_down_stays_off(cluster: LabCluster) -> None:
    asked_ns = boottime_ns()
    cluster.product("node1").komainu("node", "shutdown", "node1", "--yes", "--no-wait")
    until(lambda: not cluster.lab.node("node1").on, "node1 is off", GOES_DOWN_S)
    cluster.client.wait_answer(asked_ns, SERVED_S, by="node2")
    assert "KM7103" in codes(cluster, "node2", asked_ns), "no clean leave was seen"
    assert not cluster.lab.node("node1").restarts


def test_a_stop_that_hangs_ends_the_node_and_the_other_one_takes_over(cluster: LabCluster) -> None:
    node, other = cluster.lab.node("node1"), boot(cluster, "node2")
    node.run(["touch", HANGS])
    asked_ns = boottime_ns()
    cluster.product("node1").komainu("group", "move", "failover1", "node2", "--no-wait")
    until(lambda: not node.on, "node1 is off", GOES_DOWN_S)
    cluster.client.wait_answer(asked_ns, SERVED_S, by="node2")
    assert boot(cluster, "node2") == other
    assert {"KM7112", "KM7101"} <= set(codes(cluster, "node2", asked_ns)), "the final action, and what it looks like"
    cluster.lab.power_on("node1")
    until(lambda: word(cluster, "node2", "node1") == "Online", "node1 is back", GOES_DOWN_S)


@pytest.mark.parametrize("action", FINAL)
def test_a_reset_or_panic_is_at_once_and_ends_exactly_that_node(cluster: LabCluster, action: str) -> None:
    node, before, other = cluster.lab.node("node1"), boot(cluster, "node1"), boot(cluster, "node2")
    [pid] = node.running(f"sleep {FINAL[action]}")
    node.run(["touch", HANGS])  # nothing is stopped in order: this must not hold it up
    failed_ns = boottime_ns()
    os.kill(pid, signal.SIGKILL)
    until(lambda: boot(cluster, "node1") != before, "node1 goes down")
    down_s = (boottime_ns() - failed_ns) / 1e9
    cluster.client.wait_answer(failed_ns, SERVED_S, by="node2")
    assert boot(cluster, "node2") == other
    assert down_s < END_TIMEOUT_MS / 1000, "it waited for something"
    # A kernel that panics runs nothing any more, and restarts only when it was told to. Where the lab's kernel has no
    # sysrq, a panic cannot be asked for, and a reset takes its place.
    if action == "reset" or not os.path.exists("/proc/sysrq-trigger"):
        until(lambda: word(cluster, "node2", "node1") == "Online", "node1 is back", GOES_DOWN_S)
    else:
        time.sleep(1)
        assert not node.on


def test_a_shutdown_by_an_operator_does_not_end_in_a_stop_that_hangs(cluster: LabCluster) -> None:
    node = cluster.lab.node("node1")
    node.run(["touch", HANGS])
    asked_ns = boottime_ns()
    cluster.product("node1").komainu("node", "shutdown", "node1", "--yes", "--no-wait")
    until(lambda: not node.on, "node1 is off", GOES_DOWN_S)
    cluster.client.wait_answer(asked_ns, SERVED_S, by="node2")
    assert "KM7103" not in codes(cluster, "node2", asked_ns), "it did not leave cleanly"


@pytest.mark.slow
def test_an_orderly_shutdown_that_hangs_ends_in_a_reset_by_the_watchdog(cluster: LabCluster) -> None:
    node, before = cluster.lab.node("node1"), boot(cluster, "node1")
    node.start_service("stubborn", ["/bin/sh", "-c", "trap '' TERM; echo begun; while :; do sleep 0.1; done"])
    until(lambda: "begun" in node.disk.log("stubborn"), "a service that does not stop")
    asked_ns = boottime_ns()
    cluster.product("node1").komainu("node", "shutdown", "node1", "--yes", "--no-wait")
    cluster.client.wait_answer(asked_ns, SERVED_S, by="node2")
    until(lambda: boot(cluster, "node1") not in ("", before), "the watchdog resets node1", GOES_DOWN_S)
    assert "KM7103" in codes(cluster, "node2", asked_ns), "it had left cleanly before that"
    assert (boottime_ns() - asked_ns) / 1e6 >= END_TIMEOUT_MS
    until(lambda: word(cluster, "node2", "node1") == "Online", "node1 is back", GOES_DOWN_S)


@pytest.mark.slow
def test_a_daemon_that_hangs_while_its_node_goes_down_is_ended_by_the_watchdog(cluster: LabCluster) -> None:
    node, before = cluster.lab.node("node1"), boot(cluster, "node1")
    node.run(["touch", HANGS])
    asked_ns = boottime_ns()
    cluster.product("node1").komainu("node", "shutdown", "node1", "--yes", "--no-wait")
    faults.kill(cluster, "node1", "komainud", "STOP")
    until(lambda: boot(cluster, "node1") not in ("", before), "the watchdog resets node1", GOES_DOWN_S + 15)
    cluster.client.wait_answer(asked_ns, SERVED_S, by="node2")
    assert "KM7103" not in codes(cluster, "node2", asked_ns)
    until(lambda: word(cluster, "node2", "node1") == "Online", "node1 is back", GOES_DOWN_S)

"""Monitors and scripts on real nodes: the program as it is installed, real checks, recovery that clients could see."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from komainu_lab import configuration
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from tests.lab.stage import until

pytestmark = pytest.mark.lab

GROUP = "failover1"
TOLD = "/run/told"
"What scripts of a node have told."


def monitors(document: Document) -> None:
    """Three monitors and scripts at the application."""
    own = {"first_wait_ms": 200, "interval_ms": 300, "timeout_ms": 5_000}
    tell = "/bin/sh -c 'echo $KOMAINU_EVENT $KOMAINU_RESOURCE$KOMAINU_MONITOR >> " + TOLD + "'"
    document["monitors"] = [
        {
            "name": "flag",
            "type": "genw",
            "params": {"command": "/usr/bin/test ! -e /run/bad"},
            "watches": {"group": GROUP},
            **own,
            "recovery": {"target": {"group": GROUP}, "script": tell, "restarts": 0, "failovers": 1},
        },
        {
            "name": "resident",
            "type": "genw",
            "params": {"command": "/bin/sh -c 'echo $$ > /run/resident; exec sleep 1000'", "mode": "resident"},
            **own,
            "recovery": {"target": "local-server"},
        },
        {
            "name": "stall",
            "type": "userw",
            "params": {"beat_ms": 100},
            **own,
            "recovery": {"target": "local-server"},
        },
    ]
    web = configuration.resource(document, "exec")
    web["scripts"] = dict.fromkeys(("before_start", "after_start", "before_stop", "after_stop"), tell)


@pytest.fixture(scope="module")
def cluster() -> Iterator[LabCluster]:
    with LabCluster("onprem", f"test-{os.getpid()}-monitors", print, tweak=monitors) as made:
        made.wait_settled()
        yield made


def found(cluster: LabCluster, node: str, name: str) -> dict[str, str]:
    """The state of a monitor on each node, as one node tells it."""
    told: Any = cluster.product(node).status()
    (monitor,) = [each for each in told["monitors"] if each["name"] == name]
    return {each["node"]: each["status"] for each in monitor["on"]}


def told(cluster: LabCluster, node: str) -> list[str]:
    return cluster.lab.node(node).run(["cat", TOLD], check=False).stdout.splitlines()


def test_all_is_normal_where_there_is_something_to_check(cluster: LabCluster) -> None:
    active = cluster.active()
    other = cluster.other(active)
    everywhere = dict.fromkeys((active, other), "Normal")
    until(lambda: found(cluster, other, "resident") == everywhere, "the resident command runs on both nodes")
    until(lambda: found(cluster, active, "stall") == everywhere, "user space moves on both nodes")
    until(lambda: found(cluster, active, "flag")[active] == "Normal", "the active node checks the flag")
    assert found(cluster, active, "flag")[other] != "Normal"
    assert told(cluster, active) == ["before_start web1", "after_start web1"]


def test_an_error_runs_the_script_and_moves_the_group(cluster: LabCluster) -> None:
    active = cluster.active()
    other = cluster.other(active)
    cluster.lab.node(active).run(["touch", "/run/bad"])
    until(lambda: cluster.active() == other, "the group moves")
    cluster.wait_settled(on=other)
    until(lambda: told(cluster, active)[-3:] == ["recovery flag", "before_stop web1", "after_stop web1"], "scripts ran")
    assert told(cluster, other)[-2:] == ["before_start web1", "after_start web1"]
    cluster.lab.node(active).run(["rm", "/run/bad"])


def test_the_death_of_a_resident_command_is_told_and_it_comes_back(cluster: LabCluster) -> None:
    node = cluster.lab.node("node1")
    before = node.run(["cat", "/run/resident"]).stdout
    node.run(["kill", "-9", before.strip()])
    product = cluster.product("node2")
    until(lambda: "KM4303" in _alerts(product.events()), "the death is told to the other node")
    until(lambda: found(cluster, "node2", "resident")["node1"] == "Normal", "it is normal again")
    assert node.run(["cat", "/run/resident"]).stdout != before


def test_verification_mode_finds_an_error_and_ends_with_a_fresh_look(cluster: LabCluster) -> None:
    product = cluster.product("node1")
    product.komainu("monitor", "fail", "stall", "--yes")
    until(lambda: set(found(cluster, "node2", "stall").values()) == {"Error"}, "it is found on both nodes")
    product.komainu("monitor", "fail", "stall", "--off", "--yes")
    until(lambda: set(found(cluster, "node2", "stall").values()) == {"Normal"}, "and is over")


def test_a_daemon_that_dies_leaves_one_resident_command_and_no_more(cluster: LabCluster) -> None:
    node = cluster.lab.node("node2")
    before = node.run(["cat", "/run/resident"]).stdout
    pid = node.service_pid("komainud")
    node.run(["kill", "-9", str(pid)])
    until(lambda: node.service_pid("komainud") not in (0, pid, None), "the daemon is back")
    until(lambda: found(cluster, "node1", "resident")["node2"] == "Normal", "it is checked again")
    assert node.run(["cat", "/run/resident"]).stdout != before
    assert len(node.run(["pgrep", "-f", "^sleep 1000$"]).stdout.split()) == 1


def _alerts(entries: list[dict[str, Any]]) -> list[str]:
    return [alert["code"] for entry in entries for alert in entry["alerts"]]

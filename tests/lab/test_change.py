"""Another configuration for a cluster that serves: what restarts and what does not, and a crash at every step."""

import copy
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from komainu_lab import faults, topology
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from komainu_lab.product import AUTHKEY, BIN, PROPOSAL, SERVICE, Product, Status
from komainu_lab.topology import Machine
from tests.lab.stage import until

pytestmark = pytest.mark.lab

SERVED_S = 20.0
AGREE_S = 30.0
SLEEPS = "2000001"
"Another application: a sleep of so long."
THIRD = "node3"


def quick(document: Document) -> None:
    """Detection in the time of a real network; two applications, so that one can restart without the other."""
    document["cluster"].update(startup_sync_wait_ms=30_000, detect_within_ms=1_500)
    document["cluster"].pop("preset", None)
    sleep = {"name": "sleep1", "type": "exec", "params": {"command": ["/bin/sleep", SLEEPS]}, "depends_on": []}
    document["groups"][0]["resources"].append(sleep)


class Site:
    """The cluster, and the configuration that it should have."""

    def __init__(self, cluster: LabCluster) -> None:
        self.cluster = cluster
        self.document: Document = yaml.safe_load(cluster.configuration_text())

    @property
    def group(self) -> Document:
        return dict(self.document["groups"][0])

    def edited(self, edit: Callable[[Document], None]) -> Document:
        """The configuration with something changed."""
        changed = copy.deepcopy(self.document)
        edit(changed)
        return changed

    def put(self, name: str, document: Document, path: str = PROPOSAL) -> None:
        """The file on a node's disk."""
        text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
        (self.root(name) / path[1:]).write_text(text, encoding="utf-8")

    def root(self, name: str) -> Path:
        return Path(f"/proc/{self.cluster.lab.node(name).pid}/root")

    def apply(self, name: str, document: Document, *more: str) -> subprocess.CompletedProcess[str]:
        """`komainu config apply` on a node."""
        self.put(name, document)
        done = self.cluster.product(name).call(
            "config", "apply", PROPOSAL, "--yes", "--why", "a test", *more, timeout_s=90
        )
        if done.returncode == 0 and "--dry-run" not in more:
            self.document = document
        return done

    def applied(self, name: str, document: Document) -> str:
        """As `apply`; it has to come into force everywhere."""
        before = self.version(name)
        done = self.apply(name, document)
        assert done.returncode == 0, done.stdout + done.stderr
        self.agree(before + 1)
        return done.stdout

    def version(self, name: str) -> int:
        return int(self.cluster.product(name).status()["cluster"]["version"])

    def agree(self, version: int, *names: str) -> None:
        """All nodes that are on have this version, in force and on the disk."""
        for name in names or [n for n in ("node1", "node2") if self.cluster.lab.node(n).on]:
            product = self.cluster.product(name)
            product.wait_status(
                lambda s: bool(s["here"]["synced"]) and s["cluster"]["version"] == version,
                AGREE_S,
                f"version {version}",
            )
            until(lambda name=name: self.on_disk(name) == version, f"version {version} on the disk", AGREE_S)  # type: ignore[misc]

    def on_disk(self, name: str) -> int:
        return int((self.root(name) / "var/lib/komainu/config/current").read_text())

    def pid(self, name: str, command: str) -> int:
        (pid,) = self.cluster.lab.node(name).running(command)
        return int(pid)

    def failovers(self, since_ns: int) -> list[str]:
        """Who answered the client since then."""
        records = [record for record in self.cluster.client.records() if record.sent_ns >= since_ns and record.good]
        return list(dict.fromkeys(record.who for record in records))


@pytest.fixture(scope="module")
def _site() -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        # A third machine on the segment: nothing is installed there yet.
        def wide() -> topology.Topology:
            plain = topology.onprem()
            lan = plain.machines[0].subnet
            third = Machine(THIRD, "client", lan, lan.cidr[13])
            return topology.Topology(plain.name, (*plain.machines, third), plain.service_address)

        patch.setitem(topology.TOPOLOGIES, "onprem", wide)
        with LabCluster("onprem", f"test-{os.getpid()}-change", print, tweak=quick, detect_within_ms=1_500) as cluster:
            cluster.client.start()
            cluster.wait_settled(ready=False)
            yield Site(cluster)


@pytest.fixture
def site(_site: Site) -> Site:
    """Both nodes on, the group on node1, and the configuration that a test before it left."""
    cluster = _site.cluster
    cluster.lab.power_on()
    for name in ("node1", "node2"):
        if not cluster.lab.node(name).service_pid(SERVICE):
            cluster.product(name).start()
    if cluster.wait_settled(ready=False) != "node1":
        cluster.product("node1").komainu("group", "move", cluster.group, "node1", timeout_s=60)
        cluster.wait_settled(on="node1", ready=False)
    cluster.client.wait_answer(boottime_ns(), SERVED_S, by="node1")
    return _site


def resource(document: Document, name: str) -> Document:
    return next(each for each in document["groups"][0]["resources"] if each["name"] == name)


def web(site: Site) -> str:
    return str(next(each for each in site.group["resources"] if each["type"] == "exec")["name"])


def test_settings_and_monitors_change_and_nothing_restarts(site: Site) -> None:
    one = site.pid("node1", "application.py"), site.pid("node1", SLEEPS)
    recovery = {"target": "local-server"}
    monitor = {"name": "disk1", "type": "disk", "recovery": recovery, "params": {"paths": ["/"]}}

    def edit(document: Document) -> None:
        resource(document, "sleep1")["check_interval_ms"] = 2_000
        document["monitors"] = [monitor]

    new = site.edited(edit)
    since = boottime_ns()
    dry = site.apply("node1", new, "--dry-run")
    assert dry.returncode == 0, dry.stdout + dry.stderr
    assert "Nothing restarts." in dry.stdout
    assert site.version("node2") == site.version("node1") == 1
    said = site.applied("node1", new)
    print(dry.stdout, said)

    assert "is in force (root: a test)" in said
    assert (site.pid("node1", "application.py"), site.pid("node1", SLEEPS)) == one
    site.cluster.product("node2").wait_status(
        lambda s: [m["status"] for m in s["monitors"] if m["name"] == "disk1"] == ["Normal"], AGREE_S, "the monitor"
    )
    assert site.failovers(since) == ["node1"]


def test_one_resource_restarts_and_the_rest_goes_on(site: Site) -> None:
    before = site.pid("node1", "application.py"), site.pid("node1", SLEEPS)
    since = boottime_ns()
    said = site.applied(
        "node2",
        site.edited(lambda d: resource(d, "sleep1")["params"].update(command=["/bin/sleep", SLEEPS, "0"])),
    )
    print(said)
    site.cluster.wait_settled(on="node1", ready=False)
    assert "failover1/sleep1" in said
    assert site.pid("node1", "application.py") == before[0]
    assert site.pid("node1", SLEEPS) != before[1]
    assert site.failovers(since) == ["node1"]


def test_a_new_group_starts_and_a_removed_one_is_stopped_first(site: Site) -> None:
    extra = {
        "name": "extra",
        "resources": [{"name": "nap1", "type": "exec", "params": {"command": ["/bin/sleep", "2000002"]}}],
    }
    site.applied("node1", site.edited(lambda d: d["groups"].append(extra)))
    until(lambda: site.cluster.lab.node("node1").running("2000002") != [], "the new group runs")
    said = site.applied("node1", site.edited(lambda d: d["groups"].pop()))
    print(said)
    assert "extra/nap1" in said
    assert site.cluster.lab.node("node1").running("2000002") == []
    assert [group["name"] for group in site.cluster.product("node2").status()["groups"]] == ["failover1"]


def test_a_bad_file_is_refused_whole_and_a_missing_script_by_its_node(site: Site) -> None:
    version, since = site.version("node1"), boottime_ns()

    def wrong(document: Document) -> None:
        resource(document, "sleep1")["type"] = "exce"
        document["groups"][0]["nodes"] = ["node1", "node7"]
        document["cluster"]["detect_within_ms"] = 10

    bad = site.apply("node1", site.edited(wrong))
    print(bad.stderr)
    assert bad.returncode == 1
    assert bad.stderr.count(": error:") >= 3
    assert all(word in bad.stderr for word in ("exce", "node7", "detect_within_ms"))

    node = site.cluster.lab.node("node1")
    node.run(["sh", "-c", "printf '#!/bin/sh\\n' >/etc/before && chmod 755 /etc/before"])
    lacking = site.apply(
        "node1", site.edited(lambda d: resource(d, "sleep1").update(scripts={"before_start": "/etc/before"}))
    )
    print(lacking.stderr)
    assert lacking.returncode == 1
    assert "Node node2: /etc/before" in lacking.stderr
    assert "node1: /etc" not in lacking.stderr
    for name in ("node1", "node2"):
        assert (site.version(name), site.on_disk(name)) == (version, version)
    assert site.failovers(since) == ["node1"]


def test_a_version_that_held_comes_back(site: Site) -> None:
    version = site.version("node1")
    site.applied("node1", site.edited(lambda d: d["cluster"].update(agent_return_ms=7_777)))
    one = site.cluster.product("node2")
    done = one.call("config", "rollback", str(version), "--yes", timeout_s=60)
    assert done.returncode == 0, done.stderr
    site.agree(version + 2)
    site.document["cluster"].pop("agent_return_ms")
    told = json.loads(one.komainu("config", "history", "--json"))["versions"]
    print(one.komainu("config", "history"))
    assert [each["version"] for each in told][-3:] == [version, version + 1, version + 2]
    assert one.call("config", "diff", str(version), str(version + 2)).stdout.startswith(f"Version {version} and")


def test_a_node_that_was_off_adopts_what_came_into_force(site: Site) -> None:
    version = site.version("node1")
    site.cluster.lab.power_off("node2")
    site.cluster.product("node1").wait_status(
        lambda s: [n["presence"] for n in s["nodes"] if n["name"] == "node2"] == ["gone"], AGREE_S, "node2 gone"
    )
    done = site.apply("node1", site.edited(lambda d: d["cluster"].update(agent_return_ms=8_888)))
    assert done.returncode == 0, done.stderr
    site.cluster.lab.power_on("node2")
    site.agree(version + 1)
    shown = json.loads(site.cluster.product("node2").komainu("config", "show"))
    assert shown["agent_return_ms"] == 8_888


@pytest.mark.slow
def test_a_node_that_was_cut_off_stops_what_the_new_configuration_has_no_place_for(site: Site) -> None:
    """Under arbitration `none` both sides go on; the one that comes back runs what nobody else knows any more."""
    version, lab, since = site.version("node1"), site.cluster.lab, boottime_ns()
    nap = {"name": "nap1", "type": "exec", "params": {"command": ["/bin/sleep", "2000003"]}}
    extra = {"name": "extra", "resources": [nap]}
    site.applied("node1", site.edited(lambda d: d["groups"].append(extra)))
    for name in ("node1", "node2"):
        site.cluster.product(name).wait_status(_settled, AGREE_S, "settled")
    until(lambda: lab.node("node1").running("2000003") != [], "the extra group runs on node1")
    faults.cut(site.cluster, "node1")
    until(lambda: lab.node("node2").running("2000003") != [], "node2 takes over")
    assert lab.node("node1").running("2000003") != []
    site.cluster.product("node2").wait_status(lambda s: s["groups"][1]["status"] == "Online", AGREE_S, "online there")
    done = site.apply("node2", site.edited(lambda d: d["groups"].pop()))
    assert done.returncode == 0, done.stdout + done.stderr
    assert lab.node("node2").running("2000003") == []
    assert lab.node("node1").running("2000003") != [], "nobody could tell node1"
    lab.heal()
    site.agree(version + 2)
    until(lambda: lab.node("node1").running("2000003") == [], "what has no place any more is stopped")
    entries = site.cluster.product("node1").events(100)
    codes = [a["code"] for e in entries if e["boottime_ms"] * 1_000_000 >= since for a in e["alerts"]]
    assert {"KM5220", "KM5221"} <= set(codes)


@pytest.mark.slow
def test_the_interconnect_changes_and_nobody_is_taken_for_dead(site: Site) -> None:
    since = boottime_ns()
    pids = {name: site.cluster.lab.node(name).pids("corosync") for name in ("node1", "node2")}
    said = site.applied("node1", site.edited(lambda d: d["cluster"].update(detect_within_ms=3_000)))
    print(said)
    for name in ("node1", "node2"):
        node = site.cluster.lab.node(name)
        until(lambda node=node: "(u32) = 2000" in _token(node), "the new token", AGREE_S)  # type: ignore[misc]
    time.sleep(3)  # what a wrong token would do shows only after it has run out
    assert {name: site.cluster.lab.node(name).pids("corosync") for name in pids} == pids
    assert site.failovers(since) == ["node1"]
    for name in pids:
        lost = [entry for entry in site.cluster.product(name).events(50) if _lost(entry, since)]
        assert lost == []
    site.applied("node2", site.edited(lambda d: d["cluster"].update(detect_within_ms=1_500)))


def _token(node: Any) -> str:
    return str(node.run(["corosync-cmapctl", "-g", "runtime.config.totem.token"]).stdout)


def _lost(entry: dict[str, Any], since_ns: int) -> bool:
    codes = [alert["code"] for alert in entry["alerts"]]
    return entry["boottime_ms"] * 1_000_000 >= since_ns and any(code in ("KM7101", "KM7102") for code in codes)


SLOW = [pytest.param(moment, marks=pytest.mark.slow) for moment in ("in force", 0, 10, 20, 40, 80, 1100, 1200, 1400)]
"Milliseconds after the request, or what is under way."


@pytest.mark.parametrize("moment", ["judging", "stopping", 1000, *SLOW])
def test_the_daemon_that_asked_dies_at_any_moment_and_all_agree(site: Site, moment: str | int) -> None:
    """While the nodes look at it, while something stops for it, once it is in force, and so many ms after the order."""
    slow_stop(site)
    version, since = site.version("node1"), boottime_ns()
    new = site.edited(lambda d: resource(d, "sleep1")["params"].update(command=["/bin/sleep", SLEEPS, str(since)]))
    site.put("node1", new)
    one = site.cluster.lab.node("node1")
    web_pid, other = site.pid("node1", "application.py"), faults.process_id(site.cluster, "node2", "komainud")
    if moment == "judging":
        os.kill(other, signal.SIGSTOP)  # it cannot answer; nobody misses it for more than a second
    asking = subprocess.Popen(
        one.command([str(BIN / "komainu"), "config", "apply", PROPOSAL, "--yes"]),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert asking.stdout is not None
    said: list[str] = []
    words = {"judging": "node1 done, waiting for node2", "stopping": "stop sleep1 on node1", "in force": "start sleep1"}
    for line in asking.stdout:
        said.append(line)
        if words.get(str(moment), "These resources restart") in line or "in force" in line:
            break
    if isinstance(moment, int):
        time.sleep(moment / 1000)
    os.kill(faults.process_id(site.cluster, "node1", "komainud"), signal.SIGKILL)
    if moment == "judging":
        os.kill(other, signal.SIGCONT)
    said.append(asking.communicate(timeout=30)[0])
    for name in ("node1", "node2"):
        site.cluster.product(name).wait_status(_settled, AGREE_S, "both together again")
    now = site.version("node1")
    print(f"moment {moment}: version {version} -> {now}", said[-3:])
    assert now in (version, version + 1)
    if moment in ("judging", "stopping"):
        assert now == version
    if moment == "in force":
        assert now == version + 1
    site.agree(now)
    if now == version + 1:
        site.document = new
    site.cluster.wait_settled(on="node1", ready=False)
    assert site.pid("node1", "application.py") == web_pid
    assert site.failovers(since) == ["node1"]
    contents = [site.cluster.product(name).komainu("config", "show") for name in ("node1", "node2")]
    assert contents[0] == contents[1]
    assert len(one.running(SLEEPS)) == 1


def slow_stop(site: Site) -> None:
    """From now on a stop of sleep1 takes a second."""
    if "scripts" in resource(site.document, "sleep1"):
        return
    for name in ("node1", "node2"):
        script = "printf '#!/bin/sh\nsleep 1\n' >/etc/slow && chmod 755 /etc/slow"
        site.cluster.lab.node(name).run(["sh", "-c", script])
    site.applied("node1", site.edited(lambda d: resource(d, "sleep1").update(scripts={"before_stop": "/etc/slow"})))


def _settled(status: Status) -> bool:
    nodes = [node["status"] for node in status["nodes"]]
    return bool(status["here"]["synced"]) and nodes == ["Online"] * len(nodes) and status["cluster"]["change"] is None


@pytest.mark.slow
def test_a_third_node_is_added_and_removed_again(site: Site) -> None:
    since, lab = boottime_ns(), site.cluster.lab
    version = site.version("node1")
    entry = {"name": THIRD, "links": [str(site.cluster.topology.machine(THIRD).address)]}

    def add(document: Document) -> None:
        document["nodes"].append(entry)
        document["groups"][0]["nodes"] = ["node1", "node2", THIRD]

    new = site.edited(add)
    said = site.applied("node1", new)
    print(said)
    assert "corosync" in said
    third = Product(lab.node(THIRD))
    key = (site.root("node1") / AUTHKEY[1:]).read_bytes()
    third.install(yaml.safe_dump(new, sort_keys=False), key)
    third.start()
    third.wait_status(lambda s: _settled(s) and s["cluster"]["version"] == version + 1, AGREE_S, "the third takes part")
    site.cluster.product("node1").wait_status(_settled, AGREE_S, "the others see it")
    assert site.failovers(since) == ["node1"]

    refused = site.apply("node1", site.edited(_without_third))
    print(refused.stderr)
    assert refused.returncode == 1
    assert "node stop" in refused.stderr
    done = third.call("node", "stop", THIRD, timeout_s=60)
    assert done.returncode == 0, done.stderr
    site.document = new
    said = site.applied("node2", site.edited(_without_third))
    print(said)
    third.stop()
    site.cluster.product("node2").wait_status(_settled, AGREE_S, "two nodes again")
    assert site.failovers(since) == ["node1"]
    lost = [entry for entry in site.cluster.product("node1").events(100) if _lost(entry, since)]
    assert lost == []


def _without_third(document: Document) -> None:
    document["nodes"] = [each for each in document["nodes"] if each["name"] != THIRD]
    document["groups"][0]["nodes"] = ["node1", "node2"]

"""Nodes of one cluster run different releases: upgraded one by one while a client is served, and taken back.

The older releases are real trees that real daemons run from (komainu_lab.releases): one that only decides by older
rules, and one that lacks parts of the model, too.
"""

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from komainu import __version__
from komainu.agent.members import wire
from komainu.agent.members.snapshot import decode, digest
from komainu.agent.records import journal, recorder
from komainu.core.state import RULES, State
from komainu.core.step import step
from komainu.model import answers
from komainu_lab import faults, releases, topology
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from komainu_lab.product import BIN, PROPOSAL, SERVICE
from komainu_lab.topology import Machine, Topology
from tests.lab.stage import until

pytestmark = pytest.mark.lab

SERVED_S = 20.0
SETTLED_S = 60.0
JOURNAL = "/var/lib/komainu/journal"
UNEXPECTED = {"KM7901", "KM7902", "KM7903", "KM5510", "KM5001"}
"States or configurations that differ, broken laws, defects, messages that cannot be read."
TOO_OLD = answers.TOO_OLD.en
OTHER_STATE = "KM5322"
KINDS = {"lowered": (releases.LOWERED, 2), "lacking": (releases.LACKING, 3)}
"The older release, and how many nodes there are."


def patient(document: Document) -> None:
    """A cluster whose nodes may be away for a while."""
    document["cluster"].update(startup_sync_wait_ms=30_000)


def wide() -> Topology:
    """Three nodes on the segment."""
    plain = topology.onprem()
    lan = plain.machines[0].subnet
    third = Machine("node3", "node", lan, lan.cidr[13])
    return dataclasses.replace(plain, machines=(*plain.nodes, third, plain.client))


class Fleet:
    """The cluster, and which release each node has."""

    def __init__(self, cluster: LabCluster, older: Path, lacks: bool) -> None:
        self.cluster = cluster
        self.older = older
        self.lacks = lacks
        self.names = [machine.name for machine in cluster.topology.nodes]

    def install(self, name: str, older: bool) -> None:
        """As an administrator does: the package, then the service stopped and started."""
        product = self.cluster.product(name)
        product.put_release(self.older if older else None)
        product.stop()
        product.start()
        self.settled()
        assert product.status()["here"]["version"] == self.version(older)

    def all_have(self, older: bool) -> None:
        """Every node gets that release, unless it has it."""
        for name in self.names:
            if self.cluster.product(name).status()["here"]["version"] != self.version(older):
                self.install(name, older)

    def version(self, older: bool) -> str:
        return "0.0.9" if older else __version__

    def settled(self, on: str = "") -> str:
        """All nodes are there and the client is served; the node by which it is."""
        active = self.cluster.wait_settled(on=on, timeout_s=SETTLED_S)
        self.cluster.client.wait_answer(boottime_ns(), SERVED_S, by=active)
        return active

    def others(self, name: str) -> list[str]:
        return [each for each in self.names if each != name]

    def codes(self, name: str, since_ns: int) -> dict[str, str]:
        """What a node was told since a time, by code."""
        entries = self.cluster.product(name).events()
        recent = (each for each in entries if each["boottime_ms"] * 1_000_000 >= since_ns)
        return {alert["code"]: alert["en"] for each in recent for alert in each["alerts"]}

    def nothing_unexpected(self, since_ns: int) -> None:
        for name in self.names:
            codes = self.codes(name, since_ns)
            assert not UNEXPECTED & codes.keys(), {code: codes[code] for code in UNEXPECTED & codes.keys()}

    def word(self, seen_from: str, name: str) -> str:
        """What one node says about another one."""
        nodes = self.cluster.product(seen_from).status()["nodes"]
        return str(next(node["status"] for node in nodes if node["name"] == name))

    def on_disk(self, name: str) -> int:
        """The version of the configuration that the node would start with."""
        return int(self.cluster.lab.node(name).read("/var/lib/komainu/config/current"))

    def replayed_by_the_newest(self, name: str) -> None:
        """Whatever release wrote the journal: the newest comes to the same states, of which it kept the digests."""
        told = self.replayed(name, newest=True)
        assert told["left_out"] == 0, told
        assert OTHER_STATE not in [code for code, _ in told["found"]], told
        assert told["digests"] > 0

    def since_installed(self, name: str) -> int:
        """The number of the entry with which the node first told of the release that it has."""
        own, first = self.cluster.product(name).status()["here"]["version"], 0
        for entry in self.cluster.product(name).events(1_000):
            told = [alert["en"] for alert in entry["alerts"] if alert["code"] == recorder.STARTED.code]
            if told and f"komainud {own} " not in told[0]:
                first = 0
            elif told:
                first = first or int(entry["seq"])
        assert first
        return first

    def replayed(self, name: str, *, newest: bool = False) -> dict[str, Any]:
        """The summary of a replay of the node's journal: by its own release what that wrote, or all by the newest."""
        product = self.cluster.product(name)
        argv = ["replay", JOURNAL, "--json"]
        argv += [] if newest else ["--from", str(self.since_installed(name))]
        done = (
            product.node.run([str(BIN / "komainu"), *argv], check=False, timeout_s=90)
            if newest
            else product.call(*argv, timeout_s=90)
        )
        told = [json.loads(line) for line in done.stdout.splitlines()]
        assert told, done.stderr
        summary = dict(told[-1])
        said = [one for each in told if each["what"] == "decision" for one in each["differences"]]
        remarks = [each["said"] for each in told if each["what"] == "remark"]
        summary["found"] = [(each["code"], each["en"]) for each in (*said, *remarks)]
        return summary

    def state(self, name: str) -> State:
        """The state that a node's journal leads to."""
        found: State | None = None
        folder = Path(f"/proc/{self.cluster.lab.node(name).pid}/root") / JOURNAL[1:]
        for line in journal.read(folder):
            body = line.body or {}
            if body.get("kind") == journal.SNAPSHOT:
                found = decode(wire.unpack([body["state"]])) if body.get("state") else None
            elif "event" in body and found is not None:
                found = step(found, wire.event_from_json(body["event"]), body["rules"]).state
        assert found is not None
        return found

    def rules(self, name: str) -> int:
        """The rules by which the node's last event was decided."""
        return int([entry["rules"] for entry in self.cluster.product(name).events() if "rules" in entry][-1])

    def equal(self) -> State:
        """All nodes come to hold the same state, whatever release wrote it down."""
        until(lambda: len({digest(self.state(name)) for name in self.names}) == 1, "equal states")
        return self.state(self.names[0])

    def move(self, by: str, to: str) -> None:
        """Move the group, asked for on some node."""
        asked_ns = boottime_ns()
        self.cluster.product(by).komainu("group", "move", self.cluster.group, to, timeout_s=60)
        self.cluster.client.wait_answer(asked_ns, SERVED_S, by=to)

    def power_loss(self, name: str) -> None:
        """The node loses its power and comes back; if it was active, another one takes over."""
        active = self.cluster.active()
        fault_ns = self.cluster.lab.power_off(name)
        if active == name:
            self.cluster.client.wait(
                lambda record: record.good and record.sent_ns > fault_ns and record.who != name, SERVED_S, "a takeover"
            )
        else:
            self.cluster.client.wait_answer(fault_ns, SERVED_S, by=active)
        self.cluster.lab.power_on(name)
        assert self.settled() != name or active != name


@pytest.fixture(scope="module", params=[pytest.param("lowered", marks=pytest.mark.slow), "lacking"])
def _fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    patches, nodes = KINDS[request.param]
    older = releases.older(tmp_path_factory.mktemp("release") / f"komainu-{request.param}", patches)
    name = f"test-{os.getpid()}-{request.param}"
    with pytest.MonkeyPatch.context() as patch:
        if nodes == 3:
            patch.setitem(topology.TOPOLOGIES, "onprem", wide)
        with LabCluster("onprem", name, print, tweak=patient, release=older) as cluster:
            cluster.client.start()
            yield Fleet(cluster, older, patches is releases.LACKING)


@pytest.fixture
def fleet(_fleet: Fleet) -> Fleet:
    """Every node is on, has the older release, and the client is served."""
    _fleet.cluster.lab.power_on()
    for name in _fleet.names:
        if not _fleet.cluster.lab.node(name).service_pid(SERVICE):
            _fleet.cluster.product(name).start()
    _fleet.settled()
    _fleet.all_have(older=True)
    return _fleet


def test_node_by_node_while_the_client_is_served(fleet: Fleet) -> None:
    since_ns = boottime_ns()
    first, *rest = fleet.names
    known = dict.fromkeys(fleet.names, RULES - 1)
    for name in fleet.names:
        assert fleet.rules(name) == RULES - 1
        fleet.install(name, older=False)
        known[name] = RULES
        status = fleet.cluster.product(name).status()
        assert (status["cluster"]["rules"], {node["name"]: node["rules"] for node in status["nodes"]}) == (
            min(known.values()), known,
        )  # fmt: skip
        fleet.nothing_unexpected(since_ns)
        if name != fleet.names[-1]:
            fleet.move(first, rest[-1])
            fleet.move(rest[-1], first)
            refused = fleet.cluster.product(first).call("maintenance", "on")
            assert (refused.returncode, TOO_OLD in refused.stderr) == (1, True), refused.stderr
            since_ns = boottime_ns()  # an older release says that it does not know the command
        state = fleet.equal()
        assert sorted(facts.rules for facts in state.nodes.values())[-1] == RULES
    # The last one has it: the newest rules hold, and nothing else was restarted for that.
    fleet.cluster.product(first).komainu("maintenance", "on")
    until(lambda: fleet.equal().maintenance, "the maintenance switch is on")
    fleet.cluster.product(rest[-1]).komainu("maintenance", "off")
    assert {fleet.rules(name) for name in fleet.names} == {RULES}
    for name in fleet.names:
        fleet.replayed_by_the_newest(name)


@pytest.mark.slow
def test_mixed_the_cluster_takes_over_either_way(fleet: Fleet) -> None:
    since_ns = boottime_ns()
    newer, older = fleet.names[0], fleet.names[-1]
    fleet.install(newer, older=False)
    for home, lost in ((older, newer), (newer, newer), (older, older), (newer, older)):
        if fleet.cluster.active() != home:
            fleet.move(newer, home)
        fleet.power_loss(lost)
        fleet.equal()
    if fleet.cluster.active() != older:
        fleet.move(older, older)
    killed_ns = faults.kill(fleet.cluster, older, "application")
    fleet.cluster.client.wait_answer(killed_ns, SERVED_S, by=older)
    fleet.settled(on=older)
    fleet.nothing_unexpected(since_ns)
    for name in fleet.names:
        told = fleet.replayed(name)
        assert (told["differences"], told["left_out"]) == (0, 0), json.dumps(told, ensure_ascii=False)
        fleet.replayed_by_the_newest(name)


@pytest.mark.slow
def test_a_node_goes_back_to_the_older_release(fleet: Fleet) -> None:
    first, last = fleet.names[0], fleet.names[-1]
    fleet.all_have(older=False)
    since_ns = boottime_ns()
    product = fleet.cluster.product(first)
    version = product.status()["cluster"]["version"]
    document = yaml.safe_load(product.node.read(PROPOSAL))
    document["groups"][0]["failback_after_ms"] = 70_000 + version
    (Path(f"/proc/{product.node.pid}/root") / PROPOSAL[1:]).write_text(yaml.safe_dump(document), encoding="utf-8")
    product.komainu("config", "apply", PROPOSAL, "--yes", "--why", "a test", timeout_s=90)
    until(lambda: all(fleet.on_disk(name) == version + 1 for name in fleet.names), "the newest release wrote it down")

    fleet.install(last, older=True)
    fleet.move(last, last)
    assert fleet.equal().cluster.version == version + 1
    assert TOO_OLD in product.call("node", "suspend", last).stderr
    fleet.move(first, first)
    fleet.nothing_unexpected(since_ns)
    fleet.install(last, older=False)
    fleet.equal()


@pytest.mark.slow
def test_what_the_older_release_cannot_read_keeps_it_out_and_ends_nothing(fleet: Fleet) -> None:
    first, last = fleet.names[0], fleet.names[-1]
    fleet.all_have(older=False)
    back = fleet.cluster.product(last)
    back.put_release(fleet.older)
    back.stop()
    active = fleet.cluster.active()
    fleet.cluster.product(first).komainu("maintenance", "on")
    started_ns = boottime_ns()
    back.start()
    back.wait_status(lambda s: fleet.lacks or bool(s["here"]["synced"]), SETTLED_S, "it answers, or takes part")
    if not fleet.lacks:
        fleet.equal()
    else:
        until(lambda: "KM7904" in fleet.codes(last, started_ns), "it says that it cannot read the state")
        assert "maintenance" in fleet.codes(last, started_ns)["KM7904"]
        pid = back.node.service_pid(SERVICE)
        until(lambda: fleet.word(first, last) == "Offline", "the others go on without it")
        assert (back.node.service_pid(SERVICE), back.status()["here"]["synced"]) == (pid, False)
        asked_ns = boottime_ns()
        fleet.move(first, next(name for name in fleet.others(last) if name != active))
        assert fleet.word(first, last) == "Offline"
        assert "KM7104" not in fleet.codes(first, asked_ns), "it does not come and go"
    fleet.cluster.product(first).komainu("maintenance", "off")
    fleet.install(last, older=False)
    fleet.equal()

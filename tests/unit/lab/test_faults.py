"""The table of faults refuses what makes no sense before anything is broken."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from komainu_lab.cluster import LabCluster
from komainu_lab.errors import LabError
from komainu_lab.faults import FAULTS, apply
from komainu_lab.topology import vip


class Recorder:
    """Stands for a cluster: knows its machines and notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.lab = self
        self.topology = vip()

    def node(self, name: str) -> str:
        if name not in [machine.name for machine in self.topology.machines]:
            raise LabError(f"there is no machine '{name}'")
        return name

    def cut(self, *what: object, mode: str = "") -> int:
        self.asked.append((*what, mode) if mode else what)
        return 1

    @property
    def votes(self) -> "Recorder":
        return self

    def heal(self) -> None:
        self.asked.append(("heal",))

    def delete(self) -> None:
        self.asked.append(("delete",))

    def power_off(self, name: str) -> int:
        self.asked.append(("power off", name))
        return 42


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def run(recorder: Recorder, kind: str, **options: str) -> int:
    return apply(cast(LabCluster, recorder), kind, options)


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("explode", {}, "there is no fault 'explode'; there are power-off,"),
        ("power-off", {}, "power-off needs target"),
        ("kill", {"target": "node1"}, "kill needs process"),
        ("power-off", {"target": "node9"}, "there is no machine 'node9'"),
        ("power-off", {"target": "node1", "mode": "down"}, "power-off has no option mode"),
        ("kill", {"target": "node1", "process": "sshd"}, "the process is one of corosync, komainud, application"),
        ("kill", {"target": "node1", "process": "corosync", "signal": "LOUD"}, "there is no signal 'LOUD'"),
        ("cut", {"target": "node1", "direction": "up"}, "the direction is both, in or out, not 'up'"),
        ("source-dest-check", {"target": "node1", "state": "maybe"}, "the state is on or off"),
        ("own-address", {"ms": "late"}, "the time is a number of ms or 'never', not 'late'"),
        ("names", {"state": "some"}, "the state is on or off"),
        ("metadata", {"target": "node1", "state": "maybe"}, "the state is on or off"),
    ],
)
def test_nonsense_is_refused(recorder: Recorder, kind: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(LabError, match=words):
        run(recorder, kind, **options)
    assert recorder.asked == []


class Machine:
    """A machine whose root is that of this very test: nothing is there."""

    pid = 0

    def __init__(self, on: bool, commands: list[str]) -> None:
        self.on = on
        self.commands = commands

    def run(self, argv: list[str]) -> None:
        self.commands.append(" ".join(argv))


class Cloud:
    """The API's names, and what is done to it."""

    names = ("ec2.example.test", "sts.example.test")

    def __init__(self, asked: list[tuple[Any, ...]]) -> None:
        self.asked = asked

    def hosts(self, machine: object) -> str:
        return "127.0.0.1 localhost\n10.0.0.2 node2\n198.51.100.2 ec2.example.test sts.example.test\n"

    def break_api(self, kind: str) -> None:
        self.asked.append(("break", kind))

    def heal_api(self) -> None:
        self.asked.append(("heal",))

    def own_address(self, delay_ms: int | None) -> None:
        self.asked.append(("own address", delay_ms))


class Surrounded(Recorder):
    """A cluster in a VPC; node2 is off."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[str] = []
        self.cloud = Cloud(self.asked)

    def node(self, name: str) -> Any:
        super().node(name)
        return Machine(name == "node1", self.commands)


def test_names_of_the_api_are_unknown_until_they_are_known_again(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, str]] = []
    monkeypatch.setattr(Path, "write_text", lambda path, text, encoding: written.append((str(path), text)))
    cluster = Surrounded()
    run(cluster, "names")
    run(cluster, "names", state="on")
    file = "/proc/0/root" + "/etc/hosts"
    whole = cluster.cloud.hosts(None)
    assert written == [(file, "127.0.0.1 localhost\n10.0.0.2 node2\n"), (file, whole)]
    assert cluster.asked == [("break", "reset"), ("heal",)], "connections that are open need no name"


def test_an_address_of_its_own_comes_late_or_never() -> None:
    cluster = Surrounded()
    run(cluster, "own-address", ms="never")
    run(cluster, "own-address", ms="60000")
    assert cluster.asked == [("own address", None), ("own address", 60_000)]


def test_the_metadata_service_is_out_of_reach_until_it_is_not() -> None:
    cluster = Surrounded()
    run(cluster, "metadata", target="node1")
    run(cluster, "metadata", target="node1", state="on")
    assert cluster.commands == [f"ip route {verb} unreachable 169.254.169.254" for verb in ("add", "del")]


def test_a_fault_returns_its_time(recorder: Recorder) -> None:
    assert run(recorder, "power-off", target="node1") == 42
    assert recorder.asked == [("power off", "node1")]


def test_the_interconnect_is_cut_between_the_nodes_only(recorder: Recorder) -> None:
    run(recorder, "cut-interconnect")
    [(name, cut)] = recorder.asked
    assert name == "cut node1-node2"
    assert cut.from_port == cut.to_port == ()
    assert cut.port_to_address == ('"p-node1" . 10.0.120.100', '"p-node2" . 10.0.110.100')


def test_empty_options_count_as_not_given(recorder: Recorder) -> None:
    assert run(recorder, "power-off", target="node1", signal="", mode="") == 42


def test_every_fault_says_what_it_does_and_what_it_needs() -> None:
    for name, fault in FAULTS.items():
        assert fault.help.endswith((".", "it.")), name
        assert set(fault.required) <= set(fault.options), name


def test_the_store_of_the_third_vote_fails_for_one_or_all(recorder: Recorder) -> None:
    run(recorder, "store", mode="down")
    run(recorder, "store", mode="lost", target="node1")
    run(recorder, "store", mode="ok")
    run(recorder, "lose-record")
    assert recorder.asked == [("down",), ("node1", "lost"), ("heal",), ("delete",)]


class Line:
    """Stands for the line to the emulated VPC."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []

    def call(self, name: str, **arguments: str) -> None:
        self.asked.append((name, arguments))


def test_what_ec2_announces_is_handed_on_and_taken_back(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    monkeypatch.setattr(recorder, "cloud", SimpleNamespace(control=line), raising=False)
    run(recorder, "announce", target="node1", mode="lifecycle", state="Warmed:Stopped")
    run(recorder, "announce", target="node2", mode="ok")
    assert line.asked == [
        ("announce", {"machine": "node1", "kind": "lifecycle", "what": "Warmed:Stopped", "at": ""}),
        ("withdraw", {"machine": "node2"}),
    ]

"""The record of a lab's third vote, and the witness' file while the witness is down."""

from pathlib import Path
from typing import Any, cast

import pytest

from komainu_lab.errors import LabError
from komainu_lab.lab import Lab
from komainu_lab.topology import witness
from komainu_lab.votes import STATE, WitnessVotes, first, read

PARAMS = {
    "url": "https://witness.example.com:7641",
    "token_file": "/etc/komainu/witness.token",
    "ca_file": "/etc/komainu/witness-ca.pem",
}
DOCUMENT: dict[str, Any] = {
    "cluster": {"name": "files", "arbitration": {"kind": "lease", "lease": {"type": "lease_http", "params": PARAMS}}}
}


class Disk:
    """One folder in place of a machine's disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, path: str) -> Path:
        return self.root / path[1:]

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_bytes(content.encode() if isinstance(content, str) else content)
        self.path(path).chmod(mode)


class Machine:
    """A machine that is off."""

    on = False

    def __init__(self, root: Path) -> None:
        self.disk = Disk(root)


class Ground:
    """What a lab is to the witness, before its machines are switched on."""

    def __init__(self, folder: Path) -> None:
        self.topology = witness()
        self.state = folder / "lab"
        self.before_power_on: list[Any] = []
        self.after_power_on: list[Any] = []
        self.machines = {machine.name: Machine(folder / machine.name) for machine in self.topology.machines}

    def node(self, name: str) -> Machine:
        return self.machines[name]


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(tmp_path)
    made.machines["witness"].disk.path(STATE).parent.mkdir(parents=True)
    return made


@pytest.fixture
def votes(ground: Ground) -> WitnessVotes:
    return WitnessVotes(cast(Lab, ground), ground.topology.machine("witness"), DOCUMENT)


def test_a_record_is_put_read_and_taken_away(votes: WitnessVotes) -> None:
    assert read(votes) is None
    votes.put(first(DOCUMENT).text())
    votes.put(first(DOCUMENT).model_copy(update={"epoch": 7}).text())
    found = read(votes)
    assert found is not None
    assert (found.cluster, found.epoch, found.owner) == ("files", 7, None)
    votes.delete()
    assert read(votes) is None


def test_machines_get_what_they_need(ground: Ground, votes: WitnessVotes) -> None:
    for machine in ground.topology.machines:
        ground.before_power_on[0](machine, ground.node(machine.name))
    node, house = ground.node("node1").disk, ground.node("witness").disk
    assert "192.168.30.5 witness.example.com" in node.path("/etc/hosts").read_text()
    assert node.path(PARAMS["token_file"]).read_text() == house.path("/etc/komainu/witness.token").read_text()
    assert b"CERTIFICATE" in node.path(PARAMS["ca_file"]).read_bytes()
    assert house.path("/etc/komainu/witness.key").stat().st_mode & 0o777 == 0o600
    assert not ground.node("client").disk.path("/etc/hosts").exists()


def test_a_witness_has_one_way_to_fail(votes: WitnessVotes) -> None:
    with pytest.raises(LabError, match="cannot be made to be 'slow'"):
        votes.cut(mode="slow")

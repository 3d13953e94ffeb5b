"""The third vote of a lab's cluster: where its record lies, seen and changed from outside, and cut off from nodes.

The record is written before the first start, as `komainu lease init` does. Afterwards only what a test breaks is
touched from here.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from komainu.adapters.files.witness_state import WitnessState
from komainu.model.vote import Record, record
from komainu_lab import configuration
from komainu_lab.configuration import Document
from komainu_lab.errors import LabError
from komainu_lab.lab import Lab
from komainu_lab.namespaces import Node
from komainu_lab.topology import Machine
from komainu_lab.vpc.authority import issue_for
from komainu_lab.vpc.launch import Vpc
from komainu_lab.wires import cut_between

ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:ListBucket", "ec2:StopInstances")
"What a node's role needs besides: for the vote, and for a fence."
REQUESTS = ("GET", "PUT")
"How the emulated API calls requests to S3; those to EC2 have the names of their actions."
SERVICE = "witness"
STATE = "/var/lib/komainu/witness.json"
SECRETS = "/etc/komainu/witness"
START_S = 20.0


class Votes(Protocol):
    """The store of one cluster's vote."""

    def text(self) -> str | None:
        """What lies there now; None: nothing."""

    def put(self, text: str) -> None:
        """Put something there, whatever lay there."""

    def delete(self) -> None:
        """Take it away."""

    def cut(self, *nodes: str, mode: str = "down") -> None:
        """These nodes, or all, reach the store no more, or it goes wrong in another way (`komainu_lab.vpc.faults`)."""

    def heal(self) -> None:
        """All nodes reach it."""


def read(votes: Votes) -> Record | None:
    """The record as it lies there; None: nothing lies there. Raises ValueError for what is none."""
    text = votes.text()
    return None if text is None else record(text)


def first(document: Document) -> Record:
    """What `komainu lease init` writes; how long others wait is left to them."""
    return Record(cluster=str(document["cluster"]["name"]), config=1, epoch=0, wait_ms=1, nonce="the-lab")


class S3Votes:
    """One object in the emulated S3."""

    def __init__(self, vpc: Vpc, document: Document) -> None:
        """Make the bucket, and let the nodes use it. Raises LabError."""
        params = (configuration.lease(document) or {})["params"]
        self._vpc = vpc
        self._bucket = str(params["bucket"])
        self._key = str(params.get("key", f"komainu/{document['cluster']['name']}"))
        self._faults: list[int] = []
        vpc.bucket(self._bucket)
        vpc.allow(*ACTIONS)

    def text(self) -> str | None:
        """See Votes."""
        return self._vpc.object(self._bucket, self._key)

    def put(self, text: str) -> None:
        """See Votes."""
        self._vpc.put_object(self._bucket, self._key, text)

    def delete(self) -> None:
        """See Votes."""
        self._vpc.delete_object(self._bucket, self._key)

    def cut(self, *nodes: str, mode: str = "down") -> None:
        """See Votes. Requests to S3 are read and never answered; those to EC2 go on."""
        kind = "hang" if mode == "down" else mode
        self._faults.append(self._vpc.break_api(kind, actions=REQUESTS, sources=nodes))

    def heal(self) -> None:
        """See Votes."""
        while self._faults:
            self._vpc.heal_api(self._faults.pop())

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """The requests of nodes with a higher number, oldest first."""
        return [call for call in self._vpc.calls(after) if call["service"] == "s3" and call["source"]]


class WitnessVotes:
    """The lab's witness: `komainu witness` on a machine of its own."""

    def __init__(self, lab: Lab, machine: Machine, document: Document) -> None:
        """Certificate and token are made here, and put on the disks of the machines before they are switched on."""
        params = (configuration.lease(document) or {})["params"]
        self._lab, self._machine = lab, machine
        url = urlsplit(str(params["url"]))
        self._host, self._port = str(url.hostname), url.port or 443
        self._name = str(params.get("key", document["cluster"]["name"]))
        self._certificates = issue_for((self._host,), lab.state / "witness-authority")
        self._token = os.urandom(16).hex()
        self._files = (str(params["token_file"]), str(params["ca_file"]))
        lab.before_power_on.append(self._prepare)
        lab.after_power_on.append(self._start)

    def _prepare(self, machine: Machine, node: Node) -> None:
        if machine.kind == "node":
            node.disk.write(self._files[0], f"{self._token}\n", 0o600)
            node.disk.write(self._files[1], self._certificates.authority.read_bytes())
            node.disk.write("/etc/hosts", f"127.0.0.1 localhost\n{self._machine.address} {self._host}\n")
        elif machine.kind == "witness":
            node.disk.write(f"{SECRETS}.token", f"{self._token}\n", 0o600)
            node.disk.write(f"{SECRETS}.pem", self._certificates.certificate.read_bytes())
            node.disk.write(f"{SECRETS}.key", self._certificates.key.read_bytes(), 0o600)

    def _start(self, machine: Machine, node: Node) -> None:
        if machine.kind != "witness":
            return
        where = ["--listen", f"{machine.address}:{self._port}", "--state", STATE, "--token-file", f"{SECRETS}.token"]
        command = [str(Path(sys.prefix) / "bin" / "komainu"), "witness", *where]
        node.start_service(SERVICE, [*command, "--cert", f"{SECRETS}.pem", "--key", f"{SECRETS}.key"])

    def text(self) -> str | None:
        """See Votes."""
        path = self._state
        records = json.loads(path.read_text()).get("records", {}) if path.exists() else {}
        return str(records[self._name]["text"]) if self._name in records else None

    def put(self, text: str) -> None:
        """See Votes. The witness is down meanwhile."""
        for state in self._stopped():
            held = state.read(self._name)
            if state.write(self._name, held.version if held else None, text) is None:
                raise LabError("the witness' own state refused a write")

    def delete(self) -> None:
        """See Votes. The witness is down meanwhile."""
        for _ in self._stopped():
            self._state.unlink()

    def _stopped(self) -> Iterator[WitnessState]:
        """The witness' file, while nobody uses it."""
        running = self._node.on and self._node.service_pid(SERVICE)
        if running:
            self._node.stop_service(SERVICE)
        state = WitnessState(self._state)
        state.open()
        try:
            yield state
        finally:
            state.close()
        if running:
            self._start(self._machine, self._node)

    def cut(self, *nodes: str, mode: str = "down") -> None:
        """See Votes. The cables are cut: there is no other mode."""
        if mode != "down":
            raise LabError(f"a witness cannot be made to be '{mode}'")
        for machine in self._lab.topology.nodes:
            if not nodes or machine.name in nodes:
                self._lab.cut(f"vote {machine.name}", cut_between(machine, self._machine))

    def heal(self) -> None:
        """See Votes."""
        self._lab.wires.heal(*[name for name in self._lab.wires.cuts if name.startswith("vote ")])

    @property
    def _node(self) -> Node:
        return self._lab.node(self._machine.name)

    @property
    def _state(self) -> Path:
        """The file, as the machine sees it while it is on: what is mounted must not be changed beneath it."""
        node = self._node
        return Path(f"/proc/{node.pid}/root{STATE}") if node.on else node.disk.path(STATE)

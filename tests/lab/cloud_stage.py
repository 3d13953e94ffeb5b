"""A cluster of an example in its emulated VPC, for walks through the faults of the AWS API: what the tests look at."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from komainu_lab import configuration, faults
from komainu_lab.client import failures
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from komainu_lab.leaks import Search
from tests.lab.stage import NS, until

WRITES = ("ReplaceRoute", "AssociateAddress", "DisassociateAddress")
WRITE = {"vip": "ReplaceRoute", "eip": "AssociateAddress"}
"The call that is the takeover."
LOOK = {"vip": "DescribeRouteTables", "eip": "DescribeAddresses"}
"The question that the check of the address asks."
SERVED_S = 40.0
LATE_NS = NS * 12 // 10
"By then a request has an answer, or has ended without one."
HOOK = {name: f"/etc/komainu/hook-{name}" for name in ("url", "authorization", "secret")}
"Where a notification's secrets are at home."
HOMES = ("komainu/authkey", "corosync/authkey", *(path.removeprefix("/etc/") for path in HOOK.values()))
"Files below /etc that hold a secret, and are readable by root alone."


def hook_secret(name: str) -> str:
    """The content of one of these files; nobody listens there, so every alert is tried and given up."""
    text = f"{name}-K8dS3vQ2xW9pL5nR7tB1yZ4m"
    return f"https://127.0.0.1:9/{text}" if name == "url" else text


class CloudStage:
    """One example in a lab: brought up, mended, looked at."""

    def __init__(self, example: str) -> None:
        """Nothing runs yet."""
        self.example = example
        self.resource, self.monitor = f"aws{example}1", f"aws{example}w1"
        self.cluster = LabCluster(example, f"test-{os.getpid()}-api-{example}", print, tweak=self._quick)

    def _quick(self, document: Document) -> None:
        """The example with checks that a test can wait for, without the monitors that end a node that is cut off.

        So they ask the API more often than a cluster should; within their budget even after it throttled them.
        """
        document["cluster"]["aws"]["calls_per_minute"] = 600
        document["cluster"]["startup_sync_wait_ms"] = 60_000
        document["monitors"] = [each for each in document["monitors"] if each["name"] == "awsazw1"]
        document["monitors"][0].update(interval_ms=3_000, timeout_ms=5_000)
        configuration.resource(document, f"aws{self.example}").update(
            check_interval_ms=1_500,
            check_timeout_ms=5_000,
            prepare_interval_ms=2_500,
            start_timeout_ms=10_000,
            recovery={"reset_after_ms": 2_000},
        )
        params = {f"{name}_file": path for name, path in HOOK.items()}
        document["notifications"] = [{"name": "ops", "kind": "webhook", "level": "warning", "params": params}]

    def up(self) -> None:
        """Bring it up; each node has the files with the secrets of the notification on its disk."""

        def put(machine: Any, node: Any) -> None:
            for name, path in HOOK.items():
                node.disk.write(path, hook_secret(name) + "\n", 0o600)

        self.cluster.lab.before_power_on.append(put)
        self.cluster.up()
        self.cluster.client.start()

    def mend(self) -> None:
        """Nothing is wrong any more, everything is on, normal and ready, the client is served. Raises LabError."""
        cluster = self.cluster
        faults.names(cluster, "on")
        cluster.lab.power_on()
        active = cluster.wait_settled()
        cluster.client.wait_answer(boottime_ns(), SERVED_S, by=active)
        until(lambda: self.checked() == ("Normal", ""), f"{self.monitor} is normal", 60)
        until(lambda: set(self.zones().values()) == {"Normal"}, "the monitors of the zones are normal", 60)

    # --- looking ---

    def pair(self) -> tuple[str, str]:
        """The active node and the other one."""
        active = self.cluster.active()
        return active, self.cluster.other(active)

    def group(self) -> dict[str, Any]:
        """The group, as the first node that is on sees it."""
        return dict(self.cluster.status()["groups"][0])

    def checked(self) -> tuple[str, str]:
        """What the check of the address says: status and English text."""
        found = self.group()["resources"][0]["monitor"]
        return found["status"], (found["why"] or {}).get("en", "")

    def ready(self, standby: str) -> tuple[str, str]:
        """Whether the address could be started there: the result and the English text."""
        found = self.cluster.product(standby).status()["groups"][0]["resources"][0]["ready_here"]
        return found["result"], (found["why"] or {}).get("en", "")

    def zones(self) -> dict[str, str]:
        """What awsazw1 finds, by node."""
        told: Any = self.cluster.status()
        (monitor,) = [each for each in told["monitors"] if each["name"] == "awsazw1"]
        return {each["node"]: each["status"] for each in monitor["on"]}

    def holders(self) -> set[str]:
        """Where packets to the service address go, as AWS has it; `vip`: by every route table of the VPC's subnets."""
        if self.example == "vip":
            return {route["target"] for route in self.cluster.cloud.routes().values()}
        address = str(self.cluster.topology.service_address)
        return {name for name, public in self.cluster.cloud.public_addresses().items() if public == address}

    def running(self) -> list[str]:
        """The nodes on which the application runs."""
        nodes = self.cluster.topology.nodes
        return [each.name for each in nodes if self.cluster.lab.node(each.name).running("application.py")]

    def application(self) -> int:
        """The application's process where the group is."""
        return faults.process_id(self.cluster, self.cluster.active(), "application")

    def unanswered(self, since_ns: int, until_ns: int) -> int:
        """How many of the client's requests of that time got no answer; waits until all of them have ended."""
        self.cluster.client.wait(lambda record: record.sent_ns > until_ns + LATE_NS, 10, "later requests")
        return failures(self.cluster.client.records(), since_ns, until_ns)

    def alerts(self, node: str, since: str) -> list[dict[str, Any]]:
        """What the alert log of a node has had since a time."""
        said = self.cluster.product(node).komainu("alerts", "--json", "--since", since)
        return [json.loads(line) for line in said.splitlines()]

    def until_alert(self, node: str, since: str, text: str, detail: str = "") -> None:
        """Wait for an alert with exactly that English text, and this pattern in its detail."""

        def details() -> list[str]:
            return [each["detail"] for each in self.alerts(node, since) if each["en"] == text]

        until(lambda: bool(details()), f"an alert '{text}'")
        assert [each for each in details() if re.search(detail, each)], details()

    def mark(self) -> "Mark":
        """Remember how things are now."""
        active = self.cluster.active()
        now = datetime.now(UTC).isoformat()
        return Mark(active, self.application(), self.cluster.cloud.last_call(), boottime_ns(), now)

    def moved(self, since: "Mark") -> list[str]:
        """Calls since then that would have moved the address."""
        return [each["action"] for each in self.cluster.cloud.calls(since.call) if moves(each)]

    def passes(self, seconds: float, *, served: bool = True) -> None:
        """So much time of the client's passes, and it is served at the end of it; not `served`: it need not be."""
        began_ns = boottime_ns()
        self.cluster.client.wait(
            lambda record: (record.good or not served) and record.sent_ns > began_ns + seconds * NS,
            SERVED_S,
            "requests after that time",
        )

    # --- acting ---

    def take_over(self, during: Callable[[str, str], None] = lambda dead, survivor: None) -> "Takeover":
        """The active node loses its power. `during` is called with both names; it returns when AWS is well again."""
        dead, survivor = self.pair()
        mark = self.mark()
        self.cluster.lab.power_off(dead)
        during(dead, survivor)
        return Takeover(dead, survivor, mark)

    def served_by(self, taken: "Takeover") -> None:
        """In the end: taken over, by exactly one, and everything is known."""
        survivor = taken.survivor
        until(lambda: self.group()["status"] == "Online", "the group is online", SERVED_S)
        self.cluster.client.wait_answer(boottime_ns(), SERVED_S, by=survivor)
        assert self.group()["node"] == survivor
        assert self.holders() == {survivor}
        assert self.running() == [survivor]
        self.cluster.lab.power_on(taken.dead)
        assert self.cluster.wait_settled() == survivor
        assert self.running() == [survivor]

    # --- secrets ---

    def leaks(self) -> Search:
        """Every text that nodes keep and commands tell, searched for every secret that was handed out."""
        cluster = self.cluster
        given = {f"AWS secret {number}": each.encode() for number, each in enumerate(cluster.cloud.secrets())}
        given |= {f"the hook's {name}": hook_secret(name).encode() for name in HOOK}
        node = cluster.lab.node(cluster.active())
        given["the authkey"] = Path(f"/proc/{node.pid}/root", "etc/komainu/authkey").read_bytes()
        search = Search(given)
        for machine in cluster.topology.nodes:
            self._search(search, machine.name)
        return search

    def _search(self, search: Search, name: str) -> None:
        node, product = self.cluster.lab.node(name), self.cluster.product(name)
        product.komainu("report", "--last", "--output", "/var/tmp/report.md", check=False)
        product.komainu("report", "--last", "--lang", "ja", "--output", "/var/tmp/report.ja.md", check=False)
        search.tree(f"{name}:/etc", node.disk.path("/etc"), HOMES)
        search.tree(f"{name}:/var", node.disk.path("/var"))
        search.tree(f"{name}:/run", Path("/proc", str(node.pid), "root", "run"))  # /tmp is that of the machine below
        for words in (
            ("status", "--json"),
            ("status",),
            ("alerts", "--json", "--last", "10000"),
            ("alerts", "--lang", "ja", "--last", "10000"),
            ("alerts", "test"),
            ("events", "--json", "--last", "1000"),
            ("explain",),
            ("config", "history"),
        ):
            done = product.call(*words)
            search.text(f"{name}: komainu {' '.join(words)}", done.stdout + done.stderr)
        for pid in node.running(""):
            search.text(f"{name}: process {pid}", _command_line(pid))


def moves(call: dict[str, Any]) -> bool:
    """Whether a call is to move the address."""
    return call["action"] in WRITES


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""  # it has ended


@dataclass(frozen=True, slots=True)
class Mark:
    """How things were at a moment."""

    active: str
    application: int
    call: int
    ns: int
    at: str


@dataclass(frozen=True, slots=True)
class Takeover:
    """A node that lost its power, and the one that is left."""

    dead: str
    survivor: str
    mark: Mark

"""`komainu-lab bench-agents`: Debian's agent `aws-vpc-move-ip` with the aws CLI, and `awsvip`, against the same API.

Both move the same address between the same two nodes, by the same route tables of the same VPC, one after the other.
A start is a node's first; a takeover is the start of the other node while the routes still point at the one before.
What a cluster needs before it (to notice, to decide) is no part of either: the agent has no cluster here.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from komainu_lab import demo, ground
from komainu_lab.bench import report
from komainu_lab.bench.figures import spread
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.configuration import Document
from komainu_lab.errors import LabError
from komainu_lab.namespaces import Node
from komainu_lab.vpc.launch import SYSTEM_TRUST

RUNS = 5
AGENT = "/usr/lib/ocf/resource.d/heartbeat/aws-vpc-move-ip"
AWS = "/usr/bin/aws"
"Debian's own; another one in the path is not what its agent calls."
KOMAINU, AGENT_NAME = "awsvip", "aws-vpc-move-ip"
START, TAKEOVER = "start", "takeover"
AGENT_TIMEOUT_S = 180.0
"What the agent's own description gives its start."
NS_PER_MS = 1_000_000
PARTS = {"routes_ms": "last route written, ms", "whole_ms": "success reported, ms", "calls": "calls"}
HOME_FILE = "/root/.aws/config"


@dataclass(frozen=True, slots=True)
class Try:
    """One start of the address on one node. Milliseconds."""

    routes_ms: float
    "From its begin until the API had carried out the last ReplaceRoute."
    whole_ms: float
    "Until it was said to have succeeded."
    calls: int
    "To the API."


@dataclass(frozen=True, slots=True)
class Figures:
    """All tries of one contender."""

    name: str
    tries: Mapping[str, list[Try]]
    "By `START` and `TAKEOVER`."


def check_agent() -> None:
    """Raises LabError when the agent or the CLI is missing."""
    for path in (AGENT, AWS, "/usr/bin/curl"):
        if not Path(path).exists():
            raise LabError(f"{path} is missing; run as root: packaging/bootstrap.sh --agents")


def vip_alone(document: Document) -> None:
    """A group that is nothing but the address."""
    for group in document["groups"]:
        group["resources"] = [each for each in group["resources"] if each["type"] == KOMAINU]
    document.pop("monitors", None)


def tried(begun_ns: int, ended_ns: int, calls: Iterable[Mapping[str, Any]], node: str) -> Try:
    """What one start was, from the endpoint's own record. Raises LabError when it replaced no route."""
    during = [each for each in calls if each["source"] == node and begun_ns <= each["received_ns"] <= ended_ns]
    written = [int(each["applied_ns"]) for each in during if each["action"] == "ReplaceRoute" and each["status"] == 200]
    if not written:
        raise LabError(f"{node} replaced no route between its begin and its end")
    return Try((max(written) - begun_ns) / NS_PER_MS, (ended_ns - begun_ns) / NS_PER_MS, len(during))


def action_of(entries: Iterable[Mapping[str, Any]], resource: str, since_ns: int) -> tuple[int, int]:
    """Begin and end of the resource's last start in a node's journal, by CLOCK_MONOTONIC. Raises LabError."""
    found: tuple[int, int] | None = None
    begun: dict[str, int] = {}
    for entry in entries:
        at_ns = int(entry["monotonic_ns"])
        if at_ns < since_ns:
            continue
        event = entry.get("event") or {}
        if event.get("event") == "ActionFinished" and event["action"] in begun:
            found = (begun.pop(event["action"]), at_ns)
        for action in entry.get("actions", ()):
            if action["action"] == "StartResource" and action["resource"] == resource:
                begun[action["id"]] = at_ns
    if found is None:
        raise LabError(f"the journal has no start of {resource} that has ended")
    return found


class Komainu:
    """`awsvip` in the daemons of both nodes, which have prepared what a start needs."""

    def __init__(self, cluster: LabCluster) -> None:
        """The group is online somewhere."""
        self.cluster = cluster
        self._resource = str(cluster.status()["groups"][0]["resources"][0]["name"])

    def start(self, node: str) -> Try:
        """Stopped everywhere, the routes at somebody else's interface; then `komainu group start`."""
        cluster, group = self.cluster, self.cluster.group
        product = cluster.product(node)
        product.komainu("group", "stop", group)
        cluster.cloud.point_route("client")
        return self._measured(node, "group", "start", group, node)

    def takeover(self, node: str) -> Try:
        """From the other node, which holds the address."""
        self.cluster.wait_settled(on=self.cluster.other(node))
        return self._measured(node, "group", "move", self.cluster.group, node)

    def _measured(self, node: str, *command: str) -> Try:
        product, cloud = self.cluster.product(node), self.cluster.cloud
        last, since_ns = cloud.last_call(), time.monotonic_ns()
        product.komainu(*command)
        self.cluster.wait_settled(on=node)
        offset_ns = boottime_ns() - time.monotonic_ns()
        begun_ns, ended_ns = action_of(product.events(100), self._resource, since_ns)
        return tried(begun_ns + offset_ns, ended_ns + offset_ns, cloud.calls(last), node)


class Agent:
    """Debian's agent on both nodes, called as Pacemaker calls it; no Komainu runs."""

    def __init__(self, cluster: LabCluster) -> None:
        """Stops Komainu on the nodes, and gives the CLI the profile that the agent names."""
        self.cluster = cluster
        for machine in cluster.topology.nodes:
            cluster.product(machine.name).stop()
            profile = f"[default]\nregion = {cluster.topology.region}\n"
            write = f"mkdir -p {Path(HOME_FILE).parent} && cat > {HOME_FILE}"
            cluster.lab.node(machine.name).run(["sh", "-c", write], stdin=profile)

    def start(self, node: str) -> Try:
        """Stopped everywhere, the routes at somebody else's interface; then the agent's start."""
        for machine in self.cluster.topology.nodes:
            self._call(machine.name, "stop")
        self.cluster.cloud.point_route("client")
        return self._measured(node)

    def takeover(self, node: str) -> Try:
        """From the other node, which holds the address and is stopped first, as in a move."""
        self._call(self.cluster.other(node), "stop")
        return self._measured(node)

    def _measured(self, node: str) -> Try:
        last = self.cluster.cloud.last_call()
        begun_ns = boottime_ns()
        self._call(node, "start")
        ended_ns = boottime_ns()
        targets = {route["target"] for route in self.cluster.cloud.routes().values()}
        if targets != {node}:
            raise LabError(f"after the agent's start on {node} the routes point at {', '.join(sorted(targets))}")
        return tried(begun_ns, ended_ns, self.cluster.cloud.calls(last), node)

    def _call(self, machine: str, action: str) -> None:
        cluster = self.cluster
        node = cluster.lab.node(machine)
        built = cluster.cloud.built
        settings = {
            "OCF_ROOT": "/usr/lib/ocf",
            "OCF_RESOURCE_INSTANCE": "vip",
            "OCF_RESKEY_ip": str(cluster.topology.service_address),
            "OCF_RESKEY_routing_table": ",".join(built.tables.values()),
            "OCF_RESKEY_interface": device_of(node, built.instances[machine].address),
            # The emulated API names the interface of a route, not its instance; the calls are the same.
            "OCF_RESKEY_lookup_type": "NetworkInterfaceId",
            "OCF_RESKEY_region": cluster.topology.region,
            "AWS_CA_BUNDLE": str(SYSTEM_TRUST),
            "HOME": "/root",
            "PATH": ground.SEARCH,
        }
        given = [f"{name}={value}" for name, value in settings.items()]
        node.run(["env", *given, AGENT, action], timeout_s=AGENT_TIMEOUT_S)


def device_of(node: Node, address: str) -> str:
    """The network device that carries an address. Raises LabError."""
    for line in node.run(["ip", "-o", "-4", "address"]).stdout.splitlines():
        words = line.split()
        if words[3].partition("/")[0] == address:
            return words[1]
    raise LabError(f"no device of {node.name} has {address}")


def measure(contender: Komainu | Agent, name: str, runs: int, console: Console) -> Figures:
    """Starts and takeovers in turn, so that each finds what the one before it left."""
    one, other = (machine.name for machine in contender.cluster.topology.nodes)
    tries: dict[str, list[Try]] = {START: [], TAKEOVER: []}
    for number in range(runs):
        for step, done in ((START, contender.start(one)), (TAKEOVER, contender.takeover(other))):
            tries[step].append(done)
            console.print(f"  {number + 1}  {name} {step}: routes {done.routes_ms:.0f} ms, {done.calls} calls")
    return Figures(name, tries)


def to_json(
    found: Iterable[Figures], runs: int, tables: int, versions: Mapping[str, str], load: tuple[float, float]
) -> dict[str, Any]:
    """Everything, with the ratios of the medians. `load`: of the machine, at the start and at the end."""
    known = {each.name: each for each in found}
    return {
        "machine": report.machine(),
        "versions": dict(versions),
        "runs": runs,
        "tables": tables,
        "load": [round(each, 1) for each in load],
        "tries": {
            name: {step: [rounded(one) for one in tries] for step, tries in each.tries.items()}
            for name, each in known.items()
        },
        "ratio": {
            step: {part: ratio(known[AGENT_NAME], known[KOMAINU], step, part) for part in ("routes_ms", "whole_ms")}
            for step in (START, TAKEOVER)
        },
    }


def rounded(one: Try) -> dict[str, float]:
    """With one decimal."""
    return {name: round(value, 1) for name, value in asdict(one).items()}


def median(found: Figures, step: str, part: str) -> float:
    """Of one figure of all tries of a step."""
    known = spread([getattr(each, part) for each in found.tries[step]])
    assert known is not None
    return known.median


def ratio(theirs: Figures, ours: Figures, step: str, part: str) -> float:
    """How many times as long the first takes, by the medians."""
    return round(median(theirs, step, part) / median(ours, step, part), 1)


def show(console: Console, found: Iterable[Figures], ratios: Mapping[str, Mapping[str, float]]) -> None:
    """One row for each figure."""
    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    known = list(found)
    for heading in ("", *(each.name for each in known), "ratio"):
        drawn.add_column(heading, justify="left" if not heading else "right")
    for step in (START, TAKEOVER):
        for part, words in PARTS.items():
            medians = [f"{median(each, step, part):.0f}" for each in known]
            drawn.add_row(f"{step}: {words}", *medians, f"{ratios[step].get(part, '')}")
    console.print(drawn)


def main(json_file: Path | None = None, runs: int | None = None) -> int:
    """Measure both in one lab, show, write. Raises LabError."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    ground.check()
    check_agent()
    if json_file is not None:
        report.check_writable(json_file)
    count, load = runs or RUNS, os.getloadavg()[0]
    versions = {**demo.versions(), "resource-agents": package("resource-agents"), "awscli": package("awscli")}
    console.print(f"[bold]{AGENT_NAME} and {KOMAINU}[/]: {count} starts and takeovers of the same address each.")
    console.print(", ".join(f"{name} {version}" for name, version in versions.items()))
    with LabCluster("vip", f"bench-agents-{os.getpid()}", console.print, tweak=vip_alone) as cluster:
        cluster.wait_settled()
        ours = measure(Komainu(cluster), KOMAINU, count, console)
        theirs = measure(Agent(cluster), AGENT_NAME, count, console)
        tables = len(cluster.cloud.built.tables)
    told = to_json((ours, theirs), count, tables, versions, (load, os.getloadavg()[0]))
    console.print(f"{tables} route tables; median of {count}; load average {told['load'][0]} to {told['load'][1]}")
    show(console, (ours, theirs), told["ratio"])
    if json_file is not None:
        json_file.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        console.print(f"The figures are in {json_file}.")
    return 0


def package(name: str) -> str:
    """The version of an installed package of Debian; `unknown` where dpkg is not."""
    if shutil.which("dpkg-query", path=ground.SEARCH) is None:
        return "unknown"
    asked = ["dpkg-query", "-W", "-f", "${Version}", name]
    return subprocess.run(asked, capture_output=True, text=True, check=False, timeout=10).stdout or "unknown"

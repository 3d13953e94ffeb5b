"""`komainu-lab bench-rights`: what it costs that never two nodes are active, step by step, and what the store is asked.

Four clusters lose the power of their active node, with the product's own times: an exclusive group with a third vote,
the same with a fence, and a group that is nothing but the virtual IP, with a third vote and without. Then a cluster is
left alone for some minutes, and its requests to the store are counted.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from komainu_lab import faults as lab_faults, ground, votes
from komainu_lab.bench import report
from komainu_lab.bench.contender import SETTLE_TIMEOUT_S, Say
from komainu_lab.bench.faults import FAULTS, POWER_LOSS
from komainu_lab.bench.figures import Spread, spread
from komainu_lab.bench.komainu import Komainu
from komainu_lab.bench.measure import Run, once
from komainu_lab.clock import boottime_ns
from komainu_lab.configuration import APPLICATION, Document, Tweak
from komainu_lab.errors import LabError
from komainu_lab.namespaces import Node
from komainu_lab.topology import Machine
from komainu_lab.votes import S3Votes

RUNS = 5
QUIET_MINUTES = 10.0
AFTERWARDS_S = 5.0
"Both nodes read the record once, two seconds after they have come together: that belongs to their coming together."
STOPPING_MS = 2_000
"How long the emulated EC2 takes to stop an instance by force. A real one takes longer: that is not measured here."
READ, WRITE = "GET", "PUT"
WON, ENDED, FENCED = "KM7424", "KM7428", "KM7201"
TOLD = {WON: "the vote is won", ENDED: "the other one's right has ended", FENCED: "the fence is confirmed"}
"What the journal of the node that takes over tells on its way."
NS = 1_000_000_000
NS_PER_MS = 1_000_000


def told(entries: Iterable[Mapping[str, Any]], since_ns: int, until_ns: int) -> dict[str, float]:
    """Milliseconds from a time (CLOCK_BOOTTIME) to each of `TOLD`, in the order in which the journal has them."""
    found: dict[str, float] = {}
    for entry in entries:
        at_ns = int(entry["boottime_ms"]) * NS_PER_MS
        for alert in entry["alerts"]:
            if alert["code"] in TOLD and since_ns - NS_PER_MS <= at_ns <= until_ns:
                found.setdefault(TOLD[alert["code"]], max(0.0, (at_ns - since_ns) / NS_PER_MS))
    return found


def with_fence(document: Document) -> None:
    """As the example has it."""


def without_fence(document: Document) -> None:
    """The vote alone."""
    document["cluster"]["arbitration"].pop("fence", None)


def address_alone(document: Document) -> None:
    """A group that is nothing but the virtual IP; what answers behind it runs on both nodes."""
    without_fence(document)
    for group in document["groups"]:
        group["resources"] = [each for each in group["resources"] if each["type"] == "awsvip"]


def address_without_vote(document: Document) -> None:
    """The same with no arbitration."""
    address_alone(document)
    document["cluster"]["arbitration"] = "none"


class WithRights(Komainu):
    """A contender of the benchmark, with the third vote's store at hand."""

    def __init__(self, name: str, heading: tuple[str, ...], say: Say, tweak: Tweak) -> None:
        """`tweak` makes the variant of the example `lease`."""
        super().__init__(name, heading, (POWER_LOSS,), say, example="lease", tweak=tweak)
        self._fences = tweak is with_fence
        self._bare = tweak in (address_alone, address_without_vote)
        self.requests: list[dict[str, int]] = []
        "Of the node that took over, to the store: per run, from the loss to the first answer."
        if self._bare:
            self.lab.after_power_on.append(_serve)

    def settle(self) -> str:
        """Besides, nobody acts alone any more, and EC2 knows that the machines run."""
        cluster = self.cluster
        if self._fences:
            cluster.cloud.instance_delay("stopping", STOPPING_MS)
            for machine in cluster.topology.nodes:
                cluster.cloud.instance(machine.name, "start")
        active = cluster.wait_settled(timeout_s=SETTLE_TIMEOUT_S)
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while not at_rest(cluster.voted):
            if time.monotonic() > deadline:
                raise LabError("the record of the third vote does not say that the nodes are together")
            time.sleep(0.1)
        return active

    def stages(self, node: str, since_ns: int, until_ns: int) -> dict[str, float]:
        """What the journal tells of rights, before what it tells of actions."""
        entries = self.cluster.product(node).events()
        store = self.cluster.voted
        if isinstance(store, S3Votes):
            calls = [call for call in store.requests() if call["source"] == node]
            self.requests.append(count(calls, since_ns, until_ns))
        return {**told(entries, since_ns, until_ns), **super().stages(node, since_ns, until_ns)}


def at_rest(store: votes.Votes | None) -> bool:
    """Whether the record, where there is one, says that nobody acts alone."""
    found = None if store is None else votes.read(store)
    return found is None or found.mode == "together"


def count(calls: Iterable[Mapping[str, Any]], since_ns: int, until_ns: int) -> dict[str, int]:
    """How many requests of each kind were received in that time."""
    return dict(Counter(str(each["action"]) for each in calls if since_ns <= each["received_ns"] <= until_ns))


def _serve(machine: Machine, node: Node) -> None:
    if machine.kind == "node":
        node.start_service("web", APPLICATION)


@dataclass
class Result:
    """One variant."""

    name: str
    heading: tuple[str, ...]
    runs: list[Run] = field(default_factory=list)
    requests: list[dict[str, int]] = field(default_factory=list)
    failure: str = ""

    def spread(self, part: str) -> Spread | None:
        """Of `gap_ms`, `detection_ms` or `after_ms`."""
        return spread(getattr(run, part) for run in self.runs)

    def stage(self, name: str) -> Spread | None:
        """Of a step."""
        return spread(run.stages.get(name) for run in self.runs)

    def to_json(self) -> dict[str, Any]:
        """All runs."""
        return {
            "name": self.name,
            "heading": " ".join(self.heading),
            "runs": [run.to_json() for run in self.runs],
            "requests": self.requests,
            "failure": self.failure,
        }


@dataclass(frozen=True, slots=True)
class Quiet:
    """What a cluster that was left alone asked of the store, and then one loss and return of the interconnect."""

    minutes: float
    requests: Mapping[str, int]
    alone_s: float
    alone: Mapping[str, int]
    "While one node acted alone for so long: it claims, and renews."
    together: Mapping[str, int]
    "When both were together again."


def contenders(say: Say) -> Iterator[WithRights]:
    """The columns, from left to right."""
    yield WithRights("lease", ("exclusive", "lease"), say, without_fence)
    yield WithRights("lease-fence", ("exclusive", "lease, fence"), say, with_fence)
    yield WithRights("vip-none", ("VIP only", "none"), say, address_without_vote)
    yield WithRights("vip-lease", ("VIP only", "lease"), say, address_alone)


def measured(contender: WithRights, runs: int, say: Say) -> Result:
    """All runs of one variant; what goes wrong ends it, and is told beside its figures."""
    result, random = Result(contender.name, contender.heading), Random()
    try:
        with contender:
            for number in range(runs):
                run = once(contender, POWER_LOSS, random)
                result.runs.append(run)
                say(f"{number + 1}  {FAULTS[POWER_LOSS].title}: gap {run.gap_ms:.0f} ms")
    except LabError as error:
        result.failure = str(error)
        say(f"it did not work: {error}")
    result.requests = contender.requests
    return result


def quiet(minutes: float, say: Say) -> Quiet:
    """Leave a cluster alone; then cut its nodes apart for ten seconds. Raises LabError."""
    contender = WithRights("quiet", ("quiet",), say, without_fence)
    with contender:
        cluster = contender.cluster
        contender.settle()
        store = cluster.votes
        assert isinstance(store, S3Votes)
        time.sleep(AFTERWARDS_S)
        begun_ns = boottime_ns()
        time.sleep(minutes * 60)
        cut_ns = lab_faults.cut_interconnect(cluster)
        time.sleep(10)
        healed_ns = cluster.lab.heal()
        contender.settle()
        time.sleep(AFTERWARDS_S)
        calls = store.requests()
        return Quiet(
            minutes=minutes,
            requests=count(calls, begun_ns, cut_ns),
            alone_s=(healed_ns - cut_ns) / NS,
            alone=count(calls, cut_ns, healed_ns),
            together=count(calls, healed_ns, boottime_ns()),
        )


def table(results: Iterable[Result]) -> Table:
    """One column a variant."""
    known = list(results)
    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    drawn.add_column("", no_wrap=True)
    for result in known:
        drawn.add_column("\n".join(result.heading), justify="right", no_wrap=True)
    for part, title in report.PART_TITLES.items():
        drawn.add_row(title, *(report.cell(result.spread(part)) for result in known))
    steps = dict.fromkeys(step for result in known for run in result.runs for step in run.stages)
    for step in steps:
        drawn.add_row(f"  {step}", *(report.cell(result.stage(step)) for result in known))
    for action, title in ((READ, "requests to the store: reads"), (WRITE, "requests to the store: writes")):
        most = [max((each.get(action, 0) for each in result.requests), default=None) for result in known]
        drawn.add_row(title, *(report.EMPTY if each is None else str(each) for each in most))
    return drawn


def words(found: Quiet) -> list[str]:
    """The quiet cluster in words."""
    return [
        f"{found.minutes:g} minutes with both nodes together: {_counted(found.requests)}",
        f"{found.alone_s:.0f} s with the interconnect cut: {_counted(found.alone)}",
        f"together again: {_counted(found.together)}",
    ]


def _counted(requests: Mapping[str, int]) -> str:
    told = [f"{number} {'reads' if action == READ else 'writes'}" for action, number in sorted(requests.items())]
    return ", ".join(told) or "no request to the store"


def main(json_file: Path | None = None, runs: int | None = None, quiet_minutes: float | None = None) -> int:
    """Measure, show, write. The exit code: 0 when everything was measured."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    ground.check()
    if json_file is not None:
        report.check_writable(json_file)
    begun, load = time.monotonic(), os.getloadavg()[0]

    def say(text: str) -> None:
        console.print(f"  [dim]{time.monotonic() - begun:6.0f} s[/]  {escape(text)}")

    facts = report.machine()
    console.print("[bold]What it costs that never two nodes are active[/]: power loss of the active node.")
    console.print(f"{facts['cpu']}, {facts['cores']} cores; load average at the start {load:.1f}")
    results, calm = [], None
    for contender in contenders(say):
        console.print(f"\n[bold]{' '.join(contender.heading)}[/]")
        results.append(measured(contender, runs or RUNS, say))
    minutes = QUIET_MINUTES if quiet_minutes is None else quiet_minutes
    if minutes:
        console.print(f"\n[bold]Left alone for {minutes:g} minutes[/]")
        calm = quiet(minutes, say)
    console.print("\nMilliseconds: the median of the runs, and below it the least and the greatest. Steps: since the")
    console.print("detection, for what is told of rights; else how long they took.")
    console.print(table(results))
    for line in words(calm) if calm is not None else ():
        console.print(line)
    if json_file is not None:
        told_all = {"machine": facts, "load": load, "contenders": [each.to_json() for each in results]}
        if calm is not None:
            told_all["quiet"] = {
                "minutes": calm.minutes,
                "requests": dict(calm.requests),
                "alone_s": round(calm.alone_s, 1),
                "alone": dict(calm.alone),
                "together": dict(calm.together),
            }
        json_file.write_text(json.dumps(told_all, indent=2) + "\n", encoding="utf-8")
        console.print(f"The figures are in {json_file}.")
    return 1 if any(result.failure for result in results) else 0

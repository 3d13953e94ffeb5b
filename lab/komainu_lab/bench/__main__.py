"""`make bench`: every contender after the other through the same faults, then a table and a file."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from rich.console import Console
from rich.markup import escape

from komainu.config.shape import DETECT_WITHIN_MS
from komainu_lab import ground
from komainu_lab.bench import corosync, figures as names, report
from komainu_lab.bench.contender import Contender, Say
from komainu_lab.bench.faults import FAULTS, LINK_CUT, MOVE, POWER_LOSS
from komainu_lab.bench.figures import Result, figures
from komainu_lab.bench.keepalived import Keepalived
from komainu_lab.bench.komainu import Komainu
from komainu_lab.bench.measure import Run, once
from komainu_lab.bench.pacemaker import Pacemaker
from komainu_lab.errors import LabError

RUNS = 5
ALL = tuple(FAULTS)
PEERS = ("pacemakerd", "crm_mon", "crm_resource", "crm_attribute", "crmadmin", "cibadmin", "keepalived")
INTERRUPTED = "interrupted"


def contenders(say: Say) -> Iterator[Contender]:
    """The columns of the table, from left to right."""
    of_vrrp, of_vip = (POWER_LOSS, LINK_CUT, MOVE), (POWER_LOSS, MOVE)
    yield Komainu(names.KOMAINU_FAST, ("Komainu", "fast", "300 + 150"), ALL, say)
    yield Pacemaker(names.PACEMAKER_EQUAL, ("Pacemaker", "equal", "300 + 150"), ALL, say, corosync.EQUAL)
    default = ("Komainu", "default", "1000 + 500")
    yield Komainu(names.KOMAINU_DEFAULT, default, ALL, say, detect_within_ms=DETECT_WITHIN_MS["onprem"])
    default = ("Pacemaker", "default", "3000 + 3600")
    yield Pacemaker(names.PACEMAKER_DEFAULT, default, ALL, say, corosync.DEFAULTS)
    for advert_s in ("0.1", "1"):
        heading = ("keepalived", "advert", f"{advert_s} s")
        yield Keepalived(f"keepalived-{float(advert_s) * 1000:.0f}ms", heading, of_vrrp, say, advert_s)
    heading = ("Komainu", "awsvip", "300 + 150")
    yield Komainu(names.KOMAINU_AWSVIP, heading, of_vip, say, example="vip")


def check_peers() -> None:
    """Raises LabError when a package of the peers is missing."""
    for program in PEERS:
        if shutil.which(program, path=ground.SEARCH) is None:
            raise LabError(f"{program} is missing; run as root: packaging/bootstrap.sh --bench")


class Bench:
    """One benchmark."""

    def __init__(self, console: Console, runs: int) -> None:
        """`runs` of each fault for each contender."""
        self.console = console
        self.runs = runs
        self.results: list[Result] = []
        self.begun = time.monotonic()
        self.load = os.getloadavg()[0]
        self.random = Random()

    def say(self, text: str) -> None:
        """One step, with the time since the start."""
        self.console.print(f"  [dim]{time.monotonic() - self.begun:6.0f} s[/]  {text}")

    def measure(self, contender: Contender) -> None:
        """All its runs. What goes wrong ends this contender, and is told beside its figures."""
        result = Result(contender.name, contender.heading, {fault: [] for fault in contender.faults})
        self.results.append(result)
        self.console.print(f"\n[bold]{' '.join(contender.heading)}[/]")
        # Until it is through, whatever ends it is an interruption.
        result.failure = INTERRUPTED
        try:
            with contender:
                for number in range(self.runs):
                    for fault in contender.faults:
                        run = once(contender, fault, self.random)
                        result.runs[fault].append(run)
                        self.say(told(number, fault, run))
            result.failure = ""
        except LabError as error:
            result.failure = str(error)
            self.console.print(f"  [red]It did not work:[/] {escape(str(error))}", soft_wrap=True)


def told(number: int, fault: str, run: Run) -> str:
    """One run in a line."""
    detection = "" if run.detection_ms is None else f", detected after {run.detection_ms:.0f} ms"
    return f"{number + 1}  {FAULTS[fault].title}: gap {run.gap_ms:.0f} ms{detection}"


def main(
    json_file: Path | None = None,
    runs: int | None = None,
    made: Callable[[Say], Iterator[Contender]] = contenders,
) -> int:
    """Measure, show, write. The exit code: 0 when everything was measured; figures that were missed change nothing."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    ground.check()
    check_peers()
    if json_file is not None:
        report.check_writable(json_file)
    bench = Bench(console, runs or RUNS)
    facts, versions = report.machine(), report.versions()
    console.print(f"[bold]Komainu's benchmark[/]: {bench.runs} runs of each fault, one contender after the other.")
    console.print("[dim]Every node is a set of namespaces; nothing of it stays when this ends. Ctrl-C ends it.[/]")
    console.print(f"{facts['cpu']}, {facts['cores']} cores; load average at the start {bench.load:.1f}")
    console.print(", ".join(f"{name} {version}" for name, version in versions.items()))
    code = 0
    try:
        for contender in made(bench.say):
            bench.measure(contender)
    except KeyboardInterrupt:
        console.print("\nInterrupted; everything is taken down. What was measured until then:")
        code = 130
    found = figures(bench.results)
    seconds, loads = time.monotonic() - bench.begun, (bench.load, os.getloadavg()[0])
    report.show(console, bench.results, found)
    console.print(f"\n{seconds / 60:.0f} minutes; load average {loads[0]:.1f} at the start, {loads[1]:.1f} at the end")
    if json_file is not None:
        report.write(json_file, report.to_json(bench.results, found, runs=bench.runs, seconds=seconds, loads=loads))
        console.print(f"The figures are in {json_file}.")
    return code or (1 if any(result.failure for result in bench.results) else 0)

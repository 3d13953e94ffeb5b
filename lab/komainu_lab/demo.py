"""`make demo`: a cluster on this machine loses its active node, takes over, gets the node back and moves by command."""

import json
import platform
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

import komainu
from komainu_lab import timeline
from komainu_lab.client import INTERVAL_MS
from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from komainu_lab.errors import LabError
from komainu_lab.timeline import Gap, Moment

STEADY_S = 1.0
"How long the client is served calmly before something happens."
AFTERWARDS_S = 1.0
"How long it is watched after it is served again: what comes later than the first answer belongs to the gap as well."
TAKEOVER_TIMEOUT_S = 20.0
MOVE_TIMEOUT_S = 20.0


@dataclass
class Figures:
    """What the demonstration found; None where it found nothing."""

    detect_ms: int | None = None
    activate_ms: int | None = None
    client_gap_ms: int | None = None
    move_gap_ms: int | None = None
    api_calls_in_takeover: dict[str, int] | None = None
    served_by_before: str | None = None
    served_by_after: str | None = None
    served: bool = False

    def to_json(self, example: str) -> dict[str, Any]:
        """The content of the file: exactly these keys."""
        return {"example": example, "versions": versions(), **self.__dict__}


def versions() -> dict[str, str]:
    """Of what took part."""
    said = subprocess.run(["corosync", "-v"], capture_output=True, text=True, check=False).stdout
    return {
        "komainu": komainu.__version__,
        "corosync": said.partition("'")[2].partition("'")[0] or "unknown",
        "python": platform.python_version(),
        "kernel": platform.release(),
    }


class Demo:
    """One demonstration."""

    def __init__(self, cluster: LabCluster, console: Console, begun: float) -> None:
        """`begun`: time.monotonic() at the start of everything."""
        self.cluster = cluster
        self.console = console
        self.begun = begun
        self.figures = Figures()
        self.warned = False

    # --- telling ---

    def step(self, text: str) -> None:
        """A heading with the time since the start."""
        seconds = time.monotonic() - self.begun
        self.console.print(f"\n[bold]{text}[/]  [dim]{seconds:.0f} s[/]")

    def note(self, text: str) -> None:
        """A line below a heading."""
        self.console.print(f"  [dim]·[/] {text}")

    def show_status(self, node: str) -> None:
        """What `komainu status` says on a node; its warnings only the first time."""
        said = self.cluster.product(node).komainu("status").rstrip()
        if self.warned:
            said = said.partition("\n\n!")[0]
        self.warned = True
        for line in said.splitlines():
            self.console.print(Text.assemble("    ", Text.from_ansi(line)), soft_wrap=True)

    def show_timeline(self, moments: list[Moment], zero: str) -> None:
        """Moments in their order."""
        width = max(len(moment.where) for moment in moments)
        for moment in sorted(moments, key=lambda moment: moment.ms):
            when = zero if moment.ms == 0 else f"+{moment.ms:.0f} ms"
            self.console.print(f"    [cyan]{when:>8}[/]  [dim]{moment.where:{width}}[/]  {moment.what}", soft_wrap=True)

    def show_logs(self) -> None:
        """What the daemons said last: why it did not work may be there."""
        for machine in self.cluster.topology.nodes:
            self.console.print(f"\n[dim]The end of komainud's log on {machine.name}:[/]")
            self.console.print(self.cluster.product(machine.name).log() or "(nothing)", markup=False, soft_wrap=True)

    # --- the acts ---

    def run(self) -> None:
        """All of it. Raises LabError when something does not come true in time."""
        active = self.form()
        survivor = self.cluster.other(active)
        self.power_loss(active, survivor)
        self.return_and_move(active, survivor)

    def form(self) -> str:
        """Wait for the service; the node that runs it."""
        active = self.cluster.wait_settled()
        self.step(f"The service is online on {active}")
        self.show_status(active)
        client = self.cluster.topology.client
        self.cluster.client.start()
        self.note(f"{client.name} {client.address} asks {self.cluster.topology.service_address} every {INTERVAL_MS} ms")
        self.cluster.client.wait_answer(boottime_ns(), 10, by=active)
        time.sleep(STEADY_S)
        return active

    def power_loss(self, active: str, survivor: str) -> None:
        """The power of the active node goes; the other one takes over."""
        cluster = self.cluster
        self.step(f"Power loss of {active}")
        fault_ns = cluster.lab.power_off(active)
        first = cluster.client.wait_answer(fault_ns, TAKEOVER_TIMEOUT_S, by=survivor)
        cluster.product(survivor).wait_status(
            lambda status: status["groups"][0]["status"] == "Online" and status["groups"][0]["node"] == survivor,
            TAKEOVER_TIMEOUT_S,
            "the takeover",
        )
        time.sleep(AFTERWARDS_S)
        self.tell_takeover(active, survivor, fault_ns, first.answered_ns)
        self.show_status(survivor)

    def tell_takeover(self, active: str, survivor: str, fault_ns: int, answered_ns: int) -> None:
        """The timeline of the takeover, and its figures."""
        cluster, figures = self.cluster, self.figures
        entries = cluster.product(survivor).events()
        group = cluster.group
        lost = timeline.changed(entries, "node", active, timeline.LOST, fault_ns)
        online = timeline.changed(entries, "group", group, ("Online",), fault_ns)
        if lost is None or online is None:
            raise LabError(f"the journal of {survivor} does not tell of the takeover")
        lost_ns, online_ns = timeline.at_ns(lost), timeline.at_ns(online)
        figures.detect_ms = timeline.ms_between(fault_ns, lost_ns)
        figures.activate_ms = timeline.ms_between(lost_ns, online_ns)
        moments = [
            Moment(0, f"{active} loses its power", active),
            Moment(figures.detect_ms, f"{active} is lost", survivor),
            Moment(timeline.ms_between(fault_ns, online_ns), f"group {group} is online", survivor),
            Moment((answered_ns - fault_ns) / 1e6, f"first answer by {survivor}", cluster.topology.client.name),
        ]
        calls = []
        if cluster.topology.region:
            until_ns = max(online_ns, answered_ns)
            calls = timeline.calls_by(cluster.cloud.calls(), survivor, fault_ns, until_ns)
            names = {table: name for name, table in cluster.cloud.built.tables.items()}
            moments += timeline.route_moments(calls, fault_ns, names)
        figures.api_calls_in_takeover = timeline.count(calls)
        self.show_timeline(moments, "fault")
        gap = self.tell_gap(fault_ns)
        if gap is not None:
            figures.client_gap_ms = round(gap.ms)
            figures.served_by_before, figures.served_by_after = gap.before, gap.after

    def tell_gap(self, since_ns: int) -> Gap | None:
        """What the client noticed."""
        gap = timeline.gap_of(self.cluster.client.records(), since_ns)
        if gap is not None:
            self.note(
                f"The client's gap: [bold]{gap.ms:.0f} ms[/] from {gap.before}'s last answer to {gap.after}'s first; "
                f"{gap.unanswered} requests in between were not answered"
            )
        return gap

    def return_and_move(self, former: str, active: str) -> None:
        """The lost node comes back; an operator moves the group to it."""
        cluster = self.cluster
        self.step(f"{former} is switched on again")
        cluster.lab.power_on(former)
        cluster.wait_settled(on=active)
        self.note(f"{former} is online again as standby; the group stays on {active}")
        group = cluster.group
        self.step(f"komainu group move {group} {former}")
        moved_ns = boottime_ns()
        cluster.product(active).komainu("group", "move", group, former)
        cluster.client.wait_answer(moved_ns, MOVE_TIMEOUT_S, by=former)
        cluster.wait_settled(on=former, ready=False)
        time.sleep(AFTERWARDS_S)
        gap = self.tell_gap(moved_ns)
        if gap is not None:
            self.figures.move_gap_ms = round(gap.ms)
            self.figures.served = gap.after == former and self.figures.client_gap_ms is not None
        self.show_status(former)


def summary(figures: Figures, console: Console) -> None:
    """The figures once more, in one place."""
    calls = figures.api_calls_in_takeover or {}
    told = {
        "Power loss until the loss is known": figures.detect_ms,
        "Known loss until the group is online": figures.activate_ms,
        "Gap at the client, power loss": figures.client_gap_ms,
        "Gap at the client, move by command": figures.move_gap_ms,
    }
    lines = {text: "-" if figure is None else f"{figure} ms" for text, figure in told.items()}
    lines["API calls in the takeover"] = ", ".join(f"{n} × {name}" for name, n in calls.items()) or "none"
    width = max(len(text) for text in lines)
    console.print()
    for text, figure in lines.items():
        console.print(f"  {text:{width}}  [bold]{figure}[/]")


def run(example: str, json_file: Path | None, console: Console) -> int:
    """Demonstrate an example. Returns the exit code: 0 only if the clients were served after both."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    begun = time.monotonic()
    console.print(
        f"[bold]Komainu {komainu.__version__}[/], example [bold]{example}[/]: a cluster on this machine alone"
    )
    console.print("[dim]Every node is a set of namespaces; nothing of it stays when this ends.[/]\n")
    figures = Figures()
    try:
        with LabCluster(example, f"demo-{example}-{time.time_ns() // 1_000_000 % 1_000_000}", say(console)) as cluster:
            demo = Demo(cluster, console, begun)
            figures = demo.figures
            try:
                demo.run()
            except LabError:
                demo.show_logs()
                raise
            summary(figures, console)
    except KeyboardInterrupt:
        console.print("\nInterrupted; everything is taken down.")
        return 130
    except LabError as error:
        console.print(f"\n[red]It did not work:[/] {error}", soft_wrap=True)
    if json_file is not None:
        json_file.write_text(json.dumps(figures.to_json(example), indent=2) + "\n", encoding="utf-8")
        console.print(f"\nThe figures are in {json_file}.")
    if figures.served:
        seconds = time.monotonic() - begun
        console.print(f"\n[green]The clients were served after the power loss and after the move.[/] {seconds:.0f} s")
    return 0 if figures.served else 1


def say(console: Console) -> Any:
    """Steps of bringing the lab up, each with the time it began."""
    begun = time.monotonic()
    return lambda text: console.print(f"  [dim]{time.monotonic() - begun:5.1f} s[/]  {text}")

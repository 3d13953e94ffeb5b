"""`komainu-lab`: a cluster on this machine to look at, to break and to measure."""

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from komainu_lab.errors import LabError

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, rich_markup_mode=None)
# Without a terminal nothing is gained by folding lines at 80 characters.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)

Name = Annotated[str, typer.Option("--name", help="Which lab, where several are up.")]
ExampleOption = Annotated[str, typer.Option("--example", help="The example: vip, onprem, lease, witness or majority.")]
POWER = {"on": "[green]on[/]", "off": "[red]off[/]", "frozen": "[cyan]frozen[/]"}


def _up_progress(process: "subprocess.Popen[str]") -> None:
    """Show what the daemon says until the lab is ready. Raises LabError with its words."""
    assert process.stdout is not None
    for line in process.stdout:
        if not line.startswith("{"):
            console.print(line.rstrip(), markup=False)
            continue
        said = json.loads(line)
        if "error" in said:
            raise LabError(said["error"])
        if "ready" in said:
            return
        console.print(f"  [dim]·[/] {said['say']}")
    raise LabError("the lab ended before it was ready")


@app.command()
def up(example: ExampleOption = "vip", name: Name = "main") -> None:
    """Bring an example up and keep it up."""
    from komainu_lab import ground

    ground.check()
    console.print(f"Bringing the example [bold]{example}[/] up as lab [bold]{name}[/] ...")
    process = subprocess.Popen(
        [sys.executable, "-m", "komainu_lab.daemon", example, name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        cwd="/",
    )
    try:
        _up_progress(process)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    which = "" if name == "main" else f" --name {name}"
    console.print(f"It is up. Look at it: {sys.argv[0]} status{which}; take it down: {sys.argv[0]} down{which}")


@app.command()
def down(name: Name = "main") -> None:
    """Take a lab down; nothing of it stays."""
    from komainu_lab.daemon import call
    from komainu_lab.lab import ROOT

    call(name, "down")
    deadline = time.monotonic() + 60
    while (ROOT / f"{name}.lock").exists():
        if time.monotonic() > deadline:
            raise LabError(f"the lab '{name}' is not down after 60 s; look for the process `komainu_lab.daemon`")
        time.sleep(0.05)
    console.print(f"The lab [bold]{name}[/] is down.")


@app.command()
def status(name: Name = "main", as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """The machines, the cuts, the cluster."""
    from komainu_lab.daemon import call

    answer = call(name, "status")
    if as_json:
        print(json.dumps(answer))
        return
    table = Table(title=f"Lab {name}, example {answer['example']}", title_justify="left", box=None, padding=(0, 2))
    for heading in ("MACHINE", "KIND", "ADDRESS", "ZONE", "POWER"):
        table.add_column(heading)
    for machine in answer["machines"]:
        row = (machine["name"], machine["kind"], machine["address"], machine["zone"], POWER[machine["power"]])
        table.add_row(*row)
    console.print(table)
    console.print(f"Service address: {answer['service']}; cuts: {', '.join(answer['cuts']) or 'none'}")
    console.print("\n" + answer["picture"].rstrip(), markup=False, soft_wrap=True)


@app.command(context_settings={"ignore_unknown_options": True})
def shell(
    machine: str,
    command: Annotated[list[str] | None, typer.Argument(help="What to run instead of a shell.")] = None,
    name: Name = "main",
) -> None:
    """A shell, or one command, inside a machine."""
    from komainu_lab.daemon import call

    bin_folder = Path(sys.prefix) / "bin"
    argv = command or ["bash", "--norc", "-i"]
    path = f"PATH={bin_folder}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    answer = call(name, "command", machine=machine, argv=["env", path, *argv])
    os.execvp(answer["argv"][0], answer["argv"])


@app.command(no_args_is_help=True)
def fault(
    kind: Annotated[str, typer.Argument(help="What to break: `list` names them all.")],
    target: Annotated[str, typer.Argument(help="The machine, where one is meant.")] = "",
    process: Annotated[str, typer.Option(help="kill: corosync, komainud or application.")] = "",
    signal: Annotated[str, typer.Option(help="kill: KILL, TERM, STOP, CONT ...")] = "",
    direction: Annotated[str, typer.Option(help="cut, cut-interconnect: both, in or out.")] = "",
    mode: Annotated[str, typer.Option(help="api, store: a kind of fault; announce: what kind of event; or ok.")] = "",
    ms: Annotated[str, typer.Option(help="api: how slow; own-address: how late, or never.")] = "",
    state: Annotated[str, typer.Option(help="on or off; announce: the word of AWS.")] = "",
    name: Name = "main",
) -> None:
    """Break something, or mend it."""
    from komainu_lab.daemon import call
    from komainu_lab.faults import FAULTS

    if kind == "list":
        table = Table(box=None, padding=(0, 2))
        for heading in ("KIND", "OPTIONS", "WHAT HAPPENS"):
            table.add_column(heading)
        for key, line in FAULTS.items():
            table.add_row(key, " ".join(f"\\[{o}]" if o not in line.required else o for o in line.options), line.help)
        console.print(table)
        return
    options: dict[str, Any] = {
        "target": target, "process": process, "signal": signal, "direction": direction,
        "mode": mode, "ms": ms, "state": state,
    }  # fmt: skip
    call(name, "fault", kind=kind, **{key: value for key, value in options.items() if value})
    console.print(f"Done: {kind} {target}".rstrip())


@app.command()
def client(
    seconds: Annotated[int, typer.Option(help="How long to watch; 0 = until Ctrl-C.")] = 0, name: Name = "main"
) -> None:
    """Ask through the address that moves every 10 ms and show each second who answered."""
    from komainu_lab.client import Log, longest_gap
    from komainu_lab.daemon import call
    from komainu_lab.namespaces import boottime_ns

    log = Log(Path(call(name, "client")["log"]))
    until = time.monotonic() + seconds if seconds else float("inf")
    since = boottime_ns()
    try:
        while time.monotonic() < until:
            time.sleep(1)
            records = [record for record in log.records() if record.sent_ns >= since or record.answered_ns >= since]
            by = {record.who: 0 for record in records if record.good}
            for record in records:
                if record.good:
                    by[record.who] += 1
            gap = longest_gap(log.records(), since)
            answered = ", ".join(f"{who} {count}" for who, count in by.items()) or "[red]nobody[/]"
            unanswered = sum(1 for record in records if not record.good)
            words = f"answered by {answered}; not answered {unanswered}"
            console.print(words + (f"; longest gap {gap.ms:.0f} ms" if gap else ""))
            since = boottime_ns()
    except KeyboardInterrupt:
        return


@app.command()
def demo(
    example: ExampleOption = "vip",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
) -> None:
    """A failover for real: power loss of the active node, its return, and a move by the operator."""
    from komainu_lab.demo import run

    raise typer.Exit(run(example, json_file, console))


@app.command()
def sim(
    seeds: Annotated[int | None, typer.Option(help="How many seeds, drawn afresh.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind of run.")] = None,
    first: Annotated[int | None, typer.Option(help="Begin with this seed instead.")] = None,
    seed: Annotated[int | None, typer.Option(help="Replay one seed.")] = None,
    minimise: Annotated[
        Path | None, typer.Option(help="With --seed: the fewest misfortunes that fail; write transcripts there.")
    ] = None,
) -> None:
    """The simulator: the core against seeded faults."""
    simulate = importlib.import_module("komainu_lab.sim.__main__").main
    raise typer.Exit(simulate(seeds=seeds, kind=kind, seed=seed, minimise=minimise, first=first))


@app.command()
def bench(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    runs: Annotated[int | None, typer.Option(help="Runs of each fault.")] = None,
) -> None:
    """Komainu, Pacemaker and keepalived in the same lab."""
    measure = importlib.import_module("komainu_lab.bench.__main__").main
    raise typer.Exit(measure(json_file=json_file, runs=runs))


@app.command("bench-rights")
def bench_rights(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    runs: Annotated[int | None, typer.Option(help="Runs of each variant.")] = None,
    quiet_minutes: Annotated[
        float | None, typer.Option(help="How long a cluster is left alone while its requests are counted; 0: not.")
    ] = None,
) -> None:
    """What it costs that never two nodes are active."""
    measure = importlib.import_module("komainu_lab.bench.rights").main
    raise typer.Exit(measure(json_file=json_file, runs=runs, quiet_minutes=quiet_minutes))


@app.command("bench-agents")
def bench_agents(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    runs: Annotated[int | None, typer.Option(help="Starts and takeovers of each.")] = None,
) -> None:
    """The agent aws-vpc-move-ip with the aws CLI, and awsvip, against the same emulated API."""
    measure = importlib.import_module("komainu_lab.bench.agents").main
    raise typer.Exit(measure(json_file=json_file, runs=runs))


def main() -> None:
    """The entry point: what goes wrong is one sentence on standard error, exit code 1."""
    try:
        app()
    except LabError as error:
        Console(stderr=True, highlight=False).print(f"komainu-lab: {error}", markup=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

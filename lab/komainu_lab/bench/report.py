"""The benchmark in words: a table that can be read without a terminal, and one file."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from komainu_lab import demo
from komainu_lab.bench.faults import FAULTS
from komainu_lab.bench.figures import Figure, Result, Spread
from komainu_lab.errors import LabError

PART_TITLES = {"gap_ms": "whole gap", "detection_ms": "detection", "after_ms": "after detection"}
EMPTY = "–"


def versions() -> dict[str, str]:
    """Of what took part."""
    return {
        **demo.versions(),
        "pacemaker": _version(["pacemakerd", "--version"]),
        "keepalived": _version(["keepalived", "--version"]),
    }


def _version(command: list[str]) -> str:
    """The word after the name in what a program says of itself."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    words = (done.stdout or done.stderr).split()
    return words[1].removeprefix("v") if len(words) > 1 else "unknown"


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {"cpu": cpu(Path("/proc/cpuinfo").read_text()), "cores": os.cpu_count() or 0, "kernel": platform.release()}


def cpu(text: str) -> str:
    """The model in the text of /proc/cpuinfo; `unknown` where it does not say."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return "unknown"


def cell(found: Spread | None) -> str:
    """Median, and below it the least and the greatest."""
    if found is None:
        return EMPTY
    return f"{found.median:.0f}\n{found.least:.0f}–{found.greatest:.0f}"


def heading(result: Result) -> str:
    """The contender and the load of the machine while it was measured."""
    load = "" if result.load is None else f"load {result.load:.1f}"
    return "\n".join((*result.heading, load))


def table(results: Sequence[Result]) -> Table:
    """One column a contender."""
    drawn = _table(results)
    for name, fault in FAULTS.items():
        drawn.add_row(f"[bold]{fault.title}[/]")
        parts = PART_TITLES if fault.loses_node else ("gap_ms",)
        for part in parts:
            drawn.add_row(f"  {PART_TITLES[part]}", *(cell(result.spread(name, part)) for result in results))
        drawn.add_section()
    return drawn


def stages_table(results: Sequence[Result]) -> Table:
    """Where the time after detection went, by the word of those contenders that give it."""
    telling = telling_stages(results)
    drawn = _table(telling)
    for name, fault in FAULTS.items():
        drawn.add_row(f"[bold]{fault.title}[/]")
        steps = dict.fromkeys(step for result in telling for step in result.stages(name))
        for step in steps:
            known = [result.stages(name).get(step) for result in telling]
            drawn.add_row(f"  {step}", *(EMPTY if ms is None else f"{ms:.1f}" for ms in known))
        drawn.add_section()
    return drawn


def telling_stages(results: Sequence[Result]) -> list[Result]:
    """Those that say where their time goes."""
    return [result for result in results if any(result.stages(fault) for fault in FAULTS)]


def _table(results: Sequence[Result]) -> Table:
    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    drawn.add_column("", no_wrap=True)
    for result in results:
        drawn.add_column(heading(result), justify="right", no_wrap=True)
    return drawn


def figures_table(found: Sequence[Figure]) -> Table:
    """What the project asks of itself, and whether this run met it."""
    drawn = Table(box=None, padding=(0, 2))
    for name in ("", "median", "worst", "at most", ""):
        drawn.add_column(name, justify="left" if not name else "right")
    for each in found:
        form = "{:.2f} ×" if each.unit == "×" else "{:.0f} ms"
        worst = EMPTY if each.worst is None else form.format(each.worst)
        verdict = "[green]met[/]" if each.met else "[red]missed[/]"
        drawn.add_row(each.what, form.format(each.value), worst, form.format(each.most), verdict)
    return drawn


def to_json(
    results: Sequence[Result], found: Sequence[Figure], *, runs: int, seconds: float, loads: tuple[float, float]
) -> dict[str, Any]:
    """The file."""
    return {
        "versions": versions(),
        "machine": machine(),
        "load": {"begin": round(loads[0], 2), "end": round(loads[1], 2)},
        "runs": runs,
        "seconds": round(seconds),
        "complete": not any(result.failure for result in results),
        "contenders": [result.to_json() for result in results],
        "figures": [each.to_json() for each in found],
    }


def check_writable(path: Path) -> None:
    """Raises LabError when a file could not be written there: better now than after all the runs."""
    place = path if path.exists() else path.absolute().parent
    if path.is_dir() or not os.access(place, os.W_OK):
        raise LabError(f"the figures could not be written to {path}: choose a file in a folder that exists")


def write(path: Path, figures: dict[str, Any]) -> None:
    """Raises LabError when the file cannot be written."""
    try:
        path.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise LabError(f"the figures cannot be written to {path}: {error.strerror}") from error


def show(console: Console, results: Sequence[Result], found: Sequence[Figure]) -> None:
    """Everything on the console."""
    console.print("\nMilliseconds: the median of the runs, and below it the least and the greatest.")
    console.print(table(results))
    if telling_stages(results):
        console.print("Where Komainu's time goes: milliseconds of each step after detection or command (medians).")
        console.print(stages_table(results))
    if found:
        console.print("What the project asks of itself, and what was found here:")
        console.print(figures_table(found))
    for result in results:
        if result.failure:
            console.print(f"[red]{' '.join(result.heading)}:[/] {escape(result.failure)}", soft_wrap=True)

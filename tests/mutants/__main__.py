"""`make mutants`: break every guard of the core, one at a time, and see who notices.

Each mutant is a copy of the package in a temporary folder, with one guard broken. The scenarios, the unit tests of the
core and a fixed number of seeds of the simulator are tried in this order, until one of them fails. A mutant that
nobody kills, and a guard whose text is not in the source any more, fail the run.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.guards import GUARDS
from tests.mutants.mutate import DoesNotApplyError, Guard, applied

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "komainu"
PHASES = ("scenarios", "tests", "simulator")
LIMIT_S = 600
"One mutant takes seconds; what takes so long hangs where no alarm reaches it."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant."""

    name: str
    killer: str
    "Who noticed; empty: nobody did."
    by: str
    took_s: float
    trouble: str = ""
    "Why there is no mutant, or no verdict."


def planted(folder: Path, file: str = "", text: str = "") -> None:
    """A copy of the package in the folder, with another text in one file. Only its part and the core are copied."""
    package = folder / "komainu"
    package.mkdir()
    for entry in PACKAGE.iterdir():
        if entry.name == "__pycache__":
            continue
        if entry.name in ("core", file.partition("/")[0]):
            shutil.copytree(entry, package / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (package / entry.name).symlink_to(entry)
    if file:
        (package / file).write_text(text, encoding="utf-8")


def judged(guard: Guard | None, phases: tuple[str, ...] = PHASES) -> Verdict:
    """Plant the mutant and let it be judged; None: the core as it is."""
    name, began = guard.name if guard else "", time.monotonic()
    with tempfile.TemporaryDirectory(prefix="komainu-mutant-") as made:
        folder = Path(made)
        try:
            text = applied(guard, (PACKAGE / guard.file).read_text(encoding="utf-8")) if guard else ""
        except (DoesNotApplyError, OSError) as error:
            return Verdict(name, "", "", 0.0, str(error))
        planted(folder, guard.file if guard else "", text)
        path = os.pathsep.join((made, str(ROOT), str(ROOT / "lab")))
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "tests.mutants.judge", made, guard.file if guard else "", *phases]
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
            )
        except subprocess.TimeoutExpired:
            return Verdict(name, f"no verdict after {LIMIT_S} s", "time", time.monotonic() - began)
    took = time.monotonic() - began
    if not done.stdout.startswith("{"):
        # A core that cannot even be imported is dead, but a guard that does that says nothing.
        return Verdict(name, "", "", took, f"no verdict: {done.stderr.strip()[-500:]}")
    said = json.loads(done.stdout)
    return Verdict(name, said["killer"], said["by"], took, said["last"] if guard is None else "")


def chosen(words: list[str]) -> tuple[Guard, ...]:
    """The guards whose names contain one of the words; all of them without any."""
    return tuple(guard for guard in GUARDS if not words or any(word in guard.name for word in words))


def table(verdicts: Iterator[Verdict], width: int) -> tuple[int, int, int]:
    """Print a line for each as it comes. Returns how many were killed, survived and do not apply."""
    killed = survived = troubled = 0
    print(f"{'guard':{width}}  {'time':>6}  killed by")
    for verdict in verdicts:
        if verdict.trouble:
            troubled += 1
            word = f"DOES NOT APPLY: {verdict.trouble}"
        elif verdict.killer:
            killed += 1
            word = f"{verdict.by}: {verdict.killer}"
        else:
            survived += 1
            word = "NOBODY: it survives"
        print(f"{verdict.name:{width}}  {verdict.took_s:5.1f}s  {word}", flush=True)
    return killed, survived, troubled


def main(words: list[str], phases: tuple[str, ...] = PHASES, guards: tuple[Guard, ...] | None = None) -> int:
    """Run and print; returns the exit code."""
    guards = chosen(words) if guards is None else guards
    began = time.monotonic()
    whole = judged(None, phases)
    if whole.killer or not whole.took_s:
        print(f"The core as it is does not pass: {whole.by} {whole.killer}\n{whole.trouble}")
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = pool.map(lambda guard: judged(guard, phases), guards)
        width = max((len(guard.name) for guard in guards), default=5)
        killed, survived, troubled = table(verdicts, width)
    took = time.monotonic() - began
    print(
        f"{len(guards)} guards: {killed} killed, {survived} survived, {troubled} do not apply; {took / 60:.1f} minutes"
    )
    return 1 if survived or troubled or not guards else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="only the guards whose names contain one of them")
    sys.exit(main(parser.parse_args().words))

"""Says who kills the core that stands first on the path: `python -m tests.mutants.judge FOLDER FILE PHASE...`.

It runs in a process of its own, prints one line of JSON, and ends. `FOLDER` is where the core has to come from, `FILE`
the one that was changed: its own unit test comes before all others.
"""

import contextlib
import io
import json
import os
import signal
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

import komainu.core.step

ROOT = Path(__file__).parents[2]
SEEDS = 90
"The histories of the simulator that are tried when nothing else has failed: always the same ones."
LIMIT_S = 20
"No scenario and no seed takes a second; what takes so long hangs."


class HangsError(Exception):
    """It came to no end."""


def scenarios(file: str) -> str:
    """The first transcript that the core answers otherwise than is written, or that it breaks at."""
    from tests.scenarios.transcript import play

    if not _of_core(file):
        return ""  # transcripts are played by the core alone
    for path in sorted((ROOT / "tests" / "scenarios").glob("*.txt")):
        written = path.read_text(encoding="utf-8")
        try:
            with limited():
                now, _ = play(written)
        except Exception as error:  # noqa: BLE001 - whatever a broken core raises, the scenario has found it
            return f"{path.name} ({type(error).__name__})"
        if now != written:
            return path.name
    return ""


class First:
    """A pytest plugin that keeps the first test that failed."""

    def __init__(self) -> None:
        self.failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest after each phase of a test."""
        if report.failed and not self.failed:
            self.failed = report.nodeid.rpartition("/")[2]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Called by pytest after each file was read."""
        if report.failed and not self.failed:
            self.failed = report.nodeid.rpartition("/")[2]


def tests(file: str) -> str:
    """The first unit test of the core that fails, or of the file if it is another's."""
    folder = ROOT / "tests" / "unit" / "core"
    mirror = (ROOT / "tests" / "unit" / file).parent / f"test_{Path(file).name}"
    first = First()
    for what in (mirror, folder) if mirror.is_file() and _of_core(file) else (folder if _of_core(file) else mirror,):
        with limited(5 * LIMIT_S):
            code = pytest.main(["-x", "-q", "--no-header", "-p", "no:cacheprovider", str(what)], plugins=[first])
        if first.failed or code != 0:
            return first.failed or f"pytest ended with {int(code)}"
    return ""


def simulator(file: str) -> str:
    """The first seed that violates something."""
    from komainu_lab.sim import run
    from komainu_lab.sim.world import KINDS

    for seed in range(SEEDS):
        kind = KINDS[seed % len(KINDS)]
        try:
            with limited():
                report = run.one(seed, kind)
        except HangsError:
            return f"seed {seed} {kind} (hangs)"
        if report.violations:
            return f"seed {seed} {kind}"
    return ""


def _of_core(file: str) -> bool:
    """True also for the core as it is."""
    return not file or file.startswith("core/")


PHASES = {"scenarios": scenarios, "tests": tests, "simulator": simulator}


@contextlib.contextmanager
def limited(seconds: int = LIMIT_S) -> Iterator[None]:
    """What is inside comes to an end within that time, or HangsError is raised in it."""

    def over(number: int, frame: types.FrameType | None) -> None:
        raise HangsError(f"no end after {seconds} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def main(folder: str, file: str, phases: list[str]) -> None:
    """Run the phases until one of them kills; print who did."""
    came = Path(str(komainu.core.step.__file__)).resolve()
    if not came.is_relative_to(Path(folder).resolve()):
        raise SystemExit(f"the core comes from {came}, not from {folder}")
    out, killer, by = sys.stdout, "", ""
    with contextlib.redirect_stdout(io.StringIO()) as chatter:
        for phase in phases:
            try:
                killer, by = PHASES[phase](file), phase
            except HangsError as error:
                killer, by = f"hangs: {error}", phase
            if killer:
                break
    last = chatter.getvalue()[-2_000:] if by == "tests" else ""
    print(json.dumps({"killer": killer, "by": by if killer else "", "last": last}), file=out, flush=True)
    os._exit(0)  # whatever a broken core has left behind


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])

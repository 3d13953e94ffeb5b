"""The model of the safety protocol within small bounds, and every broken variant of it (model-check/README.md).

`make model` has the documented bounds. Without a C++ compiler these tests are skipped, and `make test` says so.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "model-check"
COMPILER = shutil.which("g++")
RULES = range(1, 13)

pytestmark = pytest.mark.skipif(COMPILER is None, reason="NO C++ COMPILER: the model is not explored (Debian: g++)")


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checker, built from the sources of this tree."""
    assert COMPILER is not None
    built = tmp_path_factory.mktemp("model") / "model-check"
    options = ["-O3", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-pthread"]
    subprocess.run([COMPILER, *options, "-o", built, SOURCES / "main.cpp"], check=True, timeout=300)
    return built


def run(checker: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """One run; the bounds are small, the time is a bound against hanging only."""
    command = [str(checker), *options, "--workers", "1", "--memory", "4000"]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)


def lines(text: str, pattern: str) -> Iterator[re.Match[str]]:
    """The lines of a report that match."""
    return (found for line in text.splitlines() if (found := re.match(pattern, line)))


def test_the_protocol_holds_within_small_bounds(checker: Path) -> None:
    """No invariant is violated, nothing is stuck; and something was explored at all."""
    done = run(checker, "--quick", "--protocol")
    assert done.returncode == 0, done.stdout
    explored = {found[1]: int(found[2]) for found in lines(done.stdout, r"([a-z]\S*) .* (\d+) states .* holds")}
    assert set(explored) >= {"pair", "fence", "drift", "mirror", "paused", "longer", "shorter", "moved", "majority"}
    assert min(explored.values()) > 1_000, done.stdout


def test_every_broken_variant_is_found(checker: Path) -> None:
    """Each violates an invariant; no rule of the protocol is without a variant."""
    done = run(checker, "--quick", "--variants")
    assert done.returncode == 0, done.stdout
    found = [int(line[1]) for line in lines(done.stdout, r"rule +(\d+) .* found .* states .* (?:I\d|never stuck): ")]
    assert len(found) == len(list(lines(done.stdout, r"rule ")))
    assert sorted(set(found)) == list(RULES)


def test_a_violation_is_told_step_by_step(checker: Path) -> None:
    """The trace ends where two nodes are active."""
    done = run(checker, "--only", "no-wait", "--traces")
    steps = [line for line in done.stdout.splitlines() if re.match(r" *\d+\. ", line)]
    assert len(steps) > 3, done.stdout
    assert "STARTS alone" in steps[-1]
    assert done.stdout.splitlines()[-2].count("ACTIVE") == 2


def test_a_space_that_does_not_fit_is_not_called_proven(checker: Path) -> None:
    """It ends, says so, and fails."""
    command = [str(checker), "--only", "pair", "--workers", "1", "--memory", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "TOO LARGE" in done.stdout


def test_a_name_that_there_is_not(checker: Path) -> None:
    """Nothing explored is no success."""
    done = run(checker, "--only", "nothing-like-it")
    assert done.returncode == 2
    assert "nothing-like-it" in done.stderr

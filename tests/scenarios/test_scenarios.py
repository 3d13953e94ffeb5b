"""Every transcript says what the core answers today, and the same under any hash seed (law 7)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from komainu.core.state import RULES
from tests.scenarios.other_rules import play_under
from tests.scenarios.transcript import play

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_transcript(path: Path) -> None:
    """To accept new answers after reading them: `make scenarios`."""
    written = path.read_text(encoding="utf-8")

    now, _ = play(written)

    assert now == written


def test_there_are_transcripts() -> None:
    """An empty folder would pass unseen."""
    assert len(FILES) >= 12


@pytest.mark.parametrize("rules", range(1, RULES + 1))
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_transcript_under_any_rules(path: Path, rules: int) -> None:
    """During a rolling upgrade the same happens to a cluster that decides by older rules: no law is broken there."""
    played, left_out, _ = play_under(rules, path.read_text(encoding="utf-8"))

    assert played > left_out


def test_most_of_what_is_told_comes_about_under_older_rules_too() -> None:
    """Else the test above tests nothing."""
    counts = [play_under(1, path.read_text(encoding="utf-8"))[:2] for path in FILES]

    assert sum(left_out for _, left_out in counts) < sum(played for played, _ in counts) / 10


@pytest.mark.processes
@pytest.mark.parametrize("program", [("transcript",), ("other_rules", "1")], ids=["newest rules", "rules 1"])
def test_no_hash_seed_changes_a_decision(program: tuple[str, ...]) -> None:
    """Members of one cluster have different hash seeds; they must decide alike."""

    def digests(seed: str) -> str:
        command = [sys.executable, "-m", f"tests.scenarios.{program[0]}", *program[1:], *map(str, FILES)]
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=FOLDER.parent.parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return done.stdout

    assert digests("0") == digests("1") != ""

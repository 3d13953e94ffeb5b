"""Every transcript says what the core answers today, and the same under any hash seed (law 7)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.processes
def test_no_hash_seed_changes_a_decision() -> None:
    """Members of one cluster have different hash seeds; they must decide alike."""

    def digests(seed: str) -> str:
        command = [sys.executable, "-m", "tests.scenarios.transcript", *map(str, FILES)]
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

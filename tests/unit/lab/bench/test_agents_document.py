"""The table of bench-agents is that of the file that it speaks of."""

import json
from pathlib import Path

import pytest

from komainu_lab.bench import agents_document
from komainu_lab.bench.agents_document import MARKS
from komainu_lab.bench.document import Language, between

ROOT = Path(__file__).resolve().parents[4]


def test_a_row_for_each_figure() -> None:
    ours, theirs = {"routes_ms": 20.4, "whole_ms": 30.0, "calls": 3}, {"routes_ms": 9e3, "whole_ms": 21e3, "calls": 9}
    told = {
        "machine": {"cpu": "Fast", "cores": 2, "kernel": "6"},
        "versions": {"resource-agents": "4", "awscli": "2"},
        "runs": 2,
        "tables": 3,
        "load": [0.4, 1.2],
        "tries": {
            "awsvip": {"start": [ours, {**ours, "routes_ms": 40.0}], "takeover": [ours]},
            "aws-vpc-move-ip": {"start": [theirs], "takeover": [theirs]},
        },
        "ratio": {"start": {"routes_ms": 298.0, "whole_ms": 700.0}, "takeover": {"routes_ms": 441.2, "whole_ms": 700}},
    }
    lines = agents_document.tables(told, "en").splitlines()
    assert "| start: last route written, ms | 30 (20–40) | 9000 | 298 |" in lines
    assert "| takeover: calls to the API | 3 | 9 | – |" in lines


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_document_has_the_figures_of_the_file(language: Language) -> None:
    told = json.loads((ROOT / "bench/agents.json").read_text(encoding="utf-8"))
    text = (ROOT / "docs" / language / "benchmark.md").read_text(encoding="utf-8")
    assert between(text, agents_document.tables(told, language), MARKS) == text, "run: agents_document.py"

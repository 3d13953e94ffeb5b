"""The table of what rights cost is that of the file that it speaks of."""

import json
from pathlib import Path
from typing import Any

import pytest

from komainu_lab.bench import rights_document
from komainu_lab.bench.document import Language, between
from komainu_lab.bench.rights_document import MARKS

ROOT = Path(__file__).resolve().parents[4]
LANGUAGES: tuple[Language, ...] = ("en", "ja")


def run(gap_ms: float, **stages: float) -> dict[str, Any]:
    return {"gap_ms": gap_ms, "detection_ms": 440.0, "after_ms": gap_ms - 440, "stages": stages}


def told() -> dict[str, Any]:
    won = {"the vote is won": 320.4}
    slow, fast = run(6_900, **won, **{"start web": 5.0}), run(6_700, **{"the vote is won": 310.0})
    return {
        "machine": {"cpu": "Fast", "cores": 2, "kernel": "6"},
        "contenders": [
            {"name": "lease", "runs": [slow, fast], "requests": [{"GET": 1, "PUT": 8}, {"GET": 2, "PUT": 7}]},
            {"name": "vip-none", "runs": [run(510)], "requests": []},
        ],
        "quiet": {
            "minutes": 10.0,
            "requests": {},
            "alone_s": 10.2,
            "alone": {"GET": 3, "PUT": 12},
            "together": {"PUT": 1},
        },
    }


def test_a_row_for_each_step_and_request() -> None:
    lines = rights_document.tables(told(), "en").splitlines()
    assert "|  | Exclusive group, lease | VIP only, none |" in lines
    assert "| whole gap | 6800 (6700–6900) | 510 (510–510) |" in lines
    assert "| since detection: the vote is won | 315 (310–320) | – |" in lines
    assert "| start web takes | 5 (5–5) | – |" in lines
    assert "| requests to the store: reads | 2 | – |" in lines
    assert lines[-1] == (
        "Requests to the store, of both nodes together: 10 minutes of rest: none. 10 s with the interconnect cut: "
        "3 reads and 12 writes. After the heal: 0 reads and 1 writes."
    )


def test_in_japanese() -> None:
    lines = rights_document.tables(told(), "ja").splitlines()
    assert "| 検出から: 投票権の獲得 | 315 (310–320) | – |" in lines
    assert "平常時 10 分間は 0 回" in lines[-1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_documents_say_what_the_file_says(language: Language) -> None:
    figures = json.loads((ROOT / "bench" / "rights.json").read_text(encoding="utf-8"))
    text = (ROOT / "docs" / language / "benchmark.md").read_text(encoding="utf-8")
    assert not any(each["failure"] for each in figures["contenders"])
    assert between(text, rights_document.tables(figures, language), MARKS) == text

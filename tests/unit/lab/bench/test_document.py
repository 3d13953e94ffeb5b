"""The tables of the documents are those of the file that they speak of."""

import json
from pathlib import Path
from typing import Any

import pytest

from komainu_lab.bench import document
from komainu_lab.bench.document import BEGIN, END, Language

ROOT = Path(__file__).resolve().parents[4]
LANGUAGES: tuple[Language, ...] = ("en", "ja")
SPREAD = {"min": 424.4, "median": 436.2, "max": 461.0}


def told() -> dict[str, Any]:
    faults = {"power-loss": {"gap_ms": SPREAD, "stages": {"until decided": 1.23, "start fip1": 9.96}}}
    one = {"name": "a", "heading": "Komainu fast", "load": 1.5, "failure": "", "faults": faults}
    other = {"name": "b", "heading": "Peer", "load": None, "failure": "", "faults": {}}
    ratio = {"what": "a ratio", "what_ja": "比", "value": 0.314, "worst": None, "most": 0.3, "unit": "×", "met": False}
    bound = {"what": "a gap", "what_ja": "中断", "value": 90.4, "worst": 121, "most": 120, "unit": "ms", "met": True}
    return {
        "machine": {"cpu": "Fast", "cores": 2, "kernel": "6"},
        "versions": {"komainu": "1", "corosync": "3", "pacemaker": "2", "keepalived": "4"},
        "runs": 5,
        "contenders": [one, other],
        "figures": [ratio, bound],
    }


def test_what_was_measured_and_what_was_not() -> None:
    lines = document.tables(told(), "en").splitlines()
    assert "|  | Komainu fast | Peer |" in lines
    assert "| Power loss: whole gap | 436 (424–461) | – |" in lines
    assert "| Planned move: whole gap | – | – |" in lines


def test_what_is_asked_in_both_languages() -> None:
    assert "| a ratio | 0.31 × | – | 0.30 × | missed |" in document.tables(told(), "en").splitlines()
    assert "| 中断 | 90 ms | 121 ms | 120 ms | 達成 |" in document.tables(told(), "ja").splitlines()


def test_only_those_that_tell_of_their_steps_have_a_column() -> None:
    lines = document.tables(told(), "ja").splitlines()
    assert lines[-4:] == [
        "|  | Komainu fast |",
        "| --- | ---: |",
        "| 電源断: 決定まで | 1.2 |",
        "| 電源断: start fip1 | 10.0 |",
    ]


def test_the_rest_of_a_document_stays() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert document.between(text, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    with pytest.raises(ValueError, match="no "):
        document.between("before", "new")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_documents_say_what_the_file_says(language: Language) -> None:
    figures = json.loads((ROOT / "bench" / "result.json").read_text(encoding="utf-8"))
    text = (ROOT / "docs" / language / "benchmark.md").read_text(encoding="utf-8")
    assert figures["complete"]
    assert document.between(text, document.tables(figures, language)) == text

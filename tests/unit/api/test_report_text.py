"""The document of a failover: both languages say the same, and nothing in it breaks its tables."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from komainu.api import records, report_text
from komainu.model.message import Language

RECORDED = Path(__file__).parents[1] / "agent" / "records" / "recorded"


@pytest.fixture(scope="module")
def story() -> dict[str, Any]:
    number = records.failovers(RECORDED / "node2.jsonl")[0]["number"]
    return records.report(RECORDED / "node2.jsonl", number)


def sections(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            title = line
            found[title] = []
        elif line:
            found[title].append(line)
    return found


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_row_has_the_cells_of_its_head(story: dict[str, Any], language: Language) -> None:
    story = copy.deepcopy(story)
    story["alerts"][0]["detail"] = "a | b\nsecond line"
    text = report_text.render(story, language)
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]

    assert len(tables) >= 5
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table}) == 1, table[0]
    assert "a \\| b<br>second line" in text


def test_both_languages_have_the_same_parts(story: dict[str, Any]) -> None:
    english, japanese = (sections(report_text.render(story, language)) for language in ("en", "ja"))  # type: ignore[arg-type]

    assert [len(part) for part in english.values()] == [len(part) for part in japanese.values()]
    assert "# Failover: failover1 (node1 → node2)" in english
    assert "# フェイルオーバ: failover1 (node1 → node2)" in japanese


def test_cause_and_time_without_service_come_first(story: dict[str, Any]) -> None:
    happened = sections(report_text.render(story, "en"))["## What happened"]

    assert happened[0] == "The cluster lost node1."
    assert re.search(r"without service for \d+–\d+ ms\.$", happened[1])


def test_what_the_failed_part_said_is_quoted() -> None:
    story = records.report(RECORDED / "node2.jsonl", None)
    story["cause"]["detail"] = "Traceback\n  at line 3\n"
    text = report_text.render(story, "ja")

    assert f"> {story['cause']['said']['ja']}\n" in text
    assert "```\nTraceback\n  at line 3\n```" in text
    assert "復旧しました" in text


def test_what_is_not_over_is_said(story: dict[str, Any]) -> None:
    story = copy.deepcopy(story)
    group = story["groups"][0]
    group.update(
        online_at=None, to=None, word="Online Failure", without_service_ms={"least": None, "most": None, "by": "beat"}
    )
    story["not_recovered"] = {
        "groups": [{"group": "failover1", "word": "Online Failure"}],
        "nodes": [{"node": "node1", "word": "Unknown"}],
        "actions": [{"en": "start x", "ja": "x を起動"}],
    }
    story["missing"] = [[3, 6]]
    story["actions"][0].update(
        result="failed", said={"en": "No route.", "ja": "経路なし。"}, detail="403", took_ms=None
    )
    english = sections(report_text.render(story, "en"))

    assert "is not online again: Online Failure." in english["## What happened"][1]
    assert english["## What was not recovered"] == [
        "- failover1: Online Failure",
        "- node1: Unknown",
        "- not done: start x",
    ]
    assert "| **failed**: No route. 403 | - |" in english["## What was done"][2]
    assert "- Entries 3 to 6 are missing from the journal." in english["## Whose view this is"]
    group["stopped"] = True
    assert "操作により停止" in report_text.render(story, "ja")


def test_the_way_to_the_other_view_is_said(story: dict[str, Any]) -> None:
    whose = sections(report_text.render(story, "en"))["## Whose view this is"]

    assert any(f"komainu report {story['number']} --with" in line and line.startswith("- node1") for line in whose)


@pytest.mark.parametrize(
    ("least", "most", "en", "ja"),
    [
        (None, None, "-", "-"),
        (5, None, "at least 5 ms", "5 ms 以上"),
        (5, 5, "5 ms", "5 ms"),
        (5, 9, "5–9 ms", "5–9 ms"),
        (0, 9, "at most 9 ms", "最大 9 ms"),
        (0, 0, "0 ms", "0 ms"),
        (100_882, None, "at least 100.8 s", "100.8 s 以上"),
        (0, 10_001, "at most 10.1 s", "最大 10.1 s"),
        (9_999, 10_000, "9999 ms–10.0 s", "9999 ms–10.0 s"),
    ],
)
def test_a_length_is_no_more_exact_than_it_is_known(least: int | None, most: int | None, en: str, ja: str) -> None:
    assert (report_text.span(least, most, "en"), report_text.span(least, most, "ja")) == (en, ja)


def test_how_late_a_check_was_is_not_added_to_what_was_measured() -> None:
    length = {"least": 12, "most": 40_012, "by": "check"}

    assert report_text.without_service({"without_service_ms": length}, "en") == "at least 12 ms"
    assert report_text.without_service({"without_service_ms": {**length, "by": "beat"}}, "en") == "12 ms–40.1 s"

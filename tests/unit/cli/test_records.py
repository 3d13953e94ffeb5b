"""`komainu replay` and `komainu report`, without any daemon."""

import json
from pathlib import Path

import pytest

from komainu.agent.records.journal import decode, encode
from komainu.api import records as api
from komainu.cli import records
from komainu.compose import JOURNAL
from tests.doubles.served import Said, komainu
from tests.unit.api.test_records import RECORDED, a_journal

NOBODY = Path("/nonexistent/socket")


def said(*words: str) -> Said:
    return komainu(*words, socket=NOBODY)


def test_it_looks_where_the_daemon_writes() -> None:
    assert str(records.FOLDER) == JOURNAL


def test_a_replay_for_people_and_for_programs(tmp_path: Path) -> None:
    place = str(a_journal(tmp_path / "journal"))
    people, verbose, programs = said("replay", place), said("replay", place, "-v"), said("replay", place, "--json")

    assert (people.code, verbose.code, programs.code) == (0, 0, 0)
    assert people.out.splitlines()[-1].endswith("差異なし"), "in the language of the cluster"
    assert "no difference" in said("replay", place, "--lang", "en").out
    assert "rules 2" in verbose.out
    told = [json.loads(line) for line in programs.out.splitlines()]
    assert [each["what"] for each in told] == ["decision", "summary"]


def test_a_difference_is_shown_and_makes_the_exit_code(tmp_path: Path) -> None:
    place = a_journal(tmp_path / "journal")
    first, second = (place / "journal.jsonl").read_bytes().splitlines()
    entry = decode(second)
    assert entry is not None
    entry["actions"].append({"action": "ArmTimer", "timer": "never", "after_ms": 1})
    (place / "journal.jsonl").write_bytes(first + b"\n" + encode(entry))
    shown = said("replay", str(place), "--lang", "en")

    assert shown.code == 1
    assert "✗ KM5321" in shown.out
    assert "timer=never" in shown.out
    assert shown.out.splitlines()[-1].endswith("1 differences")
    assert json.loads(said("replay", str(place), "--json").out.splitlines()[-1])["differences"] == 1
    assert said("replay", str(place), "--from", "2").code == 0


def test_the_causes_of_each_decision_are_shown() -> None:
    """Of a journal of the lab; whether today's core decides the same is not asked here."""
    shown = said("replay", str(RECORDED / "node2.jsonl"), "--from", "10", "--to", "10", "--lang", "en")
    lines = shown.out.splitlines()

    assert "The members are now: node2." in lines[0]
    start = next(index for index, line in enumerate(lines) if "→ start awsvip1 on node2" in line)
    assert "└ The members are now: node2." in lines[start + 1]


def test_the_list_of_failovers() -> None:
    place = str(RECORDED / "node2.jsonl")
    shown, every = said("report", "--journal", place), said("report", "--journal", place, "--all", "--lang", "ja")

    assert (shown.code, every.code) == (0, 0)
    assert len(shown.out.splitlines()) == 1 + 2
    assert len(every.out.splitlines()) == 1 + 3
    assert "Failover: The cluster lost node1." in shown.out
    assert "操作による移動・停止" in every.out
    listed = json.loads(said("report", "--journal", place, "--json").out)
    assert [each["kind"] for each in listed] == ["failover", "restart"]


def test_a_journal_without_failovers_has_an_empty_list(tmp_path: Path) -> None:
    place = str(a_journal(tmp_path / "journal"))

    assert said("report", "--journal", place, "--lang", "en").out == "The journal knows of no failover.\n"
    assert said("report", "--journal", place, "--last", "--lang", "en").code == 1


def test_one_file_with_the_whole_story(tmp_path: Path) -> None:
    place, file = str(RECORDED / "node2.jsonl"), tmp_path / "report.md"
    shown = said("report", "10", "--journal", place)
    written = said("report", "10", "--journal", place, "-o", str(file), "--with", str(RECORDED / "node1.jsonl"))

    assert shown.out.startswith("# Failover: failover1 (node1 → node2)")
    assert (written.code, written.err) == (0, "")
    assert str(file) in written.out
    assert "its journal was read, too" in file.read_text(encoding="utf-8")
    assert json.loads(said("report", "10", "--journal", place, "--json").out)["number"] == 10


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    place = str(RECORDED / "node2.jsonl")
    missing = said("replay", str(tmp_path / "missing"), "--lang", "en")
    assert (missing.code, missing.out) == (1, "")
    assert "missing cannot be read" in missing.err
    assert said("report", "11", "--journal", place, "--lang", "ja").err == api.NO_SUCH.said(number=11).ja + "\n"
    assert said("report", "10", "--journal", place, "-o", str(tmp_path / "no" / "where")).code == 1
    assert said("report", "10", "--last", "--journal", place).code == 2


@pytest.mark.parametrize("number", ["-1", "x", "١", "9" * 19])
def test_a_number_that_is_none_is_wrong_usage(number: str) -> None:
    assert said("report", f"--journal={RECORDED}", "--", number).code == 2
    assert said("replay", str(RECORDED), f"--from={number}").code == 2

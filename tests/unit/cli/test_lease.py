"""`komainu lease`: the record in words, asked for before it is replaced, examined from every node."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from komainu.cli.lease import draw, examined
from komainu.cli.speech import Speech
from komainu.model.vote import record
from tests.doubles.served import Served, serve
from tests.doubles.votes import CHEATS, MemoryVotes, lease

PLAIN = Speech("en", coloured=False)
JAPANESE = Speech("ja", coloured=False)
SAID = {"code": "KM1", "level": "error", "en": "broken", "ja": "故障"}
TOLD: dict[str, Any] = {
    "type": "lease_s3",
    "params": {"bucket": "votes"},
    "took_ms": 12,
    "version": "7",
    "record": {
        "cluster": "db",
        "config": 3,
        "epoch": 5,
        "owner": "n2",
        "incarnation": "x.1",
        "mode": "alone",
        "current": {"data": ["n2"]},
        "wait_ms": 6_000,
    },
    "trouble": None,
    "known_for_ms": 90_000,
    "right_ms": 5_000,
    "wait_ms": 6_000,
    "known": [{"node": "n1", "epoch": 5}, {"node": "n2", "epoch": None}],
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_record_in_words() -> None:
    assert draw(TOLD, PLAIN) == [
        "store                  lease_s3 (bucket=votes), answered within 12 ms",
        "vote                   n2, which acts alone",
        "epoch                  5",
        "unchanged              for 1:30, as seen here",
        "written under          configuration 3 of cluster db, D 6.0 s",
        "complete copies        data: n2",
        "in force here          E 5.0 s, D 6.0 s",
        "highest epoch seen by  n1 5, n2 silent",
    ]
    assert "単独で動作中" in "\n".join(draw(TOLD, JAPANESE))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"owner": None, "mode": "together"}, "nobody"),
        ({"mode": "together"}, "n2 had it last; nobody acts alone"),
    ],
)
def test_whoever_had_it_last_does_not_act_alone(changes: dict[str, Any], line: str) -> None:
    told = {**TOLD, "record": {**TOLD["record"], **changes}, "known_for_ms": None}
    assert any(each.endswith(f"  {line}") for each in draw(told, PLAIN))
    assert any("for longer than this node looks" in each for each in draw(told, PLAIN))


def test_without_a_record_the_reason_is_told() -> None:
    lines = draw({**TOLD, "record": None, "version": None, "trouble": SAID}, PLAIN)
    assert (len(lines), lines[-1]) == (4, "✗ broken")


def test_findings_stand_beneath_the_node_that_found_them() -> None:
    hint = {**SAID, "level": "warning", "en": "a hint"}
    nodes = [
        {"node": "n1", "answered": True, "took_ms": 80, "findings": [hint]},
        {"node": "n2", "answered": False, "took_ms": None, "findings": [SAID]},
    ]
    assert examined({"nodes": nodes, "record": [SAID]}, PLAIN) == [
        "● n1  80 ms",
        "    └ a hint",
        "✗ n2",
        "    └ broken",
        "✗ the record",
        "    └ broken",
    ]


@pytest.mark.sockets
def test_from_no_record_to_one_that_can_be_used(tmp_path: Path) -> None:
    votes = MemoryVotes()
    votes.text = None

    async def story(served: Served) -> None:
        told = await served.komainu("lease", "show")
        assert (told.code, "no vote record" in told.out) == (1, True)
        assert (await served.komainu("lease", "check")).code == 1
        assert (await served.komainu("lease", "init")).code == 0
        told = await served.komainu("lease", "show")
        assert (told.code, "nobody" in told.out) == (0, True)
        told = await served.komainu("lease", "check")
        assert (told.code, "keeps its promises" in told.out) == (0, True)
        votes.findings = (CHEATS.said(),)
        assert (await served.komainu("lease", "check")).code == 1
        told = await served.komainu("lease", "check", "--json")
        assert (told.code, json.loads(told.out)["good"]) == (1, False)
        again = await served.komainu("lease", "init")
        assert (again.code, "--replace" in again.err) == (1, True)

    serve(tmp_path, story, lease(), votes=votes)


@pytest.mark.sockets
@pytest.mark.parametrize(("typed", "epoch"), [("y\n", 2), ("n\n", 1), ("", 1)])
def test_a_record_is_shown_and_asked_about_before_it_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, epoch: int
) -> None:
    votes = MemoryVotes()

    async def story(served: Served) -> None:
        told = await served.komainu("lease", "init", "--replace")
        assert told.code == (0 if epoch == 2 else 1)
        assert "configuration 1 of cluster test" in told.err
        assert votes.text is not None
        assert record(votes.text).epoch == epoch

    monkeypatch.setattr("sys.stdin", Terminal(typed))
    serve(tmp_path, story, lease(), votes=votes)


@pytest.mark.sockets
def test_without_a_terminal_it_is_replaced_with_yes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    votes = MemoryVotes()

    async def story(served: Served) -> None:
        told = await served.komainu("lease", "init", "--replace")
        assert (told.code, "--yes" in told.err) == (1, True)
        assert (await served.komainu("lease", "init", "--replace", "--yes")).code == 0
        assert votes.text is not None
        assert record(votes.text).epoch == 2

    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    serve(tmp_path, story, lease(), votes=votes)

"""All contenders one after the other: what goes wrong with one, and an interruption."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from komainu_lab.bench import __main__ as bench, figures, report
from komainu_lab.bench.contender import Say
from komainu_lab.errors import LabError
from komainu_lab.lab import NAME, no_words
from tests.unit.lab.bench.stand_in import AtOnce, Contender


def make() -> tuple[bench.Bench, io.StringIO]:
    out = io.StringIO()
    made = bench.Bench(Console(file=out, width=120), runs=1)
    made.random = AtOnce()
    return made, out


def test_all_faults_of_a_contender_are_run_and_it_is_taken_down() -> None:
    made, out = make()
    contender = Contender()
    made.measure(contender)
    (result,) = made.results
    assert len(result.runs["power-loss"]) == 1
    assert not result.failure
    assert contender.done == ["up", "down"]
    assert "1  Power loss: gap" in out.getvalue()


def test_what_goes_wrong_is_told_and_the_next_one_has_its_turn() -> None:
    made, out = make()
    made.measure(Contender(fails="no coordinator"))
    made.measure(Contender())
    assert [result.failure for result in made.results] == ["no coordinator", ""]
    assert "no coordinator" in out.getvalue()


def test_an_interruption_leaves_what_was_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def some(_say: Say) -> Iterator[Contender]:
        yield Contender(fails="broken")
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.ground, "check", lambda: None)
    monkeypatch.setattr(bench, "check_peers", lambda: None)
    monkeypatch.setattr(report, "versions", lambda: {"komainu": "0"})
    monkeypatch.setattr(bench.signal, "signal", lambda *_: None)
    assert bench.main(tmp_path / "bench.json", 1, some) == 130
    told = json.loads((tmp_path / "bench.json").read_text())
    assert told["complete"] is False
    assert [each["failure"] for each in told["contenders"]] == ["broken"]


def test_an_interrupted_contender_does_not_pass_for_a_complete_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    made, _ = make()
    monkeypatch.setattr(bench, "once", interrupt)
    contender = Contender()
    with pytest.raises(KeyboardInterrupt):
        made.measure(contender)
    assert made.results[0].failure == bench.INTERRUPTED
    assert contender.done == ["up", "down"]


def test_a_missing_peer_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.ground, "SEARCH", "/nonexistent")
    with pytest.raises(LabError, match=r"pacemakerd is missing; .*bootstrap.sh --bench"):
        bench.check_peers()


def test_the_contenders_have_names_that_a_lab_may_have_and_those_that_are_compared() -> None:
    made = list(bench.contenders(no_words))
    found = [contender.name for contender in made]
    assert len(dict.fromkeys(found)) == len(found)
    assert all(NAME.match(contender.lab.name) for contender in made)
    for name in (figures.KOMAINU_FAST, figures.PACEMAKER_EQUAL, figures.KOMAINU_DEFAULT, figures.PACEMAKER_DEFAULT):
        assert name in found


def test_keepalived_is_not_asked_for_what_it_does_not_have() -> None:
    for contender in bench.contenders(no_words):
        assert ("application-kill" in contender.faults) is (
            contender.heading[0] != "keepalived" and "awsvip" not in contender.heading
        )

"""Spreads, ratios, and what counts as met."""

import pytest

from komainu_lab.bench import figures as f
from komainu_lab.bench.figures import Result, Spread
from komainu_lab.bench.measure import Run


def run(gap_ms: float, detection_ms: float | None = None, **stages: float) -> Run:
    return Run(gap_ms=gap_ms, answered_ms=gap_ms - 5, detection_ms=detection_ms, load=1.0, stages=stages)


def result(name: str, **runs: list[Run]) -> Result:
    return Result(name, (name,), {fault.replace("_", "-"): found for fault, found in runs.items()})


def test_a_spread_leaves_out_what_was_not_measured() -> None:
    assert f.spread([3, None, 1, 2]) == Spread(1, 2, 3)
    assert f.spread([None]) is None


def test_a_result_spreads_each_part() -> None:
    found = result("x", power_loss=[run(500, 400), run(520, 430), run(510, 420)])
    assert found.spread("power-loss", "gap_ms") == Spread(500, 510, 520)
    assert found.spread("power-loss", "after_ms") == Spread(85, 85, 95)
    assert found.spread("move", "gap_ms") is None


def test_the_file_has_every_run_and_no_spread_of_nothing() -> None:
    told = result("x", move=[run(80), run(90)]).to_json()["faults"]["move"]
    assert [each["gap_ms"] for each in told["runs"]] == [80, 90]
    assert told["gap_ms"] == {"min": 80, "median": 85, "max": 90}
    assert "detection_ms" not in told


def test_steps_have_their_medians_in_the_order_they_came() -> None:
    found = result("x", move=[run(1, stop=1.0, start=10.0), run(1, stop=3.0, start=30.0), run(1, stop=2.0)])
    assert list(found.stages("move").items()) == [("stop", 2.0), ("start", 20.0)]


def one(found: list[f.Figure], start: str) -> f.Figure:
    return next(figure for figure in found if figure.what.startswith(start))


def test_the_gap_beyond_detection_is_judged_run_by_run() -> None:
    # The medians of both columns would say 100; no single run was better than 140.
    runs = [run(540, 400), run(700, 500), run(600, 460)]
    figure = one(f.figures([result(f.KOMAINU_FAST, power_loss=runs)]), "power loss, fast: gap beyond")
    assert (figure.value, figure.worst, figure.met) == (140, 200, True)


@pytest.mark.parametrize(("gap_ms", "met"), [(120, True), (121, False)])
def test_the_bound_itself_is_met(gap_ms: float, met: bool) -> None:
    figure = one(f.figures([result(f.KOMAINU_FAST, move=[run(gap_ms)])]), "planned move")
    assert figure.met is met


def test_an_application_is_judged_by_the_kill_not_by_the_last_answer() -> None:
    figure = one(f.figures([result(f.KOMAINU_FAST, application_kill=[run(155)])]), "application killed")
    assert (figure.value, figure.met) == (150, True)


def test_ratios_compare_equal_times_after_detection_and_defaults_as_a_whole() -> None:
    found = f.figures(
        [
            result(f.KOMAINU_FAST, power_loss=[run(505, 400)]),
            result(f.PACEMAKER_EQUAL, power_loss=[run(905, 400)]),
            result(f.KOMAINU_DEFAULT, link_cut=[run(1500, 1400)]),
            result(f.PACEMAKER_DEFAULT, link_cut=[run(5000, 4500)]),
        ]
    )
    ratios = {figure.what: figure for figure in found if figure.unit == "×"}
    assert [round(figure.value, 2) for figure in ratios.values()] == [0.2, 0.3]
    assert [figure.met for figure in ratios.values()] == [True, False]
    assert all(figure.worst is None for figure in ratios.values())


def test_without_a_peer_there_is_no_ratio() -> None:
    found = f.figures([result(f.KOMAINU_FAST, power_loss=[run(505, 400)])])
    assert found
    assert all(figure.unit == "ms" for figure in found)

"""The tables and the file."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from komainu_lab.bench import report
from komainu_lab.bench.figures import Figure, Result, Spread
from komainu_lab.bench.measure import Run
from komainu_lab.errors import LabError


def shown(results: list[Result], figures: list[Figure] | None = None) -> list[str]:
    out = io.StringIO()
    report.show(Console(file=out, width=120, highlight=False), results, figures or [])
    return out.getvalue().splitlines()


def result(name: str, gap_ms: float, failure: str = "") -> Result:
    runs = [Run(gap_ms + more, gap_ms + more, 400, 2.5, {"start fip1": 7.0}) for more in (0, 10, 100)]
    return Result(name, (name, "fast"), {"power-loss": runs}, failure)


def test_a_cell_has_the_median_and_below_it_the_ends() -> None:
    assert report.cell(Spread(424.4, 436.1, 461.0)) == "436\n424–461"
    assert report.cell(None) == "–"


def test_each_contender_is_a_column_under_its_load() -> None:
    lines = shown([result("one", 500), result("two", 700)])
    gap = next(line for line in lines if "whole gap" in line)
    assert gap.split() == ["whole", "gap", "510", "710"]
    assert any(line.split() == ["500–600", "700–800"] for line in lines)
    assert any(line.split() == ["load", "2.5", "load", "2.5"] for line in lines)


def test_what_a_contender_does_not_have_is_left_empty() -> None:
    lines = shown([result("one", 500)])
    killed = lines.index(next(line for line in lines if "Application killed" in line))
    assert lines[killed + 1].split() == ["whole", "gap", "–"]


def test_seven_contenders_fit_into_120_columns() -> None:
    wide = [Result(f"n{n}", ("Pacemaker", "default", "3000 + 3600"), result("x", 6900).runs) for n in range(7)]
    lines = shown(wide)
    assert any(line.count("6900–7000") == 7 for line in lines)
    assert max(map(len, lines)) <= 120
    assert not any("…" in line for line in lines)


def test_figures_are_met_or_missed() -> None:
    lines = shown([], [Figure("a ratio", "比", 0.31, None, 0.3, "×"), Figure("a gap", "中断", 90.4, 121.0, 120, "ms")])
    assert next(line for line in lines if "a ratio" in line).split() == [
        "a",
        "ratio",
        "0.31",
        "×",
        "–",
        "0.30",
        "×",
        "missed",
    ]
    assert next(line for line in lines if "a gap" in line).split()[2:] == ["90", "ms", "121", "ms", "120", "ms", "met"]


def test_a_failure_is_told_with_its_words() -> None:
    assert any("one fast: it [sic] broke" in line for line in shown([result("one", 500, "it [sic] broke")]))


def test_nothing_is_said_about_what_was_not_reached() -> None:
    said = "\n".join(shown([Result("one", ("one",), {"move": []}, "interrupted")]))
    assert "interrupted" in said
    assert "time goes" not in said
    assert "asks of itself" not in said


def test_where_the_time_goes_is_shown_for_those_that_tell() -> None:
    lines = shown([result("one", 500)])
    assert any(line.split() == ["start", "fip1", "7.0"] for line in lines)


def test_the_file_says_on_what_it_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "versions", lambda: {"komainu": "0"})
    results = [result("one", 500), result("two", 700, "interrupted")]
    told = report.to_json(results, [Figure("a", "あ", 1.0, None, 2, "×")], runs=3, seconds=61.4, loads=(1.0, 2.0))
    report.write(tmp_path / "bench.json", told)
    read = json.loads((tmp_path / "bench.json").read_text())
    assert read["complete"] is False
    assert (read["runs"], read["seconds"], read["load"]) == (3, 61, {"begin": 1.0, "end": 2.0})
    assert [each["name"] for each in read["contenders"]] == ["one", "two"]
    assert read["figures"][0]["met"] is True
    assert read["machine"]["cores"] > 0


def test_a_file_that_cannot_be_written_is_known_before_the_runs(tmp_path: Path) -> None:
    report.check_writable(tmp_path / "new.json")
    for path in (tmp_path, tmp_path / "absent" / "new.json"):
        with pytest.raises(LabError, match="could not be written"):
            report.check_writable(path)


def test_the_model_of_the_processor() -> None:
    assert report.cpu("processor\t: 0\nmodel name\t: Fast (R)\n") == "Fast (R)"
    assert report.cpu("Processor : ARMv8\n") == "unknown"

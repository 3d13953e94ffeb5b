"""From runs to figures: least, median and greatest, and the ratios that the project asks of itself. Pure."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from komainu_lab.bench.faults import APPLICATION_KILL, LINK_CUT, MOVE, POWER_LOSS
from komainu_lab.bench.measure import Run

KOMAINU_FAST, KOMAINU_DEFAULT, KOMAINU_AWSVIP = "komainu-fast", "komainu-default", "komainu-awsvip"
PACEMAKER_EQUAL, PACEMAKER_DEFAULT = "pacemaker-equal", "pacemaker-default"
PARTS = ("gap_ms", "detection_ms", "after_ms")
LOSSES = ((POWER_LOSS, "power loss"), (LINK_CUT, "link cut"))

AFTER_DETECTION_MS = 150
FAST_POWER_LOSS_MS = 600
MOVE_MS = 120
APPLICATION_MS = 150
EQUAL_RATIO = 0.3
DEFAULT_RATIO = 0.25


@dataclass(frozen=True, slots=True)
class Spread:
    """Of one figure over the runs."""

    least: float
    median: float
    greatest: float

    def to_json(self) -> dict[str, float]:
        """With one decimal."""
        return {"min": round(self.least, 1), "median": round(self.median, 1), "max": round(self.greatest, 1)}


def spread(values: Iterable[float | None]) -> Spread | None:
    """Least, median and greatest; None without values."""
    known = [value for value in values if value is not None]
    return Spread(min(known), statistics.median(known), max(known)) if known else None


@dataclass
class Result:
    """One contender."""

    name: str
    heading: tuple[str, ...]
    runs: dict[str, list[Run]] = field(default_factory=dict)
    "By fault."
    failure: str = ""
    "Why there are not as many runs as asked for; empty when there are."

    def spread(self, fault: str, part: str) -> Spread | None:
        """Of `gap_ms`, `detection_ms`, `after_ms` or `answered_ms`; None where nothing was measured."""
        return spread(getattr(run, part) for run in self.runs.get(fault, ()))

    @property
    def load(self) -> float | None:
        """The median load average of its runs."""
        found = spread(run.load for runs in self.runs.values() for run in runs)
        return found.median if found else None

    def stages(self, fault: str) -> dict[str, float]:
        """Median of each step of the runs, in the order of the first run that had it."""
        runs = self.runs.get(fault, ())
        names = dict.fromkeys(name for run in runs for name in run.stages)
        return {name: statistics.median(run.stages[name] for run in runs if name in run.stages) for name in names}

    def to_json(self) -> dict[str, Any]:
        """All runs and their spreads."""
        faults: dict[str, Any] = {}
        for fault, runs in self.runs.items():
            spreads = {part: self.spread(fault, part) for part in PARTS}
            faults[fault] = {
                "runs": [run.to_json() for run in runs],
                **{part: found.to_json() for part, found in spreads.items() if found is not None},
            }
        return {"name": self.name, "heading": " ".join(self.heading), "failure": self.failure, "faults": faults}


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing the project asks of itself. It is told, and fails nothing: another machine has other figures."""

    what: str
    value: float
    "By the medians."
    worst: float | None
    "By the greatest of the runs; None for a ratio."
    most: float
    unit: str

    @property
    def met(self) -> bool:
        """By the medians."""
        return self.value <= self.most

    def to_json(self) -> dict[str, Any]:
        """With three decimals, for ratios."""
        rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}
        return {**rounded, "met": self.met}


def figures(results: Sequence[Result]) -> list[Figure]:
    """Those for which enough was measured."""
    by_name = {result.name: result for result in results}
    return [*_bounds(by_name), *_ratios(by_name)]


def _bounds(results: Mapping[str, Result]) -> Iterable[Figure]:
    presets = ((KOMAINU_FAST, "fast"), (KOMAINU_DEFAULT, "default"), (KOMAINU_AWSVIP, "awsvip, fast"))
    for name, title in presets:
        runs = results[name].runs.get(POWER_LOSS, []) if name in results else []
        beyond = spread(run.gap_ms - run.detection_ms for run in runs if run.detection_ms is not None)
        yield from _bound(f"power loss, {title}: gap beyond detection", beyond, AFTER_DETECTION_MS)
    for name, title, fault, part, most in (
        (KOMAINU_FAST, "power loss, fast: whole gap", POWER_LOSS, "gap_ms", FAST_POWER_LOSS_MS),
        (KOMAINU_AWSVIP, "power loss, awsvip, fast: whole gap", POWER_LOSS, "gap_ms", FAST_POWER_LOSS_MS),
        (KOMAINU_FAST, "planned move: gap", MOVE, "gap_ms", MOVE_MS),
        (KOMAINU_AWSVIP, "planned move, awsvip: gap", MOVE, "gap_ms", MOVE_MS),
        (KOMAINU_FAST, "application killed: answering again", APPLICATION_KILL, "answered_ms", APPLICATION_MS),
    ):
        if name in results:
            yield from _bound(title, results[name].spread(fault, part), most)


def _bound(what: str, found: Spread | None, most: float) -> Iterable[Figure]:
    if found is not None:
        yield Figure(what, found.median, found.greatest, most, "ms")


def _ratios(results: Mapping[str, Result]) -> Iterable[Figure]:
    for ours, theirs, part, title, most in (
        (KOMAINU_FAST, PACEMAKER_EQUAL, "after_ms", "time after detection against Pacemaker, equal times", EQUAL_RATIO),
        (KOMAINU_DEFAULT, PACEMAKER_DEFAULT, "gap_ms", "whole gap against Pacemaker, both defaults", DEFAULT_RATIO),
    ):
        for fault, words in LOSSES:
            if ours in results and theirs in results:
                one, other = results[ours].spread(fault, part), results[theirs].spread(fault, part)
                if one is not None and other is not None:
                    yield Figure(f"{words}: {title}", one.median / other.median, None, most, "×")

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
LOSSES = ((POWER_LOSS, "power loss", "電源断"), (LINK_CUT, "link cut", "ネットワーク切断"))

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
                "stages": {step: round(ms, 1) for step, ms in self.stages(fault).items()},
            }
        return {
            "name": self.name,
            "heading": " ".join(self.heading),
            "load": None if self.load is None else round(self.load, 1),
            "failure": self.failure,
            "faults": faults,
        }


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing the project asks of itself. It is told, and fails nothing: another machine has other figures."""

    what: str
    what_ja: str
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
    presets = (
        (KOMAINU_FAST, "fast", "fast"),
        (KOMAINU_DEFAULT, "default", "既定値"),
        (KOMAINU_AWSVIP, "awsvip, fast", "awsvip、fast"),
    )
    for name, preset, preset_ja in presets:
        runs = results[name].runs.get(POWER_LOSS, []) if name in results else []
        beyond = spread(run.gap_ms - run.detection_ms for run in runs if run.detection_ms is not None)
        words = (f"power loss, {preset}: gap beyond detection", f"電源断 ({preset_ja}): 検出時間を超える中断")
        yield from _bound(words, beyond, AFTER_DETECTION_MS)
    for name, words, fault, part, most in (
        (
            KOMAINU_FAST,
            ("power loss, fast: whole gap", "電源断 (fast): 中断全体"),
            POWER_LOSS,
            "gap_ms",
            FAST_POWER_LOSS_MS,
        ),
        (
            KOMAINU_AWSVIP,
            ("power loss, awsvip, fast: whole gap", "電源断 (awsvip、fast): 中断全体"),
            POWER_LOSS,
            "gap_ms",
            FAST_POWER_LOSS_MS,
        ),
        (KOMAINU_FAST, ("planned move: gap", "計画移動: 中断"), MOVE, "gap_ms", MOVE_MS),
        (KOMAINU_AWSVIP, ("planned move, awsvip: gap", "計画移動 (awsvip): 中断"), MOVE, "gap_ms", MOVE_MS),
        (
            KOMAINU_FAST,
            ("application killed: answering again", "アプリケーション強制終了: 応答再開まで"),
            APPLICATION_KILL,
            "answered_ms",
            APPLICATION_MS,
        ),
    ):
        if name in results:
            yield from _bound(words, results[name].spread(fault, part), most)


def _bound(words: tuple[str, str], found: Spread | None, most: float) -> Iterable[Figure]:
    if found is not None:
        yield Figure(*words, found.median, found.greatest, most, "ms")


def _ratios(results: Mapping[str, Result]) -> Iterable[Figure]:
    after = ("time after detection against Pacemaker, equal times", "検出後の時間の対 Pacemaker 比 (同じトークン時間)")
    whole = ("whole gap against Pacemaker, both defaults", "中断全体の対 Pacemaker 比 (双方既定値)")
    for ours, theirs, part, title, most in (
        (KOMAINU_FAST, PACEMAKER_EQUAL, "after_ms", after, EQUAL_RATIO),
        (KOMAINU_DEFAULT, PACEMAKER_DEFAULT, "gap_ms", whole, DEFAULT_RATIO),
    ):
        for fault, words, words_ja in LOSSES:
            if ours in results and theirs in results:
                one, other = results[ours].spread(fault, part), results[theirs].spread(fault, part)
                if one is not None and other is not None:
                    told = (f"{words}: {title[0]}", f"{words_ja}: {title[1]}")
                    yield Figure(*told, one.median / other.median, None, most, "×")

"""Many seeds, on all cores, and the table of what happened in them."""

from __future__ import annotations

import os
import secrets
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from komainu_lab.sim.world import KINDS, Report, World

WANTED = {
    "a takeover": ("KM7602",),
    "a merge of two histories": ("merged",),
    "a start that had to wait": ("KM7401", "KM7402", "KM7403"),
    "an unknown outcome": ("outcome unknown",),
    "a failed outcome": ("outcome failed",),
    "a daemon lost, its node alive": ("KM7102",),
    "a daemon that did not return in time": ("KM7801",),
    "a clean leave": ("KM7103",),
    "a start without all nodes": ("KM7802",),
    "a failover of a failed resource": ("KM7501",),
    "recovery at its end": ("KM7502",),
    "an end of a node by a final action": ("KM7112",),
    "a final action held back": ("KM7111",),
    "an end without a clean leave": ("EndNode",),
    "a stop that failed for good": ("KM7204",),
    "a reactivation by a monitor": ("KM7511",),
    "the end of a monitor's recovery": ("KM7512",),
    "a pre-recovery script": ("RunScript",),
    "a failback": ("KM7607",),
    "a group that waits for another": ("KM7411",),
    "a node suspended": ("KM7737",),
    "the maintenance switch": ("maintenance",),
    "another configuration in force": ("KM7121",),
    "a configuration not applied": ("KM7122",),
    "a member lost in the middle of a change": ("a change interrupted",),
    "a command accepted": ("accepted",),
    "a command refused": ("refused",),
}
RELEASES = {
    "two releases together": ("old rules",),
    "a node upgraded": ("upgrade",),
    "a node that goes back to the older release": ("way back",),
    "a state that an older release cannot read": ("mute",),
}
"The older release of the simulator knows no rights."
FENCE = {"a fence": ("KM7201",), "a failed fence": ("KM7202",)}
RIGHTS = {
    "a right that ended": ("KM7426",),
    "a right regained": ("KM7427",),
    "a node whose right has surely ended": ("KM7428",),
    "an operator's word": ("KM7712",),
    "a suspension given up": ("KM7132",),
}
LEASE = {
    **RIGHTS,
    "another store": ("another store",),
    "a vote won": ("KM7424",),
    "a vote lost": ("KM7425",),
    "a start without the vote": ("KM7421",),
}
MAJORITY = {**RIGHTS, "a start without a majority": ("KM7422",)}
WANTED_OF_KIND = {
    "none": {**RELEASES, "a group active twice": ("KM7606",), "a node taken as gone": ("KM7301",)},
    "operator": {**RELEASES, "an operator's word": ("KM7712",)},
    "lease": LEASE,
    "lease+fence": {**LEASE, **FENCE},
    "majority": MAJORITY,
    "majority+fence": {**MAJORITY, **FENCE},
}


@dataclass
class Table:
    """The sum of many reports."""

    seeds: int = 0
    events: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    bad: list[Report] = field(default_factory=list)

    def add(self, report: Report) -> None:
        """One more history."""
        self.seeds += 1
        self.events += report.events
        self.seen.update(dict.fromkeys(report.seen, 1))
        if report.violations:
            self.bad.append(report)


def one(seed: int, kind: str, journal: bool = False) -> Report:
    """One history; what it raises is a violation."""
    world = World(seed, kind, journal)
    try:
        return world.run()
    except Exception:  # noqa: BLE001 - whatever it is, it is reported as what came of the seed
        world.violate(traceback.format_exc())
        return world.report


def _one(task: tuple[int, str]) -> Report:
    return one(*task)


def replay(seed: int, kind: str) -> int:
    """Print one history. Returns the exit code."""
    report = one(seed, kind, journal=True)
    print("\n".join(report.journal))
    print(f"seed {seed} kind {kind}: {report.events} events, violations: {report.violations or 'none'}")
    return 1 if report.violations else 0


def many(seeds: int, kinds: tuple[str, ...] = KINDS, first: int | None = None) -> int:
    """Run that many fresh seeds of the kinds in turn, print the table. Returns the exit code."""
    first = secrets.randbelow(1 << 40) if first is None else first
    print(f"first seed {first}, kinds {' '.join(kinds)}", flush=True)
    began = time.monotonic()
    tables = {kind: Table() for kind in kinds}
    tasks = [(first + number, kinds[number % len(kinds)]) for number in range(seeds)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for report in pool.map(_one, tasks, chunksize=4):
            tables[report.kind].add(report)
            if report.violations:
                print(f"VIOLATION seed {report.seed} kind {report.kind}: {report.violations[0]}", flush=True)
    wrong = sum(_print(kind, table) for kind, table in tables.items())
    took = time.monotonic() - began
    events = sum(table.events for table in tables.values())
    bad = sum(len(table.bad) for table in tables.values())
    print(
        f"{seeds} seeds, {events} events, {bad} violations, {wrong} things that happened too rarely; "
        f"{seeds / took:.1f} seeds/s, {events / took:.0f} events/s"
    )
    return 1 if bad or wrong else 0


def _print(kind: str, table: Table) -> int:
    """Print what happened in the histories of one kind. Returns how many things happened too rarely to trust."""
    rare = 0
    print(f"kind {kind}: {table.seeds} seeds, {table.events} events")
    for what, codes in {**WANTED, **WANTED_OF_KIND[kind]}.items():
        share = max(table.seen[code] for code in codes) / max(table.seeds, 1)
        too_rare = table.seeds >= 200 and share < 0.0025
        rare += too_rare
        print(f"  {share:7.1%}  {what}{'   TOO RARE' if too_rare else ''}")
    return rare

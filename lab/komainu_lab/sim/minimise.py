"""From a seed that fails to the fewest misfortunes that still make it fail, and a transcript of what was decided.

Each strike of a history draws its chance from its own number, so leaving one out changes the others only as far as
the world they meet is another one. What is left is tried again until nothing more can be left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from komainu.agent.members.wire import event_to_json
from komainu.model.causes import headline
from komainu_lab.sim.world import Report, Story, World

Fails = Callable[[frozenset[int]], bool]


def fewest(strikes: int, fails: Fails) -> frozenset[int]:
    """The numbers of strikes that can be left out so that it still fails (delta debugging, Zeller 2002)."""
    left = list(range(strikes))
    parts = 2
    while left:
        size = max(1, len(left) // parts)
        chunks = [left[start : start + size] for start in range(0, len(left), size)]
        for chunk in chunks:
            rest = [number for number in left if number not in chunk]
            if fails(frozenset(range(strikes)) - frozenset(rest)):
                left, parts = rest, max(2, parts - 1)
                break
        else:
            if size == 1:
                break
            parts *= 2
    return frozenset(range(strikes)) - frozenset(left)


def minimise(seed: int, kind: str, folder: Path) -> int:
    """Write `FOLDER/KIND-SEED.txt`, the transcript of the member that broke a law. Returns the exit code."""
    whole = _run(seed, kind, frozenset())
    if not whole.report.violations:
        print(f"seed {seed} kind {kind} does not fail")
        return 0
    print(f"{whole.strikes} misfortunes: {whole.report.violations[0][:200]}", flush=True)

    def fails(without: frozenset[int]) -> bool:
        return bool(_run(seed, kind, without).report.violations)

    without = fewest(whole.strikes, fails)
    least = _run(seed, kind, without, journal=True)
    strikes = [line for line in least.report.journal if " #" in line]
    print("\n".join(strikes))
    print(f"{least.report.violations[0]}")
    path = folder / f"{kind}-{seed}.txt"
    path.write_text(transcript(least.report, least.stories[least.report.culprit]), encoding="utf-8")
    print(f"wrote {path}; `python -m tests.scenarios.transcript --rewrite {path}` fills in what the core answers")
    return 1


def transcript(report: Report, story: Story) -> str:
    """The events that led a member to its state, in the language of tests/scenarios."""
    violation = report.violations[0] if report.violations else "no law was broken"
    lines = [
        f"# Seed {report.seed} of kind {report.kind}, as {report.culprit} lived it: {violation.splitlines()[-1][:200]}",
        "",
        f"configuration {story.cluster.model_dump_json(exclude_defaults=True)}",
        f"remembered {story.epoch}{' maintenance' if story.marks.maintenance else ''}",
    ]
    rules = 0
    for event, number in story.events:
        if number != rules:
            rules = number
            lines.append(f"rules {rules}")
        lines.append(f"# {headline(event).en}")
        lines.append(f"event {json.dumps(event_to_json(event), ensure_ascii=False, separators=(',', ':'))}")
    return "\n".join(lines) + "\n"


def _run(seed: int, kind: str, without: frozenset[int], journal: bool = False) -> World:
    world = World(seed, kind, journal, without)
    try:
        world.run()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what came of the seed
        world.violate(f"{type(error).__name__}: {error}")
    return world

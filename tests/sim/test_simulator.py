"""The simulator is worth what it finds: planted defects, and its own promises."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from komainu.agent.members import wire
from komainu.agent.members.replica import Replica, View
from komainu.agent.members.snapshot import decode
from komainu.core import audit, health, membership, monitors, placement, presence, takeover, timers, transition
from komainu.core.state import Hold, Presence, State, Status
from komainu.model.config import Group
from komainu_lab.sim import host, minimise, run
from komainu_lab.sim.bus import Bus
from komainu_lab.sim.clock import SECOND, Clock
from komainu_lab.sim.world import World
from tests.scenarios.transcript import exactly, play


def violations(kind: str, seeds: int) -> list[str]:
    """What the first seeds of a kind find, up to the first finding."""
    for seed in range(seeds):
        report = run.one(seed, kind)
        if report.violations:
            return report.violations
    return []


def test_finds_that_the_takeover_law_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the law, and without the audit that repeats it, two nodes come to hold one disk."""
    monkeypatch.setattr(takeover, "hindrance", lambda state, group, home: None)
    monkeypatch.setattr(audit, "check", lambda before, state, actions: None)

    found = violations("operator", 60)

    assert "came into effect" in found[0]


def test_finds_that_a_record_of_starts_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """ADR 0001: with the record of who was started alone, a lost node that was never seen to start counts as free."""
    strict = takeover._hindrance_by

    def by_record(state: State, group: object, facts: object, node: str) -> object:
        lost = state.nodes[node].presence in (Presence.LOST, Presence.UNSEEN)
        held = any(hold.run or hold.action for hold in facts.holds[node])  # type: ignore[attr-defined]
        return None if lost and not held else strict(state, group, facts, node)  # type: ignore[arg-type]

    def remember(hold: Hold) -> Hold:
        return hold if hold.status is not Status.STOPPED else Hold(Status.STOPPED)

    monkeypatch.setattr(takeover, "_hindrance_by", by_record)
    monkeypatch.setattr(audit, "check", lambda before, state, actions: None)
    monkeypatch.setattr(
        presence,
        "_forget",
        lambda state, name, facts: presence._each_hold(state.with_node(name, facts), name, remember),
    )

    found = violations("operator", 200)

    assert "came into effect" in found[0]


def test_finds_that_a_node_is_taken_as_gone_without_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """Assuming what only arbitration `none` may assume is found in the other kinds."""
    settle = membership.settle
    monkeypatch.setattr(membership, "settle", lambda state: settle(membership._assume(state)))

    found = violations("lease+fence", 60)

    assert "came into effect" in found[0]


def test_finds_a_member_that_decides_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision that depends on the member, not on the state, makes the states differ."""
    absorb = Replica._absorb

    def biased(self: Replica, event: object, effects: object) -> None:
        absorb(self, event, effects)  # type: ignore[arg-type]
        if self.me == "n2" and self.state.counter % 7 == 6:
            self.state = replace(self.state, counter=self.state.counter + 1)

    monkeypatch.setattr(Replica, "_absorb", biased)

    assert violations("operator", 40)


def test_finds_an_older_release_that_passes_over_what_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """ADR 0010: a state that is read without a part of it is another state; whoever cannot read it has to stay out."""
    monkeypatch.setattr(host, "without_suspension", lambda data: replace(decode(data), maintenance=False))

    found = violations("operator", 120)

    assert "differ" in found[0]


def test_one_seed_is_one_history() -> None:
    """Replaying a seed repeats it to the letter."""
    first, second = (run.one(11, "lease+fence", journal=True) for _ in range(2))

    assert first.journal == second.journal
    assert len(first.journal) > 100


def test_the_bus_delivers_alike_to_those_who_stay_together() -> None:
    """Virtual synchrony: whoever goes from one view to the next together has delivered the same."""
    for seed in range(40):
        rng = Random(seed)
        clock = Clock()
        bus = Bus(clock, rng, ("n1", "n2", "n3"), detect_ms=200)
        for name, port in bus.ports.items():
            port.alive = True
            bus.attach(name)
        bus.changed()
        clock.run_until(SECOND)
        for number in range(60):
            clock.run_until(clock.now + rng.randint(0, 3_000))
            bus.send(rng.choice(("n1", "n2", "n3")), wire.Beat(number))
        bus.crash("n3")
        bus.changed()
        clock.run_until(clock.now + 2 * SECOND)

        told = {name: list(bus.ports[name].inbox) for name in ("n1", "n2")}
        merged = {name: _from_common_view(items) for name, items in told.items()}

        assert merged["n1"] == merged["n2"]
        assert any(isinstance(item, View) and item.members == ("n1", "n2") for item in told["n1"])


def _from_common_view(items: list[View | tuple[str, wire.Message]]) -> list[View | tuple[str, wire.Message]]:
    """What was delivered from the first view with all three on."""
    for index, item in enumerate(items):
        if isinstance(item, View) and len(item.members) == 3:
            return items[index:]
    return []


def test_a_failing_seed_is_reduced_to_what_it_takes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the takeover law a few misfortunes are enough; the transcript leads to the forbidden start."""
    monkeypatch.setattr(takeover, "hindrance", lambda state, group, home: None)
    monkeypatch.setattr(audit, "check", lambda before, state, actions: None)
    seed = next(seed for seed in range(60) if run.one(seed, "operator").violations)

    assert minimise.minimise(seed, "operator", tmp_path) == 1

    text, _ = play((tmp_path / f"operator-{seed}.txt").read_text(encoding="utf-8"))
    assert "starts db." in text
    whole = World(seed, "operator")
    whole.run()
    assert len([line for line in text.splitlines() if line.startswith("event")]) < 120 or whole.strikes < 8


def test_the_fewest_are_found() -> None:
    """Delta debugging: of twenty, 3 and 17 are what it takes."""
    kept = frozenset(range(20)) - minimise.fewest(20, lambda without: not {3, 17} & without)

    assert kept == {3, 17}


def test_a_history_told_as_a_transcript_ends_in_the_same_state() -> None:
    for seed, kind in ((3, "operator"), (4, "none"), (5, "lease"), (6, "majority+fence")):
        world = World(seed, kind)
        world.run()
        host = next(host for host in world.hosts.values() if host.agent is not None)
        world.report.culprit = host.name

        _, last = play(minimise.transcript(world.report, world.stories[host.name]))

        assert host.agent is not None
        assert last == exactly(host.agent.state)


def test_planning_only_what_was_touched_changes_no_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """`core.scope` is nothing but speed: with everything planned anew at each event the histories are the same."""
    cases = [(seed, kind) for seed in range(4) for kind in ("none", "operator", "lease", "majority")]
    spared = [run.one(seed, kind, journal=True).journal for seed, kind in cases]

    def everything(before: State, state: State) -> tuple[Group, ...]:
        return state.cluster.groups if before is not state else ()

    for module in (health, placement, timers, monitors, transition):
        monkeypatch.setattr(module, "stirred", everything)

    assert [run.one(seed, kind, journal=True).journal for seed, kind in cases] == spared

"""A journal decides today what it decided then; whatever does not is found and named."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from komainu.agent import daemon
from komainu.agent.members import wire
from komainu.agent.members.snapshot import decode, encode
from komainu.agent.records import journal, replay
from komainu.agent.records.journal import Journal, Read
from komainu.agent.records.replay import Decision, Remark, Replay
from komainu.core.state import RULES
from komainu.model import commands as c
from tests.doubles.daemons import World, cluster
from tests.doubles.virtual_time import run

Body = dict[str, Any]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journals of two nodes: a start, a failover, the return, a move; n1 was there twice."""
    folder = tmp_path_factory.mktemp("lived")

    async def story() -> None:
        async with World(folder, cluster()) as world:
            world.start_all()
            await world.online(on="n1")
            await world.power_off("n1")
            await world.online(on="n2")
            world.start("n1")
            await world.until(lambda: len(world.running["n2"].state.members()) == 2, "n1 is back")
            await asyncio.sleep(130)  # the digests are compared, too
            await world.kill("n2")
            world.start("n2")
            await world.online(on="n2")

    run(story())
    return folder


def bodies(folder: Path) -> list[Body]:
    """The lines of a journal, as they were found."""
    return [line.body for line in journal.read(folder) if line.body is not None]


def as_read(lines: Iterable[Body | None]) -> Iterator[Read]:
    for number, body in enumerate(lines, 1):
        yield Read("journal.jsonl", number, body)


def played(lines: Iterable[Read], **range_: int) -> tuple[list[Decision], list[Remark], replay.Tally]:
    what = Replay(**range_)
    told = list(what.run(lines))
    return [x for x in told if isinstance(x, Decision)], [x for x in told if isinstance(x, Remark)], what.tally


def codes(remarks: Iterable[Remark]) -> list[str]:
    return [remark.said.code for remark in remarks]


def changed(
    lines: list[Body], where: Callable[[Body], bool], change: Callable[[Body], Body | None]
) -> list[Body | None]:
    """The lines with one of them changed, or damaged; the first for which `where` holds."""
    index = next(index for index, body in enumerate(lines) if where(body))
    return [*lines[:index], change(json.loads(json.dumps(lines[index]))), *lines[index + 1 :]]


def has(kind: str) -> Callable[[Body], bool]:
    return lambda body: any(action["action"] == kind for action in body.get("actions", ()))


@pytest.mark.parametrize("node", ["n1", "n2"])
def test_what_was_lived_is_decided_again_to_the_letter(lived: Path, node: str) -> None:
    decisions, remarks, tally = played(journal.read(lived / node / "journal"))

    assert remarks == []
    assert (tally.differences, tally.left_out) == (0, 0)
    assert tally.replayed == len(decisions) > 10
    assert tally.snapshots >= 3, "each daemon began with one, and took over a state"
    assert not any(decision.differences for decision in decisions)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happened_is_decided_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Three nodes, faults drawn from the seed, histories that part and meet, files of a few entries."""
    monkeypatch.setattr(daemon, "Journal", partial(Journal, file_bytes=9_000, files=99))
    rng = Random(seed)

    async def story() -> None:
        async with World(tmp_path, cluster(nodes=3)) as world:
            world.start_all()
            await world.online()
            for _ in range(12):
                await strike(world, rng)
                await asyncio.sleep(rng.choice((0.2, 1, 5, 20)))
            for node in world.cluster.nodes:
                world.wire.heal(node.id)
                world.wire.thaw(node.id)
                if node.name not in world.running:
                    world.start(node.name)
            await world.online()
            for running in world.running.values():
                running.daemon.parts.recorder.flush()
                running.write_down()

    run(story())
    whys: list[str] = []
    for name in ("n1", "n2", "n3"):
        decisions, remarks, tally = played(journal.read(tmp_path / name / "journal"))
        assert remarks == []
        assert (tally.differences, tally.left_out) == (0, 0)
        assert tally.replayed == len(decisions) > 5
        whys += [body["why"] for body in bodies(tmp_path / name / "journal") if "kind" in body]
    assert whys.count("segment") > 0
    assert whys.count("adopted") > 3
    assert whys.count("other") == 0


async def strike(world: World, rng: Random) -> None:
    """Something happens to a node."""
    name = rng.choice(["n1", "n2", "n3"])
    number = world.cluster.node(name).id
    match rng.choice(["kill", "power", "cut", "freeze", "stop", "die", "move"]):
        case "kill" if name in world.running:
            await world.kill(name)
            world.start(name)
        case "power" if name in world.running:
            await world.power_off(name)
        case "power":
            world.start(name)
        case "cut":
            world.wire.cut(number)
            await asyncio.sleep(rng.choice((0.1, 3)))
            world.wire.heal(number)
        case "freeze":
            world.wire.freeze(number)
            await asyncio.sleep(rng.choice((0.1, 3)))
            world.wire.thaw(number)
        case "die" if world.things.on("app"):
            world.things.running["app"].pop()
        case "move" if name in world.running:
            parts = world.running[name].daemon.parts
            await parts.requests.ask(c.MoveGroup("web", rng.choice(["n1", "n2", "n3"])), 2_000)


def test_every_decision_has_its_causes(lived: Path) -> None:
    decisions, _, _ = played(journal.read(lived / "n2" / "journal"))
    starts = [action for each in decisions for action in each.actions if action["action"] == "StartResource"]

    assert starts
    assert all(action["because"] and action["text"]["ja"] for action in starts)


def test_another_action_is_a_difference_and_both_are_named(lived: Path) -> None:
    def elsewhere(body: Body) -> Body:
        start = next(action for action in body["actions"] if action["action"] == "StartResource")
        start["node"] = "n9"
        return body

    lines = changed(bodies(lived / "n2" / "journal"), has("StartResource"), elsewhere)
    decisions, _, tally = played(as_read(lines))
    (said,) = [said for decision in decisions for said in decision.differences]

    assert tally.differences == 1
    assert said.code == replay.OTHER_ACTIONS.code
    assert "node=n9" in said.en
    assert "node=n" in said.en.partition("Only now")[2]


def test_an_alert_that_is_no_longer_raised_is_a_difference(lived: Path) -> None:
    def alerted(body: Body) -> Body:
        body["alerts"].append({"code": "KM1", "level": "info", "en": "x", "ja": "x", "detail": ""})
        return body

    lines = changed(bodies(lived / "n2" / "journal"), has("StartResource"), alerted)

    assert played(as_read(lines))[2].differences == 1


def test_the_digest_of_an_entry_is_compared(lived: Path) -> None:
    lines = bodies(lived / "n2" / "journal")
    assert played(as_read(lines))[2].digests >= 1

    def other(body: Body) -> Body:
        return {**body, "digest": "0" * 32}

    spoilt = changed(lines, lambda body: "event" in body and "digest" in body, other)
    decisions, _, tally = played(as_read(spoilt))

    assert tally.differences == 1
    assert [said.code for decision in decisions for said in decision.differences] == [replay.OTHER_STATE.code]


def test_an_event_that_was_another_one_shows_in_what_follows(lived: Path) -> None:
    """As if the state had been another one: the core is deterministic, so something later must differ."""

    def failed(body: Body) -> Body:
        body["event"]["outcome"] = {
            "result": "failed",
            "said": {"code": "X", "en": "x", "ja": "x", "level": "error"},
            "detail": "",
        }
        return body

    lines = bodies(lived / "n2" / "journal")
    spoilt = changed(lines, lambda body: body.get("event", {}).get("event") == "ActionFinished", failed)

    assert played(as_read(spoilt))[2].differences > 0


def test_a_segment_begins_with_the_state_that_the_one_before_ended_with(lived: Path) -> None:
    """A snapshot in the middle, as rotation writes it: right, it is silent; wrong, it is a difference."""
    lines = bodies(lived / "n2" / "journal")
    what = Replay()
    seq = next(body["seq"] for body in lines if has("StartResource")(body))
    for _ in what.run(as_read([body for body in lines if body["seq"] <= seq])):
        pass
    assert what._state is not None
    state = what._state
    right = {
        "kind": "snapshot", "seq": seq, "at": "", "why": "segment", "release": what._release, "rules": RULES,
        "digest": replay.digest(state), "state": "".join(wire.pack(encode(state))),
    }  # fmt: skip
    index = next(index for index, body in enumerate(lines) if body["seq"] == seq) + 1
    whole = [*lines[:index], right, *lines[index:]]
    before = played(as_read(lines))[2]
    after = played(as_read(whole))[2]
    assert (after.differences, after.digests) == (0, before.digests + 1)
    assert played(as_read(whole[index:]))[2].left_out == 0, "the second segment stands alone"

    wrong = {**right, "digest": "1" * 32}
    _, remarks, tally = played(as_read([*lines[:index], wrong, *lines[index:]]))
    assert codes(remarks) == [replay.OTHER_STATE.code]
    assert remarks[0].difference
    assert tally.differences == 1


def test_a_part_of_it_is_told_and_compared(lived: Path) -> None:
    whole, _, _ = played(journal.read(lived / "n2" / "journal"))
    first, last = whole[4].seq, whole[8].seq
    part, _, tally = played(journal.read(lived / "n2" / "journal"), first=first, last=last)

    assert part == whole[4:9]
    assert tally.replayed == 5


def test_a_damaged_line_costs_what_follows_up_to_the_next_snapshot(lived: Path) -> None:
    lines = bodies(lived / "n2" / "journal")
    spoilt = changed(lines, has("StartResource"), lambda body: None)
    decisions, remarks, tally = played(as_read(spoilt))
    whole = played(as_read(lines))[2]

    assert codes(remarks) == [replay.DAMAGED.code, replay.MISSING.code]
    assert tally.differences == 0
    assert tally.left_out > 0
    assert tally.replayed + tally.left_out == whole.replayed - 1
    assert decisions[-1].seq == max(body["seq"] for body in lines if "event" in body), "from the next snapshot on again"


def test_a_torn_end_is_no_damage(lived: Path, tmp_path: Path) -> None:
    whole = (lived / "n2" / "journal" / "journal.jsonl").read_bytes()
    (tmp_path / "journal.jsonl").write_bytes(whole[:-20])
    decisions, remarks, tally = played(journal.read(tmp_path))

    assert codes(remarks) == [replay.TORN.code]
    assert tally.differences == tally.left_out == 0
    assert len(decisions) == len(played(journal.read(lived / "n2" / "journal"))[0]) - 1


def test_without_a_snapshot_nothing_is_replayed_and_that_is_said(lived: Path) -> None:
    lines = [body for body in bodies(lived / "n2" / "journal") if "kind" not in body]
    decisions, remarks, tally = played(as_read(lines))

    assert decisions == []
    assert codes(remarks) == [replay.NO_STATE.code]
    assert tally.left_out == sum("event" in body for body in lines)


def test_another_release_is_said_once(lived: Path) -> None:
    lines = [{**body, "release": "9.9"} if "kind" in body else body for body in bodies(lived / "n2" / "journal")]
    _, remarks, tally = played(as_read(lines))

    assert codes(remarks) == [replay.OTHER_RELEASE.code]
    assert "9.9" in remarks[0].said.ja
    assert tally.differences == 0


def test_rules_and_states_that_this_release_does_not_know_are_left_out(lived: Path) -> None:
    lines = bodies(lived / "n2" / "journal")
    newer = changed(lines, has("StartResource"), lambda body: {**body, "rules": RULES + 1})
    _, remarks, tally = played(as_read(newer))
    assert codes(remarks) == [replay.OTHER_RULES.code]
    assert tally.differences == 0

    def unknown(body: Body) -> Body:
        return {**body, "state": "".join(wire.pack(b'{"cluster": 7}'))}

    _, remarks, _ = played(as_read(changed(lines, lambda body: "kind" in body, unknown)))
    assert codes(remarks)[0] == replay.OTHER_FORM.code
    _, remarks, _ = played(as_read(changed(lines, lambda body: "kind" in body, lambda body: {**body, "state": "%%"})))
    assert codes(remarks)[0] == replay.OTHER_FORM.code

    def strange(body: Body) -> Body:
        return {**body, "event": {"event": "MoonRose"}}

    _, remarks, _ = played(as_read(changed(lines, has("StartResource"), strange)))
    assert codes(remarks) == [replay.OTHER_FORM.code]


def test_a_core_that_fails_is_a_difference(lived: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(replay, "step", broken)
    _, remarks, tally = played(journal.read(lived / "n2" / "journal"))

    assert replay.CORE_FAILED.code in codes(remarks)
    assert tally.differences > 0


def test_a_state_survives_being_packed(lived: Path) -> None:
    """What a digest is compared with must not depend on whether the state was read from a snapshot."""
    for body in bodies(lived / "n1" / "journal"):
        if body.get("state") and body["digest"]:
            assert replay.digest(decode(wire.unpack([body["state"]]))) == body["digest"]

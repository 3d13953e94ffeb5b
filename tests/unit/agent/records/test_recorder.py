"""What happened is recorded with its causes; a journal that cannot be written is no reason to stop."""

import asyncio
import dataclasses
import errno
import itertools
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from komainu import __version__
from komainu.agent.background import Background
from komainu.agent.members import wire
from komainu.agent.members.replica import Decided
from komainu.agent.members.snapshot import decode as decode_state, digest, encode
from komainu.agent.records import recorder
from komainu.agent.records.journal import Journal, decode
from komainu.agent.records.recorder import Recorder
from komainu.agent.shown.words import Change
from komainu.core.state import RULES, State, initial
from komainu.model import events as e
from komainu.model.actions import Action, AnswerCommand, ArmTimer, RaiseAlert, StartResource
from komainu.model.message import Message
from tests.doubles.daemons import cluster

SAID = Message("TEST4", "it happened", "起きました", "warning").said()
START = StartResource("1.r.1", "n1", "web", "app", 3, (SAID,))
DECIDED = Decided(e.TimerFired("startup"), (RaiseAlert(SAID, "why"), START, ArmTimer("x", 5)), RULES)


class FullDisk(Journal):
    """A journal on a disk that is full for a while."""

    full = False

    def _write(self, descriptor: int, data: bytes) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super()._write(descriptor, data)


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = FullDisk(folder)
        self.background = Background()
        self.recorder = Recorder("n1", self.journal, self.background)

    async def written(self) -> None:
        self.recorder.flush()
        done = asyncio.Event()
        self.background.do(lambda: self.background.hand_over(done.set), lambda error: None)
        async with asyncio.timeout(10):
            await done.wait()

    def on_disk(self) -> list[dict[str, Any]]:
        """Every line of the newest file, snapshots among them."""
        lines = [decode(line) for line in (self.folder / "journal.jsonl").read_bytes().splitlines()]
        return [line for line in lines if line is not None]


def play(folder: Path, story: Callable[[World], Awaitable[None]]) -> None:
    async def told() -> None:
        world = World(folder)
        await story(world)
        await world.background.close(5_000)
        world.journal.close()

    asyncio.run(told())


def test_an_entry_has_the_event_the_actions_with_their_causes_the_alerts_and_the_changes(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.recorder.decided([DECIDED], (Change("group", "web", "Offline", "Online Pending", "n1"),))
        await world.written()
        (entry,) = world.recorder.last(10)

        assert [recorder.told(line) for line in world.on_disk()] == [entry]
        assert entry["actions"][0]["text"]["ja"] == "n1 で app を起動"
        assert entry["event"] == {"event": "TimerFired", "timer": "startup"}
        assert entry["text"]["en"] == "The wait startup is over."
        assert [action["action"] for action in entry["actions"]] == ["StartResource", "ArmTimer"]
        assert entry["actions"][0]["because"] == [SAID.as_json()]
        assert entry["alerts"] == [{**SAID.as_json(), "detail": "why"}]
        assert entry["changes"] == [
            {"what": "group", "name": "web", "before": "Offline", "now": "Online Pending", "node": "n1"}
        ]
        assert entry["node"] == "n1"
        assert entry["seq"] == 1
        assert entry["at"].endswith("Z")
        assert isinstance(entry["boottime_ms"], int)
        assert isinstance(entry["monotonic_ns"], int)

    play(tmp_path, story)


def test_changes_belong_to_the_last_of_several_events(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        change = Change("node", "n2", "Online", "Offline", "n2")
        world.recorder.decided([DECIDED, DECIDED], (change,))

        assert [len(entry["changes"]) for entry in world.recorder.last(10)] == [0, 1]

    play(tmp_path, story)


def test_it_remembers_when_an_action_began(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.recorder.decided([DECIDED])
        at = world.recorder.last(1)[0]["at"]
        world.recorder.decided([Decided(e.TimerFired("x"), (), RULES)])

        assert world.recorder.began(["1.r.1", "unheard of"]) == {"1.r.1": at}
        assert world.recorder.began([]) == {}

    play(tmp_path, story)


def test_alerts_are_logged_at_their_level(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(world: World) -> None:
        world.recorder.alert(SAID, "the SDK's words")

    play(tmp_path, story)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "TEST4 it happened [the SDK's words]")
    ]


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        for _ in range(recorder.MOST_IN_MEMORY + 50):
            world.recorder.alert(SAID)
        entries = world.recorder.last(recorder.MOST_IN_MEMORY)

        assert len(entries) == recorder.MOST_IN_MEMORY
        assert entries[0]["seq"] == 51
        assert [entry["seq"] for entry in world.recorder.after(1_048)] == [1_049, 1_050]
        assert world.recorder.last(0) == []

    play(tmp_path, story)


def test_whoever_follows_is_woken(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.recorder.alert(SAID)
        waiting = asyncio.get_running_loop().create_task(world.recorder.more(1))
        await asyncio.sleep(0)
        assert not waiting.done()
        world.recorder.alert(SAID)
        async with asyncio.timeout(5):
            await waiting

    play(tmp_path, story)


def test_a_full_disk_is_told_once_and_the_recorder_goes_on(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.recorder.alert(SAID)
        await world.written()
        world.journal.full = True
        for _ in range(5):
            world.recorder.decided([DECIDED])
            await world.written()
        codes = [alert["code"] for entry in world.recorder.last(100) for alert in entry["alerts"]]
        assert codes.count(recorder.LOST.code) == 1
        assert codes.count(SAID.code) == 6

        world.journal.full = False
        world.recorder.decided([DECIDED])
        await world.written()
        await world.written()
        again = [alert for entry in world.recorder.last(2) for alert in entry["alerts"]]
        assert again[-1]["en"] == recorder.WRITTEN_AGAIN.said(count=6).en
        assert len(world.on_disk()) == 3

    play(tmp_path, story)


def test_a_disk_that_does_not_answer_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        monkeypatch.setattr(world.background, "do", lambda work, failed: False)
        for _ in range(3):
            world.recorder.alert(SAID)
            world.recorder.flush()
        codes = [alert["code"] for entry in world.recorder.last(100) for alert in entry["alerts"]]

        assert codes.count(recorder.LOST.code) == 1

    play(tmp_path, story)
    monkeypatch.undo()


def test_the_end_of_the_journal_is_there_again_after_a_restart(tmp_path: Path) -> None:
    async def first(world: World) -> None:
        world.recorder.decided([DECIDED])
        await world.written()

    async def second(world: World) -> None:
        world.recorder.load()
        world.recorder.alert(SAID)
        before, now = world.recorder.last(10)

        assert before["event"]["event"] == "TimerFired"
        assert (before["seq"], now["seq"]) == (1, 2)

    play(tmp_path, first)
    play(tmp_path, second)


def test_entries_are_written_by_themselves_a_little_later(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        for _ in range(3):
            world.recorder.alert(SAID)
        assert not (tmp_path / "journal.jsonl").exists()
        async with asyncio.timeout(10):
            while not (tmp_path / "journal.jsonl").exists() or len(world.on_disk()) < 3:
                await asyncio.sleep(0.01)

    play(tmp_path, story)


def test_a_journal_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        (tmp_path / "journal.jsonl").mkdir()
        world.recorder.load()

        assert world.recorder.last(1)[0]["alerts"][0]["code"] == recorder.LOST.code

    play(tmp_path, story)


# --- what a replay needs ---------------------------------------------------------------------------------------------


def a_state(epoch: int = 0) -> State:
    return initial(cluster(), epoch)


def kinds(lines: list[dict[str, Any]]) -> list[str]:
    return [f"{line['kind']} {line['why']}" if "kind" in line else str(line["seq"]) for line in lines]


def state_of(line: dict[str, Any]) -> State:
    return decode_state(wire.unpack([line["state"]]))


def test_a_daemon_begins_with_a_snapshot(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        state = a_state(7)
        world.recorder.begin(state)
        world.recorder.alert(SAID)
        world.recorder.decided([DECIDED], (), state, a_state(8))
        await world.written()
        snapshot, _, entry = world.on_disk()

        assert kinds(world.on_disk()) == ["snapshot start", "1", "2"]
        assert state_of(snapshot) == state
        assert snapshot["digest"] == digest(state)
        assert (snapshot["seq"], snapshot["format"], snapshot["release"]) == (0, recorder.FORMAT, __version__)
        assert (entry["rules"], entry["configuration"]) == (RULES, 1)
        assert [line["seq"] for line in world.recorder.last(10)] == [1, 2], "snapshots are for the disk alone"

    play(tmp_path, story)


def test_a_state_that_is_not_the_one_before_it_is_written_whoever_changed_it(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        first, second = a_state(1), a_state(2)
        world.recorder.begin(first)
        world.recorder.decided([DECIDED], (), first, first)
        world.recorder.decided([DECIDED], (), second, second)
        world.recorder.decided([DECIDED], (), second, second)
        await world.written()

        assert kinds(world.on_disk()) == ["snapshot start", "1", "snapshot other", "2", "3"]
        assert state_of(world.on_disk()[2]) == second

    play(tmp_path, story)


def test_an_adopted_state_is_written_as_the_bus_brought_it(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        mine, theirs, after = a_state(1), a_state(5), a_state(6)
        packed = "".join(wire.pack(encode(theirs)))
        world.recorder.begin(mine)
        world.recorder.told("n3", wire.Snapshot("round 1", 0, 2, "of an earlier round"))
        world.recorder.told("n2", wire.Snapshot("round 2", 0, 2, packed[:50]))
        world.recorder.told("n2", wire.Snapshot("round 2", 1, 2, packed[50:]))
        world.recorder.decided([DECIDED], (), mine, after, adopted=True)
        world.recorder.decided([DECIDED], (), after, after)
        await world.written()

        assert kinds(world.on_disk()) == ["snapshot start", "snapshot adopted", "1", "2"]
        assert state_of(world.on_disk()[1]) == theirs

    play(tmp_path, story)


def test_an_adopted_state_that_nobody_heard_is_written_once_it_is_known(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        mine, after = a_state(1), a_state(6)
        world.recorder.begin(mine)
        world.recorder.told("n2", wire.Snapshot("round 2", 1, 2, "the other part is missing"))
        world.recorder.decided([DECIDED], (), mine, after, adopted=True)
        world.recorder.decided([DECIDED], (), after, after)
        await world.written()
        lines = world.on_disk()

        assert kinds(lines) == ["snapshot start", "snapshot adopted", "1", "snapshot adopted", "2"]
        assert lines[1]["state"] is None
        assert state_of(lines[3]) == after

    play(tmp_path, story)


def test_the_digest_of_the_state_is_written_now_and_then(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        states = [a_state(epoch) for epoch in range(50)]
        world.recorder.begin(states[0])
        for before, after in itertools.pairwise(states):
            world.recorder.decided([DECIDED], (), before, after)
        await world.written()
        digested = [line for line in world.on_disk() if "kind" not in line and "digest" in line]

        assert 1 <= len(digested) <= 49 // recorder.DIGEST_EVERY
        assert all(line["digest"] == digest(states[line["seq"]]) for line in digested)

    play(tmp_path, story)


def test_the_changes_the_unheard_and_the_state_belong_to_their_own_entry(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        view = Decided(e.ViewChanged("2", ("n1",), ("n1",)), (), RULES)
        change = Change("node", "n2", "Online", "Unknown", None)
        world.recorder.decided([DECIDED, view, DECIDED], (change,), unheard_ms={"n2": 870})
        await world.written()
        first, second, third = world.on_disk()

        assert "unheard_ms" not in first
        assert second["unheard_ms"] == {"n2": 870}
        assert "unheard_ms" not in third
        assert [len(line["changes"]) for line in (first, second, third)] == [0, 0, 1]

    play(tmp_path, story)


def test_after_a_full_disk_a_snapshot_comes_first(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        states = [a_state(epoch) for epoch in range(4)]
        world.recorder.begin(states[0])
        world.recorder.decided([DECIDED], (), states[0], states[1])
        await world.written()
        world.journal.full = True
        world.recorder.decided([DECIDED], (), states[1], states[2])
        await world.written()
        world.journal.full = False
        world.recorder.decided([DECIDED], (), states[2], states[3])
        await world.written()
        lines = world.on_disk()

        assert kinds(lines) == ["snapshot start", "1", "snapshot segment", "3", "4"]
        assert state_of(lines[2]) == states[2]
        assert lines[2]["seq"] == 2

    play(tmp_path, story)


def test_what_was_written_is_synced_a_little_later_and_a_flush_syncs_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    monkeypatch.setattr(recorder, "SYNC_AFTER_MS", 50)

    async def story(world: World) -> None:
        world.recorder.alert(SAID)
        world.recorder.alert(SAID)
        async with asyncio.timeout(10):
            while not synced:
                await asyncio.sleep(0.01)
        assert len(world.on_disk()) == 2
        before = len(synced)
        world.recorder.alert(SAID)
        await world.written()
        assert len(synced) > before

    play(tmp_path, story)


def test_a_disk_that_cannot_sync_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    async def story(world: World) -> None:
        monkeypatch.setattr(os, "fdatasync", broken)
        for _ in range(4):
            world.recorder.alert(SAID)
            await world.written()
            await world.written()
        codes = [alert["code"] for entry in world.recorder.last(100) for alert in entry["alerts"]]
        assert codes.count(recorder.LOST.code) == 1
        assert codes.count(recorder.WRITTEN_AGAIN.code) == 0
        monkeypatch.undo()
        world.recorder.alert(SAID)
        await world.written()
        await world.written()
        codes = [alert["code"] for entry in world.recorder.last(100) for alert in entry["alerts"]]
        assert codes.count(recorder.WRITTEN_AGAIN.code) == 1

    play(tmp_path, story)


def test_every_kind_of_action_can_be_written() -> None:
    said = Message("TEST5", "x", "x").said()
    samples = {
        "id": "1", "node": "n1", "group": "web", "resource": "app", "epoch": 1, "because": (said,), "target": "n2",
        "monitor": "m", "how": "reset", "then": "stop", "timer": "t", "after_ms": 5, "accepted": True, "said": said,
        "detail": "", "cluster": cluster(),
    }  # fmt: skip
    for kind in Action.__args__:
        action = kind(**{field.name: samples.get(field.name, field.name) for field in dataclasses.fields(kind)})
        plain = recorder.action_to_json(action)

        assert plain["action"] == kind.__name__
        assert json.loads(json.dumps(plain)) == plain
        assert ("text" in recorder.worded(plain)) == (kind not in (ArmTimer, AnswerCommand, RaiseAlert))

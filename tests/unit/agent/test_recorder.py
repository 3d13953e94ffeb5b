"""What happened is recorded with its causes; a journal that cannot be written is no reason to stop."""

import asyncio
import errno
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from komainu.agent import recorder
from komainu.agent.background import Background
from komainu.agent.journal import Journal, decode
from komainu.agent.recorder import Recorder
from komainu.agent.replica import Decided
from komainu.agent.words import Change
from komainu.core import events as e
from komainu.core.actions import ArmTimer, RaiseAlert, StartResource
from komainu.core.state import RULES
from komainu.model.message import Message

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

        assert world.on_disk() == [entry]
        assert entry["event"] == {"event": "TimerFired", "timer": "startup"}
        assert entry["text"]["en"] == "The wait startup is over."
        assert [action["action"] for action in entry["actions"]] == ["StartResource", "ArmTimer"]
        assert entry["actions"][0]["because"] == [recorder.said_to_json(SAID)]
        assert entry["alerts"] == [{**recorder.said_to_json(SAID), "detail": "why"}]
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

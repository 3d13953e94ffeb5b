"""The alert log: memory and disk together, alerts of others, and disks that are not as they should be."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

from komainu.agent.alert_record import Record
from komainu.agent.alerts import log as alert_log
from komainu.agent.alerts.log import MOST_WAITING, AlertLog
from komainu.agent.alerts.store import AlertStore, StoreBroken, Wanted
from komainu.agent.background import Background
from komainu.model.message import Said
from tests.doubles.alerts import NOON, alert, said
from tests.doubles.virtual_time import run


class TroubledStore(AlertStore):
    """On a disk that is full, or hangs, for a while."""

    full = False
    hangs: threading.Event | None = None

    def add(self, records: object) -> list[Record]:
        if self.hangs is not None:
            self.hangs.wait(20)
        if self.full:
            raise StoreBroken("database or disk is full")
        return super().add(records)  # type: ignore[arg-type]


class World:
    """One node's log."""

    def __init__(self, folder: Path) -> None:
        self.store = TroubledStore(folder / "alerts.db")
        self.background = Background()
        self.raised: list[Said] = []
        self.now_ms = NOON
        self.log = AlertLog("n1", "n1:a", self.store, self.background, self.tell, lambda: self.now_ms)

    def tell(self, said: Said, detail: str) -> None:
        self.raised.append(said)
        self.log.local(said, detail)

    async def written(self) -> None:
        """Let the thread finish what it has to do."""
        self.log.flush()
        await self.idle()

    async def idle(self) -> None:
        done = threading.Event()
        self.background.do(done.set, lambda error: None)
        assert await asyncio.to_thread(done.wait, 10)
        await asyncio.sleep(0)

    def codes(self) -> list[str]:
        return [each.code for each in self.raised]

    async def found(self, wanted: Wanted | None = None) -> list[tuple[str, int]]:
        return [each.key for each in await self.log.find(wanted or Wanted())]


def play(folder: Path, story: Callable[[World], Awaitable[None]]) -> None:
    async def told() -> None:
        world = World(folder)
        await story(world)
        world.log.close()
        assert await world.background.close(10_000)

    asyncio.run(told())


def test_streams_count_each_for_itself(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        log = world.log
        keys = [
            log.local(said(), "").key,
            log.core("L1", "n2", said(), "").key,
            log.core("L1", "", said(), "").key,
            log.local(said(), "").key,
            log.core("L2", "", said(), "").key,
        ]
        assert keys == [("n1:a", 1), ("L1", 1), ("L1", 2), ("n1:a", 2), ("L2", 1)]
        assert await world.found() == sorted(keys)

    play(tmp_path, story)


def test_what_is_asked_at_once_is_there_already_and_on_disk_afterwards(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.log.local(said("KM5303", "info"), "why")
        (found,) = await world.log.find(Wanted())
        assert (found.node, found.code, found.detail, found.at_ms) == ("n1", "KM5303", "why", NOON)
        assert await world.log.find(Wanted(level="warning")) == []
        await world.written()
        assert world.store.find(Wanted()) == [found]

    play(tmp_path, story)


def test_alerts_of_others_are_shown_once(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.log.received([alert(1), alert(2)])
        world.log.received([alert(2), alert(3)])
        await world.written()
        await world.written()
        world.log.received([alert(1)])
        await world.written()
        assert [each.n for _, each in world.log.after(0)] == [1, 2, 3]
        assert await world.found() == [("s", 1), ("s", 2), ("s", 3)]

    play(tmp_path, story)


def test_what_was_known_before_a_restart_is_not_new(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.store.add([alert(1)])
        world.log.received([alert(1), alert(2)])
        await world.written()
        assert [each.n for _, each in world.log.after(0)] == [2]

    play(tmp_path, story)


def test_whoever_follows_is_woken(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        waiting = asyncio.ensure_future(world.log.more(world.log.seq))
        await asyncio.sleep(0)
        assert not waiting.done()
        world.log.local(said(), "")
        await asyncio.wait_for(waiting, 5)

    play(tmp_path, story)


def test_a_full_disk_costs_nothing_but_time_and_is_told_once(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.store.full = True
        for _ in range(3):
            world.log.local(said(), "")
            world.log.received([alert(world.log.seq + 1)])
            await world.written()
        assert world.codes() == [alert_log.LOST.code]
        assert len(await world.found()) == 7
        world.store.full = False
        await world.written()
        assert world.codes() == [alert_log.LOST.code, alert_log.WRITTEN_AGAIN.code]
        assert "; 0 alerts are missing" in world.raised[-1].en
        await world.written()
        assert len(world.store.find(Wanted())) == 8

    play(tmp_path, story)


def test_the_disk_is_tried_again_by_itself(tmp_path: Path) -> None:
    """In virtual time: nobody asks, half a minute passes."""

    async def story() -> None:
        world = World(tmp_path)
        world.store.full = True
        world.log.local(said(), "")
        await asyncio.sleep(1)
        await world.idle()
        assert world.codes() == [alert_log.LOST.code]
        world.store.full = False
        await asyncio.sleep(alert_log.RETRY_MS / 1000 + 1)
        await world.idle()
        assert world.codes() == [alert_log.LOST.code, alert_log.WRITTEN_AGAIN.code]
        world.log.close()
        assert await world.background.close(1_000_000)

    run(story())


def test_a_disk_that_hangs_fills_no_memory_and_is_told(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.store.hangs = threading.Event()
        world.log.local(said(), "")
        world.log.flush()
        for _ in range(MOST_WAITING + 50):
            world.log.local(said(), "")
        assert world.codes() == [alert_log.LOST.code]
        assert len(world.log._waiting) == MOST_WAITING
        world.store.hangs.set()
        await world.idle()
        await world.written()
        assert world.codes() == [alert_log.LOST.code, alert_log.WRITTEN_AGAIN.code]
        assert "; 51 alerts are missing" in world.raised[-1].en

    play(tmp_path, story)


def test_a_question_does_not_wait_for_ever(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path)
        world.store.hangs = threading.Event()
        world.log.local(said(), "")
        world.log.flush()
        assert await world.found() == [("n1:a", 1)]
        assert await world.log.streams() is None
        assert await world.log.part("s", 1, 2, 3) == []
        world.store.hangs.set()
        world.log.close()
        assert await world.background.close(1_000_000)

    run(story())


def test_a_damaged_log_is_begun_anew_and_that_is_said(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        (tmp_path / "alerts.db").write_bytes(b"nonsense" * 100)
        world.log.local(said(), "")
        await world.written()
        assert world.codes() == [alert_log.LOST.code]
        await world.written()
        assert world.codes()[1:] == [alert_log.SET_ASIDE.code, alert_log.WRITTEN_AGAIN.code]

    play(tmp_path, story)


def test_without_a_store_the_last_ones_are_in_memory(tmp_path: Path) -> None:
    async def story() -> None:
        log = AlertLog("n1", "n1:a", None, Background(), lambda said, detail: None, lambda: NOON)
        log.local(said(), "")
        log.received([alert(1)])
        log.received([alert(1)])
        assert [each.key for each in await log.find(Wanted())] == [("n1:a", 1), ("s", 1)]
        assert await log.streams() is None
        log.close()

    asyncio.run(story())

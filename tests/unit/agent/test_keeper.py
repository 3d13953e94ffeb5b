"""What a restart has to find is written, once, and beside the path of a takeover."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace

from komainu.agent.background import Background
from komainu.agent.keeper import TAKEN_OVER, TRANSPORT_DIFFERS, Keeper
from komainu.core.state import initial
from komainu.model.message import Message, Said
from tests.doubles.daemons import MemoryStore, cluster

FULL = Message("TEST9", "disk full", "空きがありません", "error")


class World:
    def __init__(self) -> None:
        self.store = MemoryStore()
        self.alerts: list[Said] = []
        self.background = Background()
        self.keeper = Keeper(initial(cluster(), 3), self.store, self.background, self.alerts.append)

    async def written(self) -> None:
        """Wait until everything that was asked for is done, and what came of it told."""
        done = asyncio.Event()
        self.background.do(lambda: self.background.hand_over(done.set), lambda error: None)
        async with asyncio.timeout(10):
            await done.wait()


def play(story: Callable[[World], Awaitable[None]]) -> None:
    async def told() -> None:
        world = World()
        await story(world)
        await world.background.close(5_000)

    asyncio.run(told())


def test_a_higher_epoch_is_written_once_and_in_the_background() -> None:
    async def story(world: World) -> None:
        threads: list[str] = []
        save = world.store.save_epoch
        world.store.save_epoch = lambda epoch: threads.append(threading.current_thread().name) or save(epoch)  # type: ignore[method-assign,func-returns-value]
        state = initial(cluster(), 3)
        for epoch in (3, 2, 5, 5, 4, 6):
            world.keeper.keep(replace(state, epoch=epoch))
        await world.written()

        assert world.store.epochs == [5, 6]
        assert threads == ["background"] * 2
        assert world.alerts == []

    play(story)


def test_the_maintenance_switch_is_written_when_it_changes() -> None:
    async def story(world: World) -> None:
        state = initial(cluster(), 3)
        for on in (False, True, True, False):
            world.keeper.keep(replace(state, maintenance=on))
        await world.written()

        assert world.store.maintenance == [True, False]

    play(story)


def test_a_newer_configuration_is_committed_and_an_older_one_only_told() -> None:
    old = cluster()
    new = old.model_copy(update={"version": 2, "name": "new"})

    async def story(world: World) -> None:
        world.keeper.keep(initial(new, 3))
        world.keeper.keep(initial(new.model_copy(), 3))
        world.keeper.keep(initial(old, 3))
        await world.written()

        assert world.store.clusters == [new]
        assert world.alerts == [TAKEN_OVER.said(version=2, before=1), TAKEN_OVER.said(version=1, before=2)]

    play(story)


def test_other_times_or_nodes_need_a_restart() -> None:
    async def story(world: World) -> None:
        world.keeper.keep(initial(cluster(detect_within_ms=900, version=2), 3))

        assert world.alerts[1] == TRANSPORT_DIFFERS.said()

    play(story)


def test_a_disk_that_fails_is_told_once_until_it_works_again() -> None:
    async def story(world: World) -> None:
        state = initial(cluster(), 3)
        world.store.trouble = FULL.said()
        for epoch in (4, 5):
            world.keeper.keep(replace(state, epoch=epoch))
        await world.written()
        assert world.alerts == [FULL.said()]

        world.store.trouble = None
        world.keeper.keep(replace(state, epoch=6))
        await world.written()
        world.store.trouble = FULL.said()
        world.keeper.keep(replace(state, epoch=7))
        await world.written()
        assert world.alerts == [FULL.said()] * 2

    play(story)

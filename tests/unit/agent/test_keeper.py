"""What a restart has to find is written, once, and beside the path of a takeover."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from komainu.agent import keeper
from komainu.agent.background import Background
from komainu.agent.keeper import TAKEN_OVER, Keeper
from komainu.core.state import Change, Marks, Noted, State, Suspension, initial
from komainu.model.config import Cluster
from komainu.model.message import Message, Said
from tests.doubles.daemons import MemoryStore, cluster
from tests.doubles.votes import lease

FULL = Message("TEST9", "disk full", "空きがありません", "error")


class World:
    def __init__(self) -> None:
        self.store = MemoryStore()
        self.alerts: list[Said] = []
        self.background = Background()
        self.reloads: list[int] = []
        self.later: list[Callable[[], None]] | None = None
        self.noted: list[str] = []
        self.keeper = self.begin(initial(cluster(), 3))

    def begin(self, known: State) -> Keeper:
        """The keeper of a daemon that knows that."""
        around = (self.alerts.append, self.afterwards, self.reload)
        keeper = Keeper(known, self.store, self.background, *around, vote_epoch=4)
        keeper.noted = self.noted.append
        return keeper

    def afterwards(self, call: Callable[[], None]) -> None:
        if self.later is None:
            call()
        else:
            self.later.append(call)

    def reload(self, cluster: Cluster) -> None:
        assert cluster in self.store.clusters or self.later is not None, "the disk has it first"
        self.reloads.append(cluster.version)

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


def test_the_configuration_that_goes_on_is_kept_whatever_its_version() -> None:
    old = cluster()
    new = old.model_copy(update={"version": 2, "name": "new"})

    async def story(world: World) -> None:
        world.keeper.keep(initial(new, 3))
        world.keeper.keep(initial(new.model_copy(), 3))
        world.keeper.keep(initial(old, 3))
        await world.written()

        assert world.store.clusters == [new, old]
        assert world.alerts == [TAKEN_OVER.said(version=2, before=1), TAKEN_OVER.said(version=1, before=2)]
        assert world.reloads == []

    play(story)


def test_a_configuration_that_the_members_put_in_force_is_not_taken_over_from_others() -> None:
    async def story(world: World) -> None:
        new = cluster(version=2, language="ja")
        state = initial(cluster(), 3)
        world.keeper.keep(replace(state, change=Change("1", "n2", "c1", new, "mika", "")))
        world.keeper.keep(initial(new, 3))
        await world.written()

        assert (world.store.clusters, world.alerts) == ([new], [])

    play(story)


def test_other_times_or_nodes_are_taken_over_by_the_transport_once_the_disk_has_them() -> None:
    async def story(world: World) -> None:
        world.keeper.keep(initial(cluster(detect_within_ms=900, version=2), 3))
        assert world.reloads == []
        await world.written()
        world.keeper.keep(initial(cluster(detect_within_ms=900, nodes=3, version=3), 3))
        await world.written()

        assert world.reloads == [2, 3]

    play(story)


def test_what_only_the_old_configuration_can_stop_comes_before_the_disk_forgets_it() -> None:
    async def story(world: World) -> None:
        world.later = []
        new = cluster(version=2, detect_within_ms=900)
        world.keeper.keep(initial(new, 3))
        await world.written()
        assert world.store.clusters == []
        assert world.reloads == [2], "the others have it already"
        for call in world.later:
            call()
        await world.written()
        assert world.store.clusters == [new]

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


def test_the_newest_epoch_of_the_vote_is_written_once() -> None:
    """A record below it is an old copy, also after a restart (trap 14)."""

    async def story(world: World) -> None:
        for epoch in (3, 4, 6, 6, 5, 7):
            world.keeper.keep_vote_epoch(epoch)
        await world.written()

        assert world.store.vote_epochs == [6, 7]
        assert world.keeper.vote_epoch == 7

    play(story)


def test_a_suspension_is_told_as_noted_once_the_disk_has_it() -> None:
    async def story(world: World) -> None:
        state = initial(cluster(), 3)
        begun, all_ = Suspension("1.r.1", True), tuple(state.nodes)
        world.keeper.keep(replace(state, suspension=begun))
        world.keeper.keep(replace(state, suspension=replace(begun, noted=all_[:1])))
        assert world.noted == []
        await world.written()
        assert (world.store.suspended, world.noted) == ([Noted.BEGUN], ["1.r.1"])

        world.keeper.keep(replace(state, suspension=replace(begun, noted=all_)))
        await world.written()
        assert (world.store.suspended[1:], world.noted) == ([Noted.IN_FORCE], ["1.r.1"])

        # Whoever starts again while it is resumed must know that the others count on its right.
        world.keeper.keep(replace(state, suspension=Suspension("1.r.2", False)))
        assert world.noted == ["1.r.1"]
        await world.written()
        assert (world.store.suspended[2:], world.noted) == ([Noted.BEGUN], ["1.r.1", "1.r.2"])

        world.keeper.keep(state)
        await world.written()
        assert (world.store.suspended[3:], world.noted) == ([Noted.NOT], ["1.r.1", "1.r.2"])

    play(story)


def test_a_mark_that_was_not_written_is_written_again_by_time_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the state changes meanwhile, it is tried once at a time."""
    monkeypatch.setattr(keeper, "RETRY_S", 0.05)

    async def story(world: World) -> None:
        known = initial(lease(), 3)
        begun = replace(known, suspension=Suspension("1.r.1", True))
        world.store.trouble = FULL.said()
        for epoch in range(3, 20):
            world.keeper.keep(replace(begun, epoch=epoch))
            await world.written()
        assert world.store.tried == 1
        world.store.trouble = None
        async with asyncio.timeout(10):
            while not world.noted:
                await asyncio.sleep(0.01)
        assert world.store.suspended == [Noted.BEGUN]

    play(story)


def test_a_keeper_that_is_closed_writes_nothing_over_the_marks_of_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "RETRY_S", 0.05)

    async def story(world: World) -> None:
        known = initial(lease(), 3)
        world.store.trouble = FULL.said()
        world.keeper.keep(replace(known, suspension=Suspension("1.r.1", True)))
        await world.written()
        world.keeper.close()
        world.begin(known).keep(known)
        await world.written()
        world.store.trouble = None
        async with asyncio.timeout(10):
            while not world.store.suspended:  # the next one's retry, which comes after that of the first one would have
                await asyncio.sleep(0.01)
        await world.written()
        assert (world.store.suspended, world.store.tried) == ([Noted.NOT], 3)

    play(story)


@pytest.mark.parametrize("noted", [Noted.BEGUN, Noted.IN_FORCE])
def test_what_a_disk_has_of_a_suspension_is_written_again_by_the_next_daemon(noted: Noted) -> None:
    """The one before it may have known more than it could write."""

    async def story(world: World) -> None:
        known = initial(lease(), 3, Marks(suspended=noted))
        keeper = world.begin(known)
        keeper.keep(known)
        await world.written()
        assert (world.store.suspended, world.noted) == ([noted], [""] if noted is Noted.BEGUN else [])

        keeper.keep(initial(lease(), 3))
        await world.written()
        assert world.store.suspended[1:] == [Noted.NOT]

    play(story)


def test_a_suspension_that_could_not_be_written_is_not_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "RETRY_S", 0)

    async def story(world: World) -> None:
        world.store.trouble = FULL.said()
        world.keeper.keep(replace(initial(cluster(), 3), suspension=Suspension("1.r.1", True)))
        await world.written()
        assert (world.noted, world.alerts) == ([], [FULL.said()])

        # Nothing else happens in a quiet cluster: it is written again by itself.
        world.store.trouble = None
        async with asyncio.timeout(10):
            while not world.noted:
                await world.written()
        assert world.noted[0] == "1.r.1"

    play(story)

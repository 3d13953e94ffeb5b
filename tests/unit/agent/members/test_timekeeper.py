"""Timers: every member arms them, the first to fire is enough, and what is not wanted any more never fires."""

import asyncio
from collections.abc import Awaitable, Callable

from komainu.agent.members.timekeeper import RANK_MS, Timekeeper
from komainu.model import events as e
from komainu.model.actions import ArmTimer
from tests.doubles.virtual_time import now_ms, run


class World:
    def __init__(self) -> None:
        self.fired: list[tuple[int, e.Event]] = []
        self.wanted = ["a", "b"]
        self.rank = 0
        self.slept_ms = 0
        self.timekeeper = Timekeeper(self.propose, lambda timer: timer in self.wanted, lambda: self.rank, self.clock)

    def clock(self) -> int:
        """As CLOCK_BOOTTIME: it also counts what the loop's own clock slept through."""
        return now_ms() + self.slept_ms

    def propose(self, event: e.Event) -> None:
        self.fired.append((self.clock(), event))


def play(story: Callable[[World], Awaitable[None]]) -> None:
    async def told() -> None:
        await story(World())

    run(told())


A, B = e.TimerFired("a"), e.TimerFired("b")


def test_timers_fire_once_each_at_their_time() -> None:
    async def story(world: World) -> None:
        world.timekeeper.arm(ArmTimer("a", 2_000))
        world.timekeeper.arm(ArmTimer("b", 500))
        await asyncio.sleep(10)

        assert world.fired == [(500, B), (2_000, A)]

    play(story)


def test_a_member_of_higher_rank_waits_for_those_before_it() -> None:
    async def story(world: World) -> None:
        world.rank = 2
        world.timekeeper.arm(ArmTimer("a", 1_000))
        await asyncio.sleep(10)

        assert world.fired == [(1_000 + 2 * RANK_MS, A)]

    play(story)


def test_what_another_member_fired_is_forgotten() -> None:
    async def story(world: World) -> None:
        world.rank = 1
        world.timekeeper.arm(ArmTimer("a", 1_000))
        await asyncio.sleep(1.1)
        world.wanted.remove("a")  # the firing of the member before us was delivered
        await asyncio.sleep(10)

        assert world.fired == []

    play(story)


def test_a_member_that_moves_up_does_not_wait_longer() -> None:
    async def story(world: World) -> None:
        world.rank = 1
        world.timekeeper.arm(ArmTimer("a", 1_000))
        await asyncio.sleep(1.1)
        world.rank = 0
        world.timekeeper.look()

        assert world.fired == [(1_100, A)]

    play(story)


def test_a_timer_that_is_armed_again_begins_anew_and_a_reset_forgets_all() -> None:
    async def story(world: World) -> None:
        world.timekeeper.arm(ArmTimer("a", 1_000))
        await asyncio.sleep(0.9)
        world.timekeeper.arm(ArmTimer("a", 1_000))
        world.timekeeper.arm(ArmTimer("b", 5_000))
        await asyncio.sleep(1.5)
        assert world.fired == [(1_900, A)]
        world.timekeeper.reset()
        await asyncio.sleep(10)
        assert world.fired == [(1_900, A)]

    play(story)


def test_time_that_the_machine_slept_counts() -> None:
    async def story(world: World) -> None:
        world.timekeeper.arm(ArmTimer("a", 60_000))
        await asyncio.sleep(1)
        world.slept_ms = 70_000
        world.timekeeper.look()

        assert world.fired == [(71_000, A)]

    play(story)


def test_it_tells_how_long_is_left() -> None:
    async def story(world: World) -> None:
        world.timekeeper.arm(ArmTimer("a", 2_000))
        await asyncio.sleep(0.5)
        assert world.timekeeper.left_ms() == {"a": 1_500}
        world.slept_ms = 5_000

        assert world.timekeeper.left_ms() == {"a": 0}

    play(story)

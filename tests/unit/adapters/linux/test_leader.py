"""One process followed by its pidfd."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import pytest

from komainu.adapters.linux import proc
from komainu.adapters.linux.leader import Ending, Leader
from komainu.adapters.linux.spawn import Program, own_account, spawn
from tests.unit.adapters.linux.workbench import SLEEPER, shell, until

pytestmark = pytest.mark.processes

Story = Callable[[Leader, list[Ending]], Awaitable[None]]


def follow(argv: tuple[str, ...], story: Story) -> None:
    """Start a program and tell a story about it; it is ended afterwards."""

    async def run() -> None:
        endings: list[Ending] = []
        pid, descriptor = spawn(Program(argv), own_account(), {}, None, None)
        leader = Leader.child(pid, descriptor, endings.append)
        try:
            await story(leader, endings)
        finally:
            leader.kill_group()
            await leader.wait(10_000)

    asyncio.run(run())


def test_the_exit_code_is_told_once() -> None:
    async def story(leader: Leader, endings: list[Ending]) -> None:
        assert await leader.wait(10_000) == Ending(code=3)
        assert await leader.wait(0) == Ending(code=3)
        assert endings == [Ending(code=3)]
        assert not leader.alive
        assert proc.read(leader.pid) is None, "no zombie is left"
        leader.signal(signal.SIGTERM)
        leader.kill_group()
        leader.release()

    follow(shell("exit 3"), story)


def test_the_signal_is_told() -> None:
    async def story(leader: Leader, endings: list[Ending]) -> None:
        assert leader.alive
        assert await leader.wait(20) is None
        leader.signal(signal.SIGKILL)
        assert await leader.wait(10_000) == Ending(signal=signal.SIGKILL)
        assert endings == [Ending(signal=signal.SIGKILL)]

    follow(SLEEPER, story)


def test_death_is_known_before_the_event_loop_turns() -> None:
    async def story(leader: Leader, endings: list[Ending]) -> None:
        descriptor = os.pidfd_open(leader.pid)
        leader.signal(signal.SIGKILL)
        while not proc.ended(descriptor):
            pass  # on purpose without giving way to the event loop
        os.close(descriptor)
        assert not leader.alive
        assert not endings

    follow(SLEEPER, story)


def test_an_adopted_process_is_followed_and_another_with_its_id_is_not() -> None:
    async def story(leader: Leader, endings: list[Ending]) -> None:
        later: list[Ending] = []
        assert Leader.adopted(leader.pid, leader.start_time + 1, later.append) is None
        assert Leader.adopted(0, 0, later.append) is None
        adopted = Leader.adopted(leader.pid, leader.start_time, later.append)
        assert adopted is not None
        leader.signal(signal.SIGKILL)
        assert await adopted.wait(10_000) is not None
        await until(lambda: endings, "the first follower heard nothing")
        assert len(later) == 1
        assert Leader.adopted(leader.pid, leader.start_time, later.append) is None

    follow(SLEEPER, story)


def test_a_released_process_goes_on_unheard() -> None:
    async def story(leader: Leader, endings: list[Ending]) -> None:
        heard: list[Ending] = []
        other = Leader.adopted(leader.pid, leader.start_time, heard.append)
        assert other is not None
        waiting = asyncio.create_task(other.wait(10_000))
        await asyncio.sleep(0)
        other.release()
        other.release()
        assert await waiting is None
        assert not other.alive
        assert leader.alive
        leader.signal(signal.SIGKILL)
        await until(lambda: endings, "the follower heard nothing")
        assert not heard

    follow(SLEEPER, story)

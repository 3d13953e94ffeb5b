"""Who belongs together, and the certain end of all."""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from komainu.adapters.linux import cgroups, proc
from komainu.adapters.linux.cgroups import Cgroup
from komainu.adapters.linux.kin import Kin
from komainu.adapters.linux.leader import Ending, Leader
from komainu.adapters.linux.spawn import Program, own_account, spawn
from tests.unit.adapters.linux.workbench import CONTAINED, SLEEPER, STUBBORN, double_fork, quoted, runs, shell, told

pytestmark = pytest.mark.processes

FREEZER = Path("/sys/fs/cgroup/freezer")


@asynccontextmanager
async def started(argv: tuple[str, ...], contained: bool) -> AsyncIterator[Kin]:
    """A program and all it starts; ended afterwards."""
    here = cgroups.here() if contained else None
    group = None if here is None else Cgroup(here.path / f"komainu-test-{uuid.uuid4().hex[:8]}")
    if group is not None:
        group.make()
    owner = f"test-{uuid.uuid4().hex[:8]}/n/g/r"
    mark = {"KOMAINU_INSTANCE": f"{owner}/1"}
    pid, descriptor = spawn(Program(argv), own_account(), mark, group.entry if group else None, None)
    kin = Kin(f"KOMAINU_INSTANCE={owner}/", Leader.child(pid, descriptor, nobody_listens), group)
    try:
        yield kin
    finally:
        assert await kin.end(signal.SIGKILL, 0, 10_000) == ()
        if group is not None:
            group.remove()
            assert not group.path.exists()


def nobody_listens(_: Ending) -> None:
    pass


async def pids(kin: Kin) -> list[int]:
    return [process.pid for process in await kin.living()]


@CONTAINED
def test_a_daemon_that_forked_twice_is_found_after_its_leader_ended(tmp_path: Path, contained: bool) -> None:
    async def story() -> None:
        async with started(double_fork(tmp_path / "pid"), contained) as kin:
            assert kin.leader is not None
            daemon = await told(tmp_path / "pid")
            assert await kin.leader.wait(10_000) == Ending(code=0)
            assert await pids(kin) == [daemon]
            assert await kin.end(signal.SIGTERM, 10_000, 10_000) == ()
            assert not runs(daemon)

    asyncio.run(story())


@pytest.mark.skipif(cgroups.here() is None, reason="no writable cgroup")
def test_in_a_control_group_nothing_can_hide(tmp_path: Path) -> None:
    """Another session, an empty environment, no parent of ours: still inside."""
    hidden = f"setsid env -i sh -c 'echo $$ > {tmp_path}/pid; exec sleep 1000' &"

    async def story() -> None:
        async with started(shell(hidden), contained=True) as kin:
            assert kin.leader is not None
            daemon = await told(tmp_path / "pid")
            await kin.leader.wait(10_000)
            assert await pids(kin) == [daemon]
            assert await kin.end(signal.SIGTERM, 10_000, 10_000) == ()
            assert not runs(daemon)

    asyncio.run(story())


def test_children_of_a_living_leader_are_found_without_mark_and_group(tmp_path: Path) -> None:
    same_session = f"env -i sh -c 'echo $$ > {tmp_path}/one; exec sleep 1000' &"
    child_elsewhere = f"exec setsid --wait env -i sh -c 'echo $$ > {tmp_path}/two; exec sleep 1000'"

    async def story() -> None:
        async with started(shell(f"{same_session} {quoted(*shell(child_elsewhere))} & wait"), contained=False) as kin:
            one, two = await told(tmp_path / "one"), await told(tmp_path / "two")
            assert {one, two} < set(await pids(kin))
            assert await kin.end(signal.SIGKILL, 0, 10_000) == ()
            assert not runs(one)
            assert not runs(two)

    asyncio.run(story())


@CONTAINED
def test_the_leader_is_asked_first_and_alone(tmp_path: Path, contained: bool) -> None:
    """A server that ends its workers itself must not find them dead already."""
    worker = (
        f"trap 'echo worker asked >> {tmp_path}/order; exit' TERM; touch {tmp_path}/up; while :; do sleep 0.01; done"
    )
    leader = f"""
        {quoted(*shell(worker))} &
        worker=$!
        trap 'echo leader asked >> {tmp_path}/order; sleep 0.1; kill $worker; wait $worker; exit' TERM
        while [ ! -e {tmp_path}/up ]; do sleep 0.01; done
        echo $$ > {tmp_path}/pid
        while :; do sleep 0.01; done
    """

    async def story() -> None:
        async with started(shell(leader), contained) as kin:
            await told(tmp_path / "pid")
            assert await kin.end(signal.SIGTERM, 10_000, 10_000) == ()
            assert (tmp_path / "order").read_text().splitlines() == ["leader asked", "worker asked"]

    asyncio.run(story())


@CONTAINED
def test_who_ignores_the_signal_is_killed(contained: bool) -> None:
    async def story() -> None:
        async with started(STUBBORN, contained) as kin:
            assert kin.leader is not None
            while not signal_ignored(kin.leader.pid, signal.SIGTERM):
                await asyncio.sleep(0.005)
            assert await kin.end(signal.SIGTERM, 100, 10_000) == ()
            assert await kin.leader.wait(0) == Ending(signal=signal.SIGKILL)

    asyncio.run(story())


def signal_ignored(pid: int, number: int) -> bool:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigIgn:"):
            return bool(int(line.split()[1], 16) & 1 << (number - 1))
    raise AssertionError("no SigIgn")


@CONTAINED
def test_a_stopped_process_hears_the_signal_too(contained: bool) -> None:
    async def story() -> None:
        async with started(SLEEPER, contained) as kin:
            assert kin.leader is not None
            kin.leader.signal(signal.SIGSTOP)
            assert await kin.end(signal.SIGTERM, 10_000, 10_000) == ()
            assert await kin.leader.wait(0) == Ending(signal=signal.SIGTERM)

    asyncio.run(story())


@CONTAINED
def test_processes_that_multiply_come_to_an_end(tmp_path: Path, contained: bool) -> None:
    """Each child lives a moment and makes the next one: whoever kills what he saw is always too late once."""
    text = f"""
import os, time
open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
for _ in range(100000):
    if os.fork():
        os._exit(0)
    os.setsid()
    time.sleep(0.01)
"""

    async def story() -> None:
        async with started((sys.executable, "-S", "-E", "-c", text), contained) as kin:
            await told(tmp_path / "pid")
            assert await kin.end(signal.SIGKILL, 0, 20_000) == ()
            assert await pids(kin) == []

    asyncio.run(story())


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Hold a process in the kernel, as a disk that does not answer would: not even SIGKILL ends it."""
    group = FREEZER / f"komainu-test-{uuid.uuid4().hex[:8]}"
    group.mkdir()
    try:
        (group / "cgroup.procs").write_text(str(pid))
        (group / "freezer.state").write_text("FROZEN")
        yield
    finally:
        (group / "freezer.state").write_text("THAWED")
        descriptor = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        while not proc.ended(descriptor):
            os.sched_yield()
        os.close(descriptor)
        group.rmdir()


@pytest.mark.skipif(not os.access(FREEZER, os.W_OK), reason="only the freezer of cgroup version 1 holds off SIGKILL")
@CONTAINED
def test_who_does_not_end_is_named(contained: bool) -> None:
    async def story() -> None:
        async with started(SLEEPER, contained) as kin:
            assert kin.leader is not None
            with frozen(kin.leader.pid):
                assert await kin.end(signal.SIGTERM, 50, 200) == (kin.leader.pid,)

    asyncio.run(story())


def test_kill_now_ends_what_can_be_found_without_waiting(tmp_path: Path) -> None:
    async def story(contained: bool) -> None:
        tell = tmp_path / f"pid-{contained}"
        async with started(double_fork(tell, then="import time; time.sleep(1000)"), contained) as kin:
            assert kin.leader is not None
            daemon = await told(tell)
            descriptor = os.pidfd_open(daemon)
            kin.kill_now()
            assert await kin.leader.wait(10_000) == Ending(signal=signal.SIGKILL)
            # Without a control group a daemon in its own session is only found by looking: `end` does.
            assert await proc.wait_ended([descriptor], 10_000 if contained else 0) is contained
            os.close(descriptor)

    if cgroups.here() is not None:
        asyncio.run(story(contained=True))
    asyncio.run(story(contained=False))


def test_a_stranger_is_left_alone() -> None:
    async def story() -> None:
        async with started(SLEEPER, contained=False) as one, started(SLEEPER, contained=False) as other:
            assert one.leader is not None
            assert other.leader is not None
            assert await pids(one) == [one.leader.pid]
            assert await one.end(signal.SIGKILL, 0, 10_000) == ()
            assert other.leader.alive

    asyncio.run(story())

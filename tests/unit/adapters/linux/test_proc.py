"""Processes as /proc shows them."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from komainu.adapters.linux import proc

pytestmark = pytest.mark.processes


@contextmanager
def sleeping(*argv: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(argv or ("sleep", "1000"), env={**os.environ, **environment}) as child:
        try:
            yield child
        finally:
            child.kill()


def started(pid: int) -> proc.Process:
    found = proc.read(pid)
    assert found is not None
    return found


def test_a_process_is_read_with_its_parent_and_session() -> None:
    own = started(os.getpid())

    assert (own.pid, own.parent, own.session, own.dead) == (os.getpid(), os.getppid(), os.getsid(0), False)


def test_a_name_with_brackets_and_spaces_does_not_confuse(tmp_path: Path) -> None:
    odd = tmp_path / "a) Z 1 (b"
    shutil.copy("/bin/sleep", odd)
    with sleeping(str(odd), "1000") as child:
        assert started(child.pid).parent == os.getpid()


def test_a_zombie_is_dead_and_an_unknown_id_is_nobody() -> None:
    with sleeping("true") as child:
        descriptor = os.pidfd_open(child.pid)
        assert asyncio.run(proc.wait_ended([descriptor], 10_000))
        os.close(descriptor)
        assert started(child.pid).dead
        child.wait()
        assert proc.read(child.pid) is None


def test_a_mark_is_an_entry_of_the_environment_and_not_a_part_of_one() -> None:
    with sleeping(KOMAINU_INSTANCE="c/n/g/app/1") as child:
        descriptor = os.pidfd_open(child.pid)
        try:
            # Until exec is through, the environment is that of the parent.
            while not proc.carries(child.pid, "KOMAINU_INSTANCE=c/n/g/app/"):
                assert not proc.ended(descriptor)
        finally:
            os.close(descriptor)
        assert not proc.carries(child.pid, "KOMAINU_INSTANCE=c/n/g/ap/")
        assert not proc.carries(child.pid, "INSTANCE=c/n/g/app/")
    assert not proc.carries(child.pid, "KOMAINU_INSTANCE=c/n/g/app/")


def test_everyone_includes_children_and_leaves_out_oneself() -> None:
    async def story(pid: int) -> None:
        pids = [process.pid async for process in proc.everyone()]
        assert pid in pids
        assert os.getpid() not in pids

    with sleeping() as child:
        asyncio.run(story(child.pid))


def test_a_reused_id_is_not_held() -> None:
    with sleeping() as child:
        process = started(child.pid)
        assert proc.hold(child.pid, process.start_time + 1) is None
        descriptor = proc.hold(child.pid, process.start_time)
        assert descriptor is not None
        assert not proc.ended(descriptor)
        child.kill()
        child.wait()
        assert proc.ended(descriptor)
        os.close(descriptor)
        assert proc.hold(child.pid, process.start_time) is None


def test_waiting_ends_with_the_last_process_or_with_the_time() -> None:
    async def story(pids: list[int]) -> None:
        descriptors = [os.pidfd_open(pid) for pid in pids]
        try:
            assert not await proc.wait_ended(descriptors, 0)
            proc.signal_all(descriptors[:1], signal.SIGKILL)
            assert not await proc.wait_ended(descriptors, 50)
            proc.signal_all(descriptors, signal.SIGKILL)
            assert await proc.wait_ended(descriptors, 10_000)
            assert await proc.wait_ended(descriptors, 0)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    with sleeping() as one, sleeping() as two:
        asyncio.run(story([one.pid, two.pid]))


def test_a_boot_has_a_name() -> None:
    assert len(proc.boot_id()) == 36

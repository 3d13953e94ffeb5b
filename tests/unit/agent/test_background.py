"""Work that may wait for a disk: in order, in a thread, and bounded."""

import asyncio
import threading

import pytest

from komainu.agent import background
from komainu.agent.background import Background


def test_work_is_done_in_order_and_in_another_thread() -> None:
    async def story() -> None:
        done: list[int] = []
        threads: list[str] = []
        work = Background()
        for number in range(100):
            work.do(lambda number=number: done.append(number), lambda error: None)  # type: ignore[misc]
        work.do(lambda: threads.append(threading.current_thread().name), lambda error: None)

        assert await work.close(10_000)
        assert done == list(range(100))
        assert threads == ["background"]

    asyncio.run(story())


def test_what_work_raises_is_told_in_the_loop_and_the_next_work_is_done() -> None:
    async def story() -> None:
        told: list[tuple[str, str]] = []
        came = asyncio.Event()

        def failed(error: Exception) -> None:
            told.append((threading.current_thread().name, str(error)))
            came.set()

        def fails() -> None:
            raise OSError("no space left")

        done: list[int] = []
        work = Background()
        work.do(fails, failed)
        work.do(lambda: done.append(1), failed)
        async with asyncio.timeout(10):
            await came.wait()
        await work.close(10_000)

        assert told == [(threading.main_thread().name, "no space left")]
        assert done == [1]

    asyncio.run(story())


def test_a_disk_that_hangs_does_not_fill_the_memory_nor_keep_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "MOST_WAITING", 3)

    async def story() -> None:
        release = threading.Event()
        waits: list[bool] = []
        work = Background()
        try:
            taken = [work.do(lambda: waits.append(release.wait(30)), lambda error: None) for _ in range(20)]

            assert 3 <= taken.count(True) <= 4
            assert not await work.close(50)
        finally:
            release.set()
            await work.close(10_000)

    asyncio.run(story())

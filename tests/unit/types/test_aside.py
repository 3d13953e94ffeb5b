"""Work in a thread beside the loop: its result, what it raises, and what happens when it hangs."""

import asyncio
import errno
import threading
from collections.abc import Awaitable, Callable

import pytest

from komainu.types.aside import Aside

LONG_MS = 20_000


def play(story: Callable[["Aside[object]"], Awaitable[None]]) -> None:
    async def told() -> None:
        await story(Aside("test"))

    asyncio.run(told())


async def free(aside: "Aside[object]") -> None:
    async with asyncio.timeout(LONG_MS / 1000):
        while aside.busy:
            await asyncio.sleep(0.001)


def test_the_result_and_what_it_raises_come_back() -> None:
    async def story(aside: Aside[object]) -> None:
        assert await aside.do(threading.get_ident, LONG_MS) != threading.get_ident()
        assert not aside.busy
        with pytest.raises(ZeroDivisionError):
            await aside.do(lambda: 1 // 0, LONG_MS)

    play(story)


def test_one_that_hangs_is_left_alone_and_no_second_one_is_started() -> None:
    release = threading.Event()
    begun: list[int] = []

    def hang() -> object:
        begun.append(1)
        return release.wait(LONG_MS / 1000)

    async def story(aside: Aside[object]) -> None:
        try:
            with pytest.raises(TimeoutError):
                await aside.do(hang, 20)
            assert aside.busy
            with pytest.raises(TimeoutError, match="has not come back yet"):
                await aside.do(hang, LONG_MS)
            assert begun == [1]
        finally:
            release.set()
        await free(aside)
        assert await aside.do(lambda: "again", LONG_MS) == "again"

    play(story)


def test_the_loop_goes_on_meanwhile() -> None:
    release = threading.Event()

    async def story(aside: Aside[object]) -> None:
        asyncio.get_running_loop().call_soon(release.set)
        assert await aside.do(lambda: release.wait(LONG_MS / 1000), LONG_MS) is True

    play(story)


def test_whoever_no_longer_waits_is_not_told() -> None:
    release = threading.Event()

    async def story(aside: Aside[object]) -> None:
        task = asyncio.get_running_loop().create_task(aside.do(lambda: release.wait(LONG_MS / 1000), LONG_MS))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        release.set()
        await free(aside)

    play(story)


def test_a_machine_without_threads_to_give_is_an_error_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def story(aside: Aside[object]) -> None:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(OSError, match="can't start new thread") as caught:
            await aside.do(lambda: None, LONG_MS)
        assert caught.value.errno == errno.EAGAIN
        assert not aside.busy

    play(story)

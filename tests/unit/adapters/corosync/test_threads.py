"""Calls in threads: their results, their errors, and what becomes of a result that nobody waits for."""

import asyncio
import threading
from typing import NoReturn

import pytest

from komainu.adapters.corosync.threads import in_thread

DEADLINE_S = 10


def test_the_result_and_the_exception_come_back() -> None:
    def fails() -> NoReturn:
        raise OSError("no")

    async def run() -> None:
        main = threading.get_ident()
        assert await in_thread(threading.get_ident) != main
        with pytest.raises(OSError, match="no"):
            await in_thread(fails)

    asyncio.run(run())


def test_the_loop_goes_on_meanwhile() -> None:
    async def run() -> None:
        gate = threading.Event()
        waiting = in_thread(lambda: gate.wait(DEADLINE_S))
        asyncio.get_running_loop().call_soon(gate.set)
        assert await waiting

    asyncio.run(run())


def test_a_result_that_nobody_waits_for_is_discarded() -> None:
    gate, discarded = threading.Event(), threading.Event()
    found: list[str] = []

    def discard(result: str) -> None:
        found.append(result)
        discarded.set()

    def slow() -> str:
        gate.wait(DEADLINE_S)
        return "late"

    async def run() -> None:
        in_thread(slow, discard).cancel()
        gate.set()
        while not discarded.is_set():
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(run(), DEADLINE_S))
    assert found == ["late"]


def test_a_result_after_the_end_of_the_loop_is_discarded_and_holds_nothing_up() -> None:
    gate, discarded = threading.Event(), threading.Event()

    async def run() -> None:
        in_thread(lambda: gate.wait(DEADLINE_S), lambda _: discarded.set())

    asyncio.run(run())  # ends although the call has not
    gate.set()
    assert discarded.wait(DEADLINE_S)

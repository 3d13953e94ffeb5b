"""The bus's own duties, on a connection of our own: window, retries, loss, and stopping in every state.

What it does on corosync is in tests/ports/test_bus.py.
"""

import asyncio
import contextlib
import os
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from komainu.adapters.corosync import bus as bus_module, libcpg
from komainu.adapters.corosync.bus import EVENTS_PER_TURN, LARGEST_PAYLOAD, LOST, WINDOW, CorosyncBus
from komainu.adapters.corosync.libcpg import (
    Connection,
    CpgError,
    CpgEvent,
    Delivered,
    GroupChanged,
    LibraryMissingError,
    Process,
    RingChanged,
)
from komainu.model.message import Said
from komainu.ports import BusView, RingId

DEADLINE_S = 20
OWN, PID = 1, 20
ALONE = BusView(RingId(1, 5), (1,), (1,))


class StubConnection:
    """Stands for a connection to corosync; what it tells and whether it takes messages is up to the test."""

    node, pid = OWN, PID

    def __init__(self) -> None:
        self.fd, self._bell = os.pipe()
        os.set_blocking(self._bell, False)
        self.events: deque[CpgEvent | CpgError] = deque()
        self.taken: list[bytes] = []
        self.refusals = 0
        self.broken = False
        self.did: list[str] = []
        self.closed = threading.Event()
        self.hang: threading.Event | None = None

    def tell(self, *events: CpgEvent | CpgError) -> None:
        self.events.extend(events)
        os.write(self._bell, b"!" * len(events))

    def tell_first_view(self) -> None:
        self.tell(GroupChanged((Process(OWN, PID, 0),), (), (Process(OWN, PID, 1),)), RingChanged(1, 5, (1,)))

    def deliver_own(self, count: int) -> None:
        self.tell(*(Delivered(OWN, PID, b"own") for _ in range(count)))

    def receive(self) -> CpgEvent | None:
        if not self.events:
            return None
        os.read(self.fd, 1)
        event = self.events.popleft()
        if isinstance(event, CpgError):
            raise event
        return event

    def send(self, payload: bytes) -> bool:
        if self.broken:
            raise CpgError("cpg_mcast_joined", 2)
        if self.refusals:
            self.refusals -= 1
            return False
        self.taken.append(payload)
        return True

    def join(self, group: str) -> None:
        self.did.append(f"join {group}")

    def leave(self, group: str) -> None:
        self.did.append(f"leave {group}")
        if self.hang is not None:
            self.hang.wait(DEADLINE_S)

    def close(self) -> None:
        self.did.append("close")
        os.close(self.fd)
        os.close(self._bell)
        self.closed.set()


class Listener:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.on_each: Callable[[object], None] = lambda _: None
        self.more = asyncio.Event()

    def _note(self, what: object) -> None:
        self.heard.append(what)
        self.more.set()
        self.on_each(what)

    def on_view(self, view: BusView) -> None:
        self._note(view)

    def on_message(self, sender: int, payload: bytes) -> None:
        self._note((sender, payload))

    def on_lost(self, reason: Said) -> None:
        self._note(reason.code)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not holds():
                self.more.clear()
                await self.more.wait()


class Bench:
    """A bus, its listener and the connections it made. `refuse_first` attempts to connect fail."""

    def __init__(self, refuse_first: int = 0) -> None:
        self.connections: list[StubConnection] = []
        self.attempts = 0
        self._refuse = refuse_first
        self.listener = Listener()
        self.bus = CorosyncBus("test", cast(Callable[[], Connection], self._connect))

    def _connect(self) -> StubConnection:
        self.attempts += 1
        if self.attempts <= self._refuse:
            raise CpgError("cpg_model_initialize", 2)
        connection = StubConnection()
        connection.tell_first_view()
        self.connections.append(connection)
        return connection

    async def connected(self) -> StubConnection:
        """Wait for the first view of the newest connection."""
        views = len([h for h in self.listener.heard if isinstance(h, BusView)])
        await self.listener.until(lambda: len([h for h in self.listener.heard if isinstance(h, BusView)]) > views)
        return self.connections[-1]


def play(story: Callable[[Bench], Awaitable[None]], refuse_first: int = 0) -> Bench:
    """Run a story on a bench whose bus is started, and stop the bus afterwards."""

    async def run() -> Bench:
        bench = Bench(refuse_first)
        await bench.bus.start(bench.listener)
        try:
            async with asyncio.timeout(DEADLINE_S):
                await story(bench)
        finally:
            await bench.bus.stop()
        async with asyncio.timeout(DEADLINE_S):
            while not all(connection.closed.is_set() for connection in bench.connections):
                await asyncio.sleep(0.001)  # every connection is given back
        return bench

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def _no_library_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_module, "load", lambda: None)


async def turns(count: int = 10) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_it_joins_its_group_and_leaves_it() -> None:
    async def story(bench: Bench) -> None:
        await bench.connected()

    bench = play(story)
    assert bench.listener.heard == [ALONE]
    assert bench.connections[0].did == ["join test", "leave test", "close"]


def test_it_tries_until_corosync_runs() -> None:
    async def story(bench: Bench) -> None:
        await bench.connected()

    bench = play(story, refuse_first=3)
    assert bench.attempts == 4
    assert bench.listener.heard == [ALONE]


def test_a_busy_join_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [CpgError("cpg_join", 6), None]

    def join(self: StubConnection, group: str) -> None:
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    monkeypatch.setattr(StubConnection, "join", join)

    async def story(bench: Bench) -> None:
        await bench.connected()

    bench = play(story)
    assert bench.connections[0].did == ["close"]


def test_the_window_bounds_what_is_not_yet_delivered() -> None:
    async def story(bench: Bench) -> None:
        connection = await bench.connected()
        for number in range(3 * WINDOW):
            bench.bus.send(b"%d" % number)
        assert len(connection.taken) == WINDOW
        connection.tell(Delivered(OWN, PID + 1, b"of an earlier process"), Delivered(2, PID, b"of another node"))
        connection.deliver_own(5)
        await bench.listener.until(lambda: len(bench.listener.heard) == 8)
        await turns()
        assert len(connection.taken) == WINDOW + 5
        connection.deliver_own(WINDOW)
        await bench.listener.until(lambda: len(bench.listener.heard) == 8 + WINDOW)
        await turns()
        assert connection.taken == [b"%d" % number for number in range(2 * WINDOW + 5)]
        connection.deliver_own(2 * WINDOW)
        await bench.listener.until(lambda: len(connection.taken) == 3 * WINDOW)

    play(story)


def test_a_busy_corosync_gets_the_messages_again_in_order() -> None:
    async def story(bench: Bench) -> None:
        connection = await bench.connected()
        connection.refusals = 3
        for payload in (b"a", b"b", b"c"):
            bench.bus.send(payload)
        assert connection.taken == []
        while len(connection.taken) < 3:
            await asyncio.sleep(0.001)
        assert connection.taken == [b"a", b"b", b"c"]

    play(story)


def test_too_large_a_message_is_refused_whether_connected_or_not() -> None:
    async def story(bench: Bench) -> None:
        with pytest.raises(ValueError, match="1000001"):
            bench.bus.send(bytes(LARGEST_PAYLOAD + 1))
        connection = await bench.connected()
        with pytest.raises(ValueError, match="1000001"):
            bench.bus.send(bytes(LARGEST_PAYLOAD + 1))
        bench.bus.send(bytes(LARGEST_PAYLOAD))
        assert [len(payload) for payload in connection.taken] == [LARGEST_PAYLOAD]

    play(story)


def test_a_loss_is_told_once_and_what_was_queued_is_dropped() -> None:
    async def story(bench: Bench) -> None:
        bench.bus.send(b"before the first view")
        first = await bench.connected()
        assert first.taken == []
        for _ in range(WINDOW + 10):
            bench.bus.send(b"x")
        first.tell(CpgError("cpg_dispatch", 2))
        await bench.listener.until(lambda: LOST.code in bench.listener.heard)
        bench.bus.send(b"while there is none")
        second = await bench.connected()
        await turns()
        assert second.taken == []
        bench.bus.send(b"y")
        assert second.taken == [b"y"]

    bench = play(story)
    assert bench.listener.heard == [ALONE, LOST.code, ALONE]


def test_a_loss_noticed_while_sending_is_told_after_the_call() -> None:
    async def story(bench: Bench) -> None:
        connection = await bench.connected()
        connection.broken = True
        bench.bus.send(b"x")
        assert bench.listener.heard == [ALONE], "never from within the listener's own call"
        bench.bus.send(b"x")
        await bench.connected()

    bench = play(story)
    assert bench.listener.heard == [ALONE, LOST.code, ALONE]


def test_a_listener_that_raises_spoils_nothing_for_the_next_event() -> None:
    failures: list[dict[str, Any]] = []

    async def story(bench: Bench) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context))
        connection = await bench.connected()

        def fail_once(what: object) -> None:
            bench.listener.on_each = lambda _: None
            raise RuntimeError("a defect of the listener")

        bench.listener.on_each = fail_once
        connection.tell(Delivered(2, PID, b"first"), Delivered(2, PID, b"second"))
        await bench.listener.until(lambda: (2, b"second") in bench.listener.heard)

    play(story)
    assert [str(failure["exception"]) for failure in failures] == ["a defect of the listener"]


def test_many_events_do_not_take_the_loop_for_themselves() -> None:
    async def story(bench: Bench) -> None:
        connection = await bench.connected()
        in_one_turn: list[int] = []
        count = 0

        def note(_: object) -> None:
            nonlocal count
            if count == 0:
                asyncio.get_running_loop().call_soon(end_of_turn)
            count += 1

        def end_of_turn() -> None:
            nonlocal count
            in_one_turn.append(count)
            count = 0

        bench.listener.on_each = note
        connection.tell(*(Delivered(2, PID, b"x") for _ in range(3 * EVENTS_PER_TURN + 1)))
        await bench.listener.until(lambda: len(bench.listener.heard) == 2 + 3 * EVENTS_PER_TURN)
        await turns()
        assert in_one_turn == [EVENTS_PER_TURN, EVENTS_PER_TURN, EVENTS_PER_TURN, 1]

    play(story)


def test_stop_first_hands_over_what_is_queued() -> None:
    async def story(bench: Bench) -> None:
        connection = await bench.connected()
        for _ in range(WINDOW + 1):
            bench.bus.send(b"x")
        asyncio.get_running_loop().call_later(0.01, connection.deliver_own, 1)
        await bench.bus.stop()
        assert len(connection.taken) == WINDOW + 1
        heard = len(bench.listener.heard)
        await turns()
        assert len(bench.listener.heard) == heard

    play(story)


def test_stop_does_not_wait_for_ever_for_a_corosync_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_module, "DRAIN_TIMEOUT_MS", 10)
    monkeypatch.setattr(bus_module, "LEAVE_TIMEOUT_MS", 10)

    async def story(bench: Bench) -> None:
        connection = await bench.connected()
        connection.hang = threading.Event()
        for _ in range(WINDOW + 1):
            bench.bus.send(b"x")
        await bench.bus.stop()
        assert connection.did == ["join test", "leave test"]
        connection.hang.set()

    play(story)


def test_stop_while_it_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, began = threading.Event(), threading.Event()
    monkeypatch.setattr(bus_module, "CONNECT_TIMEOUT_MS", 1)
    original = StubConnection.join

    def slow_join(self: StubConnection, group: str) -> None:
        began.set()
        gate.wait(DEADLINE_S)
        original(self, group)

    monkeypatch.setattr(StubConnection, "join", slow_join)

    async def story(bench: Bench) -> None:
        while not began.is_set():
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        await bench.bus.stop()
        gate.set()

    bench = play(story)
    assert bench.listener.heard == []


def test_stop_twice_and_without_start() -> None:
    async def story(bench: Bench) -> None:
        await bench.connected()
        await bench.bus.stop()
        with pytest.raises(RuntimeError, match="once"):
            await bench.bus.start(bench.listener)

    play(story)
    asyncio.run(CorosyncBus().stop())


def test_without_the_library_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_module, "load", lambda: libcpg.load("libcpg-of-no-such-version.so.99"))

    async def run() -> None:
        with pytest.raises(LibraryMissingError, match="apt-get install"):
            await CorosyncBus().start(Listener())

    asyncio.run(run())


def test_a_defect_in_the_keeper_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[dict[str, Any]] = []

    def defect(self: StubConnection, group: str) -> None:
        self.close()
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(StubConnection, "join", defect)

    async def story(bench: Bench) -> None:
        told = asyncio.Event()

        def handler(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            failures.append(context)
            told.set()

        asyncio.get_running_loop().set_exception_handler(handler)
        await told.wait()

    with contextlib.suppress(ZeroDivisionError):
        play(story)
    assert isinstance(failures[0]["exception"], ZeroDivisionError)

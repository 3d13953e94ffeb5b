"""Two worlds for one suite: the fake bus, and corosync between namespaces. A world has nodes; things happen to them."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from komainu.model.message import Said
from komainu.ports import BusView, RingId
from tests.doubles.bus import FakeBus, FakeWire
from tests.ports.corosync_nodes import Nodes, TestNode

DEADLINE_S = 30


@dataclass(frozen=True)
class View:
    """A view as a process saw it."""

    ring: RingId
    agents: tuple[int, ...]
    nodes: tuple[int, ...]
    at: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class Heard:
    """A message as a process saw it."""

    sender: int
    payload: bytes
    at: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class LostBus:
    """The loss of the connection as a process saw it."""

    code: str
    at: float = field(default=0.0, compare=False)


Seen = View | Heard | LostBus


class Log:
    """What one process saw, in order, and a way to wait for more."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._more = asyncio.Event()

    def add(self, event: Seen) -> None:
        self.seen.append(event)
        self._more.set()

    @property
    def views(self) -> list[View]:
        return [event for event in self.seen if isinstance(event, View)]

    @property
    def heard(self) -> list[Heard]:
        return [event for event in self.seen if isinstance(event, Heard)]

    @property
    def losses(self) -> list[LostBus]:
        return [event for event in self.seen if isinstance(event, LostBus)]

    @property
    def now(self) -> View | None:
        """The view that holds; none before the first one and after a loss."""
        last = next((event for event in reversed(self.seen) if not isinstance(event, Heard)), None)
        return last if isinstance(last, View) else None

    async def until(self, holds: Callable[["Log"], bool], what: str) -> None:
        """Wait until it holds. Fails after DEADLINE_S with all that was seen."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not holds(self):
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            tail = [str(event)[:200] for event in self.seen[-20:]]
            raise AssertionError(f"not seen within {DEADLINE_S} s: {what}; the last of what was seen: {tail}") from None

    async def until_view(self, agents: tuple[int, ...], nodes: tuple[int, ...]) -> View:
        """Wait until this is the view that holds."""
        await self.until(
            lambda log: log.now is not None and (log.now.agents, log.now.nodes) == (agents, nodes),
            f"a view of agents {agents} in nodes {nodes}",
        )
        return self.views[-1]


class World(Protocol):
    """What the suite asks of either world. Nodes are numbered from 1; `log[n]` is of the newest process of node n."""

    log: dict[int, Log]

    async def join(self, node: int) -> None:
        """A new process on the node starts its bus."""

    async def leave(self, node: int) -> None:
        """The process leaves and ends."""

    async def send(self, node: int, payload: bytes) -> None:
        """The process sends. Raises ValueError when the bus does."""

    async def flood(self, node: int, count: int, size: int) -> None:
        """The process sends so many messages of that size as fast as it can; each begins with its number."""

    async def kill_agent(self, node: int) -> None: ...

    async def power_off(self, node: int) -> None: ...

    async def power_on(self, node: int) -> None: ...

    async def kill_corosync(self, node: int) -> None: ...

    async def start_corosync(self, node: int) -> None: ...

    async def cut(self, node: int) -> None: ...

    async def heal(self, node: int) -> None: ...

    async def freeze(self, node: int) -> None: ...

    async def thaw(self, node: int) -> None: ...


class _Recorder:
    def __init__(self, log: Log) -> None:
        self._log = log

    def on_view(self, view: BusView) -> None:
        self._log.add(View(view.ring, view.agents, view.nodes))

    def on_message(self, sender: int, payload: bytes) -> None:
        self._log.add(Heard(sender, payload))

    def on_lost(self, reason: Said) -> None:
        self._log.add(LostBus(reason.code))


class FakeWorld:
    """The fake bus."""

    def __init__(self, count: int) -> None:
        self.log: dict[int, Log] = {}
        self._wire = FakeWire(tuple(range(1, count + 1)))
        self._buses: dict[int, FakeBus] = {}

    async def join(self, node: int) -> None:
        self.log[node] = Log()
        self._buses[node] = FakeBus(self._wire, node)
        await self._buses[node].start(_Recorder(self.log[node]))

    async def leave(self, node: int) -> None:
        await self._buses.pop(node).stop()

    async def send(self, node: int, payload: bytes) -> None:
        self._buses[node].send(payload)

    async def flood(self, node: int, count: int, size: int) -> None:
        for number in range(count):
            self._buses[node].send(number.to_bytes(4, "big") + bytes(size - 4))

    async def kill_agent(self, node: int) -> None:
        self._wire.kill_agent(node)

    async def power_off(self, node: int) -> None:
        self._wire.power_off(node)

    async def power_on(self, node: int) -> None:
        self._wire.power_on(node)

    async def kill_corosync(self, node: int) -> None:
        self._wire.kill_corosync(node)

    async def start_corosync(self, node: int) -> None:
        self._wire.start_corosync(node)

    async def cut(self, node: int) -> None:
        self._wire.cut(node)

    async def heal(self, node: int) -> None:
        self._wire.heal(node)

    async def freeze(self, node: int) -> None:
        self._wire.freeze(node)

    async def thaw(self, node: int) -> None:
        self._wire.thaw(node)


class StationProcess:
    """A station (see station.py) inside a node, seen from outside."""

    def __init__(self, process: asyncio.subprocess.Process, node: TestNode) -> None:
        self.log = Log()
        self.said: list[tuple[str, str]] = []
        self._node = node
        self._process = process
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())
        self.pid = 0

    @classmethod
    async def start(cls, node: TestNode) -> "StationProcess":
        process = await asyncio.create_subprocess_exec(
            *node.command(sys.executable, str(Path(__file__).with_name("station.py"))),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=16 * 1024 * 1024,
        )
        station = cls(process, node)
        hello = await station._answer()
        station.pid = node.outside_pid(int(hello["pid"]))
        return station

    async def order(self, do: str, **values: Any) -> None:
        """Give an order and wait until it is carried out. Raises ValueError or RuntimeError when it was refused."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **values}).encode() + b"\n")
        await self._process.stdin.drain()
        answer = await self._answer()
        if answer["kind"] == "error":
            raise (ValueError if answer["error"] == "ValueError" else RuntimeError)(answer["text"])

    async def kill(self) -> None:
        """End it without a chance to say goodbye."""
        os.kill(self.pid, signal.SIGKILL)
        await self.ended()

    async def close(self) -> None:
        """End it in good order."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self.ended()

    async def ended(self) -> None:
        """Wait for its end."""
        async with asyncio.timeout(DEADLINE_S):
            await self._process.wait()
            await self._reading

    async def _answer(self) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE_S):
            return await self._answers.get()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            event = json.loads(line)
            match event["kind"]:
                case "view":
                    ring = RingId(*event["ring"])
                    self.log.add(View(ring, tuple(event["agents"]), tuple(event["nodes"]), event["at"]))
                case "message":
                    self.log.add(Heard(event["sender"], bytes.fromhex(event["payload"]), event["at"]))
                case "lost":
                    self.log.add(LostBus(event["code"], event["at"]))
                case "said":
                    self.said.append((event["code"], event["text"]))
                case _:
                    self._answers.put_nowait(event)


class CorosyncWorld:
    """Corosync between namespaces."""

    def __init__(self, nodes: Nodes) -> None:
        self.log: dict[int, Log] = {}
        self.nodes = nodes
        self.stations: dict[int, StationProcess] = {}
        for node in nodes.by_number.values():
            node.start_corosync()

    async def join(self, node: int) -> None:
        station = await StationProcess.start(self.nodes.by_number[node])
        self.stations[node] = station
        self.log[node] = station.log
        await station.order("bus start")

    async def leave(self, node: int) -> None:
        station = self.stations.pop(node)
        await station.order("bus stop")
        await station.close()

    async def send(self, node: int, payload: bytes) -> None:
        await self.stations[node].order("send", payload=payload.hex())

    async def flood(self, node: int, count: int, size: int) -> None:
        await self.stations[node].order("flood", count=count, size=size)

    async def kill_agent(self, node: int) -> None:
        await self.stations.pop(node).kill()

    async def power_off(self, node: int) -> None:
        self.nodes.power_off(node)
        if node in self.stations:
            await self.stations.pop(node).ended()

    async def power_on(self, node: int) -> None:
        self.nodes.power_on(node).start_corosync()

    async def kill_corosync(self, node: int) -> None:
        self.nodes.by_number[node].signal_corosync(signal.SIGKILL)

    async def start_corosync(self, node: int) -> None:
        self.nodes.by_number[node].start_corosync()

    async def cut(self, node: int) -> None:
        self.nodes.cut(node)

    async def heal(self, node: int) -> None:
        self.nodes.heal(node)

    async def freeze(self, node: int) -> None:
        self.nodes.by_number[node].signal_corosync(signal.SIGSTOP)

    async def thaw(self, node: int) -> None:
        self.nodes.by_number[node].signal_corosync(signal.SIGCONT)

    async def close(self) -> None:
        """End the processes; the nodes end with the fixture that made them."""
        for station in list(self.stations.values()):
            with contextlib.suppress(ProcessLookupError):
                await station.kill()


@contextlib.asynccontextmanager
async def world(kind: str, count: int, links: int = 1) -> AsyncIterator[World]:
    """A world with so many nodes, each with corosync running and no process of ours yet."""
    if kind == "fake":
        yield FakeWorld(count)
        return
    nodes = Nodes(count, links)
    try:
        corosync = CorosyncWorld(nodes)
        try:
            yield corosync
        finally:
            await corosync.close()
    finally:
        nodes.close()

"""A world of whole daemons in virtual time whose kernels, watchdogs and disks outlive them, and a faulty store.

A node has effect while something runs on it and either its kernel lets it through, or nothing less than a reset ends
it. Whenever that may have begun somewhere, the world looks whether another node has it too.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from komainu.model.config import Cluster
from komainu.model.message import Message
from komainu.model.traits import Traits
from komainu.model.vote import Record
from komainu.ports import Guarded, Held, ResourceType, StoreSilent, VoteStore
from tests.doubles import frozen
from tests.doubles.daemons import MemoryStore, World
from tests.doubles.isolation import FakeIsolation
from tests.doubles.machine import FakeWatchdog

RIGHT_MS, WAIT_MS = 4_000, 5_600
ADDRESS = "192.0.2.7"
RESOURCES = {"app": "net", "db": "disk"}
SILENT = Message("TEST9", "The store does not answer.", "ストアが応答しません。", "warning")


class Odds(World):
    """Nodes whose kernel, watchdog and disk outlive their daemons, and a store that each reaches in its own way."""

    def __init__(self, folder: Path, config: Cluster, rng: Random) -> None:
        super().__init__(folder, config)
        self.rng = rng
        self.loop = asyncio.get_running_loop()
        assert isinstance(self.loop, frozen.FreezingLoop)
        self.frozen = self.loop
        self.stores: dict[str, MemoryStore] = {}
        self.kernels: dict[str, Kernel] = {}
        self.watchdogs: dict[str, Watchdog] = {}
        self.alive: dict[str, bool] = {}
        self.powered: dict[str, bool] = {node.name: False for node in config.nodes}
        self.record = Shared(self)
        self.found: list[str] = []
        self.story: list[str] = []

    # --- what happens to nodes ---

    def say(self, what: str) -> None:
        self.story.append(f"{self.loop.time():8.3f} {what}")

    def boot(self, name: str) -> None:
        """The machine is switched on, or its daemon begins again."""
        if name in self.running:
            return
        self.powered[name] = self.alive[name] = True
        self.say(f"{name} begins")
        frozen.within(name, lambda: self.start(name))

    async def crash(self, name: str) -> None:
        """The daemon dies."""
        if name not in self.running:
            return
        self.say(f"daemon of {name} dies")
        await self._bury(name)
        self.wire.thaw(self.cluster.node(name).id)

    async def lose_power(self, name: str) -> None:
        self.say(f"{name} loses its power")
        self._die(name)
        await self._bury(name)

    def _die(self, name: str) -> None:
        number = self.cluster.node(name).id
        self.powered[name] = False
        self.kernels.pop(name, None)
        watchdog = self.watchdogs.pop(name, None)
        if watchdog is not None:
            watchdog.disarm()
        for nodes in self.things.running.values():
            if name in nodes:
                nodes.remove(name)
        self.wire.power_off(number)
        self.wire.thaw(number)

    async def _bury(self, name: str) -> None:
        """Its daemon is dead: whatever it would still do while it is cleared away has no effect."""
        running = self.running.pop(name, None)
        if running is not None:
            self.alive[name] = False
            self.wire.kill_agent(self.cluster.node(name).id)
            running.task.cancel()
            self.frozen.thaw(name)
            await asyncio.wait({running.task})

    def _ended(self, name: str) -> None:
        """A reset: by itself or by its watchdog."""
        if not self.powered[name]:
            return
        self.alive[name] = False
        self.say(f"{name} is reset")
        self._die(name)
        reborn = lambda: self.loop.create_task(self._reborn(name))  # noqa: E731
        self.loop.call_later(self.rng.uniform(0.5, 6), reborn, context=frozen.nobodys())

    async def _reborn(self, name: str) -> None:
        await self._bury(name)
        self.boot(name)

    def freeze(self, name: str, *, machine: bool) -> None:
        """All its processes stand still, corosync among them; or komainud alone."""
        self.say(f"{'processes' if machine else 'komainud'} of {name} stand still")
        self.frozen.freeze(name)
        if machine:
            self.wire.freeze(self.cluster.node(name).id)

    def thaw(self, name: str) -> None:
        if self.frozen.is_frozen(name):
            self.say(f"{name} goes on")
            self.wire.thaw(self.cluster.node(name).id)
            self.frozen.thaw(name)

    # --- what surrounds a daemon ---

    def store_of(self, name: str) -> MemoryStore:
        return self.stores.setdefault(name, MemoryStore())

    def kernel_of(self, name: str, clock: Callable[[], int]) -> FakeIsolation:
        return self.kernels.setdefault(name, Kernel(self, clock))

    def watchdog_of(self, name: str) -> FakeWatchdog:
        return self.watchdogs.setdefault(name, Watchdog(self, name))

    def votes_of(self, name: str) -> VoteStore | None:
        return Reached(self.record, name) if self.cluster.arbitration.kind == "lease" else None

    def types(self) -> dict[str, ResourceType]:
        guards = lambda params: Guarded(addresses=(ADDRESS,))  # noqa: E731
        net = replace(self.things.type("net"), traits=Traits(exclusive=True, ended_by="network"), guards=guards)
        return {"net": net, "disk": self.things.type("disk")}

    # --- what must never be ---

    def effects(self, thing: str) -> list[str]:
        """The nodes where it has effect."""
        nodes = self.things.on(thing)
        if RESOURCES[thing] == "disk":
            return nodes
        return [node for node in nodes if node not in self.kernels or self.kernels[node].passes(ADDRESS)]

    def look(self) -> None:
        for thing in RESOURCES:
            nodes = self.effects(thing)
            if len(nodes) > 1:
                self.say(f"!!! {thing} has effect on {nodes}")
                self.found.append(f"{thing} on {nodes} at {self.loop.time():.3f}")


class Kernel(FakeIsolation):
    """Its timer is slower than it should be by as much as is allowed."""

    def __init__(self, world: Odds, now_ms: Callable[[], int]) -> None:
        super().__init__(now_ms)
        self.world = world

    def hold(self, for_ms: int, *, afresh: bool = True) -> None:
        super().hold(int(for_ms / 0.99), afresh=afresh)
        self.world.look()

    def guard(self, guarded: Guarded) -> None:
        super().guard(guarded)
        self.world.look()

    def lift(self) -> None:
        super().lift()
        self.world.look()


class Watchdog(FakeWatchdog):
    """Fires in virtual time, whoever is frozen."""

    def __init__(self, world: Odds, name: str) -> None:
        super().__init__()
        self.world = world
        self.name = name
        self.timer: asyncio.TimerHandle | None = None

    def arm(self, timeout_ms: int) -> None:
        super().arm(timeout_ms)
        self._again()

    def pat(self) -> None:
        super().pat()
        self._again()

    def disarm(self) -> None:
        super().disarm()
        self._again()

    def _again(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.armed_ms is not None:
            # Whole seconds are all that a device knows.
            after_s = -(-self.armed_ms // 1_000)
            self.timer = self.world.loop.call_later(after_s, self._fire, context=frozen.nobodys())

    def _fire(self) -> None:
        self.world.say(f"the watchdog of {self.name} fires")
        self.world._ended(self.name)


class Shared:
    """The record, and what becomes of requests for it."""

    def __init__(self, world: Odds) -> None:
        self.world = world
        self.version = 1
        self.text = Record(cluster="test", config=1, epoch=1, wait_ms=WAIT_MS, nonce="init").text()
        self.down = False
        self.deaf: list[str] = []
        self.slow = self.unclear = 0.0

    def mend(self) -> None:
        self.down, self.deaf, self.slow, self.unclear = False, [], 0.0, 0.0

    def reaches(self, name: str) -> bool:
        return not self.down and name not in self.deaf

    async def ask(self, name: str, deed: Callable[[], Any], timeout_ms: int) -> Any:
        """What was sent arrives, though whoever sent it may be dead by then."""
        rng, loop = self.world.rng, self.world.loop
        if not self.world.alive[name]:
            raise asyncio.CancelledError
        answer: asyncio.Future[Any] = loop.create_future()
        slow = rng.random() < self.slow
        there, back = rng.uniform(0.2, 5) if slow else rng.uniform(0.002, 0.06), rng.uniform(0.002, 0.06)

        def told(done: Any) -> None:
            if not answer.done():
                answer.set_result(done)

        def arrive() -> None:
            if self.down:
                return
            done = deed()
            if self.reaches(name) and rng.random() >= self.unclear:
                loop.call_later(back, told, done, context=frozen.nobodys())

        if self.reaches(name):
            loop.call_later(there, arrive, context=frozen.nobodys())
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                return await answer
        except TimeoutError:
            raise StoreSilent(SILENT.said()) from None

    def read(self) -> Held | None:
        return Held(str(self.version), self.text)

    def replace(self, version: str, text: str) -> str | None:
        if version != str(self.version):
            return None
        self.version, self.text = self.version + 1, text
        return str(self.version)


class Reached:
    """`komainu.ports.VoteStore`, as one node reaches it."""

    def __init__(self, shared: Shared, name: str) -> None:
        self.shared = shared
        self.name = name

    async def read(self, timeout_ms: int) -> Held | None:
        held: Held | None = await self.shared.ask(self.name, self.shared.read, timeout_ms)
        return held

    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        new: str | None = await self.shared.ask(self.name, lambda: self.shared.replace(version, text), timeout_ms)
        return new

    async def create(self, text: str, timeout_ms: int) -> str | None:
        raise AssertionError("a daemon never creates the record by itself")

    async def examine(self, timeout_ms: int) -> tuple[()]:
        return ()


class Prompt:
    """`komainu.agent.background.Background` that does everything at once: virtual time waits for no thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def do(self, work: Callable[[], None], failed: Callable[[Exception], None]) -> bool:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - handed over, as the real one does
            self._loop.call_soon(failed, error)
        return True

    def hand_over(self, call: Callable[[], None]) -> None:
        self._loop.call_soon(call)

    async def close(self, timeout_ms: int) -> bool:
        return True

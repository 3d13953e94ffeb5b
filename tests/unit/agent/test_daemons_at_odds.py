"""Whole daemons at odds: seeded faults in virtual time, and never two nodes with effect at once (I1).

A node has effect while something runs on it and either its kernel lets it through, or nothing less than a reset ends
it. Afterwards everything is mended, and the service has to come back.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from komainu.agent import daemon as agent_daemon, isolation as agent_isolation
from komainu.model.config import Arbitration, Cluster, Group, Lease
from komainu.model.message import Message
from komainu.model.traits import Traits
from komainu.model.vote import Record
from komainu.ports import Guarded, Held, ResourceType, StoreSilent, VoteStore
from tests.doubles import frozen
from tests.doubles.daemons import MemoryStore, World, cluster, resource
from tests.doubles.isolation import FakeIsolation
from tests.doubles.machine import FakeWatchdog

SEEDS = int(os.environ.get("KOMAINU_ODDS_SEEDS", "60"))
FIRST = int(os.environ.get("KOMAINU_ODDS_FIRST", "0"))
RIGHT_MS, WAIT_MS = 4_000, 5_600
ADDRESS = "192.0.2.7"
ONLY_AN_ADDRESS = 1
"A seed whose cluster runs nothing else."
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


def configured(rng: Random, kind: str) -> Cluster:
    """A virtual address, or something that only a reset ends, or both."""
    nodes = 2 if kind == "lease" else 3
    names = tuple(f"n{number}" for number in range(1, nodes + 1))
    things = rng.choice((("app",), ("app",), ("db",), ("app", "db")))
    groups = tuple(
        Group(name=f"of-{thing}", nodes=names, resources=(resource(thing, type=RESOURCES[thing]),)) for thing in things
    )
    lease = Lease(type="lease_test", params={}) if kind == "lease" else None
    arbitration = Arbitration(kind=kind, lease=lease, right_ms=RIGHT_MS, wait_ms=WAIT_MS)
    changes: dict[str, Any] = {
        "nodes": nodes,
        "startup_sync_wait_ms": 3_000,
        "groups": groups,
        "agent_return_ms": 3_000,
    }
    return cluster(**changes).model_copy(update={"arbitration": arbitration})


async def disturb(world: Odds, rng: Random) -> None:
    """One fault."""
    name = rng.choice([node.name for node in world.cluster.nodes])
    number, record = world.cluster.node(name).id, world.record
    match rng.choice(("power", "cut", "cut", "crash", "freeze", "freeze", "stop", "corosync", "mute", "store",
                      "store", "things", "leave", "heal")):  # fmt: skip
        case "power":
            await world.lose_power(name)
        case "cut":
            world.say(f"{name} is cut off")
            world.wire.cut(number)
        case "heal":
            heal(world)
        case "crash":
            await world.crash(name)
        case "freeze":
            world.freeze(name, machine=True)
        case "stop":
            world.freeze(name, machine=False)
        case "corosync":
            if world.powered[name]:
                world.say(f"corosync of {name} starts anew")
                world.wire.kill_corosync(number)
                world.loop.call_later(rng.uniform(0.1, 5), lambda: back(world, name), context=frozen.nobodys())
        case "mute":
            world.say(f"corosync of {name} stands still")
            world.wire.freeze(number)
        case "store":
            how = rng.choice(("down", "deaf", "slow", "unclear", "mend"))
            world.say(f"store: {how} {name}")
            if how == "down":
                record.down = True
            elif how == "deaf":
                record.deaf = [name]
            elif how == "slow":
                record.slow = 0.8
            elif how == "unclear":
                record.unclear = 0.5
            else:
                record.mend()
        case "things":
            trouble(world, rng, name)
        case "leave":
            if name in world.running:
                world.say(f"{name} leaves")
                frozen.within(name, world.running[name].daemon.leave)


def back(world: Odds, name: str) -> None:
    """Corosync runs again, unless the machine is off."""
    if world.powered[name]:
        world.wire.start_corosync(world.cluster.node(name).id)


def trouble(world: Odds, rng: Random, name: str) -> None:
    """A start or a stop that takes long."""
    slow(world, name, rng.choice(("start", "stop")), rng.choice(list(RESOURCES)), rng.uniform(0.2, 6))


def slow(world: Odds, name: str, verb: str, thing: str, seconds: float) -> None:
    world.say(f"the next {verb} of {thing} on {name} takes {seconds:.1f} s")

    async def late() -> Any:
        await asyncio.sleep(seconds)
        hands = world.running[name].daemon.parts.hands.get(f"of-{thing}", thing) if name in world.running else None
        if hands is None or hands.work is None:
            raise asyncio.CancelledError
        return await getattr(hands.work, verb)(2_000)

    world.things.next(name, verb, thing, late)


def heal(world: Odds) -> None:
    world.say("the network is mended")
    for node in world.cluster.nodes:
        world.wire.heal(node.id)


async def mend(world: Odds) -> None:
    """Everything works again."""
    heal(world)
    world.record.mend()
    world.things.script.clear()
    for node in world.cluster.nodes:
        world.thaw(node.name)
        world.wire.thaw(node.id)
        if world.powered[node.name]:
            world.wire.start_corosync(node.id)
        task = world.running[node.name].task if node.name in world.running else None
        if task is not None and task.done() and world.powered[node.name]:
            del world.running[node.name]
    world.say("everything is mended")


async def keep_going(world: Odds, rng: Random) -> None:
    """Whoever is off or dead comes back after a while."""
    since: dict[str, float] = {}
    while True:
        await asyncio.sleep(0.25)
        for node in world.cluster.nodes:
            running = world.running.get(node.name)
            if running is not None and running.task.done():
                if not running.task.cancelled() and running.task.exception() is not None:
                    world.found.append(f"{node.name}: {running.task.exception()!r}")
                elif not running.task.cancelled() and running.task.result() not in (0, 2):
                    world.found.append(f"{node.name} ended with {running.task.result()}")
                del world.running[node.name]
            if node.name in world.running or node.name not in world.powered:
                since.pop(node.name, None)
            elif world.loop.time() >= since.setdefault(node.name, world.loop.time() + rng.uniform(0.1, 9)):
                world.boot(node.name)


def online(world: Odds) -> bool:
    """Every group has effect on one node, and everybody agrees on that."""
    for group in world.cluster.groups:
        if len(world.effects(group.resources[0].name)) != 1:
            return False
    reports = [running.daemon.status() for running in world.running.values()]
    return len(reports) == len(world.cluster.nodes) and all(
        group["status"] == "Online" for report in reports for group in report["groups"]
    )


def begun(folder: Path, config: Cluster, rng: Random) -> Odds:
    """A world that looks whenever something may have come to have effect."""
    world = Odds(folder, config, rng)

    def defect(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        world.found.append(f"{context.get('message')} {context.get('exception')!r}")

    world.loop.set_exception_handler(defect)
    attempt = world.things.do

    async def do(node: str, verb: str, name: str, otherwise: Callable[[], Any]) -> Any:
        if not world.alive[node]:
            raise asyncio.CancelledError
        done = await attempt(node, verb, name, otherwise)
        if verb in ("start", "stop"):
            world.say(f"{node} {verb} {name}")
            world.look()
        return done

    world.things.do = do  # type: ignore[method-assign]
    return world


async def play(folder: Path, seed: int, kind: str) -> Odds:
    """One history."""
    rng = Random(seed)
    world = begun(folder, configured(rng, kind), rng)
    keeper = world.loop.create_task(keep_going(world, rng))
    async with world:
        for node in world.cluster.nodes:
            world.boot(node.name)
        with contextlib.suppress(AssertionError):
            await world.until(lambda: online(world), "online", 30)
        for _ in range(rng.randint(2, 9)):
            await asyncio.sleep(rng.choice((0.05, 0.5, 2, 5, 9)) * rng.random())
            await disturb(world, rng)
            if rng.random() < 0.3:
                for node in world.cluster.nodes:
                    world.thaw(node.name)
        await asyncio.sleep(rng.uniform(0, 20))
        await mend(world)
        try:
            await world.until(lambda: online(world), "service is back", 150)
        except AssertionError as error:
            world.found.append(str(error) if os.environ.get("KOMAINU_ODDS_TELL") else "service is not back")
        keeper.cancel()
        for name in list(world.running):
            await world._bury(name)
    return world


@pytest.mark.parametrize("kind", ["lease", "majority"])
@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS // 2))
def test_never_two_at_once_and_service_comes_back(tmp_path: Path, seed: int, kind: str) -> None:
    with patch.object(agent_daemon, "Background", Prompt), patch.object(agent_isolation, "Background", Prompt):
        world = frozen.run(play(tmp_path, seed, kind))

    assert world.found == [], "\n".join(world.story)


@pytest.mark.parametrize("machine", [True, False])
def test_an_address_that_outlived_a_freeze_is_not_let_through_beside_the_new_one(tmp_path: Path, machine: bool) -> None:
    async def story() -> Odds:
        world = begun(tmp_path, configured(Random(ONLY_AN_ADDRESS), "lease"), Random(1))
        async with world:
            for name in ("n1", "n2"):
                world.boot(name)
            await world.until(lambda: online(world), "online", 30)
            assert world.effects("app") == ["n1"]
            world.freeze("n1", machine=machine)
            await world.until(lambda: world.effects("app") == ["n2"], "taken over", 60)
            slow(world, "n1", "stop", "app", 1.5)
            world.thaw("n1")
            await world.until(lambda: world.things.on("app") == ["n2"], "stopped where it was", 20)
            await world.until(lambda: online(world), "everybody knows", 20)
        return world

    with patch.object(agent_daemon, "Background", Prompt), patch.object(agent_isolation, "Background", Prompt):
        world = frozen.run(story())
    assert world.found == [], "\n".join(world.story)
    assert not any("reset" in line for line in world.story), "the kernel has ended it"

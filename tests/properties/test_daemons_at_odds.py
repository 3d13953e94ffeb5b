"""Whole daemons at odds: seeded faults in virtual time, and never two nodes with effect at once (I1).

Afterwards everything is mended, and the service has to come back.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from komainu.agent import daemon as agent_daemon
from komainu.agent.rights import isolation as agent_isolation
from komainu.model.config import Arbitration, Cluster, Group, Lease
from tests.doubles import frozen
from tests.doubles.daemons import cluster, resource
from tests.doubles.odds import RESOURCES, RIGHT_MS, WAIT_MS, Odds, Prompt

SEEDS = int(os.environ.get("KOMAINU_ODDS_SEEDS", "60"))
FIRST = int(os.environ.get("KOMAINU_ODDS_FIRST", "0"))
ONLY_AN_ADDRESS = 1
"A seed whose cluster runs nothing else."


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

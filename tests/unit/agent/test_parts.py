"""When another configuration goes on it holds for every part, and what it has no place for is stopped first."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from komainu.agent.clock import now_ms
from komainu.agent.execution.clearing import CLEARED, CLEARS, REMAINS
from komainu.core.state import Presence
from komainu.model import commands as c
from komainu.model.config import Cluster, Group
from komainu.model.outcome import failed
from tests.doubles.daemons import NOT_HERE, Running, World, cluster, resource
from tests.doubles.virtual_time import run


def test_an_adopted_configuration_holds_for_every_part(tmp_path: Path) -> None:
    old = cluster(resource("app"))
    new = cluster(resource("app", check_interval_ms=5_000), resource("db"), version=2, detect_within_ms=2_000)

    async def story() -> None:
        async with World(tmp_path, old) as world:
            one = world.start("n1", old)
            world.start("n2", new)
            await world.online("db", on="n1")
            parts = one.daemon.parts

            assert [hand.resource for hand in parts.hands.all()] == list(new.groups[0].resources)
            assert parts.pulse.interval_ms == 500
            checks = world.things.log.count(("n1", "check", "app"))
            await world.until(lambda: world.clock() > 20_000, "time passes")
            assert 2 <= world.things.log.count(("n1", "check", "app")) - checks <= 4

    run(story())


# --- a node that was away, in real time: its disk and its judgement have threads of their own ------------------------


def play(folder: Path, story: Callable[[World], Awaitable[None]], config: Cluster) -> None:
    async def told() -> None:
        async with World(folder, config, clock=now_ms) as world:
            world.start_all()
            await story(world)

    asyncio.run(told())


def three(*resources: str, version: int = 1, nodes: tuple[str, ...] = ("n1", "n2", "n3")) -> Cluster:
    """Three nodes; the group `web` may run on some of them."""
    parts = tuple(resource(name) for name in resources)
    group = Group(name="web", nodes=nodes, resources=parts)
    return cluster(nodes=3, version=version, agent_return_ms=500).model_copy(update={"groups": (group,)})


async def change(world: World, by: str, new: Cluster) -> None:
    """Another configuration comes into force."""
    answer = await world.running[by].daemon.parts.requests.ask(c.ChangeConfiguration(new, "mika", ""), 20_000)
    assert answer.accepted, answer.said.en


async def away(world: World, name: str, seen_by: str) -> None:
    """The daemon dies, what it runs goes on; the others take the node for gone."""
    await world.kill(name)
    facts = world.running[seen_by].daemon
    await world.until(lambda: facts.state.nodes[name].presence is Presence.GONE, f"{name} counts as gone", 20)


async def agreed(world: World, version: int) -> None:
    """All daemons have that version, and their disks too."""

    def same(running: Running) -> bool:
        return running.state.cluster.version == version and running.daemon.replica.synced

    await world.until(lambda: all(map(same, world.running.values())), f"version {version}", 20)
    for name in world.running:
        await world.until(
            lambda name=name: world.versions[name].held[-1].cluster.version == version,  # type: ignore[misc]
            f"version {version} on the disk of {name}",
            20,
        )


def test_a_node_that_was_away_stops_what_is_configured_no_more_before_it_takes_part(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.online("b", on="n1", within_s=20)
        await away(world, "n1", seen_by="n2")
        await world.until(lambda: "n2" in world.things.on("b"), "taken over", 20)
        assert "n1" in world.things.on("b"), "its daemon is dead, its applications are not"
        await change(world, "n2", three("app", version=2))
        world.things.log.clear()
        one = world.start("n1")
        await agreed(world, 2)
        await world.until(lambda: one.daemon.state.nodes["n1"].probed, "probed", 20)

        assert world.things.on("b") == []
        mine = [entry[1:] for entry in world.things.log if entry[0] == "n1" and entry[1] in ("stop", "probe")]
        assert ("stop", "b") in mine
        assert mine.index(("stop", "b")) < mine.index(("probe", "app"))
        assert {CLEARS.code, CLEARED.code} <= set(one.alerts())
        assert one.daemon.runs.names() in ((), ("app",))

    play(tmp_path, story, three("app", "b"))


def test_what_it_runs_otherwise_than_configured_is_stopped_and_what_is_the_same_is_kept(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.online("b", on="n1", within_s=20)
        await away(world, "n1", seen_by="n2")
        await world.until(lambda: "n2" in world.things.on("b"), "taken over", 20)
        new = three("app", "b", version=2)
        group = new.groups[0]
        blue = group.resources[1].model_copy(update={"params": {"colour": "blue"}})
        new = new.model_copy(update={"groups": (group.model_copy(update={"resources": (group.resources[0], blue)}),)})
        await change(world, "n2", new)
        world.things.log.clear()
        world.start("n1")
        await agreed(world, 2)
        await world.online("b", within_s=20)

        mine = [entry[1:] for entry in world.things.log if entry[0] == "n1"]
        assert mine.index(("stop", "b")) < len(mine) - 1 - mine[::-1].index(("probe", "b"))

    play(tmp_path, story, three("app", "b"))


def test_the_disk_keeps_the_old_configuration_as_long_as_something_of_it_runs(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.online("b", on="n1", within_s=20)
        await away(world, "n1", seen_by="n2")
        await world.until(lambda: "n2" in world.things.on("b"), "taken over", 20)
        await change(world, "n2", three("app", version=2))
        world.things.next("n1", "stop", "b", *[lambda: failed(NOT_HERE.said(resource="b", node="n1"))] * 4)
        one = world.start("n1")
        await world.until(lambda: REMAINS.code in one.alerts(), "it does not stop", 20)
        await world.until(lambda: one.daemon.state.nodes["n1"].probed, "the others need this node", 20)
        assert world.versions["n1"].held[-1].cluster.version == 1

        await world.kill("n1")
        again = world.start("n1")
        await world.until(lambda: world.things.on("b") == [], "the next daemon still knows how to stop it", 20)
        await agreed(world, 2)
        assert CLEARED.code in again.alerts()

    play(tmp_path, story, three("app", "b"))


def test_a_stopped_node_follows_with_its_corosync_and_its_disk(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.online("app", on="n1", within_s=20)
        asked = world.running["n1"].daemon.parts.requests
        answer = await asked.ask(c.StopNode("n3", "stop"), 10_000)
        assert answer.accepted
        three_ = world.running["n3"]
        await world.until(lambda: three_.daemon.stopped, "n3 is stopped", 20)
        await change(world, "n1", three("app", version=2).model_copy(update={"detect_within_ms": 900}))
        await world.until(lambda: three_.transport.asked[-1] == "reload 2", "its corosync follows", 20)
        assert three_.daemon.stopped
        assert world.versions["n3"].held[-1].cluster.version == 2
        assert three_.daemon.status()["cluster"]["version"] == 2

        await world.running["n1"].daemon.residents.start(("n3",), 5_000)
        await world.until(lambda: not three_.daemon.stopped and three_.daemon.replica.synced, "n3 takes part", 20)
        assert three_.state.cluster.version == 2

    play(tmp_path, story, three("app"))

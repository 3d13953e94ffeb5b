"""Leaves of every kind: to end, to stay, to go down; how long they may take, and what sees to it."""

import asyncio
from pathlib import Path
from typing import Any, Literal

import pytest

from komainu.agent.execution.attempt import CANCEL_MS, EXTRA_MS
from komainu.agent.leaving import MARGIN_MS, UNSYNCED_MS
from komainu.agent.residents import Started
from komainu.model import commands as c
from komainu.model.outcome import SUCCEEDED, Outcome, failed
from tests.doubles.daemons import NOT_HERE, Running, World, cluster, resource
from tests.doubles.virtual_time import run


def test_the_time_is_what_the_stops_may_take(tmp_path: Path) -> None:
    async def story() -> None:
        config = cluster(resource("a", stop_timeout_ms=3_000), resource("b", stop_timeout_ms=4_000))
        async with World(tmp_path, config) as world:
            one, _ = world.start_all()
            assert one.daemon.leaving.limit_ms() == UNSYNCED_MS
            await world.online("b")

            stops = 3_000 + 4_000 + 2 * (EXTRA_MS + CANCEL_MS)
            assert one.daemon.leaving.limit_ms() == stops + config.detect_within_ms + MARGIN_MS

    run(story())


def test_it_asks_again_when_the_state_that_goes_on_does_not_know(tmp_path: Path) -> None:
    """The others' history wins while the node is leaving: it must not stay for ever because of that."""

    async def story() -> None:
        async with World(tmp_path, cluster()) as world:
            one, two = world.start_all()
            await world.online(on="n1")
            world.wire.cut(1)
            await world.until(lambda: world.things.on("app") == ["n1", "n2"], "both active")
            one.daemon.leave()
            world.wire.heal(1)
            code = await one.task
            del world.running["n1"]

            assert code == 0
            assert world.things.on("app") == ["n2"]
            await world.until(lambda: two.daemon.status()["nodes"][0]["status"] == "Offline", "n1 offline")

    run(story())


async def given(running: Running, command: c.Command) -> None:
    """Give a command that is accepted."""
    answer = await running.daemon.parts.requests.ask(command, 10_000)
    assert answer.accepted, answer.said.en


def node_of(running: Running, name: str) -> dict[str, Any]:
    """A node as another one shows it."""
    return next(node for node in running.daemon.status()["nodes"] if node["name"] == name)


async def stopped(world: World, *names: str) -> None:
    """Wait until these nodes have left, and stay."""
    await world.until(lambda: all(world.running[name].daemon.stopped for name in names), f"{names} stopped")


def test_a_stopped_node_has_left_cleanly_stays_and_is_started_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, cluster()) as world:
            one, two = world.start_all()
            await world.online(on="n1")
            await given(two, c.StopNode("n1", "stop"))
            await stopped(world, "n1")
            assert world.things.on("app") == ["n2"]
            assert (node_of(two, "n1")["status"], node_of(two, "n1")["proof"]) == ("Offline", "clean leave")
            assert "stop" not in one.transport.asked, "corosync goes on, for the group of residents"

            await world.until(lambda: one.daemon.status()["groups"][0]["node"] == "n2", "n1 is told what n2 knows")
            shown = one.daemon.status()
            assert shown["groups"][0]["status"] == "Online"
            assert shown["here"]["standing"] == "stopped"
            assert node_of(one, "n1")["why"]["code"] == "KM5540"
            assert node_of(one, "n2")["status"] == "Online"

            assert await two.daemon.residents.start(("n1",), 5_000) == {"n1": Started.BEGUN}
            await world.until(lambda: node_of(two, "n1")["status"] == "Online", "n1 online")
            await world.until(lambda: one.daemon.status()["here"]["standing"] == "connected", "n1 says so too")
            assert not one.task.done(), "the same process"
            assert world.things.on("app") == ["n2"]
            world.things.log.clear()
            await given(two, c.MoveGroup("web", "n1"))
            await world.online(on="n1")

    run(story())


def test_a_cluster_is_stopped_and_started_as_a_whole(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, cluster(nodes=3)) as world:
            one, two, three = world.start_all()
            await world.online()
            await given(two, c.StopNode(None, "stop"))
            await stopped(world, "n1", "n2", "n3")
            assert world.things.on("app") == []
            await world.until(lambda: node_of(one, "n3")["status"] == "Offline", "everybody knows of everybody")
            assert one.daemon.status()["groups"][0]["why"]["code"] == "KM5541"

            started = await three.daemon.residents.start(("n1", "n2", "n3"), 5_000)
            assert started == dict.fromkeys(("n1", "n2", "n3"), Started.BEGUN)
            await world.online(on="n1")

    run(story())


def test_a_stopped_node_ends_at_once_and_takes_corosync_with_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, cluster()) as world:
            one, two = world.start_all()
            await world.online(on="n1")
            await given(two, c.StopNode("n1", "stop"))
            await stopped(world, "n1")
            one.daemon.leave()
            assert await one.task == 0
            del world.running["n1"]
            assert "stop" in one.transport.asked

            again = world.start("n1")
            await world.until(lambda: node_of(again, "n1")["status"] == "Online", "a start is a start")

    run(story())


def test_a_daemon_that_dies_while_its_node_is_stopped_comes_back_stopped(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, cluster()) as world:
            one, two = world.start_all()
            await world.online(on="n1")
            await given(two, c.StopNode("n1", "stop"))
            await stopped(world, "n1")
            one.write_down()
            await world.kill("n1")
            again = world.start("n1")
            await stopped(world, "n1")
            await world.until(lambda: two.daemon.residents.stopped() == ("n1",), "n2 knows it")
            assert node_of(two, "n1")["status"] == "Offline"

            assert await again.daemon.residents.start(("n1",), 5_000) == {"n1": Started.BEGUN}
            await world.until(lambda: node_of(two, "n1")["status"] == "Online", "n1 online")
            again.write_down()
            await world.kill("n1")
            last = world.start("n1")
            await world.until(lambda: node_of(last, "n1")["status"] == "Online", "nothing is left of the stop")

    run(story())


def test_sigterm_while_a_node_is_being_stopped_ends_the_daemon(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, cluster()) as world:
            one, two = world.start_all()
            await world.online(on="n1")
            slow = asyncio.Event()

            async def stop() -> Outcome:
                await slow.wait()
                world.things.running["app"].remove("n1")
                return SUCCEEDED

            world.things.next("n1", "stop", "app", stop)
            await given(two, c.StopNode("n1", "stop"))
            await world.until(lambda: ("n1", "stop", "app") in world.things.log, "the stop begins")
            assert await two.daemon.residents.start(("n1",), 5_000) == {"n1": Started.LEAVING}
            one.daemon.leave()
            slow.set()
            assert await one.task == 0
            del world.running["n1"]
            assert "stop" in one.transport.asked

    run(story())


@pytest.mark.parametrize("then", ["shutdown", "reboot"])
def test_a_node_that_goes_down_leaves_first_and_is_guarded_all_the_time(
    tmp_path: Path, then: Literal["shutdown", "reboot"]
) -> None:
    async def story() -> None:
        async with World(tmp_path, cluster(end_timeout_ms=60_000)) as world:
            one, two = world.start_all()
            await world.online(on="n1")
            armed: list[int | None] = []
            world.things.next("n1", "stop", "app", lambda: armed.append(one.watchdog.armed_ms) or SUCCEEDED)
            world.things.running["app"] = []
            await given(two, c.StopNode("n1", then))
            await world.until(one.task.done, "the machine ends")

            assert one.power.asked == [then]
            assert armed == [60_000 + MARGIN_MS]
            assert one.watchdog.armed_ms == 60_000, "what the operating system may take"
            assert "stop" in one.transport.asked
            assert node_of(two, "n1")["proof"] == "clean leave"
            assert world.things.on("app") == ["n2"]
            await world.kill("n1")

    run(story())


def test_systemd_s_sigterm_on_the_way_down_ends_the_daemon_and_leaves_the_watchdog_armed(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, cluster()) as world:
            one, two = world.start_all()
            await world.online(on="n1")
            one.power.hangs = True
            await given(two, c.StopNode("n1", "shutdown"))
            await world.until(lambda: one.power.asked == ["shutdown"], "the request was made")
            one.daemon.leave()
            assert await one.task == 0
            del world.running["n1"]
            assert one.watchdog.armed_ms is not None

    run(story())


def test_what_cannot_be_stopped_ends_the_node_and_the_other_takes_over(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, cluster()) as world:
            one, two = world.start_all()
            await world.online(on="n1")
            said = NOT_HERE.said(resource="app", node="n1")
            world.things.next("n1", "stop", "app", *[lambda: failed(said)] * 10)
            await given(two, c.MoveGroup("web", "n2"))
            await world.until(one.task.done, "n1 ends")
            await world.kill("n1")

            assert one.power.asked == ["shutdown"]
            assert node_of(two, "n1")["proof"] != "clean leave", "it ended with the application running"
            await world.online(on="n2")

    run(story())


def test_the_maintenance_switch_is_remembered_and_goes_on_over_a_stop(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, cluster()) as world:
            running = [world.start(name, maintenance=True) for name in ("n1", "n2")]
            one, two = running
            await world.until(lambda: all(node_of(two, n)["status"] == "Online" for n in ("n1", "n2")), "both online")
            assert all(each.state.maintenance for each in running)
            await given(two, c.SetMaintenance(on=False))
            await world.until(lambda: not one.state.maintenance, "off on both")
            for each in running:
                each.write_down()
                assert each.store.maintenance == [False]
            await given(two, c.SetMaintenance(on=True))
            await given(two, c.StopNode(None, "stop"))
            await stopped(world, "n1", "n2")
            await two.daemon.residents.start(("n1", "n2"), 5_000)
            await world.until(lambda: node_of(one, "n2")["status"] == "Online", "both are back")
            assert one.state.maintenance

    run(story())

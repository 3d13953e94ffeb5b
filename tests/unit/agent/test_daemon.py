"""Whole daemons on a fake bus: a group starts, moves, fails over; daemons die, sleep, are cut off, and leave."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from komainu.agent.daemon import DEFECT
from komainu.agent.members import line
from komainu.agent.members.line import Standing
from komainu.agent.records import recorder
from komainu.core.state import Presence
from komainu.model import commands as c
from komainu.model.config import Cluster, Recovery
from komainu.model.outcome import failed
from tests.doubles.bus import FakeBus
from tests.doubles.daemons import NOT_HERE, World, cluster, resource
from tests.doubles.virtual_time import run

Story = Callable[[World], Awaitable[None]]


def play(folder: Path, story: Story, config: Cluster | None = None) -> None:
    """Tell a story of a cluster in virtual time."""

    async def told() -> None:
        async with World(folder, config or cluster()) as world:
            await story(world)

    run(told())


def test_a_group_starts_on_the_first_node_and_both_say_so(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one, two = world.start_all()
        await world.online(on="n1")

        assert one.daemon.status()["nodes"] == two.daemon.status()["nodes"]
        assert [node["status"] for node in one.daemon.status()["nodes"]] == ["Online", "Online"]
        assert world.things.log.index(("n2", "prepare", "app")) < world.things.log.index(("n2", "probe", "app"))

    play(tmp_path, story)


def test_a_node_alone_waits_for_the_startup_sync_wait(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.wire.power_off(2)
        one = world.start("n1")
        await world.until(lambda: one.daemon.replica.synced, "synced")
        assert one.daemon.status()["nodes"][0]["status"] == "Online Pending"
        await world.online(on="n1")

        assert 60_000 <= world.clock() < 61_000

    play(tmp_path, story)


def test_an_operator_moves_the_group(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        _, two = world.start_all()
        await world.online(on="n1")
        answer = await two.daemon.parts.requests.ask(c.MoveGroup("web", "n2"), 5_000)
        assert answer.accepted
        await world.online(on="n2")

        stop, start = world.things.log.index(("n1", "stop", "app")), world.things.log.index(("n2", "start", "app"))
        assert stop < start

    play(tmp_path, story)


def test_power_loss_fails_over_and_the_node_comes_back_as_standby(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.start_all()
        await world.online(on="n1")
        await world.power_off("n1")
        await world.online(on="n2")
        world.start("n1")
        await world.until(lambda: world.running["n1"].daemon.replica.synced, "n1 back")
        await world.online(on="n2")

        assert world.things.log.count(("n2", "start", "app")) == 1

    play(tmp_path, story)


def test_with_arbitration_operator_the_group_waits_for_the_word(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        _, two = world.start_all()
        await world.online(on="n1")
        await world.power_off("n1")
        await world.until(lambda: two.state.nodes["n1"].presence is Presence.LOST, "n1 lost")
        group = two.daemon.status()["groups"][0]
        assert (group["status"], group["hindrance"]["level"]) == ("Online Pending", "warning")
        assert world.things.on("app") == []

        refused = await two.daemon.parts.requests.ask(c.ConfirmGone("n1", two.state.epoch - 1), 5_000)
        assert not refused.accepted
        answer = await two.daemon.parts.requests.ask(c.ConfirmGone("n1", two.state.epoch), 5_000)
        assert answer.accepted
        await world.online(on="n2")

    play(tmp_path, story, cluster(arbitration="operator"))


def test_a_daemon_that_dies_and_returns_adopts_what_runs(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        _, two = world.start_all()
        await world.online(on="n1")
        epoch = two.state.groups["web"].since
        await world.kill("n1")
        await world.until(lambda: two.state.nodes["n1"].presence is Presence.AGENT_LOST, "agent lost")
        assert world.things.on("app") == ["n1"]
        world.start("n1")
        await world.online(on="n1")

        assert [entry for entry in world.things.log if entry[1] in ("start", "stop")] == [("n1", "start", "app")]
        assert two.state.groups["web"].since == epoch
        assert ("n1", "probe", "app") in world.things.log

    play(tmp_path, story)


def test_what_a_daemon_adopted_is_watched(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.start_all()
        await world.online(on="n1")
        await world.kill("n1")
        world.start("n1")
        await world.online(on="n1")
        world.things.running["app"].clear()  # it dies unseen; the next check finds out
        await world.until(lambda: world.things.log.count(("n1", "start", "app")) == 2, "started again")
        await world.online(on="n1")

    play(tmp_path, story)


def test_a_reported_death_is_recovered_without_waiting_for_a_check(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.start_all()
        await world.online(on="n1")
        before = world.clock()
        world.things.running["app"].clear()
        world.things.hosts["n1", "app"].report(failed(NOT_HERE.said(resource="app", node="n1")))
        await world.until(lambda: world.things.log.count(("n1", "start", "app")) == 2, "started again")

        assert world.clock() - before < 100

    play(tmp_path, story)


def test_retries_end_and_the_group_fails_over(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        said = NOT_HERE.said(resource="app", node="n1")
        world.things.next("n1", "start", "app", *[lambda: failed(said)] * 2)
        world.start_all()
        await world.online(on="n2")

        assert world.things.log.count(("n1", "start", "app")) == 2
        assert world.running["n1"].daemon.status()["groups"][0]["failovers"] == 1

    play(tmp_path, story)


def test_corosync_that_dies_on_the_standby_moves_nothing(tmp_path: Path) -> None:
    """It comes back alone first, as corosync does: that is no loss of the others."""

    async def story(world: World) -> None:
        _, two = world.start_all()
        await world.online(on="n1")
        world.wire.kill_corosync(2)
        await world.until(lambda: two.daemon.parts.line.standing is Standing.WAITING, "lost")
        world.wire.cut(2)
        world.wire.start_corosync(2)
        await world.until(lambda: bool(two.daemon.parts.line.held), "a view of itself alone")
        world.wire.heal(2)
        await world.until(lambda: two.daemon.replica.synced and len(two.daemon.replica.view.members) == 2, "together")
        await world.online(on="n1")

        assert world.things.log.count(("n2", "start", "app")) == 0

    play(tmp_path, story)


def test_a_standby_that_was_frozen_moves_nothing(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        _, two = world.start_all()
        await world.online(on="n1")
        world.wire.freeze(2)
        await world.until(lambda: world.running["n1"].state.nodes["n2"].presence is Presence.GONE, "n2 lost")
        world.wire.thaw(2)
        await world.until(lambda: len(world.running["n1"].daemon.replica.view.members) == 2, "together")
        await world.online(on="n1")

        assert ("n2", "start", "app") not in world.things.log
        assert two.state.epoch == world.running["n1"].state.epoch

    play(tmp_path, story)


def test_an_active_node_that_was_frozen_stops_what_was_taken_over(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.start_all()
        await world.online(on="n1")
        world.wire.freeze(1)
        await world.until(lambda: "n2" in world.things.on("app"), "taken over")
        world.wire.thaw(1)
        await world.online(on="n2")

    play(tmp_path, story)


def test_a_node_that_stays_without_its_bus_goes_on_alone_and_merges_later(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one, two = world.start_all()
        await world.online(on="n1")
        world.wire.kill_corosync(1)
        await world.until(lambda: one.daemon.parts.line.standing is Standing.ALONE, "alone")
        await world.until(lambda: "n2" in world.things.on("app"), "n2 takes over")
        assert line.ALONE.code in one.alerts()
        assert one.daemon.status()["here"]["standing"] == "alone"
        # Alone it still looks after what it runs.
        world.things.running["app"].remove("n1")
        await world.until(lambda: "n1" in world.things.on("app"), "recovered alone")
        world.wire.start_corosync(1)
        await world.online(on="n2")

        assert line.RETURNED.code in one.alerts()
        assert two.daemon.replica.synced

    play(tmp_path, story)


def test_a_bus_that_stands_still_is_restarted(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one, _ = world.start_all()
        await world.online(on="n1")
        multicast = world.wire.multicast

        def still(sender: FakeBus, payload: bytes) -> None:
            """Until it is restarted, the local corosync takes messages and sends none; nobody is told."""
            if sender.node == 2 or "restart" in one.transport.asked:
                multicast(sender, payload)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(world.wire, "multicast", still)
            await world.until(lambda: "restart" in one.transport.asked, "restarted")
            await world.until(
                lambda: one.daemon.replica.synced and len(one.daemon.replica.view.members) == 2, "together"
            )

        assert one.alerts().count(line.STALLED.code) == 1
        await world.online()

    play(tmp_path, story)


def test_a_daemon_that_sleeps_is_accused_and_comes_back(tmp_path: Path) -> None:
    """As under SIGSTOP: its node and its corosync live, it hears nothing and says nothing, then all of it at once."""

    async def story(world: World) -> None:
        one, two = world.start_all()
        await world.online(on="n1")
        heard: list[tuple[int, bytes]] = []
        beat, on_message = two.daemon.loop.beat, two.daemon.parts.line.on_message
        with pytest.MonkeyPatch.context() as sleep:
            sleep.setattr(two.daemon.loop, "beat", lambda: 0)
            sleep.setattr(two.daemon.parts.line, "on_message", lambda sender, payload: heard.append((sender, payload)))
            await world.until(lambda: one.state.nodes["n2"].presence is Presence.AGENT_LOST, "accused")
        assert (two.daemon.loop.beat, two.daemon.parts.line.on_message) == (beat, on_message)
        for message in heard:
            on_message(*message)
        await world.until(lambda: one.state.nodes["n2"].presence is Presence.MEMBER, "back")
        await world.online(on="n1")

        assert two.state.nodes["n1"].presence is Presence.MEMBER
        assert ("n2", "start", "app") not in world.things.log

    play(tmp_path, story)


def test_a_clean_leave_hands_the_group_over_and_ends_with_0(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one, two = world.start_all()
        await world.online(on="n1")
        one.daemon.leave()
        one.daemon.leave()
        code = await one.task
        del world.running["n1"]
        await world.online(on="n2")

        assert code == 0
        assert one.transport.asked[-2:] == ["stop", "close"]
        assert two.daemon.status()["nodes"][0]["proof"] == "clean leave"

    play(tmp_path, story)


def test_the_last_node_leaves_too(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one, two = world.start_all()
        await world.online(on="n1")
        one.daemon.leave()
        assert await one.task == 0
        two.daemon.leave()
        assert await two.task == 0
        world.running.clear()

        assert world.things.on("app") == []

    play(tmp_path, story)


def test_a_leave_that_cannot_stop_says_what_still_runs(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one, _ = world.start_all()
        await world.online(on="n1")
        said = NOT_HERE.said(resource="app", node="n1")
        world.things.next("n1", "stop", "app", *[lambda: failed(said)] * 1000)
        one.daemon.leave()
        code = await one.task
        del world.running["n1"]

        assert code == 2
        assert one.alerts()[-1] == "KM5521"
        assert world.things.on("app") == ["n1"]
        assert "stop" not in one.transport.asked

    play(tmp_path, story, cluster(resource(recovery=Recovery(stop_final_action="none"))))


def test_a_node_that_runs_nothing_and_never_joined_may_leave(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one = world.start("n1")
        world.wire.kill_corosync(1)
        one.daemon.leave()
        assert await one.task == 0
        world.running.clear()

    play(tmp_path, story)


def test_corosync_that_does_not_start_is_tried_again_and_said_once(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one = world.start("n1")
        said = NOT_HERE.said(resource="corosync", node="n1")
        one.transport.trouble = [said, said, said]
        await world.until(lambda: one.transport.asked.count("start") == 4, "four attempts")

        assert one.alerts().count(said.code) == 1

    play(tmp_path, story)


def test_a_newer_configuration_is_taken_over_and_kept(tmp_path: Path) -> None:
    old = cluster()
    new = old.model_copy(update={"version": 2, "detect_within_ms": 900})

    async def story(world: World) -> None:
        one, two = world.start("n1", old), world.start("n2", new)
        await world.online(on="n1")
        await world.until(lambda: one.store.clusters == [new], "kept")

        assert one.state.cluster == two.state.cluster == new
        assert two.store.clusters == []
        assert one.daemon.parts.pulse.stall_ms == two.daemon.parts.pulse.stall_ms

    play(tmp_path, story, old)


def test_a_defect_in_the_core_ends_the_daemon_and_not_the_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(world: World) -> None:
        one, _ = world.start_all()
        await world.online(on="n1")

        def broken(*_: object) -> None:
            raise ZeroDivisionError("planted")

        # As the process does it: what nobody caught ends the daemon (komainu.api.service).
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: one.daemon.defect(context["exception"]))
        monkeypatch.setattr(one.daemon.replica, "delivered", broken)
        code = await one.task
        world.wire.kill_agent(1)
        del world.running["n1"]

        assert code == 70
        assert one.alerts()[-1] == DEFECT.code
        assert world.things.on("app") == ["n1"]

    play(tmp_path, story)


def test_a_restart_remembers_the_journal(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one = world.start("n1")
        world.start("n2")
        await world.online(on="n1")
        seq = one.daemon.parts.recorder.seq
        await world.kill("n1")
        again = world.start("n1")
        await world.until(lambda: again.daemon.replica.synced, "back")

        codes = again.alerts()
        assert codes.count(recorder.STARTED.code) == 2
        assert again.daemon.parts.recorder.seq > seq

    play(tmp_path, story)


def test_two_resources_start_in_order_and_stop_in_reverse(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one, _ = world.start_all()
        await world.online("app", on="n1")
        await one.daemon.parts.requests.ask(c.StopGroup("web"), 5_000)
        await world.until(lambda: not world.things.on("vip") and not world.things.on("app"), "stopped")

        done = [(verb, name) for _, verb, name in world.things.log if verb in ("start", "stop")]
        assert done == [("start", "vip"), ("start", "app"), ("stop", "app"), ("stop", "vip")]

    play(tmp_path, story, cluster(resource("vip"), resource("app")))


@pytest.mark.sockets
def test_the_service_manager_is_told_when_it_is_ready_and_that_it_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("komainu.agent.notify.Notifier._tell", lambda self, text: told.append(text))

    async def story(world: World) -> None:
        one = world.start("n1")
        await asyncio.sleep(5)
        assert "READY=1" in told  # alone it is synced, and waits for the others
        world.start("n2")
        await world.online(on="n1")
        await asyncio.sleep(5)
        assert "STATUS=n1 Online; web Online (n1)" in told
        assert told.count("WATCHDOG=1") >= 20
        one.daemon.leave()
        await one.task
        assert any(text.startswith("STOPPING=1") for text in told)

    play(tmp_path, story)

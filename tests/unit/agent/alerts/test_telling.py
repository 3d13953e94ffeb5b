"""Alerts in whole daemons: what all raise has one name, what one says all know, what was missed is fetched."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from komainu.agent.alert_record import Record
from komainu.agent.alerts.store import Wanted
from komainu.agent.clock import now_ms
from komainu.agent.daemon import Daemon
from komainu.agent.members import wire
from komainu.agent.records import recorder
from komainu.core import presence
from komainu.model import commands as c
from komainu.model.config import Cluster, Notification
from tests.doubles.alerts import said
from tests.doubles.bus import FakeBus
from tests.doubles.daemons import NOT_HERE, World, cluster
from tests.doubles.virtual_time import run
from tests.unit.agent.alerts.test_notifications import Pigeons

Story = Callable[[World], Awaitable[None]]
LOST = "Node n1 is lost"


def play(folder: Path, story: Story, config: Cluster | None = None, pigeons: Pigeons | None = None) -> None:
    """Tell a story in virtual time; the alerts are in memory."""

    async def told() -> None:
        async with World(folder, config or cluster(nodes=3)) as world:
            world.notifiers = {"webhook": pigeons.kind} if pigeons is not None else {}
            world.start_all()
            await world.online(on="n1")
            await asyncio.sleep(5)
            await story(world)

    run(told())


def play_on_disk(folder: Path, story: Story) -> None:
    """Tell a story in real time; the alerts are on disk."""

    async def told() -> None:
        async with World(folder, cluster(), clock=now_ms) as world:
            world.alerts_on_disk = True
            world.start_all()
            await world.online(on="n1", within_s=20)
            await story(world)

    asyncio.run(told())


def daemon(world: World, name: str) -> Daemon:
    return world.running[name].daemon


def shown(world: World, name: str) -> list[Record]:
    """What a node has in memory."""
    return [each for _, each in daemon(world, name).alerts.log.after(0)]


async def found(world: World, name: str) -> list[Record]:
    return await daemon(world, name).alerts.log.find(Wanted())


def overheard(world: World) -> list[wire.Message]:
    """From now on: what members say to each other."""
    passed: list[wire.Message] = []
    multicast = world.wire.multicast

    def listening(sender: FakeBus, payload: bytes) -> None:
        if sender.group == "komainu":
            passed.append(wire.decode(payload))
        multicast(sender, payload)

    world.wire.multicast = listening  # type: ignore[method-assign]
    return passed


def test_what_every_member_raises_has_the_same_name_on_each(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.power_off("n1")
        await world.online(on="n2")
        two, three = ({each.key: each for each in shown(world, name)} for name in ("n2", "n3"))
        lost = [each for each in two.values() if each.en.startswith(LOST)]
        assert [each.node for each in lost] == [""]
        assert lost[0].key in three
        core = {key for key, each in two.items() if each.code.startswith("KM7")}
        assert core == {key for key, each in three.items() if each.code.startswith("KM7")}
        assert [(two[key].en, two[key].detail) for key in core] == [(three[key].en, three[key].detail) for key in core]

    play(tmp_path, story)


def test_the_same_alert_raised_again_is_another_one(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        for _ in range(2):
            world.things.running["app"].clear()
            await asyncio.sleep(3)
            await world.online()
        two, three = ([each for each in shown(world, name) if each.code == NOT_HERE.code] for name in ("n2", "n3"))
        assert [each.node for each in two] == ["n1", "n1"]
        assert two[0].key != two[1].key
        assert [each.key for each in two] == [each.key for each in three]

    play(tmp_path, story)


def test_what_a_node_says_of_itself_is_known_to_all(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        daemon(world, "n3").parts.recorder.alert(said("KM5301"), "only here")
        await asyncio.sleep(1)
        for name in ("n1", "n2", "n3"):
            (told,) = [each for each in shown(world, name) if each.code == "KM5301"]
            assert (told.node, told.detail, told.stream.split(":")[0]) == ("n3", "only here", "n3")

    play(tmp_path, story)


def test_in_a_quiet_cluster_nothing_of_it_is_sent(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        passed = overheard(world)
        await asyncio.sleep(180)
        kinds = {type(message) for message in passed}
        assert kinds == {wire.Beat, wire.DigestAsked, wire.DigestTold}

    play(tmp_path, story)


def test_members_of_an_older_release_are_told_nothing_that_they_do_not_understand(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one = daemon(world, "n1")
        state = one.replica.state
        one.replica.state = state.with_node("n3", replace(state.nodes["n3"], rules=1))
        passed = overheard(world)
        one.parts.recorder.alert(said("KM5301"))
        await asyncio.sleep(5)
        assert not any(isinstance(message, wire.AlertsTold) for message in passed)
        assert one.alerts.present() == ("n1",)

    play(tmp_path, story)


def pigeon_cluster() -> Cluster:
    target = Notification(name="ops", kind="webhook", level="warning", params={})
    return cluster(nodes=3).model_copy(update={"notifications": (target,)})


def test_the_loss_of_a_node_is_sent_once_by_the_first_of_those_left(tmp_path: Path) -> None:
    pigeons = Pigeons()

    async def story(world: World) -> None:
        pigeons.arrived.clear()
        await world.power_off("n1")
        await world.online(on="n2")
        await asyncio.sleep(60)
        told = [(node, each.en) for node, _, notice in pigeons.arrived for each in notice.alerts]
        assert [node for node, en in told if en.startswith(LOST)] == ["n2"]

    play(tmp_path, story, pigeon_cluster(), pigeons)


def test_the_sender_that_dies_with_the_alert_in_its_hand_is_replaced(tmp_path: Path) -> None:
    pigeons = Pigeons()

    async def story(world: World) -> None:
        pigeons.arrived.clear()
        pigeons.down = ["n2"]  # it will try again, and does not live to see it
        await world.power_off("n1")
        await world.until(lambda: any(each.en.startswith(LOST) for each in shown(world, "n3")), "n1 lost")
        await world.power_off("n2")
        await asyncio.sleep(60)
        told = [(node, each.en) for node, _, notice in pigeons.arrived for each in notice.alerts]
        assert [node for node, en in told if en.startswith(LOST)] == ["n3"]

    play(tmp_path, story, pigeon_cluster(), pigeons)


def test_a_node_that_was_away_fetches_what_it_missed_and_a_restart_loses_nothing(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.power_off("n1")
        await world.online(on="n2", within_s=20)
        daemon(world, "n2").parts.recorder.alert(said("KM5301"), "while n1 was away")
        await asyncio.sleep(0.5)
        world.start("n1")
        async with asyncio.timeout(30):
            while not any(each.detail == "while n1 was away" for each in await found(world, "n1")):
                await asyncio.sleep(0.1)
            while [each.key for each in await found(world, "n1")] != [each.key for each in await found(world, "n2")]:
                await asyncio.sleep(0.1)
        everything = await found(world, "n1")
        lost = [each for each in everything if each.code == presence.LOST.code]
        assert len(lost) == 1
        started = [each.node for each in everything if each.code == recorder.STARTED.code]
        assert sorted(started) == ["n1", "n1", "n2"]

    play_on_disk(tmp_path, story)


def test_a_stopped_node_tells_nobody_and_its_alerts_are_fetched_when_it_is_back(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        two = daemon(world, "n2")
        answer = await two.parts.requests.ask(c.StopNode("n2", "stop"), 5_000)
        assert answer.accepted
        async with asyncio.timeout(30):
            while not two.stopped:
                await asyncio.sleep(0.05)
        passed = overheard(world)
        two.parts.recorder.alert(said("KM5301"), "while stopped")
        await asyncio.sleep(1)
        assert not any(isinstance(message, wire.AlertsTold) for message in passed)
        two.begin("n1")
        async with asyncio.timeout(30):
            while not any(each.detail == "while stopped" for each in await found(world, "n1")):
                await asyncio.sleep(0.1)

    play_on_disk(tmp_path, story)

"""What comes out of the replica is carried out, in its order; what was not heard is said again, and only that."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from komainu.agent.members import wire
from komainu.model import commands as c, events as e
from komainu.model.outcome import SUCCEEDED
from tests.doubles.bus import FakeBus
from tests.doubles.daemons import World, cluster
from tests.doubles.virtual_time import run


def play(folder: Path, story: Callable[[World], Awaitable[None]]) -> None:
    async def told() -> None:
        async with World(folder, cluster()) as world:
            world.start_all()
            await world.online(on="n1")
            await story(world)

    run(told())


def proposals(world: World) -> list[tuple[int, wire.Proposal]]:
    """From now on: what passes over the wire, by sender, without beats and rounds."""
    passed: list[tuple[int, wire.Proposal]] = []
    multicast = world.wire.multicast

    def listening(bus: FakeBus, payload: bytes) -> None:
        sender, message = bus.node, _member_s_word(bus, payload)
        if isinstance(message, wire.Proposal):
            passed.append((sender, message))
        multicast(bus, payload)

    world.wire.multicast = listening  # type: ignore[method-assign]
    return passed


def _member_s_word(bus: FakeBus, payload: bytes) -> wire.Message | None:
    """None for what residents say to each other."""
    return wire.decode(payload) if bus.group == "komainu" else None


def test_what_was_lost_with_the_bus_is_said_again_once(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        two = world.running["n2"].daemon
        event = e.ActionFinished("no such action", "n2", SUCCEEDED)
        world.wire.kill_corosync(2)
        await asyncio.sleep(0.01)
        two.loop.propose(event)
        passed = proposals(world)
        world.wire.start_corosync(2)
        await asyncio.sleep(5)

        assert [message.event for sender, message in passed if sender == 2].count(event) == 1
        assert two.replica.unheard() == []

    play(tmp_path, story)


def test_what_is_under_way_at_a_change_of_view_is_not_said_twice(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        two = world.running["n2"].daemon
        event = e.ActionFinished("no such action", "n2", SUCCEEDED)
        passed = proposals(world)
        two.loop.propose(event)
        await world.power_off("n1")
        await asyncio.sleep(5)

        assert [message.event for _, message in passed].count(event) == 1

    play(tmp_path, story)


def test_a_command_is_never_repeated(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        two = world.running["n2"].daemon
        world.wire.kill_corosync(2)
        await asyncio.sleep(0.01)
        asked = asyncio.ensure_future(two.parts.requests.ask(c.MoveGroup("web", "n2"), 2_000))
        await asyncio.sleep(0)
        passed = proposals(world)
        world.wire.start_corosync(2)

        assert not (await asked).accepted
        await asyncio.sleep(5)
        assert not any(isinstance(message.event, e.CommandGiven) for _, message in passed)
        assert world.things.on("app") == ["n1"]

    play(tmp_path, story)


def test_alerts_of_all_are_recorded_with_their_event_and_not_twice(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.power_off("n1")
        await world.online(on="n2")
        entries = world.running["n2"].daemon.parts.recorder.last(100)
        lost = [entry for entry in entries if any(change["name"] == "n1" for change in entry["changes"])]

        assert lost[-1]["event"]["event"] == "ViewChanged"
        told = [alert["en"] for entry in entries for alert in entry["alerts"]]
        assert told.count("Node n1 is lost: it left the ring without saying goodbye.") == 1
        online = [entry for entry in entries if {"name": "web", "now": "Online"}.items() <= _web(entry).items()]
        assert online[-1]["event"]["event"] == "ActionFinished"
        assert _web(online[-1])["node"] == "n2"

    play(tmp_path, story)


def _web(entry: dict[str, object]) -> dict[str, object]:
    return next((change for change in entry["changes"] if change["name"] == "web"), {})  # type: ignore[attr-defined]


def test_whoever_waits_for_a_change_is_woken_by_one_and_not_by_beats(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        two = world.running["n2"].daemon
        change = asyncio.ensure_future(two.loop.changed().wait())
        await asyncio.sleep(3)
        assert not change.done()
        await world.power_off("n1")
        await world.online(on="n2")
        assert change.done()

    play(tmp_path, story)


def test_whoever_waits_for_a_change_is_woken_by_a_judgement_that_comes_too_late(tmp_path: Path) -> None:
    """The first refusal has ended the attempt: a later one changes no state, and is told to whoever asked."""

    async def story(world: World) -> None:
        one, two = (world.running[name].daemon for name in ("n1", "n2"))
        before, change = one.state, asyncio.ensure_future(one.loop.changed().wait())
        two.loop.propose(e.ConfigurationJudged("no such change", "n2", ()))
        async with asyncio.timeout(5):
            await change
        assert one.state is before

    play(tmp_path, story)


def test_states_are_compared_once_a_minute_by_the_first_member(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        asked: list[int] = []
        multicast = world.wire.multicast

        def listening(bus: FakeBus, payload: bytes) -> None:
            if isinstance(_member_s_word(bus, payload), wire.DigestAsked):
                asked.append(bus.node)
            multicast(bus, payload)

        world.wire.multicast = listening  # type: ignore[method-assign]
        await asyncio.sleep(180)

        assert asked == [1, 1, 1]

    play(tmp_path, story)

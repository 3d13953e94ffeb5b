"""The group of all daemons: who is there, who is stopped, who can be started, and how the cluster stands."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from komainu.agent.residents import (
    GROUP,
    Configuration,
    Report,
    Residents,
    Standing,
    Stands,
    Start,
    StartAnswer,
    Started,
    VoteAsked,
    VoteTold,
    decode,
    encode,
)
from komainu.model.config import Cluster
from komainu.model.message import Message, Said
from tests.doubles.bus import FakeBus, FakeWire
from tests.doubles.daemons import cluster
from tests.doubles.virtual_time import run

CLUSTER = cluster(nodes=3)


TROUBLE = Message("TEST13", "The store cheats.", "ストアに問題があります。", "error").said()


class Vote:
    """The part of `komainu.agent.rights.voting.Voting` that is asked here."""

    def __init__(self) -> None:
        self.voter = SimpleNamespace(claimant=SimpleNamespace(epoch=0))
        self.findings: tuple[Said, ...] = ()
        self.takes_s = 0.0
        self.examined = 0

    async def examine(self, cluster: Cluster) -> tuple[Said, ...]:
        self.examined += 1
        await asyncio.sleep(self.takes_s)
        return self.findings


class House:
    """A daemon of which only this part exists."""

    def __init__(self, wire: FakeWire, number: int) -> None:
        self.standing = Stands.MEMBER
        self.parts: Any = SimpleNamespace(voting=Vote())
        self.begun_by: list[str] = []
        self.stirs = 0
        self.taken_over: list[Cluster] = []
        self.name = f"n{number}"
        self.bus = FakeBus(wire, number, GROUP)
        self.residents = Residents(self.name, self.name, lambda: CLUSTER, self.bus, self)

    def stands(self) -> Stands:
        return self.standing

    def become(self, stands: Stands) -> None:
        self.standing = stands
        self.residents.changed()

    def begin(self, by: str) -> None:
        self.begun_by.append(by)
        self.standing = Stands.MEMBER

    def take_over(self, cluster: Cluster) -> None:
        self.taken_over.append(cluster)

    def stirred(self) -> None:
        self.stirs += 1


class World:
    def __init__(self) -> None:
        self.wire = FakeWire((1, 2, 3))
        self.houses = [House(self.wire, number) for number in (1, 2, 3)]

    async def open(self, *numbers: int) -> None:
        for number in numbers:
            await self.houses[number - 1].residents.open()
        await settle()


async def settle() -> None:
    """Let everything that is under way arrive."""
    for _ in range(10):
        await asyncio.sleep(0)


def play(story: Callable[[World], Awaitable[None]]) -> None:
    async def told() -> None:
        world = World()
        await story(world)
        for house in world.houses:
            await house.residents.close()

    run(told())


def test_everybody_knows_who_is_stopped_and_whoever_comes_later_learns_it() -> None:
    async def story(world: World) -> None:
        one, two, three = world.houses
        await world.open(1, 2)
        assert one.residents.stopped() == ()
        two.become(Stands.STOPPED)
        await settle()
        assert one.residents.stopped() == two.residents.stopped() == ("n2",)
        await world.open(3)
        assert three.residents.stopped() == ("n2",)
        world.wire.power_off(2)
        await settle()
        assert one.residents.stopped() == three.residents.stopped() == ()

    play(story)


def test_a_stopped_node_is_started_and_the_others_are_told_apart() -> None:
    async def story(world: World) -> None:
        one, two, three = world.houses
        await world.open(1, 2)
        two.become(Stands.STOPPED)
        await settle()

        assert await one.residents.start(("n1", "n2", "n3"), 1_000) == {
            "n1": Started.MEMBER,
            "n2": Started.BEGUN,
            "n3": Started.ABSENT,
        }
        assert two.begun_by == ["n1"]
        assert await one.residents.start(("n2",), 1_000) == {"n2": Started.MEMBER}
        two.become(Stands.LEAVING)
        assert await one.residents.start(("n2",), 1_000) == {"n2": Started.LEAVING}
        assert three.begun_by == []

    play(story)


def test_a_stopped_node_starts_itself_without_a_bus() -> None:
    async def story(world: World) -> None:
        one = world.houses[0]
        one.standing = Stands.STOPPED
        world.wire.kill_corosync(1)
        await world.open(1, 2)

        assert await one.residents.start(("n1", "n2"), 1_000) == {"n1": Started.BEGUN, "n2": Started.ABSENT}
        assert one.begun_by == ["n1"]

    play(story)


def test_who_does_not_answer_in_time_is_said() -> None:
    async def story(world: World) -> None:
        one, two, _ = world.houses
        await world.open(1, 2)
        two.bus.listener = None  # its daemon hangs

        assert await one.residents.start(("n2",), 1_000) == {"n2": Started.SILENT}

    play(story)


def test_a_stopped_node_hears_how_the_cluster_stands_until_its_teller_goes() -> None:
    async def story(world: World) -> None:
        one, two, _ = world.houses
        await world.open(1, 2)
        two.become(Stands.STOPPED)
        await settle()
        assert two.residents.report() is None
        one.residents.tell({"groups": ["グループ"]})
        await settle()
        assert two.residents.report() == {"groups": ["グループ"]}
        assert two.stirs > 0

        one.become(Stands.STOPPED)
        await settle()
        assert two.residents.report() is None, "nobody keeps it up to date"
        one.become(Stands.MEMBER)
        one.residents.tell({"groups": []})
        await settle()
        world.wire.cut(2)
        await settle()
        assert two.residents.report() is None

    play(story)


def test_a_member_keeps_no_report() -> None:
    async def story(world: World) -> None:
        one, two, _ = world.houses
        await world.open(1, 2)
        one.residents.tell({"groups": []})
        await settle()
        two.standing = Stands.STOPPED
        assert two.residents.report() is None

    play(story)


def test_a_lost_bus_means_that_nobody_is_heard_and_comes_back_by_itself() -> None:
    async def story(world: World) -> None:
        one, two, _ = world.houses
        await world.open(1, 2)
        two.become(Stands.STOPPED)
        await settle()
        world.wire.kill_corosync(1)
        await settle()
        assert one.residents.stopped() == ()
        assert await one.residents.start(("n2",), 1_000) == {"n2": Started.ABSENT}
        world.wire.start_corosync(1)
        await settle()
        assert one.residents.stopped() == ("n2",)

    play(story)


@pytest.mark.parametrize(
    "message",
    [
        Standing(Stands.STOPPED),
        Start("a-1", ("n1", "n2"), "n3"),
        StartAnswer("a-1", Started.BEGUN),
        Report("abc"),
        VoteAsked("a-1", True),
        VoteTold("a-1", 7, (TROUBLE,), 12),
    ],
    ids=lambda message: type(message).__name__,
)
def test_messages_survive_the_wire(message: "object") -> None:
    assert decode(encode(message)) == message  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"v":2,"k":"Start","b":{}}',
        b'{"v":1,"k":"Start","b":{}}',
        b'{"v":1,"k":"X","b":1}',
    ],
)
def test_what_cannot_be_read_is_nothing(data: bytes) -> None:
    assert decode(data) is None


def test_noise_on_the_bus_harms_nobody() -> None:
    async def story(world: World) -> None:
        one, two, _ = world.houses
        await world.open(1, 2)
        two.become(Stands.STOPPED)
        await settle()
        for noise in (b"", b"{", encode(Report("not packed")), encode(StartAnswer("other", Started.BEGUN))):
            one.bus.send(noise)
        await settle()
        assert two.residents.report() is None
        assert await one.residents.start(("n2",), 1_000) == {"n2": Started.BEGUN}

    play(story)


def test_a_configuration_is_for_those_who_are_stopped() -> None:
    async def story(world: World) -> None:
        await world.open(1, 2, 3)
        world.houses[1].become(Stands.STOPPED)
        await settle()
        new = CLUSTER.model_copy(update={"version": 2})
        world.houses[0].residents.tell_configuration(new)
        await settle()

        assert [house.taken_over for house in world.houses] == [[], [new], []]

    play(story)


@pytest.mark.parametrize("packed", ["", "no base64", "AAAA", "eJwDAAAAAAE="])
def test_a_configuration_that_cannot_be_read_is_none(packed: str) -> None:
    async def story(world: World) -> None:
        await world.open(1, 2)
        world.houses[1].become(Stands.STOPPED)
        world.houses[0].bus.send(encode(Configuration(packed)))
        await settle()

        assert world.houses[1].taken_over == []

    play(story)


def test_each_daemon_tells_what_it_knows_of_the_vote_and_how_it_reaches_the_store() -> None:
    async def story(world: World) -> None:
        one, two, three = world.houses
        await world.open(1, 2)
        for number, house in enumerate(world.houses, 1):
            house.parts.voting.voter.claimant.epoch = 10 * number
        two.parts.voting.findings = (TROUBLE,)

        told = await one.residents.votes(1_000, examine=False)
        assert {node: each and (each.epoch, each.findings) for node, each in told.items()} == {
            "n1": (10, ()), "n2": (20, ()), "n3": None,
        }  # fmt: skip
        assert one.parts.voting.examined == two.parts.voting.examined == 0
        told = await one.residents.votes(1_000, examine=True)
        assert told["n2"] is not None
        assert told["n2"].findings == (TROUBLE,)
        assert (one.parts.voting.examined, two.parts.voting.examined, three.parts.voting.examined) == (1, 1, 0)

    play(story)


def test_whoever_takes_too_long_is_not_waited_for_and_the_others_are_heard() -> None:
    async def story(world: World) -> None:
        one, two, _ = world.houses
        await world.open(1, 2, 3)
        two.parts.voting.takes_s = 60.0
        told = await one.residents.votes(1_000, examine=True)
        assert told["n1"] is not None
        assert told["n2"] is None
        assert told["n3"] is not None
        one.parts.voting.takes_s = 60.0
        told = await one.residents.votes(1_000, examine=True)
        assert told["n1"] is None
        assert told["n3"] is not None

    play(story)

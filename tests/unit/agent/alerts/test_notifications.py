"""Which node sends which alert; what happens when that node dies or fails; and the test of all of them."""

import asyncio
from collections.abc import Awaitable, Callable

from pydantic import BaseModel, ConfigDict

from komainu.agent.alerts import notifications
from komainu.agent.alerts.notifications import NO_WORD, NOT_SENT, SENT_AGAIN, Notifications, Trial
from komainu.agent.members import wire
from komainu.model.config import Cluster, Notification
from komainu.model.message import Message, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed
from komainu.ports import Notice, NotifierHost, NotifierType
from tests.doubles.alerts import alert, said
from tests.doubles.daemons import cluster
from tests.doubles.notices import FakeTopics
from tests.doubles.virtual_time import run

TITLE = Message("TEST20", "Pigeon", "鳩")


class Params(BaseModel):
    """Parameters of a pigeon."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    loft: str = "here"


class Pigeons:
    """A kind of notification, of which it is known what arrived where from whom."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, str, Notice]] = []
        "Node, notification, notice."
        self.down: list[str] = []
        "Nodes from which nothing arrives."
        self.made: list[tuple[str, str, str]] = []
        self.kind = NotifierType("pigeon", TITLE, TITLE, Params, (), self.make)

    def make(self, params: Params, host: NotifierHost) -> "Pigeon":
        self.made.append((host.node, host.notification, params.loft))
        return Pigeon(self, host)

    def flights(self) -> list[tuple[str, list[str]]]:
        """Node and alerts of each arrival."""
        return [(node, [each.id for each in notice.alerts]) for node, _, notice in self.arrived]


class Pigeon:
    """`komainu.ports.NotifierHands`."""

    def __init__(self, pigeons: Pigeons, host: NotifierHost) -> None:
        self.pigeons = pigeons
        self.host = host

    async def send(self, notice: Notice, timeout_ms: int) -> Outcome:
        if self.host.node in self.pigeons.down:
            return failed(said(en="the pigeon came back"))
        self.pigeons.arrived.append((self.host.node, self.host.notification, notice))
        return SUCCEEDED


def config(*targets: Notification, version: int = 1) -> Cluster:
    chosen = targets or (Notification.model_construct(name="ops", kind="pigeon", level="warning", params={}),)
    return cluster(nodes=3).model_copy(update={"notifications": chosen, "version": version})


def target(name: str = "ops", **changes: object) -> Notification:
    values: dict[str, object] = {"name": name, "kind": "pigeon", "level": "warning", "params": {}}
    return Notification.model_construct(**{**values, **changes})  # type: ignore[arg-type]


class World:
    """Three nodes on a bus that delivers to all."""

    def __init__(self) -> None:
        self.pigeons = Pigeons()
        self.raised: list[tuple[str, Said, str]] = []
        self.sent: list[tuple[str, wire.Message]] = []
        self.alive = ("n1", "n2", "n3")
        kinds = {"pigeon": self.pigeons.kind}
        self.nodes = {
            name: Notifications(name, f"{name}d", kinds, FakeTopics(), self.teller(name), self.sender(name))
            for name in self.alive
        }
        for node in self.nodes.values():
            node.configure(config())
        self.members(*self.alive)

    def teller(self, name: str) -> Callable[[Said, str], None]:
        return lambda said, detail: self.raised.append((name, said, detail))

    def sender(self, name: str) -> Callable[[wire.Message], None]:
        def send(message: wire.Message) -> None:
            self.sent.append((name, message))
            asyncio.get_running_loop().call_soon(self.deliver, name, message)

        return send

    def deliver(self, sender: str, message: wire.Message) -> None:
        for name in self.alive:
            again = wire.decode(wire.encode(message))
            assert isinstance(again, wire.AlertsSent | wire.TestAsked | wire.TestAnswered)
            self.nodes[name].message(sender, again)

    def members(self, *names: str) -> None:
        """Everybody who is left sees these members."""
        self.alive = names
        for name in names:
            self.nodes[name].members(names)

    def kill(self, name: str) -> None:
        self.nodes[name].close()
        self.alive = tuple(each for each in self.alive if each != name)

    def core(self, n: int = 1) -> None:
        """Every member raises the same alert."""
        for name in self.alive:
            self.nodes[name].core(alert(n, "L"))

    def codes(self) -> list[tuple[str, str]]:
        return [(name, said.code) for name, said, _ in self.raised]

    def pending(self) -> int:
        return sum(len(each.pending) for node in self.nodes.values() for each in node._targets.values())


def play(story: Callable[[World], Awaitable[None]]) -> None:
    async def told() -> None:
        world = World()
        await story(world)
        for node in world.nodes.values():
            node.close()

    run(told())


def test_an_alert_of_all_is_sent_by_the_first_member_alone() -> None:
    async def story(world: World) -> None:
        world.core()
        await asyncio.sleep(600)
        assert world.pigeons.flights() == [("n1", ["L-1"])]
        assert world.pending() == 0
        assert world.sent == [("n1", wire.AlertsSent("ops", (("L", 1),), True))]

    play(story)


def test_an_alert_of_one_node_is_sent_by_that_node() -> None:
    async def story(world: World) -> None:
        world.nodes["n3"].local(alert(1, "n3:d"))
        await asyncio.sleep(600)
        assert world.pigeons.flights() == [("n3", ["n3:d-1"])]
        assert world.sent == []

    play(story)


def test_when_the_sender_dies_before_it_said_so_the_next_one_sends() -> None:
    async def story(world: World) -> None:
        world.core()
        world.kill("n1")
        await asyncio.sleep(60)
        assert world.pigeons.flights() == []
        world.members("n2", "n3")
        await asyncio.sleep(60)
        assert world.pigeons.flights() == [("n2", ["L-1"])]

    play(story)


def test_when_the_sender_died_after_it_said_so_nobody_sends_again() -> None:
    async def story(world: World) -> None:
        world.core()
        await asyncio.sleep(60)
        world.kill("n1")
        world.members("n2", "n3")
        await asyncio.sleep(600)
        assert world.pigeons.flights() == [("n1", ["L-1"])]

    play(story)


def test_a_node_from_which_nothing_arrives_leaves_it_to_the_next() -> None:
    async def story(world: World) -> None:
        world.pigeons.down = ["n1", "n2"]
        world.core()
        await asyncio.sleep(1_000)
        assert world.pigeons.flights() == [("n3", ["L-1"])]
        assert world.codes() == [("n1", NOT_SENT.code), ("n2", NOT_SENT.code)]
        assert "the pigeon came back" in world.raised[0][2]
        assert world.pending() == 0

    play(story)


def test_when_nobody_can_send_it_is_in_the_log_and_that_is_said() -> None:
    async def story(world: World) -> None:
        world.pigeons.down = ["n1", "n2", "n3"]
        world.core()
        await asyncio.sleep(2_000)
        assert world.codes() == [("n1", NOT_SENT.code), ("n2", NOT_SENT.code), ("n3", NOT_SENT.code)]
        assert world.pending() == 0
        world.pigeons.down = []
        world.core(2)
        await asyncio.sleep(100)
        assert world.pigeons.flights() == [("n1", ["L-2"])]
        assert world.codes()[3:] == [("n1", SENT_AGAIN.code)]

    play(story)


def test_before_there_is_a_member_nothing_of_the_core_is_sent() -> None:
    async def story(world: World) -> None:
        world.nodes["n1"].members(())
        world.nodes["n1"].core(alert(1, "new:n1"))
        await asyncio.sleep(60)
        assert world.pigeons.flights() == []
        world.nodes["n1"].members(("n1",))
        await asyncio.sleep(60)
        assert world.pigeons.flights() == [("n1", ["new:n1-1"])]

    play(story)


def test_only_alerts_from_the_wanted_level_on_are_sent_and_trouble_with_sending_never() -> None:
    async def story(world: World) -> None:
        node = world.nodes["n1"]
        node.local(alert(1, level="info"))
        node.local(alert(2, level="warning"))
        node.local(alert(3, code=NOT_SENT.code, level="warning"))
        await asyncio.sleep(60)
        assert world.pigeons.flights() == [("n1", ["s-2"])]

    play(story)


def test_a_change_of_the_configuration_loses_nothing_that_waits() -> None:
    async def story(world: World) -> None:
        world.pigeons.down = ["n1"]
        node = world.nodes["n1"]
        node.local(alert(1))
        await asyncio.sleep(10)
        made = len(world.pigeons.made)
        node.configure(config(version=2))
        assert len(world.pigeons.made) == made, "what did not change goes on as it is"
        node.configure(config(target(params={"loft": "there"}), target("boss", level="error")))
        world.pigeons.down = []
        await asyncio.sleep(60)
        assert world.pigeons.made[made:] == [("n1", "ops", "there"), ("n1", "boss", "here")]
        assert world.pigeons.flights() == [("n1", ["s-1"])]
        node.configure(config(target("boss")))
        assert node.names == ("boss",)

    play(story)


def test_a_kind_or_parameters_that_this_release_does_not_know_are_told_when_they_are_needed() -> None:
    async def story(world: World) -> None:
        node = world.nodes["n1"]
        node.configure(config(target("a", kind="fax"), target("b", params={"wings": 3})))
        node.local(alert(1))
        await asyncio.sleep(60)
        details = {said.en.split(":")[0]: detail for _, said, detail in world.raised}
        assert "does not know" in details["Notification a"]
        assert "wings" in details["Notification b"]

    play(story)


async def outcomes(world: World, name: str | None, *nodes: str) -> list[Trial]:
    found: list[Trial] = []
    await world.nodes["n2"].test(name, nodes, found.append)
    return found


def test_a_test_is_sent_from_every_node_and_the_results_come_back() -> None:
    async def story(world: World) -> None:
        world.pigeons.down = ["n3"]
        found = await outcomes(world, None, "n2", "n1", "n3")
        results = {each.node: each.outcome.result for each in found}
        assert results == {"n1": Result.SUCCEEDED, "n2": Result.SUCCEEDED, "n3": Result.FAILED}
        assert all(notice.test for *_, notice in world.pigeons.arrived)
        said = next(each.outcome.said for each in found if each.node == "n3")
        assert said is not None
        assert said.en == "the pigeon came back"

    play(story)


def test_a_test_of_one_notification_leaves_the_others_alone() -> None:
    async def story(world: World) -> None:
        for node in world.nodes.values():
            node.configure(config(target("a"), target("b")))
        found = await outcomes(world, "b", "n2", "n1", "n3")
        assert sorted((each.node, each.notification) for each in found) == [("n1", "b"), ("n2", "b"), ("n3", "b")]
        assert {name for _, name, _ in world.pigeons.arrived} == {"b"}

    play(story)


def test_a_node_that_does_not_answer_is_unknown() -> None:
    async def story(world: World) -> None:
        world.kill("n3")
        found = await outcomes(world, None, "n2", "n1", "n3")
        assert [each.node for each in found][-1] == "n3"
        assert found[-1].outcome.result is Result.UNKNOWN
        assert found[-1].outcome.said == NO_WORD.said(node="n3", ms=notifications.TEST_MS)

    play(story)

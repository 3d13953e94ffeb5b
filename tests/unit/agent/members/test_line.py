"""Which view counts: connected, waiting, alone; and what only looks like the loss of a node."""

import asyncio
from collections.abc import Awaitable, Callable

from komainu.agent.members import line as said, wire
from komainu.agent.members.line import FIRST_CONNECTION_MS, RETURN_MS, Line, Standing
from komainu.agent.members.replica import View
from komainu.model.message import Message, Said
from komainu.ports import BusListener, BusView, RingId
from tests.doubles.daemons import cluster
from tests.doubles.virtual_time import now_ms, run

LOST = Message("TEST3", "lost", "切断", "error")
PATIENCE_MS = 450 + RETURN_MS


class Bus:
    """`komainu.ports.Bus` that only notes."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def start(self, listener: BusListener) -> None: ...

    def send(self, payload: bytes) -> None:
        if len(payload) > 1_000_000:
            raise ValueError("too many bytes")
        self.sent.append(payload)

    async def stop(self) -> None: ...


class World:
    """A line of node n1 of three, and what its listener heard."""

    def __init__(self) -> None:
        self.bus = Bus()
        self.told: list[View | tuple[str, wire.Message]] = []
        self.alerts: list[str] = []
        self.restarts = 0
        self.line = Line("n1", cluster(nodes=3), "me", self.bus, self, self.restart)
        self.line.open()

    def view(self, view: View) -> None:
        self.told.append(view)

    def message(self, sender: str, message: wire.Message) -> None:
        self.told.append((sender, message))

    def alert(self, said: Said, detail: str = "") -> None:
        self.alerts.append(said.code)

    def restart(self) -> None:
        self.restarts += 1

    def bus_view(self, ring: int, agents: str, nodes: str = "") -> None:
        """The bus tells a view; ids as digits."""
        agent_ids = tuple(map(int, agents))
        self.line.on_view(BusView(RingId(1, ring), agent_ids, tuple(map(int, nodes)) or agent_ids))

    async def settle(self) -> None:
        """Let the loop turn, without time passing."""
        for _ in range(3):
            await asyncio.sleep(0)

    def heard(self) -> list[View | tuple[str, wire.Message]]:
        told, self.told = self.told, []
        return told


def names(digits: str) -> tuple[str, ...]:
    return tuple(f"n{digit}" for digit in digits)


def a_view(ring: int, members: str, nodes: str = "") -> View:
    return View(f"1-{ring}", names(members), names(nodes or members))


def play(story: Callable[[World], Awaitable[None]]) -> None:
    async def told() -> None:
        world = World()
        try:
            await story(world)
        finally:
            world.line.close()

    run(told())


async def together(world: World) -> None:
    world.bus_view(1, "123")
    await world.settle()
    assert world.heard() == [a_view(1, "123")]


# --- connected ------------------------------------------------------------------------------------------------------


def test_views_and_messages_pass_with_names() -> None:
    async def story(world: World) -> None:
        await together(world)
        assert world.line.standing is Standing.CONNECTED
        world.line.send(wire.Beat(7))
        assert [wire.decode(data) for data in world.bus.sent] == [wire.Beat(7)]
        world.line.on_message(2, world.bus.sent[0])
        world.bus_view(2, "12", "123")
        await world.settle()

        assert world.heard() == [("n2", wire.Beat(7)), a_view(2, "12", "123")]

    play(story)


def test_a_message_comes_after_the_view_before_it() -> None:
    async def story(world: World) -> None:
        await together(world)
        world.bus_view(2, "12")
        world.line.on_message(2, wire.encode(wire.Beat(1)))

        assert world.heard() == [a_view(2, "12"), ("n2", wire.Beat(1))]

    play(story)


def test_what_cannot_be_read_is_ignored_and_told_once_per_sender() -> None:
    async def story(world: World) -> None:
        await together(world)
        for payload in (b"\xff", b"{}", b'{"v":99,"k":"Beat","b":{}}', b"x" * 2_000_000):
            world.line.on_message(2, payload)
        world.line.on_message(3, b"")
        world.line.on_message(2, wire.encode(wire.Beat(1)))

        assert world.alerts == [said.UNDECODABLE.code] * 2
        assert world.heard() == [("n2", wire.Beat(1))]

    play(story)


def test_a_stranger_in_the_ring_is_ignored_and_told_once() -> None:
    async def story(world: World) -> None:
        world.bus_view(1, "1239")
        world.line.on_message(9, wire.encode(wire.Beat(1)))
        world.bus_view(2, "1239")
        await world.settle()

        assert world.heard() == [a_view(1, "123"), a_view(2, "123")]
        assert world.alerts == [said.STRANGER.code]

    play(story)


def test_a_message_that_is_too_large_is_told_and_the_line_goes_on() -> None:
    async def story(world: World) -> None:
        await together(world)
        world.line.send(wire.Snapshot("r", 0, 1, "x" * 1_000_001))
        world.line.send(wire.Beat(1))

        assert world.alerts == [said.TOO_LARGE.code]
        assert len(world.bus.sent) == 1

    play(story)


# --- what only looks like a loss ------------------------------------------------------------------------------------


def test_others_that_left_and_came_back_in_one_breath_were_not_lost() -> None:
    async def story(world: World) -> None:
        await together(world)
        world.bus_view(2, "1")
        world.bus_view(2, "123")
        await world.settle()

        assert world.heard() == [a_view(2, "1", "123"), a_view(2, "123")]

    play(story)


def test_one_that_left_for_good_in_the_same_breath_is_lost() -> None:
    async def story(world: World) -> None:
        await together(world)
        world.bus_view(2, "1")
        world.bus_view(2, "13")
        await world.settle()

        assert world.heard() == [a_view(2, "1", "13"), a_view(2, "13")]

    play(story)


def test_two_losses_in_one_breath_are_both_told() -> None:
    async def story(world: World) -> None:
        await together(world)
        world.bus_view(2, "12")
        world.bus_view(3, "1")
        await world.settle()

        assert world.heard() == [a_view(2, "12"), a_view(3, "1")]

    play(story)


def test_after_a_lost_line_a_view_of_this_node_alone_is_kept_back() -> None:
    async def story(world: World) -> None:
        await together(world)
        world.line.on_lost(LOST.said())
        assert world.line.standing is Standing.WAITING
        world.bus_view(2, "1")
        await asyncio.sleep(PATIENCE_MS / 1000 - 0.1)
        assert world.heard() == []
        world.bus_view(3, "123")
        await world.settle()

        assert world.heard() == [a_view(3, "1", "123"), a_view(3, "123")]
        assert world.line.standing is Standing.CONNECTED

    play(story)


def test_a_view_of_this_node_alone_counts_when_patience_ends() -> None:
    async def story(world: World) -> None:
        await together(world)
        world.line.on_lost(LOST.said())
        world.bus_view(2, "1")
        await asyncio.sleep(PATIENCE_MS / 1000 + 0.1)

        assert world.heard() == [a_view(2, "1")]
        assert world.line.standing is Standing.CONNECTED
        assert said.ALONE.code not in world.alerts

    play(story)


def test_a_node_that_was_alone_before_needs_no_patience() -> None:
    async def story(world: World) -> None:
        world.bus_view(1, "1")
        await world.settle()
        world.line.on_lost(LOST.said())
        world.bus_view(2, "1")
        await world.settle()

        assert world.heard() == [a_view(1, "1"), a_view(2, "1")]

    play(story)


# --- alone ----------------------------------------------------------------------------------------------------------


def test_without_a_bus_this_node_goes_on_alone_and_hears_itself_in_order() -> None:
    async def story(world: World) -> None:
        await together(world)
        begun = now_ms()
        world.line.on_lost(LOST.said())
        world.line.send(wire.Beat(1))  # nobody hears it: whoever proposes repeats itself
        await asyncio.sleep(PATIENCE_MS / 1000 + 0.1)
        assert world.line.standing is Standing.ALONE
        assert world.alerts == ["TEST3", said.ALONE.code]
        (lone,) = world.heard()
        assert lone == View("alone-me-1", ("n1",), ("n1",))
        assert now_ms() - begun >= PATIENCE_MS

        world.line.send(wire.Beat(2))
        world.line.send(wire.Beat(3))
        assert world.heard() == []  # never within `send`: the sender is in the middle of something
        await world.settle()
        assert world.heard() == [("n1", wire.Beat(2)), ("n1", wire.Beat(3))]

    play(story)


def test_alone_messages_of_an_old_bus_do_not_count_and_a_new_view_does() -> None:
    async def story(world: World) -> None:
        await together(world)
        world.line.on_lost(LOST.said())
        await asyncio.sleep(PATIENCE_MS / 1000 + 0.1)
        world.heard()
        world.line.on_message(2, wire.encode(wire.Beat(1)))
        world.line.send(wire.Beat(5))
        world.bus_view(7, "12")
        await world.settle()

        assert world.heard() == [a_view(7, "12")]
        assert world.alerts[-1] == said.RETURNED.code

    play(story)


def test_each_solitude_has_a_name_of_its_own() -> None:
    async def story(world: World) -> None:
        rings = []
        for number in range(2):
            world.bus_view(number, "12")
            await world.settle()
            world.line.on_lost(LOST.said())
            await asyncio.sleep(PATIENCE_MS / 1000 + 0.1)
            rings.append(world.heard()[-1].ring)  # type: ignore[union-attr]

        assert rings == ["alone-me-1", "alone-me-2"]

    play(story)


def test_a_daemon_that_never_gets_a_view_begins_alone() -> None:
    async def story(world: World) -> None:
        await asyncio.sleep((FIRST_CONNECTION_MS + PATIENCE_MS) / 1000 - 0.1)
        assert world.heard() == []
        await asyncio.sleep(0.2)

        assert world.heard() == [View("alone-me-1", ("n1",), ("n1",))]

    play(story)


def test_a_bus_that_stands_still_is_given_up_and_restarted() -> None:
    async def story(world: World) -> None:
        world.line.stalled(9)  # not connected: there is nothing that could stand still
        await together(world)
        world.line.stalled(1_300)
        assert world.restarts == 1
        assert world.line.standing is Standing.WAITING
        # Its old connection may still spit out what it had.
        world.line.on_message(2, wire.encode(wire.Beat(1)))
        world.line.on_lost(LOST.said())
        assert world.heard() == []
        assert world.alerts == [said.STALLED.code]
        world.bus_view(2, "123")

        assert world.heard() == [a_view(2, "1", "123"), a_view(2, "123")]

    play(story)

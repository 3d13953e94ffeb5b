"""Who sends what so that every node has every alert."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from komainu.agent.alerts.log import AlertLog
from komainu.agent.alerts.sharing import PART_RECORDS, Sharing, gaps, parts
from komainu.agent.alerts.store import AlertStore, Range, Wanted
from komainu.agent.background import Background
from komainu.agent.members import wire
from tests.doubles.alerts import NOON, alert, said

Held = dict[str, dict[str, Range]]


@pytest.mark.parametrize(
    ("held", "sends"),
    [
        ({"a": {"s": (1, 3)}, "b": {"s": (1, 3)}}, {}),
        ({"a": {"s": (1, 5)}, "b": {"s": (1, 3)}}, {"a": [("s", 4, 5)]}),
        ({"a": {}, "b": {"s": (1, 3)}}, {"b": [("s", 1, 3)]}),
        ({"a": {"s": (1, 2)}, "b": {"t": (1, 1)}}, {"a": [("s", 1, 2)], "b": [("t", 1, 1)]}),
        ({"a": {"s": (1, 9)}, "b": {"s": (4, 9)}}, {"a": [("s", 1, 3)]}),
        ({"a": {"s": (1, 5)}, "b": {"s": (1, 5)}, "c": {}}, {"a": [("s", 1, 5)]}),
        ({"a": {"s": (1, 4)}, "b": {"s": (3, 9)}}, {"a": [("s", 1, 2)], "b": [("s", 5, 9)]}),
        ({"a": {"s": (1, 4)}, "b": {"s": (3, 9)}, "c": {}}, {"a": [("s", 1, 4)], "b": [("s", 5, 9)]}),
    ],
)
def test_each_gap_is_filled_by_one(held: Held, sends: dict[str, list[tuple[str, int, int]]]) -> None:
    assert {node: found for node in held if (found := gaps(held, node))} == sends


RANGES = st.tuples(st.integers(1, 8), st.integers(0, 5)).map(lambda each: (each[0], each[0] + each[1]))
HELD = st.dictionaries(
    st.sampled_from("abcd"), st.dictionaries(st.sampled_from("st"), RANGES, max_size=2), min_size=1, max_size=4
)


@given(HELD)
@settings(max_examples=1000)
def test_afterwards_all_have_everything_and_nothing_was_sent_twice(held: Held) -> None:
    have: dict[str, set[tuple[str, int]]] = {
        node: {(stream, n) for stream, (low, high) in streams.items() for n in range(low, high + 1)}
        for node, streams in held.items()
    }
    everything = set().union(*have.values())
    sent = [(stream, n) for node in held for stream, first, last in gaps(held, node) for n in range(first, last + 1)]
    assert len(set(sent)) == len(sent)
    assert all(own | set(sent) == everything for own in have.values())
    assert not any(all(each in own for own in have.values()) for each in sent), "nobody lacked it"


def test_messages_are_of_bounded_size() -> None:
    records = [alert(n, detail="\x01" * 4_000, en="\x01" * 2_000, ja="\x01" * 2_000) for n in range(1, 100)]
    made = parts(records)
    assert [each for part in made for each in part] == records
    assert all(len(wire.encode(wire.AlertsTold(part))) < wire.MAX_BYTES for part in made)
    assert [len(part) for part in parts([alert(n) for n in range(1, 71)])] == [PART_RECORDS, PART_RECORDS, 6]
    assert parts([]) == []


class Node:
    """One member."""

    def __init__(self, world: "World", name: str, folder: Path) -> None:
        self.world = world
        self.name = name
        self.background = Background()
        self.log = AlertLog(name, f"{name}:d", AlertStore(folder / f"{name}.db"), self.background, self.tell, self.now)
        self.sharing = Sharing(name, self.log, self.send, self.others, lambda: world.lineage)

    def now(self) -> int:
        return NOON

    def tell(self, *_: object) -> None:
        raise AssertionError("no trouble was expected")

    def others(self) -> tuple[str, ...]:
        return tuple(name for name in self.world.members if name != self.name)

    def send(self, message: wire.Message) -> None:
        self.world.sent.append((self.name, message))
        asyncio.get_running_loop().call_soon(self.world.deliver, self.name, message)

    async def keys(self) -> list[tuple[str, int]]:
        return [each.key for each in await self.log.find(Wanted())]


class World:
    """Members on a bus that delivers to all, in order."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.lineage = "L1"
        self.members: tuple[str, ...] = names
        self.sent: list[tuple[str, wire.Message]] = []
        self.nodes = {name: Node(self, name, folder) for name in names}

    def deliver(self, sender: str, message: wire.Message) -> None:
        for name in self.members:
            assert isinstance(message, wire.AlertsTold | wire.AlertsHeld)
            self.nodes[name].sharing.message(sender, wire.decode(wire.encode(message)))  # type: ignore[arg-type]

    def together(self, *names: str) -> None:
        """A round of putting histories together has ended."""
        self.members = names
        self.lineage += "+"
        for name in names:
            self.nodes[name].sharing.adopted()

    async def until_equal(self, *names: str) -> list[tuple[str, int]]:
        async with asyncio.timeout(20):
            while True:
                keys = [await self.nodes[name].keys() for name in names]
                if all(each == keys[0] for each in keys):
                    return keys[0]
                await asyncio.sleep(0.02)

    def count(self, kind: type) -> int:
        return len([message for _, message in self.sent if isinstance(message, kind)])


def play(
    monkeypatch: pytest.MonkeyPatch, world: Callable[[], World], story: Callable[[World], Awaitable[None]]
) -> None:
    monkeypatch.setattr("komainu.agent.alerts.sharing.COMPARE_AFTER_MS", 20)
    monkeypatch.setattr("komainu.agent.alerts.sharing.TELL_AFTER_MS", 20)

    async def told() -> None:
        made = world()
        await story(made)
        for node in made.nodes.values():
            node.sharing.close()
            node.log.close()
            assert await node.background.close(10_000)

    asyncio.run(told())


def test_what_a_node_says_of_itself_is_told_to_the_others_in_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(world: World) -> None:
        one = world.nodes["n1"]
        for _ in range(3):
            one.sharing.tell(one.log.local(said(), ""))
        assert await world.until_equal("n1", "n2", "n3") == [("n1:d", 1), ("n1:d", 2), ("n1:d", 3)]
        assert world.count(wire.AlertsTold) == 1

    play(monkeypatch, lambda: World(tmp_path, "n1", "n2", "n3"), story)


def test_a_node_that_was_away_fetches_what_it_missed_and_brings_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(world: World) -> None:
        one, two, three = (world.nodes[name] for name in ("n1", "n2", "n3"))
        for _ in range(100):  # n1 is cut off; the others decide alike
            two.log.core("L-rest", "", said(), "")
            three.log.core("L-rest", "", said(), "")
        one.log.core("L-alone", "", said(), "")
        two.log.local(said(), "")
        world.together("n1", "n2", "n3")
        keys = await world.until_equal("n1", "n2", "n3")
        assert len(keys) == 102
        told = [(sender, message) for sender, message in world.sent if isinstance(message, wire.AlertsTold)]
        assert {sender for sender, _ in told} == {"n1", "n2"}
        assert sum(len(message.records) for _, message in told) == 102
        assert world.count(wire.AlertsHeld) == 3

    play(monkeypatch, lambda: World(tmp_path, "n1", "n2", "n3"), story)


def test_when_all_have_the_same_nothing_but_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        for node in world.nodes.values():
            node.log.core("L", "", said(), "")
        world.together("n1", "n2")
        async with asyncio.timeout(20):
            while world.count(wire.AlertsHeld) < 2:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert [type(message) for _, message in world.sent] == [wire.AlertsHeld] * 2

    play(monkeypatch, lambda: World(tmp_path, "n1", "n2"), story)


def test_whoever_leaves_before_he_has_spoken_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        world.nodes["n1"].log.local(said(), "")
        world.together("n1", "n2", "n3")
        world.nodes["n3"].sharing.close()
        async with asyncio.timeout(20):
            while world.count(wire.AlertsHeld) < 2:
                await asyncio.sleep(0.01)
        assert world.count(wire.AlertsTold) == 0
        world.members = ("n1", "n2")
        world.lineage += "-"
        for name in world.members:
            world.nodes[name].sharing.moved()
        assert await world.until_equal("n1", "n2") == [("n1:d", 1)]

    play(monkeypatch, lambda: World(tmp_path, "n1", "n2", "n3"), story)


def test_a_node_whose_log_does_not_answer_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        async def none() -> Mapping[str, Range] | None:
            return None

        monkeypatch.setattr(world.nodes["n3"].log, "streams", none)
        world.nodes["n1"].log.local(said(), "")
        world.together("n1", "n2", "n3")
        assert await world.until_equal("n1", "n2") == [("n1:d", 1)]

    play(monkeypatch, lambda: World(tmp_path, "n1", "n2", "n3"), story)


def test_alone_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        one = world.nodes["n1"]
        one.sharing.tell(one.log.local(said(), ""))
        world.together("n1")
        await asyncio.sleep(0.1)
        assert world.sent == []

    play(monkeypatch, lambda: World(tmp_path, "n1"), story)

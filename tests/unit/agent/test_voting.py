"""Whole daemons whose rights are limited: the vote, the wait, the cut, the return. A store in memory, virtual time."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from komainu.core.state import Presence, Proof
from komainu.model.config import Arbitration, Cluster, Lease
from komainu.model.message import Message
from komainu.model.vote import Record, record
from komainu.ports import Held, StoreSilent
from tests.doubles.daemons import World, cluster
from tests.doubles.virtual_time import now_ms, run

Story = Callable[[World], Awaitable[None]]

RIGHT_MS, WAIT_MS = 4_000, 4_600
DOWN = Message("TEST9", "The store is down.", "ストアが停止しています。", "warning")


class MemoryVotes:
    """`komainu.ports.VoteStore` in memory; it can be down."""

    def __init__(self) -> None:
        self.version = 1
        self.text = Record(cluster="test", config=1, epoch=1, wait_ms=WAIT_MS, nonce="init").text()
        self.down = False
        self.writes = 0
        self.reads = 0
        self.first_write_ms = 0

    async def read(self, timeout_ms: int) -> Held | None:
        self._answer()
        self.reads += 1
        return Held(str(self.version), self.text)

    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        self._answer()
        if version != str(self.version):
            return None
        self.version, self.text, self.writes = self.version + 1, text, self.writes + 1
        self.first_write_ms = self.first_write_ms or now_ms()
        return str(self.version)

    async def create(self, text: str, timeout_ms: int) -> str | None:
        raise AssertionError("a daemon never creates the record by itself")

    async def examine(self, timeout_ms: int) -> tuple[()]:
        return ()

    def _answer(self) -> None:
        if self.down:
            raise StoreSilent(DOWN.said())


def lease(**changes: object) -> Cluster:
    """Two nodes with a third vote."""
    arbitration = Arbitration(
        kind="lease", lease=Lease(type="lease_test", params={}), right_ms=RIGHT_MS, wait_ms=WAIT_MS
    )
    return cluster(**{"startup_sync_wait_ms": 3_000, **changes}).model_copy(update={"arbitration": arbitration})  # type: ignore[arg-type]


def play(folder: Path, story: Story, config: Cluster | None = None) -> MemoryVotes:
    """Tell a story of a cluster in virtual time; the store as it is in the end."""
    votes = MemoryVotes()

    async def told() -> None:
        async with World(folder, config or lease()) as world:
            world.votes = votes
            await story(world)

    run(told())
    return votes


def test_together_a_group_starts_and_the_store_is_left_alone(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one, _ = world.start_all()
        await world.online(on="n1")
        began = world.clock()
        await world.until(lambda: world.clock() - began > 30_000, "half a minute")

        assert one.daemon.parts.voting.voter.entitled(world.clock())
        assert not one.state.nodes["n1"].powerless

    votes = play(tmp_path, story)
    assert (votes.reads, votes.writes) == (2, 0), "one look of each node tells that nobody acts alone"


def test_power_loss_is_survived_after_the_vote_and_the_wait(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        _, two = world.start_all()
        await world.online(on="n1")
        await world.power_off("n1")
        await world.online(on="n2")

        assert isinstance(world.votes, MemoryVotes)
        assert two.state.nodes["n1"].proof is Proof.LEASE
        assert WAIT_MS <= world.clock() - world.votes.first_write_ms < WAIT_MS + 1_000

    votes = play(tmp_path, story)
    held = record(votes.text)
    assert held.owner is not None
    assert (held.owner.node, held.mode) == ("n2", "alone")


def test_without_the_store_nothing_starts_and_the_claim_goes_on(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        assert isinstance(world.votes, MemoryVotes)
        _, two = world.start_all()
        await world.online(on="n1")
        world.votes.down = True
        await world.power_off("n1")
        await world.until(lambda: two.state.nodes["n1"].presence is Presence.LOST, "n1 lost")
        began = world.clock()
        await world.until(lambda: world.clock() - began > 20_000, "a while")
        assert world.things.on("app") == []
        world.votes.down = False
        await world.online(on="n2")

    play(tmp_path, story)


def test_an_active_node_that_is_alone_goes_on_with_the_vote(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one, _ = world.start_all()
        await world.online(on="n1")
        await world.power_off("n2")
        await world.until(lambda: one.state.vote is not None, "the vote")
        began = world.clock()
        await world.until(lambda: world.clock() - began > 20_000, "a while")

        assert world.things.on("app") == ["n1"]
        assert not any(entry[1] == "stop" for entry in world.things.log)

    assert play(tmp_path, story).writes > 10


def test_a_node_that_can_neither_see_the_other_nor_the_store_stops_by_itself(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        assert isinstance(world.votes, MemoryVotes)
        one, _ = world.start_all()
        await world.online(on="n1")
        world.votes.down = True
        await world.power_off("n2")
        began = world.clock()
        await world.until(lambda: world.things.on("app") == [], "stopped")
        assert world.clock() - began < RIGHT_MS
        assert one.state.nodes["n1"].powerless
        world.votes.down = False
        await world.online(on="n1")

    play(tmp_path, story)


def test_a_daemon_that_is_back_soon_does_not_disturb_what_runs(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        _, two = world.start_all()
        await world.online(on="n1")
        await world.kill("n1")
        await world.until(lambda: two.state.nodes["n1"].presence is Presence.AGENT_LOST, "agent lost")
        world.start("n1")
        await world.online(on="n1")
        began = world.clock()
        await world.until(lambda: world.clock() - began > 15_000, "a while")

        assert [entry for entry in world.things.log if entry[1] in ("start", "stop")] == [("n1", "start", "app")]

    play(tmp_path, story)


def test_together_again_the_record_says_so_once(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        one, _ = world.start_all()
        await world.online(on="n1")
        await world.power_off("n2")
        await world.until(lambda: one.state.vote is not None, "the vote")
        world.start("n2")
        await world.until(lambda: one.state.nodes["n2"].presence is Presence.MEMBER, "n2 back")
        assert isinstance(world.votes, MemoryVotes)
        await world.until(lambda: record(world.votes.text).mode == "together", "settled")  # type: ignore[union-attr]
        writes = world.votes.writes
        began = world.clock()
        await world.until(lambda: world.clock() - began > 10_000, "a while")
        assert world.votes.writes == writes

    play(tmp_path, story)

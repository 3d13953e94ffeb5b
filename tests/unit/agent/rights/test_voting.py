"""Whole daemons whose rights are limited: the vote, the wait, the cut, the return. A store in memory, virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from komainu.agent.rights.voter import Voter
from komainu.agent.rights.voting import TOO_LATE, Voting
from komainu.core.state import Presence, Proof, State
from komainu.model import events as e
from komainu.model.config import Cluster
from komainu.model.message import Said
from komainu.model.vote import record
from komainu.ports import Held
from tests.doubles.daemons import World
from tests.doubles.virtual_time import now_ms, run
from tests.doubles.votes import RIGHT_MS, WAIT_MS, MemoryVotes, lease
from tests.unit.core.clusters import cluster as configured, formed

Story = Callable[[World], Awaitable[None]]


def play(folder: Path, story: Story, config: Cluster | None = None) -> MemoryVotes:
    """Tell a story of a cluster in virtual time; the store as it is in the end."""
    votes = MemoryVotes()

    async def told() -> None:
        async with World(folder, config or lease()) as world:
            world.votes = votes
            await story(world)

    run(told())
    assert votes.creations == 0, "a daemon never creates the record by itself"
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


# --- the shell alone --------------------------------------------------------------------------------------------------


class Cuts:
    """`komainu.agent.rights.voting.Cut`: until when effects may last."""

    def __init__(self) -> None:
        self.until: list[int] = []
        self.over = 0

    def follow(self, state: State, *, bound: bool) -> None:
        """Nothing is guarded here."""

    def lasts_until(self, until_ms: int) -> None:
        self.until.append(until_ms)

    def ended(self) -> None:
        self.over += 1


class Slow(MemoryVotes):
    """It answers after a while, and does what it was asked all the same."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def read(self, timeout_ms: int) -> Held | None:
        await asyncio.sleep(self.seconds)
        return await super().read(timeout_ms)


class Shell:
    """The shell around the voter of b, which is alone; `db` was running on a."""

    def __init__(self, votes: MemoryVotes, me: str = "b") -> None:
        self.life = formed(configured(arbitration="lease"))
        self.cuts, self.events = Cuts(), list[e.Event]()
        self.alerts, self.epochs = list[Said](), list[int]()
        voter = Voter(me, f"{me}.x", self.life.state, lambda: f"n{votes.version}", 0)
        keep, now = self.epochs.append, now_ms
        self.voting = Voting(voter, lambda _: votes, self.cuts, self.events.append, self.alerts.append, keep, now)
        self.life.view(me)
        self.voting.follow(self.life.state, f"{me}.1", True)


def test_a_claim_is_told_kept_and_held_by_the_kernel() -> None:
    async def story() -> None:
        shell = Shell(MemoryVotes())
        await asyncio.sleep(0.5)
        assert [type(event) for event in shell.events] == [e.VoteWon]
        assert shell.epochs[-1] == 2
        assert shell.cuts.until[-1] - now_ms() > 2_000
        assert await shell.voting.entitled()
        assert await shell.voting.may_fence()
        await shell.voting.close()

    run(story())


def test_a_store_that_takes_too_long_is_told_once_and_its_answer_is_not_heard() -> None:
    async def story() -> None:
        shell = Shell(Slow(1.5))
        await asyncio.sleep(10)
        assert shell.events == []
        assert [said.code for said in shell.alerts] == [TOO_LATE.code]
        assert not await shell.voting.entitled()  # it waited as long as a right lasts
        assert not await shell.voting.may_fence()
        await shell.voting.close()

    run(story())


def test_at_the_end_of_the_right_the_effects_end() -> None:
    async def story() -> None:
        votes = MemoryVotes()
        shell = Shell(votes)
        await asyncio.sleep(0.5)
        votes.down = True
        await asyncio.sleep(10)
        assert shell.cuts.over == 1
        assert not shell.voting.voter.entitled(now_ms())
        await shell.voting.close()

    run(story())


def test_who_waits_for_the_right_begins_when_it_is_there() -> None:
    async def story() -> None:
        votes = MemoryVotes()
        votes.down = True
        shell = Shell(votes)
        waiting = asyncio.ensure_future(shell.voting.entitled())
        await asyncio.sleep(2)
        votes.down = False
        assert await waiting
        await shell.voting.close()

    run(story())


def test_after_its_end_nothing_more_is_asked() -> None:
    async def story() -> None:
        votes = Slow(0.5)
        shell = Shell(votes)
        await asyncio.sleep(0.4)  # a question is under way
        await shell.voting.close()
        await asyncio.sleep(30)
        assert (votes.reads, votes.writes, shell.events) == (0, 0, [])
        shell.voting.turn()
        assert (votes.reads, shell.events) == (0, [])

    run(story())

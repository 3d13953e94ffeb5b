"""The vote record for operators: written with all nodes together alone, and never over what nobody has seen."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from komainu.api import lease as api
from komainu.api.operation import OperationRefused
from komainu.api.operations import BY_NAME
from komainu.core.state import Presence
from komainu.model.vote import Owner, Record, record
from tests.doubles.daemons import Running, World, cluster
from tests.doubles.virtual_time import run
from tests.doubles.votes import CHEATS, WAIT_MS, MemoryVotes, lease

Story = Callable[["Case"], Awaitable[None]]


class Case:
    """Two nodes together, and the store."""

    def __init__(self, world: World, one: Running, votes: MemoryVotes) -> None:
        self.world = world
        self.one = one
        self.votes = votes

    async def asked(self, op: str, **args: Any) -> Any:
        operation = BY_NAME[op]
        assert operation.answer_by is not None
        answer = await operation.answer_by(self.one.daemon, operation.request(**args))
        assert operation.answer.model_validate(answer).model_dump(mode="json") == answer
        return answer

    async def refused(self, op: str, **args: Any) -> str:
        """The code of the refusal."""
        with pytest.raises(OperationRefused) as refusal:
            await self.asked(op, **args)
        return refusal.value.said.code

    @property
    def held(self) -> Record:
        assert self.votes.text is not None
        return record(self.votes.text)


def play(folder: Path, story: Story, prepare: Callable[[MemoryVotes], None] = lambda votes: None) -> None:
    async def told() -> None:
        async with World(folder, lease()) as world:
            votes = MemoryVotes()
            world.votes = votes
            prepare(votes)
            one, _ = world.start_all()
            await world.online(on="n1")
            await story(Case(world, one, votes))

    run(told())


def missing(votes: MemoryVotes) -> None:
    votes.text = None


def test_the_first_record_is_written_once_and_owned_by_nobody(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        told = await case.asked("lease.show")
        assert (told["record"], told["version"], told["trouble"]["code"]) == (None, None, "KM5601")

        answer = await case.asked("lease.init", who="ann")
        assert answer["said"]["en"] == "The vote record was written with epoch 1."
        held = case.held
        assert (held.cluster, held.config, held.epoch, held.owner, held.mode) == ("test", 1, 1, None, "together")
        assert held.wait_ms == WAIT_MS
        assert "KM6408" in case.one.alerts()

        assert await case.refused("lease.init") == api.EXISTS.code
        assert case.held == held
        await case.world.until(lambda: case.one.daemon.parts.voting.voter.claimant.trouble is None, "found", 10)

    play(tmp_path, story, missing)


def test_nothing_is_written_while_a_node_is_away(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        await case.world.power_off("n2")
        await case.world.until(lambda: case.one.state.nodes["n2"].presence is Presence.LOST, "lost", 20)
        assert await case.refused("lease.init") == api.APART.code
        assert await case.refused("lease.init", replace=True) == api.APART.code
        assert (case.votes.text, case.votes.creations) == (None, 0)

    play(tmp_path, story, missing)


def test_a_node_that_does_not_say_what_it_has_seen_holds_it_up(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        await case.world.running["n2"].daemon.residents.close()
        assert await case.refused("lease.init") == api.UNHEARD.code
        assert case.votes.text is None
        told = await case.asked("lease.show")
        assert told["known"] == [{"node": "n1", "epoch": 0}, {"node": "n2", "epoch": None}]

    play(tmp_path, story, missing)


def test_a_replacement_is_newer_than_what_any_node_has_seen(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        case.world.running["n2"].daemon.parts.voting.voter.claimant.epoch = 40
        told = await case.asked("lease.show")
        assert (told["record"]["epoch"], told["trouble"]["code"]) == (3, "KM5604"), "an old copy"
        assert await case.refused("lease.init", replace=True, version="9") == api.ANOTHER_NOW.code
        await case.asked("lease.init", replace=True, version=told["version"])
        assert case.held.epoch == 41
        assert (await case.asked("lease.show"))["trouble"] is None

    def of_old(votes: MemoryVotes) -> None:
        old = Record(cluster="test", config=1, epoch=3, wait_ms=WAIT_MS, nonce="old")
        votes.text = old.text()

    play(tmp_path, story, of_old)


def test_a_replacement_keeps_complete_copies_and_the_longer_wait(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        await case.asked("lease.init", replace=True)
        held = case.held
        assert (held.epoch, held.current, held.wait_ms, held.owner) == (4, {"data": ("n2",)}, 9_000, None)
        assert held.nonce != "old"

    def longer(votes: MemoryVotes) -> None:
        owner = Owner(node="n1", incarnation="x.1")
        values: dict[str, Any] = {"cluster": "test", "config": 1, "owner": owner, "mode": "together"}
        votes.text = Record(**values, epoch=3, wait_ms=9_000, nonce="old", current={"data": ("n2",)}).text()

    play(tmp_path, story, longer)


@pytest.mark.parametrize(
    ("text", "trouble", "refusal"),
    [
        ("no record", "KM5602", api.SOMETHING.code),
        (Record(cluster="else", config=7, epoch=9, wait_ms=1, nonce="n").text(), "KM5603", api.EXISTS.code),
    ],
)
def test_what_cannot_be_used_is_shown_and_replaced_when_asked_for(
    tmp_path: Path, text: str, trouble: str, refusal: str
) -> None:
    async def story(case: Case) -> None:
        assert (await case.asked("lease.show"))["trouble"]["code"] == trouble
        assert await case.refused("lease.init") == refusal
        await case.asked("lease.init", replace=True)
        assert (case.held.cluster, case.held.epoch, case.held.wait_ms) == ("test", 1, WAIT_MS)

    def put(votes: MemoryVotes) -> None:
        votes.text = text

    play(tmp_path, story, put)


def test_a_lost_answer_is_read_back(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        case.votes.mute = True
        assert (await case.asked("lease.init"))["accepted"]
        assert case.held.epoch == 1

    play(tmp_path, story, missing)


def test_a_silent_store_is_told_and_it_is_said_whether_anything_was_written(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        put = case.votes._put

        def and_gone(text: str) -> str:
            case.votes.down = case.votes.mute = True
            return put(text)

        case.votes._put = and_gone  # type: ignore[method-assign]
        assert await case.refused("lease.init") == api.NOT_SURE.code
        assert await case.refused("lease.init") == api.UNTOUCHED.code
        assert await case.refused("lease.show") == "TEST9"
        told = await case.asked("lease.check")
        assert not told["good"]
        assert [said["code"] for said in told["record"]] == ["TEST9"]

    play(tmp_path, story, missing)


def test_the_check_is_made_by_every_node(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        told = await case.asked("lease.check")
        assert told["good"]
        assert [(node["node"], node["answered"], node["findings"]) for node in told["nodes"]] == [
            ("n1", True, []),
            ("n2", True, []),
        ]
        case.votes.findings = (CHEATS.said(),)
        told = await case.asked("lease.check")
        assert not told["good"]
        assert [[said["code"] for said in node["findings"]] for node in told["nodes"]] == [["TEST10"], ["TEST10"]]

        case.votes.findings = ()
        await case.world.kill("n2")
        told = await case.asked("lease.check")
        assert (told["good"], told["nodes"][1]["answered"]) == (False, False)
        assert told["nodes"][1]["findings"][0]["code"] == api.DID_NOT_SAY.code

    play(tmp_path, story)


def test_the_owner_is_shown_after_a_takeover(tmp_path: Path) -> None:
    async def story(case: Case) -> None:
        await case.world.power_off("n2")
        await case.world.until(lambda: case.one.state.nodes["n2"].presence is Presence.GONE, "gone", 30)
        told = await case.asked("lease.show")
        assert (told["record"]["owner"], told["record"]["mode"]) == ("n1", "alone")
        assert told["known_for_ms"] >= 0
        status = await case.asked("status")
        assert status["here"]["vote"]["owner"] == "n1"
        assert status["here"]["right_left_ms"] > 0
        arbitration = status["cluster"]["arbitration"]
        assert (arbitration["rests_on"], arbitration["voter"], arbitration["way_out"]) == ("vote", "n1", [])

    play(tmp_path, story)


def test_without_a_third_vote_there_is_nothing_to_ask(tmp_path: Path) -> None:
    async def told() -> None:
        async with World(tmp_path, cluster()) as world:
            one, _ = world.start_all()
            await world.online(on="n1")
            for op in ("lease.show", "lease.check", "lease.init"):
                assert await Case(world, one, MemoryVotes()).refused(op) == api.NO_LEASE.code

    run(told())

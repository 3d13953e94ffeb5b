"""A member judges a configuration beside its loop, writes it down, and answers in time, whatever hangs."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

from komainu.agent import judging
from komainu.agent.fitness import AT_PLACE
from komainu.agent.judging import DEFECT, LIMIT_MS, NOT_STAGED, TOO_SLOW, Judging
from komainu.config.declared import Declared
from komainu.core.change import JUDGE_MS
from komainu.model import events as e
from komainu.model.actions import JudgeConfiguration
from komainu.model.config import Cluster, Resource, Scripts
from komainu.model.message import Message, Said
from komainu.model.outcome import Outcome, failed, unknown
from komainu.model.provenance import Version
from komainu.ports import Host
from tests.doubles.daemons import Things, cluster, resource
from tests.doubles.network import FakeNetwork
from tests.doubles.virtual_time import now_ms

FULL = Message("TEST9", "disk full", "空きがありません", "error")
NOT_READY = Message("TEST8", "there is no such thing", "そのようなものはありません", "error")


class World:
    """One member, and what its disk does."""

    def __init__(self) -> None:
        self.things = Things()
        self.staged: list[tuple[Cluster, str, str, str, str]] = []
        self.trouble: Said | None = None
        self.hang: threading.Event | None = None
        self.programs = ""
        self.told: list[e.Event] = []
        self.answered = asyncio.Event()
        declared = Declared({"thing": self.things.type()})
        self.judging = Judging("n1", declared, self.host, self, self, self.propose)

    def host(self, cluster: str, group: str, name: str, report: Callable[[Outcome], None]) -> Host:
        return Host("n1", cluster, group, name, None, FakeNetwork(), None, report, now_ms)

    def propose(self, event: e.Event) -> None:
        self.told.append(event)
        self.answered.set()

    # the disk and the machine

    def stage(self, cluster: Cluster, text: str, who: str, why: str, origin: str) -> Said | None:
        if self.hang is not None:
            self.hang.wait(10)
        if self.trouble is None:
            self.staged.append((cluster, text, who, why, origin))
        return self.trouble

    def all(self) -> tuple[Version | Said, ...]:
        return ()

    def get(self, number: int) -> Version:
        raise KeyError(number)

    def lacks_program(self, path: str) -> str:
        if self.programs == "defect":
            raise ZeroDivisionError("0")
        return self.programs

    def lacks_address(self, address: str) -> bool:
        return False

    async def judge(self, *resources: Resource, old: Cluster | None = None, number: str = "1") -> tuple[Said, ...]:
        new = cluster(*resources, version=2)
        self.judging.judge(JudgeConfiguration(number, "n1", new, "n2", "mika", "a try", "# text"), old or cluster())
        async with asyncio.timeout(10):
            await self.answered.wait()
        self.answered.clear()
        answer = self.told[-1]
        assert isinstance(answer, e.ConfigurationJudged)
        assert (answer.change, answer.node) == (number, "n1")
        return answer.refusals


def play(story: Callable[[World], Awaitable[None]]) -> None:
    async def told() -> None:
        world = World()
        await story(world)
        world.judging.abandon()

    asyncio.run(told())


def test_what_can_hold_is_written_down_before_the_answer() -> None:
    async def story(world: World) -> None:
        assert await world.judge() == ()
        assert world.staged == [(cluster(version=2), "# text", "mika", "a try", "n2")]
        assert len(world.told) == 1

    play(story)


def test_what_cannot_hold_is_not_written_down_and_all_of_it_is_named() -> None:
    async def story(world: World) -> None:
        said = await world.judge(resource(type="later"), resource("b", params={"size": 1}))
        assert [each.code for each in said] == [AT_PLACE.code] * 2
        assert world.staged == []

    play(story)


def test_a_disk_that_takes_nothing_is_a_refusal_with_the_reason() -> None:
    async def story(world: World) -> None:
        world.trouble = FULL.said()
        (said,) = await world.judge()
        assert said == Said(
            NOT_STAGED.code,
            "Node n1 could not write the configuration down: disk full",
            "ノード n1 は構成情報を書き込めませんでした: 空きがありません",
            "error",
        )

    play(story)


def test_only_what_is_new_or_changed_is_tried_and_only_certain_failures_count() -> None:
    async def story(world: World) -> None:
        old = cluster(resource("same"), resource("changed"), resource("unknown"))
        for name in ("same", "changed", "fresh"):
            world.things.next("n1", "prepare", name, lambda: failed(NOT_READY.said()))
        world.things.next("n1", "prepare", "unknown", lambda: unknown(NOT_READY.said()))
        said = await world.judge(
            resource("same", check_interval_ms=9_000),
            resource("changed", params={"colour": "blue"}),
            resource("unknown", params={"colour": "blue"}),
            resource("fresh"),
            old=old,
        )

        assert [each.en for each in said] == [
            "Node n1, groups/web/changed: there is no such thing",
            "Node n1, groups/web/fresh: there is no such thing",
        ]
        assert [name for _, verb, name in world.things.log if verb != "prepare"] == []
        assert world.staged == []

    play(story)


def test_a_disk_that_hangs_is_a_refusal_in_time_and_stays_one() -> None:
    async def story(world: World) -> None:
        world.hang = threading.Event()
        before, judging.LIMIT_MS = judging.LIMIT_MS, 50
        try:
            (first,) = await world.judge()
            (second,) = await world.judge(number="2")
            assert (first, second) == (TOO_SLOW.said(node="n1", ms=50),) * 2
        finally:
            judging.LIMIT_MS = before
            world.hang.set()

    play(story)


def test_a_defect_is_a_refusal_too() -> None:
    async def story(world: World) -> None:
        world.programs = "defect"
        (said,) = await world.judge(resource(scripts=Scripts(before_start="/opt/before")))
        assert said == DEFECT.said(node="n1", reason="ZeroDivisionError: 0")

    play(story)


def test_a_member_answers_before_the_core_gives_up() -> None:
    assert LIMIT_MS < JUDGE_MS


def test_what_others_have_against_it_is_kept_for_whoever_asked() -> None:
    async def story(world: World) -> None:
        await world.judge(number="7")
        new = cluster(version=2)
        world.judging.heard(e.ConfigurationJudged("7", "n1", ()))
        world.judging.heard(e.ConfigurationJudged("7", "n2", (FULL.said(),)))
        world.judging.heard(e.ConfigurationJudged("6", "n3", (FULL.said(),)))
        assert world.judging.told_of(new) == {"n1": (), "n2": (FULL.said(),)}
        assert world.judging.told_of(cluster(version=3)) == {}
        await world.judge(number="8")
        assert world.judging.told_of(new) == {}

    play(story)

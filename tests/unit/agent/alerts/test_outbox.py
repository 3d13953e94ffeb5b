"""What waits to be sent: together, not too often, again when it failed, and never in the way."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from komainu.agent.alert_record import Record
from komainu.agent.alerts import outbox
from komainu.agent.alerts.outbox import BURST, MOST_IN_ONE, MOST_WAITING, Letterhead, Outbox
from komainu.model.message import Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.ports import Notice
from tests.doubles.alerts import alert, said
from tests.doubles.virtual_time import run

HEAD = Letterhead("shop", "n1", "en")
NO = failed(said(en="no"))


class Hands:
    """`komainu.ports.NotifierHands` that does as it is told, and remembers when."""

    def __init__(self, *plan: Outcome | Callable[[], Awaitable[Outcome]]) -> None:
        self.plan = list(plan)
        self.sent: list[tuple[float, Notice]] = []

    async def send(self, notice: Notice, timeout_ms: int) -> Outcome:
        self.sent.append((asyncio.get_running_loop().time(), notice))
        next_one = self.plan.pop(0) if self.plan else SUCCEEDED
        return next_one if isinstance(next_one, Outcome) else await next_one()


class World:
    """One outbox."""

    def __init__(self, hands: Any) -> None:
        self.hands = hands
        self.done: list[tuple[list[int], Outcome]] = []
        self.box = Outbox("ops", hands, HEAD, self.was_done)

    def was_done(self, records: Sequence[Record], outcome: Outcome) -> None:
        self.done.append(([each.n for each in records], outcome))

    @property
    def times(self) -> list[int]:
        return [round(at) for at, _ in self.hands.sent]


def play(hands: Any, story: Callable[[World], Awaitable[None]]) -> None:
    async def told() -> None:
        world = World(hands)
        await story(world)
        world.box.close()

    run(told())


def test_alerts_that_come_together_go_out_together() -> None:
    hands = Hands()

    async def story(world: World) -> None:
        for n in (1, 2, 3):
            world.box.offer(alert(n))
        await asyncio.sleep(5)
        ((_, notice),) = hands.sent
        assert [each.id for each in notice.alerts] == ["s-1", "s-2", "s-3"]
        assert (notice.cluster, notice.sender, notice.left_out, notice.test) == ("shop", "n1", (), False)
        assert world.done == [([1, 2, 3], SUCCEEDED)]

    play(hands, story)


def test_a_failed_sending_is_tried_again_with_growing_pauses_and_given_up() -> None:
    hands = Hands(*[NO] * 10)

    async def story(world: World) -> None:
        world.box.offer(alert(1))
        await asyncio.sleep(400)
        assert world.times == [1, 6, 21, 66, 186]
        assert world.done == [([1], NO)]

    play(hands, story)


def test_an_unknown_outcome_is_tried_again_too() -> None:
    hands = Hands(unknown(said()))

    async def story(world: World) -> None:
        world.box.offer(alert(1))
        await asyncio.sleep(60)
        assert len(hands.sent) == 2
        assert world.done == [([1], SUCCEEDED)]

    play(hands, story)


def test_what_comes_during_a_sending_goes_out_with_the_next() -> None:
    hands = Hands(NO)

    async def story(world: World) -> None:
        world.box.offer(alert(1))
        await asyncio.sleep(3)
        world.box.offer(alert(2))
        await asyncio.sleep(20)
        assert [[each.id for each in notice.alerts] for _, notice in hands.sent] == [["s-1"], ["s-1"], ["s-2"]]
        assert [numbers for numbers, _ in world.done] == [[1], [2]]

    play(hands, story)


def test_a_storm_becomes_a_few_summaries() -> None:
    hands = Hands()

    async def story(world: World) -> None:
        for n in range(1, 601):  # ten a second, for a minute
            world.box.offer(alert(n, code="KM5301", level="warning"))
            await asyncio.sleep(0.1)
        await asyncio.sleep(200)
        assert len(hands.sent) <= BURST + 3
        assert sum(notice.count for _, notice in hands.sent) == 600
        assert all(len(notice.alerts) <= MOST_IN_ONE for _, notice in hands.sent)
        biggest = max((notice for _, notice in hands.sent), key=lambda notice: notice.count)
        assert biggest.left_out == (("KM5301", biggest.count - MOST_IN_ONE),)
        assert sorted(n for numbers, _ in world.done for n in numbers) == list(range(1, 601))

    play(hands, story)


def test_a_quiet_time_earns_another_burst() -> None:
    hands = Hands()

    async def story(world: World) -> None:
        for n in range(1, 8):
            world.box.offer(alert(n))
            await asyncio.sleep(2)
        await asyncio.sleep(60)
        assert world.times == [1, 3, 5, 7, 9, 61]
        await asyncio.sleep(600)
        for n in range(8, 13):
            world.box.offer(alert(n))
            await asyncio.sleep(2)
        assert [after - before for before, after in zip(world.times[6:], world.times[7:], strict=False)] == [2] * 4

    play(hands, story)


def test_the_gravest_are_told_in_a_summary() -> None:
    hands = Hands()

    async def story(world: World) -> None:
        for n in range(1, 31):
            world.box.offer(alert(n, level="error" if n == 30 else "info", code=f"KM50{n % 2}1"))
        await asyncio.sleep(5)
        ((_, notice),) = hands.sent
        assert [each.id for each in notice.alerts] == [*(f"s-{n}" for n in range(1, 20)), "s-30"]
        assert notice.left_out == (("KM5001", 5), ("KM5011", 5))
        assert notice.level == "error"

    play(hands, story)


def test_what_waits_is_bounded_and_what_fell_out_is_counted() -> None:
    hands = Hands()

    async def story(world: World) -> None:
        for n in range(1, MOST_WAITING + 11):
            world.box.offer(alert(n))
        await asyncio.sleep(5)
        ((_, notice),) = hands.sent
        assert notice.count == MOST_WAITING + 10
        assert notice.alerts[0].id == "s-11"

    play(hands, story)


def test_a_sending_that_never_ends_is_unknown_and_holds_nobody_up() -> None:
    async def never() -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    hands = Hands(never)

    async def story(world: World) -> None:
        world.box.offer(alert(1))
        await asyncio.sleep(60)
        assert world.times in ([1, 36], [1, 37])
        assert world.done == [([1], SUCCEEDED)]

    play(hands, story)


def test_a_defect_of_a_kind_is_an_unknown_outcome() -> None:
    async def broken() -> Outcome:
        raise KeyError("what")

    hands = Hands(*[broken] * 5)

    async def story(world: World) -> None:
        world.box.offer(alert(1))
        await asyncio.sleep(400)
        ((_, outcome),) = world.done
        assert outcome.result is Result.UNKNOWN
        assert outcome.said == outbox.DEFECT.said(name="ops")
        assert "KeyError" in outcome.detail

    play(hands, story)


def test_who_cannot_send_at_all_says_so_once_and_at_once() -> None:
    refusal: Said = said(en="bad parameters")

    async def story(world: World) -> None:
        world.box.offer(alert(1))
        await asyncio.sleep(2)
        assert world.done == [([1], failed(refusal))]
        assert await world.box.test(alert(2)) == failed(refusal)

    play(refusal, story)


def test_a_test_goes_past_all_that_waits_and_is_marked() -> None:
    hands = Hands()

    async def story(world: World) -> None:
        world.box.offer(alert(1))
        assert await world.box.test(alert(9)) == SUCCEEDED
        ((_, notice),) = hands.sent
        assert (notice.test, notice.alerts[0].id) == (True, "s-9")
        await asyncio.sleep(2)
        assert len(hands.sent) == 2

    play(hands, story)


def test_what_was_not_sent_is_handed_back() -> None:
    hands = Hands(*[NO] * 10)

    async def story(world: World) -> None:
        world.box.offer(alert(1))
        await asyncio.sleep(3)
        world.box.offer(alert(2))
        assert [each.n for each in world.box.close()] == [1, 2]
        await asyncio.sleep(400)
        assert world.done == []

    play(hands, story)

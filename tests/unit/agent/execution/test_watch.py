"""What runs is checked and only a change of the verdict is proposed; what could run is prepared."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from komainu.agent.execution import attempt
from komainu.agent.execution.hands import Hand, Hands
from komainu.agent.execution.watch import Watch
from komainu.core.state import MonitorFacts, NodeFacts, State
from komainu.model import events as e
from komainu.model.config import Resource
from komainu.model.message import Message, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.ports import Host
from tests.doubles.daemons import Things, cluster, resource
from tests.doubles.network import FakeNetwork
from tests.doubles.virtual_time import now_ms, run

BROKEN = Message("TEST7", "broken", "故障", "error").said()
BAD = failed(BROKEN, "the output")
UNSURE = unknown(Message("TEST8", "no answer", "応答なし", "warning").said())


class World:
    def __init__(self, *resources: Resource) -> None:
        self.things = Things()
        self.proposed: list[tuple[int, e.Event]] = []
        self.alerts: list[tuple[Said, str]] = []
        self.hands = Hands("n1", {"thing": self.things.type()}, self.host)
        self.hands.configure(cluster(*resources))
        self.watch = Watch("n1", self.hands, self.propose, lambda said, detail: self.alerts.append((said, detail)))
        self.things.running["app"] = ["n1"]

    def host(self, cluster: str, group: str, name: str) -> Host:
        return Host(
            "n1", cluster, group, name, None, FakeNetwork(), None,
            lambda outcome: self.watch.reported(group, name, outcome), now_ms,
        )  # fmt: skip

    def propose(self, event: e.Event) -> None:
        self.proposed.append((now_ms(), event))

    @property
    def hand(self) -> Hand:
        return self.hands.all()[0]

    def decide(self, *, node_suspended: bool = False, **facts: tuple[str, ...]) -> None:
        """The state says this of this node and of the monitor of app."""
        monitors = {"thingw-app": MonitorFacts(**facts)} if facts else {}  # type: ignore[arg-type]
        self.state = State(cluster(), nodes={"n1": NodeFacts(suspended=node_suspended)}, monitors=monitors)
        self.watch.follow(self.state)

    def report(self, outcome: Outcome) -> None:
        self.things.hosts["n1", "app"].report(outcome)

    def tried(self, verb: str) -> int:
        return sum(1 for _, each, _ in self.things.log if each == verb)


def play(story: Callable[[World], Awaitable[None]], *resources: Resource) -> None:
    async def told() -> None:
        world = World(*resources)
        try:
            await story(world)
        finally:
            world.watch.close()

    run(told())


def verdict(run_id: str, outcome: Outcome) -> e.Event:
    return e.MonitorChanged("n1", "web", "app", run_id, outcome)


def test_only_changes_of_the_verdict_are_proposed() -> None:
    async def story(world: World) -> None:
        world.watch.running(world.hand, "r1")
        world.things.next("n1", "check", "app", lambda: SUCCEEDED, lambda: UNSURE, lambda: UNSURE)
        await asyncio.sleep(4.5)

        assert world.proposed == [(2_000, verdict("r1", UNSURE)), (4_000, verdict("r1", SUCCEEDED))]

    play(story)


def test_a_warning_of_a_good_check_is_proposed_once_and_so_is_its_end() -> None:
    warned = Outcome(Result.SUCCEEDED, UNSURE.said)

    async def story(world: World) -> None:
        world.watch.running(world.hand, "r1")
        world.things.next("n1", "check", "app", lambda: warned, lambda: warned, lambda: SUCCEEDED)
        await asyncio.sleep(4.5)

        assert [event for _, event in world.proposed] == [verdict("r1", warned), verdict("r1", SUCCEEDED)]

    play(story)


def test_a_check_must_fail_as_often_as_is_configured() -> None:
    async def story(world: World) -> None:
        world.watch.running(world.hand, "r1")
        world.things.next("n1", "check", "app", *[lambda: BAD] * 2, lambda: SUCCEEDED, *[lambda: BAD] * 3)
        await asyncio.sleep(6.5)

        assert world.proposed == [(6_000, verdict("r1", BAD))]

    play(story, resource(check_retries=2))


def test_a_check_that_hangs_is_unknown() -> None:
    async def story(world: World) -> None:
        world.watch.running(world.hand, "r1")
        world.things.next("n1", "check", "app", lambda: asyncio.sleep(60))
        await asyncio.sleep(3)

        ((at, event),) = world.proposed[:1]
        assert at == 2_500
        assert isinstance(event, e.MonitorChanged)
        assert event.outcome.result is Result.UNKNOWN
        assert event.outcome.said == attempt.MONITOR_TIMEOUT.said(name="thingw-app")

    play(story)


def test_a_report_is_proposed_at_once_and_once() -> None:
    async def story(world: World) -> None:
        world.watch.running(world.hand, "r1")
        await asyncio.sleep(0.25)
        world.report(BAD)
        world.report(BAD)

        assert world.proposed == [(250, verdict("r1", BAD))]

    play(story)


def test_a_report_before_the_start_is_over_belongs_to_the_run_to_come() -> None:
    async def story(world: World) -> None:
        world.watch.starting(world.hand)
        world.report(BAD)
        assert world.proposed == []
        world.watch.running(world.hand, "r1")

        assert world.proposed == [(0, verdict("r1", BAD))]

    play(story)


def test_a_report_of_what_does_not_run_means_nothing() -> None:
    async def story(world: World) -> None:
        world.report(BAD)
        world.watch.starting(world.hand)
        world.report(BAD)
        world.watch.starting(world.hand)  # a new attempt: what the earlier one said is over
        world.watch.running(world.hand, "r1")
        world.watch.ending(world.hand)
        world.report(BAD)

        assert world.proposed == []

    play(story)


def test_what_is_probed_again_goes_on_under_its_new_name() -> None:
    async def story(world: World) -> None:
        world.watch.running(world.hand, "r1")
        await asyncio.sleep(0.5)
        world.watch.running(world.hand, "r2")
        world.things.next("n1", "check", "app", lambda: BAD)
        await asyncio.sleep(1.1)

        assert world.proposed == [(1_500, verdict("r2", BAD))]

    play(story)


def test_a_check_under_way_does_not_outlive_its_run() -> None:
    async def story(world: World) -> None:
        world.watch.running(world.hand, "r1")
        world.things.next("n1", "check", "app", lambda: asyncio.sleep(0.5, BAD))
        await asyncio.sleep(1.2)
        world.watch.ending(world.hand)
        await asyncio.sleep(5)

        assert world.proposed == []
        assert world.watch.running_here() == ()

    play(story)


def test_what_does_not_run_here_is_prepared_again_and_again() -> None:
    async def story(world: World) -> None:
        await world.watch.prepare_all(1_000)
        assert world.tried("prepare") == 1
        world.watch.configured()
        await asyncio.sleep(100)
        assert 8 <= world.tried("prepare") - 1 <= 11
        assert world.watch.prepared("web", "app") == SUCCEEDED

        world.watch.running(world.hand, "r1")
        prepares = world.tried("prepare")
        await asyncio.sleep(100)
        assert world.tried("prepare") == prepares
        assert world.watch.prepared("web", "app") is None

    play(story)


def test_that_it_could_not_be_started_here_is_told_when_it_changes() -> None:
    async def story(world: World) -> None:
        world.things.next("n1", "prepare", "app", *[lambda: BAD] * 3, lambda: UNSURE, lambda: SUCCEEDED, lambda: BAD)
        await world.watch.prepare_all(1_000)
        world.watch.configured()
        await world.watch._first[0]
        await asyncio.sleep(65)

        assert [said.code for said, _ in world.alerts[:3]] == ["TEST7", "TEST8", "TEST7"]
        assert world.alerts[0] == (BROKEN, "the output")
        assert world.proposed == []

    play(story)


def test_what_has_just_ended_here_is_prepared_soon() -> None:
    """A node that gave a group away is a warm standby again, long before the usual interval is over."""

    async def story(world: World) -> None:
        world.watch.ending(world.hand)
        await asyncio.sleep(7)
        assert world.tried("prepare") == 1
        await asyncio.sleep(60)
        assert world.tried("prepare") == 1

    play(story, resource(prepare_interval_ms=600_000))


def test_a_prepare_does_not_hold_up_a_start_nor_the_daemon() -> None:
    async def story(world: World) -> None:
        world.things.next("n1", "prepare", "app", lambda: asyncio.sleep(0.9, BAD))
        await world.watch.prepare_all(100)
        assert now_ms() == 100
        world.watch.starting(world.hand)
        world.watch.running(world.hand, "r1")
        await asyncio.sleep(2)

        assert world.watch.prepared("web", "app") is None
        assert world.alerts == []

    play(story)


def test_a_resource_that_nobody_could_start_says_so() -> None:
    async def story(world: World) -> None:
        await world.watch.prepare_all(1_000)

        assert world.alerts[0][0] == world.hand.refusal
        prepared = world.watch.prepared("web", "app")
        assert prepared is not None
        assert prepared.result is Result.FAILED

    play(story, resource(type="later"))


def test_what_is_no_longer_configured_is_watched_no_more() -> None:
    async def story(world: World) -> None:
        world.watch.running(world.hand, "r1")
        world.hands.configure(cluster(resource("other")))
        world.watch.configured()
        await asyncio.sleep(5)

        assert world.tried("check") == 0

    play(story)


def test_after_the_close_nothing_is_begun() -> None:
    async def story(world: World) -> None:
        world.watch.running(world.hand, "r1")
        world.watch.close()
        world.watch.running(world.hand, "r2")
        world.watch.ending(world.hand)
        await asyncio.sleep(60)

        assert world.things.log == []

    play(story)


# --- what an operator has decided ------------------------------------------------------------------------------------

SIMULATED = failed(attempt.SIMULATED.said(name="thingw-app"))


def test_a_suspended_monitor_neither_checks_nor_hears_and_begins_with_a_fresh_look() -> None:
    async def story(world: World) -> None:
        world.watch.running(world.hand, "r1")
        world.decide(suspended=("n2", "n1"))
        await asyncio.sleep(5.25)
        world.report(BAD)
        assert world.tried("check") == 0
        assert world.proposed == []

        world.decide(suspended=("n2",))
        await asyncio.sleep(0.1)
        assert world.proposed == [(5_250, verdict("r1", SUCCEEDED))]
        await asyncio.sleep(5)
        assert world.tried("check") == 6
        assert len(world.proposed) == 1

    play(story)


def test_what_was_wrong_before_is_told_again_when_it_still_is() -> None:
    async def story(world: World) -> None:
        world.watch.running(world.hand, "r1")
        world.things.next("n1", "check", "app", lambda: UNSURE, lambda: UNSURE)
        await asyncio.sleep(1.5)
        world.decide(suspended=("n1",))
        world.decide()
        await asyncio.sleep(0.1)

        assert [event for _, event in world.proposed] == [verdict("r1", UNSURE)] * 2

    play(story)


def test_on_a_suspended_node_nothing_is_checked_and_a_run_that_begins_there_waits() -> None:
    async def story(world: World) -> None:
        world.decide(node_suspended=True)
        world.watch.starting(world.hand)
        world.report(BAD)
        world.watch.running(world.hand, "r1")
        await asyncio.sleep(5)
        assert (world.tried("check"), world.proposed) == (0, [])

        world.things.next("n1", "check", "app", lambda: BAD)
        world.decide()
        await asyncio.sleep(0.1)
        assert world.proposed == [(5_000, verdict("r1", BAD))]

    play(story)


def test_a_simulated_failure_is_found_at_once_and_ends_with_a_fresh_look() -> None:
    async def story(world: World) -> None:
        world.watch.running(world.hand, "r1")
        await asyncio.sleep(0.5)
        world.decide(simulated=("n1",))
        await asyncio.sleep(4)
        world.report(BAD)
        assert world.proposed == [(500, verdict("r1", SIMULATED))]
        assert world.tried("check") == 0

        world.watch.running(world.hand, "r2")  # its restart finds it again, after the usual interval
        await asyncio.sleep(1.2)
        assert world.proposed[1:] == [(5_500, verdict("r2", SIMULATED))]

        world.decide()
        await asyncio.sleep(0.1)
        assert world.proposed[2:] == [(5_700, verdict("r2", SUCCEEDED))]

    play(story, resource(check_retries=2))


def test_a_simulation_elsewhere_or_of_another_one_changes_nothing() -> None:
    async def story(world: World) -> None:
        world.watch.running(world.hand, "r1")
        await asyncio.sleep(0.5)
        world.decide(simulated=("n2",), suspended=("n2",))
        await asyncio.sleep(1)

        assert (world.tried("check"), world.proposed) == (1, [])

    play(story)


def test_a_state_that_says_nothing_new_costs_nothing() -> None:
    async def story(world: World) -> None:
        world.decide(simulated=("n1",))
        asked = world.hands.all
        world.hands.all = lambda: pytest.fail("it looked")  # type: ignore[method-assign]
        world.watch.follow(replace(world.state, epoch=7))
        world.hands.all = asked  # type: ignore[method-assign]

    play(story)

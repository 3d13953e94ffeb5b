"""Monitors of their own follow the state: rounds, retries, verdicts that changed, simulated failures (C6, C10)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from komainu.agent.execution import attempt, patrol
from komainu.agent.members import wire
from komainu.core.state import MonitorFacts, State, Verdict, Watch as Facts
from komainu.model import commands as c
from komainu.model.config import Monitor, MonitorRecovery, Target
from komainu.model.message import Message
from komainu.model.outcome import SUCCEEDED, Outcome, Result
from tests.doubles.bus import FakeBus
from tests.doubles.daemons import World as Daemons, cluster
from tests.doubles.virtual_time import now_ms, run
from tests.unit.agent.execution.patrol_stage import BAD, SIMULATED, UNSURE, WARNED, World, monitor, play


def test_a_round_begins_checks_and_ends() -> None:
    async def story(world: World) -> None:
        world.decide("r1")
        await asyncio.sleep(2.5)
        world.decide("r1", seen=Verdict.NORMAL)
        await asyncio.sleep(2)
        world.decide("")
        await asyncio.sleep(5)

        assert world.tried("begin") == [0]
        assert world.tried("check") == [2_000, 3_000, 4_000]
        assert world.tried("end") == [4_500]
        # The first verdict of a round is news; as long as it stays the same nothing is sent.
        assert world.told() == [(2_000, "m1", "r1", SUCCEEDED)]

    play(story, monitor(first_wait_ms=2_000))


def test_only_changes_of_the_verdict_are_proposed() -> None:
    async def story(world: World) -> None:
        world.next("check", *[lambda: SUCCEEDED] * 2, *[lambda: WARNED] * 3, *[lambda: UNSURE] * 2, lambda: BAD)
        world.decide("r1")
        await asyncio.sleep(0.5)
        for seen in (Verdict.NORMAL, Verdict.NORMAL, *[Verdict.CAUTION] * 3, *[Verdict.UNKNOWN] * 2, Verdict.ERROR):
            world.decide("r1", seen=seen)  # as the members hear of it
            await asyncio.sleep(1)

        assert [(at, outcome) for at, _, _, outcome in world.told()] == [
            (0, SUCCEEDED),
            (2_000, WARNED),
            (5_000, UNSURE),
            (7_000, BAD),
            (8_000, SUCCEEDED),
        ]

    play(story)


def warned_of(figure: str) -> Outcome:
    return Outcome(
        Result.SUCCEEDED, Message("TEST6", "{figure} used", "{figure} 使用中", "warning").said(figure=figure)
    )


@pytest.mark.parametrize(("words_count", "told"), [(False, ["71", "71"]), (True, ["71", "72", "71"])])
def test_other_words_of_the_same_message_are_news_where_they_count(words_count: bool, told: list[str]) -> None:
    """A figure that wavers is not told at every check; the next event of the cloud is."""

    async def story(world: World) -> None:
        for figure in ("71", "71", "72", "72"):
            world.next("check", lambda figure=figure: warned_of(figure))
        world.next("check", lambda: SUCCEEDED, lambda: warned_of("71"))
        world.decide("r1")
        for seen in (Verdict.CAUTION, *[Verdict.CAUTION] * 3, Verdict.NORMAL, Verdict.CAUTION):
            world.decide("r1", seen=seen)
            await asyncio.sleep(1)
        said = [outcome.said for _, _, _, outcome in world.told() if outcome.said is not None]
        assert said == [warned_of(figure).said for figure in told]

    play(story, words_count=words_count)


def test_a_check_must_fail_as_often_as_is_configured_and_doubt_does_not_count_either_way() -> None:
    async def story(world: World) -> None:
        world.next("check", lambda: SUCCEEDED, *[lambda: BAD] * 2, lambda: SUCCEEDED)
        world.next("check", *[lambda: BAD] * 2, lambda: UNSURE, *[lambda: BAD] * 2)
        world.decide("r1")
        world.decide("r1", seen=Verdict.NORMAL)
        await asyncio.sleep(7.5)

        assert [(at, outcome) for at, _, _, outcome in world.told()] == [(0, SUCCEEDED), (6_000, UNSURE), (7_000, BAD)]

    play(story, monitor(retries=2))


def test_a_new_round_begins_afresh() -> None:
    async def story(world: World) -> None:
        world.next("check", lambda: BAD, lambda: BAD, lambda: BAD)
        world.decide("r1")
        await asyncio.sleep(3.5)  # the second failure is due at 4 s
        world.decide("r2")
        await asyncio.sleep(4.5)

        assert world.told() == [(7_500, "m1", "r2", BAD)]
        assert [(at, verb) for at, _, verb in world.log] == [
            (0, "begin"),
            (2_000, "check"),
            (3_500, "end"),
            (3_500, "begin"),
            (5_500, "check"),
            (7_500, "check"),
        ]

    play(story, monitor(first_wait_ms=2_000, retries=1, interval_ms=2_000))


def test_a_check_that_hangs_is_unknown_and_does_not_hold_up_another_monitor() -> None:
    async def story(world: World) -> None:
        world.next("check", lambda: asyncio.sleep(60))
        world.decide("r1")
        world.decide("q1", "m2")
        await asyncio.sleep(2.4)

        assert world.tried("check", "m2") == [0, 1_000, 2_000]
        first, *_ = (event for _, event in world.proposed if event.monitor == "m1")
        assert first.outcome.result is Result.UNKNOWN
        assert first.outcome.said == attempt.MONITOR_TIMEOUT.said(name="m1")

    play(story, monitor(), monitor("m2"))


def test_a_check_under_way_does_not_outlive_its_round() -> None:
    async def story(world: World) -> None:
        world.next("check", lambda: asyncio.sleep(0.4, BAD))
        world.decide("r1")
        await asyncio.sleep(0.2)
        world.decide("")
        await asyncio.sleep(5)

        assert world.told() == []
        assert world.tried("end") == [200]

    play(story)


def test_a_defect_of_a_type_is_unknown() -> None:
    async def story(world: World) -> None:
        world.next("begin", lambda: 1 // 0)
        world.next("check", lambda: 1 // 0)
        world.next("end", lambda: 1 // 0)
        world.decide("r1")
        await asyncio.sleep(0.5)

        (judged,) = [event for _, event in world.proposed]
        assert judged.outcome.said == attempt.MONITOR_DEFECT.said(name="m1")
        assert "ZeroDivisionError" in judged.outcome.detail

    play(story)


def test_a_begin_that_hangs_is_unknown_and_checks_go_on() -> None:
    async def story(world: World) -> None:
        world.next("begin", lambda: asyncio.sleep(60))
        world.decide("r1")
        await asyncio.sleep(7)

        assert [outcome.result for *_, outcome in world.told()] == [Result.UNKNOWN, Result.SUCCEEDED]

    play(story)


# --- reports ---------------------------------------------------------------------------------------------------------


def test_a_report_is_proposed_at_once_whatever_the_retries() -> None:
    async def story(world: World) -> None:
        world.decide("r1")
        await asyncio.sleep(0.25)
        world.probes["m1"].host.report(BAD)
        world.probes["m1"].host.report(BAD)

        assert world.told() == [(0, "m1", "r1", SUCCEEDED), (250, "m1", "r1", BAD)]

    play(story, monitor(retries=5))


def test_a_report_of_an_earlier_round_means_nothing() -> None:
    async def story(world: World) -> None:
        world.decide("r1")
        await asyncio.sleep(0.25)
        earlier = world.probes["m1"].host
        world.decide("r2")
        earlier.report(BAD)  # before the new round has begun
        await asyncio.sleep(0.25)
        earlier.report(BAD)
        world.decide("")
        world.probes["m1"].host.report(BAD)
        await asyncio.sleep(0.25)
        world.probes["m1"].host.report(BAD)

        assert [outcome for *_, outcome in world.told()] == [SUCCEEDED, SUCCEEDED]

    play(story)


# --- simulated failures ----------------------------------------------------------------------------------------------


def test_a_simulated_failure_is_found_at_once_and_ends_with_a_fresh_look() -> None:
    async def story(world: World) -> None:
        world.decide("r1")
        await asyncio.sleep(0.25)
        world.decide("r1", simulated=True, seen=Verdict.NORMAL)
        await asyncio.sleep(0.01)
        world.probes["m1"].host.report(UNSURE)
        world.decide("r1", simulated=True, seen=Verdict.ERROR)
        await asyncio.sleep(5)
        assert world.told() == [(0, "m1", "r1", SUCCEEDED), (250, "m1", "r1", SIMULATED)]
        assert world.tried("check") == [0]

        world.decide("r1", seen=Verdict.ERROR)
        await asyncio.sleep(0.25)
        assert world.told()[2:] == [(5_260, "m1", "r1", SUCCEEDED)]

    play(story, monitor(retries=3))


def test_each_new_round_finds_it_again_after_its_first_wait() -> None:
    async def story(world: World) -> None:
        world.decide("r1", simulated=True)
        await asyncio.sleep(2.5)
        world.decide("r2", simulated=True)
        await asyncio.sleep(2.5)

        assert world.told() == [(2_000, "m1", "r1", SIMULATED), (4_500, "m1", "r2", SIMULATED)]

    play(story, monitor(first_wait_ms=2_000))


def test_it_does_not_wait_for_a_check_under_way() -> None:
    async def story(world: World) -> None:
        world.next("check", lambda: asyncio.sleep(0.4, SUCCEEDED))
        world.decide("r1")
        await asyncio.sleep(0.1)
        world.decide("r1", simulated=True)
        await asyncio.sleep(0.1)

        assert world.told() == [(100, "m1", "r1", SIMULATED)]

    play(story)


# --- what holds on this node -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"type": "later"}, patrol.UNKNOWN_TYPE.code), ({"params": {"colur": 1}}, patrol.BAD_PARAMETERS.code)],
)
def test_what_nobody_could_check_here_is_unknown_and_said_once(changes: dict[str, Any], code: str) -> None:
    async def story(world: World) -> None:
        world.decide("r1")
        await asyncio.sleep(0.01)
        world.decide("r1", seen=Verdict.UNKNOWN)
        await asyncio.sleep(5)

        ((at, _, round_, outcome),) = world.told()
        assert (at, round_, outcome.result) == (0, "r1", Result.UNKNOWN)
        assert outcome.said is not None
        assert outcome.said.code == code

    play(story, monitor(**changes))


def test_a_nodes_own_parameters_hold() -> None:
    async def story(world: World) -> None:
        world.decide("r1")
        await asyncio.sleep(0.25)

        assert world.probes["m1"].params.colour == "blue"

    play(story, monitor(per_node={"n1": {"colour": "blue"}, "n2": {"colour": "green"}}))


def test_a_monitor_of_other_nodes_is_not_ours() -> None:
    async def story(world: World) -> None:
        world.decide("r1")
        await asyncio.sleep(5)

        assert world.log == []

    play(story, monitor(nodes=("n2",)))


def test_what_an_earlier_daemon_left_is_ended_even_without_a_round() -> None:
    async def story(world: World) -> None:
        world.patrol.follow(world.state)
        await asyncio.sleep(0.1)

        assert [verb for *_, verb in world.log] == ["end"]

    play(story)


def test_a_changed_configuration_begins_afresh_and_a_removed_monitor_ends() -> None:
    async def story(world: World) -> None:
        world.decide("r1")
        await asyncio.sleep(0.25)
        for changed in (cluster(monitors=(monitor(params={"colour": "blue"}),)), cluster()):
            world.state = replace(world.state, cluster=changed)
            world.patrol.follow(world.state)
            await asyncio.sleep(0.25)

        assert [verb for *_, verb in world.log] == ["begin", "check", "end", "begin", "check", "end"]
        assert world.told() == [(0, "m1", "r1", SUCCEEDED), (250, "m1", "r1", SUCCEEDED)]

    play(story)


def test_a_verdict_that_the_members_never_heard_of_is_told_again() -> None:
    async def story(world: World) -> None:
        world.next("check", *[lambda: BAD] * 10)
        world.decide("r1")
        await asyncio.sleep(2.5)
        assert [at for at, *_ in world.told()] == [0, 2_000]  # once more after a whole interval of silence
        world.decide("r1", seen=Verdict.ERROR)
        await asyncio.sleep(5)
        assert len(world.told()) == 2

    play(story)


def test_a_state_that_says_nothing_new_costs_nothing() -> None:
    async def story(world: World) -> None:
        world.decide("r1")

        class Blind(State):
            __slots__ = ()

            def monitor(self, name: str) -> MonitorFacts:
                raise AssertionError("it looked")

        same = Blind(world.state.cluster, epoch=7, monitors=world.state.monitors)
        world.patrol.follow(same)
        with pytest.raises(AssertionError, match="it looked"):
            world.patrol.follow(Blind(world.state.cluster, monitors=dict(world.state.monitors)))

    play(story)


def test_the_end_of_the_daemon_ends_all_rounds_and_nothing_begins_after_it() -> None:
    async def story(world: World) -> None:
        world.decide("r1")
        world.decide("q1", "m2")
        await asyncio.sleep(0.25)
        await world.patrol.close()
        assert (world.tried("end"), world.tried("end", "m2")) == ([250], [250])
        world.decide("r3")
        await asyncio.sleep(5)
        assert world.tried("begin") == [0]

    play(story, monitor(), monitor("m2"))


def test_a_monitor_that_does_not_let_go_does_not_keep_the_daemon() -> None:
    async def story(world: World) -> None:
        world.next("end", lambda: asyncio.sleep(3_600))
        world.decide("r1")
        await asyncio.sleep(0.25)
        await world.patrol.close()
        assert now_ms() <= 250 + patrol.CLOSE_MS

    play(story)


# --- with daemons around it ------------------------------------------------------------------------------------------


def of_web(**recovery: Any) -> Monitor:
    """A monitor of group web, checked where web is active."""
    target = Target(kind="group", group="web")
    return monitor(
        type="look",
        watches=target,
        recovery=MonitorRecovery(target=target, **{"restarts": 1, "failovers": 1, **recovery}),
    )


def among_daemons(folder: Path, story: Callable[[Daemons], Awaitable[None]], *monitors: Monitor) -> None:
    async def told() -> None:
        async with Daemons(folder, cluster(monitors=monitors)) as world:
            world.start_all()
            await world.online(on="n1")
            await story(world)

    run(told())


def seen(world: Daemons, node: str = "n1") -> Verdict | None:
    """The verdict of m1 on that node, as every member knows it."""
    found = [running.state.monitor("m1").on.get(node, Facts()).verdict for running in world.running.values()]
    assert len(set(found)) == 1 or None in found
    return found[0] if len(set(found)) == 1 else None


def test_an_error_reactivates_then_fails_over_and_the_other_node_takes_up_the_round(tmp_path: Path) -> None:
    async def story(world: Daemons) -> None:
        await world.until(lambda: seen(world) is Verdict.NORMAL, "normal on n1")
        assert ("n2", "begin", "m1") not in world.things.log
        world.things.next("n1", "check", "m1", *[lambda: BAD] * 2)
        await world.online(on="n2")
        await world.until(lambda: seen(world, "n2") is Verdict.NORMAL, "normal on n2")

        steps = [(node, verb) for node, verb, name in world.things.log if name == "m1" and verb != "check"]
        rounds = [("n1", "begin"), ("n1", "end"), ("n1", "begin"), ("n1", "end"), ("n2", "begin")]
        assert steps[steps.index(("n1", "begin")) :][:5] == rounds
        moves = [(node, verb) for node, verb, name in world.things.log if name == "app" and verb in ("start", "stop")]
        assert moves == [("n1", "start"), ("n1", "stop"), ("n1", "start"), ("n1", "stop"), ("n2", "start")]

    among_daemons(tmp_path, story, of_web())


def test_while_all_is_well_nothing_but_beats_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: Daemons) -> None:
        await world.until(lambda: seen(world) is Verdict.NORMAL, "normal on n1")
        await asyncio.sleep(20)  # what has come together has still to tell each other its alerts
        checked = world.things.log.count(("n1", "check", "m1"))
        sent: list[wire.Message] = []
        pass_on = world.wire.multicast

        def overhear(bus: FakeBus, payload: bytes) -> None:
            sent.append(wire.decode(payload))
            pass_on(bus, payload)

        monkeypatch.setattr(world.wire, "multicast", overhear)
        await asyncio.sleep(30)
        assert world.things.log.count(("n1", "check", "m1")) >= checked + 25
        assert sent
        assert [message for message in sent if not isinstance(message, wire.Beat)] == []

    among_daemons(tmp_path, story, of_web())


def test_an_operator_simulates_a_failure_and_suspends_a_monitor(tmp_path: Path) -> None:
    async def story(world: Daemons) -> None:
        ask = world.running["n2"].daemon.parts.requests.ask
        await world.until(lambda: seen(world) is Verdict.NORMAL, "normal on n1")
        assert (await ask(c.SuspendMonitor("m1", None), 5_000)).accepted
        await world.until(lambda: ("n1", "end", "m1") in world.things.log, "its round ended")
        checked = world.things.log.count(("n1", "check", "m1"))
        await asyncio.sleep(5)
        assert world.things.log.count(("n1", "check", "m1")) == checked

        assert (await ask(c.ResumeMonitor("m1", None), 5_000)).accepted
        await world.until(lambda: seen(world) is Verdict.NORMAL, "normal again")
        assert (await ask(c.SimulateFailure("m1", "n1", on=True), 5_000)).accepted
        await world.online(on="n2")

    among_daemons(tmp_path, story, of_web(restarts=0))

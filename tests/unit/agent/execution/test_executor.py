"""Actions are carried out, one after the other on each resource, and every one has its outcome proposed."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from komainu.agent.background import Background
from komainu.agent.execution import attempt, executor, scripts
from komainu.agent.execution.executor import NOT_HERE, Executor
from komainu.agent.execution.fencing import NO_FENCE
from komainu.agent.execution.hands import Hand, Hands
from komainu.agent.execution.runs import Runs
from komainu.agent.execution.scripts import Event, Scripts
from komainu.model import events as e
from komainu.model.actions import FenceNode, ProbeNode, RunScript, StartResource, StopResource
from komainu.model.config import Monitor, MonitorRecovery, Resource, Scripts as Wished, Target
from komainu.model.message import Message, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed
from komainu.ports import Host
from tests.doubles.daemons import NOT_HERE as SAID, Things, cluster, resource
from tests.doubles.network import FakeNetwork
from tests.doubles.virtual_time import now_ms, run

START = StartResource("1", "n1", "web", "app", epoch=7)
STOP = StopResource("2", "n1", "web", "app")
SCRIPTED = resource("app", scripts=Wished(before_start="/a", after_start="/b", before_stop="/c", after_stop="/d"))
BAD = failed(Message("TEST7", "it broke", "故障", "warning").said(), "the output")
MONITORS = (
    Monitor(
        name="m1",
        type="genw",
        nodes=("n1",),
        params={},
        first_wait_ms=0,
        interval_ms=1_000,
        timeout_ms=1_000,
        retries=0,
        recovery=MonitorRecovery(target=Target(kind="node"), script="/e", script_timeout_ms=3_000),
    ),
)


class FakeScripts(Scripts):
    """Scripts that start no process: what was asked, among what was asked of the things."""

    def __init__(self, things: Things) -> None:
        super().__init__("n1", None, lambda: cluster(monitors=MONITORS))
        self.things = things

    async def of_resource(self, hand: Hand, event: Event) -> Outcome:
        return await self._do(event, hand.resource.name)

    async def before_recovery(self, name: str) -> Outcome:
        return await self._do("recovery", name)

    async def _do(self, event: str, name: str) -> Outcome:
        self.things.log.append(("n1", event, name))
        planned = self.things.script.get(("n1", event, name))
        result = planned.pop(0)() if planned else SUCCEEDED
        return await result if asyncio.iscoroutine(result) else result


class World:
    """An executor with nobody around it."""

    def __init__(self, folder: Path, *names: str | Resource) -> None:
        self.things = Things()
        self.proposed: list[e.Event] = []
        self.followed: list[tuple[str, str]] = []
        self.background = Background()
        self.runs = Runs(folder / "runs", self.background, lambda said: None)
        types = {"thing": self.things.type()}
        self.hands = Hands("n1", types, self.host)
        self.hands.configure(
            cluster(*(resource(name) if isinstance(name, str) else name for name in names or ("app",)))
        )
        self.alerts: list[tuple[Said, str]] = []
        self.scripts = FakeScripts(self.things)
        self.executor = Executor(
            "n1",
            self.hands,
            self.runs,
            self,
            self.scripts,
            self.proposed.append,
            lambda said, detail: self.alerts.append((said, detail)),
        )

    def host(self, cluster: str, group: str, name: str) -> Host:
        return Host("n1", cluster, group, name, None, FakeNetwork(), None, lambda outcome: None, now_ms)

    def starting(self, hand: Hand) -> None:
        self.followed.append(("starting", hand.resource.name))

    def running(self, hand: Hand, run: str) -> None:
        self.followed.append((f"running as {run}", hand.resource.name))

    def ending(self, hand: Hand) -> None:
        self.followed.append(("ending", hand.resource.name))

    async def idle(self) -> None:
        while self.executor.at_work():
            await asyncio.wait(self.executor._tasks)


def play(folder: Path, story: Callable[[World], Awaitable[None]], *names: str | Resource) -> None:
    async def told() -> None:
        world = World(folder, *names)
        await story(world)
        await world.background.close(5_000)

    run(told())


def outcome_of(event: e.Event) -> Outcome:
    assert isinstance(event, e.ActionFinished)
    return event.outcome


def test_a_start_without_a_right_does_nothing(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async def in_vain() -> bool:
            return False

        world.executor.entitled = in_vain
        world.executor.carry_out(START)
        await world.idle()

        (event,) = world.proposed
        assert outcome_of(event) == failed(executor.NO_RIGHT.said(name="app", node="n1"))
        assert world.things.log == []

    play(tmp_path, story)


def test_a_start_that_waited_for_its_right_until_nobody_waits_for_it_does_nothing(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        asked = ["1"]

        async def late() -> bool:
            asked.clear()  # the node was away meanwhile, and others go on
            return True

        world.executor.entitled = late
        world.executor.pending = lambda action: action in asked
        world.executor.carry_out(START)
        await world.idle()

        (event,) = world.proposed
        assert outcome_of(event) == failed(executor.OUTDATED.said(name="app", node="n1"))
        assert world.things.log == []

    play(tmp_path, story)


def test_a_start_is_proposed_remembered_and_watched(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.executor.carry_out(START)
        assert world.executor.at_work() == ("start app",)
        await world.idle()

        assert world.proposed == [e.ActionFinished("1", "n1", SUCCEEDED)]
        assert world.runs.epoch(("web", "app")) == 7
        assert world.followed == [("starting", "app"), ("running as 1", "app")]

    play(tmp_path, story)


def test_a_failed_start_is_not_remembered_as_running(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        said = failed(SAID.said(resource="app", node="n1"), "the reason")
        world.things.next("n1", "start", "app", lambda: said)
        world.executor.carry_out(START)
        await world.idle()

        assert world.proposed == [e.ActionFinished("1", "n1", said)]
        assert world.runs.names() == ()
        assert world.followed[-1] == ("ending", "app")

    play(tmp_path, story)


def test_a_start_that_hangs_is_unknown(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.things.next("n1", "start", "app", lambda: asyncio.sleep(3_600))
        world.executor.carry_out(START)
        await world.idle()

        outcome = outcome_of(world.proposed[0])
        assert outcome.result is Result.UNKNOWN
        assert outcome.said == attempt.ACTIVATION_TIMEOUT.said(name="app")
        assert outcome.said.en == "Activating app resource has failed.(6 : Timeout occurred.)"
        assert now_ms() == 2_500

    play(tmp_path, story)


def test_a_defect_of_a_type_is_unknown_with_its_traceback(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.things.next("n1", "stop", "app", lambda: 1 // 0)
        world.executor.carry_out(STOP)
        await world.idle()

        outcome = outcome_of(world.proposed[0])
        assert outcome.result is Result.UNKNOWN
        assert outcome.said is not None
        assert outcome.said.en == "Deactivating app resource has failed.(99 : Internal error. (status=3))"
        assert "ZeroDivisionError" in outcome.detail

    play(tmp_path, story)


def test_a_stop_ends_the_watch_first_and_is_forgotten_when_it_is_certain(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.executor.carry_out(START)
        await world.idle()
        world.things.next("n1", "stop", "app", lambda: failed(SAID.said(resource="app", node="n1")))
        world.executor.carry_out(STOP)
        assert world.followed[-1] == ("running as 1", "app")
        await world.idle()
        assert world.followed[-1] == ("ending", "app")
        assert world.runs.names() == ("app",)

        world.executor.carry_out(StopResource("3", "n1", "web", "app"))
        await world.idle()
        assert world.runs.names() == ()

    play(tmp_path, story)


def test_what_is_under_way_on_a_resource_comes_before_its_probe(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.things.next("n1", "start", "app", lambda: _slowly(world))
        world.executor.carry_out(START)
        world.executor.carry_out(ProbeNode("9", "n1"))
        await world.idle()

        assert world.proposed == [
            e.ActionFinished("1", "n1", SUCCEEDED),
            e.NodeProbed("9", "n1", (e.Found("web", "app", Result.SUCCEEDED, 7),)),
        ]

    play(tmp_path, story)


async def _slowly(world: World) -> Outcome:
    await asyncio.sleep(1)
    world.things.running["app"] = ["n1"]
    return SUCCEEDED


def test_a_probe_reports_each_resource_and_asks_all_at_once(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.executor.carry_out(START)
        await world.idle()
        world.things.next("n1", "probe", "disk", lambda: asyncio.sleep(3_600))
        world.things.next(
            "n1", "probe", "vip", lambda: asyncio.sleep(0.5, failed(SAID.said(resource="vip", node="n1")))
        )
        begun = now_ms()
        world.executor.carry_out(ProbeNode("9", "n1"))
        await world.idle()

        assert world.proposed[-1] == e.NodeProbed(
            "9",
            "n1",
            (
                e.Found("web", "vip", Result.FAILED, 0),
                e.Found("web", "disk", Result.UNKNOWN, 0),
                e.Found("web", "app", Result.SUCCEEDED, 7),
            ),
        )
        assert now_ms() - begun == 1_500
        assert ("running as 9", "app") in world.followed

    play(tmp_path, story, "vip", "disk", "app")


def test_a_probe_that_finds_nothing_forgets_what_ran(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.executor.carry_out(START)
        await world.idle()
        world.things.running["app"].clear()
        world.executor.carry_out(ProbeNode("9", "n1"))
        await world.idle()

        assert world.runs.names() == ()

    play(tmp_path, story)


def test_an_action_on_a_resource_that_is_not_configured_here_fails(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.executor.carry_out(StopResource("2", "n1", "web", "other"))
        await world.idle()

        assert outcome_of(world.proposed[0]) == failed(NOT_HERE.said(name="other", group="web"))

    play(tmp_path, story)


def test_fencing_fails_as_long_as_there_is_no_device(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.executor.carry_out(FenceNode("5", "n1", "n2"))
        await world.idle()

        assert world.proposed == [e.ActionFinished("5", "n1", failed(NO_FENCE.said(node="n2")))]

    play(tmp_path, story)


def test_a_fence_is_proposed_as_it_ended_and_hinders_nothing_meanwhile(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        asked: list[str] = []

        async def fence(action: FenceNode) -> Outcome:
            asked.append(action.target)
            await asyncio.sleep(60)
            return SUCCEEDED

        world.executor.fence = fence
        world.executor.carry_out(FenceNode("5", "n1", "n2"))
        world.executor.carry_out(START)
        assert "fence n2" in world.executor.at_work()
        await world.idle()

        assert asked == ["n2"]
        assert world.proposed == [e.ActionFinished("1", "n1", SUCCEEDED), e.ActionFinished("5", "n1", SUCCEEDED)]

    play(tmp_path, story)


def test_an_executor_that_is_abandoned_proposes_nothing_more(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.things.next("n1", "start", "app", lambda: asyncio.sleep(60))
        world.executor.carry_out(START)
        await asyncio.sleep(0.1)
        world.executor.abandon()
        await world.idle()

        assert world.proposed == []

    play(tmp_path, story)


# --- scripts ---------------------------------------------------------------------------------------------------------


def verbs(world: World) -> list[str]:
    """What was done here, in order."""
    return [verb for _, verb, _ in world.things.log]


def test_scripts_stand_around_start_and_stop_and_the_outcome_waits_for_them(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.things.next("n1", "after_start", "app", lambda: asyncio.sleep(3, SUCCEEDED))
        world.executor.carry_out(START)
        await asyncio.sleep(2.9)
        assert world.proposed == []  # what depends on it waits for its script, too
        await world.idle()
        world.executor.carry_out(STOP)
        await world.idle()

        assert verbs(world) == ["before_start", "start", "after_start", "before_stop", "stop", "after_stop"]
        assert world.proposed == [e.ActionFinished("1", "n1", SUCCEEDED), e.ActionFinished("2", "n1", SUCCEEDED)]
        assert world.alerts == []

    play(tmp_path, story, SCRIPTED)


def test_without_scripts_nobody_is_asked(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.executor.carry_out(START)
        world.executor.carry_out(STOP)
        await world.idle()

        assert verbs(world) == ["start", "stop"]

    play(tmp_path, story)


def test_nothing_comes_between_a_start_and_its_scripts(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.things.next("n1", "before_start", "app", lambda: asyncio.sleep(3, SUCCEEDED))
        world.executor.carry_out(START)
        world.executor.carry_out(ProbeNode("9", "n1"))
        await world.idle()

        # A probe before the start would have found that it does not run, while it was on its way.
        assert verbs(world) == ["before_start", "start", "after_start", "probe"]
        assert world.proposed[-1] == e.NodeProbed("9", "n1", (e.Found("web", "app", Result.SUCCEEDED, 7),))

    play(tmp_path, story, SCRIPTED)


def test_a_failed_script_before_the_start_fails_the_start(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.things.next("n1", "before_start", "app", lambda: BAD)
        world.executor.carry_out(START)
        await world.idle()

        outcome = outcome_of(world.proposed[0])
        assert outcome == failed(scripts.NOT_ACTIVATED.said(name="app"), "it broke\nthe output")
        assert verbs(world) == ["before_start"]
        assert world.followed[-1] == ("ending", "app")
        assert world.alerts == []  # the outcome tells it to everybody

    play(tmp_path, story, SCRIPTED)


def test_the_failure_of_any_other_script_is_told_and_changes_nothing(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        for event in ("after_start", "before_stop", "after_stop"):
            world.things.next("n1", event, "app", lambda: BAD)
        world.executor.carry_out(START)
        world.executor.carry_out(STOP)
        await world.idle()

        assert [outcome_of(event) for event in world.proposed] == [SUCCEEDED, SUCCEEDED]
        assert world.alerts == [(BAD.said, "the output")] * 3

    play(tmp_path, story, SCRIPTED)


def test_what_did_not_come_up_or_go_down_has_no_script_after_it(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.things.next("n1", "start", "app", lambda: BAD)
        world.things.next("n1", "stop", "app", lambda: BAD)
        world.executor.carry_out(START)
        world.executor.carry_out(STOP)
        await world.idle()

        assert verbs(world) == ["before_start", "start", "before_stop", "stop"]

    play(tmp_path, story, SCRIPTED)


def test_a_defect_in_a_script_s_way_does_not_keep_anybody_waiting(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.things.next("n1", "after_start", "app", lambda: 1 // 0)
        world.executor.carry_out(START)
        await world.idle()

        assert outcome_of(world.proposed[0]) == SUCCEEDED
        assert [said.code for said, _ in world.alerts] == [scripts.DEFECT.code]

    play(tmp_path, story, SCRIPTED)


def test_the_script_before_a_recovery_always_has_an_outcome(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.things.next("n1", "recovery", "m1", lambda: SUCCEEDED, lambda: BAD, lambda: asyncio.sleep(60))
        for number in ("1", "2", "3"):
            world.executor.carry_out(RunScript(number, "n1", "m1"))
            assert world.executor.at_work() == ("script of m1",)
            await world.idle()

        results = [outcome_of(event).result for event in world.proposed]
        assert results == [Result.SUCCEEDED, Result.FAILED, Result.UNKNOWN]
        assert [said.code for said, _ in world.alerts] == ["TEST7", scripts.DEFECT.code]
        assert now_ms() < 10_000

    play(tmp_path, story)

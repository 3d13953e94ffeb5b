"""Actions are carried out, one after the other on each resource, and every one has its outcome proposed."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from komainu.agent import attempt
from komainu.agent.background import Background
from komainu.agent.executor import NO_FENCE, NOT_HERE, Executor
from komainu.agent.hands import Hand, Hands
from komainu.agent.runs import Runs
from komainu.core import events as e
from komainu.core.actions import FenceNode, ProbeNode, StartResource, StopResource
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed
from komainu.ports import Host
from tests.doubles.daemons import NOT_HERE as SAID
from tests.doubles.daemons import Things, cluster, resource
from tests.doubles.network import FakeNetwork
from tests.doubles.virtual_time import now_ms, run

START = StartResource("1", "n1", "web", "app", epoch=7)
STOP = StopResource("2", "n1", "web", "app")


class World:
    """An executor with nobody around it."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.things = Things()
        self.proposed: list[e.Event] = []
        self.followed: list[tuple[str, str]] = []
        self.background = Background()
        self.runs = Runs(folder / "runs", self.background, lambda said: None)
        types = {"thing": self.things.type()}
        self.hands = Hands("n1", types, self.host)
        self.hands.configure(cluster(*(resource(name) for name in names or ("app",))))
        self.executor = Executor("n1", self.hands, self.runs, self, self.proposed.append)

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


def play(folder: Path, story: Callable[[World], Awaitable[None]], *names: str) -> None:
    async def told() -> None:
        world = World(folder, *names)
        await story(world)
        await world.background.close(5_000)

    run(told())


def outcome_of(event: e.Event) -> Outcome:
    assert isinstance(event, e.ActionFinished)
    return event.outcome


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

        assert world.proposed == [e.ActionFinished("5", "n1", failed(NO_FENCE.said(node="n2")))]

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

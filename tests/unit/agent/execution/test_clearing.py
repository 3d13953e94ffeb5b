"""A node that took over another configuration: its old hands stop what they hold before the new ones do anything."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from komainu.agent.background import Background
from komainu.agent.execution.attempt import Lane
from komainu.agent.execution.clearing import ATTEMPTS, CLEARED, CLEARS, REMAINS, RETRY_MS, Clearing
from komainu.agent.execution.hands import Hand, Hands, Key
from komainu.agent.execution.runs import Runs
from komainu.model.config import Resource
from komainu.model.message import Said
from komainu.model.outcome import failed
from komainu.ports import Host
from tests.doubles.daemons import NOT_HERE, Things, cluster, resource
from tests.doubles.network import FakeNetwork
from tests.doubles.virtual_time import now_ms, run

BUSY = failed(NOT_HERE.said(resource="app", node="n1"))


class World:
    """A node that runs everything of its configuration."""

    def __init__(self, folder: Path, *resources: Resource) -> None:
        self.things = Things()
        self.alerts: list[str] = []
        self.background = Background()
        self.runs = Runs(folder / "runs", self.background, lambda said: None)
        self.lanes: dict[Key, Lane] = {}
        self.hands = Hands("n1", {"thing": self.things.type()}, self.host)
        self.hands.configure(cluster(*resources))
        self.clearing = Clearing(
            lambda key: self.lanes.setdefault(key, Lane()),
            self.runs,
            self.alert,
        )
        for each in resources:
            self.things.running[each.name] = ["n1"]
            self.runs.started(("web", each.name), 5)

    def alert(self, said: Said, detail: str) -> None:
        self.alerts.append(said.code)

    def host(self, cluster: str, group: str, name: str) -> Host:
        return Host("n1", cluster, group, name, None, FakeNetwork(), None, lambda outcome: None, now_ms)

    def adopt(self, *resources: Resource) -> tuple[Hand, ...]:
        before = self.hands.all()
        gone = self.hands.configure(cluster(*resources))
        self.clearing.begin(gone, before)
        return gone

    def stops(self) -> list[str]:
        return [name for _, verb, name in self.things.log if verb == "stop"]


def play(folder: Path, story: Callable[[World], Awaitable[None]], *resources: Resource) -> None:
    async def told() -> None:
        world = World(folder, *resources)
        await story(world)
        world.clearing.abandon()
        await world.background.close(5_000)

    run(told())


def chain(**changes: str) -> tuple[Resource, ...]:
    """An address, a disk on it, an application on both."""
    return (
        resource("address", params={"colour": changes.get("address", "red")}),
        resource("disk", params={"colour": changes.get("disk", "red")}),
        resource("app", depends_on=("address", "disk"), params={"colour": changes.get("app", "red")}),
    )


def test_what_goes_on_as_it_is_is_left_alone(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.adopt(*(each.model_copy(update={"check_interval_ms": 9_000}) for each in chain()))
        assert not world.clearing.is_under_way
        await world.clearing.over()
        assert world.things.log == []

    play(tmp_path, story, *chain())


def test_a_changed_resource_is_stopped_after_what_stands_on_it_and_nothing_else(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.adopt(*chain(address="blue"))
        await world.clearing.over()

        assert world.stops() == ["app", "address"]
        assert world.things.on("disk") == ["n1"]
        assert world.runs.names() == ("disk",)
        assert world.alerts == [CLEARS.code, CLEARED.code] * 2

    play(tmp_path, story, *chain())


def test_what_is_removed_is_stopped_in_the_order_of_the_group(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.adopt(resource("other"))
        await world.clearing.over()

        assert world.stops() == ["app", "disk", "address"]
        assert world.runs.names() == ()

    play(tmp_path, story, *chain())


def test_what_does_not_run_is_not_stopped(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.things.running["app"] = ["n2"]
        world.adopt(resource("other"))
        await world.clearing.over()

        assert world.stops() == []
        assert world.things.on("app") == ["n2"]
        assert (world.runs.names(), world.alerts) == ((), [])

    play(tmp_path, story, resource("app"))


def test_what_does_not_stop_at_once_is_tried_again(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.things.next("n1", "stop", "app", *[lambda: BUSY] * (ATTEMPTS - 1))
        done: list[str] = []
        world.adopt(resource("other"))
        world.clearing.afterwards(lambda: done.append("written"))
        assert done == []
        await world.clearing.over()

        assert (world.things.on("app"), done) == ([], ["written"])
        assert world.alerts == [CLEARS.code, CLEARED.code]

    play(tmp_path, story, resource("app"))


def test_what_does_not_stop_at_all_is_told_and_not_waited_for_and_tried_on(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.things.next("n1", "stop", "app", *[lambda: BUSY] * (ATTEMPTS + 2))
        done: list[str] = []
        world.adopt(resource("other"))
        world.clearing.afterwards(lambda: done.append("written"))
        await world.clearing.over()
        assert world.things.on("app") == ["n1"]
        assert (world.alerts, done) == ([CLEARS.code, REMAINS.code], [])

        await asyncio.sleep(4 * RETRY_MS / 1000)
        assert world.things.on("app") == []
        assert (world.alerts[-1], done) == (CLEARED.code, ["written"])

    play(tmp_path, story, resource("app"))


def test_without_anything_to_stop_nobody_waits(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        done: list[str] = []
        world.clearing.afterwards(lambda: done.append("written"))
        assert done == ["written"]

    play(tmp_path, story)

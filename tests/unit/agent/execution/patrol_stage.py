"""A patrol with nobody around it, and a monitor that finds what it is told to find."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from komainu.agent.execution import attempt
from komainu.agent.execution.patrol import Patrol
from komainu.core.state import MonitorFacts, State, Watch as Facts
from komainu.model import events as e
from komainu.model.config import Monitor, MonitorRecovery, Target
from komainu.model.message import Message
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.ports import MonitorHands, MonitorHost, MonitorTraits, MonitorType
from tests.doubles.daemons import cluster
from tests.doubles.network import FakeNetwork
from tests.doubles.virtual_time import now_ms, run

BAD = failed(Message("TEST7", "broken", "故障", "error").said(), "the output")
UNSURE = unknown(Message("TEST8", "no answer", "応答なし", "warning").said())
WARNED = Outcome(Result.SUCCEEDED, Message("TEST9", "nearly full", "残りわずか", "warning").said())
SIMULATED = failed(attempt.SIMULATED.said(name="m1"))


class Params(BaseModel):
    """Parameters of the test's monitor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    colour: str = "red"


@dataclass
class Probe(MonitorHands):
    """One monitor: what it was asked, and what it answers."""

    world: "World"
    params: Params
    host: MonitorHost

    async def begin(self) -> None:
        await self._do("begin", None)

    async def check(self, timeout_ms: int) -> Outcome:
        outcome: Outcome = await self._do("check", SUCCEEDED)
        return outcome

    async def end(self) -> None:
        await self._do("end", None)

    async def _do(self, verb: str, otherwise: Any) -> Any:
        name = self.host.monitor
        self.world.log.append((now_ms(), name, verb))
        planned = self.world.script.get((name, verb))
        result = planned.pop(0)() if planned else otherwise
        return await result if asyncio.iscoroutine(result) else result


@dataclass
class World:
    """A patrol with nobody around it; time is virtual."""

    monitors: tuple[Monitor, ...]
    log: list[tuple[int, str, str]] = field(default_factory=list)
    script: dict[tuple[str, str], list[Callable[[], Any]]] = field(default_factory=dict)
    proposed: list[tuple[int, e.MonitorJudged]] = field(default_factory=list)
    probes: dict[str, Probe] = field(default_factory=dict)
    traits: MonitorTraits = field(default_factory=MonitorTraits)

    def __post_init__(self) -> None:
        title = Message("TEST2", "Probe", "探査")
        declared = MonitorType(
            name="probe",
            title=title,
            description=title,
            params=Params,
            per_node_required=(),
            traits=self.traits,
            messages=(),
            make=self._make,
        )
        self.state = State(cluster(monitors=self.monitors))
        self.patrol = Patrol("n1", {"probe": declared}, self._host, self._propose)

    def _make(self, params: Params, host: MonitorHost) -> MonitorHands:
        self.probes[host.monitor] = Probe(self, params, host)
        return self.probes[host.monitor]

    def _host(self, name: str, monitor: str, report: Callable[[Outcome], None]) -> MonitorHost:
        return MonitorHost("n1", name, monitor, None, FakeNetwork(), None, report, now_ms)

    def _propose(self, event: e.Event) -> None:
        assert isinstance(event, e.MonitorJudged)
        assert event.node == "n1"
        self.proposed.append((now_ms(), event))

    def decide(self, round_: str = "", name: str = "m1", *, simulated: bool = False, seen: Any = None) -> None:
        """The state says this of the monitor on this node."""
        facts = MonitorFacts(
            on={"n1": Facts(round=round_, verdict=seen)} if round_ else {}, simulated=("n1",) if simulated else ()
        )
        self.state = self.state.with_monitor(name, facts)
        self.patrol.follow(self.state)

    def next(self, verb: str, *what: Callable[[], Any], name: str = "m1") -> None:
        """Have this happen at the next tries."""
        self.script.setdefault((name, verb), []).extend(what)

    def tried(self, verb: str, name: str = "m1") -> list[int]:
        """When it was tried."""
        return [at for at, monitor, each in self.log if (monitor, each) == (name, verb)]

    def told(self) -> list[tuple[int, str, str, Outcome]]:
        """What was proposed: when, of which monitor and round, and what."""
        return [(at, event.monitor, event.round, event.outcome) for at, event in self.proposed]


Story = Callable[[World], Awaitable[None]]


def monitor(name: str = "m1", **changes: Any) -> Monitor:
    values: dict[str, Any] = {
        "name": name,
        "type": "probe",
        "nodes": ("n1", "n2"),
        "params": {},
        "first_wait_ms": 0,
        "interval_ms": 1_000,
        "timeout_ms": 500,
        "retries": 0,
        "recovery": MonitorRecovery(target=Target(kind="node")),
    }
    return Monitor(**{**values, **changes})


def play(story: Story, *monitors: Monitor, **traits: Any) -> None:
    async def told() -> None:
        world = World(monitors or (monitor(),), traits=MonitorTraits(**traits))
        try:
            await story(world)
        finally:
            await world.patrol.close()
        assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("monitor ")] == []

    run(told())

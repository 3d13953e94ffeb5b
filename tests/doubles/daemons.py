"""Daemons in one process: the real parts on a fake bus, with resources of which it is known where they run."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from komainu.agent.around import Around
from komainu.agent.daemon import Daemon
from komainu.agent.notify import Notifier
from komainu.agent.residents import GROUP
from komainu.core.state import Noted, State
from komainu.model.config import Cluster, Group, Node, Resource
from komainu.model.message import Message, Said
from komainu.model.outcome import SUCCEEDED, Outcome, failed
from komainu.model.traits import Traits
from komainu.ports import Host, MonitorHost, MonitorTraits, MonitorType, NotifierType, ResourceType, VoteStore
from komainu_lab.sim.arbitrations import arbitration as by_name
from tests.doubles.bus import FakeBus, FakeWire
from tests.doubles.disk import MemoryStore as MemoryStore, MemoryVersions as MemoryVersions
from tests.doubles.isolation import FakeIsolation
from tests.doubles.machine import FakePower, FakeWatchdog
from tests.doubles.network import FakeNetwork
from tests.doubles.notices import FakeTopics
from tests.doubles.virtual_time import now_ms

NOT_HERE = Message("TEST1", "{resource} does not run on {node}", "{resource} は {node} で動作していません", "error")
BOOT = "0123456789abcdef"


class ThingParams(BaseModel):
    """Parameters of a thing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    colour: str = "red"


@dataclass
class Things:
    """Where each thing runs, in truth; and what is going to happen to those who try to change it."""

    running: dict[str, list[str]] = field(default_factory=dict)
    "Nodes by resource."
    log: list[tuple[str, str, str]] = field(default_factory=list)
    "Node, verb, resource: everything that was tried, in order."
    script: dict[tuple[str, str, str], list[Callable[[], Any]]] = field(default_factory=dict)
    "What to do instead at the next tries of a node with a verb on a resource: an outcome, or an awaitable of one."
    hosts: dict[tuple[str, str], Host] = field(default_factory=dict)

    def next(self, node: str, verb: str, resource: str, *what: Callable[[], Any]) -> None:
        """Have this happen at the next tries."""
        self.script.setdefault((node, verb, resource), []).extend(what)

    def on(self, resource: str) -> list[str]:
        """The nodes where it runs, in truth."""
        return self.running.get(resource, [])

    def type(self, name: str = "thing", *, exclusive: bool = True) -> ResourceType:
        """The type of these things."""
        title = Message("TEST2", "Thing", "もの")
        return ResourceType(
            name=name,
            monitor=f"{name}w",
            title=title,
            description=title,
            params=ThingParams,
            per_node_required=(),
            traits=Traits(exclusive=exclusive),
            messages=(),
            make=lambda params, host: ThingHands(self, host),
        )

    def monitor_type(self, name: str = "look") -> MonitorType:
        """A type of monitors that find what the script says, and nothing wrong otherwise."""
        title = Message("TEST3", "Look", "見る")
        return MonitorType(
            name=name,
            title=title,
            description=title,
            params=ThingParams,
            per_node_required=(),
            traits=MonitorTraits(),
            messages=(),
            make=lambda params, host: LookHands(self, host),
        )

    async def do(self, node: str, verb: str, name: str, otherwise: Callable[[], Any]) -> Any:
        """Note that it was tried, and do what is planned, or else that."""
        self.log.append((node, verb, name))
        planned = self.script.get((node, verb, name))
        if not planned:
            return otherwise()
        result = planned.pop(0)()
        return await result if asyncio.iscoroutine(result) else result


class LookHands:
    """`komainu.ports.MonitorHands`."""

    def __init__(self, things: Things, host: MonitorHost) -> None:
        self.things = things
        self.host = host

    async def begin(self) -> None:
        await self.things.do(self.host.node, "begin", self.host.monitor, lambda: None)

    async def check(self, timeout_ms: int) -> Outcome:
        found: Outcome = await self.things.do(self.host.node, "check", self.host.monitor, lambda: SUCCEEDED)
        return found

    async def end(self) -> None:
        await self.things.do(self.host.node, "end", self.host.monitor, lambda: None)


class ThingHands:
    """`komainu.ports.ResourceHands`."""

    def __init__(self, things: Things, host: Host) -> None:
        self.things = things
        self.host = host
        things.hosts[host.node, host.resource] = host

    async def _do(self, verb: str, otherwise: Callable[[], Outcome]) -> Outcome:
        outcome: Outcome = await self.things.do(self.host.node, verb, self.host.resource, otherwise)
        return outcome

    def _known(self) -> Outcome:
        if self.host.node in self.things.on(self.host.resource):
            return SUCCEEDED
        return failed(NOT_HERE.said(resource=self.host.resource, node=self.host.node))

    async def prepare(self) -> Outcome:
        return await self._do("prepare", lambda: SUCCEEDED)

    async def start(self, timeout_ms: int) -> Outcome:
        def begin() -> Outcome:
            nodes = self.things.running.setdefault(self.host.resource, [])
            if self.host.node not in nodes:
                nodes.append(self.host.node)
            return SUCCEEDED

        return await self._do("start", begin)

    async def stop(self, timeout_ms: int) -> Outcome:
        def end() -> Outcome:
            nodes = self.things.running.setdefault(self.host.resource, [])
            if self.host.node in nodes:
                nodes.remove(self.host.node)
            return SUCCEEDED

        return await self._do("stop", end)

    async def check(self, timeout_ms: int) -> Outcome:
        return await self._do("check", self._known)

    async def probe(self, timeout_ms: int) -> Outcome:
        return await self._do("probe", self._known)


class FakeTransport:
    """`komainu.agent.daemon.Transport`: corosync as a switch on the fake wire."""

    def __init__(self, wire: FakeWire, node: int) -> None:
        self.wire = wire
        self.node = node
        self.asked: list[str] = []
        self.trouble: list[Said] = []

    async def start(self, cluster: Cluster, report: Callable[[Said], None]) -> Said | None:
        self.asked.append("start")
        return self.trouble.pop(0) if self.trouble else None

    async def reload(self, cluster: Cluster) -> Said | None:
        self.asked.append(f"reload {cluster.version}")
        return self.trouble.pop(0) if self.trouble else None

    async def restart(self) -> Said | None:
        self.asked.append("restart")
        self.wire.kill_corosync(self.node)
        self.wire.start_corosync(self.node)
        return self.trouble.pop(0) if self.trouble else None

    async def stop(self) -> Said | None:
        self.asked.append("stop")
        self.wire.power_off(self.node)
        return None

    async def close(self) -> None:
        self.asked.append("close")


class AnyMachine:
    """`komainu.agent.fitness.Machine`: has every address, and every program but these."""

    def __init__(self) -> None:
        self.lacking: list[str] = []

    def lacks_program(self, path: str) -> str:
        return "No such file or directory" if path in self.lacking else ""

    def lacks_address(self, address: str) -> bool:
        return False


def resource(name: str = "app", **changes: Any) -> Resource:
    """A thing with short times."""
    values: dict[str, Any] = {
        "name": name,
        "type": "thing",
        "exclusive": True,
        "params": {},
        "start_timeout_ms": 2_000,
        "stop_timeout_ms": 2_000,
        "check_interval_ms": 1_000,
        "check_timeout_ms": 1_000,
        "prepare_interval_ms": 10_000,
    }
    return Resource(**{**values, **changes})


def cluster(*resources: Resource, nodes: int = 2, arbitration: str = "none", **changes: Any) -> Cluster:
    """A cluster of nodes n1, n2 ... with one group `web`."""
    names = tuple(f"n{number}" for number in range(1, nodes + 1))
    values: dict[str, Any] = {
        "name": "test",
        "environment": "onprem",
        "detect_within_ms": 450,
        "startup_sync_wait_ms": 60_000,
        "arbitration": by_name(arbitration),
        "nodes": tuple(Node(name=name, id=index, links=(f"10.0.0.{index}",)) for index, name in enumerate(names, 1)),
        "groups": (Group(name="web", nodes=names, resources=resources or (resource(),)),),
    }
    return Cluster(**{**values, **changes})


@dataclass
class Running:
    """One daemon and what surrounds it."""

    daemon: Daemon
    transport: FakeTransport
    store: MemoryStore
    task: "asyncio.Task[int]"
    power: FakePower
    watchdog: FakeWatchdog

    @property
    def state(self) -> State:
        return self.daemon.state

    def write_down(self) -> None:
        """Let the thread that writes files finish: virtual time does not wait for it, a real daemon has seconds."""
        if self.task.done():
            return
        done = threading.Event()
        self.daemon.parts.recorder.flush()
        self.daemon.background.do(done.set, lambda error: None)
        assert done.wait(10)

    def alerts(self) -> list[str]:
        """The codes of every alert in this node's journal."""
        return [alert["code"] for entry in self.daemon.parts.recorder.last(1000) for alert in entry["alerts"]]


class World:
    """Nodes on one wire. `async with` ends what still runs."""

    def __init__(self, folder: Path, cluster: Cluster, *, clock: Callable[[], int] = now_ms) -> None:
        self.folder = folder
        self.cluster = cluster
        self.things = Things()
        self.wire = FakeWire(tuple(node.id for node in cluster.nodes))
        self.running: dict[str, Running] = {}
        self.versions: dict[str, MemoryVersions] = {}
        "What each node has on its disk."
        self.machines: dict[str, AnyMachine] = {}
        self.clock = clock
        self.alerts_on_disk = False
        self.notifiers: dict[str, NotifierType] = {}
        self.votes: VoteStore | None = None
        "The store of the vote."

    async def __aenter__(self) -> "World":
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in list(self.running):
            await self.kill(name)

    def start(self, name: str, cluster: Cluster | None = None, epoch: int = 0, *, maintenance: bool = False) -> Running:
        """Start the daemon of a node. What an earlier one left in /run is there, as after its death."""
        number = self.cluster.node(name).id
        self.wire.power_on(number)
        loop = asyncio.get_running_loop()
        clock = self.clock if self.clock is not now_ms else lambda: int(loop.time() * 1000)  # threads ask as well
        transport, store = FakeTransport(self.wire, number), self.store_of(name)
        power, watchdog = FakePower(lambda: self._ended(name)), self.watchdog_of(name)
        versions = store.versions = self.versions.setdefault(name, MemoryVersions(cluster or self.cluster))
        daemon = Daemon(
            Around(
                me=name,
                boot=BOOT,
                cluster=cluster or versions.held[-1].cluster,
                epoch=max((epoch, *store.epochs)),
                vote_epoch=max(store.vote_epochs, default=0),
                votes=lambda _: self.votes_of(name),
                isolation=self.kernel_of(name, clock),
                undecided=False,
                suspended=store.suspended[-1] if store.suspended else Noted.NOT,
                maintenance=maintenance,
                types=self.types(),
                monitor_types={"look": self.things.monitor_type()},
                monitor_host=self._monitor_host(name),
                processes=None,
                bus=lambda: FakeBus(self.wire, number),
                residents=FakeBus(self.wire, number, GROUP),
                transport=transport,
                host=self._host(name),
                store=store,
                versions=versions,
                machine=self.machines.setdefault(name, AnyMachine()),
                run_folder=self.folder / name / "run",
                journal_folder=self.folder / name / "journal",
                alerts_file=self.folder / name / "alerts.db" if self.alerts_on_disk else None,
                notifiers=self.notifiers,
                topics=FakeTopics(),
                api_calls=dict,
                now_ms=clock,
                notifier=Notifier({}),
                power=power,
                watchdog=watchdog,
            )
        )
        task = asyncio.get_running_loop().create_task(daemon.run())
        running = Running(daemon, transport, store, task, power, watchdog)
        self.running[name] = running
        return running

    def start_all(self) -> list[Running]:
        """Start the daemon of every node."""
        return [self.start(node.name) for node in self.cluster.nodes]

    # --- what surrounds a daemon: a new one each time, unless a test keeps it -----------------------------------------

    def store_of(self, name: str) -> MemoryStore:
        """The node's disk."""
        return MemoryStore()

    def kernel_of(self, name: str, clock: Callable[[], int]) -> FakeIsolation:
        """Who cuts the node off."""
        return FakeIsolation(clock)

    def watchdog_of(self, name: str) -> FakeWatchdog:
        """Who resets the node."""
        return FakeWatchdog()

    def votes_of(self, name: str) -> VoteStore | None:
        """The store of the vote as that node reaches it."""
        return self.votes

    def types(self) -> dict[str, ResourceType]:
        """Every type of resource there is."""
        return {"thing": self.things.type()}

    async def kill(self, name: str) -> None:
        """The daemon dies; what it runs goes on."""
        running = self.running.pop(name)
        running.write_down()
        self.wire.kill_agent(running.transport.node)
        running.task.cancel()
        await asyncio.wait({running.task})

    def _ended(self, name: str) -> None:
        """The machine ends, and every process on it."""
        self.wire.power_off(self.cluster.node(name).id)
        for nodes in self.things.running.values():
            if name in nodes:
                nodes.remove(name)
        if name in self.running:
            self.running[name].task.cancel()

    async def power_off(self, name: str) -> None:
        """The node dies with everything on it."""
        self.wire.power_off(self.cluster.node(name).id)
        await self.kill(name)
        for nodes in self.things.running.values():
            if name in nodes:
                nodes.remove(name)

    async def until(self, holds: Callable[[], bool], what: str, within_s: float = 120) -> None:
        """Let time pass until this holds. Fails with what each node says otherwise."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while not holds():
            if loop.time() > deadline:
                raise AssertionError(f"{what}: not within {within_s} s\n{self._told()}")
            await asyncio.sleep(0.01)

    async def online(self, resource: str = "app", on: str | None = None, within_s: float = 120) -> None:
        """Wait until exactly one node runs it, and every daemon says so."""

        def holds() -> bool:
            nodes = self.things.on(resource)
            if len(nodes) != 1 or (on is not None and nodes != [on]):
                return False
            groups = [running.daemon.status()["groups"][0] for running in self.running.values()]
            return all((group["status"], group["node"]) == ("Online", nodes[0]) for group in groups)

        await self.until(holds, f"{resource} online on {on or 'one node'}", within_s)

    def _monitor_host(self, node: str) -> Callable[[str, str, Callable[[Outcome], None]], MonitorHost]:
        def make(cluster: str, monitor: str, report: Callable[[Outcome], None]) -> MonitorHost:
            return MonitorHost(node, cluster, monitor, None, FakeNetwork(), None, report, self.clock)

        return make

    def _host(self, node: str) -> Callable[[str, str, str, Callable[[Outcome], None]], Host]:
        def make(cluster: str, group: str, resource: str, report: Callable[[Outcome], None]) -> Host:
            return Host(node, cluster, group, resource, None, FakeNetwork(), None, report, self.clock)

        return make

    def _told(self) -> str:
        return (
            "\n".join(
                f"{name}: {running.daemon.parts.line.standing} {running.daemon.replica.view}\n"
                + "\n".join(str(entry.get("text", entry["alerts"])) for entry in running.daemon.parts.recorder.last(30))
                for name, running in self.running.items()
            )
            + f"\n{self.things.running} {self.things.log[-20:]}"
        )

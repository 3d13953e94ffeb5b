"""One simulated history: a cluster drawn from the seed, faults, healing, and the checks of what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from komainu.agent.replica import Decided
from komainu.core import actions as a
from komainu.core import events as e
from komainu.core.state import Status, Wanted, digest
from komainu.model.config import Arbitration, Cluster, Group, Node, Recovery, Resource
from komainu_lab.sim.bus import Bus
from komainu_lab.sim.clock import MS, SECOND, Clock
from komainu_lab.sim.host import Host, Key
from komainu_lab.sim.nemesis import Nemesis

KINDS = ("none", "operator", "fence")

EVENTS_WANTED = 400
"""A history goes on until its replicas have absorbed so many events."""

THREE_BEATS = 750 * MS

LOOK_EVERY = 16
"""How often (in events) the states of replicas with one history are compared."""


@dataclass
class Report:
    """What came of one seed."""

    seed: int
    kind: str
    events: int = 0
    violations: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    journal: list[str] = field(default_factory=list)


def draw_cluster(rng: Random, kind: str) -> Cluster:
    """A cluster of 2 to 4 nodes with an exclusive group, one without exclusive resources, and perhaps a manual one."""
    names = tuple(f"n{number}" for number in range(1, rng.choice((2, 2, 3, 4)) + 1))
    nodes = tuple(Node(name=name, id=index + 1, links=(f"10.0.0.{index + 1}",)) for index, name in enumerate(names))

    def resource(name: str, exclusive: bool) -> Resource:
        recovery = Recovery(start_retries=1, restarts=2, failovers=len(names) - 1, reset_after_ms=5_000)
        return Resource(
            name=name, type="sim", exclusive=exclusive, params={}, start_timeout_ms=5_000, stop_timeout_ms=5_000,
            check_interval_ms=1_000, check_timeout_ms=1_000, prepare_interval_ms=1_000, recovery=recovery,
        )  # fmt: skip

    def order() -> tuple[str, ...]:
        shuffled = list(names)
        rng.shuffle(shuffled)
        return tuple(shuffled)

    groups = [
        Group(name="db", nodes=order(), resources=(resource("disk", True), resource("postgres", True))),
        Group(name="web", nodes=order(), resources=(resource("vip", False), resource("http", False))),
    ]
    if rng.random() < 0.5:
        some = order()[: max(2, len(names) - 1)]
        failover = rng.choice(("auto", "manual"))
        start, failover = rng.choice(("auto", "manual")), rng.choice(("auto", "manual"))
        job = (resource("job", True),)
        groups.append(Group(name="batch", nodes=some, start=start, failover=failover, resources=job))
    return Cluster(
        name="sim",
        environment="onprem",
        detect_within_ms=450,
        startup_sync_wait_ms=3_000,
        agent_return_ms=2_000,
        arbitration=Arbitration.model_validate({"kind": kind, "fence_retry_ms": 1_000}),
        nodes=nodes,
        groups=tuple(groups),
    )


class World:
    """The machines of one seed, and who watches them."""

    def __init__(self, seed: int, kind: str, journal: bool = False) -> None:
        self.rng = Random(f"{kind}:{seed}")
        self.report = Report(seed, kind)
        self.kind = kind
        self.cluster = draw_cluster(self.rng, kind)
        self.clock = Clock()
        self.bus = Bus(self.clock, self.rng, tuple(node.name for node in self.cluster.nodes), detect_ms=400)
        self.hosts = {node.name: Host(node.name, self.cluster, self.bus, self.rng, self) for node in self.cluster.nodes}
        self.quiet_since: dict[str, int] = {}
        self._journal = journal
        self._digests: dict[tuple[str, int], tuple[str, str]] = {}
        self._commands = 0

    # --- the course of a history -----------------------------------------------------------------------------------

    def run(self) -> Report:
        """The whole history of the seed."""
        nemesis = Nemesis(self)
        for host in self.hosts.values():
            if self.rng.random() < 0.9:
                self.clock.after(self.rng.randint(0, 1_500) * MS, host.power_on)
        self._turn()
        self.clock.run_until(3 * SECOND)
        while (self.report.events < EVENTS_WANTED or self.clock.now < 20 * SECOND) and self.clock.now < 240 * SECOND:
            self.say(nemesis.strike())
            self.clock.run_until(self.clock.now + self.rng.choice((30, 200, 700, 1_500, 4_000)) * MS)
            if self.report.violations:
                return self.report
        self.say("heal")
        nemesis.heal()
        self.clock.run_until(self.clock.now + 30 * SECOND)
        self._start_what_gave_up()
        self.clock.run_until(self.clock.now + 15 * SECOND)
        if not self.report.violations:
            self._check_converged()
        return self.report

    def give(self, command: e.Command) -> None:
        """An operator gives a command on some node that can take it."""
        able = [host for host in self.hosts.values() if host.agent is not None and not host.asleep]
        if able:
            self._commands += 1
            origin = self.rng.choice(able)
            origin.propose(e.CommandGiven(f"c{self._commands}", origin.name, command))

    def _turn(self) -> None:
        """Beats, as far as their absence matters, and the pumps."""
        for host in self.hosts.values():
            if host.agent is None or host.asleep:
                continue
            for name in host.agent.view.members:
                if self._is_silent(name) and name not in host.agent.silent:
                    host.propose(e.AgentSilent(name, host.agent.state.nodes[name].incarnation))
        self.clock.after(SECOND // 4, self._turn)

    def _is_silent(self, name: str) -> bool:
        host = self.hosts[name]
        return host.agent_paused and not host.paused and self.clock.now - self.quiet_since[name] > THREE_BEATS

    def _start_what_gave_up(self) -> None:
        agent = next(host.agent for host in self.hosts.values() if host.agent is not None)
        for name, facts in agent.state.groups.items():
            if facts.given_up or facts.home is None:
                self.give(e.StartGroup(name, None))

    # --- what the hosts tell ---------------------------------------------------------------------------------------

    def say(self, line: str) -> None:
        """A line of the journal."""
        if self._journal:
            self.report.journal.append(f"{self.clock.now / SECOND:9.4f} {line}")

    def decided(self, host: Host, decided: Decided) -> None:
        """A replica absorbed an event."""
        self.report.events += 1
        for action in decided.actions:
            if isinstance(action, a.RaiseAlert):
                self.report.seen[action.said.code] += 1
            elif isinstance(action, a.AnswerCommand):
                self.report.seen["accepted" if action.accepted else "refused"] += 1
        if isinstance(decided.event, e.ActionFinished):
            self.report.seen[f"outcome {decided.event.outcome.result}"] += 1
        if self._journal:
            shown = [act for act in decided.actions if not isinstance(act, a.RaiseAlert)]
            alerts = [act.said.code for act in decided.actions if isinstance(act, a.RaiseAlert)]
            self.say(f"{host.name} {_short(decided.event)} -> {[_short(act) for act in shown]} {alerts}")

    def settled(self, host: Host) -> None:
        """A replica is at rest after an input."""
        agent = host.agent
        if agent is None:
            return
        for facts in agent.state.groups.values():
            if facts.hindrance is not None:
                self.report.seen[facts.hindrance.code] += 1
        if host.absorbed % LOOK_EVERY:
            return
        key = (agent.lineage, host.absorbed)
        mine = digest(agent.state)
        other, theirs = self._digests.setdefault(key, (host.name, mine))
        if theirs != mine:
            self.violate(f"{host.name} and {other} differ at event {host.absorbed} of one history")

    def merged(self, host: Host) -> None:
        """A replica that had a history of its own took over another's."""
        self.report.seen["merged"] += 1

    def took_effect(self, host: Host, key: Key) -> None:
        """A resource has just come into effect: is it the only one, and is what it stands on there?"""
        group = self.cluster.group(key[0])
        self.say(f"{host.name} TRULY STARTS {key}")
        exclusive = [resource.name for resource in group.resources if resource.exclusive]
        for other in self.hosts.values():
            both = other is not host and any((group.name, name) in other.running for name in exclusive)
            if both and key[1] in exclusive:
                self.report.seen["two holders"] += 1
                if self.kind != "none":
                    self.violate(f"{key} came into effect on {host.name} while {other.name} held part of {group.name}")
        names = [resource.name for resource in group.resources]
        for earlier in names[: names.index(key[1])]:
            if (group.name, earlier) not in host.running and (group.name, earlier) not in host.died:
                self.violate(f"{key} came into effect on {host.name} before {earlier}")

    def fenced(self, target: str) -> None:
        """The power of a machine is cut."""
        self.say(f"FENCED {target}")
        if self.hosts[target].powered:
            self.hosts[target].power_off()

    def violate(self, what: str) -> None:
        """A law was broken."""
        self.say(f"VIOLATION {what}")
        self.report.violations.append(what)

    # --- at the end ------------------------------------------------------------------------------------------------

    def _check_converged(self) -> None:
        states = {}
        for host in self.hosts.values():
            if host.agent is None or not host.agent.synced:
                self.violate(f"{host.name} takes no part after everything was healed")
            else:
                states[host.name] = digest(host.agent.state)
        if len(dict.fromkeys(states.values())) > 1:
            self.violate(f"states differ after everything was healed: {states}")
        if self.report.violations:
            return
        agent = self.hosts[self.cluster.nodes[0].name].agent
        if agent is None:
            return
        for group in self.cluster.groups:
            facts = agent.state.groups[group.name]
            wants = facts.wanted is Wanted.UP
            for name in group.nodes:
                should = wants and facts.home == name
                running = self.hosts[name].running
                held = [resource.name for resource in group.resources if (group.name, resource.name) in running]
                whole = [resource.name for resource in group.resources] if should else []
                if held != whole:
                    self.violate(f"{group.name} on {name}: runs {held}, should run {whole}; {facts.because}")
                if should and any(hold.status is not Status.RUNNING for hold in facts.holds[name]):
                    self.violate(f"{group.name} on {name} is not seen as running")
            if wants and facts.home is None:
                self.violate(f"{group.name} has no home after everything was healed")


def _short(thing: object) -> str:
    text = repr(thing)
    cut = text.find(", because=")
    return text if cut < 0 else text[:cut] + ")"

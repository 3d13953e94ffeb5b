"""One simulated history: a cluster drawn from the seed, faults, healing, and the checks of what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field, replace
from hashlib import sha256
from random import Random

from komainu.agent.members.replica import Decided, Replica
from komainu.agent.members.snapshot import encode
from komainu.core.state import NO_MARKS, RULES, Marks, Presence, State
from komainu.model import actions as a, commands as c, events as e
from komainu.model.config import Cluster
from komainu.model.times import RATE_PER_MILLE
from komainu.model.vote import Record
from komainu_lab.sim import draw
from komainu_lab.sim.bus import Bus
from komainu_lab.sim.checks import Rest, Watchers
from komainu_lab.sim.clock import MS, SECOND, Clock
from komainu_lab.sim.host import Host, Key
from komainu_lab.sim.nemesis import Nemesis
from komainu_lab.sim.store import Store, key_of

KINDS = ("none", "operator", "lease", "lease+fence", "majority", "majority+fence")

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
    culprit: str = ""
    "The machine at work when the first law was broken."


class World:
    """The machines of one seed, and who watches them."""

    def __init__(self, seed: int, kind: str, journal: bool = False, without: Container[int] = ()) -> None:
        """`without`: the numbers of strikes that are left out, for the minimiser."""
        self.seed = f"{kind}:{seed}"
        self.rng = Random(self.seed)
        self.report = Report(seed, kind)
        self.kind = kind
        self.cluster = draw.cluster(self.rng, kind)
        self.clock = Clock()
        self.bus = Bus(self.clock, self.rng, tuple(node.name for node in self.cluster.nodes), detect_ms=400)
        self.store = Store(self.clock, self.rng)
        arbitration = self.cluster.arbitration
        if arbitration.kind == "lease":
            self.store.create("a", Record(cluster="sim", config=1, epoch=1, wait_ms=arbitration.wait_ms, nonce="init"))
        # A release that does not know rights cannot read a configuration that asks for them.
        old = self.rng.random() < 0.15 and not arbitration.limited
        self.hosts = {
            node.name: Host(
                node.name,
                self.cluster,
                self.bus,
                self.rng,
                self,
                self.store,
                1 if old and self.rng.random() < 0.5 else RULES,
            )
            for node in self.cluster.nodes
        }
        if arbitration.limited:
            for host in self.hosts.values():
                host.ballot.rate = 1 + self.rng.choice((-1, -0.5, 0, 0.5, 1)) * RATE_PER_MILLE / 1000
        self.watchers = Watchers(kind, self.hosts, self.violate)
        self.quiet_since: dict[str, int] = {}
        self.strikes = 0
        "How many misfortunes there were."
        self.stories: dict[str, Story] = {host: Story(self.cluster) for host in self.hosts}
        self._without = without
        self._sent: dict[str, Story] = {}
        self._at = self.cluster.nodes[0].name
        self._journal = journal
        self._digests: dict[tuple[str, int], tuple[str, str]] = {}
        self._releases: dict[str, int] = {}
        "The rules number with which each machine last took part."
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
            # Each strike has its own chance, so that leaving one out does not change the next.
            chance = Random(f"{self.seed}:{self.strikes}")
            if self.strikes not in self._without:
                self.say(f"#{self.strikes} {nemesis.strike(chance)}")
            self.strikes += 1
            self.clock.run_until(self.clock.now + chance.choice((30, 200, 700, 1_500, 4_000)) * MS)
            if self.report.violations:
                return self.report
        self.say("heal")
        nemesis.heal()
        self.clock.run_until(self.clock.now + 40 * SECOND)
        self._start_what_gave_up()
        self.clock.run_until(self.clock.now + 20 * SECOND)
        if not self.report.violations:
            self._check_converged()
        return self.report

    def give(self, command: c.Command) -> None:
        """An operator gives a command on some node that can take it."""
        able = [host for host in self.hosts.values() if host.agent is not None and not host.asleep]
        if able:
            self._commands += 1
            origin = self.rng.choice(able)
            group = getattr(command, "group", "")
            if group:
                self.watchers.asked.append(group)
                self.watchers.forget(group)
            origin.propose(e.CommandGiven(f"c{self._commands}", origin.name, command))

    def newest(self) -> Cluster | None:
        """The configuration that some agent holds, the newest of them."""
        known = [host.agent.state.cluster for host in self.hosts.values() if host.agent is not None]
        return max(known, key=lambda cluster: cluster.version) if known else None

    def _turn(self) -> None:
        """Beats, as far as their absence matters, and the pumps."""
        for host in self.hosts.values():
            if host.agent is None or host.asleep:
                continue
            host.patrol.check()
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
            if facts.given_up or facts.home is None or facts.parked:
                self.give(c.StartGroup(name, None))

    def write_record(self, patience_s: int) -> None:
        """`komainu lease init --replace`, which an operator tries until all nodes are together."""
        agents = [host.agent for host in self.hosts.values() if host.agent is not None and host.ballot.together()]
        if len(agents) == len(self.hosts):
            cluster = agents[0].state.cluster
            epoch, wait_ms = max(host.ballot.epoch for host in self.hosts.values()) + 1, cluster.arbitration.wait_ms
            made = Record(cluster="sim", config=1, epoch=epoch, wait_ms=wait_ms, nonce=f"init-{epoch}")
            self.store.create(key_of(cluster), made)
        elif patience_s:
            self.clock.after(SECOND, lambda: self.write_record(patience_s - 1))

    # --- what the hosts tell ---------------------------------------------------------------------------------------

    def say(self, line: str) -> None:
        """A line of the journal."""
        if self._journal:
            self.report.journal.append(f"{self.clock.now / SECOND:9.4f} {line}")

    def decided(self, host: Host, decided: Decided) -> None:
        """A replica absorbed an event."""
        self._at = host.name
        self.report.events += 1
        self.stories[host.name].events.append((decided.event, decided.rules))
        for action in decided.actions:
            if isinstance(action, a.RaiseAlert):
                self.report.seen[action.said.code] += 1
            elif isinstance(action, a.AnswerCommand):
                self.report.seen["accepted" if action.accepted else "refused"] += 1
            elif isinstance(action, a.EndNode | a.RunScript):
                self.report.seen[type(action).__name__] += 1
        if isinstance(decided.event, e.ActionFinished):
            self.report.seen[f"outcome {decided.event.outcome.result}"] += 1
        if host.agent is not None:
            self.watchers.decided(host, decided, host.agent.state, self.clock.now)
        if self._journal:
            shown = [act for act in decided.actions if not isinstance(act, a.RaiseAlert)]
            alerts = [act.said.code for act in decided.actions if isinstance(act, a.RaiseAlert)]
            self.say(f"{host.name} {_short(decided.event)} -> {[_short(act) for act in shown]} {alerts}")

    def began(self, host: Host) -> None:
        """A new daemon knows what its machine remembers, and nothing else."""
        self.stories[host.name] = Story(host.kept, host.epoch, host.marks)

    def stated(self, round_: str, host: Host) -> None:
        """A replica sends its state: others will go on from there."""
        self._sent[round_] = self.stories[host.name].copy()

    def adopted(self, round_: str, host: Host) -> None:
        """A replica goes on from a state that was sent."""
        self.watchers.adopted(host)
        self.stories[host.name] = self._sent[round_].copy()

    def settled(self, host: Host) -> None:
        """A replica is at rest after an input."""
        agent = host.agent
        if agent is None:
            return
        self._look_at_release(host, agent)
        for facts in agent.state.groups.values():
            if facts.hindrance is not None:
                self.report.seen[facts.hindrance.code] += 1
        if agent.state.maintenance:
            self.report.seen["maintenance"] += 1
        if agent.state.cluster.version > 1:
            self.report.seen["another configuration"] += 1
        if host.absorbed % LOOK_EVERY and host.absorbed != 1:  # the first is that of a state just taken over
            return
        self.watchers.budget(host, agent.state)
        key = (agent.lineage, host.absorbed)
        mine = exactly(agent.state)
        other, theirs = self._digests.setdefault(key, (host.name, mine))
        if theirs != mine and self._together(host.name, other):
            self.violate(f"{host.name} and {other} differ at event {host.absorbed} of one history")

    def _look_at_release(self, host: Host, agent: Replica) -> None:
        if agent.mute:
            self.report.seen["mute"] += 1
        if agent.synced:
            members = [facts.rules for facts in agent.state.nodes.values() if facts.presence is Presence.MEMBER]
            if len(dict.fromkeys(members)) > 1:
                self.report.seen["old rules"] += 1
            before = self._releases.get(host.name, agent.rules)
            self._releases[host.name] = agent.rules
            if before != agent.rules:
                self.report.seen["upgrade" if before < agent.rules else "way back"] += 1

    def _together(self, one: str, other: str) -> bool:
        """False when they have parted since: then one may have delivered what the other never got (agreed delivery)."""
        ring = self.bus.ports[one].ring
        return ring is not None and ring is self.bus.ports[other].ring

    def merged(self, host: Host) -> None:
        """A replica that had a history of its own took over another's."""
        self.report.seen["merged"] += 1

    def took_effect(self, host: Host, key: Key) -> None:
        """A resource has just come into effect."""
        self._at = host.name
        self.say(f"{host.name} TRULY STARTS {key}")
        self.watchers.took_effect(host, key, host.kept)
        if self.watchers.two_holders:
            self.report.seen["two holders"] += 1

    def cut(self, host: Host) -> None:
        """The kernel of a machine has cut it off."""
        if host.running:
            self.say(f"{host.name} IS CUT with {sorted(host.running)}")
            self.report.seen["cut"] += 1

    def exclusive(self, host: Host, key: Key) -> bool:
        """True when what runs there is ended by nothing less than a reset."""
        groups = (group for group in host.kept.groups if group.name == key[0])
        return any(each.name == key[1] and each.exclusive for group in groups for each in group.resources)

    def ended(self, target: str, how: str) -> None:
        """The power of a machine is cut; after a reboot or a reset it comes back by itself."""
        self.say(f"ENDED {target} by {how}")
        host = self.hosts[target]
        self.report.seen[f"ended by {how}"] += 1
        if host.powered:
            host.power_off()
            if how in ("reboot", "reset", "panic"):
                self.clock.after(2 * SECOND, lambda: None if host.powered else host.power_on())

    def violate(self, what: str) -> None:
        """A law was broken."""
        self.say(f"VIOLATION {what}")
        self.report.culprit = self.report.culprit or self._at
        self.report.violations.append(what)

    # --- at the end ------------------------------------------------------------------------------------------------

    def _check_converged(self) -> None:
        states = {}
        for host in self.hosts.values():
            if host.agent is None or not host.agent.synced:
                self.violate(f"{host.name} takes no part after everything was healed")
            else:
                states[host.name] = exactly(host.agent.state)
        if len(dict.fromkeys(states.values())) > 1:
            self.violate(f"states differ after everything was healed: {states}")
        if self.report.violations:
            return
        agent = self.hosts[self.cluster.nodes[0].name].agent
        if agent is not None:
            for line in Rest(agent.state, self.hosts).wrong():
                self.violate(line)


def exactly(state: State) -> str:
    """A digest to the last byte, the wording of messages included: all machines here run one tree."""
    return sha256(encode(state)).hexdigest()


@dataclass
class Story:
    """The events by which a replica came to its state, from what a daemon knew when it began."""

    cluster: Cluster
    epoch: int = 0
    marks: Marks = NO_MARKS
    events: list[tuple[e.Event, int]] = field(default_factory=list)

    def copy(self) -> Story:
        """The same events, to be gone on with apart."""
        return replace(self, events=list(self.events))


def _short(thing: object) -> str:
    text = repr(thing)
    cut = text.find(", because=")
    return text if cut < 0 else text[:cut] + ")"

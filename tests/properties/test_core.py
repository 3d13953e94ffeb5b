"""The core under any order of events: nothing breaks, nothing is forgotten, and what can run runs in the end."""

import os

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from komainu.agent.members.snapshot import decode, encode
from komainu.core.state import Presence, State, Status, Wanted
from komainu.model import actions as a, commands as c, events as e
from komainu.model.config import Cluster, Group, Recovery
from komainu.model.outcome import SUCCEEDED
from tests.unit.core.clusters import FAILED, UNKNOWN, Life, cluster, resource

NODES = ("a", "b", "c")
GROUPS = ("db", "web", "job")
RECOVERY = Recovery(start_retries=1, restarts=1, failovers=2)
OUTCOMES = st.sampled_from((SUCCEEDED, SUCCEEDED, FAILED, UNKNOWN))
FOUND = st.lists(st.booleans(), max_size=6)
IN_DOUBT = (Status.UNKNOWN, Status.STUCK)


def configuration(arbitration: str, start: str, failover: str) -> Cluster:
    """Three nodes; an exclusive group, one without exclusive resources, and one with those attributes."""

    def parts(prefix: str, exclusive: bool) -> tuple[object, ...]:
        below = f"{prefix}1"
        return (resource(below, exclusive, RECOVERY), resource(f"{prefix}2", exclusive, RECOVERY, after=below))

    groups = [
        Group(name="db", nodes=NODES, resources=parts("db", True)),  # type: ignore[arg-type]
        Group(name="web", nodes=("b", "c", "a"), resources=parts("web", False)),  # type: ignore[arg-type]
        Group(name="job", nodes=("c", "a"), resources=parts("job", True), start=start, failover=failover),  # type: ignore[arg-type]
    ]
    return cluster(" ".join(NODES), arbitration, groups)  # type: ignore[arg-type]


class AnyOrder(RuleBasedStateMachine):
    """Events in any order, also in orders that no real bus produces."""

    life: Life

    @initialize(
        arbitration=st.sampled_from(("none", "operator", "fence")),
        start=st.sampled_from(("auto", "manual")),
        failover=st.sampled_from(("auto", "manual")),
    )
    def begin(self, arbitration: str, start: str, failover: str) -> None:
        self.life = Life(configuration(arbitration, start, failover))
        self.lives = 0
        self.issued: dict[str, a.Action] = {}

    def remember(self) -> None:
        """Every action has a number that no other had, so that its outcome can be told from all others."""
        for action in self.life.actions:
            if isinstance(action, a.StartResource | a.StopResource | a.ProbeNode | a.FenceNode):
                assert action.id not in self.issued
                self.issued[action.id] = action

    # --- what can happen ------------------------------------------------------------------------------------------

    @rule(members=st.lists(st.sampled_from(NODES), unique=True), more=st.lists(st.sampled_from(NODES), unique=True))
    def view(self, members: list[str], more: list[str]) -> None:
        chosen = " ".join(node for node in NODES if node in members)
        seen = " ".join(node for node in NODES if node in members or node in more)
        self.life.view(chosen, nodes=seen)
        self.remember()

    @rule(afresh=st.lists(st.sampled_from(NODES), unique=True))
    def sync(self, afresh: list[str]) -> None:
        there = [node for node in NODES if self.life.presence(node) in (Presence.MEMBER, Presence.JOINING)]
        joining = [node for node in there if self.life.presence(node) is Presence.JOINING or node in afresh]
        self.lives += 1
        if there:
            self.life.sync(there[0], " ".join(joining), life=str(self.lives))
            self.remember()

    @precondition(lambda self: self.life.under_way)
    @rule(
        which=st.integers(0, 20), outcome=OUTCOMES, epoch=st.integers(0, 5), found=st.lists(st.booleans(), max_size=6)
    )
    def finish(self, which: int, outcome: object, epoch: int, found: list[bool]) -> None:
        action = self.life.under_way[which % len(self.life.under_way)]
        if isinstance(action, a.ProbeNode):
            names = [part.name for group in self.life.state.cluster.groups for part in group.resources]
            self.life.probed(action, **{name: epoch for name, runs in zip(names, found, strict=False) if runs})
        else:
            self.life.finish(action, outcome)  # type: ignore[arg-type]
        self.remember()

    @rule()
    def settle(self) -> None:
        settle(self.life, self.remember)

    @precondition(lambda self: self.life.state.timers)
    @rule(which=st.integers(0, 20))
    def fire(self, which: int) -> None:
        timers = list(self.life.state.timers)
        self.life.happens(e.TimerFired(timers[which % len(timers)]))
        self.remember()

    @rule(node=st.sampled_from(NODES), group=st.sampled_from(GROUPS), part=st.integers(0, 1), outcome=OUTCOMES)
    def check(self, node: str, group: str, part: int, outcome: object) -> None:
        holds = self.life.group(group).holds.get(node, ())
        run = holds[part].run if holds else ""
        name = f"{group}{part + 1}"
        self.life.happens(e.MonitorChanged(node, group, name, run, outcome))  # type: ignore[arg-type]
        self.remember()

    @rule(
        verb=st.sampled_from((c.MoveGroup, c.StartGroup, c.StopGroup)),
        group=st.sampled_from(GROUPS),
        node=st.sampled_from((None, *NODES)),
    )
    def command(self, verb: type, group: str, node: str | None) -> None:
        self.life.command(verb(group) if verb is c.StopGroup else verb(group, node))
        self.remember()

    @rule(node=st.sampled_from(NODES), late=st.integers(0, 1))
    def word(self, node: str, late: int) -> None:
        self.life.command(c.ConfirmGone(node, self.life.state.epoch - late))
        self.remember()

    @rule(node=st.sampled_from(NODES))
    def leave(self, node: str) -> None:
        self.life.leave(node)
        self.remember()

    @rule(node=st.sampled_from(NODES))
    def silent(self, node: str) -> None:
        self.life.silent(node)
        self.remember()

    @rule(which=st.integers(0, 1_000), outcome=OUTCOMES)
    def stale(self, which: int, outcome: object) -> None:
        """An outcome that nobody waits for any more."""
        if not self.issued:
            return
        action = self.issued[sorted(self.issued)[which % len(self.issued)]]
        if not isinstance(action, a.ProbeNode) and action not in self.life.under_way:
            before = self.life.state
            event = e.ActionFinished(action.id, action.node, outcome)  # type: ignore[union-attr, arg-type]
            assert self.life.happens(event) == ()
            assert self.life.state == before

    @rule()
    def heal(self) -> None:
        """All daemons are started anew and everything succeeds: what should run runs, once, and nothing else does."""
        self.lives += 1
        names = " ".join(NODES)
        self.life.view(names)
        self.life.sync("a", names, life=str(self.lives))
        self.remember()
        settle(self.life, self.remember)
        for name, facts in self.life.state.groups.items():
            assert facts.home is not None or facts.wanted is not Wanted.UP
            assert not facts.given_up
            for node in facts.holds:
                wanted = Status.RUNNING if facts.wanted is Wanted.UP and node == facts.home else Status.STOPPED
                assert self.life.statuses(node, name) == (wanted, wanted)

    # --- what always holds ------------------------------------------------------------------------------------------

    @invariant()
    def whatever_is_under_way_can_come_to_an_end(self) -> None:
        state, waiting = self.life.state, {getattr(action, "id", "") for action in self.life.under_way}
        for node, facts in state.nodes.items():
            assert not facts.probe or (facts.probe in waiting and facts.presence is Presence.MEMBER)
            assert not facts.fence or (facts.fence in waiting and facts.fence_by in state.members())
            assert not facts.fence_wait or facts.fence_wait in state.timers
            assert facts.presence is not Presence.AGENT_LOST or f"agent:{node}:{facts.incarnation}" in state.timers
        for group in state.groups.values():
            for node, holds in group.holds.items():
                for hold in holds:
                    assert bool(hold.action) == (hold.status in (Status.STARTING, Status.STOPPING))
                    assert not hold.action or (hold.action in waiting and node in state.members())
                    assert not hold.wait or (hold.wait in state.timers and hold.status in IN_DOUBT)
                    assert bool(hold.run) == (hold.status is Status.RUNNING)

    @invariant()
    def nothing_in_doubt_is_left_alone_where_it_can_be_reached(self) -> None:
        """Where a group is not wanted, each hold is stopped, or about to be, or waits for one that stands on it."""
        state = self.life.state
        if not state.formed:
            return
        for group in state.groups.values():
            for node, holds in group.holds.items():
                facts = state.nodes[node]
                # Nothing more is asked of a node that was told to end.
                if facts.presence is Presence.MEMBER and facts.probed and not facts.ended and node != group.home:
                    left = [hold for hold in holds if hold.status is not Status.STOPPED]
                    assert not left or left[-1].action or left[-1].wait

    @invariant()
    def the_state_is_canonical_and_bounded(self) -> None:
        state = self.life.state
        assert state.notes == ()
        assert tuple(state.nodes) == NODES
        assert tuple(state.groups) == GROUPS
        assert len(state.timers) <= 1 + 2 * len(NODES) + 16
        for group in state.cluster.groups:
            facts = state.groups[group.name]
            assert tuple(facts.holds) == group.nodes
            assert len(facts.barred) <= RECOVERY.failovers + 1
        snapshot = encode(state)
        assert decode(snapshot) == state
        assert encode(decode(snapshot)) == snapshot


def settle(life: Life, remember: object, most: int = 2_000) -> State:
    """Whatever is asked for succeeds, and what waits is tried again, until nothing more is asked for."""
    while life.under_way or any(timer.startswith("retry") for timer in life.state.timers):
        assert most > 0, "it never comes to rest"
        most -= 1
        if life.under_way:
            life.finish(life.under_way[0])
        else:
            life.happens(e.TimerFired(next(timer for timer in life.state.timers if timer.startswith("retry"))))
        remember()  # type: ignore[operator]
    return life.state


AnyOrder.TestCase.settings = settings(
    max_examples=int(os.environ.get("KOMAINU_EXAMPLES", "60")),
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAnyOrder = AnyOrder.TestCase

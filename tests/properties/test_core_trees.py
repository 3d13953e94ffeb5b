"""The core over random trees, monitors, dependencies and exclusions: order, rest, and that nothing is forgotten."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from komainu.agent.members.snapshot import decode, encode
from komainu.core import health, monitors, placement, timers, transition
from komainu.core.state import MonitorFacts, Presence, State, Status, Wanted, Watch
from komainu.core.step import Step, step
from komainu.model import actions as a, commands as c, events as e
from komainu.model.config import Cluster, Group, Recovery
from komainu.model.outcome import SUCCEEDED, Outcome
from tests.unit.core.clusters import (
    FAILED,
    UNKNOWN,
    Life,
    altered,
    cluster,
    exclusion,
    group,
    monitor,
    remade,
    resource,
)

NODES = ("a", "b", "c")
NAMES = ("db", "web", "job")
FINALS = ("none", "stop-resource", "stop-group", "stop-service", "shutdown", "reset")
OTHER_TIMERS = ("startup", "change", "agent", "fence", "end", "normal")
OUTCOMES = (SUCCEEDED, SUCCEEDED, SUCCEEDED, FAILED, UNKNOWN)
EXAMPLES = settings(
    max_examples=int(os.environ.get("KOMAINU_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@st.composite
def trees(draw: st.DrawFn, name: str) -> Group:
    """A group of up to five resources, each standing on any of those before it."""
    count = draw(st.integers(1, 5))
    policy = Recovery(
        start_retries=1,
        restarts=draw(st.integers(0, 1)),
        failovers=draw(st.integers(0, 2)),
        final_action=draw(st.sampled_from(FINALS)),
        stop_final_action=draw(st.sampled_from(("none", "none", "shutdown"))),
    )
    parts = []
    for place in range(count):
        below = (
            draw(st.lists(st.sampled_from([f"{name}{each}" for each in range(place)]), unique=True)) if place else []
        )
        parts.append(resource(f"{name}{place}", draw(st.booleans()), policy, " ".join(below)))
    nodes = draw(st.permutations(NODES))[: draw(st.integers(1, 3))]
    told = {"failback": draw(st.sampled_from(("manual", "auto"))), "failover_limit": draw(st.integers(1, 3))}
    return remade(group(name, " ".join(nodes)), resources=tuple(parts), **told)


@st.composite
def configurations(draw: st.DrawFn) -> Cluster:
    """Three groups on three nodes, with whatever ties groups to each other and to monitors."""
    groups = [draw(trees(name)) for name in NAMES]
    if draw(st.booleans()):
        tie = [{"group": "db", "same_node": draw(st.booleans())}]
        groups[1] = remade(groups[1], depends_on=tie)
    groups = list(draw(st.permutations(groups)))
    targets = ("node", "all-groups", "web", "db.db0")
    watching = [
        monitor(
            f"m{number}",
            draw(st.sampled_from(targets)),
            draw(st.sampled_from(("", "web", "db.db0"))),
            " ".join(NODES),
            restarts=draw(st.integers(0, 1)),
            failovers=draw(st.integers(0, 1)),
            script=draw(st.sampled_from(("", "/s"))),
            final_action=draw(st.sampled_from(FINALS)),
        )
        for number in range(draw(st.integers(0, 2)))
    ]
    rules = [exclusion(draw(st.sampled_from(("normal", "absolute"))), "job db")] if draw(st.booleans()) else []
    kind = draw(st.sampled_from(("none", "operator", "fence")))
    return cluster(" ".join(NODES), kind, groups, watching, rules)


def commands(draw: st.DrawFn, life: Life) -> c.Command:
    """Any request of an operator."""
    name, node = draw(st.sampled_from(NAMES)), draw(st.sampled_from((None, *NODES)))
    watches = tuple(each.name for each in life.state.cluster.monitors) or ("db0w",)
    which = draw(st.sampled_from(watches))
    return draw(
        st.sampled_from(
            (
                c.MoveGroup(name, node),
                c.StartGroup(name, node),
                c.StopGroup(name),
                c.RestoreGroup(name),
                c.StartPart(name, f"{name}0"),
                c.StopPart(name, f"{name}0"),
                c.SuspendMonitor(which, node),
                c.ResumeMonitor(which, node),
                c.SimulateFailure(which, node, True),
                c.SuspendNode(node),
                c.ResumeNode(node),
                c.ResumeNode(None),
                c.StopNode(node or "a", "reboot"),
                c.SetMaintenance(draw(st.booleans())),
                c.SetMaintenance(False),
            )
        )
    )


def happens(draw: st.DrawFn, life: Life, lives: int) -> None:
    """One event, of any kind, of those that can come next."""
    kind = draw(st.integers(0, 20))
    if life.state.change is not None and draw(st.booleans()):
        kind = 14
    if kind <= 5 and life.under_way:
        action = life.under_way[draw(st.integers(0, len(life.under_way) - 1))]
        life.finish(action, draw(st.sampled_from(OUTCOMES)))
    elif kind <= 7 and life.state.timers:
        life.happens(e.TimerFired(draw(st.sampled_from(sorted(life.state.timers)))))
    elif kind == 8:
        life.happens(e.CommandGiven(f"c{lives}", "a", commands(draw, life)))
    elif kind == 9:
        members = draw(st.lists(st.sampled_from(NODES), unique=True))
        seen = draw(st.lists(st.sampled_from(NODES), unique=True))
        present = " ".join(node for node in life.state.nodes if node in members)
        life.view(present, " ".join(node for node in life.state.nodes if node in members or node in seen))
    elif kind == 10:
        there = [node for node in life.state.nodes if life.presence(node) in (Presence.MEMBER, Presence.JOINING)]
        joining = [node for node in there if life.presence(node) is Presence.JOINING]
        if there:
            life.sync(there[0], " ".join(joining), life=f"{lives}")
    elif kind <= 12:
        judged(draw, life)
    elif kind in (13, 16, 17, 18):
        checked(draw, life)
    elif kind in (19, 20) and life.under_way:
        life.finish(life.under_way[0])
    elif kind == 14:
        configured(draw, life, lives)
    else:
        node = draw(st.sampled_from(tuple(life.state.nodes)))
        life.happens(e.CommandGiven(f"c{lives}", "a", c.ConfirmGone(node, life.state.epoch)))


def judged(draw: st.DrawFn, life: Life) -> None:
    """A monitor of its own found something."""
    known = [(name, node) for name, facts in life.state.monitors.items() for node in facts.on]
    if known:
        name, node = draw(st.sampled_from(known))
        outcome = draw(st.sampled_from((FAILED, FAILED, SUCCEEDED, UNKNOWN)))
        life.happens(e.MonitorJudged(node, name, life.watch(node, name).round, outcome))


def checked(draw: st.DrawFn, life: Life) -> None:
    """The check of a resource found something."""
    running = [
        (each.name, part.name, node)
        for each in life.state.cluster.groups
        for node, holds in life.state.groups[each.name].holds.items()
        for part, hold in zip(each.resources, holds, strict=True)
        if hold.run
    ]
    if running:
        name, part, node = draw(st.sampled_from(running))
        outcome = draw(st.sampled_from((FAILED, FAILED, FAILED, UNKNOWN, SUCCEEDED)))
        life.happens(e.MonitorChanged(node, name, part, life.hold(node, part, name).run, outcome))


def configured(draw: st.DrawFn, life: Life, lives: int) -> None:
    """A configuration is proposed, or a member judges it."""
    if life.state.change is None:
        old = life.state.cluster
        place = draw(st.integers(0, len(old.groups) - 1))
        changed = old.groups[place]
        parts = tuple(
            remade(each, params={"port": lives}) if draw(st.booleans()) else each for each in changed.resources
        )
        after = () if free(old, changed) and draw(st.booleans()) else (remade(changed, resources=parts),)
        missing = [name for name in NAMES if name not in (each.name for each in old.groups)]
        added = tuple(group(name, "b a c") for name in missing if draw(st.booleans()))
        groups = (*old.groups[:place], *after, *old.groups[place + 1 :], *added)
        wanted = altered(old, groups=groups, monitors=old.monitors[: draw(st.integers(0, len(old.monitors)))])
        life.happens(e.CommandGiven(f"c{lives}", "a", c.ChangeConfiguration(wanted, "me", "because")))
        return
    asked = [node for node in life.state.members() if node not in life.state.change.agreed]
    node = draw(st.sampled_from(asked or list(life.state.nodes)))
    refusals = (FAILED.said,) if draw(st.integers(0, 9)) == 0 else ()
    life.happens(e.ConfigurationJudged(life.state.change.id, node, refusals))  # type: ignore[arg-type]


def free(old: Cluster, each: Group) -> bool:
    """True when nothing else of the configuration names the group."""
    targets = [target for one in old.monitors for target in (one.recovery.target, one.watches) if target]
    tied = [needed.group for other in old.groups for needed in other.depends_on]
    tied += [name for rule in old.exclusions for name in rule.groups] + [target.group for target in targets]
    return each.name not in tied and len(old.groups) > 1


def begin(draw: st.DrawFn, configuration: Cluster) -> Life:
    """All are there; sometimes everything runs already."""
    life = Life(configuration)
    life.view(" ".join(NODES))
    life.sync("a", " ".join(NODES))
    if draw(st.booleans()):
        life.settle()
    return life


# --- what always holds ----------------------------------------------------------------------------------------------


def in_order(before: State, life: Life) -> None:
    """What starts has all that it needs running; what stops has nothing above it that is not stopped."""
    after = life.state
    for action in life.actions:
        if isinstance(action, a.StartResource | a.StopResource):
            each = after.cluster.group(action.group)
            place = [part.name for part in each.resources].index(action.resource)
            holds = after.groups[action.group].holds[action.node]
            if isinstance(action, a.StartResource):
                assert all(holds[below].status is Status.RUNNING for below in each.needs[place])
            assert all(holds[above].status is Status.STOPPED for above in each.needed_by[place])


def within_reason(life: Life) -> None:
    """Nothing is asked of who cannot do it; there are no more failovers than allowed; the state is canonical."""
    state = life.state
    for action in life.actions:
        if isinstance(action, a.StartResource | a.StopResource | a.RunScript | a.ProbeNode):
            facts = state.nodes[action.node]
            assert facts.presence is Presence.MEMBER
            assert not facts.ended
            assert not facts.suspended or isinstance(action, a.ProbeNode)
    for each in state.cluster.groups:
        assert len(state.groups[each.name].recent) <= each.failover_limit
    for timer in state.timers:
        kind, _, rest = timer.partition(":")
        assert kind in OTHER_TIMERS or rest.partition(":")[0] in state.groups
    for name, known in state.monitors.items():
        assert known != MonitorFacts(), name
        assert all(watch != Watch() for watch in known.on.values())
        assert list(known.on) == sorted(known.on)
    assert list(state.monitors) == sorted(state.monitors)
    assert state.notes == ()
    assert decode(encode(state)) == state
    assert encode(decode(encode(state))) == encode(state)


def never_together(state: State) -> None:
    """Of two groups that exclude each other absolutely at most one has been started on a node."""
    for rule in state.cluster.exclusions:
        for node in NODES if rule.kind == "absolute" else ():
            started = [
                name
                for name in rule.groups
                if any(hold.status is Status.STARTING for hold in state.groups[name].holds.get(node, ()))
            ]
            assert len(started) <= 1


class Decider:
    """The core as it is, and the core that plans everything anew at each event: they decide alike."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch

    def everything(self, state: State, event: e.Event) -> Step:
        """The step of a core that does not ask what an event can have touched."""
        with self.patch.context() as patch:
            for module in (health, monitors, placement, timers, transition):
                patch.setattr(module, "stirred", lambda old, new: () if old is new else new.cluster.groups)
            patch.setattr(monitors, "_concerned", lambda *_: True)
            return step(state, event)


@EXAMPLES
@given(data=st.data())
def test_order_reason_and_rest(data: Any) -> None:
    life = begin(data.draw, data.draw(configurations()))
    for lives in range(data.draw(st.integers(5, 40))):
        before = life.state
        happens(data.draw, life, lives + 2)
        in_order(before, life)
        within_reason(life)
        never_together(life.state)


@EXAMPLES
@given(data=st.data())
def test_what_an_event_has_not_touched_needs_no_new_decision(data: Any) -> None:
    """The same state, the same actions, whether everything is looked at or only what was touched."""
    life = begin(data.draw, data.draw(configurations()))
    with pytest.MonkeyPatch.context() as patch:
        decider = Decider(patch)
        for lives in range(data.draw(st.integers(5, 40))):
            before, told = life.state, life.told
            happens(data.draw, life, lives + 2)
            if life.told is not told and life.told is not None:
                whole = decider.everything(before, life.told)
                assert whole.actions == life.actions
                assert encode(whole.state) == encode(life.state)


@EXAMPLES
@given(data=st.data())
def test_an_event_that_changes_nothing_leads_to_nothing(data: Any) -> None:
    """Everything was decided when it happened: looked at once more, nothing is left to start, to stop or to arm."""
    life = begin(data.draw, data.draw(configurations()))
    with pytest.MonkeyPatch.context() as patch:
        decider = Decider(patch)
        for lives in range(data.draw(st.integers(5, 40))):
            happens(data.draw, life, lives + 2)
            again = decider.everything(life.state, e.CommandGiven("x", "a", c.StopGroup("nothing")))
            assert [type(action) for action in again.actions] == [a.AnswerCommand]
            assert encode(again.state) == encode(life.state)


@EXAMPLES
@given(data=st.data())
def test_when_all_succeeds_in_the_end_everything_is_as_it_should_be(data: Any) -> None:
    life = begin(data.draw, data.draw(configurations()))
    for lives in range(data.draw(st.integers(5, 30))):
        happens(data.draw, life, lives + 2)
    heal(life)
    for each in life.state.cluster.groups:
        facts = life.state.groups[each.name]
        for node in facts.holds:
            up = facts.wanted is Wanted.UP and node == facts.home and not waiting(life.state, each)
            wanted = Status.RUNNING if up else Status.STOPPED
            assert all(status is wanted for status in life.statuses(node, each.name)), each.name
        homeless = facts.wanted is Wanted.UP and facts.home is None
        assert not homeless or excused(life.state, each)


def heal(life: Life) -> None:
    """All nodes are started anew, everything succeeds, waits come to their ends, operators undo what they did."""
    names = " ".join(life.state.nodes)
    life.view("")
    life.view(names)
    life.sync("a", names, life="healed")
    rest(life)
    for command in (c.ResumeNode(None), c.SetMaintenance(False)):
        life.happens(e.CommandGiven("h", "a", command))
        rest(life)
    for name, facts in life.state.groups.items():
        if facts.wanted is Wanted.UP and facts.home is not None:
            life.happens(e.CommandGiven("h", "a", c.RestoreGroup(name)))
            rest(life)


def rest(life: Life) -> None:
    """Whatever is asked for succeeds, and what waits for another attempt gets it."""
    for _ in range(2_000):
        waits = [timer for timer in life.state.timers if timer.partition(":")[0] in ("retry", "fence", "startup")]
        if life.under_way:
            life.finish(life.under_way[0])
        elif waits:
            life.happens(e.TimerFired(waits[0]))
        else:
            return
    raise AssertionError("it never comes to rest")


def waiting(state: State, each: Group) -> bool:
    """True when it depends on a group that is not wanted or has no node."""
    others = (state.groups[needed.group] for needed in each.depends_on)
    return any(other.wanted is not Wanted.UP or other.home is None for other in others)


def excused(state: State, each: Group) -> bool:
    """True when an exclusion or a dependency may leave it without a node."""
    tied = any(each.name in rule.groups for rule in state.cluster.exclusions if rule.kind == "absolute")
    return tied or any(needed.same_node for needed in each.depends_on)


def test_the_outcomes_are_those_of_the_product() -> None:
    assert all(isinstance(outcome, Outcome) for outcome in OUTCOMES)

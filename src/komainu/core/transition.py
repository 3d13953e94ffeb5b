"""Wanted minus actual: the actions that are to be taken now.

A group starts in order and stops in reverse, one action of a node at a time. An action under way is a fact of the
state; until it is finished nothing else is asked of its resource.
"""

from dataclasses import replace

from komainu.core import takeover
from komainu.core.actions import Action, FenceNode, LeaveCluster, ProbeNode, StartResource, StopResource
from komainu.core.presence import runs_nothing
from komainu.core.state import GroupFacts, Hold, Presence, State, Status, Wanted
from komainu.model.config import Group
from komainu.model.message import Said


class _Plan:
    """The state with the actions already planned in it, and their numbers (law 9)."""

    def __init__(self, state: State, cause: Said) -> None:
        self.state = state
        self.cause = cause
        self.actions: list[Action] = []

    def number(self) -> str:
        state = self.state
        self.state = replace(state, counter=state.counter + 1)
        return f"{state.epoch}.{state.ring}.{state.counter + 1}"


def plan(state: State, cause: Said) -> tuple[State, tuple[Action, ...]]:
    """The actions to be taken now, and the state in which they are under way."""
    work = _Plan(state, cause)
    for name, facts in state.nodes.items():
        if facts.presence is Presence.MEMBER and not facts.probed and not facts.probe:
            number = work.number()
            work.state = work.state.with_node(name, replace(facts, probe=number))
            work.actions.append(ProbeNode(number, name, (cause,)))
    if state.formed:
        for group in state.cluster.groups:
            _plan_group(work, group)
        if state.cluster.arbitration.kind == "fence":
            _plan_fences(work)
    for name, facts in work.state.nodes.items():
        if facts.leaving and not facts.dismissed and facts.probed and runs_nothing(work.state, name):
            work.state = work.state.with_node(name, replace(facts, dismissed=True))
            work.actions.append(LeaveCluster(name))
    return work.state, tuple(work.actions)


def _plan_group(work: _Plan, group: Group) -> None:
    facts = work.state.groups[group.name]
    home = facts.home if facts.wanted is Wanted.UP else None
    for node, holds in facts.holds.items():
        if node != home and _obeys(work.state, node):
            _stop_down_to(work, group, node, holds, 0)
    if home is not None and _obeys(work.state, home):
        _plan_home(work, group, home)


def _obeys(state: State, node: str) -> bool:
    facts = state.nodes[node]
    return facts.presence is Presence.MEMBER and facts.probed


def _plan_home(work: _Plan, group: Group, home: str) -> None:
    facts = work.state.groups[group.name]
    holds = facts.holds[home]
    for index, hold in enumerate(holds):
        if hold.status is Status.RUNNING:
            continue
        if hold.status is Status.STOPPED:
            # What starts after a resource must not run before it does (a probe may have found it so).
            if _stop_down_to(work, group, home, holds, index + 1):
                _start(work, group, home, index)
        elif not (hold.wait or (hold.status is Status.FAILED and facts.given_up)):
            # Whatever is not certain is stopped before it is started again.
            _stop_down_to(work, group, home, holds, index)
        break
    else:
        if facts.hindrance is not None:
            work.state = work.state.with_group(group.name, replace(facts, hindrance=None))


def _stop_down_to(work: _Plan, group: Group, node: str, holds: tuple[Hold, ...], floor: int) -> bool:
    """Stop, last first, every resource from `floor` on. True when they are all stopped already."""
    for index in range(len(holds) - 1, floor - 1, -1):
        hold = holds[index]
        if hold.status is Status.STOPPED:
            continue
        if not hold.action and not (hold.status is Status.STUCK and hold.wait):
            _stop(work, group, node, index, hold)
        return False
    return True


def _stop(work: _Plan, group: Group, node: str, index: int, hold: Hold) -> None:
    number = work.number()
    why = (hold.said,) if hold.said is not None else work.state.groups[group.name].because
    stopping = replace(hold, status=Status.STOPPING, action=number, run="", wait="", found=False)
    work.state = work.state.with_hold(group.name, node, index, stopping)
    work.actions.append(StopResource(number, node, group.name, group.resources[index].name, (work.cause, *why)))


def _start(work: _Plan, group: Group, home: str, index: int) -> None:
    facts = work.state.groups[group.name]
    if facts.given_up:
        return
    hindrance = takeover.hindrance(work.state, group, home)
    if hindrance != facts.hindrance:
        facts = replace(facts, hindrance=hindrance)
        work.state = work.state.with_group(group.name, facts)
        if hindrance is not None and hindrance.level != "info":
            work.state = work.state.noting(hindrance)
    if hindrance is not None:
        return
    number = work.number()
    starting = replace(facts.holds[home][index], status=Status.STARTING, action=number, epoch=facts.since)
    work.state = work.state.with_hold(group.name, home, index, starting)
    resource = group.resources[index].name
    because = (work.cause, *facts.because)
    work.actions.append(StartResource(number, home, group.name, resource, facts.since, because))


def _plan_fences(work: _Plan) -> None:
    """Fence whoever is lost while an exclusive group waits for the proof."""
    members = tuple(name for name in work.state.members() if not work.state.nodes[name].leaving)
    for name, facts in work.state.nodes.items():
        if facts.presence not in (Presence.UNSEEN, Presence.LOST) or facts.fence or facts.fence_wait:
            continue
        if members and _awaited(work.state, name):
            number, fencer = work.number(), _next_after(facts.fence_by, members)
            fenced = replace(facts, presence=Presence.LOST, fence=number, fence_by=fencer)
            work.state = work.state.with_node(name, fenced)
            work.actions.append(FenceNode(number, fencer, name, (work.cause,)))


def _next_after(last: str, members: tuple[str, ...]) -> str:
    """Whoever comes after the one that tried last: what one node cannot do, another one may."""
    return members[(members.index(last) + 1) % len(members)] if last in members else members[0]


def _awaited(state: State, node: str) -> bool:
    return any(_hindered_by(group, state.groups[group.name], node) for group in state.cluster.groups)


def _hindered_by(group: Group, facts: GroupFacts, node: str) -> bool:
    return group.exclusive and facts.hindrance is not None and node in group.nodes and node != facts.home

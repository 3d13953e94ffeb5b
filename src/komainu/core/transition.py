"""Wanted minus actual: the actions that are to be taken now.

A resource starts when all that it depends on runs, and stops when all that depends on it has stopped; independent
ones go side by side (C4). An action under way is a fact of the state; until it is finished nothing else is asked of
its resource.
"""

from komainu.core import rights, takeover, waits
from komainu.core.destination import at_rest
from komainu.core.presence import runs_nothing
from komainu.core.scope import stirred
from komainu.core.state import Hold, NodeFacts, Presence, State, Status, Wanted
from komainu.core.waits import obeys
from komainu.model.actions import Action, FenceNode, LeaveCluster, ProbeNode, StartResource, StopResource
from komainu.model.config import Group
from komainu.model.copies import replace
from komainu.model.message import Said

Tree = tuple[tuple[int, ...], ...]


class _Plan:
    """The state with the actions already planned in it."""

    def __init__(self, state: State, cause: Said, rules: int) -> None:
        self.state = state
        self.cause = cause
        self.rules = rules
        self.actions: list[Action] = []

    def number(self) -> str:
        self.state, number = self.state.numbered()
        return number

    def trees(self, group: Group) -> tuple[Tree, Tree]:
        """What each resource needs and what needs it. Before rules 2 each needed the one before it."""
        if self.rules >= 2:
            return group.needs, group.needed_by
        places = range(len(group.resources))
        after = tuple((place + 1,) if place + 1 < len(places) else () for place in places)
        return tuple((place - 1,) if place else () for place in places), after


def plan(before: State, state: State, cause: Said, rules: int) -> tuple[State, tuple[Action, ...]]:
    """The actions to be taken now, and the state in which they are under way."""
    work = _Plan(state, cause, rules)
    for name, facts in state.nodes.items():
        if facts.presence is Presence.MEMBER and not facts.probed and not facts.probe:
            number = work.number()
            work.state = work.state.with_node(name, replace(facts, probe=number))
            work.actions.append(ProbeNode(number, name, (cause,)))
    if state.formed:
        groups, related = stirred(before, state), state.cluster.related
        while groups:
            settled = work.state
            for group in groups:
                _plan_group(work, group)
            # What is planned for one group may be what another one waits for, or what a harmless one itself waits for.
            groups = tuple(each for each in stirred(settled, work.state) if each.name in related or not each.exclusive)
        if state.cluster.arbitration.fence is not None and rights.may_fence(work.state):
            _plan_fences(work)
    for name, facts in work.state.nodes.items():
        if facts.leaving and not facts.ended:
            _plan_leave(work, name, facts)
    return work.state, tuple(work.actions)


def _plan_leave(work: _Plan, name: str, facts: NodeFacts) -> None:
    done = facts.probed and runs_nothing(work.state, name)
    if done and not facts.dismissed and rights.may_leave(work.state, name):
        work.state = work.state.with_node(name, replace(facts, dismissed=True))
        work.actions.append(LeaveCluster(name, facts.then))


def _plan_group(work: _Plan, group: Group) -> None:
    facts = work.state.groups[group.name]
    home = facts.home if facts.wanted is Wanted.UP else None
    if home is not None and (work.state.nodes[home].leaving or work.state.nodes[home].powerless):
        home = None
    quiet = facts.hindrance is None and not facts.parked
    for node, holds in facts.holds.items():
        if not obeys(work.state, node):
            continue
        if node != home:
            if any(hold.status is not Status.STOPPED for hold in holds):
                _stop_all(work, group, node)
        elif (facts.ordered or not work.state.maintenance) and not (quiet and at_rest(work.state, group)):
            _plan_home(work, group, node)


def _stop_all(work: _Plan, group: Group, node: str) -> None:
    """Bring everything of the group on that node down, what depends on others first."""
    if waits.followers(work.state, group):
        return
    _, needed_by = work.trees(group)
    holds = work.state.groups[group.name].holds[node]
    for index in reversed(range(len(holds))):
        _stop_if_free(work, group, node, index, holds, needed_by)


def _plan_home(work: _Plan, group: Group, home: str) -> None:
    facts = work.state.groups[group.name]
    needs, needed_by = work.trees(group)
    holds = facts.holds[home]
    up = [hold.status is Status.RUNNING for hold in holds]
    wanted: list[bool] = []
    sound: list[bool] = []
    for index, hold in enumerate(holds):
        asked = group.resources[index].name not in facts.parked and not hold.outdated
        wanted.append(asked and all(wanted[other] for other in needs[index]))
        stays = up[index] or (facts.given_up and hold.status is Status.FAILED)
        sound.append(stays and wanted[index] and all(sound[other] for other in needs[index]))
    for index in reversed(range(len(holds))):
        if not sound[index]:
            _stop_if_free(work, group, home, index, holds, needed_by)
    for index, hold in enumerate(holds):
        asked = hold.status is Status.STOPPED and wanted[index] and not facts.given_up
        if asked and all(up[other] and sound[other] for other in needs[index]) and _free(holds, needed_by[index]):
            if not _may_start(work, group, home):
                return
            _start(work, group, home, index)
    if facts.hindrance is not None and all(up[index] or not wanted[index] for index in range(len(holds))):
        work.state = work.state.with_group(group.name, replace(work.state.groups[group.name], hindrance=None))


def _free(holds: tuple[Hold, ...], dependants: tuple[int, ...]) -> bool:
    return all(holds[other].status is Status.STOPPED for other in dependants)


def _stop_if_free(work: _Plan, group: Group, node: str, index: int, holds: tuple[Hold, ...], needed_by: Tree) -> None:
    hold = holds[index]
    waits_here = hold.wait and (hold.status is Status.STUCK or node == work.state.groups[group.name].home)
    if hold.status is Status.STOPPED or hold.action or waits_here or not _free(holds, needed_by[index]):
        return
    number = work.number()
    why = (hold.said,) if hold.said is not None else work.state.groups[group.name].because
    stopping = replace(hold, status=Status.STOPPING, action=number, run="", wait="", found=False)
    work.state = work.state.with_hold(group.name, node, index, stopping)
    work.actions.append(StopResource(number, node, group.name, group.resources[index].name, (work.cause, *why)))


def _may_start(work: _Plan, group: Group, home: str) -> bool:
    facts = work.state.groups[group.name]
    hindrance = takeover.hindrance(work.state, group, home)
    if hindrance != facts.hindrance:
        facts = replace(facts, hindrance=hindrance)
        work.state = work.state.with_group(group.name, facts)
        if hindrance is not None and hindrance.level != "info":
            work.state = work.state.noting(hindrance)
    return hindrance is None


def _start(work: _Plan, group: Group, home: str, index: int) -> None:
    facts = work.state.groups[group.name]
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
        if facts.suspended:
            continue  # what runs there was to go on
        if members and _awaited(work.state, name):
            number, fencer = work.number(), _next_after(facts.fence_by, members)
            fenced = replace(facts, presence=Presence.LOST, fence=number, fence_by=fencer)
            work.state = work.state.with_node(name, fenced)
            work.actions.append(FenceNode(number, fencer, name, (work.cause,)))


def _next_after(last: str, members: tuple[str, ...]) -> str:
    """Whoever comes after the one that tried last: what one node cannot do, another one may."""
    return members[(members.index(last) + 1) % len(members)] if last in members else members[0]


def _awaited(state: State, node: str) -> bool:
    groups = (group for group in state.cluster.groups if group.exclusive and node in group.nodes)
    waiting = (state.groups[group.name] for group in groups)
    return any(facts.hindrance is not None and facts.home != node for facts in waiting)

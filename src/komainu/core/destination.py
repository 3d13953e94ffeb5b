"""Where a group may go, best first (C3): who can take it, who must not, and who would rather not."""

from komainu.core.state import GroupFacts, Presence, State, Status, Verdict
from komainu.model.config import Group
from komainu.model.copies import replace
from komainu.model.message import Said


def usable(state: State, node: str) -> bool:
    """True when something could be started on the node."""
    facts = state.nodes[node]
    barred = facts.leaving or facts.ended or facts.suspended or facts.powerless
    return facts.presence is Presence.MEMBER and facts.probed and not barred


def destinations(state: State, group: Group) -> tuple[str, ...]:
    """The nodes that could take the group now, best first.

    One on which it has failed comes after all others, and before those the ones where a monitor of it finds an error.
    """
    barred = state.groups[group.name].barred

    def worse(node: str) -> tuple[bool, bool, bool, int]:
        ill = _ill(state, group, node)
        return node in barred, _condemned(state, group, node), crowded(state, group, node), ill

    able = [node for node in group.nodes if usable(state, node) and admits(state, group, node)]
    return tuple(sorted(able, key=worse))


def refuges(state: State, group: Group) -> tuple[str, ...]:
    """The nodes to which a failure may drive the group: where it has not failed, and no monitor of it is in error."""
    facts = state.groups[group.name]
    return tuple(
        node
        for node in destinations(state, group)
        if node != facts.home and node not in facts.barred and not _condemned(state, group, node)
    )


def admits(state: State, group: Group, node: str) -> bool:
    """False when an absolute exclusion or a dependency on the same node forbids it."""
    for needed in group.depends_on:
        home = state.groups[needed.group].home
        if needed.same_node and home is not None and home != node:
            return False
    return not any(state.groups[other].home == node for other in excluded(state, group, "absolute"))


def crowded(state: State, group: Group, node: str) -> bool:
    """True when the group would share the node with one that it avoids."""
    return any(state.groups[other].home == node for other in excluded(state, group, "normal"))


def excluded(state: State, group: Group, kind: str) -> tuple[str, ...]:
    """The other groups of the exclusions of that kind to which the group belongs."""
    if not state.cluster.exclusions:
        return ()
    return tuple(
        other
        for rule in state.cluster.exclusions
        if rule.kind == kind and group.name in rule.groups
        for other in rule.groups
        if other != group.name
    )


def settled_on(state: State, facts: GroupFacts, node: str, because: tuple[Said, ...]) -> GroupFacts:
    """The group with a new home, on which no attempt has been made yet."""
    fresh = tuple(replace(hold, start_failures=0, restarts=0) for hold in facts.holds[node])
    facts = replace(facts, holds={**facts.holds, node: fresh}, parked=(), overdue=())
    return replace(facts, home=node, since=state.epoch, given_up=False, hindrance=None, because=because)


def at_rest(state: State, group: Group) -> bool:
    """True when all of the group that should run does, at its home, and nothing else of it does there."""
    facts = state.groups[group.name]
    if facts.home is None or facts.given_up:
        return False
    holds = facts.holds[facts.home]
    if not facts.parked:
        return all(hold.status is Status.RUNNING and not hold.outdated for hold in holds)
    wanted = asked_for(group, facts)
    return all(
        hold.status is (Status.RUNNING if up else Status.STOPPED) and not hold.outdated
        for up, hold in zip(wanted, holds, strict=True)
    )


def asked_for(group: Group, facts: GroupFacts) -> tuple[bool, ...]:
    """Per resource, whether it should run when the group does: nobody stopped it, nor anything that it stands on."""
    wanted: list[bool] = []
    for resource, needs in zip(group.resources, group.needs, strict=True):
        wanted.append(resource.name not in facts.parked and all(wanted[other] for other in needs))
    return tuple(wanted)


def _condemned(state: State, group: Group, node: str) -> bool:
    """True when a monitor that would recover the group finds an error there (C6)."""
    return any(
        (monitor.recovery.target.kind == "all-groups" or monitor.recovery.target.group == group.name)
        and node in (facts := state.monitor(monitor.name)).on
        and facts.on[node].verdict is Verdict.ERROR
        for monitor in state.cluster.monitors
    )


def _ill(state: State, group: Group, node: str) -> int:
    """How many monitors are not normal there, for a group that goes where it is healthiest."""
    if group.destination == "priority":
        return 0
    watches = [facts.on[node] for facts in state.monitors.values() if node in facts.on]
    return len([watch for watch in watches if watch.verdict in (Verdict.CAUTION, Verdict.ERROR)])

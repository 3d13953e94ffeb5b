"""Groups that wait for other groups: dependencies between them, and exclusions while one is on its way (C3)."""

from komainu.core.destination import at_rest, excluded
from komainu.core.state import Presence, State, Status
from komainu.model.config import Group, GroupDependency
from komainu.model.message import Message, Said

WAITS_FOR_GROUP = Message(
    "KM7411",
    "Group {group} waits until group {other} is online.",
    "グループ {group} はグループ {other} の起動完了を待っています。",
)
WAITS_FOR_SPACE = Message(
    "KM7412",
    "Group {group} waits until group {other}, which never shares a node with it, has stopped on {node}.",
    "グループ {group} は、同じノードで起動できないグループ {other} が {node} で停止するのを待っています。",
)


def awaited(state: State, group: Group) -> tuple[GroupDependency, ...]:
    """The dependencies for which a start of the group has to wait."""
    facts = state.groups[group.name]
    return tuple(
        needed
        for needed in group.depends_on
        if needed.group not in facts.overdue
        and not (
            at_rest(state, state.cluster.group(needed.group))
            and (not needed.same_node or state.groups[needed.group].home == facts.home)
        )
    )


def hindrance(state: State, group: Group, home: str) -> Said | None:
    """Why the group has to wait for another one before it starts on `home`."""
    for needed in awaited(state, group):
        return WAITS_FOR_GROUP.said(group=group.name, other=needed.group)
    for other in excluded(state, group, "absolute"):
        if any(hold.status is not Status.STOPPED for hold in state.groups[other].holds.get(home, ())):
            return WAITS_FOR_SPACE.said(group=group.name, other=other, node=home)
    return None


def followers(state: State, group: Group) -> tuple[Group, ...]:
    """The groups that have to stop before this one may: they depend on it, and are on their way down."""
    overdue = state.groups[group.name].overdue
    others = state.cluster.dependants.get(group.name, ())
    return tuple(other for other in others if other.name not in overdue and stops(state, other))


def stops(state: State, group: Group) -> bool:
    """True when something of the group is to be stopped where it does not belong any more."""
    facts = state.groups[group.name]
    return any(
        hold.status is not Status.STOPPED
        for node, holds in facts.holds.items()
        if obeys(state, node) and (node != facts.home or state.nodes[node].leaving)
        for hold in holds
    )


def obeys(state: State, node: str) -> bool:
    """True when the node can be told what to do."""
    facts = state.nodes[node]
    return (
        facts.presence is Presence.MEMBER
        and facts.probed
        and not ((facts.suspended and not facts.powerless) or facts.ended)
    )

"""Invariants, asserted after every step: the takeover law once more, in other words and by other code (ADR 0001)."""

from komainu.core.state import Presence, Proof, State, Status
from komainu.model.actions import Action, StartResource


class InvariantBroken(AssertionError):
    """A decision would break a law. The step must not be taken; it is a defect, and every member sees the same one."""


def check(before: State, state: State, actions: tuple[Action, ...]) -> None:
    """Raises InvariantBroken when an action breaks a law."""
    for action in actions:
        if isinstance(action, StartResource):
            _check_start(before, state, action)


def _check_right(state: State, action: StartResource) -> None:
    arbitration = state.cluster.arbitration
    missing = [facts for facts in state.nodes.values() if facts.presence is not Presence.MEMBER]
    if not missing or not arbitration.limited or all(facts.proof is Proof.OPERATOR for facts in missing):
        return
    if arbitration.kind == "majority" and len(missing) * 2 >= len(state.nodes):
        raise InvariantBroken(f"{action.resource} would start on {action.node} without a majority")
    vote = state.vote
    if arbitration.kind == "lease" and (vote is None or (vote.node, vote.ring) != (action.node, state.ring)):
        raise InvariantBroken(f"{action.resource} would start on {action.node} without the vote")


def _check_start(before: State, state: State, action: StartResource) -> None:
    starter = state.nodes[action.node]
    if starter.presence is not Presence.MEMBER or not starter.probed or starter.leaving:
        raise InvariantBroken(f"{action.resource} would start on {action.node}, which is {starter.presence}")
    if not before.formed and not state.formed:
        raise InvariantBroken(f"{action.resource} would start before the cluster has formed")
    _check_right(state, action)
    if starter.suspended or starter.ended or starter.powerless:
        raise InvariantBroken(f"{action.resource} would start on {action.node}, where nothing may be started")
    group = state.cluster.group(action.group)
    for rule in state.cluster.exclusions:
        others = tuple(name for name in rule.groups if name != group.name) if group.name in rule.groups else ()
        for other in others if rule.kind == "absolute" else ():
            if any(hold.status is not Status.STOPPED for hold in state.groups[other].holds.get(action.node, ())):
                raise InvariantBroken(f"{action.resource} would start on {action.node} beside {other}")
    exclusive = [index for index, resource in enumerate(group.resources) if resource.exclusive]
    for node in group.nodes:
        if not exclusive or node == action.node:
            continue
        facts = state.nodes[node]
        if facts.presence in (Presence.LOST, Presence.UNSEEN, Presence.JOINING):
            raise InvariantBroken(f"{action.resource} would start while {node} is {facts.presence}")
        if facts.presence is Presence.MEMBER and not facts.probed:
            raise InvariantBroken(f"{action.resource} would start before {node} was probed")
        holds = state.groups[action.group].holds[node]
        if any(holds[index].status is not Status.STOPPED for index in exclusive):
            raise InvariantBroken(f"{action.resource} would start while {node} may still hold part of {action.group}")

"""What a failed resource leads to: another attempt here, another node, or the end of recovery (C4, C6)."""

from komainu.core import recovery
from komainu.core.scope import stirred
from komainu.core.state import Hold, State, Status, Wanted
from komainu.model.config import FinalAction, Group, Resource
from komainu.model.message import Said


def settle(before: State, state: State, cause: Said, rules: int) -> State:
    """Judge every failed resource at the home of its group."""
    for group in stirred(before, state):
        facts = state.groups[group.name]
        if facts.wanted is not Wanted.UP or facts.home is None or facts.given_up:
            continue
        if not recovery.may_recover(state, facts.home):
            state = _given_up_in_maintenance(state, group, cause) if state.maintenance and facts.ordered else state
            continue
        for resource, hold in zip(group.resources, facts.holds[facts.home], strict=True):
            # What has been given up may have been stopped since, and is not tried here again either.
            if hold.status in (Status.FAILED, Status.STOPPED) and resource.name not in facts.parked:
                budget = _exhausted(resource, hold)
                if budget is not None:
                    state = _escalate(state, group, resource, budget, cause, rules)
                    break
    return state


def _given_up_in_maintenance(state: State, group: Group, cause: Said) -> State:
    """What was ordered while nothing is to be recovered, and failed, is not tried again."""
    facts = state.groups[group.name]
    home = facts.home or ""
    for resource, hold in zip(group.resources, facts.holds[home], strict=True):
        if hold.status is Status.FAILED and resource.name not in facts.parked:
            return recovery.conclude(state, group, resource.name, home, "none", resource.name, cause)
    return state


def _exhausted(resource: Resource, hold: Hold) -> tuple[int, FinalAction] | None:
    """The failovers and the final action that come next, or None while it is tried again on the same node."""
    policy = resource.recovery
    if hold.start_failures > policy.start_retries:
        return policy.start_failovers, policy.start_final_action
    if hold.restarts > policy.restarts:
        return policy.failovers, policy.final_action
    return None


def _escalate(
    state: State, group: Group, resource: Resource, budget: tuple[int, FinalAction], cause: Said, rules: int
) -> State:
    failovers, action = budget
    facts = state.groups[group.name]
    moved = recovery.failover(state, group, resource.name, cause) if facts.failovers < failovers else None
    if moved is not None:
        return moved
    action = action if rules >= 2 else "none"
    return recovery.conclude(state, group, resource.name, facts.home or "", action, resource.name, cause)

"""Which deadlines are armed, and what their passing changes. Time is data: a delivered TimerFired is the only clock.

Every member arms the same timers; a timer that is not wanted any more is forgotten, and its late firing ignored.
"""

from dataclasses import replace

from komainu.core import membership, presence
from komainu.core.actions import ArmTimer
from komainu.core.state import GroupFacts, Presence, State, Status
from komainu.model.config import Group
from komainu.model.message import Message

STUCK_RETRY_MS = 5_000
"A stop that did not succeed is tried again after this time, for as long as it is wanted."
UNKNOWN_RETRY_MS = 1_000
"A start with unknown result is tried again after this time."

OVERDUE = Message(
    "KM7801",
    "The daemon of node {node} did not return in time: the node counts as lost.",
    "ノード {node} のデーモンが時間内に復帰しないため、ノードを通信不能とみなします。",
    "error",
)
WAIT_OVER = Message(
    "KM7802",
    "The startup sync wait is over; not all nodes are there.",
    "起動同期待ち時間が終了しました。一部のノードが参加していません。",
    "warning",
)

MESSAGES = (OVERDUE, WAIT_OVER)


def arm(state: State) -> tuple[State, tuple[ArmTimer, ...]]:
    """Arm what is wanted and not armed, forget what is armed and not wanted."""
    wanted = _wanted(state)
    if wanted.keys() == state.timers.keys():
        return state, ()
    fresh = tuple(ArmTimer(timer, ms) for timer, ms in wanted.items() if timer not in state.timers)
    return replace(state, timers=wanted), fresh


def fire(state: State, timer: str) -> State:
    """The change that the passing of an armed timer brings."""
    kind, _, rest = timer.partition(":")
    match kind:
        case "startup":
            return membership.form(state).noting(WAIT_OVER.said())
        case "agent":
            node = rest.partition(":")[0]
            return presence.lose(state.noting(OVERDUE.said(node=node)), node)
        case "calm":
            name = rest.partition(":")[0]
            return state.with_group(name, replace(state.groups[name], failovers=0, barred=()))
        case "fence":
            node = rest.partition(":")[0]
            return state.with_node(node, replace(state.nodes[node], fence_wait=""))
        case _:
            return _each_hold_with(state, kind, timer)


def _wanted(state: State) -> dict[str, int]:
    wanted: dict[str, int] = {}
    if not state.formed:
        wanted["startup"] = state.cluster.startup_sync_wait_ms
    for name, facts in state.nodes.items():
        if facts.presence is Presence.AGENT_LOST:
            wanted[f"agent:{name}:{facts.incarnation}"] = state.cluster.agent_return_ms
        if facts.fence_wait:
            wanted[facts.fence_wait] = state.cluster.arbitration.fence_retry_ms
    for group in state.cluster.groups:
        facts_of_group = state.groups[group.name]
        if facts_of_group.failovers or facts_of_group.barred:
            wanted.update(_calm(group, facts_of_group))
        for node, holds in facts_of_group.holds.items():
            for index, hold in enumerate(holds):
                if hold.wait:
                    wanted[hold.wait] = STUCK_RETRY_MS if hold.status is Status.STUCK else UNKNOWN_RETRY_MS
                elif (hold.restarts or hold.start_failures) and hold.status is Status.RUNNING:
                    resource = group.resources[index]
                    wanted[f"settled:{group.name}:{resource.name}:{node}:{hold.run}"] = resource.recovery.reset_after_ms
    return wanted


def _calm(group: Group, facts: GroupFacts) -> dict[str, int]:
    """The timer after which failovers are counted anew: it runs while the whole group does.

    Whatever is restarted stops what stands on it first, so the run of the last resource names the stretch.
    """
    holds = facts.holds[facts.home] if facts.home is not None else ()
    if not holds or any(hold.status is not Status.RUNNING for hold in holds):
        return {}
    return {f"calm:{group.name}:{holds[-1].run}": max(each.recovery.reset_after_ms for each in group.resources)}


def _each_hold_with(state: State, kind: str, timer: str) -> State:
    _, group_name, resource_name, node, run = timer.split(":", 4)
    group = state.cluster.group(group_name)
    index = tuple(resource.name for resource in group.resources).index(resource_name)
    hold = state.groups[group_name].holds[node][index]
    if kind == "retry" and hold.wait == timer:
        return state.with_hold(group_name, node, index, replace(hold, wait=""))
    if kind == "settled" and hold.run == run:
        return state.with_hold(group_name, node, index, replace(hold, restarts=0, start_failures=0))
    return state

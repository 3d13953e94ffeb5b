"""Which deadlines are armed, and what their passing changes. Time is data: a delivered TimerFired is the only clock.

Every member arms the same timers; a timer that is not wanted any more is forgotten, and its late firing ignored.
"""

from komainu.core import change, endings, membership, monitors, placement, presence, rights, waits
from komainu.core.destination import at_rest
from komainu.core.scope import stirred
from komainu.core.state import GroupFacts, Presence, State, Status, Verdict
from komainu.model.actions import ArmTimer
from komainu.model.config import Group, Monitor
from komainu.model.copies import replace
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
WAITED_LONG = Message(
    "KM7803",
    "Group {group} waited long enough for group {other} and was not started. Start it with `komainu group restore "
    "{group}` once {other} is online.",
    "グループ {group} はグループ {other} の起動を待ちましたが、時間内に起動しなかったため起動しません。"
    "{other} の起動後に `komainu group restore {group}` を実行してください。",
    "error",
)
STOPS_ALL_THE_SAME = Message(
    "KM7804",
    "Group {group} waited long enough for group {other} to stop, and stops now all the same.",
    "グループ {group} はグループ {other} の停止を待ちましたが、時間内に停止しないため停止処理を続行します。",
    "warning",
)


def arm(before: State, state: State) -> tuple[State, tuple[ArmTimer, ...]]:
    """Arm what is wanted and not armed, forget what is armed and not wanted."""
    wanted = _wanted(before, state)
    if wanted.keys() == state.timers.keys():
        return state, ()
    wanted = dict(sorted(wanted.items()))
    fresh = tuple(ArmTimer(timer, ms) for timer, ms in wanted.items() if timer not in state.timers)
    return replace(state, timers=wanted), fresh


def fire(state: State, timer: str) -> State:
    """The change that the passing of an armed timer brings."""
    kind, _, rest = timer.partition(":")
    name = rest.partition(":")[0]
    match kind:
        case "startup":
            return membership.form(state).noting(WAIT_OVER.said())
        case "agent":
            return presence.lose(state.noting(OVERDUE.said(node=name)), name)
        case "floor":
            return replace(state, floor_ms=0)
        case "expire":
            return rights.expired(state, timer)
        case "calm":
            return state.with_group(name, replace(state.groups[name], failovers=0, barred=()))
        case "fence":
            return state.with_node(name, replace(state.nodes[name], fence_wait=""))
        case "end":
            return endings.cut_short(state, rest)
        case "failback":
            return placement.fail_back(state, name)
        case "failover":
            facts = state.groups[name]
            return state.with_group(name, replace(facts, recent=tuple(each for each in facts.recent if each != timer)))
        case "await" | "follow":
            return _waited(state, kind, *rest.split(":"))
        case "normal":
            return monitors.normal_for_long(state, *rest.split(":")[:2])
        case "change":
            return change.abandon(state, change.TOOK_TOO_LONG.said())
        case _:
            return _each_hold_with(state, kind, timer)


def _waited(state: State, kind: str, name: str, other: str) -> State:
    facts = state.groups[name]
    if kind == "follow":
        said = STOPS_ALL_THE_SAME.said(group=name, other=other)
        return state.with_group(name, replace(facts, overdue=(*facts.overdue, other))).noting(said)
    said = WAITED_LONG.said(group=name, other=other)
    return state.with_group(name, replace(facts, given_up=True, because=(said,))).noting(said)


def _wanted(before: State, state: State) -> dict[str, int]:
    groups = {group.name: group for group in stirred(before, state)}
    judged = before.monitors is not state.monitors or before.cluster is not state.cluster
    wanted = {timer: ms for timer, ms in state.timers.items() if _stays(state, timer, groups, judged)}
    arbitration = state.cluster.arbitration
    wanted.update(rights.waits(state) if arbitration.limited else {})
    if not state.formed:
        wanted["startup"] = state.cluster.startup_sync_wait_ms
    if state.change is not None and any(node not in state.change.agreed for node in state.members()):
        wanted[f"change:{state.change.id}"] = change.JUDGE_MS
    for name, facts in state.nodes.items():
        if facts.presence is Presence.AGENT_LOST:
            wanted[f"agent:{name}:{facts.incarnation}"] = rights.agent_return_ms(state.cluster)
        if facts.fence_wait and arbitration.fence is not None:
            wanted[facts.fence_wait] = arbitration.fence.retry_ms
        if facts.leaving and not facts.ended and (facts.forced or facts.then in ("shutdown", "reboot")):
            wanted[f"end:{name}"] = state.cluster.end_timeout_ms
    for name, group in groups.items():
        wanted.update(_of_group(state, group, state.groups[name]))
    for group in state.cluster.groups if judged else ():
        if group.failback == "auto" and group.name not in groups:
            wanted.update(_failback(state, group))
    for monitor in state.cluster.monitors if judged else ():
        wanted.update(_of_monitor(state, monitor))
    return wanted


def _stays(state: State, timer: str, groups: dict[str, Group], judged: bool) -> bool:
    """True for a timer of a group or monitor for which nothing can have changed."""
    kind, _, rest = timer.partition(":")
    if judged and kind in ("normal", "failback"):
        return False
    name = rest.partition(":")[0]
    of_group = kind in ("retry", "settled", "calm", "failover", "await", "follow", "failback")
    return kind == "normal" or (of_group and name in state.groups and name not in groups)


def _of_group(state: State, group: Group, facts: GroupFacts) -> dict[str, int]:
    wanted = dict.fromkeys(facts.recent, group.failover_window_ms)
    if facts.failovers or facts.barred:
        wanted.update(_calm(state, group, facts))
    for node, holds in facts.holds.items():
        for index, hold in enumerate(holds):
            if hold.wait:
                wanted[hold.wait] = STUCK_RETRY_MS if hold.status is Status.STUCK else UNKNOWN_RETRY_MS
            elif (hold.restarts or hold.start_failures) and hold.status is Status.RUNNING:
                resource = group.resources[index]
                wanted[f"settled:{group.name}:{resource.name}:{node}:{hold.run}"] = resource.recovery.reset_after_ms
    if facts.hindrance is not None and facts.hindrance.code == waits.WAITS_FOR_GROUP.code and not facts.given_up:
        for needed in waits.awaited(state, group):
            wanted[f"await:{group.name}:{needed.group}"] = needed.start_wait_ms
    if group.name in state.cluster.dependants and waits.stops(state, group):
        for other in waits.followers(state, group):
            (stop_wait_ms,) = (each.stop_wait_ms for each in other.depends_on if each.group == group.name)
            wanted[f"follow:{group.name}:{other.name}"] = stop_wait_ms
    wanted.update(_failback(state, group))
    return wanted


def _failback(state: State, group: Group) -> dict[str, int]:
    better = placement.better_home(state, group)
    if better is None:
        return {}
    return {f"failback:{group.name}:{better}:{state.nodes[better].incarnation}": group.failback_after_ms}


def _of_monitor(state: State, monitor: Monitor) -> dict[str, int]:
    facts = state.monitors.get(monitor.name)
    if facts is None:
        return {}
    return {
        f"normal:{monitor.name}:{node}:{watch.round}": monitor.recovery.reset_after_ms
        for node, watch in facts.on.items()
        if watch.verdict is Verdict.NORMAL and (watch.restarts or watch.ended or facts.failovers)
    }


def _calm(state: State, group: Group, facts: GroupFacts) -> dict[str, int]:
    """The timer after which failovers are counted anew: it runs while the whole group does.

    The run that began last names the stretch.
    """
    runs = [hold.run for hold in facts.holds[facts.home] if hold.run] if facts.home is not None else []
    if not runs or not at_rest(state, group):
        return {}
    newest = max(runs, key=lambda run: (int(run.partition(".")[0]), int(run.rpartition(".")[2])))
    return {f"calm:{group.name}:{newest}": max(each.recovery.reset_after_ms for each in group.resources)}


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

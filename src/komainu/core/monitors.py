"""Monitors of their own: when they check, and what an error leads to (C6).

A monitor checks in rounds. A new round begins when what it watches comes up, and after every step of recovery once its
target is at rest; a verdict counts only in the round in which it was found. Recovery goes: script, reactivations,
failovers, final action. A target that is on its way somewhere is left to get there first: so there is one recovery at
a time for one target, and none waits for that of another group.
"""

from komainu.core import endings, recovery
from komainu.core.destination import at_rest, usable
from komainu.core.scope import stirred
from komainu.core.state import UNWATCHED, State, Status, Verdict, Wanted, Watch
from komainu.core.waits import obeys
from komainu.model.actions import RaiseAlert, RunScript
from komainu.model.config import Group, Monitor, Target
from komainu.model.copies import replace
from komainu.model.events import MonitorJudged
from komainu.model.message import Message, Said
from komainu.model.outcome import Result

REACTIVATES = Message(
    "KM7511",
    "Monitor {monitor} found an error on {node}: {target} is reactivated (attempt {count} of {most}).",
    "モニタ {monitor} が {node} で異常を検出したため、{target} を再活性します ({count}/{most} 回目)。",
    "warning",
)
AT_ITS_END = Message(
    "KM7512",
    "Recovery of monitor {monitor} on {node} is at its end; its final action is `{action}`.",
    "{node} でのモニタ {monitor} の復旧処理を終了しました。最終動作は `{action}` です。",
    "error",
)
NORMAL_AGAIN = Message(
    "KM7513", "Monitor {monitor} on {node} is normal again.", "{node} のモニタ {monitor} は正常に戻りました。"
)


def judged(state: State, event: MonitorJudged) -> State:
    """A monitor changed its verdict."""
    watch = state.monitor(event.monitor).on.get(event.node)
    if watch is None or not watch.round or watch.round != event.round:
        return state
    outcome = event.outcome
    if outcome.succeeded:
        verdict = Verdict.NORMAL if outcome.said is None else Verdict.CAUTION
    else:
        verdict = Verdict.ERROR if outcome.result is Result.FAILED else Verdict.UNKNOWN
    # A script that has mended the trouble is to be run again when there is another one.
    scripted = watch.scripted and verdict is Verdict.ERROR
    found = replace(
        watch, verdict=verdict, said=outcome.said, scripted=scripted, held=watch.held and verdict is Verdict.ERROR
    )
    state = state.with_watch(event.monitor, event.node, found)
    if outcome.said is not None and outcome.said != watch.said:
        return state.doing(RaiseAlert(outcome.said, outcome.detail))
    if verdict is Verdict.NORMAL and watch.verdict in (Verdict.ERROR, Verdict.CAUTION, Verdict.UNKNOWN):
        return state.noting(NORMAL_AGAIN.said(monitor=event.monitor, node=event.node))
    return state


def script_finished(state: State, action: str, node: str) -> State:
    """A pre-recovery script came to its end, however that was: recovery goes on."""
    for name, facts in state.monitors.items():
        watch = facts.on.get(node)
        if watch is not None and watch.script == action:
            return state.with_watch(name, node, replace(watch, script="", scripted=watch.verdict is Verdict.ERROR))
    return state


def settle(state: State, cause: Said, rules: int) -> State:
    """Take the next step of every recovery that is due."""
    if rules < 2:
        return state
    for monitor in state.cluster.monitors:
        facts = state.monitors.get(monitor.name)
        for node, watch in facts.on.items() if facts is not None else ():
            if watch.verdict is Verdict.ERROR and not (watch.script or watch.ended):
                state = _recover(state, monitor, node, watch, cause)
    return state


def turn(before: State, state: State, rules: int) -> State:
    """Begin and end rounds, by what is so when everything has been planned."""
    if rules < 2:
        return state
    everything = before.nodes is not state.nodes or before.cluster is not state.cluster or before.rules != rules
    touched = tuple(group.name for group in stirred(before, state))
    for monitor in state.cluster.monitors:
        if everything or _concerned(before, state, monitor, touched):
            for node in monitor.nodes:
                state = _turn(state, monitor, node)
    return state


def _concerned(before: State, state: State, monitor: Monitor, touched: tuple[str, ...]) -> bool:
    """True when something changed that can begin or end its rounds, since these were last looked at."""
    name, target, watches = monitor.name, monitor.recovery.target, monitor.watches
    if before.monitors.get(name) is not state.monitors.get(name):
        return True
    if target.kind == "all-groups":
        return bool(touched)
    return target.group in touched or (watches is not None and watches.group in touched)


def normal_for_long(state: State, name: str, node: str) -> State:
    """The counters begin again (C8)."""
    watch = replace(state.monitor(name).on[node], restarts=0, ended=False)
    state = state.with_watch(name, node, watch)
    return state.with_monitor(name, replace(state.monitor(name), failovers=0))


def _turn(state: State, monitor: Monitor, node: str) -> State:
    facts = state.monitor(monitor.name)
    watch = known = facts.on.get(node, UNWATCHED)
    if watch.recovering and not _busy(state, monitor, node):
        watch = replace(watch, recovering=False)
    checks = obeys(state, node) and node not in facts.suspended and not watch.recovering
    checks = checks and not state.nodes[node].leaving and _active(state, monitor.watches, node)
    if checks and not watch.round:
        state, number = state.numbered()
        watch = replace(watch, round=number)
    elif watch.round and not checks:
        watch = replace(watch, round="", verdict=None, said=None, script="", scripted=False)
    return state if watch is known else state.with_watch(monitor.name, node, watch)


def _active(state: State, target: Target | None, node: str) -> bool:
    if target is None:
        return True
    group, facts = state.cluster.group(target.group), state.groups[target.group]
    if target.kind == "group":
        return facts.home == node and at_rest(state, group)
    names = tuple(resource.name for resource in group.resources)
    holds = facts.holds.get(node)
    return holds is not None and holds[names.index(target.resource)].status is Status.RUNNING


def _targets(state: State, monitor: Monitor, node: str) -> tuple[Group, ...]:
    """The groups that recovery would touch: those of the target that are on the node."""
    target = monitor.recovery.target
    groups = state.cluster.groups if target.kind == "all-groups" else ()
    if target.group:
        groups = (state.cluster.group(target.group),)
    facts = state.groups
    at_home = (each for each in groups if facts[each.name].home == node and facts[each.name].wanted is Wanted.UP)
    return tuple(each for each in at_home if target.resource not in facts[each.name].parked)


def _busy(state: State, monitor: Monitor, node: str) -> bool:
    groups = _targets(state, monitor, node)
    return any(not (at_rest(state, group) or state.groups[group.name].given_up) for group in groups)


def _recover(state: State, monitor: Monitor, node: str, watch: Watch, cause: Said) -> State:
    policy, groups = monitor.recovery, _targets(state, monitor, node)
    on_node = policy.target.kind == "node"
    if not recovery.may_recover(state, node) or not (on_node or (groups and not _busy(state, monitor, node))):
        return state
    if not on_node and any(state.groups[group.name].given_up for group in groups):
        return state
    if policy.script and not (watch.scripted or watch.held):
        state, number = state.numbered()
        state = state.with_watch(monitor.name, node, replace(watch, script=number))
        return state.doing(RunScript(number, node, monitor.name, (cause, *_why(watch))))
    watch = replace(watch, scripted=False)
    if not on_node and watch.restarts < policy.restarts:
        return _reactivate(state, monitor, node, watch, groups)
    if not on_node and state.monitor(monitor.name).failovers < policy.failovers:
        moved = _fail_over(state, monitor, node, watch, groups, cause)
        if moved is not None:
            return moved
    return _conclude(state, monitor, node, watch, groups, cause)


def _reactivate(state: State, monitor: Monitor, node: str, watch: Watch, groups: tuple[Group, ...]) -> State:
    target, most, count = monitor.recovery.target, monitor.recovery.restarts, watch.restarts + 1
    for group in groups:
        name = target.resource or group.name
        said = REACTIVATES.said(monitor=monitor.name, node=node, target=name, count=count, most=most)
        facts = state.groups[group.name]
        holds = tuple(
            replace(hold, status=Status.FAILED, run="", said=said)
            if hold.status is Status.RUNNING and target.resource in ("", resource.name)
            else hold
            for resource, hold in zip(group.resources, facts.holds[node], strict=True)
        )
        state = state.with_group(group.name, replace(facts, holds={**facts.holds, node: holds})).noting(said)
    return _step_taken(state, monitor, node, replace(watch, restarts=count))


def _fail_over(
    state: State, monitor: Monitor, node: str, watch: Watch, groups: tuple[Group, ...], cause: Said
) -> State | None:
    moved = False
    for group in groups:
        after = recovery.failover(state, group, monitor.name, watch.said or cause)
        moved = moved or after is not None
        state = after or state
    if not moved:
        return None
    facts = state.monitor(monitor.name)
    state = state.with_monitor(monitor.name, replace(facts, failovers=facts.failovers + 1))
    return _step_taken(state, monitor, node, replace(watch, restarts=0))


def _conclude(state: State, monitor: Monitor, node: str, watch: Watch, groups: tuple[Group, ...], cause: Said) -> State:
    policy = monitor.recovery
    on_node = endings.concerns_node(policy.final_action)
    held = on_node and not monitor.np and endings.would_end_all(state, node)
    if watch.held and (held or not any(usable(state, other) for other in state.nodes if other != node)):
        return state  # until another node can take over what runs here
    state = state.with_watch(monitor.name, node, replace(watch, ended=not held, held=held))
    said = AT_ITS_END.said(monitor=monitor.name, node=node, action=policy.final_action)
    state = state if watch.held else state.noting(said)
    if on_node:
        return endings.finish(state, node, policy.final_action, monitor.np, (*_why(watch), said))
    if policy.final_action != "none":
        for group in groups:
            resource = policy.target.resource
            state = recovery.conclude(state, group, resource, node, policy.final_action, monitor.name, cause)
    return state


def _step_taken(state: State, monitor: Monitor, node: str, watch: Watch) -> State:
    """What was found before does not count any more."""
    watch = replace(watch, round="", verdict=None, said=None, recovering=True, held=False)
    return state.with_watch(monitor.name, node, watch)


def _why(watch: Watch) -> tuple[Said, ...]:
    return (watch.said,) if watch.said is not None else ()

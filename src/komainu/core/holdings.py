"""What runs where. Facts about resources, from the outcomes of actions, from probes and from checks.

An unknown outcome is neither success nor failure: the resource may be in effect. An unknown start is tried again on
the same node after a while and counts against nothing; an unknown stop blocks whoever must wait for it.
"""

from komainu.core import endings, monitors, recovery
from komainu.core.destination import usable
from komainu.core.state import Hold, Presence, Proof, State, Status
from komainu.model import events as e
from komainu.model.actions import RaiseAlert
from komainu.model.config import Group
from komainu.model.copies import replace
from komainu.model.message import Message, Said
from komainu.model.outcome import Outcome, Result

FENCED = Message(
    "KM7201", "Node {node} was fenced: it is proven gone.", "ノード {node} の強制停止を確認しました。", "warning"
)
FENCE_FAILED = Message(
    "KM7202",
    "Fencing of node {node} ended as {result}. It will be tried again.",
    "ノード {node} の強制停止の結果は {result} です。再試行します。",
    "error",
)
NO_REASON = Message("KM7203", "No reason was given.", "理由は示されていません。", "warning")

NOT_STOPPED = Message(
    "KM7204",
    "Resource {resource} could not be stopped on {node}: its final action is `{action}`.",
    "{node} でリソース {resource} を停止できません。最終動作は `{action}` です。",
    "error",
)


def action_finished(state: State, event: e.ActionFinished, rules: int) -> State:
    """A start, stop, fence or script ended. Outcomes of actions that are not pending change nothing."""
    if not event.action:
        return state
    for group in state.cluster.groups:
        for index, hold in enumerate(state.groups[group.name].holds.get(event.node, ())):
            if hold.action == event.action:
                return _hold_finished(state, group, event, index, hold, rules)
    for name, facts in state.nodes.items():
        if facts.fence == event.action and facts.fence_by == event.node:
            return _fence_finished(state, name, event.outcome)
    return monitors.script_finished(state, event.action, event.node)


def node_probed(state: State, event: e.NodeProbed) -> State:
    """The node told what runs on it."""
    facts = state.nodes.get(event.node)
    if facts is None or facts.presence is not Presence.MEMBER or not facts.probe or facts.probe != event.action:
        return state
    state = state.with_node(event.node, replace(facts, probed=True, probe=""))
    found = {(item.group, item.resource): item for item in event.found}
    for group in state.cluster.groups:
        if event.node not in group.nodes:
            continue
        known = state.groups[group.name]
        holds = tuple(
            _found(found.get((group.name, each.name)), event.action) if hold.status is Status.UNKNOWN else hold
            for each, hold in zip(group.resources, known.holds[event.node], strict=True)
        )
        if usable(state, event.node):
            # What was given up has another chance, and there what had failed there.
            known = replace(known, barred=tuple(node for node in known.barred if node != event.node), given_up=False)
        state = state.with_group(group.name, replace(known, holds={**known.holds, event.node: holds}))
    return state


def monitor_changed(state: State, event: e.MonitorChanged) -> State:
    """A check changed its verdict about a running resource."""
    if event.group not in state.groups or event.node not in state.groups[event.group].holds:
        return state
    group = state.cluster.group(event.group)
    for index, hold in enumerate(state.groups[group.name].holds[event.node]):
        if group.resources[index].name == event.resource and hold.status is Status.RUNNING and hold.run == event.run:
            return _judged(state, event, index, hold)
    return state


def _judged(state: State, event: e.MonitorChanged, index: int, hold: Hold) -> State:
    if event.outcome.succeeded:
        warned = event.outcome.said
        state = state.with_hold(event.group, event.node, index, replace(hold, said=warned))
        if warned is None and hold.said is not None:
            monitor = state.cluster.group(event.group).resources[index].monitor or event.resource
            return state.noting(monitors.NORMAL_AGAIN.said(monitor=monitor, node=event.node))
        return state if warned is None or warned == hold.said else _alert(state, warned, event.outcome)
    said = _reason(event.outcome)
    if event.outcome.result is Result.UNKNOWN:
        return _alert(state.with_hold(event.group, event.node, index, replace(hold, said=said)), said, event.outcome)
    failed = replace(hold, status=Status.FAILED, run="", found=False, restarts=hold.restarts + 1, said=said)
    return _alert(state.with_hold(event.group, event.node, index, failed), said, event.outcome)


def _hold_finished(state: State, group: Group, event: e.ActionFinished, index: int, hold: Hold, rules: int) -> State:
    if event.outcome.succeeded:
        if hold.status is Status.STARTING:
            done = replace(hold, status=Status.RUNNING, action="", run=event.action, stop_failures=0, said=None)
        else:
            done = replace(hold, status=Status.STOPPED, action="", run="", epoch=0, stop_failures=0)
        return state.with_hold(group.name, event.node, index, done)
    said = _reason(event.outcome)
    known = hold.said == said
    retry = f"retry:{group.name}:{group.resources[index].name}:{event.node}:{event.action}"
    if hold.status is Status.STOPPING:
        failures = hold.stop_failures + 1
        after = replace(hold, status=Status.STUCK, action="", run="", wait=retry, stop_failures=failures, said=said)
    elif event.outcome.result is Result.UNKNOWN:
        after = replace(hold, status=Status.UNKNOWN, action="", run="", wait=retry, said=said)
    else:
        failures = hold.start_failures + 1
        after = replace(hold, status=Status.FAILED, action="", run="", start_failures=failures, said=said)
    state = state.with_hold(group.name, event.node, index, after)
    # What waits is tried again for ever: it is told once, and again when the reason is another one.
    state = state if after.wait and known else _alert(state, said, event.outcome)
    stuck = after.status is Status.STUCK and rules >= 2
    return _stop_failed(state, group, index, event.node, after) if stuck else state


def _stop_failed(state: State, group: Group, index: int, node: str, hold: Hold) -> State:
    """What does not stop keeps everybody waiting: in the end the node goes with it (C4)."""
    resource = group.resources[index]
    policy = resource.recovery
    over = hold.stop_failures > policy.stop_retries and endings.concerns_node(policy.stop_final_action)
    if not over or not recovery.may_end(state, node) or state.nodes[node].forced:
        return state
    others = any(usable(state, other) for other in state.nodes if other != node)
    if hold.stop_failures > policy.stop_retries + 1 and not others:
        return state  # it is still held back, which was told
    said = NOT_STOPPED.said(resource=resource.name, node=node, action=policy.stop_final_action)
    return endings.finish(state.noting(said), node, policy.stop_final_action, False, (said,))


def _fence_finished(state: State, name: str, outcome: Outcome) -> State:
    facts = state.nodes[name]
    if facts.presence is not Presence.LOST:
        return state.with_node(name, replace(facts, fence="", fence_by=""))
    if outcome.succeeded:
        gone = replace(facts, presence=Presence.GONE, proof=Proof.FENCED, fence="", fence_by="")
        return state.with_node(name, gone).noting(FENCED.said(node=name))
    said = FENCE_FAILED.said(node=name, result=outcome.result)
    state = state.with_node(name, replace(facts, fence="", fence_wait=f"fence:{name}:{facts.fence}"))
    return _alert(state, said, replace(outcome, detail=f"{_reason(outcome).en} {outcome.detail}".strip()))


def _alert(state: State, said: Said, outcome: Outcome) -> State:
    """Raise an alert that keeps the outcome's technical detail (T)."""
    return replace(state, notes=(*state.notes, RaiseAlert(said, outcome.detail)))


def _found(item: e.Found | None, probe: str) -> Hold:
    if item is None or item.result is Result.UNKNOWN:
        return Hold()
    if item.result is Result.FAILED:
        return Hold(Status.STOPPED)
    return Hold(Status.RUNNING, run=probe, epoch=item.epoch, found=True)


def _reason(outcome: Outcome) -> Said:
    return outcome.said or NO_REASON.said()

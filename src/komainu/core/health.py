"""What a failed resource leads to: another attempt here, another node, or the end of recovery (C4, C6)."""

from dataclasses import replace

from komainu.core.placement import settled_on, usable
from komainu.core.state import GroupFacts, Hold, State, Status, Wanted
from komainu.model.config import Group, Resource
from komainu.model.message import Message, Said

FAILS_OVER = Message(
    "KM7501",
    "Group {group} fails over from {node} to {to}: {resource} could not be recovered on {node}.",
    "グループ {group} を {node} から {to} へフェイルオーバします。{node} で {resource} を復旧できませんでした。",
    "error",
)
GIVEN_UP = Message(
    "KM7502",
    "Recovery of {resource} on {node} is at its end: it stays failed, and what depends on it is not started. Mend the "
    "cause, then start group {group} again.",
    "{node} の {resource} の復旧処理を終了しました。異常のまま残し、依存するリソースは起動しません。"
    "原因を取り除いてからグループ {group} を起動してください。",
    "error",
)

MESSAGES = (FAILS_OVER, GIVEN_UP)


def settle(state: State, cause: Said) -> State:
    """Judge every failed resource at the home of its group."""
    for group in state.cluster.groups:
        facts = state.groups[group.name]
        if facts.wanted is not Wanted.UP or facts.home is None or facts.given_up:
            continue
        for resource, hold in zip(group.resources, facts.holds[facts.home], strict=True):
            if hold.status is Status.FAILED and _exhausted(resource, hold):
                state = _escalate(state, group, facts, resource, cause)
                break
    return state


def _exhausted(resource: Resource, hold: Hold) -> bool:
    recovery = resource.recovery
    return hold.start_failures > recovery.start_retries or hold.restarts > recovery.restarts


def _escalate(state: State, group: Group, facts: GroupFacts, resource: Resource, cause: Said) -> State:
    home = facts.home or ""
    barred = (*facts.barred, home)
    others = tuple(node for node in group.nodes if node not in barred and usable(state, node))
    if group.failover == "auto" and facts.failovers < resource.recovery.failovers and others:
        said = FAILS_OVER.said(group=group.name, node=home, to=others[0], resource=resource.name)
        moved = settled_on(state, facts, others[0], (cause, said))
        moved = replace(moved, barred=barred, failovers=facts.failovers + 1)
        return state.with_group(group.name, moved).noting(said)
    said = GIVEN_UP.said(group=group.name, node=home, resource=resource.name)
    return state.with_group(group.name, replace(facts, given_up=True, because=(cause, said))).noting(said)

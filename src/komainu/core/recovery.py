"""The steps of recovery that resources and monitors share: a failover, and the end of recovery (C4, C6, C7, C8)."""

from komainu.core import endings
from komainu.core.destination import refuges, settled_on
from komainu.core.state import GroupFacts, State, Wanted
from komainu.model.config import FinalAction, Group
from komainu.model.copies import replace
from komainu.model.message import Message, Said

FAILS_OVER = Message(
    "KM7501",
    "Group {group} fails over from {node} to {to}: {what} could not be recovered on {node}.",
    "グループ {group} を {node} から {to} へフェイルオーバします。{node} で {what} を復旧できませんでした。",
    "error",
)
GIVEN_UP = Message(
    "KM7502",
    "Recovery of {what} on {node} is at its end: it stays failed, and what depends on it is not started. Mend the "
    "cause, then try again with `komainu group restore {group}`.",
    "{node} の {what} の復旧処理を終了しました。異常のまま残し、依存するリソースは起動しません。"
    "原因を取り除いてから `komainu group restore {group}` を実行してください。",
    "error",
)
STOPPED = Message(
    "KM7503",
    "Recovery of {what} on {node} is at its end: by its final action {target} is stopped.",
    "{node} の {what} の復旧処理を終了し、最終動作により {target} を停止します。",
    "error",
)
TOO_MANY = Message(
    "KM7504",
    "Group {group} has failed over, or had a node ended, {count} times within {ms} ms: neither is done again until "
    "that time is over.",
    "グループ {group} は {ms} ミリ秒以内に {count} 回、フェイルオーバまたはノードの終了を行ったため、この時間が過ぎる"
    "まで、どちらも行いません。",
    "error",
)


def may_recover(state: State, node: str) -> bool:
    """False while nobody wants recovery there (C10), or while it is about to end anyway."""
    return may_end(state, node) and not state.nodes[node].leaving


def may_end(state: State, node: str) -> bool:
    """False while nobody wants that a final action ends the node (C10)."""
    facts = state.nodes[node]
    return not (state.maintenance or facts.suspended or facts.ended)


def failover(state: State, group: Group, what: str, cause: Said) -> State | None:
    """The group on its way to the next node, or None when there is none or it has been moved too often."""
    facts = state.groups[group.name]
    able = refuges(state, group)
    if group.failover == "manual" or facts.home is None or not able or len(facts.recent) >= group.failover_limit:
        return None
    said = FAILS_OVER.said(group=group.name, node=facts.home, to=able[0], what=what)
    state, number = state.numbered()
    moved = replace(
        settled_on(state, facts, able[0], (cause, said)),
        barred=(*facts.barred, facts.home),
        failovers=facts.failovers + 1,
        recent=(*facts.recent, f"failover:{group.name}:{number}"),
    )
    state = state.with_group(group.name, moved).noting(said)
    if len(moved.recent) < group.failover_limit:
        return state
    return state.noting(TOO_MANY.said(group=group.name, count=len(moved.recent), ms=group.failover_window_ms))


def conclude(
    state: State, group: Group, resource: str, node: str, action: FinalAction, what: str, cause: Said
) -> State:
    """The end of recovery of one resource, or of a whole group when `resource` is empty."""
    facts = state.groups[group.name]
    if action == "stop-group":
        said = STOPPED.said(what=what, node=node, target=group.name)
        down = replace(facts, wanted=Wanted.DOWN, home=None, hindrance=None, given_up=False, because=(cause, said))
        return state.with_group(group.name, down).noting(said)
    if action == "stop-resource" and resource:
        said = STOPPED.said(what=what, node=node, target=resource)
        parked = replace(facts, parked=(*facts.parked, resource), because=(cause, said))
        return state.with_group(group.name, parked).noting(said)
    said = GIVEN_UP.said(group=group.name, node=node, what=what)
    given_up = replace(facts, given_up=True, because=(cause, said))
    if not endings.concerns_node(action):
        return state.with_group(group.name, given_up).noting(said)
    if len(facts.recent) >= group.failover_limit:
        # Two nodes that both fail must not end each other in turn for ever: an end counts as a failover does.
        too_many = TOO_MANY.said(group=group.name, count=len(facts.recent), ms=group.failover_window_ms)
        return state.with_group(group.name, given_up).noting(said, too_many)
    state, number = state.numbered()
    recent = (*facts.recent, f"failover:{group.name}:{number}")
    state = state.with_group(group.name, replace(given_up, recent=recent)).noting(said)
    return endings.finish(state, node, action, False, (cause, said))


def cleared(facts: GroupFacts) -> GroupFacts:
    """The group with its counters at nothing."""
    holds = {
        node: tuple(replace(hold, start_failures=0, restarts=0, stop_failures=0) for hold in holds)
        for node, holds in facts.holds.items()
    }
    return replace(facts, holds=holds, barred=(), failovers=0, given_up=False, parked=(), overdue=())

"""The suspension of the whole cluster where rights are limited (C10, N2).

While it is in force nothing starts anywhere, also after a reboot, and so no node needs a right: the kernel isolates
nobody. Therefore every node has to have noted it durably before it is in force, and before it is over every node has to
have noted durably that it is bound by its right again. An operator's word stands for a node that is gone.

A node that has noted it and then loses sight of another one cannot know whether that one saw it come into force, and
needs no right any more. So it starts nothing before they have met again.
"""

from komainu.core import rights
from komainu.core.state import Noted, Presence, Proof, State, Suspension
from komainu.model import answers, events as e
from komainu.model.copies import replace
from komainu.model.message import Message, Said

ABANDONED = Message(
    "KM7132",
    "The cluster is not suspended: not all nodes are there any more. What runs goes on, and nothing is started until "
    "all have met again. If one of them is gone for good, say so: `komainu node confirm-gone NODE`.",
    "参加していないノードがあるため、クラスタをサスペンドしませんでした。動作中のものは継続し、全ノードが再び参加する"
    "まで何も起動しません。戻らないノードがある場合は `komainu node confirm-gone ノード名` を実行してください。",
    "warning",
)


def ask(state: State, on: bool) -> tuple[State, Said | None]:
    """An operator suspends or resumes the cluster."""
    now = state.suspension
    if (now is not None and now.on) is on:
        return state, answers.UNCHANGED.said()
    if not (rights.together(state) or (not on and rights.by_word(state))):
        missing = [name for name, facts in state.nodes.items() if facts.presence is not Presence.MEMBER]
        return state, answers.NOT_TOGETHER.said(nodes=", ".join(missing))
    state, number = state.numbered()
    return replace(state, suspension=Suspension(number, on)), None


def noted(state: State, event: e.SuspensionNoted) -> State:
    """A node has written it down, or is bound by its right again."""
    now = state.suspension
    if now is None or now.id != event.suspension or event.node in now.noted:
        return state
    return replace(state, suspension=replace(now, noted=(*now.noted, event.node)))


def settle(state: State) -> State:
    """In force once all have noted it; over once all are bound again."""
    now = state.suspension
    if now is None:
        return state
    open_ = [name for name in state.nodes if name not in now.noted and not _excused(state, name)]
    if not open_ and not now.on:
        state = replace(state, suspension=None)
        return _mark(state, False)
    if not open_ and not all(facts.suspended or facts.leaving for facts in state.nodes.values()):
        return _mark(state, True)
    if open_ and now.on and not rights.together(state):
        return _abandon(state, now)
    return state


def _abandon(state: State, now: Suspension) -> State:
    """Who has not noted it knows that it is in force nowhere; who has may be the only one to have missed that."""
    if any(name in now.noted for name in state.members()):
        state, number = state.numbered()
        state = _mark(replace(state, suspension=Suspension(number, False)), True)
    else:
        state = replace(state, suspension=None)
    return state.noting(ABANDONED.said())


def in_force(state: State) -> bool:
    """True while no node needs a right, because nothing can start anywhere."""
    return state.suspension is not None and state.suspension.holds(state.nodes) is Noted.IN_FORCE


def _excused(state: State, name: str) -> bool:
    return state.nodes[name].proof is Proof.OPERATOR


def _mark(state: State, on: bool) -> State:
    for name, facts in state.nodes.items():
        if facts.suspended is not on and not (on and facts.leaving):
            said = (answers.SUSPENDED if on else answers.RESUMED).said(node=name)
            state = state.with_node(name, replace(facts, suspended=on)).noting(said)
    return state

"""The suspension of the whole cluster where rights are limited (C10, N2).

While it is in force nothing starts anywhere, also after a reboot, and so no node needs a right: the kernel isolates
nobody. Therefore every node has to have noted it durably before it is in force, and every node has to be bound by its
right again before it is over. An operator's word stands for a node that is gone.
"""

from komainu.core import rights
from komainu.core.state import Presence, Proof, State, Suspension
from komainu.model import answers, events as e
from komainu.model.copies import replace
from komainu.model.message import Message, Said

ABANDONED = Message(
    "KM7132",
    "The cluster is not suspended: not all nodes are there any more. Bring them together and suspend it again.",
    "参加していないノードがあるため、クラスタをサスペンドしませんでした。全ノードが参加してから再度実行してください。",
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
        return replace(state, suspension=None).noting(ABANDONED.said())
    return state


def in_force(state: State) -> bool:
    """True while no node needs a right, because nothing can start anywhere."""
    now = state.suspension
    return now is not None and now.on and all(name in now.noted for name in state.nodes)


def _excused(state: State, name: str) -> bool:
    return state.nodes[name].proof is Proof.OPERATOR


def _mark(state: State, on: bool) -> State:
    for name, facts in state.nodes.items():
        if facts.suspended is not on and not (on and facts.leaving):
            said = (answers.SUSPENDED if on else answers.RESUMED).said(node=name)
            state = state.with_node(name, replace(facts, suspended=on)).noting(said)
    return state

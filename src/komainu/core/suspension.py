"""The suspension of the whole cluster where rights are limited (C10, N2).

While it is in force nothing starts anywhere, also after a reboot, and so no node needs a right: the kernel isolates
nobody. Therefore every node has to have noted it durably before it is in force, and before it is over every node has to
have noted durably that it is bound by its right again. An operator's word stands for a node that is gone.

A node that loses sight of another one on the way cannot know whether that one saw it come into force, and needs no
right any more. So an attempt that fails is ended as a suspension is: nothing starts before all have met again.
"""

from collections.abc import Iterable

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
    if on and state.change is not None:
        return state, answers.ANOTHER.said()
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
    if not now.on:
        # Whoever came back meanwhile starts nothing either: one of the others may run what it runs without a right.
        return _mark(state, True) if open_ else _mark(replace(state, suspension=None), False)
    if not open_:
        return _mark(state, True)
    if rights.together(state):
        return state
    # Nobody knows what the others have heard of it, not even of its own word: it is ended as one that was in force.
    state, number = state.numbered()
    return _mark(replace(state, suspension=Suspension(number, False)), True).noting(ABANDONED.said())


def is_noted(state: State, node: str) -> bool:
    """True when the disk of that node surely has one, as far as this history knows."""
    return state.suspension is not None and node in state.suspension.noted


def met(state: State, members: Iterable[e.Member]) -> State:
    """Whoever comes with a disk that may have none has to note it first: after a crash it would start something."""
    bare = tuple(member.node for member in members if not (member.continuing or member.noted))
    now = state.suspension
    if now is None or not any(node in now.noted for node in bare):
        return state
    return replace(state, suspension=replace(now, noted=tuple(node for node in now.noted if node not in bare)))


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

"""Which nodes count as gone, and when the cluster may begin.

Arbitration `none` takes every lost node as gone. That is no proof: it is the administrator's choice to serve rather
than to be sure, and status, documents and an alert say so (N3).
"""

from komainu.core.presence import confirm_stopped, runs_nothing
from komainu.core.state import NodeFacts, Presence, Proof, State
from komainu.model.copies import replace
from komainu.model.message import Message

ASSUMED = Message(
    "KM7301",
    "Node {node} is taken as gone because arbitration is `none`: nothing proves it. If it is alive and only cut off, "
    "two nodes are active until the connection returns.",
    "アービトレーションが none のため、ノード {node} を停止済みとみなします。証拠はありません。"
    "実際には動作していて通信だけが途絶えている場合、通信が回復するまで両系活性になります。",
    "warning",
)
FORMED = Message("KM7302", "The cluster has formed: {members}.", "クラスタが構成されました: {members}")


def settle(state: State) -> State:
    """Draw what follows from the facts about nodes."""
    if not state.formed and all(_is_known(facts) for facts in state.nodes.values()):
        state = form(state)
    if state.cluster.arbitration.kind == "none":
        state = _assume(state)
    for name, facts in state.nodes.items():
        if facts.presence is Presence.GONE and not runs_nothing(state, name):
            state = confirm_stopped(state, name)
    return state


def _is_known(facts: NodeFacts) -> bool:
    return facts.presence is Presence.MEMBER and facts.probed


def form(state: State) -> State:
    """From now on groups are placed (C9)."""
    return replace(state, formed=True).noting(FORMED.said(members=", ".join(state.members())))


def _assume(state: State) -> State:
    for name, facts in state.nodes.items():
        if facts.presence is Presence.LOST or (facts.presence is Presence.UNSEEN and state.formed):
            gone = replace(facts, presence=Presence.GONE, proof=Proof.ASSUMED)
            state = state.with_node(name, gone).noting(ASSUMED.said(node=name))
    return state

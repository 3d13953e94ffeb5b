"""The right to act without the others, and what it proves of them (N2, N3; the protocol is in docs/en/safety.md).

Together, that is with all configured nodes, nobody needs more than the order of the events. Otherwise a side may start
something only when it holds the vote (two nodes) or is the majority (three and more), and an exclusive group only when
whatever right the missing nodes had has ended: so long after the side began that no clock can be wrong by that much.
The agent of each node sees to its own right, and ends its effects when that ends; see `komainu.agent.rights.right`.
"""

from komainu.core import presence
from komainu.core.state import NodeFacts, Presence, Proof, State, Vote
from komainu.model import events as e
from komainu.model.config import Cluster
from komainu.model.copies import replace
from komainu.model.message import Message, Said

WAITS_FOR_VOTE = Message(
    "KM7421",
    "Group {group} waits: not all nodes are there, and {node} does not hold the vote, so another node may act. Look at "
    "`komainu status`: it says what keeps {node} from the vote.",
    "グループ {group} は待機中です。参加していないノードがあり、{node} は投票権を得ていないため、他のノードが動作して"
    "いる可能性があります。投票権を得られない理由は `komainu status` で確認してください。",
)
WAITS_FOR_MAJORITY = Message(
    "KM7422",
    "Group {group} waits: {members} of {nodes} nodes are no majority, so the others may act.",
    "グループ {group} は待機中です。{nodes} ノード中 {members} ノードでは過半数に満たず、他のノードが動作している"
    "可能性があります。",
    "warning",
)
POWERLESS = Message(
    "KM7423",
    "Group {group} waits: {node} has no right to act now.",
    "グループ {group} は待機中です。{node} は現在、動作する権利を持っていません。",
    "warning",
)
UNDECIDED = Message(
    "KM7429",
    "Group {group} waits: the connection was lost while the third vote was being changed, and the others may act by "
    "the new rules. It starts when all nodes are together, or when an operator has confirmed that they are gone.",
    "グループ {group} は待機中です。第三の投票の変更中に通信が途絶え、他のノードは新しい規則で動作している可能性が"
    "あります。全ノードが参加するか、操作者が他のノードの停止を確認すると起動します。",
    "warning",
)
WON = Message(
    "KM7424",
    "Node {node} holds the vote (epoch {epoch}): it may act without the other node.",
    "ノード {node} が投票権を得ました (エポック {epoch})。他のノードなしで動作できます。",
    "warning",
)
LOST = Message(
    "KM7425",
    "Node {node} does not hold the vote: {reason}",
    "ノード {node} は投票権を持っていません: {reason}",
    "error",
)
ENDING = Message(
    "KM7426",
    "The right of {node} to act ends: everything stops there now ({reason}).",
    "ノード {node} の動作する権利が終わるため、すべてのグループを停止します ({reason})。",
    "error",
)
REGAINED = Message("KM7427", "Node {node} may act again.", "ノード {node} は再び動作できます。", "warning")
EXPIRED = Message(
    "KM7428",
    "Whatever right node {node} had has ended: it is proven gone.",
    "ノード {node} の動作する権利はすべて終了しました。停止済みであることが確認されました。",
    "warning",
)


def settle(before: State, state: State) -> State:
    """Forget what another view has made void; draw what the passing of time has proven."""
    if state.undecided and together(state):
        state = replace(state, undecided=False)
    if not state.cluster.arbitration.limited:
        return state
    if state.ring != before.ring or (together(state) and not departing(state)):
        state = _void(state, (Proof.LEASE, Proof.MAJORITY))
    if state.vote is not None and state.vote.waited:
        for name, facts in state.nodes.items():
            state = _expired(state, name, facts, Proof.LEASE)
    return state


def together(state: State) -> bool:
    """True when all configured nodes are members: then the order of the events is all that is needed."""
    return all(facts.presence is Presence.MEMBER for facts in state.nodes.values())


def entitled(state: State, node: str) -> bool:
    """True when the node may start what it is told to, as far as the missing nodes are concerned."""
    if together(state) or by_word(state):
        return True
    if state.undecided:
        return False
    if not state.cluster.arbitration.limited:
        return True
    return holds_vote(state, node) if state.cluster.arbitration.kind == "lease" else is_majority(state)


def departing(state: State) -> bool:
    """True when a member is about to leave: whoever stays has to hold the vote before it is alone (rule 11)."""
    return any(facts.leaving and facts.presence is Presence.MEMBER for facts in state.nodes.values())


def may_leave(state: State, node: str) -> bool:
    """False while the leave would take the right of the one that stays, and that does not hold the vote yet."""
    others = tuple(name for name in state.members() if name != node)
    if state.cluster.arbitration.kind != "lease" or all(presence.runs_nothing(state, other) for other in others):
        return True
    return any(holds_vote(state, other) for other in others)


def would_stop_others(state: State, node: str) -> bool:
    """True when without that node the members are no majority, and others than it run something."""
    stay = [name for name in state.members() if name != node and not state.nodes[name].leaving]
    served = any(not presence.runs_nothing(state, name) for name in stay)
    return state.cluster.arbitration.kind == "majority" and served and 2 * len(stay) <= len(state.nodes)


def holds_vote(state: State, node: str) -> bool:
    """True when the node has won the vote in this view."""
    return state.vote is not None and state.vote.node == node and state.vote.ring == state.ring


def is_majority(state: State) -> bool:
    """True when the members are more than half of the configured nodes."""
    return 2 * len(state.members()) > len(state.nodes)


def by_word(state: State) -> bool:
    """True when an operator has said of every missing node that it is gone: then no vote is needed."""
    missing = [facts for facts in state.nodes.values() if facts.presence is not Presence.MEMBER]
    return all(facts.presence is Presence.GONE and facts.proof is Proof.OPERATOR for facts in missing)


def may_fence(state: State) -> bool:
    """Nobody shoots before the vote or the majority is won: else both sides would."""
    if not state.cluster.arbitration.limited:
        return True
    return is_majority(state) if state.cluster.arbitration.kind == "majority" else state.vote is not None


def hindrance(state: State, group: str, home: str) -> Said | None:
    """Why nothing may be started on `home` at all, or None."""
    if state.nodes[home].powerless:
        return POWERLESS.said(group=group, node=home)
    if entitled(state, home):
        return None
    if state.undecided:
        return UNDECIDED.said(group=group)
    if state.cluster.arbitration.kind == "lease":
        return WAITS_FOR_VOTE.said(group=group, node=home)
    return WAITS_FOR_MAJORITY.said(group=group, members=len(state.members()), nodes=len(state.nodes))


def waits(state: State) -> dict[str, int]:
    """The timers after which a right that somebody else may have has ended.

    They begin with the vote, or with the loss, and when all are together with that: named so that every vote, loss and
    meeting begins its own. A node may be lost twice in one ring, in one life: a member that stood still meanwhile must
    not tell that the wait of the first loss is over, and end that of the second.
    """
    if together(state):
        return {f"floor:{state.ring}": state.floor_ms} if state.floor_ms else {}
    wait_ms = max(state.cluster.arbitration.wait_ms, state.floor_ms)
    if state.vote is not None and not state.vote.waited:
        return {f"expire:{state.vote.ring}:{state.vote.epoch}": max(state.vote.wait_ms, wait_ms)}
    if state.cluster.arbitration.kind != "majority" or not is_majority(state):
        return {}
    return {
        f"expire:{name}:{state.ring}:{facts.incarnation}:{facts.lost_in}": wait_ms
        for name, facts in state.nodes.items()
        if facts.presence in (Presence.LOST, Presence.UNSEEN)
    }


def agent_return_ms(cluster: Cluster) -> int:
    """How long a node without its daemon is left alone: no longer than its right can last (law 5)."""
    limit = cluster.arbitration.right_ms
    return min(cluster.agent_return_ms, limit) if cluster.arbitration.limited else cluster.agent_return_ms


def expired(state: State, timer: str) -> State:
    """The wait is over."""
    if state.vote is not None:
        return replace(state, vote=replace(state.vote, waited=True))
    name = timer.split(":")[1]
    return _expired(state, name, state.nodes[name], Proof.MAJORITY)


def vote_won(state: State, event: e.VoteWon) -> State:
    """A claim counts in the view in which it was made, and while somebody is missing."""
    unfit = state.cluster.arbitration.kind != "lease" or event.ring != state.ring
    unfit = unfit or (together(state) and not departing(state))
    if unfit or state.nodes[event.node].presence is not Presence.MEMBER:
        return state
    # Newer than anything the other side can have begun: when both meet again, this history goes on.
    state = replace(state, epoch=max(state.epoch + 1, event.epoch))
    vote = Vote(event.node, event.ring, event.epoch, event.waited, event.wait_ms)
    return replace(state, vote=vote, won=event.epoch).noting(WON.said(node=event.node, epoch=event.epoch))


def vote_lost(state: State, event: e.VoteLost) -> State:
    """Whoever has the vote now may have started again what was proven gone."""
    if event.ring != state.ring or together(state):
        return state
    said = LOST.said(node=event.node, reason=event.said)
    for name, facts in state.nodes.items():
        # What a fence under way will tell speaks of a life of that node which may be over.
        state = state.with_node(name, replace(facts, fence="", fence_by="", fence_wait="")) if facts.fence else state
    return _void(state, tuple(Proof)).noting(said)


def right_ending(state: State, event: e.RightEnding) -> State:
    """Everything on that node has to stop."""
    facts = state.nodes[event.node]
    if facts.incarnation != event.incarnation or facts.powerless:
        return state
    said = ENDING.said(node=event.node, reason=event.said)
    return state.with_node(event.node, replace(facts, powerless=True)).noting(said)


def right_regained(state: State, event: e.RightRegained) -> State:
    """The node may act again."""
    facts = state.nodes[event.node]
    if facts.incarnation != event.incarnation or not facts.powerless:
        return state
    return state.with_node(event.node, replace(facts, powerless=False)).noting(REGAINED.said(node=event.node))


def _void(state: State, proofs: tuple[Proof, ...]) -> State:
    state = state if state.vote is None else replace(state, vote=None)
    for name, facts in state.nodes.items():
        if facts.presence is Presence.GONE and facts.proof in proofs:
            state = presence.doubt(state, name)
    return state


def _expired(state: State, name: str, facts: NodeFacts, proof: Proof) -> State:
    if facts.presence not in (Presence.LOST, Presence.UNSEEN):
        return state
    state = replace(state, won=max(state.won, state.epoch)) if proof is Proof.MAJORITY else state
    gone = replace(facts, presence=Presence.GONE, proof=proof, fence="", fence_by="", fence_wait="")
    return state.with_node(name, gone).noting(EXPIRED.said(node=name))

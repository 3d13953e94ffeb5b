"""Who is there. Facts about nodes, from the views of the bus and from what members say of themselves.

Lost is not gone: a node that is out of the ring may be dead, or cut off and at work. Nothing here proves it gone,
except its own clean leave.
"""

from collections.abc import Callable

from komainu.core.state import Hold, NodeFacts, Presence, Proof, State, Status
from komainu.model import events as e
from komainu.model.copies import replace
from komainu.model.message import Message

LOST = Message(
    "KM7101",
    "Node {node} is lost: it left the ring without saying goodbye.",
    "ノード {node} が離脱の通知なしに通信不能になりました。",
    "error",
)
AGENT_LOST = Message(
    "KM7102",
    "The daemon of node {node} does not answer, but the node is alive. Its resources are left alone for now.",
    "ノード {node} のデーモンが応答しませんが、ノードは動作中です。リソースは当面そのままにします。",
    "warning",
)
LEFT = Message(
    "KM7103",
    "Node {node} has left after stopping everything.",
    "ノード {node} は全リソースの停止後に離脱しました。",
)
JOINED = Message("KM7104", "Node {node} has joined.", "ノード {node} が参加しました。")

PRESENT = (Presence.MEMBER, Presence.JOINING, Presence.AGENT_LOST)


def view_changed(state: State, event: e.ViewChanged) -> State:
    """Settle for every node whether it is a member, joining, alive without its daemon, or lost."""
    state = replace(state, ring=event.ring)
    for name, facts in state.nodes.items():
        if name in event.members:
            if facts.presence is not Presence.MEMBER:
                state = _seen_again(state, name)
        elif name in event.nodes:
            if facts.presence in (Presence.MEMBER, Presence.JOINING):
                state = _agent_lost(state, name)
        elif facts.presence in PRESENT:
            state = lose(state, name)
    return _drop_orphaned_fences(state, event.members)


def members_synced(state: State, event: e.MembersSynced) -> State:
    """All members hold this state now; those that bring another history have to be probed (law 8)."""
    # A node that this configuration does not have is none of ours.
    members = tuple(member for member in event.members if member.node in state.nodes)
    epoch = max((state.epoch, *(member.epoch for member in members)))
    newcomers = tuple(member for member in members if not _continues(state, member))
    for member in newcomers:
        facts = NodeFacts(
            Presence.MEMBER,
            member.incarnation,
            member.rules,
            leaving=member.leaving,
            then=member.then,
            suspended=state.nodes[member.node].suspended and not member.leaving,
        )
        state = _forget(state, member.node, facts).noting(JOINED.said(node=member.node))
    return replace(state, ring=event.ring, epoch=epoch + 1 if newcomers else epoch)


def agent_silent(state: State, event: e.AgentSilent) -> State:
    """The daemon is there but does not speak: the same to us as if it were gone.

    Whatever incarnation the accuser knew: from here on nobody waits for that daemon and nobody accuses it again, and
    if it does speak it comes in afresh.
    """
    facts = state.nodes.get(event.node)
    if facts is None or facts.presence not in (Presence.MEMBER, Presence.JOINING):
        return state
    state = _agent_lost(state, event.node)
    return _drop_orphaned_fences(state, state.members())


def doubt(state: State, name: str) -> State:
    """What was proven of a node that is gone may be true no more."""
    facts = state.nodes[name]
    lost = NodeFacts(Presence.LOST, facts.incarnation, facts.rules, suspended=facts.suspended, lost_in=state.epoch)
    return _forget(state, name, lost)


def node_leaving(state: State, event: e.NodeLeaving) -> State:
    """The node wants to leave: nothing is started on it any more."""
    facts = state.nodes.get(event.node)
    if facts is None or facts.presence is not Presence.MEMBER or facts.incarnation != event.incarnation:
        return state
    return state.with_node(event.node, replace(facts, leaving=True, suspended=False))


def lose(state: State, name: str) -> State:
    """The node is out of the ring: from now on it may hold whatever it is eligible for (ADR 0001)."""
    if _has_left(state, name):
        return _gone_by_itself(state, name)
    state = replace(state, epoch=state.epoch + 1)
    facts = state.nodes[name]
    lost = NodeFacts(Presence.LOST, facts.incarnation, facts.rules, suspended=facts.suspended, lost_in=state.epoch)
    return _forget(state, name, lost).noting(LOST.said(node=name))


def runs_nothing(state: State, name: str) -> bool:
    """True when every resource is known to be stopped on the node."""
    return all(hold.status is Status.STOPPED for group in state.groups.values() for hold in group.holds.get(name, ()))


def _continues(state: State, member: e.Member) -> bool:
    facts = state.nodes[member.node]
    return member.continuing and facts.presence is Presence.MEMBER and facts.incarnation == member.incarnation


def _seen_again(state: State, name: str) -> State:
    # Whatever was proven of the node belonged to an earlier incarnation.
    facts = state.nodes[name]
    joining = NodeFacts(Presence.JOINING, facts.incarnation, facts.rules, suspended=facts.suspended)
    return _forget(state, name, joining)


def _has_left(state: State, name: str) -> bool:
    # Nothing is ever started on a leaving node, and its daemon says in every Hello that it leaves: so this stays true
    # whatever it delivered that we did not.
    return state.nodes[name].leaving and runs_nothing(state, name)


def _gone_by_itself(state: State, name: str) -> State:
    facts = state.nodes[name]
    gone = NodeFacts(Presence.GONE, facts.incarnation, facts.rules, Proof.CLEAN_LEAVE)
    return state.with_node(name, gone).noting(LEFT.said(node=name))


def _agent_lost(state: State, name: str) -> State:
    if _has_left(state, name):
        return _gone_by_itself(state, name)
    facts = state.nodes[name]
    silent = NodeFacts(
        Presence.AGENT_LOST, facts.incarnation, facts.rules, probed=facts.probed, suspended=facts.suspended
    )
    state = state.with_node(name, silent)
    # What was under way may have been done or not. What it was never told it cannot have done: it saw what we saw.
    return _each_hold(state, name, _blur_pending).noting(AGENT_LOST.said(node=name))


def _forget(state: State, name: str, facts: NodeFacts) -> State:
    return _each_hold(state.with_node(name, facts), name, lambda hold: Hold(said=hold.said))


def _blur_pending(hold: Hold) -> Hold:
    return Hold(said=hold.said) if hold.action else hold


def _each_hold(state: State, node: str, change: Callable[[Hold], Hold]) -> State:
    groups = {
        name: replace(group, holds={**group.holds, node: tuple(change(hold) for hold in group.holds[node])})
        if node in group.holds
        else group
        for name, group in state.groups.items()
    }
    return replace(state, groups=groups)


def confirm_stopped(state: State, name: str) -> State:
    """The node is proven gone: nothing runs on it."""
    return _each_hold(state, name, lambda hold: Hold(Status.STOPPED))


def _drop_orphaned_fences(state: State, members: tuple[str, ...]) -> State:
    # A fence in the hands of a node that is no member any more has to be tried by another one.
    for name, facts in state.nodes.items():
        if facts.fence and facts.fence_by not in members:
            state = state.with_node(name, replace(facts, fence="", fence_by=""))
    return state

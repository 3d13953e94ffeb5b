"""The end of a node that was decided here: a final action (C7), or an operator's wish (C10).

A node first stops what runs on it, so that the others see a clean leave. If that hangs, or cannot succeed, it is ended
without it; that is no proof for anybody that it is gone.
"""

from typing import Literal

from komainu.core.presence import runs_nothing
from komainu.core.state import NodeFacts, Presence, State, Status
from komainu.model.actions import Ending, EndNode
from komainu.model.config import FinalAction, Group
from komainu.model.copies import replace
from komainu.model.message import Message, Said

How = Literal["shutdown", "reboot", "panic", "reset"]

HELD_BACK = Message(
    "KM7111",
    "The final action `{action}` on {node} is held back: all other nodes are down, it would end the last service.",
    "{node} の最終動作 `{action}` を抑止しました。他の全ノードが停止しており、最後のサービスが失われるためです。",
    "error",
)
ENDS = Message(
    "KM7112",
    "Node {node} ends by the final action `{action}`.",
    "最終動作 `{action}` により、ノード {node} を終了します。",
    "error",
)
HANGS = Message(
    "KM7113",
    "Node {node} could not stop everything that runs on it: it is ended now ({how}).",
    "ノード {node} は動作中のものをすべて停止することができないため、強制的に終了します ({how})。",
    "error",
)


def concerns_node(action: FinalAction) -> bool:
    """True for final actions that end a node."""
    return action in ("stop-service", "shutdown", "reboot", "panic", "reset")


def finish(state: State, node: str, action: FinalAction, np: bool, because: tuple[Said, ...]) -> State:
    """Carry out a final action that ends a node, or hold it back."""
    facts = state.nodes[node]
    if facts.ended or facts.forced:
        return state
    if not np and would_end_all(state, node):
        return state.noting(HELD_BACK.said(node=node, action=action))
    state = state.noting(ENDS.said(node=node, action=action))
    if action == "panic" or action == "reset":
        return _end(state, node, action, because)
    then: Ending = "stop" if action == "stop-service" else "reboot" if action == "reboot" else "shutdown"
    return depart(state, node, then, forced=True)


def settle(state: State) -> State:
    """End what leaves and cannot come to an end of it."""
    for name, facts in state.nodes.items():
        if facts.forced and not facts.ended and facts.presence is Presence.MEMBER and facts.probed:
            state = cut_short(state, name) if hopeless(state, name) else state
    return state


def would_end_all(state: State, node: str) -> bool:
    """True when all other nodes are known to be down (C7)."""
    return all(_known_down(other) for name, other in state.nodes.items() if name != node)


def depart(state: State, node: str, then: Ending, forced: bool = False) -> State:
    """The node stops its groups and leaves, then goes on as told."""
    facts = replace(state.nodes[node], leaving=True, then=then, forced=forced, suspended=False)
    return state.with_node(node, facts)


def hopeless(state: State, node: str) -> bool:
    """True when all that still runs on a node that was forced to leave is known not to stop."""
    return not (runs_nothing(state, node) or any(_may_stop_yet(state, group, node) for group in state.cluster.groups))


def _may_stop_yet(state: State, group: Group, node: str) -> bool:
    """True when something of the group runs there that is not stuck, and not below something that is."""
    holds = state.groups[group.name].holds.get(node, ())
    stuck = [False] * len(holds)
    for index in reversed(range(len(holds))):
        tried = holds[index].stop_failures > group.resources[index].recovery.stop_retries
        itself = holds[index].status is Status.STUCK and tried
        stuck[index] = itself or any(stuck[above] for above in group.needed_by[index])
    return any(hold.status is not Status.STOPPED and not stuck[index] for index, hold in enumerate(holds))


def cut_short(state: State, node: str) -> State:
    """It has waited for its stops long enough."""
    facts = state.nodes[node]
    if facts.ended or not (facts.forced or facts.then in ("shutdown", "reboot")):
        return state
    how: How = facts.then if facts.then == "shutdown" or facts.then == "reboot" else "reset"
    said = HANGS.said(node=node, how=how)
    return _end(state.noting(said), node, how, (said,))


def _end(state: State, node: str, how: How, because: tuple[Said, ...]) -> State:
    state, number = state.numbered()
    state = state.with_node(node, replace(state.nodes[node], leaving=True, forced=True, ended=True))
    return state.doing(EndNode(number, node, how, because))


def _known_down(facts: NodeFacts) -> bool:
    # What is merely lost may be the one that serves, or may not: then this node must not stay for its sake (C7).
    return facts.proven_gone or facts.leaving or facts.ended

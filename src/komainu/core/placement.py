"""Where each group should be.

A group stays where it is as long as that is possible: nothing here moves a group for beauty. When two nodes are found
to run it, the newer takeover stays, else the earlier node in the group's order.
"""

from dataclasses import replace

from komainu.core.state import GroupFacts, Presence, State, Status, Wanted
from komainu.model.config import Group
from komainu.model.message import Message, Said

PLACED = Message(
    "KM7601",
    "Group {group} belongs on {node}: the first startable node that is usable.",
    "グループ {group} を {node} に配置します。起動可能なノードのうち最優先のものです。",
)
TAKEN_OVER = Message(
    "KM7602",
    "Group {group} goes from {old} to {node}.",
    "グループ {group} を {old} から {node} へ引き継ぎます。",
    "warning",
)
NO_NODE = Message(
    "KM7603",
    "There is no node on which group {group} could run.",
    "グループ {group} を起動できるノードがありません。",
    "error",
)
PARKED = Message(
    "KM7604",
    "Group {group} is not started elsewhere: its failover attribute is manual. Start it with "
    "`komainu group start {group}`.",
    "フェイルオーバ属性が手動のため、グループ {group} は他のノードで起動しません。"
    "起動するには `komainu group start {group}` を実行してください。",
    "warning",
)
FOUND = Message("KM7605", "Group {group} was found running on {node}.", "グループ {group} は {node} で動作中でした。")
BOTH_ACTIVE = Message(
    "KM7606",
    "Group {group} was active on several nodes at once: {nodes}. It stays on {node}; the others stop it.",
    "グループ {group} が複数のノードで同時に活性でした: {nodes}。{node} を残し、他のノードでは停止します。",
    "error",
)

MESSAGES = (PLACED, TAKEN_OVER, NO_NODE, PARKED, FOUND, BOTH_ACTIVE)

HERE_TO_STAY = (Presence.MEMBER, Presence.JOINING, Presence.AGENT_LOST)
"A home in one of these states keeps its group."


def choose(state: State, cause: Said) -> State:
    """Give every group that should run a home, if there is one."""
    if not state.formed:
        return state
    for group in state.cluster.groups:
        state = _judge_found(state, group, cause)
        facts = state.groups[group.name]
        if facts.wanted is not Wanted.UP:
            if facts.home is not None:
                state = state.with_group(group.name, replace(facts, home=None, hindrance=None))
        elif facts.home is None or not _tenable(state, facts.home):
            state = _rehouse(state, group, facts, cause)
    return state


def usable(state: State, node: str) -> bool:
    """True when something could be started on the node."""
    facts = state.nodes[node]
    return facts.presence is Presence.MEMBER and facts.probed and not facts.leaving


def settled_on(state: State, facts: GroupFacts, node: str, because: tuple[Said, ...]) -> GroupFacts:
    """The group with a new home, on which no attempt has been made yet."""
    fresh = tuple(replace(hold, start_failures=0, restarts=0) for hold in facts.holds[node])
    facts = replace(facts, holds={**facts.holds, node: fresh})
    return replace(facts, home=node, since=state.epoch, given_up=False, hindrance=None, because=because)


def _tenable(state: State, home: str) -> bool:
    facts = state.nodes[home]
    return facts.presence in HERE_TO_STAY and not facts.leaving


def _rehouse(state: State, group: Group, facts: GroupFacts, cause: Said) -> State:
    if facts.home is not None and group.failover == "manual":
        said = PARKED.said(group=group.name)
        parked = replace(facts, wanted=Wanted.IDLE, home=None, hindrance=None, because=(cause, said))
        return state.with_group(group.name, parked).noting(said)
    able = tuple(node for node in group.nodes if usable(state, node))
    # Rather a node on which it has failed before than none at all.
    candidates = tuple(node for node in able if node not in facts.barred) or able
    if not candidates:
        if facts.home is None:
            return state
        said = NO_NODE.said(group=group.name)
        homeless = replace(facts, home=None, hindrance=None, because=(cause, said))
        return state.with_group(group.name, homeless).noting(said)
    if facts.home is None:
        said = PLACED.said(group=group.name, node=candidates[0])
    else:
        said = TAKEN_OVER.said(group=group.name, old=facts.home, node=candidates[0])
    return state.with_group(group.name, settled_on(state, facts, candidates[0], (cause, said))).noting(said)


def _judge_found(state: State, group: Group, cause: Said) -> State:
    facts = state.groups[group.name]
    if not any(hold.found for holds in facts.holds.values() for hold in holds):
        return state
    runners = tuple(node for node in group.nodes if _takeover_epoch(facts, node) >= 0)
    judged = {
        node: tuple(replace(hold, found=False) if hold.found else hold for hold in holds)
        for node, holds in facts.holds.items()
    }
    facts = replace(facts, holds=judged)
    if facts.wanted is Wanted.DOWN:
        return state.with_group(group.name, facts)
    stays = max(runners, key=lambda node: (_takeover_epoch(facts, node), -group.nodes.index(node)))
    said = FOUND.said(group=group.name, node=stays)
    if len(runners) > 1:
        said = BOTH_ACTIVE.said(group=group.name, nodes=", ".join(runners), node=stays)
        state = state.noting(said)
    kept = replace(
        facts, wanted=Wanted.UP, home=stays, since=_takeover_epoch(facts, stays), hindrance=None, because=(cause, said)
    )
    return state.with_group(group.name, kept)


def _takeover_epoch(facts: GroupFacts, node: str) -> int:
    """The epoch of the takeover by which the node runs something of the group, or -1 when it runs nothing of it."""
    running = [hold.epoch for hold in facts.holds[node] if hold.status in (Status.RUNNING, Status.STARTING)]
    return max(running, default=-1)

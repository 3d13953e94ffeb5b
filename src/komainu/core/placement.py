"""Where each group should be.

A group stays where it is as long as that is possible: nothing here moves a group for beauty. When two nodes are found
to run it, the newer takeover stays, else the earlier node in the group's order.
"""

from komainu.core import takeover
from komainu.core.destination import at_rest, crowded, destinations, excluded, refuges, settled_on
from komainu.core.scope import stirred
from komainu.core.state import GroupFacts, Presence, Proof, State, Status, Wanted
from komainu.model.config import Group
from komainu.model.copies import replace
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
FAILS_BACK = Message(
    "KM7607",
    "Group {group} goes back to {node}, which comes before its present node and has been in order for long enough.",
    "グループ {group} を、優先順位が高く一定時間正常なノード {node} へ戻します (自動フェイルバック)。",
)

HERE_TO_STAY = (Presence.MEMBER, Presence.JOINING, Presence.AGENT_LOST)
"A home in one of these states keeps its group."


def choose(before: State, state: State, cause: Said) -> State:
    """Give every group that should run a home, if there is one."""
    if not state.formed:
        return state
    for _ in range(len(state.cluster.groups) + 1):
        # Where one group goes may depend on where a later one is.
        groups, before = stirred(before, state), state
        if not groups:
            break
        state = _choose_once(state, groups, cause)
    return state


def _choose_once(state: State, groups: tuple[Group, ...], cause: Said) -> State:
    for group in groups:
        state = _judge_found(state, group, cause)
        facts = state.groups[group.name]
        if facts.wanted is not Wanted.UP:
            if facts.home is not None:
                state = state.with_group(group.name, replace(facts, home=None, hindrance=None))
        elif facts.home is None or not _tenable(state, group, facts.home):
            # While nothing is to be recovered, only what an operator asked for.
            state = _rehouse(state, group, facts, cause) if facts.ordered or not state.maintenance else state
        elif facts.ordered and (at_rest(state, group) or facts.given_up):
            state = state.with_group(group.name, replace(facts, ordered=False))
    return state


def better_home(state: State, group: Group) -> str | None:
    """The node to which the group should go back by itself, if there is one (C3: failback)."""
    facts = state.groups[group.name]
    if group.failback == "manual" or facts.home is None or facts.home == group.nodes[0]:
        return None
    if not at_rest(state, group) or state.maintenance or state.nodes[facts.home].suspended:
        return None
    earlier = group.nodes[: group.nodes.index(facts.home)]
    able = (node for node in refuges(state, group) if node in earlier and not crowded(state, group, node))
    return next((node for node in able if takeover.unproven(state, group, node) is None), None)


def fail_back(state: State, name: str) -> State:
    """The better node has been there for long enough."""
    group, facts = state.cluster.group(name), state.groups[name]
    node = better_home(state, group)
    if node is None:
        return state
    said = FAILS_BACK.said(group=name, node=node)
    return state.with_group(name, settled_on(state, facts, node, (said,))).noting(said)


def _tenable(state: State, group: Group, home: str) -> bool:
    facts = state.nodes[home]
    if facts.suspended and (facts.presence is Presence.LOST or facts.proof is Proof.ASSUMED):
        return True  # what runs there was to go on whatever happens to the connection (C10)
    if facts.presence not in HERE_TO_STAY or facts.leaving or facts.ended:
        return False
    if facts.powerless and group.failover == "auto" and destinations(state, group):
        return False
    for other in excluded(state, group, "absolute"):
        # Of two that must not share a node the one that comes first in the configuration stays.
        names = tuple(state.groups)
        if state.groups[other].home == home and names.index(other) < names.index(group.name):
            return False
    homes = (state.groups[needed.group].home for needed in group.depends_on if needed.same_node)
    return all(other is None or other == home for other in homes)


def _rehouse(state: State, group: Group, facts: GroupFacts, cause: Said) -> State:
    lost = facts.home is not None and state.nodes[facts.home].presence not in HERE_TO_STAY
    if facts.home is not None and group.failover == "manual" and (lost or state.nodes[facts.home].leaving):
        said = PARKED.said(group=group.name)
        parked = replace(facts, wanted=Wanted.IDLE, home=None, hindrance=None, because=(cause, said))
        return state.with_group(group.name, parked).noting(said)
    candidates = destinations(state, group)
    if not candidates:
        if facts.home is None:
            return state
        said = NO_NODE.said(group=group.name)
        homeless = replace(facts, home=None, hindrance=None, because=(cause, said))
        ordered = all(state.nodes[node].leaving or state.nodes[node].suspended for node in group.nodes)
        state = state.with_group(group.name, homeless)
        return state if ordered else state.noting(said)
    if facts.home is None and _better_is_coming(state, group, candidates[0]):
        return state
    if facts.home is None:
        said = PLACED.said(group=group.name, node=candidates[0])
    else:
        said = TAKEN_OVER.said(group=group.name, old=facts.home, node=candidates[0])
    return state.with_group(group.name, settled_on(state, facts, candidates[0], (cause, said))).noting(said)


def _better_is_coming(state: State, group: Group, node: str) -> bool:
    """True while an earlier node, a member, is just telling what runs on it: where nothing runs, that is awaited."""
    earlier = (state.nodes[name] for name in group.nodes[: group.nodes.index(node)])
    return any(
        facts.presence is Presence.MEMBER and not (facts.probed or facts.leaving or facts.suspended or facts.ended)
        for facts in earlier
    )


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
    # What is suspended cannot be told to stop.
    rank = {node: (state.nodes[node].suspended, _takeover_epoch(facts, node)) for node in runners}
    stays = max(runners, key=lambda node: (*rank[node], -group.nodes.index(node)))
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

"""The takeover law (ADR 0001): when a group may start on a node.

No exclusive resource starts while any node eligible for it is lost and not proven gone. It does not matter whether
this history ever saw a start there: agreed delivery does not mean that everybody delivered, and a lost member may have
acted on a message that the survivors never saw.

A node that is in the ring is known exactly, even when its daemon is gone: it saw no more than we did.
"""

from komainu.core import rights, waits
from komainu.core.state import GroupFacts, Presence, State, Status
from komainu.model.config import Group
from komainu.model.message import Message, Said

WAITS_FOR_PROOF = Message(
    "KM7401",
    "Group {group} waits: node {node} is lost and may still run it. If you have made sure that the node is off, say so "
    "with `komainu node confirm-gone {node}`.",
    "グループ {group} は待機中です。ノード {node} は通信不能で、まだ稼働している可能性があります。"
    "停止を確認した場合は `komainu node confirm-gone {node}` を実行してください。",
    "warning",
)
WAITS_FOR_END = Message(
    "KM7404",
    "Group {group} waits until whatever right node {node} had to act has surely ended.",
    "グループ {group} は、ノード {node} の動作する権利が確実に終わるまで待機します。",
)
WAITS_FOR_PROBE = Message(
    "KM7402",
    "Group {group} waits until it is known what runs on node {node}.",
    "グループ {group} はノード {node} の実際の状態が判明するまで待機します。",
)
WAITS_FOR_STOP = Message(
    "KM7403",
    "Group {group} waits until it has stopped on node {node}.",
    "グループ {group} はノード {node} での停止完了を待っています。",
)


def hindrance(state: State, group: Group, home: str) -> Said | None:
    """Why the group may not start on `home` now, or None when it may."""
    said = rights.hindrance(state, group.name, home) or by_others(state, group, home)
    return said if said is not None else waits.hindrance(state, group, home)


def by_others(state: State, group: Group, home: str) -> Said | None:
    """Why another node than `home` may be running the group now, or None."""
    facts = state.groups[group.name]
    for node in group.nodes:
        said = _hindrance_by(state, group, facts, node) if node != home else None
        if said is not None:
            return said
    return None


def unproven(state: State, group: Group, home: str) -> str | None:
    """The first node that is lost and not proven gone, for which a start of the group on `home` would have to wait."""
    if not group.exclusive:
        return None
    lost = (node for node in group.nodes if state.nodes[node].presence in (Presence.LOST, Presence.UNSEEN))
    return next((node for node in lost if node != home), None)


def _hindrance_by(state: State, group: Group, facts: GroupFacts, node: str) -> Said | None:
    presence = state.nodes[node].presence
    if presence is Presence.GONE:
        return None
    if presence is Presence.JOINING:
        return WAITS_FOR_PROBE.said(group=group.name, node=node) if group.exclusive else None
    if presence in (Presence.LOST, Presence.UNSEEN):
        waits_for = WAITS_FOR_END if rights.waits(state) else WAITS_FOR_PROOF
        return waits_for.said(group=group.name, node=node) if group.exclusive else None
    if presence is Presence.MEMBER and not state.nodes[node].probed:
        return WAITS_FOR_PROBE.said(group=group.name, node=node)
    for hold in facts.holds[node]:
        # A stop that failed must not keep a group down for ever when two at once do no harm.
        if hold.status is not Status.STOPPED and (group.exclusive or hold.status is not Status.STUCK):
            return WAITS_FOR_STOP.said(group=group.name, node=node)
    return None

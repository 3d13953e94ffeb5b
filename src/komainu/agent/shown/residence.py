"""How a stopped node shows its cluster (C10): what a member says, else what can be said without one. Pure."""

from typing import Any

from komainu.core.state import GroupFacts, Hold, NodeFacts, Presence, Proof, State, Status, Wanted, initial, marks
from komainu.model.config import Cluster
from komainu.model.message import Message, Said

STOPPED = Message(
    "KM5540",
    "Node {node} is stopped. `komainu node start {node}` takes it in again, `komainu cluster start` all nodes.",
    "ノード {node} は停止しています。`komainu node start {node}` でこのノードを、`komainu cluster start` で全ノードを"
    "起動できます。",
    "warning",
)
ALL_STOPPED = Message(
    "KM5541",
    "The cluster is stopped on all nodes. `komainu cluster start` starts it.",
    "クラスタは全ノードで停止しています。`komainu cluster start` で起動できます。",
    "warning",
)
NOT_KNOWN = Message(
    "KM5542",
    "Node {node} is stopped, and no member of the cluster is to be heard here: what runs on {others} is not known.",
    "ノード {node} は停止しており、クラスタのメンバーと通信できません。{others} で動作しているものは不明です。",
    "warning",
)
STARTS_AGAIN = Message(
    "KM5543",
    "Node {node} takes part in the cluster again: an operator on {by} started it.",
    "{by} の操作者により、ノード {node} がクラスタに再び参加します。",
)
STAYS = Message(
    "KM5544",
    "Node {node} has left the cluster. Komainud stays, and waits to be started again.",
    "ノード {node} はクラスタから離脱しました。komainud は常駐し、起動の指示を待ちます。",
)

REMOVED = Message(
    "KM5545",
    "Node {node} was removed from the cluster while it was stopped. Run `systemctl disable --now komainud` here: "
    "started again it would be a cluster of its own, with the same addresses.",
    "ノード {node} は停止中にクラスタから削除されました。このノードで `systemctl disable --now komainud` を"
    "実行してください。再び起動すると、同じアドレスを持つ別のクラスタとして動作します。",
    "error",
)


def picture(cluster: Cluster, epoch: int, me: str, stopped: tuple[str, ...]) -> State:
    """The state as far as a stopped node knows it without a member. `stopped`: nodes known to have left as well."""
    at_rest = (me, *stopped)
    others = [node.name for node in cluster.nodes if node.name not in at_rest]
    why = NOT_KNOWN.said(node=me, others=", ".join(others)) if others else ALL_STOPPED.said()
    gone, unseen = NodeFacts(Presence.GONE, proof=Proof.CLEAN_LEAVE), NodeFacts(Presence.UNSEEN)
    groups = {
        group.name: GroupFacts(
            wanted=Wanted.DOWN,
            because=(why,),
            holds={
                node: tuple(Hold(Status.STOPPED if node in at_rest else Status.UNKNOWN) for _ in group.resources)
                for node in group.nodes
            },
        )
        for group in cluster.groups
    }
    nodes = {node.name: gone if node.name in at_rest else unseen for node in cluster.nodes}
    return State(cluster, epoch=epoch, formed=True, nodes=nodes, groups=groups)


def taken_over(known: State, cluster: Cluster, me: str) -> State | Said | None:
    """What a stopped node knows from now on, with the configuration that a member says is in force.

    None: it is not newer. Which history goes on is found out when it takes part again. An alert: it has no place in it.
    """
    if cluster.version <= known.cluster.version:
        return None
    if me not in [node.name for node in cluster.nodes]:
        return REMOVED.said(node=me)
    return initial(cluster, known.epoch, marks(known))


def seen_from(me: str, own: dict[str, Any], told: dict[str, Any] | None) -> dict[str, Any]:
    """The status that a stopped node shows: the member's, with this node's own word about itself."""
    shown = {**told, "here": own["here"]} if told is not None else own
    return {**shown, "nodes": [_stopped(me, node) for node in shown["nodes"]]}


def _stopped(me: str, node: dict[str, Any]) -> dict[str, Any]:
    """This node as it is: stopped by an operator, who is told how to start it."""
    if node["name"] != me:
        return node
    return {**node, "why": STOPPED.said(node=me).as_json()}

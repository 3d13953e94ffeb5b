"""Operations on nodes, and on all of them at once: the cluster (C10)."""

from typing import Any, Literal

from pydantic import Field

from komainu.agent.daemon import Daemon
from komainu.agent.shown import words
from komainu.api import nearest
from komainu.api.answers import CommandAnswer, NodesAnswer
from komainu.api.command import Changing, command
from komainu.api.operation import OPERATE, READ, Nothing, Operation
from komainu.model import commands as c
from komainu.model.message import Message, Said
from komainu.model.names import Name
from komainu.model.signature import signed

NODE_STOPPED = Message(
    "KM6061",
    "Node {node} is stopped already. Nothing was changed.",
    "ノード {node} は既に停止しています。変更はありません。",
)
CLUSTER_STOPPED = Message(
    "KM6062", "The cluster is stopped already. Nothing was changed.", "クラスタは既に停止しています。変更はありません。"
)

WORD_OF = Message(
    "KM6063",
    "{who} on {origin} confirmed that node {node} (daemon {incarnation}) is gone.",
    "{origin} の {who} が、ノード {node} (デーモン {incarnation}) の停止を確認しました。",
    "warning",
)

Then = Literal["stop", "shutdown", "reboot"]


class NodeRequest(Changing):
    """One node."""

    node: Name


class ClusterRequest(Changing):
    """All nodes that are there."""


class StopNodeRequest(Changing):
    """One node, and what comes after it has stopped everything and left."""

    node: Name
    then: Then = "stop"
    "`stop`: its daemon stays, and can start it again. Otherwise its operating system goes down as well."


class StopClusterRequest(Changing):
    """All nodes that are there, and what comes after."""

    then: Then = "stop"


class SwitchRequest(Changing):
    """A switch."""

    on: bool


class GoneRequest(Changing):
    """The operator's word."""

    node: Name
    epoch: int = Field(ge=0)
    "The epoch of the answer in which the operator saw the node lost."
    who: str = ""
    "Who gives the word."


async def _nodes(daemon: Daemon, _: Nothing) -> dict[str, Any]:
    return {"epoch": daemon.state.epoch, "nodes": daemon.status()["nodes"]}


async def _stop(daemon: Daemon, request: StopNodeRequest) -> dict[str, Any]:
    state, node = daemon.state, nearest.node(daemon.state.cluster, request.node)
    if request.then == "stop" and words.node(state, node).word is words.Word.OFFLINE:
        return _so_already(NODE_STOPPED.said(node=node))
    return await command(daemon, c.StopNode(node, request.then), dry_run=request.dry_run)


async def _stop_all(daemon: Daemon, request: StopClusterRequest) -> dict[str, Any]:
    state = daemon.state
    if request.then == "stop" and all(words.node(state, name).word is words.Word.OFFLINE for name in state.nodes):
        return _so_already(CLUSTER_STOPPED.said())
    return await command(daemon, c.StopNode(None, request.then), dry_run=request.dry_run)


async def _suspend(daemon: Daemon, request: NodeRequest) -> dict[str, Any]:
    node = nearest.node(daemon.state.cluster, request.node)
    return await command(daemon, c.SuspendNode(node), dry_run=request.dry_run)


async def _suspend_all(daemon: Daemon, request: ClusterRequest) -> dict[str, Any]:
    return await command(daemon, c.SuspendNode(None), dry_run=request.dry_run)


async def _resume(daemon: Daemon, request: NodeRequest) -> dict[str, Any]:
    node = nearest.node(daemon.state.cluster, request.node)
    return await command(daemon, c.ResumeNode(node), dry_run=request.dry_run)


async def _resume_all(daemon: Daemon, request: ClusterRequest) -> dict[str, Any]:
    return await command(daemon, c.ResumeNode(None), dry_run=request.dry_run)


async def _maintenance(daemon: Daemon, request: SwitchRequest) -> dict[str, Any]:
    return await command(daemon, c.SetMaintenance(request.on), dry_run=request.dry_run)


async def _confirm_gone(daemon: Daemon, request: GoneRequest) -> dict[str, Any]:
    node = nearest.node(daemon.state.cluster, request.node)
    answer = await command(daemon, c.ConfirmGone(node, request.epoch), dry_run=request.dry_run)
    if answer["accepted"] and not request.dry_run:
        # The core's alert tells that it was done; who did it is for the record alone.
        life = daemon.state.nodes[node].incarnation or "-"
        said = WORD_OF.said(who=signed(request.who, ""), origin=daemon.around.me, node=node, incarnation=life)
        daemon.parts.recorder.alert(said)
    return answer


def _so_already(said: Said) -> dict[str, Any]:
    return {"accepted": True, "said": said.as_json(), "course": None}


ROWS = (
    Operation("node.list", Nothing, NodesAnswer, READ, answer_by=_nodes),
    Operation("node.stop", StopNodeRequest, CommandAnswer, OPERATE, answer_by=_stop),
    Operation("node.suspend", NodeRequest, CommandAnswer, OPERATE, answer_by=_suspend),
    Operation("node.resume", NodeRequest, CommandAnswer, OPERATE, answer_by=_resume),
    Operation("node.confirm-gone", GoneRequest, CommandAnswer, OPERATE, answer_by=_confirm_gone),
    Operation("cluster.stop", StopClusterRequest, CommandAnswer, OPERATE, answer_by=_stop_all),
    Operation("cluster.suspend", ClusterRequest, CommandAnswer, OPERATE, answer_by=_suspend_all),
    Operation("cluster.resume", ClusterRequest, CommandAnswer, OPERATE, answer_by=_resume_all),
    Operation("maintenance", SwitchRequest, CommandAnswer, OPERATE, answer_by=_maintenance),
)

"""Operations on nodes."""

from typing import Any

from pydantic import Field

from komainu.agent.daemon import Daemon
from komainu.api import answers
from komainu.api.command import command
from komainu.api.operation import OPERATE, READ, Nothing, Operation, Request
from komainu.core import events as e
from komainu.model.names import Name


class GoneRequest(Request):
    """The operator's word."""

    node: Name
    epoch: int = Field(ge=0)
    "The epoch of the answer in which the operator saw the node lost."


async def _nodes(daemon: Daemon, _: Nothing) -> dict[str, Any]:
    return {"epoch": daemon.state.epoch, "nodes": daemon.status()["nodes"]}


async def _confirm_gone(daemon: Daemon, request: GoneRequest) -> dict[str, Any]:
    return await command(daemon, e.ConfirmGone(request.node, request.epoch))


ROWS = (
    Operation("node.list", Nothing, answers.NodesAnswer, READ, answer_by=_nodes),
    Operation("node.confirm-gone", GoneRequest, answers.CommandAnswer, OPERATE, answer_by=_confirm_gone),
)

"""Whether the fence would work, for operators: before it is needed, from the node that is asked (N3).

docs/en/fence.md says the same to administrators.
"""

from typing import Any

from komainu.agent.daemon import Daemon
from komainu.api.answers import Answer, SaidAnswer
from komainu.api.operation import OPERATE, Nothing, Operation, OperationRefused
from komainu.model.message import Message

NO_FENCE = Message(
    "KM6420",
    "This cluster has no fence: its `arbitration` (kind `{kind}`) names none.",
    "このクラスタには強制停止の設定がありません: `arbitration` (種類 {kind}) に `fence` がありません。",
    "error",
)


class TargetAnswer(Answer):
    """One other node."""

    node: str
    findings: list[SaidAnswer]
    "What would keep it from being fenced; nothing: it can be fenced."


class FenceCheckAnswer(Answer):
    """The examination of the fence from one node."""

    good: bool
    "Every other node can be fenced from here."
    by: str
    "The node that examined it."
    type: str
    nodes: list[TargetAnswer]


async def _check(daemon: Daemon, _: Nothing) -> dict[str, Any]:
    arbitration = daemon.state.cluster.arbitration
    if arbitration.fence is None:
        raise OperationRefused(NO_FENCE.said(kind=arbitration.kind))
    found = await daemon.parts.fencing.examine()
    return {
        "good": all(said.level != "error" for findings in found.values() for said in findings),
        "by": daemon.around.me,
        "type": arbitration.fence.type,
        "nodes": [{"node": node, "findings": [each.as_json() for each in said]} for node, said in found.items()],
    }


ROWS = (Operation("fence.check", Nothing, FenceCheckAnswer, OPERATE, answer_by=_check),)

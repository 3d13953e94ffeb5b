"""Starting nodes that are stopped: the operations that work on a node that takes no part in the cluster (C10)."""

from typing import Any

from komainu.agent.daemon import Daemon
from komainu.agent.residents import Started
from komainu.api import nearest
from komainu.api.answers import CommandAnswer
from komainu.api.operation import OPERATE, Nothing, Operation, Request
from komainu.model.message import Level, Message, Said
from komainu.model.names import Name

START_TIMEOUT_MS = 5_000
"How long the daemons of other nodes may take to answer; they answer before they begin."

BEGUN = Message("KM6071", "Started: {nodes}.", "起動を開始しました: {nodes}。")
MEMBERS = Message(
    "KM6072",
    "Takes part already: {nodes}. Nothing was changed there.",
    "既に参加しています: {nodes}。変更はありません。",
)
LEAVING = Message(
    "KM6073",
    "Is about to leave: {nodes}. Start it when it has stopped.",
    "離脱処理中です: {nodes}。停止が完了してから起動してください。",
    "error",
)
ABSENT = Message(
    "KM6074",
    "Komainud is not to be heard on {nodes}: it does not run, or the node is off or cut off. Start it there: "
    "`systemctl start komainud`.",
    "{nodes} の komainud と通信できません。動作していないか、ノードが停止または切断されています。"
    "そのノードで `systemctl start komainud` を実行してください。",
    "error",
)
SILENT = Message(
    "KM6075",
    "Komainud on {nodes} did not answer within {ms} ms: it may start yet. Look at `komainu status`.",
    "{nodes} の komainud から {ms} ミリ秒以内に応答がありませんでした。この後起動する可能性があります。"
    "`komainu status` で確認してください。",
    "error",
)

_WORDS = {
    Started.BEGUN: BEGUN,
    Started.MEMBER: MEMBERS,
    Started.LEAVING: LEAVING,
    Started.ABSENT: ABSENT,
    Started.SILENT: SILENT,
}
_DONE = (Started.BEGUN, Started.MEMBER)


class StartNodeRequest(Request):
    """One node."""

    node: Name


async def _start(daemon: Daemon, request: StartNodeRequest) -> dict[str, Any]:
    return await _started(daemon, (nearest.node(daemon.state.cluster, request.node),))


async def _start_all(daemon: Daemon, _: Nothing) -> dict[str, Any]:
    return await _started(daemon, tuple(daemon.state.nodes))


async def _started(daemon: Daemon, nodes: tuple[str, ...]) -> dict[str, Any]:
    """Accepted when any of the nodes takes part or is about to; `said` names all of them."""
    done = await daemon.residents.start(nodes, START_TIMEOUT_MS)
    return {
        "accepted": any(started in _DONE for started in done.values()),
        "said": told(done).as_json(),
        "course": None,
    }


def told(done: dict[str, Started]) -> Said:
    """What became of each node, as one message with the level of the worst. Pure."""
    parts = []
    for started, message in _WORDS.items():
        nodes = ", ".join(node for node, each in done.items() if each is started)
        if nodes:
            values = {"nodes": nodes, "ms": START_TIMEOUT_MS} if message is SILENT else {"nodes": nodes}
            parts.append(message.said(**values))
    if len(parts) == 1:
        return parts[0]
    level: Level = "warning"
    if len({part.level for part in parts}) == 1:
        level = parts[0].level
    return Said(parts[0].code, " ".join(part.en for part in parts), " ".join(part.ja for part in parts), level)


ROWS = (
    Operation("node.start", StartNodeRequest, CommandAnswer, OPERATE, answer_by=_start),
    Operation("cluster.start", Nothing, CommandAnswer, OPERATE, answer_by=_start_all),
)

"""`komainu node list|confirm-gone`."""

import json
import sys
from argparse import Namespace
from typing import Any

from komainu.api.client import COMMAND_TIMEOUT_S
from komainu.cli.picture import colour, sign
from komainu.cli.session import DONE, FAILED, Commands, Session
from komainu.cli.speech import Speech, columns, padded
from komainu.model.message import Message

RISK = Message(
    "KM6101",
    "You are about to confirm that node {node} is gone. Its groups will start on other nodes at once.\n"
    "If {node} is in fact running, even if it is only cut off, the same address, disk and application will be active "
    "twice, and data can be destroyed for good.\n"
    "Make sure first: the instance is stopped or terminated in the AWS console, or the machine is powered off, and it "
    "will not be started before this cluster can hear it.",
    "ノード {node} の停止を確認しようとしています。{node} のグループは直ちに他のノードで起動します。\n"
    "{node} が実際には動作している場合 (通信が途絶えているだけの場合も含みます)、同じアドレス、ディスク、"
    "アプリケーションが二重に動作し、データが回復不能に破壊されることがあります。\n"
    "先に、AWS コンソールでインスタンスが停止または終了していること、あるいはマシンの電源が切れていることを確認し、"
    "このクラスタと通信できる状態になるまで起動しないでください。",
    "warning",
)
NOT_ASKED = Message(
    "KM6102",
    "Nothing was changed. There is nobody to ask here: give --yes if you have made sure.",
    "変更はありません。端末がないため確認できません。停止を確認済みの場合は --yes を指定してください。",
    "error",
)
NOTHING_CHANGED = Message("KM6103", "Nothing was changed.", "変更はありません。")
NO_NODE = Message(
    "KM6104",
    "There is no node {node}. `komainu node list` lists the nodes.",
    "ノード {node} はありません。ノードの一覧は `komainu node list` で確認できます。",
    "error",
)

MESSAGES = (RISK, NOT_ASKED, NOTHING_CHANGED, NO_NODE)


def register(commands: Commands) -> None:
    """Add the commands."""
    below = commands.below("node", ("the nodes of the cluster", "クラスタのノード"))
    below.add(
        "list", ("list the nodes, and why each is as it is", "ノードの一覧とその状態の理由を表示する"), list_nodes
    ).switch("--json", ("for programs: one JSON value", "プログラム向けに JSON で出力する"))
    (
        below.add(
            "confirm-gone",
            ("confirm that a lost node is really off", "通信不能のノードが実際に停止していることを確認する"),
            confirm_gone,
        )
        .value("node", "NODE", ("the node that is lost, and surely off", "通信不能で、確実に停止しているノード"))
        .switch("--yes", ("you have made sure; do not ask", "停止を確認済み。問い合わせない"))
    )


def list_nodes(session: Session, chosen: Namespace) -> int:
    """List the nodes."""
    speech = session.speech
    with session.connect() as client:
        answer = client.ask("node.list")
        speech.learn(client.language)
    if chosen.json:
        speech.out(json.dumps(answer, ensure_ascii=False, indent=2))
        return DONE
    rows = [(node["name"], node["status"], str(node["id"]), ", ".join(node["links"])) for node in answer["nodes"]]
    widths = columns(rows)
    for node, row in zip(answer["nodes"], rows, strict=True):
        speech.out(_line(row, widths, speech))
        if node["why"] is not None:
            speech.out("    " + speech.paint(f"└ {speech.said(node['why'])}", "dim"))
    return DONE


def confirm_gone(session: Session, chosen: Namespace) -> int:
    """Give the operator's word."""
    speech, name = session.speech, chosen.node
    with session.connect() as client:
        seen = client.ask("node.list")
        speech.learn(client.language)
        known = {each["name"]: each for each in seen["nodes"]}
        if name not in known:
            speech.err(speech.said(NO_NODE.said(node=name)))
            return FAILED
        if not chosen.yes and not _is_sure(name, known[name], speech):
            return FAILED
        # The word holds for the loss that was seen, not for a later one: hence the epoch.
        answer = client.ask("node.confirm-gone", COMMAND_TIMEOUT_S, node=name, epoch=seen["epoch"])
    if answer["accepted"]:
        speech.out(speech.said(answer["said"]))
        return DONE
    speech.err(speech.said(answer["said"]))
    return FAILED


def _is_sure(name: str, node: dict[str, Any], speech: Speech) -> bool:
    """Ask for the node's name: a word that is typed by habit is none."""
    speech.err(_line((name, node["status"]), (0, 0), speech))
    speech.err(speech.said(node["why"]))
    speech.err("")
    speech.err(speech.paint(speech.said(RISK.said(node=name)), "yellow"))
    if not sys.stdin.isatty():
        speech.err(speech.said(NOT_ASKED.said()))
        return False
    sys.stderr.write(
        speech.pick(f"Type the node's name ({name}) to confirm: ", f"確認のためノード名 ({name}) を入力してください: ")
    )
    sys.stderr.flush()
    if sys.stdin.readline().strip() == name:
        return True
    speech.err(speech.said(NOTHING_CHANGED.said()))
    return False


def _line(row: tuple[str, ...], widths: "list[int] | tuple[int, ...]", speech: Speech) -> str:
    name, status, *rest = row
    cells = [padded(name, widths[0]), speech.paint(padded(status, widths[1]), colour(status)), *rest]
    return f"{speech.paint(sign(status), colour(status))} " + "  ".join(cells)

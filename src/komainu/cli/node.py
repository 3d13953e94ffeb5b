"""`komainu node list|start|stop|shutdown|reboot|suspend|resume|confirm-gone`."""

import json
import sys
from argparse import Namespace
from typing import Any

from komainu.cli.command import NOT_ASKED, NOTHING_CHANGED, Goal, changing, give, user, waiting
from komainu.cli.picture import colour, duration, sign
from komainu.cli.session import DONE, FAILED, Commands, Session
from komainu.cli.speech import Speech, columns, padded
from komainu.model.message import Message, Said

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
UNDER = {
    "none": Message(
        "KM6104",
        "Arbitration is `none`: a lost node is taken as gone without any word. Yours is needed only for a node that "
        "was never seen, or that is to be removed.",
        "アービトレーションは none のため、通信不能のノードは確認がなくても停止済みとみなされます。この確認が"
        "必要なのは、一度も確認されていないノードや、削除するノードだけです。",
    ),
    "operator": Message(
        "KM6109",
        "Arbitration is `operator`: nothing but your word keeps this cluster from two actives.",
        "アービトレーションは operator です。両系活性を防ぐのは、この確認の正しさだけです。",
        "warning",
    ),
    "lease": Message(
        "KM6118",
        "Arbitration is `lease`: with the vote this side takes over by itself, {wait} after it has won it, and needs "
        "no word. Your word puts itself in the place of the vote and of that wait: nothing then stops a {node} that is "
        "alive and reaches the store. Give it only when the store cannot be asked, and {node} is off.",
        "アービトレーションは lease です。投票権を得れば、その {wait} 後に確認なしで自動的に引き継ぎます。この確認は"
        "投票権と待ち時間の代わりとなるため、{node} が実際には動作していて投票先と通信できる場合、それを止めるものは"
        "ありません。投票先を利用できず、{node} が確実に停止している場合にのみ実行してください。",
        "warning",
    ),
    "majority": Message(
        "KM6125",
        "Arbitration is `majority`: a majority takes over by itself after {wait}, and needs no word. Your word about "
        "all missing nodes gives a minority the right to act: if they are alive and together they are the majority, "
        "and act as well. Give it only when {node} is off.",
        "アービトレーションは majority です。過半数の側は {wait} 後に確認なしで自動的に引き継ぎます。不在の全ノードに"
        "対するこの確認により、少数の側も動作できるようになります。それらが実際には互いに通信して動作している場合は"
        "過半数となり、同様に動作します。{node} が確実に停止している場合にのみ実行してください。",
        "warning",
    ),
}
ONCE = Message(
    "KM6126",
    "The word holds for this loss of {node} alone: when it is heard again, it is over.",
    "この確認は {node} の今回の通信不能に対してのみ有効で、再び通信できた時点で無効になります。",
)
GOES = {
    "shutdown": Message(
        "KM6113",
        "Node {node} stops its groups, which go to other nodes if they can, then shuts down: somebody has to switch it "
        "on again.",
        "ノード {node} はグループを停止 (可能なら他のノードへ移動) した後、シャットダウンします。"
        "再開には電源の投入が必要です。",
        "warning",
    ),
    "reboot": Message(
        "KM6114",
        "Node {node} stops its groups, which go to other nodes if they can, then reboots.",
        "ノード {node} はグループを停止 (可能なら他のノードへ移動) した後、再起動します。",
        "warning",
    ),
}


def register(commands: Commands) -> None:
    """Add the commands."""
    below = commands.below("node", ("the nodes of the cluster", "クラスタのノード"))
    below.add(
        "list", ("list the nodes, and why each is as it is", "ノードの一覧とその状態の理由を表示する"), list_nodes
    ).switch("--json", ("for programs: one JSON value", "プログラム向けに JSON で出力する"))
    node = ("the node", "ノード名")
    text = ("start a node that is stopped", "停止中のノードを開始する")
    waiting(below.add("start", text, start).value("node", "NODE", node))
    for name, text, handler, asks in (
        ("stop", ("stop its groups and take it out of the cluster", "グループを停止し、クラスタから外す"), stop, False),
        ("shutdown", ("the same, then shut it down", "その後シャットダウンする"), shutdown, True),
        ("reboot", ("the same, then reboot it", "その後再起動する"), reboot, True),
    ):
        changing(below.add(name, text, handler).value("node", "NODE", node), waits=True, asks=asks)
    text = (
        "check, recover, start and stop nothing there; what runs goes on",
        "監視、復旧、起動、停止を中断する (動作中のものは継続)",
    )
    changing(below.add("suspend", text, suspend).value("node", "NODE", node))
    changing(below.add("resume", ("the end of suspend", "サスペンドを解除する"), resume).value("node", "NODE", node))
    text = ("confirm that a lost node is really off", "通信不能のノードが実際に停止していることを確認する")
    lost = ("the node that is lost, and surely off", "通信不能で、確実に停止しているノード")
    changing(below.add("confirm-gone", text, confirm_gone).value("node", "NODE", lost), asks=True)


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


def start(session: Session, chosen: Namespace) -> int:
    """Start a node that is stopped."""
    return give(session, chosen, "node.start", {"node": chosen.node}, Goal("node", chosen.node, "Online"))


def stop(session: Session, chosen: Namespace) -> int:
    """Take a node out of the cluster; its daemon stays."""
    args = {"node": chosen.node, "then": "stop"}
    return give(session, chosen, "node.stop", args, Goal("node", chosen.node, "Offline"))


def shutdown(session: Session, chosen: Namespace) -> int:
    """Shut a node down in order."""
    return _down(session, chosen, "shutdown")


def reboot(session: Session, chosen: Namespace) -> int:
    """Reboot a node in order."""
    return _down(session, chosen, "reboot")


def _down(session: Session, chosen: Namespace, then: str) -> int:
    goal = Goal("node", chosen.node, "Offline", ends_here=True)
    risk = GOES[then].said(node=chosen.node)
    return give(session, chosen, "node.stop", {"node": chosen.node, "then": then}, goal, risk)


def suspend(session: Session, chosen: Namespace) -> int:
    """Suspend a node."""
    return give(session, chosen, "node.suspend", {"node": chosen.node})


def resume(session: Session, chosen: Namespace) -> int:
    """Resume a node."""
    return give(session, chosen, "node.resume", {"node": chosen.node})


def confirm_gone(session: Session, chosen: Namespace) -> int:
    """Give the operator's word."""
    speech, name = session.speech, chosen.node
    with session.connect() as client:
        seen = client.ask("status")
        speech.learn(client.language)
    known = {each["name"]: each for each in seen["nodes"]}
    asks = name in known and not (chosen.yes or chosen.dry_run)
    if asks and not _is_sure(name, known[name], seen["cluster"]["arbitration"], speech):
        return FAILED
    # The word holds for the loss that was seen, not for a later one: hence the epoch.
    args = {"node": name, "epoch": seen["cluster"]["epoch"], "who": user()}
    return give(session, chosen, "node.confirm-gone", args)


def _is_sure(name: str, node: dict[str, Any], arbitration: dict[str, Any], speech: Speech) -> bool:
    """Ask for the node's name: a word that is typed by habit is none."""
    speech.err(_line((name, node["status"]), (0, 0), speech))
    speech.err(speech.said(node["why"]))
    speech.err("")
    speech.err(speech.paint(speech.said(RISK.said(node=name)), "yellow"))
    speech.err(speech.paint(speech.said(_under(name, arbitration)), "yellow"))
    speech.err(speech.said(ONCE.said(node=name)))
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


def _under(name: str, arbitration: dict[str, Any]) -> Said:
    """What the word means under this arbitration."""
    message, wait_ms = UNDER[arbitration["kind"]], arbitration["wait_ms"]
    return message.said() if wait_ms is None else message.said(node=name, wait=duration(wait_ms))


def _line(row: tuple[str, ...], widths: "list[int] | tuple[int, ...]", speech: Speech) -> str:
    name, status, *rest = row
    cells = [padded(name, widths[0]), speech.paint(padded(status, widths[1]), colour(status)), *rest]
    return f"{speech.paint(sign(status), colour(status))} " + "  ".join(cells)

"""`komainu monitor list|suspend|resume|fail`."""

import json
from argparse import Namespace
from typing import Any

from komainu.cli.command import changing, give
from komainu.cli.detail import monitor_lines
from komainu.cli.picture import suspension
from komainu.cli.session import DONE, Commands, Session
from komainu.model.message import Message

RISK = Message(
    "KM6115",
    "Monitor {monitor} will find an error from now on, and recovery begins: reactivations, failovers, at last its "
    "final action. `komainu what-if monitor-failed {monitor}` shows what that comes to; "
    "`komainu monitor fail {monitor} --off` ends it.",
    "モニタ {monitor} は以後異常を検出し、復旧処理 (再活性、フェイルオーバ、最終動作) が始まります。"
    "経過は `komainu what-if monitor-failed {monitor}` で事前に確認できます。"
    "`komainu monitor fail {monitor} --off` で解除します。",
    "warning",
)

Json = dict[str, Any]


def register(commands: Commands) -> None:
    """Add the commands."""
    below = commands.below("monitor", ("the monitors of the cluster", "クラスタのモニタ"))
    monitor = ("the monitor; a resource's own, too", "モニタ名 (リソースに付属するものも可)")
    node = ("the node; by default all that run it", "ノード。省略時は監視する全ノード")
    text = ("list the monitors, and why each is as it is", "モニタの一覧とその状態の理由を表示する")
    below.add("list", text, list_monitors).switch("--json", ("for programs: one JSON value", "JSON で出力する"))
    for name, text, handler in (
        ("suspend", ("do not check", "監視を一時停止する"), suspend),
        ("resume", ("check again", "監視を再開する"), resume),
    ):
        arguments = below.add(name, text, handler).value("monitor", "MONITOR", monitor)
        changing(arguments.value("node", "NODE", node, nargs="?"))
    text = ("verification mode: have it find an error", "検証モード: 異常を検出させる")
    arguments = (
        below.add("fail", text, fail).value("monitor", "MONITOR", monitor).value("node", "NODE", node, nargs="?")
    )
    changing(arguments.switch("--off", ("no longer", "解除する")), asks=True)


def list_monitors(session: Session, chosen: Namespace) -> int:
    """List the monitors."""
    speech = session.speech
    with session.connect() as client:
        answer = client.ask("monitor.list")
        speech.learn(client.language)
    if chosen.json:
        speech.out(json.dumps(answer, ensure_ascii=False, indent=2))
        return DONE
    for line in suspension(answer, speech):
        speech.out(line)
    if not answer["monitors"]:
        speech.out(speech.pick("There is none.", "モニタはありません。"))
    for line in monitor_lines(answer["monitors"], speech):
        speech.out(line)
    return DONE


def suspend(session: Session, chosen: Namespace) -> int:
    """Suspend a monitor."""
    return give(session, chosen, "monitor.suspend", {"monitor": chosen.monitor, "node": chosen.node})


def resume(session: Session, chosen: Namespace) -> int:
    """Resume a monitor."""
    return give(session, chosen, "monitor.resume", {"monitor": chosen.monitor, "node": chosen.node})


def fail(session: Session, chosen: Namespace) -> int:
    """Have a monitor find an error, or no longer."""
    args = {"monitor": chosen.monitor, "node": chosen.node, "on": not chosen.off}
    risk = None if chosen.off else RISK.said(monitor=chosen.monitor)
    return give(session, chosen, "monitor.fail", args, risk=risk)

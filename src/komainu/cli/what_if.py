"""`komainu what-if`: the real decisions on events that nobody has seen."""

import json
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

from komainu.api.client import COMMAND_TIMEOUT_S
from komainu.cli.course import draw
from komainu.cli.session import DONE, Arguments, Commands, Session

MOST_TIMES = 100

Json = dict[str, Any]


def register(commands: Commands) -> None:
    """Add the commands."""
    text = (
        "show what would happen; nothing is changed",
        "起きた場合の経過を表示する (変更は行わない)",
    )
    below = commands.below("what-if", text)
    nodes = ("the nodes, at the same moment", "ノード (複数の場合は同時)")
    text = ("nodes lose their power", "ノードの電源断")
    _common(below.add("node-lost", text, ask).value("nodes", "NODE", nodes, nargs="+"), "node-lost")
    text = ("the daemons of nodes end and do not come back", "デーモンが終了し復帰しない")
    _common(below.add("daemon-lost", text, ask).value("nodes", "NODE", nodes, nargs="+"), "daemon-lost")
    text = ("a node that is away comes back", "離脱中のノードの復帰")
    node = ("the node", "ノード名")
    _common(below.add("node-returns", text, ask).value("nodes", "NODE", node, nargs=1), "node-returns")
    text = ("the check of a resource finds an error", "リソースの異常検出")
    resource = ("the resource; its group may stand before it", "リソース名 (前にグループ名を書いてもよい)")
    arguments = below.add("resource-failed", text, ask).value("names", "[GROUP] RESOURCE", resource, nargs="+")
    _common(_times(arguments), "resource-failed")
    text = ("a monitor finds an error", "モニタの異常検出")
    arguments = below.add("monitor-failed", text, ask)
    arguments.value("monitor", "MONITOR", ("the monitor; a resource's own, too", "モニタ名"))
    arguments.value("nodes", "NODE", ("by default wherever it checks", "ノード。省略時は監視する全ノード"), nargs="*")
    _common(_times(arguments), "monitor-failed")


def ask(session: Session, chosen: Namespace) -> int:
    """Show a course."""
    speech = session.speech
    args = _question(chosen)
    if chosen.config is not None:
        course: Json = session.offline().what_if(chosen.config, args)
    else:
        with session.connect() as client:
            course = client.ask("what-if", COMMAND_TIMEOUT_S, **args)
            speech.learn(client.language)
    if chosen.json:
        speech.out(json.dumps(course, ensure_ascii=False, indent=2))
        return DONE
    for line in draw(course, speech):
        speech.out(line)
    return DONE


def _question(chosen: Namespace) -> Json:
    question: Json = {"what": chosen.what}
    if chosen.what == "resource-failed":
        question |= {"resource": chosen.names[-1], "group": chosen.names[0] if len(chosen.names) > 1 else None}
    else:
        question["nodes"] = chosen.nodes
    if chosen.what == "monitor-failed":
        question["monitor"] = chosen.monitor
    if chosen.what in ("resource-failed", "monitor-failed"):
        question["times"] = chosen.times
    return question


def _common(arguments: Arguments, what: str) -> None:
    arguments.default("what", what)
    config = (
        "imagine a formed cluster of this file in which everything runs; no daemon is asked",
        "このファイルの構成で全て正常に稼働している状態を仮定する (デーモンは不要)",
    )
    arguments.option("--config", config, metavar="FILE", type=Path)
    arguments.switch("--json", ("for programs: one JSON value", "プログラム向けに JSON で出力する"))


def _times(arguments: Arguments) -> Arguments:
    text = (
        "how often in a row; a high number shows the whole of recovery",
        "連続する回数。大きくすると復旧処理の全体を表示",
    )
    return arguments.option("--times", text, metavar="N", type=_count, default=1)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_TIMES:
        raise ArgumentTypeError(f"1 to {MOST_TIMES}")
    return int(text)

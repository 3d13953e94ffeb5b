"""`komainu fence check`: whether the other nodes could be fenced from here (N3)."""

import json
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from komainu.cli.session import DONE, FAILED, Commands, Session
from komainu.cli.speech import Colour, Speech

TIMEOUT_S = 20.0
"The daemon examines for 11 s at most."

Json = Mapping[str, Any]
_SHADES: Mapping[str, Colour] = {"error": "red", "warning": "yellow", "info": "dim"}


def register(commands: Commands) -> None:
    """Add the commands."""
    below = commands.below("fence", ("forced stop of other nodes", "他ノードの強制停止"))
    text = (
        "examine whether the other nodes could be fenced from here",
        "このノードから他ノードを強制停止できるか検査する",
    )
    below.add("check", text, check).switch(
        "--json", ("for programs: one JSON value", "プログラム向けに JSON で出力する")
    )


def check(session: Session, chosen: Namespace) -> int:
    """Examine the fence; nobody is stopped by that."""
    speech = session.speech
    with session.connect() as client:
        answer = client.ask("fence.check", TIMEOUT_S)
        speech.learn(client.language)
    if chosen.json:
        speech.out(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        for line in draw(answer, speech):
            speech.out(line)
    return DONE if answer["good"] else FAILED


def draw(told: Json, speech: Speech) -> list[str]:
    """Each node that could be fenced or not, and why not. Pure."""
    lines: list[str] = []
    for node in told["nodes"]:
        bad = any(each["level"] == "error" for each in node["findings"])
        mark = speech.paint("✗", "red") if bad else speech.paint("●", "green")
        can = (
            speech.pick("cannot be fenced", "強制停止できません")
            if bad
            else speech.pick("can be fenced", "強制停止できます")
        )
        lines.append(f"{mark} {node['node']}  {can}  ({told['type']})")
        lines += ["    " + speech.paint(f"└ {speech.said(each)}", _SHADES[each["level"]]) for each in node["findings"]]
    by = told["by"]
    lines.append(
        speech.pick(
            f"Seen from {by}. Give the command on every node: each has permissions and ways of its own.",
            f"{by} からの検査結果です。権限と経路はノードごとに異なるため、全ノードで実行してください。",
        )
    )
    return lines

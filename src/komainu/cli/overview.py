"""`komainu status`."""

import json
from argparse import Namespace
from typing import Any

from komainu.cli.picture import draw
from komainu.cli.session import DONE, Commands, Session
from komainu.cli.speech import Speech

CLEAR = "\x1b[H\x1b[2J"


def register(commands: Commands) -> None:
    """Add the command."""
    (
        commands.add(
            "status",
            ("show nodes, groups and resources as this node sees them", "ノード、グループ、リソースの状態を表示する"),
            status,
        )
        .switch("--json", ("for programs: one JSON value", "プログラム向けに JSON で出力する"))
        .switch("--watch", ("show it again at every change, until Ctrl-C", "変化のたびに表示する (Ctrl-C で終了)"))
    )


def status(session: Session, chosen: Namespace) -> int:
    """Show the cluster."""
    speech = session.speech
    with session.connect() as client:
        answers = client.follow("status.watch") if chosen.watch else iter((client.ask("status"),))
        for answer in answers:
            speech.learn(client.language)
            if chosen.json:
                speech.out(json.dumps(answer, ensure_ascii=False, indent=None if chosen.watch else 2))
            else:
                _show(answer, speech, again=chosen.watch)
    return DONE


def _show(answer: dict[str, Any], speech: Speech, *, again: bool) -> None:
    lines = "\n".join(draw(answer, speech))
    if again and speech.coloured:
        lines = CLEAR + lines
    speech.out(lines + ("\n" if again else ""))

"""`komainu status`."""

import json
from argparse import Namespace
from typing import Any

from komainu.cli.detail import draw_object
from komainu.cli.picture import draw
from komainu.cli.session import DONE, Commands, Session
from komainu.cli.speech import Speech

CLEAR = "\x1b[H\x1b[2J"


def register(commands: Commands) -> None:
    """Add the command."""
    text = ("show how the cluster is, as this node sees it", "このノードから見たクラスタの状態を表示する")
    name = (
        "only this node, group, resource or monitor, in detail",
        "指定したノード、グループ、リソース、モニタだけを詳しく表示する",
    )
    (
        commands.add("status", text, status)
        .value("object", "OBJECT", name, nargs="?")
        .switch("--json", ("for programs: one JSON value", "プログラム向けに JSON で出力する"))
        .switch("--watch", ("show it again at every change, until Ctrl-C", "変化のたびに表示する (Ctrl-C で終了)"))
    )


def status(session: Session, chosen: Namespace) -> int:
    """Show the cluster, or one object of it."""
    speech = session.speech
    with session.connect() as client:
        if chosen.object is not None and not chosen.watch:
            answer = client.ask("status.object", name=chosen.object)
            speech.learn(client.language)
            _show_objects(answer, speech, as_json=chosen.json)
            return DONE
        answers = client.follow("status.watch") if chosen.watch else iter((client.ask("status"),))
        for answer in answers:
            speech.learn(client.language)
            if chosen.object is not None:
                with session.connect() as other:
                    _show_objects(other.ask("status.object", name=chosen.object), speech, as_json=chosen.json)
            elif chosen.json:
                speech.out(json.dumps(answer, ensure_ascii=False, indent=None if chosen.watch else 2))
            else:
                _show(draw(answer, speech), speech, again=chosen.watch)
    return DONE


def _show_objects(answer: dict[str, Any], speech: Speech, *, as_json: bool) -> None:
    if as_json:
        speech.out(json.dumps(answer["objects"], ensure_ascii=False, indent=2))
        return
    for number, each in enumerate(answer["objects"]):
        if number:
            speech.out()
        _show(draw_object(each, speech), speech, again=False)


def _show(picture: list[str], speech: Speech, *, again: bool) -> None:
    lines = "\n".join(picture)
    if again and speech.coloured:
        lines = CLEAR + lines
    speech.out(lines + ("\n" if again else ""))

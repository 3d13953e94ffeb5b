"""`komainu status`."""

import json
from typing import Annotated

import typer

from komainu.cli.picture import draw
from komainu.cli.session import AsJson, Lang, Session
from komainu.cli.speech import Speech

CLEAR = "\x1b[H\x1b[2J"


def status(
    ctx: typer.Context,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Draw it again at every change, until Ctrl-C.")] = False,
    lang: Lang = None,
) -> None:
    """Show nodes, groups and resources as this node sees them."""
    session: Session = ctx.obj
    speech = session.speak(lang)
    with session.connect() as client:
        answers = client.follow("status.watch") if watch else iter((client.ask("status"),))
        for answer in answers:
            speech.learn(client.language)
            if as_json:
                speech.out(json.dumps(answer, ensure_ascii=False, indent=None if watch else 2))
            else:
                _show(answer, speech, again=watch)


def _show(answer: object, speech: Speech, *, again: bool) -> None:
    assert isinstance(answer, dict)
    lines = "\n".join(draw(answer, speech))
    if again and speech.coloured:
        lines = CLEAR + lines
    speech.out(lines + ("\n" if again else ""))

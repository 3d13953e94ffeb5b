"""`komainu explain safety`: what a configuration protects from and what it does not, chapter by chapter (N5)."""

import json
from pathlib import Path
from typing import Any

from komainu.cli.problems import tell
from komainu.cli.session import DONE, Session
from komainu.cli.speech import Colour

Json = dict[str, Any]

_STRENGTH: dict[str, tuple[str, str, Colour]] = {
    "weakest": ("weakest", "最も弱い", "red"),
    "weak": ("weak", "弱い", "yellow"),
    "strong": ("strong", "強い", "green"),
}


def explain(session: Session, file: Path | None, *, json_wanted: bool) -> int:
    """Show the safety statement of a file, or of the configuration that holds on this node. No daemon is asked."""
    speech = session.speech
    answer: Json = session.offline().explain_safety(file)
    if json_wanted:
        speech.out(json.dumps(answer, ensure_ascii=False, indent=2))
        return DONE
    speech.learn(answer["language"])
    if file is not None:
        tell(file, [each for each in answer["problems"] if each["level"] != "info"], speech)
    en, ja, shade = _STRENGTH[answer["strength"]]
    version = answer["version"]
    what = str(file) if file is not None else speech.pick(f"configuration {version}", f"構成情報 {version}")
    kind = speech.pick(f"arbitration {answer['kind']}", f"アービトレーション {answer['kind']}")
    speech.out(f"{answer['cluster']}  {what} · {kind} ({speech.paint(speech.pick(en, ja), shade)})")
    for chapter in answer["chapters"]:
        speech.out()
        speech.out(speech.paint(speech.said(chapter["title"]), "bold"))
        for sentence in chapter["sentences"]:
            speech.out(f"  - {speech.said(sentence)}")
    return DONE

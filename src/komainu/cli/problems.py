"""What is wrong with a file, as compilers say it: place, gravity, reason."""

from pathlib import Path
from typing import Any

from komainu.cli.speech import Colour, Speech

Json = dict[str, Any]

_LEVELS: dict[str, tuple[str, str, Colour]] = {
    "error": ("error", "エラー", "red"),
    "warning": ("warning", "警告", "yellow"),
    "info": ("note", "情報", ""),
}


def tell(file: Path, problems: list[Json], speech: Speech) -> None:
    """Each on a line of standard error."""
    for problem in problems:
        en, ja, shade = _LEVELS[problem["level"]]
        place = f"{file}:{problem['line']}:{problem['column']}"
        path = f" {problem['path']}:" if problem["path"] else ""
        word = speech.paint(speech.pick(en, ja), shade)
        speech.err(f"{place}: {word}:{path} {speech.said(problem)} ({problem['code']})")

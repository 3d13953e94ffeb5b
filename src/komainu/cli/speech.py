"""How the command speaks: in the reader's language, aligned, coloured only where somebody looks."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal
from unicodedata import east_asian_width

from komainu.model.message import Language, Said

Colour = Literal["", "green", "yellow", "red", "dim", "bold"]
_CODES = {"green": "32", "yellow": "33", "red": "31", "dim": "2", "bold": "1"}


class Speech:
    """One command's manner of speaking."""

    def __init__(self, language: str, *, coloured: bool | None = None) -> None:
        """`language` is what the user asked for (`asked_language`); when it is empty the cluster's choice counts."""
        self._asked = language
        self._of_cluster = ""
        self.coloured = _is_terminal() if coloured is None else coloured

    def learn(self, language: str) -> None:
        """The language that was chosen for the cluster."""
        self._of_cluster = language

    @property
    def language(self) -> Language:
        """The reader's."""
        return "ja" if (self._asked or self._of_cluster) == "ja" else "en"

    def pick(self, en: str, ja: str) -> str:
        """One of two texts."""
        return ja if self.language == "ja" else en

    def said(self, said: Said | Mapping[str, Any] | None) -> str:
        """A message, of this process or of an answer."""
        if said is None:
            return ""
        return said.text(self.language) if isinstance(said, Said) else str(said[self.language])

    def paint(self, text: str, colour: Colour) -> str:
        """The text in a colour, where colours are seen."""
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if colour and self.coloured and text else text

    def out(self, text: str = "") -> None:
        """Say it on standard output."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def err(self, text: str) -> None:
        """Say it on standard error."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def width(text: str) -> int:
    """The number of columns a text takes: East Asian characters take two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def times(number: int, what: str) -> str:
    """In English: `1 attempt`, `2 attempts`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def padded(text: str, columns: int) -> str:
    """The text filled up with spaces."""
    return text + " " * max(0, columns - width(text))


def columns(rows: Iterable[Sequence[str]]) -> list[int]:
    """The width that each column needs."""
    widths: list[int] = []
    for row in rows:
        for index, cell in enumerate(row):
            if index == len(widths):
                widths.append(0)
            widths[index] = max(widths[index], width(cell))
    return widths


def asked_language(words: Sequence[str], environment: Mapping[str, str]) -> str:
    """What --lang says, else KOMAINU_LANG, else `ja` in a Japanese locale, else nothing."""
    for index, word in enumerate(words):
        if word == "--lang" and index + 1 < len(words):
            return words[index + 1]
        if word.startswith("--lang="):
            return word.removeprefix("--lang=")
    if environment.get("KOMAINU_LANG"):
        return environment["KOMAINU_LANG"]
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return "ja" if environment[name].startswith("ja") else ""
    return ""


def _is_terminal() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

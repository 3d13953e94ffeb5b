"""What is wrong with a configuration, and where."""

import json
import re
from dataclasses import dataclass
from typing import Any

from komainu.model.message import Said

Path = tuple[str | int, ...]
"""A place in the file, for example `("groups", 0, "resources", 1, "params", "eni_id")`."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem whose line is not known yet: it comes from the values, not from the text."""

    path: Path
    said: Said
    at_key: bool = False
    "True when the key itself is the problem, not its value."
    meant: Path = ()
    "Where the value probably belongs, when the key is misspelt: it is not missing there."


@dataclass(frozen=True, slots=True)
class Problem:
    """Something an administrator should know before this configuration is used. The level is that of `said`."""

    line: int
    "Counted from 1."
    column: int
    "Counted from 1."
    path: str
    "As an administrator writes it: `groups[0].resources[1].params.eni_id`; empty for the whole file."
    said: Said
    "What is wrong, why it matters, and the remedy."

    @property
    def is_error(self) -> bool:
        """True when the configuration cannot be used as long as this stands."""
        return self.said.level == "error"


def path_text(path: Path) -> str:
    """The path in the notation of people; a key with unusual characters appears quoted and shortened."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        key = step if _PLAIN_KEY.fullmatch(step) and len(step) <= _SHOWN_CHARACTERS else shown(step)
        text += f".{key}" if text else key
    return text


def shown(value: Any) -> str:
    """A value from the file as it may appear in a message: on one line, printable, at most about 60 characters."""
    text = json.dumps(value, ensure_ascii=False)
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    return text[: _SHOWN_CHARACTERS - 1] + "…"


def named(name: str) -> str:
    """A name from the file as it may appear in a message: as `shown`, without the quotes."""
    return shown(name).strip('"')

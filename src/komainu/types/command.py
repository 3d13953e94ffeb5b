"""Commands, environment variables and paths as parameters, and how the end of a program is told."""

import re
import shlex
import signal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from komainu.model.message import Message, Refused

NO_WORDS = Message(
    "KM4014",
    "The command names no program. Write the program's absolute path and its arguments.",
    "コマンドにプログラムがありません。プログラムの絶対パスと引数を書いてください。",
    "error",
)
BAD_QUOTES = Message(
    "KM4015",
    "The command cannot be split into words: {reason}. Close the quotation mark, or write a list of words.",
    "コマンドを語に分けられません（{reason}）。引用符を閉じるか、語のリストで書いてください。",
    "error",
)
RELATIVE = Message(
    "KM4016",
    "The path {path} is relative, and the daemon has no directory of yours to start from. Write an absolute path.",
    "パス {path} は相対パスですが、デーモンには起点となるディレクトリがありません。絶対パスで書いてください。",
    "error",
)
BAD_VARIABLE = Message(
    "KM4017",
    "{name} cannot be set as an environment variable: a name has letters, digits and `_`, and KOMAINU_ and CLP_ are "
    "set by Komainu. Choose another name.",
    "{name} は環境変数として設定できません。名前に使えるのは英数字と `_` で、KOMAINU_ と CLP_ で始まるものは Komainu が"
    "設定します。別の名前にしてください。",
    "error",
)
ZERO_BYTE = Message(
    "KM4019",
    "A text that is handed to a program cannot contain a zero byte. Remove it.",
    "プログラムに渡す文字列にゼロバイトは使えません。取り除いてください。",
    "error",
)
MESSAGES = (NO_WORDS, BAD_QUOTES, RELATIVE, BAD_VARIABLE, ZERO_BYTE)

LISTED = 10
"Process ids that a message shows."

_VARIABLE = re.compile(r"(?!KOMAINU_|CLP_)[A-Za-z_][A-Za-z0-9_]*")


def words(value: Any) -> Any:
    """One text is split into words as a shell would, without its other services; a list is taken as it is.

    Raises Refused for what names no program by an absolute path or by its bare name.
    """
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError as error:
            raise Refused(BAD_QUOTES.said(reason=str(error))) from error
    if not isinstance(value, (list, tuple)):
        return value
    found = tuple(value)
    if not found or found[0] == "":
        raise Refused(NO_WORDS.said())
    if any(isinstance(word, str) and "\0" in word for word in found):
        raise Refused(ZERO_BYTE.said())
    if isinstance(found[0], str) and "/" in found[0]:
        absolute(found[0])
    return found


def absolute(path: str) -> str:
    """The path. Raises Refused for a relative one, and for one that no system call could take."""
    if not path.startswith("/"):
        raise Refused(RELATIVE.said(path=path))
    if "\0" in path:
        raise Refused(ZERO_BYTE.said())
    return path


def _settable(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _VARIABLE.fullmatch(name):
            raise Refused(BAD_VARIABLE.said(name=name))
        if "\0" in text:
            raise Refused(ZERO_BYTE.said())
    return value


def listed(pids: tuple[int, ...]) -> str:
    """Process ids for a message: the first ones, and how many there are."""
    shown = ", ".join(map(str, pids[:LISTED]))
    return shown if len(pids) <= LISTED else f"{shown}, … ({len(pids)})"


def signal_name(number: int | None) -> str:
    """SIGKILL for 9; the number itself where it has no name, and `?` where nobody knows it."""
    if number is None:
        return "?"
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


Command = Annotated[tuple[str, ...], BeforeValidator(words, json_schema_input_type=str | list[str])]
"""A program and its arguments: one text that is split as a shell does, or a list of words. No shell runs it."""

AbsolutePath = Annotated[str, AfterValidator(absolute)]
"""A path that does not depend on where the daemon was started."""

Environment = Annotated[dict[str, str], AfterValidator(_settable)]
"""Variables for a program, besides those that Komainu sets."""

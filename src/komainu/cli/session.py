"""What every command needs: a way to speak, a connection to the daemon, the files of this machine, its arguments."""

from argparse import Action, ArgumentError, ArgumentParser, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from komainu.api.client import SOCKET, Client
from komainu.cli.speech import Speech
from komainu.model.message import Message

if TYPE_CHECKING:
    from komainu.api.offline import Offline

DONE = 0
FAILED = 1
"The request was refused, or it failed, or nobody answers."
WRONG_USAGE = 2
NOT_YET = 3
"Accepted, and not done within the time that was allowed for waiting."

NEAR = Message(
    "KM6107",
    "{value} is not known. Did you mean {names}?",
    "{value} は使用できません。{names} の誤りではありませんか。",
)
THERE_ARE = Message("KM6108", "{value} is not known. There is: {names}.", "{value} は使用できません。使用可能: {names}")

Handler = Callable[["Session", Namespace], int]
Text = tuple[str, str]
"""English and Japanese."""
LANGUAGE = ("--lang", ("the language; else the locale's or the cluster's", "表示言語"))
LANGUAGES = ("en", "ja")


class Session:
    """One run of the command."""

    def __init__(self, offline: "Callable[[], Offline]", speech: Speech, socket: str = SOCKET) -> None:
        """`offline` makes the operations on files: only commands that need them pay for their imports."""
        self.offline = offline
        self.speech = speech
        self.socket = socket

    def connect(self) -> Client:
        """A connection to the daemon of this machine. Raises client.Trouble."""
        return Client(self.socket)


class Parser(ArgumentParser):
    """A parser that names the nearest word when it is given one that it does not know."""

    speech: Speech = Speech("en", coloured=False)

    def _check_value(self, action: Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        from difflib import get_close_matches  # only a mistake pays for it

        known = [str(each) for each in action.choices]
        near = get_close_matches(str(value), known, n=3, cutoff=0.5)
        names = ", ".join(near or known)
        said = (NEAR if near else THERE_ARE).said(value=str(value), names=names)
        raise ArgumentError(action, self.speech.said(said))


class Commands:
    """Commands below one word of the command line, described in the reader's language."""

    def __init__(self, parser: ArgumentParser, speech: Speech) -> None:
        """`parser` gets the commands."""
        self._speech = speech
        self._commands = parser.add_subparsers(
            title=speech.pick("commands", "コマンド"), metavar=speech.pick("COMMAND", "コマンド"), required=True
        )

    def below(self, name: str, text: Text) -> "Commands":
        """A word with further commands."""
        parser = self._add(name, text)
        return Commands(parser, self._speech)

    def add(self, name: str, text: Text, handler: Handler) -> "Arguments":
        """A command."""
        parser = self._add(name, text)
        parser.set_defaults(handler=handler)
        return Arguments(parser, self._speech)

    def _add(self, name: str, text: Text) -> ArgumentParser:
        told = self._speech.pick(*text)
        parser = self._commands.add_parser(name, help=told, description=told, allow_abbrev=False)
        if isinstance(parser, Parser):
            parser.speech = self._speech
        return parser


class Arguments:
    """The arguments of one command."""

    def __init__(self, parser: ArgumentParser, speech: Speech) -> None:
        """Every command takes --lang."""
        self._parser = parser
        self._speech = speech
        self.option(*LANGUAGE, choices=LANGUAGES)

    def value(self, name: str, metavar: str, text: Text, **more: Any) -> "Arguments":
        """A value by its place."""
        self._parser.add_argument(name, metavar=metavar, help=self._speech.pick(*text), **more)
        return self

    def option(self, *names: Any, **more: Any) -> "Arguments":
        """A value by its name; the last of `names` is its text."""
        *flags, text = names
        self._parser.add_argument(*flags, help=self._speech.pick(*text), **more)
        return self

    def default(self, name: str, value: Any) -> "Arguments":
        """A value that is always so."""
        self._parser.set_defaults(**{name: value})
        return self

    def switch(self, *names: Any, **more: Any) -> "Arguments":
        """Something that is so when it is named; the last of `names` is its text."""
        return self.option(*names, action="store_true", **more)

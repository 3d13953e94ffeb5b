"""What every command needs: a way to speak, a connection to the daemon, the files of this machine, its arguments."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from komainu.api.client import SOCKET, Client
from komainu.cli.speech import Speech

if TYPE_CHECKING:
    from komainu.api.offline import Offline

DONE = 0
FAILED = 1
"The request was refused, or it failed, or nobody answers."
WRONG_USAGE = 2
NOT_YET = 3
"Accepted, and not done within the time that was allowed for waiting."

Handler = Callable[["Session", Namespace], int]
Text = tuple[str, str]
"""English and Japanese."""


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
        return self._commands.add_parser(name, help=told, description=told, allow_abbrev=False)


class Arguments:
    """The arguments of one command."""

    def __init__(self, parser: ArgumentParser, speech: Speech) -> None:
        """Every command takes --lang."""
        self._parser = parser
        self._speech = speech
        self.option("--lang", ("the language; else the locale's or the cluster's", "表示言語"), choices=("en", "ja"))

    def value(self, name: str, metavar: str, text: Text, **more: Any) -> "Arguments":
        """A value by its place."""
        self._parser.add_argument(name, metavar=metavar, help=self._speech.pick(*text), **more)
        return self

    def option(self, *names: Any, **more: Any) -> "Arguments":
        """A value by its name; the last of `names` is its text."""
        *flags, text = names
        self._parser.add_argument(*flags, help=self._speech.pick(*text), **more)
        return self

    def switch(self, *names: Any, **more: Any) -> "Arguments":
        """Something that is so when it is named; the last of `names` is its text."""
        return self.option(*names, action="store_true", **more)

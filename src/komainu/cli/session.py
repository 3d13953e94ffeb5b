"""What every command needs: a way to speak, a connection to the daemon, and the files of this machine."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from komainu.api.client import SOCKET, Client
from komainu.cli.speech import Speech

if TYPE_CHECKING:
    from komainu.api.offline import Offline

Lang = Annotated[
    str | None,
    typer.Option(
        "--lang", envvar="KOMAINU_LANG", metavar="en|ja", help="The language; by default the locale's or the cluster's."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: one JSON value.")]

DONE = 0
FAILED = 1
"The request was refused, or it failed, or nobody answers."
NOT_YET = 3
"Accepted, and not done within the time that was allowed for waiting."


class Session:
    """One run of the command."""

    def __init__(self, offline: "Callable[[], Offline]", socket: str = SOCKET) -> None:
        """`offline` makes the operations on files: only commands that need them pay for their imports."""
        self.offline = offline
        self.socket = socket
        self.speech = Speech(None)

    def speak(self, language: str | None) -> Speech:
        """The manner of speaking that the user asked for."""
        if language not in (None, "en", "ja"):
            raise typer.BadParameter("en or ja", param_hint="--lang")
        self.speech = Speech(language)
        return self.speech

    def connect(self) -> Client:
        """A connection to the daemon of this machine. Raises client.Trouble."""
        return Client(self.socket)

"""The command line: which commands there are, and what becomes of errors."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from komainu import __version__
from komainu.api.client import SOCKET
from komainu.cli import configuration, group, history, node, overview
from komainu.cli.session import DONE, FAILED, Session
from komainu.model.message import Said

if TYPE_CHECKING:
    from komainu.api.offline import Offline

app = typer.Typer(
    name="komainu",
    help="Komainu: high-availability clusters. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 not yet done.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("status")(overview.status)
app.add_typer(group.app, name="group")
app.add_typer(node.app, name="node")
app.command("events")(history.events)
app.command("explain")(history.explain)
app.add_typer(configuration.app, name="config")
app.command("init")(configuration.init)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"komainu {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version, and end.")
    ] = False,
) -> None:
    """The options of the command itself."""


def run(offline: "Callable[[], Offline]", arguments: Sequence[str] | None = None, socket: str = SOCKET) -> int:
    """Carry out one command; its exit code. `offline` makes the operations on this machine's files."""
    session = Session(offline, socket)
    try:
        app(list(arguments) if arguments is not None else None, obj=session)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    except Exception as error:
        # Every error of ours that an administrator can do something about carries what to say to him.
        said = getattr(error, "said", None)
        if not isinstance(said, Said):
            raise
        session.speech.err(session.speech.said(said))
        return FAILED
    return DONE

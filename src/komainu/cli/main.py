"""The command line: which commands there are, and what becomes of errors.

argparse, because `komainu status` has to be quick: it costs a tenth of what a richer library does.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from komainu import __version__
from komainu.api.client import SOCKET
from komainu.cli import overview
from komainu.cli.session import DONE, FAILED, LANGUAGE, LANGUAGES, Commands, Parser, Session
from komainu.cli.speech import Speech, asked_language
from komainu.model.message import Said

if TYPE_CHECKING:
    from komainu.api.offline import Offline

INTERRUPTED = 130


def run(offline: "Callable[[], Offline]", arguments: Sequence[str] | None = None, socket: str = SOCKET) -> int:
    """Carry out one command; its exit code. `offline` makes the operations on this machine's files."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    speech = Speech(asked_language(words, os.environ))
    try:
        chosen = parser(speech, words).parse_args(words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    try:
        return int(chosen.handler(Session(offline, speech, socket), chosen))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output wants no more of it (`komainu events | head`); nor does the interpreter's last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        # Every error of ours that an administrator can do something about carries what to say to him.
        said = getattr(error, "said", None)
        if not isinstance(said, Said):
            raise
        speech.err(speech.said(said))
        return FAILED


def parser(speech: Speech, words: Sequence[str] = ()) -> Parser:
    """The grammar, described in the reader's language: the whole of it, or what `words` need of it."""
    whole = Parser(
        "komainu",
        description=speech.pick("Komainu: high-availability clusters.", "Komainu: 高可用クラスタ"),
        epilog=speech.pick(
            "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 not yet done.",
            "終了コード: 0 完了、1 拒否または失敗、2 使用方法の誤り、3 未完了。",
        ),
        allow_abbrev=False,
    )
    whole.add_argument("--version", action="version", version=f"komainu {__version__}")
    whole.speech = speech
    flag, text = LANGUAGE
    whole.add_argument(flag, help=speech.pick(*text), choices=LANGUAGES)  # `speech.asked_language` has read it
    commands = Commands(whole, speech)
    overview.register(commands)
    if tuple(words[:1]) != ("status",):
        _register_others(commands)
    return whole


def _register_others(commands: Commands) -> None:
    """All but `status`: what monitoring asks every few seconds does not pay for the grammar of the rest."""
    from komainu.cli import (
        alerts,
        cluster,
        configuration,
        fence,
        group,
        history,
        lease,
        monitor,
        node,
        records,
        what_if,
        witness,
    )

    modules = (group, node, cluster, monitor, what_if, history, alerts, records, configuration, lease, fence, witness)
    for module in modules:
        module.register(commands)

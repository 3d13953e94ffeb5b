"""The process `komainud`: what it needs before anything, its log, its signals, its exit code."""

import asyncio
import logging
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener
from typing import Any

from komainu.agent.daemon import Daemon
from komainu.api.server import Server
from komainu.model.message import Message, Said

NOT_ROOT = Message(
    "KM6050",
    "Komainud must run as root: it moves addresses and starts applications. Use `systemctl start komainud`.",
    "komainud はアドレスの移動やアプリケーションの起動を行うため、root で実行する必要があります。"
    "`systemctl start komainud` を使用してください。",
    "error",
)
NO_SOCKET = Message(
    "KM6051",
    "The socket for `komainu` cannot be made ({reason}). Make sure that /run is writable and that no other komainud "
    "runs.",
    "`komainu` コマンド用のソケットを作成できません ({reason})。/run に書き込めること、他の komainud が動作していない"
    "ことを確認してください。",
    "error",
)

CANNOT_START = 1
"Something has to be mended first; starting again would not help."
DEFECT = 70

MOST_LOG_RECORDS = 10_000
LAST_WORDS_S = 2.0
"How long the end of the daemon waits for whoever reads its log."
SWITCH_S = 0.0005
"How long a thread may keep the interpreter: the event loop must not wait 5 ms for the one that writes the journal."

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
_log = logging.getLogger("komainu")


class CannotStart(Exception):
    """The daemon cannot start; `said` has the reason and the remedy."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


def serve(wire: Callable[[], tuple[Daemon, Server]]) -> int:
    """Run a daemon to its end; the exit code. `wire` puts it together inside the event loop.

    What forbids the start is said in one sentence, in both languages.
    """
    try:
        if os.geteuid() != 0:
            raise CannotStart(NOT_ROOT.said())
        with _log_to_stderr():
            sys.setswitchinterval(SWITCH_S)
            return asyncio.run(_run(wire))
    except Exception as error:  # noqa: BLE001  (said in one sentence, or logged as the defect it is)
        said = getattr(error, "said", None)
        if isinstance(said, tuple) and said:
            said = said[0]
        if not isinstance(said, Said):
            sys.stderr.write("komainud ended by a defect; what runs goes on\n" + traceback.format_exc())
            return DEFECT
        sys.stderr.write(f"{said.en}\n{said.ja}\n")
        return CANNOT_START


async def _run(wire: Callable[[], tuple[Daemon, Server]]) -> int:
    daemon, server = wire()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: _unhandled(daemon, context))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.leave)
    # A configuration is never read again while the daemon runs (C11); a terminal that closes is no reason to end.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        await server.open()
    except OSError as error:
        raise CannotStart(NO_SOCKET.said(reason=str(error))) from error
    try:
        return await daemon.run()
    finally:
        await server.close()


def _unhandled(daemon: Daemon, context: dict[str, Any]) -> None:
    """A defect in a callback. The loop itself has ended the daemon by now if its state could be at fault."""
    error = context.get("exception")
    _log.error("%s", context.get("message", "unhandled"), exc_info=error)
    daemon.defect(error if isinstance(error, Exception) else RuntimeError(str(context.get("message"))))


@contextmanager
def _log_to_stderr() -> Iterator[None]:
    """Through a thread: whoever reads our stderr may be slow, and the event loop must not wait for him."""
    handler = logging.StreamHandler(sys.stderr)
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(_ForJournald("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    waiting: queue.Queue[logging.LogRecord | None] = queue.Queue(MOST_LOG_RECORDS)
    listener = _Listener(waiting, handler)
    root, sender = logging.getLogger(), _Sender(waiting)
    root.setLevel(logging.INFO)
    root.addHandler(sender)
    for chatty in ("asyncio", "botocore", "boto3", "urllib3", "pyroute2"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    listener.start()
    try:
        yield
    finally:
        root.removeHandler(sender)
        last_words = threading.Thread(target=listener.stop, daemon=True)
        last_words.start()
        last_words.join(LAST_WORDS_S)


class _Listener(QueueListener):
    """Ends when everything is written, however long that takes; the caller of `stop` has a deadline."""

    def __init__(self, waiting: "queue.Queue[logging.LogRecord | None]", handler: logging.Handler) -> None:
        super().__init__(waiting, handler)
        self._waiting = waiting

    def enqueue_sentinel(self) -> None:
        """The end comes after what is queued; when the queue is full it waits for its place."""
        self._waiting.put(None)


class _Sender(QueueHandler):
    """Drops what nobody takes; the journal has it all the same."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the name that logging calls)
        """The queue is full: there is nowhere to say so."""


class _ForJournald(logging.Formatter):
    """journald reads the priority from the head of the line, and knows the time by itself."""

    def format(self, record: logging.LogRecord) -> str:
        head = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(head + line for line in super().format(record).splitlines())

"""The process: what forbids its start is one sentence, its signals are obeyed, its exit code tells how it went."""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from komainu.agent.clock import now_ms
from komainu.agent.daemon import Daemon
from komainu.api import service
from komainu.api.server import Server
from komainu.api.service import DEFECT, NO_SOCKET, NOT_ROOT, serve
from komainu.model.message import Message
from tests.doubles.daemons import World, cluster

SAID = Message("TEST10", "no library: install it", "ライブラリがありません", "error").said()


class Missing(Exception):
    said = SAID


class Several(Exception):
    said = (SAID, SAID)


@pytest.fixture(autouse=True)
def _root_and_restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    interval = sys.getswitchinterval()
    level = logging.getLogger().level
    yield
    sys.setswitchinterval(interval)
    logging.getLogger().setLevel(level)


def raising(error: Exception) -> Callable[[], tuple[Daemon, Server]]:
    def wire() -> tuple[Daemon, Server]:
        raise error

    return wire


@pytest.mark.parametrize("error", [Missing(), Several()])
def test_what_is_missing_is_one_sentence_in_both_languages(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve(raising(error)) == 1
    assert capsys.readouterr().err == f"{SAID.en}\n{SAID.ja}\n"


def test_who_is_not_root_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert serve(raising(AssertionError("never wired"))) == 1
    assert NOT_ROOT.en in capsys.readouterr().err


def test_a_defect_is_told_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert serve(raising(ZeroDivisionError("planted"))) == DEFECT
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "ZeroDivisionError: planted" in told


def test_a_reader_of_the_log_that_hangs_holds_up_neither_the_daemon_nor_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others = threading.enumerate()
    read, write = os.pipe()
    stderr = os.fdopen(write, "w")
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(service, "MOST_LOG_RECORDS", 100)
    monkeypatch.setattr(service, "LAST_WORDS_S", 0.05)
    with service._log_to_stderr():
        for _ in range(5_000):
            logging.getLogger("komainu").warning("x" * 1_000)

    assert len(os.read(read, 10_000)) == 10_000  # somebody reads after all: what was said is there
    reader = threading.Thread(target=_read_all, args=(read,))
    reader.start()
    for thread in threading.enumerate():
        if thread not in others and thread is not reader:
            thread.join(10)  # the log is written to its end now
    stderr.close()
    reader.join(10)
    os.close(read)


def _read_all(descriptor: int) -> None:
    while os.read(descriptor, 1_000_000):
        pass


class Process:
    """komainud in this process: two daemons on a fake bus, the first of them served."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world: World | None = None
        self.socket = folder / "run" / "komainud.sock"
        self.then: Callable[[], None] = lambda: None

    def wire(self) -> tuple[Daemon, Server]:
        self.world = World(self.folder, cluster(), clock=now_ms)
        # `_run` runs this daemon itself; the world's own task of it must not.
        running = self.world.start("n1")
        running.task.cancel()
        self.world.start("n2")
        asyncio.get_running_loop().call_later(0.2, self.then)
        return running.daemon, Server(running.daemon, self.socket)


@pytest.mark.sockets
def test_sigterm_leaves_and_sighup_is_ignored(tmp_path: Path) -> None:
    process = Process(tmp_path)

    def signals() -> None:
        assert process.socket.exists()
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)

    process.then = signals
    before = signal.getsignal(signal.SIGHUP)
    try:
        assert serve(process.wire) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert not process.socket.exists()


@pytest.mark.sockets
def test_an_exception_that_nobody_caught_ends_the_daemon_as_a_defect(tmp_path: Path) -> None:
    process = Process(tmp_path)

    def planted() -> None:
        raise ZeroDivisionError("planted")

    process.then = planted
    before = signal.getsignal(signal.SIGHUP)
    try:
        assert serve(process.wire) == DEFECT
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.sockets
def test_a_socket_that_cannot_be_made_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process = Process(tmp_path)
    (tmp_path / "run").write_text("not a folder")
    before = signal.getsignal(signal.SIGHUP)
    try:
        assert serve(process.wire) == 1
    finally:
        signal.signal(signal.SIGHUP, before)
    assert NO_SOCKET.en.split("(")[0] in capsys.readouterr().err


def test_journald_gets_priorities_on_every_line() -> None:
    record = logging.LogRecord("komainu", logging.ERROR, "", 0, "two\nlines", None, None)

    assert service._ForJournald("%(message)s").format(record) == "<3>two\n<3>lines"

"""What the tests of this folder share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from komainu.adapters.corosync import daemon as daemon_module
from komainu.adapters.corosync.daemon import Places, running_pid
from tests.unit.adapters.corosync.program import CFGTOOL, PROGRAM, SYSTEMCTL, Machine, write_program


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    (tmp_path / "bin").mkdir()
    write_program(tmp_path / "bin" / "corosync", PROGRAM, tmp_path)
    write_program(tmp_path / "bin" / "systemctl", SYSTEMCTL, tmp_path)
    write_program(tmp_path / "bin" / "corosync-cfgtool", CFGTOOL, tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(daemon_module, "FIRST_BACKOFF_MS", 10)
    places = Places(
        conf=tmp_path / "etc" / "corosync.conf",
        authkey=tmp_path / "etc" / "authkey",
        lock=tmp_path / "corosync.pid",
        log=tmp_path / "log" / "corosync.log",
        systemd=tmp_path / "systemd",
        unread=tmp_path / "etc" / "unread",
    )
    yield Machine(tmp_path, places)
    pid = running_pid(places.lock)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)

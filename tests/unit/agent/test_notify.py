"""What the service manager is told."""

import socket
from pathlib import Path

import pytest

from komainu.agent.notify import Notifier


@pytest.mark.sockets
def test_it_is_told_through_the_socket_it_named(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": str(path)})
        notifier.ready()
        notifier.alive()
        notifier.status("node1: Online")
        notifier.stopping(7_000)
        heard = [manager.recv(1_000).decode() for _ in range(4)]

    assert heard == [
        "READY=1",
        "WATCHDOG=1",
        "STATUS=node1: Online",
        "STOPPING=1\nEXTEND_TIMEOUT_USEC=7000000",
    ]


@pytest.mark.sockets
def test_a_manager_that_does_not_listen_is_no_trouble(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready()

    assert "cannot be told" in caplog.text


def test_without_a_manager_nothing_is_opened() -> None:
    Notifier({}).ready()  # the closed door of the unit tests would refuse a socket

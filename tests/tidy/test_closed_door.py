"""The closed door really closes: each planted attempt is refused, each marker opens what it names and no more."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.closed_door import DOOR, DoorClosed


def _connect() -> None:
    with socket.socket(socket.AF_INET) as sock:
        sock.connect(("127.0.0.1", 9))


def _bind_unix() -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("\0komainu-closed-door")


async def _child() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "--version")
    await process.wait()


PROCESS_ATTEMPTS: list[Callable[[], object]] = [
    lambda: subprocess.run([sys.executable, "--version"], check=True),
    lambda: os.system("true"),
    lambda: os.posix_spawn(sys.executable, [sys.executable, "--version"], {}),
    lambda: asyncio.run(_child()),
]
SOCKET_ATTEMPTS: list[Callable[[], object]] = [
    _connect,
    _bind_unix,
    lambda: socket.getaddrinfo("localhost", 80),
    lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE),
]


@pytest.mark.parametrize("attempt", PROCESS_ATTEMPTS)
def test_a_process_is_refused(attempt: Callable[[], object]) -> None:
    with pytest.raises(DoorClosed), DOOR.closed(processes=True, sockets=False):
        attempt()


@pytest.mark.parametrize("attempt", SOCKET_ATTEMPTS)
def test_a_socket_is_refused(attempt: Callable[[], object]) -> None:
    with pytest.raises(DoorClosed), DOOR.closed(processes=False, sockets=True):
        attempt()


def test_a_refusal_that_the_code_swallowed_still_fails() -> None:
    with (
        pytest.raises(DoorClosed, match="swallowed"),
        DOOR.closed(processes=True, sockets=True),
        contextlib.suppress(Exception),
    ):
        subprocess.run([sys.executable, "--version"], check=True)


def test_each_marker_opens_what_it_names() -> None:
    with DOOR.closed(processes=False, sockets=True):
        subprocess.run([sys.executable, "--version"], check=True, stdout=subprocess.DEVNULL)
    with DOOR.closed(processes=True, sockets=False), socket.socket(socket.AF_INET) as sock:
        sock.bind(("127.0.0.1", 0))


def test_an_event_loop_runs_behind_the_closed_door() -> None:
    async def body() -> int:
        await asyncio.sleep(0)
        left, right = socket.socketpair()
        with left, right:
            left.send(b"x")
            return len(right.recv(1))

    with DOOR.closed(processes=True, sockets=True):
        assert asyncio.run(body()) == 1

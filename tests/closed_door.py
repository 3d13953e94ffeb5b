"""Unit tests start no process and open no socket, unless they say so.

A unit test that reaches the machine passes on one machine and fails on another. The door is an audit hook of the
interpreter, so that no library finds a way around it. A test that needs the machine says so with a marker:
`@pytest.mark.processes`, `@pytest.mark.sockets`, or `@pytest.mark.lab` for both.
"""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PROCESS_EVENTS = frozenset(
    {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "os.exec", "pty.spawn"}
)
SOCKET_EVENTS = frozenset(
    {
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
    }
)


class DoorClosed(AssertionError):
    """A unit test tried to start a process or to use the network without its marker."""


class Door:
    """The door itself: what is closed now, and what tried to pass in spite of it."""

    def __init__(self) -> None:
        self.processes_closed = False
        self.sockets_closed = False
        self.refused: list[str] = []

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """The interpreter calls this before each audited operation; raising prevents the operation."""
        if self.processes_closed and event in PROCESS_EVENTS:
            self._refuse("processes", event, args)
        if not self.sockets_closed:
            return
        if event in SOCKET_EVENTS:
            # sendmsg and sendto on the two ends of a socketpair stay inside the process: they have no address.
            if event.startswith("socket.send") and not args[1]:
                return
            self._refuse("sockets", event, args)
        # asyncio itself makes a socketpair for each loop; that family alone may be made, not connected or bound.
        if event == "socket.__new__" and args[1] not in (socket.AF_UNIX, -1):
            self._refuse("sockets", event, args)

    def _refuse(self, marker: str, event: str, args: tuple[Any, ...]) -> None:
        told = f"{event}{args[1:] if event.startswith('socket.') else args}"
        self.refused.append(told)
        raise DoorClosed(f"{told}: a unit test may not do this without @pytest.mark.{marker}")

    @contextmanager
    def closed(self, *, processes: bool, sockets: bool) -> Iterator[None]:
        """Close the door for a while. Raises DoorClosed at the end if something tried, even if it was swallowed."""
        before = (self.processes_closed, self.sockets_closed)
        self.refused = []
        self.processes_closed, self.sockets_closed = processes, sockets
        try:
            yield
        finally:
            self.processes_closed, self.sockets_closed = before
        if self.refused:
            raise DoorClosed(f"refused, and the code under test swallowed it: {'; '.join(self.refused)}")


DOOR = Door()
sys.addaudithook(DOOR.audit)

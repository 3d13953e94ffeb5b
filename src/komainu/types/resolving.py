"""Names to addresses, beside the event loop: a name server that is silent must not hold the daemon up."""

import ipaddress
import socket
from typing import Any

from komainu.types.aside import Aside

Address = tuple[int, tuple[Any, ...]]
"""Family and socket address."""


class Resolver:
    """One host and port, asked for again and again."""

    def __init__(self, host: str, port: int, asker: str) -> None:
        """`asker` names the thread, for whoever looks at a hanging daemon."""
        self._host = host
        self._port = port
        self._aside: Aside[list[Address]] = Aside(f"resolve for {asker}")

    async def addresses(self, timeout_ms: int) -> list[Address]:
        """All of them, at once when the host is an address. Raises socket.gaierror, TimeoutError, OSError."""
        host, port = self._host, self._port
        try:
            version = ipaddress.ip_address(host).version
        except ValueError:
            return await self._aside.do(lambda: _resolve(host, port), timeout_ms)
        return [(socket.AF_INET if version == 4 else socket.AF_INET6, (host, port))]


def is_own(host: object) -> bool:
    """True when it is the asking machine itself, whoever asks; also when it is no name or address at all."""
    if not isinstance(host, str) or host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _resolve(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((int(family), place) for family, _, _, _, place in found))

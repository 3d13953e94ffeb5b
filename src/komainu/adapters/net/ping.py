"""ICMP echo requests. The kernel's ping sockets where this process may use them, else raw sockets.

Which of the two depends on `net.ipv4.ping_group_range`, which differs between distributions; a raw socket needs
CAP_NET_RAW. Each request has a socket and a text of its own, so that no answer is taken for another one's.
"""

import asyncio
import errno
import ipaddress
import os
import secrets
import socket
import struct
from typing import Final

from komainu.ports import PingRefused

_HEADER: Final = "!BBHHH"
_HEADER_BYTES: Final = struct.calcsize(_HEADER)
_REQUEST: Final = {4: 8, 6: 128}
_REPLY: Final = {4: 0, 6: 129}
_TEXT_BYTES: Final = 16
_MOST_BYTES: Final = 2_048
_SILENT: Final = (
    *(errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.ECONNREFUSED),
    *(errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL),
)
"Nobody is there, or there is no way there."


class LinuxPinger:
    """`komainu.ports.Pinger`."""

    async def ping(self, address: str, timeout_ms: int) -> str:
        """Ask once: empty when it answered in time, else what was seen instead. Raises PingRefused."""
        target = ipaddress.ip_address(address)
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                await _ask(target)
        except TimeoutError:
            return f"{address}: no answer within {timeout_ms} ms"
        except OSError as error:
            reason = f"{address}: {os.strerror(error.errno) if error.errno else error}"
            if error.errno in _SILENT:
                return reason
            raise PingRefused(reason) from error
        return ""


async def _ask(target: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """Send a request, and return with its answer."""
    loop = asyncio.get_running_loop()
    with _socket(target.version) as connection:
        connection.setblocking(False)
        connection.connect((str(target), 0))  # sends nothing; the loop's own connect cannot resolve for raw sockets
        text = secrets.token_bytes(_TEXT_BYTES)
        await loop.sock_sendall(connection, _request(target.version, text))
        raw = connection.type == socket.SOCK_RAW
        while not _answers(target.version, await loop.sock_recv(connection, _MOST_BYTES), text, raw=raw):
            pass


def _socket(version: int) -> socket.socket:
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    protocol = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
    try:
        return socket.socket(family, socket.SOCK_DGRAM, protocol)
    except PermissionError:
        return socket.socket(family, socket.SOCK_RAW, protocol)


def _request(version: int, text: bytes) -> bytes:
    """An echo request. A ping socket puts its own identifier in, and the kernel does the sum of ICMPv6."""
    number = int.from_bytes(text[:2])
    without = struct.pack(_HEADER, _REQUEST[version], 0, 0, number, 1) + text
    return struct.pack(_HEADER, _REQUEST[version], 0, _checksum(without), number, 1) + text


def _answers(version: int, packet: bytes, text: bytes, *, raw: bool) -> bool:
    """Whether it is the answer to the request with that text; a raw socket hears everything, the request included."""
    if raw and version == 4:
        packet = packet[(packet[0] & 0x0F) * 4 :]
    return len(packet) >= _HEADER_BYTES and packet[0] == _REPLY[version] and packet[_HEADER_BYTES:] == text


def _checksum(packet: bytes) -> int:
    """The sum of the Internet protocols (RFC 1071); the packet has an even length."""
    total: int = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF

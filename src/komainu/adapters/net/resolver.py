"""Questions to one name server behind the port Resolver. dnspython writes and reads them; they go over UDP.

The system's own resolver is no help here: it asks whichever server it likes, and may answer from a cache. The waiting
is ours, because dnspython measures it by the wall clock, which may be set.
"""

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dns.message import Message

PORT: Final = 53
_ATTEMPTS: Final = 2
"A datagram that is lost on the way is no silence."
_MOST_BYTES: Final = 65_535


class DnsResolver:
    """`komainu.ports.Resolver`."""

    def __init__(self, port: int = PORT) -> None:
        """Loads nothing yet."""
        self._port = port

    async def resolve(self, server: str, name: str, timeout_ms: int) -> tuple[str, ...]:
        """The IPv4 addresses that the server (an IP address) gives for the name. Raises TimeoutError, OSError.

        Whatever it answers, it is there: also that there is no such name, or that it cannot find out.
        """
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                # Loading takes a tenth of a second: not in the daemon's loop, and not before it is needed.
                question = await asyncio.to_thread(_question, name)
                answer = await _ask(question, server, self._port, timeout_ms / 1000 / _ATTEMPTS)
        except TimeoutError as error:
            raise TimeoutError(f"{server}: no answer within {timeout_ms} ms") from error
        return _addresses(answer)


async def _ask(question: "Message", server: str, port: int, wait_s: float) -> "Message":
    """The answer to one of the attempts; what ends the last one is raised."""
    for _ in range(_ATTEMPTS - 1):
        begun = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(wait_s):
                return await _once(question, server, port)
        except (TimeoutError, ConnectionError):
            # What is known at once (nobody listens) may be mended in a moment.
            await asyncio.sleep(max(0.0, begun + wait_s - asyncio.get_running_loop().time()))
    return await _once(question, server, port)


async def _once(question: "Message", server: str, port: int) -> "Message":
    """Send it once, and return with its answer; what is no answer to it is passed over."""
    from dns.exception import DNSException
    from dns.message import from_wire

    loop = asyncio.get_running_loop()
    family = socket.AF_INET if ipaddress.ip_address(server).version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        connection.setblocking(False)
        await loop.sock_connect(connection, (server, port))
        await loop.sock_sendall(connection, question.to_wire())
        while True:
            packet = await loop.sock_recv(connection, _MOST_BYTES)
            try:
                answer = from_wire(packet)
            except DNSException:
                continue
            if question.is_response(answer):
                return answer


def _question(name: str) -> "Message":
    """In a thread. Raises OSError for what cannot be asked for."""
    from dns.exception import DNSException
    from dns.message import make_query

    try:
        return make_query(name, "A")
    except DNSException as error:
        raise OSError(f"{name}: {error}") from error


def _addresses(answer: "Message") -> tuple[str, ...]:
    from dns.rdatatype import A

    return tuple(record.to_text() for entry in answer.answer if entry.rdtype == A for record in entry)

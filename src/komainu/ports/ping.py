"""ICMP echo: whether a machine answers at all."""

from typing import Protocol


class PingRefused(Exception):
    """This machine could not even ask: no permission, no socket, a filter of its own."""


class Pinger(Protocol):
    """Sends one echo request at a time. Several may be under way at once."""

    async def ping(self, address: str, timeout_ms: int) -> str:
        """Ask that IP address once: empty when it answered in time, else what was seen instead of an answer.

        No route and "unreachable" are no answer. Raises PingRefused.
        """

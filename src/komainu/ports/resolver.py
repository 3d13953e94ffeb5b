"""Asks a name server."""

from typing import Protocol


class Resolver(Protocol):
    """A question to one name server."""

    async def resolve(self, server: str, name: str, timeout_ms: int) -> tuple[str, ...]:
        """The addresses that this server gives for the name, at once or after one repeated question.

        An answer without addresses counts as one: the server is there. Raises TimeoutError when it does not answer,
        OSError when it cannot be asked.
        """

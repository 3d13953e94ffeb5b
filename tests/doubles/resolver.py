"""`komainu.ports.Resolver` without a network: which server answers what is written down."""

import asyncio

from komainu.ports import Resolver


class FakeResolver:
    """Nobody answers but those in `answering`."""

    def __init__(self, **answering: tuple[str, ...]) -> None:
        """By server: what it answers to everything."""
        self.answering: dict[str, tuple[str, ...]] = answering
        self.trouble: dict[str, OSError] = {}
        "What asking that server raises."
        self.asked: list[tuple[str, str]] = []

    async def resolve(self, server: str, name: str, timeout_ms: int) -> tuple[str, ...]:
        self.asked.append((server, name))
        if server in self.trouble:
            raise self.trouble[server]
        if server in self.answering:
            return self.answering[server]
        await asyncio.sleep(timeout_ms / 1000)
        raise TimeoutError(f"{server}: no answer within {timeout_ms} ms")


_: type[Resolver] = FakeResolver

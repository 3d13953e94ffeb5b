"""`komainu.ports.Pinger` without a network: who answers is written down."""

import asyncio

from komainu.ports import Pinger, PingRefused


class FakePinger:
    """Nobody answers but those in `answering`."""

    def __init__(self, *answering: str) -> None:
        self.answering = set(answering)
        self.unreachable: set[str] = set()
        "There is no way to these, and that is known at once."
        self.refused = ""
        "Why nobody can be asked at all."
        self.asked: list[str] = []

    async def ping(self, address: str, timeout_ms: int) -> str:
        self.asked.append(address)
        if self.refused:
            raise PingRefused(self.refused)
        if address in self.answering:
            return ""
        if address in self.unreachable:
            return f"{address}: Network is unreachable"
        await asyncio.sleep(timeout_ms / 1000)
        return f"{address}: no answer within {timeout_ms} ms"


_: type[Pinger] = FakePinger

"""A node for monitors of their own: what they see of it, and what they report."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from komainu.model.message import Message, Refused
from komainu.model.outcome import Outcome, Result
from komainu.ports import MonitorHands, MonitorHost, MonitorType, Watchdog, WatchdogMeans

ENOUGH_MS = 20_000
PATIENCE_S = 10


class Node:
    """One node with one monitor on it."""

    def __init__(self, declared: MonitorType, params: dict[str, Any], processes: Any, **more: Any) -> None:
        """`more` replaces what the monitor sees."""
        self.reported: list[Outcome] = []
        host = MonitorHost(
            node="n1",
            cluster="c",
            monitor="m1",
            cloud=None,
            network=None,  # type: ignore[arg-type]
            processes=processes,
            report=self.reported.append,
            now_ms=lambda: int(asyncio.get_running_loop().time() * 1000),
        )
        self.host = replace(host, **more)
        self.hands: MonitorHands = declared.make(declared.params.model_validate(params), self.host)

    async def check(self, timeout_ms: int = ENOUGH_MS) -> Outcome:
        """One check."""
        return await self.hands.check(timeout_ms)


def play(declared: MonitorType, story: Callable[[Node], Awaitable[None]], *, more: Any = None, **params: Any) -> None:
    """Tell a story about a monitor that starts no process. `more` is what its host has besides."""

    async def told() -> None:
        node = Node(declared, params, None, **(more or {}))
        await node.hands.begin()
        try:
            await story(node)
        finally:
            await node.hands.end()

    asyncio.run(told())


def says(outcome: Outcome, result: Result, message: Message) -> None:
    """The outcome is this result, said in these words in both languages."""
    assert outcome.said is not None
    assert (outcome.result, outcome.said.code) == (result, message.code), outcome
    assert outcome.said.level == message.level
    assert outcome.said.en
    assert outcome.said.ja


def refusal(declared: MonitorType, **values: Any) -> str:
    """The code of the message that refuses these parameters."""
    with pytest.raises(ValidationError) as caught:
        declared.params.model_validate_json(json.dumps(values), strict=True)
    error = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, Refused)
    assert error.said.ja
    return error.said.code


class FakeWatchdog:
    """`komainu.ports.Watchdog`: what it was asked."""

    def __init__(self, trouble: OSError | None = None) -> None:
        """`trouble`: what arming raises."""
        self.asked: list[str] = []
        self.trouble = trouble

    def means(self) -> WatchdogMeans:
        return WatchdogMeans("hardware", "fake")

    def arm(self, timeout_ms: int) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.asked.append(f"arm {timeout_ms}")

    def pat(self) -> None:
        self.asked.append("pat")

    def disarm(self) -> None:
        self.asked.append("disarm")


_: type[Watchdog] = FakeWatchdog

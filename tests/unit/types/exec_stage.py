"""One node with an exec resource on it, and real processes behind it."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from komainu.model.message import Message
from komainu.model.outcome import Outcome, Result
from komainu.ports import Host, ResourceHands
from komainu.types.exec import EXEC, ExecParams
from tests.unit.adapters.linux.workbench import Bench, bench, until

ENOUGH_MS = 20_000
FREEZER = Path("/sys/fs/cgroup/freezer")
"""Only the freezer of cgroup version 1 holds off SIGKILL."""


@dataclass
class Node:
    """One node with the exec resource on it."""

    bench: Bench
    params: ExecParams
    reported: list[Outcome] = field(default_factory=list)
    hands: ResourceHands = field(init=False)

    def __post_init__(self) -> None:
        self.hands = self.fresh()

    def fresh(self) -> ResourceHands:
        host = Host(
            node="n1",
            cluster=self.bench.cluster,
            group="g",
            resource="app",
            cloud=None,
            network=None,  # type: ignore[arg-type]
            processes=self.bench.processes,
            report=self.reported.append,
            now_ms=lambda: int(asyncio.get_running_loop().time() * 1000),
        )
        return EXEC.make(self.params, host)

    def take(self, params: dict[str, Any]) -> None:
        """The configuration changes."""
        self.params = ExecParams.model_validate(params)
        self.hands = self.fresh()

    def restart_agent(self) -> None:
        """The daemon ends and another one starts."""
        self.bench.restart()
        self.hands = self.fresh()

    @property
    def pid(self) -> int:
        return self.bench.application().pid

    async def start(self) -> Outcome:
        return await self.hands.start(ENOUGH_MS)

    async def stop(self) -> Outcome:
        return await self.hands.stop(ENOUGH_MS)

    async def check(self) -> Outcome:
        return await self.hands.check(ENOUGH_MS)

    async def probe(self) -> Outcome:
        return await self.hands.probe(ENOUGH_MS)

    async def until_reported(self) -> Outcome:
        await until(lambda: self.reported, "nothing was reported")
        return self.reported[0]


Story = Callable[[Node], Awaitable[None]]
Play = Callable[..., None]


def on_stage(directory: Path) -> Play:
    """Tells a story about an exec resource with these parameters, with processes in that directory."""

    def run(story: Story, *, contained: bool = False, **params: Any) -> None:
        async def on_bench() -> None:
            async with bench(directory, contained) as made:
                await story(Node(made, ExecParams.model_validate(params)))

        directory.mkdir()
        asyncio.run(on_bench())

    return run


def ended(outcome: Outcome, result: Result, message: Message) -> None:
    """The outcome is this result, said in these words."""
    assert outcome.said is not None
    assert (outcome.result, outcome.said.code) == (result, message.code), outcome


def code(text: str) -> str:
    """A script as one text of the configuration."""
    return shlex.join(("/bin/sh", "-c", text))

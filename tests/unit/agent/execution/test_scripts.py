"""Scripts of the administrator with real processes: what they know, how they end, what is kept of what they say."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from komainu.agent.execution import scripts
from komainu.agent.execution.hands import Hand
from komainu.agent.execution.scripts import Scripts
from komainu.model.config import Cluster, Monitor, MonitorRecovery, Scripts as Wished, Target
from komainu.model.message import Message
from komainu.model.outcome import SUCCEEDED, Outcome, Result
from tests.doubles.daemons import cluster, resource
from tests.unit.adapters.linux.workbench import Bench, bench, runs, told, until

pytestmark = pytest.mark.processes

Story = Callable[[Scripts, Bench], Awaitable[None]]


def script(folder: Path, text: str) -> str:
    """A script of an administrator."""
    path = folder / "script"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def monitor(path: str, target: Target, **more: Any) -> Monitor:
    return Monitor(
        name="m1",
        type="genw",
        nodes=("n1",),
        params={},
        first_wait_ms=0,
        interval_ms=1_000,
        timeout_ms=1_000,
        retries=0,
        recovery=MonitorRecovery(target=target, script=path, **more),
    )


def play(folder: Path, story: Story, config: Cluster | None = None) -> None:
    async def on_bench() -> None:
        async with bench(folder / "node", False) as made:
            await story(Scripts("n1", made.processes, lambda: config or cluster()), made)

    asyncio.run(on_bench())


def hand(path: str, timeout_ms: int = 20_000) -> Hand:
    """Resource app of group web with this script for every event."""
    events = dict.fromkeys(("before_start", "after_start", "before_stop", "after_stop"), path)
    wished = resource("app", scripts=Wished(**events, timeout_ms=timeout_ms))
    return Hand(cluster(wished).groups[0], wished, None, None, "thingw-app")


def environment(path: Path) -> dict[str, str]:
    found = dict(line.split("=", 1) for line in path.read_text().splitlines())
    return {key: text for key, text in found.items() if key.startswith("KOMAINU_") and key != "KOMAINU_RUN"}


def says(outcome: Outcome, message: Message, *pieces: str) -> None:
    assert outcome.result is Result.FAILED
    assert outcome.said is not None
    assert outcome.said.code == message.code
    for piece in pieces:
        assert piece in outcome.said.en
        assert piece in outcome.said.ja


@pytest.mark.parametrize("event", ["before_start", "after_start", "before_stop", "after_stop"])
def test_a_script_of_a_resource_knows_for_what_it_is_run(tmp_path: Path, event: scripts.Event) -> None:
    seen = tmp_path / "environment"

    async def story(run: Scripts, made: Bench) -> None:
        path = script(tmp_path, f'echo "$1"; env > {seen}')
        assert await run.of_resource(hand(f"{path} 'two words'"), event) == SUCCEEDED
        assert environment(seen) == {
            "KOMAINU_CLUSTER": "test",
            "KOMAINU_NODE": "n1",
            "KOMAINU_GROUP": "web",
            "KOMAINU_RESOURCE": "app",
            "KOMAINU_EVENT": event,
        }
        assert (made.directory / "log" / "web@app@scripts.log").read_text() == "two words\n"

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("target", "more"),
    [
        (Target(kind="node"), {}),
        (Target(kind="group", group="web"), {"KOMAINU_GROUP": "web"}),
        (Target(kind="resource", group="web", resource="app"), {"KOMAINU_GROUP": "web", "KOMAINU_RESOURCE": "app"}),
    ],
)
def test_a_script_before_recovery_knows_what_is_recovered(tmp_path: Path, target: Target, more: dict[str, str]) -> None:
    seen = tmp_path / "environment"

    async def story(run: Scripts, _: Bench) -> None:
        assert await run.before_recovery("m1") == SUCCEEDED
        assert environment(seen) == {
            "KOMAINU_CLUSTER": "test",
            "KOMAINU_NODE": "n1",
            "KOMAINU_MONITOR": "m1",
            "KOMAINU_EVENT": "recovery",
            **more,
        }

    play(tmp_path, story, cluster(monitors=(monitor(script(tmp_path, f"env > {seen}"), target),)))


def test_how_it_ended_is_told_with_its_output(tmp_path: Path) -> None:
    async def story(run: Scripts, _: Bench) -> None:
        outcome = await run.of_resource(hand(script(tmp_path, "echo the reason; exit 7")), "before_start")
        says(outcome, scripts.BY_CODE, "before_start", "app", "7", "n1")
        assert outcome.detail == "the reason"
        outcome = await run.of_resource(hand(script(tmp_path, "echo the reason; kill -9 $$")), "after_stop")
        says(outcome, scripts.BY_SIGNAL, "after_stop", "SIGKILL")
        assert outcome.detail == "the reason"

    play(tmp_path, story)


def test_one_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"

    async def story(run: Scripts, _: Bench) -> None:
        path = script(tmp_path, f"sleep 1000 & echo $! > {child}; wait")
        says(await run.of_resource(hand(path, 1_000), "before_stop"), scripts.TIMEOUT, "1000")
        pid = await told(child)
        await until(lambda: not runs(pid), "its child goes on")

    play(tmp_path, story)


@pytest.mark.parametrize("path", ["/opt/absent", "/opt/'open", "/", " "])
def test_one_that_cannot_be_started_says_why(tmp_path: Path, path: str) -> None:
    async def story(run: Scripts, _: Bench) -> None:
        says(await run.of_resource(hand(path), "before_start"), scripts.CANNOT, path)

    play(tmp_path, story)


def test_a_monitor_that_has_no_script_by_now_has_nothing_to_wait_for(tmp_path: Path) -> None:
    async def story(run: Scripts, made: Bench) -> None:
        assert await run.before_recovery("m1") == SUCCEEDED
        assert await run.before_recovery("m2") == SUCCEEDED
        assert not (made.directory / "log").exists()

    play(tmp_path, story, cluster(monitors=(monitor("", Target(kind="node")),)))


def test_the_log_keeps_within_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "LOG_BYTES", 8_192)

    async def story(run: Scripts, made: Bench) -> None:
        path = script(tmp_path, "head -c 6000 /dev/zero")
        for _ in range(4):
            assert await run.of_resource(hand(path), "after_start") == SUCCEEDED
        assert sum(each.stat().st_size for each in (made.directory / "log").iterdir()) <= 8_192

    play(tmp_path, story)

"""The age of what runs survives the daemon, and a file that cannot be read or written is told."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from komainu.agent.background import Background
from komainu.agent.execution.runs import NOT_REMEMBERED, Runs
from komainu.model.message import Said

APP, VIP = ("web", "app"), ("web", "vip")


def play(folder: Path, story: Callable[[Callable[[], Runs], list[Said]], Awaitable[None]]) -> None:
    async def told() -> None:
        alerts: list[Said] = []
        backgrounds: list[Background] = []

        def fresh() -> Runs:
            backgrounds.append(Background())
            return Runs(folder, backgrounds[-1], alerts.append)

        await story(fresh, alerts)
        for background in backgrounds:
            await background.close(5_000)

    asyncio.run(told())


async def written(runs: Runs) -> None:
    done = asyncio.Event()
    runs._background.do(lambda: runs._background.hand_over(done.set), lambda error: None)
    async with asyncio.timeout(10):
        await done.wait()


def test_epochs_survive_a_restart_of_the_daemon(tmp_path: Path) -> None:
    async def story(fresh: Callable[[], Runs], alerts: list[Said]) -> None:
        first = fresh()
        assert first.epoch(APP) == 0
        first.started(APP, 4)
        first.started(VIP, 5)
        first.started(VIP, 6)
        first.ended(APP)
        first.ended(APP)
        await written(first)
        second = fresh()

        assert (second.epoch(APP), second.epoch(VIP)) == (0, 6)
        assert second.names() == ("vip",)
        assert alerts == []

    play(tmp_path / "runs", story)


def test_a_damaged_file_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "web:app.json").write_text("{")
    (tmp_path / "web:vip.json").write_text('{"group": "web", "resource": "vip", "epoch": 3}')

    async def story(fresh: Callable[[], Runs], alerts: list[Said]) -> None:
        runs = fresh()

        assert runs.epoch(VIP) == 3
        assert [said.code for said in alerts] == [NOT_REMEMBERED.code]
        assert "web:app.json" in alerts[0].en

    play(tmp_path, story)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("not a folder")

    async def story(fresh: Callable[[], Runs], alerts: list[Said]) -> None:
        runs = fresh()
        runs.started(APP, 1)
        await written(runs)

        assert runs.epoch(APP) == 1
        assert [said.code for said in alerts] == [NOT_REMEMBERED.code]

    play(tmp_path / "runs", story)

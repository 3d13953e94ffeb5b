"""`komainu status`, asked of a daemon that is there."""

import asyncio
import json
from pathlib import Path

import pytest

from komainu.api.answers import StatusAnswer
from tests.doubles.served import Served, komainu, serve

pytestmark = pytest.mark.sockets


def test_for_people_and_for_programs(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        people = await served.komainu("status")
        programs = await served.komainu("status", "--json")
        japanese = await served.komainu("status", "--lang", "ja")

        assert (people.code, programs.code, japanese.code) == (0, 0, 0)
        assert "● web" in people.out
        assert "seen from n1" in people.out
        assert "n1 から見た状態" in japanese.out
        assert StatusAnswer.model_validate(json.loads(programs.out)).groups[0].status == "Online"
        assert "\x1b" not in people.out

    serve(tmp_path, story)


def test_watching_draws_at_every_change(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        watching = asyncio.create_task(served.komainu("status", "--watch"))
        await asyncio.sleep(0.5)
        await served.komainu("group", "stop", "web")
        await asyncio.sleep(0.5)
        served.world.running["n1"].daemon.end(0)  # the daemon ends: so does the watching
        for task in list(_serving()):
            task.cancel()
        watched = await watching

        assert watched.out.count("seen from n1") >= 2
        assert "● web  " in watched.out
        assert "○ web  " in watched.out
        assert (watched.code, "KM6003" in watched.err or "does not answer" in watched.err) == (1, True)

    serve(tmp_path, story)


def _serving() -> list["asyncio.Task[object]"]:
    return [task for task in asyncio.all_tasks() if "_serve" in repr(task.get_coro())]


def test_without_a_daemon_it_says_what_to_do(tmp_path: Path) -> None:
    told = komainu("status", socket=tmp_path / "nobody")
    japanese = komainu("status", "--lang", "ja", socket=tmp_path / "nobody")

    assert (told.code, told.out) == (1, "")
    assert "systemctl start komainud" in told.err
    assert japanese.err.startswith("このノードで komainud が動作していません")

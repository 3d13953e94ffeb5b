"""`komainu status`, asked of a daemon that is there."""

import asyncio
import json
from pathlib import Path

import pytest

from komainu.api.answers import StatusAnswer
from komainu.model import commands as c, events as e
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


def test_watching_draws_at_every_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(served: Served) -> None:
        drawn: list[str] = []
        monkeypatch.setattr("komainu.cli.speech.Speech.out", lambda self, text="": drawn.append(text))
        watching = asyncio.create_task(served.komainu("status", "--watch"))
        await served.until(lambda: "● web" in "".join(drawn), "drawn at first")
        served.world.running["n2"].daemon.loop.propose(e.CommandGiven("test", "n2", c.StopGroup("web")))
        await served.until(lambda: "○ web" in "".join(drawn), "drawn again")
        await served.server.close()  # the daemon ends, and with it the watching
        watched = await watching

        assert watched.code == 1
        assert "does not answer" in watched.err
        assert all(picture.startswith("test  onprem") for picture in drawn)

    serve(tmp_path, story)


def test_without_a_daemon_it_says_what_to_do(tmp_path: Path) -> None:
    told = komainu("status", socket=tmp_path / "nobody")
    japanese = komainu("status", "--lang", "ja", socket=tmp_path / "nobody")

    assert (told.code, told.out) == (1, "")
    assert "systemctl start komainud" in told.err
    assert japanese.err.startswith("このノードで komainud が動作していません")

"""`komainu monitor`, asked of daemons that are there."""

import json
from pathlib import Path

import pytest

from komainu.api.client import Client
from tests.doubles.daemons import cluster, resource
from tests.doubles.served import Served, serve

pytestmark = pytest.mark.sockets
CONFIG = cluster(resource(monitor="thingw-app"))


def test_the_list_for_people_and_for_programs(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        assert (await served.komainu("monitor", "suspend", "thingw-app", "n1")).code == 0
        people = await served.komainu("monitor", "list")
        programs = await served.komainu("monitor", "list", "--json")

        first, reason, second = people.out.splitlines()
        assert first.split() == ["◐", "thingw-app", "Suspend", "n1", "thing"]
        assert "komainu monitor resume thingw-app" in reason
        assert second.split() == ["○", "Unused", "n2"]
        assert json.loads(programs.out)["monitors"][0]["on"][0]["suspended"]

    serve(tmp_path, story, CONFIG)


def test_verification_mode_says_how_it_ends(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        told = await served.komainu("monitor", "fail", "thingw-app", "n2", "--yes")
        assert told.code == 0
        detail = await served.komainu("status", "thingw-app")
        assert detail.code == 0
        assert (await served.komainu("monitor", "fail", "thingw-app", "--off")).code == 0
        again = await served.komainu("monitor", "fail", "thingw-app", "--off")
        assert (again.code, "Nothing was changed" in again.out) == (0, True)

    serve(tmp_path, story, CONFIG)


def test_there_may_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(served: Served) -> None:
        ask = Client.ask
        monkeypatch.setattr(Client, "ask", lambda self, op: {**ask(self, op), "monitors": []})
        assert (await served.komainu("monitor", "list")).out == "There is none.\n"

    serve(tmp_path, story)

"""`komainu events` and `komainu explain`."""

import json
from pathlib import Path

import pytest

from tests.doubles.served import Served, komainu, serve

pytestmark = pytest.mark.sockets


def test_events_for_people_and_for_programs(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        people = await served.komainu("events")
        programs = await served.komainu("events", "--json", "-n", "5")
        japanese = await served.komainu("events", "--lang", "ja")

        entries = [json.loads(line) for line in programs.out.splitlines()]
        assert len(entries) == 5
        assert [entry["seq"] for entry in entries] == sorted(entry["seq"] for entry in entries)
        assert "→ start app on n1" in people.out
        assert "web: Online Pending → Online (n1)" in people.out
        assert "n1 で app を起動" in japanese.out

    serve(tmp_path, story)


def test_explain_gives_the_chain_of_causes(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        await served.komainu("group", "move", "web")
        told = await served.komainu("explain", "-n", "1")
        programs = await served.komainu("explain", "--json")

        lines = told.out.splitlines()
        assert lines[0] == "What this configuration protects from"
        (start,) = [line for line in lines if "start app on n2: succeeded" in line]
        assert "An operator on n1" in "\n".join(lines[lines.index(start) :])
        assert json.loads(programs.out)["actions"][-1]["node"] == "n2"

    serve(tmp_path, story)


@pytest.mark.parametrize("count", ["0", "-1", "1001", "x", "١"])
def test_a_count_that_is_none_is_wrong_usage(tmp_path: Path, count: str) -> None:
    assert komainu("events", f"--last={count}", socket=tmp_path / "nobody").code == 2

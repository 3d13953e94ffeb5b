"""`komainu node`: the operator's word is asked for with its risk, and is never given by habit."""

import io
import json
from pathlib import Path

import pytest

from komainu.cli.node import _under
from komainu.core.state import Presence
from tests.doubles.daemons import cluster
from tests.doubles.served import Served, serve

pytestmark = pytest.mark.sockets
OPERATOR = cluster(arbitration="operator")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def lose_n1s_peer(served: Served) -> None:
    world = served.world
    await served.komainu("group", "move", "web", "n2")
    await world.power_off("n2")
    one = world.running["n1"]
    await world.until(lambda: one.state.nodes["n2"].presence is Presence.LOST, "lost", 20)


def test_the_list_has_reasons(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        await lose_n1s_peer(served)
        told = await served.komainu("node", "list")
        programs = await served.komainu("node", "list", "--json")

        assert told.out.splitlines()[0].split() == ["●", "n1", "Online", "1", "10.0.0.1"]
        assert "not proven gone" in told.out
        assert [node["status"] for node in json.loads(programs.out)["nodes"]] == ["Online", "Unknown"]

    serve(tmp_path, story, OPERATOR)


def test_with_yes_the_word_is_given(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        await lose_n1s_peer(served)
        told = await served.komainu("node", "confirm-gone", "n2", "--yes")
        assert told.code == 0
        await served.world.online(on="n1", within_s=20)

    serve(tmp_path, story, OPERATOR)


def test_without_a_terminal_nobody_is_asked_and_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(served: Served) -> None:
        await lose_n1s_peer(served)
        told = await served.komainu("node", "confirm-gone", "n2")
        assert told.code == 1
        assert "data can be destroyed" in told.err
        assert "--yes" in told.err
        assert served.world.running["n1"].state.nodes["n2"].presence is Presence.LOST

    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    serve(tmp_path, story, OPERATOR)


@pytest.mark.parametrize(
    ("typed", "presence"), [("n2\n", Presence.GONE), ("yes\n", Presence.LOST), ("", Presence.LOST)]
)
def test_at_a_terminal_the_name_has_to_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, presence: Presence
) -> None:
    async def story(served: Served) -> None:
        await lose_n1s_peer(served)
        told = await served.komainu("node", "confirm-gone", "n2")
        assert told.code == (0 if presence is Presence.GONE else 1)
        assert served.world.running["n1"].state.nodes["n2"].presence is presence

    monkeypatch.setattr("sys.stdin", Terminal(typed))
    serve(tmp_path, story, OPERATOR)


def test_a_node_that_is_there_or_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        there = await served.komainu("node", "confirm-gone", "n2", "--yes")
        nobody = await served.komainu("node", "confirm-gone", "n9", "--yes")

        assert (there.code, nobody.code) == (1, 1)
        assert "not lost" in there.err
        assert "no node n9" in nobody.err

    serve(tmp_path, story)


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("none", "taken as gone without any word"),
        ("operator", "nothing but your word"),
        ("lease", "in the place of the vote"),
        ("majority", "gives a minority the right"),
    ],
)
def test_the_risk_is_that_of_the_arbitration(kind: str, part: str) -> None:
    wait_ms = 6_000 if kind in ("lease", "majority") else None
    said = _under("n2", {"kind": kind, "wait_ms": wait_ms})
    assert part in said.en
    assert ("6.0 s" in said.en, "6.0 s" in said.ja) == (wait_ms is not None, wait_ms is not None)


def test_who_gave_the_word_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(served: Served) -> None:
        await lose_n1s_peer(served)
        assert (await served.komainu("node", "confirm-gone", "n2", "--yes")).code == 0
        said = [each for each in served.world.running["n1"].alerts() if each in ("KM7712", "KM6063")]
        assert sorted(said) == ["KM6063", "KM7712"]
        entries = served.world.running["n1"].daemon.parts.recorder.last(1000)
        texts = [alert["en"] for entry in entries for alert in entry["alerts"] if alert["code"] == "KM6063"]
        assert texts[0].startswith("ann on n1 confirmed that node n2 (daemon ")

    monkeypatch.setenv("SUDO_USER", "ann")
    serve(tmp_path, story, OPERATOR)

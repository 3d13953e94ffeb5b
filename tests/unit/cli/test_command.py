"""What all commands share: asking first, following, and the exit code."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from komainu.api.client import Client, Trouble
from komainu.cli import command
from komainu.cli.command import Goal
from komainu.cli.speech import Speech
from komainu.model.message import Message
from tests.doubles.served import Served, serve

SAID = Message("TEST31", "it may hurt", "危険です", "warning").said()
PLAIN = Speech("en", coloured=False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "yes"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)])
def test_at_a_terminal_somebody_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, yes: bool
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))

    assert command.sure(SAID, PLAIN) is yes
    told = capsys.readouterr().err
    assert told.startswith("it may hurt\n")
    assert ("Nothing was changed" in told) is not yes


def test_without_a_terminal_the_answer_is_no(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))

    assert not command.sure(SAID, PLAIN)
    assert "--yes" in capsys.readouterr().err


class Following:
    """A client whose daemon tells these things, then goes."""

    def __init__(self, *items: dict[str, Any], goes: bool = False) -> None:
        self.items = items
        self.goes = goes

    def follow(self, op: str, timeout_s: float, **args: Any) -> Any:
        yield from self.items
        if self.goes:
            raise Trouble(SAID)


def item(reached: bool, settled: bool, waits: bool = False, status: str = "Online") -> dict[str, Any]:
    part = {"kind": "resource", "name": "app", "status": status, "node": "n1", "why": None}
    node = {"kind": "node", "name": "n1", "status": status, "node": None, "why": None}
    why = {"code": "X", "level": "warning", "en": "because", "ja": "x"}
    return {
        "reached": reached,
        "settled": settled,
        "waits": waits,
        "why": None if reached else why,
        "objects": [node, part],
    }


GROUP, NODE = Goal("group", "web", "Online"), Goal("node", "n1", "Offline", ends_here=True)


@pytest.mark.parametrize(
    ("last", "code"),
    [
        (item(True, True), 0),
        (item(False, True), 1),
        (item(False, True, waits=True), 3),
        (item(False, False), 3),
    ],
)
def test_the_exit_code_says_whether_the_goal_was_reached(
    capsys: pytest.CaptureFixture[str], last: dict[str, Any], code: int
) -> None:
    client: Any = Following(item(False, False, status="Online Pending"), last)

    assert command._follow(client, PLAIN, GROUP, 7) == code
    told = capsys.readouterr()
    assert ("because" in told.err) is (code != 0)
    assert ("within 7 s" in told.err) is not last["settled"]
    assert told.out.splitlines() == [
        "◐ n1  Online Pending", "◐   app  Online Pending  n1", "● n1  Online", "●   app  Online  n1",
    ]  # fmt: skip


def test_what_a_nodes_end_touches_is_shown_when_it_changes(capsys: pytest.CaptureFixture[str]) -> None:
    client: Any = Following(item(False, False), item(False, False), item(True, True, status="Offline"))

    assert command._follow(client, PLAIN, NODE, 7) == 0
    assert capsys.readouterr().out.splitlines() == ["● n1  Online", "○ n1  Offline", "○   app  Offline  n1"]


def test_a_machine_that_goes_down_has_done_what_it_was_told(capsys: pytest.CaptureFixture[str]) -> None:
    client: Any = Following(item(False, False), goes=True)

    assert command._follow(client, PLAIN, NODE, 7) == 0
    assert "goes down" in capsys.readouterr().out
    with pytest.raises(Trouble):
        command._follow(client, PLAIN, GROUP, 7)
    nothing: Any = Following(goes=True)
    with pytest.raises(Trouble):
        command._follow(nothing, PLAIN, NODE, 7)


@pytest.mark.sockets
def test_a_dry_run_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(served: Served) -> None:
        dry = await served.komainu("cluster", "stop", "--dry-run", "--json")
        assert dry.code == 0
        assert json.loads(dry.out)["course"]["nodes"][0]["after"]["status"] == "Offline"
        assert served.world.things.on("app") == ["n1"]

    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    serve(tmp_path, story)


@pytest.mark.sockets
def test_dangerous_commands_ask_and_gentle_ones_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(served: Served) -> None:
        ask = Client.ask

        def gave(self: Client, op: str, timeout_s: float = 0, **args: Any) -> Any:
            ask(self, "node.list")  # somebody who comes and goes without a word may be met after the story's end
            if op != "node.list":
                given.append(op)
                return {"accepted": True, "said": {"en": "Accepted.", "ja": "", "level": "info"}, "course": None}
            return {}

        monkeypatch.setattr(Client, "ask", gave)
        for words in (
            ("cluster", "stop"),
            ("cluster", "stop", "--reboot"),
            ("node", "shutdown", "n1"),
            ("node", "reboot", "n1"),
            ("monitor", "fail", "appw"),
        ):
            told = await served.komainu(*words)
            assert (told.code, given) == (1, [])
            assert "--yes" in told.err
        for words in (
            ("node", "stop", "n1", "--no-wait"),
            ("node", "shutdown", "n1", "--no-wait", "--yes"),
            ("cluster", "suspend", "--no-wait"),
            ("cluster", "resume", "--no-wait"),
            ("node", "suspend", "n1"),
            ("node", "resume", "n1"),
            ("node", "start", "n1", "--no-wait"),
            ("cluster", "start", "--no-wait"),
            ("monitor", "suspend", "appw"),
            ("monitor", "resume", "appw", "n1"),
            ("monitor", "fail", "appw", "--off"),
            ("maintenance", "on"),
        ):
            assert (await served.komainu(*words)).code == 0
        assert given == [
            "node.stop", "node.stop", "cluster.suspend", "cluster.resume", "node.suspend", "node.resume", "node.start",
            "cluster.start", "monitor.suspend", "monitor.resume", "monitor.fail", "maintenance",
        ]  # fmt: skip

    given: list[str] = []
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    serve(tmp_path, story)

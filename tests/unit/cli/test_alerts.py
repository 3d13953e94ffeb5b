"""`komainu alerts`, as a person and as a program use it."""

import json
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from komainu.cli.alerts import _when
from tests.doubles.alerts import said
from tests.doubles.served import Served, komainu, serve
from tests.unit.agent.alerts.test_notifications import Pigeons
from tests.unit.api.test_alerts import with_notifications

pytestmark = pytest.mark.sockets


def test_alerts_for_people_and_for_programs(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        served.world.running["n1"].daemon.parts.recorder.alert(said("KM5301", "warning"), "two\nlines")
        people = await served.komainu("alerts", "--code", "km53", "--level", "warning", "--since", "1h")
        programs = await served.komainu("alerts", "--json", "-n", "3")
        japanese = await served.komainu("alerts", "--module", "agent", "--node", "n1", "--lang", "ja")
        before = await served.komainu("alerts", "--until", "2001-01-01")

        head, *detail = people.out.splitlines()
        assert head.endswith("  warning agent KM5301 n1: it happened")
        assert detail == ["    two", "    lines"]
        assert [sorted(json.loads(line)) for line in programs.out.splitlines()] == [
            ["at", "code", "detail", "en", "id", "ja", "level", "module", "node"]
        ] * 3
        assert "警告 agent KM5301 n1: 起きました\n    it happened\n    two\n    lines\n" in japanese.out
        assert (before.code, before.out) == (0, "")

    serve(tmp_path, story)


def test_a_test_of_the_notifications_tells_every_result_and_ends_accordingly(tmp_path: Path) -> None:
    pigeons = Pigeons()

    async def story(served: Served) -> None:
        well = await served.komainu("alerts", "test")
        pigeons.down = ["n2"]
        badly = await served.komainu("alerts", "test", "ops", "--lang", "ja")
        program = await served.komainu("alerts", "test", "ops", "--json")
        wrong = await served.komainu("alerts", "try")
        unknown = await served.komainu("alerts", "test", "fax")

        assert well.code == 0
        assert sorted(well.out.splitlines()) == [
            "boss (n1): sent",
            "boss (n2): sent",
            "ops (n1): sent",
            "ops (n2): sent",
        ]
        assert badly.code == 1
        assert "ops (n2): 失敗" in badly.out
        assert "起きました" in badly.out
        assert {json.loads(line)["result"] for line in program.out.splitlines()} == {"succeeded", "failed"}
        assert (wrong.code, unknown.code) == (2, 1)
        assert "komainu alerts test [NAME]" in wrong.err
        assert "ops, boss" in unknown.err

    serve(tmp_path, story, with_notifications(), notifiers={"webhook": pigeons.kind})


@pytest.mark.parametrize("ago", ["0s", "90s", "15m", "2h", "3d", "1w"])
def test_a_time_may_be_so_long_ago(ago: str) -> None:
    seconds = int(ago[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[ago[-1]]
    wanted = datetime.now(UTC) - timedelta(seconds=seconds)
    assert abs(_when(ago) - wanted.timestamp() * 1000) < 5_000


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-22T16:00:00+09:00", datetime(2026, 11, 22, 7, tzinfo=UTC)),
        ("2026-11-22T07:00:00Z", datetime(2026, 11, 22, 7, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 22).astimezone()),
        ("2026-11-22 07:30", datetime(2026, 11, 22, 7, 30).astimezone()),
    ],
)
def test_a_time_may_be_a_date_in_the_readers_time_zone(text: str, at: datetime) -> None:
    assert _when(text) == int(at.timestamp() * 1000)


@pytest.mark.parametrize("text", ["", "2", "h", "2y", "-2h", "yesterday", "2026-13-01", "9999999d", "١h"])
def test_what_is_no_time_is_wrong_usage(tmp_path: Path, text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        _when(text)
    assert komainu("alerts", f"--since={text}", socket=tmp_path / "nobody").code == 2


@pytest.mark.parametrize("arguments", [["-n", "0"], ["-n", "10001"], ["--level", "fatal"]])
def test_wrong_usage_is_seen_without_a_daemon(tmp_path: Path, arguments: list[str]) -> None:
    assert komainu("alerts", *arguments, socket=tmp_path / "nobody").code == 2

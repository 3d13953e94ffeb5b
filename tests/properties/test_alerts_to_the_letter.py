"""Requirement T, from the type to the reader: code and English text of every row stand in the alert log as they were
said, and whoever reads Japanese finds the English beside it."""

import json
from pathlib import Path
from string import Formatter

import pytest

from komainu.catalogue import MONITORS, TYPES
from komainu.model.message import Message, Said
from tests.doubles.served import Served, serve

pytestmark = pytest.mark.sockets

ROWS = {
    message.code: message
    for declared in (*TYPES, *MONITORS)
    if declared.traits.environments == ("aws",)
    for message in declared.messages
}
MODULE = "aws"


def filled(message: Message) -> Said:
    """The row with something in every place."""
    names = {name for _, name, _, _ in Formatter().parse(message.en) if name}
    return message.said(**{name: f"{name}-1" for name in names})


def test_every_row_is_in_the_log_as_it_was_said(tmp_path: Path) -> None:
    wanted = {code: filled(message) for code, message in ROWS.items() if code.startswith(("KM31", "KM33", "KM34"))}
    assert len(wanted) > 40

    async def story(served: Served) -> None:
        for said in wanted.values():
            served.world.running["n1"].daemon.parts.recorder.alert(said)
        most = str(2 * len(wanted))
        programs = await served.komainu("alerts", "--json", "--node", "n1", "-n", most)
        people = await served.komainu("alerts", "--node", "n1", "-n", most)
        japanese = await served.komainu("alerts", "--node", "n1", "-n", most, "--lang", "ja")

        told = {alert["code"]: alert for alert in map(json.loads, programs.out.splitlines())}
        lines, both = people.out.splitlines(), japanese.out.splitlines()
        for code, said in wanted.items():
            alert = told[code]
            assert (alert["en"], alert["ja"], alert["level"]) == (said.en, said.ja, said.level)
            assert alert["module"] == MODULE
            assert any(line.endswith(f"{said.level} {MODULE} {code} n1: {said.en}") for line in lines)
            [at] = [number for number, line in enumerate(both) if line.endswith(f"{MODULE} {code} n1: {said.ja}")]
            assert both[at + 1] == f"    {said.en}"

    serve(tmp_path, story)

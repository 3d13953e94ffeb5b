"""What becomes of errors, and what the quick commands do not import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from komainu import __version__
from komainu.cli.main import parser, run
from komainu.cli.speech import Speech
from komainu.model.message import Message
from tests.doubles.served import komainu, no_files

SAID = Message("TEST13", "it is so", "そうです", "error").said()


class Trouble(Exception):
    said = SAID


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(no_files, ["--version"]) == 0
    assert capsys.readouterr().out == f"komainu {__version__}\n"


@pytest.mark.parametrize("words", [[], ["nothing"], ["status", "--nothing"], ["status", "--lang", "fr"]])
def test_wrong_usage_ends_with_2(words: list[str], tmp_path: Path) -> None:
    told = komainu(*words, socket=tmp_path / "nobody")

    assert told.code == 2
    assert "usage: komainu" in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["grup"], "grup is not known. Did you mean group?"),
        (["group", "mvoe", "web"], "Did you mean move"),
        (["maintenance", "xyz"], "There is: on, off."),
        (["grup", "--lang", "ja"], "group の誤りではありませんか"),
        (["--lang", "ja", "grup"], "group の誤りではありませんか"),
    ],
)
def test_a_word_that_nobody_knows_is_answered_with_the_nearest(words: list[str], said: str, tmp_path: Path) -> None:
    told = komainu(*words, socket=tmp_path / "nobody")

    assert (told.code, said in told.err) == (2, True), told.err


def test_an_error_that_has_something_to_say_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    def offline() -> None:
        raise Trouble

    assert run(offline, ["config", "schema", "--lang", "ja"]) == 1  # type: ignore[arg-type]
    assert capsys.readouterr().err == "そうです\n"


def test_a_defect_is_not_hidden() -> None:
    def offline() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(offline, ["config", "schema"])  # type: ignore[arg-type]


def test_ctrl_c_ends_with_130() -> None:
    def offline() -> None:
        raise KeyboardInterrupt

    assert run(offline, ["config", "schema"]) == 130  # type: ignore[arg-type]


def test_every_command_has_words_in_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for language in ("en", "ja"):
        with pytest.raises(SystemExit):
            parser(Speech(language)).parse_args(["--help"])
        texts.append(capsys.readouterr().out)

    commands = ("status", "group", "resource", "node", "cluster", "monitor", "maintenance", "what-if", "events", "init")
    for command in commands:
        assert all(command in text for text in texts)
    assert texts[0].isascii()
    assert not texts[1].isascii()


PROGRAM = """
import sys
from komainu.compose import cli
sys.argv = ["komainu", "status"]
code = cli()
never = ("komainu.cli.group", "pydantic", "asyncio", "boto3", "pyroute2", "yaml", "typer", "rich")
heavy = [name for name in never if name in sys.modules]
print(code, heavy)
"""


@pytest.mark.processes
def test_status_imports_nothing_that_costs_time() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, env={**os.environ, "LANG": "C"}
    )
    assert done.stdout == "1 []\n", done.stderr


@pytest.mark.processes
def test_a_reader_that_goes_away_is_no_error() -> None:
    """`komainu config schema | head -1`"""
    program = "import sys; from komainu.compose import cli; sys.argv = ['komainu', 'config', 'schema']; sys.exit(cli())"
    command = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    command.stdout.close()
    _, told = command.communicate(timeout=60)

    assert (command.returncode, told) == (0, "")

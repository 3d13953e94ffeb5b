"""What `exec` and `genw` take for a command, a path and an environment, and how the end of a program is told."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from komainu.model.message import Message, Refused
from komainu.types import command
from komainu.types.command import LISTED, AbsolutePath, Command, Environment, listed, signal_name

COMMAND: TypeAdapter[Any] = TypeAdapter(Command)
PATH: TypeAdapter[Any] = TypeAdapter(AbsolutePath)
ENVIRONMENT: TypeAdapter[Any] = TypeAdapter(Environment)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("/opt/check --all 'two words'", ("/opt/check", "--all", "two words")),
        (["/opt/check", "$HOME"], ("/opt/check", "$HOME")),
        ("true", ("true",)),
    ],
)
def test_a_command_is_words_and_no_shell_reads_them(written: Any, words: tuple[str, ...]) -> None:
    assert COMMAND.validate_python(written) == words


@pytest.mark.parametrize(
    ("adapter", "written", "message"),
    [
        (COMMAND, "", command.NO_WORDS),
        (COMMAND, [""], command.NO_WORDS),
        (COMMAND, "/bin/echo 'open", command.BAD_QUOTES),
        (COMMAND, "bin/true", command.RELATIVE),
        (COMMAND, ["/bin/tr\0ue"], command.ZERO_BYTE),
        (PATH, "here", command.RELATIVE),
        (PATH, "/a\0b", command.ZERO_BYTE),
        (ENVIRONMENT, {"1A": "1"}, command.BAD_VARIABLE),
        (ENVIRONMENT, {"KOMAINU_EVENT": "1"}, command.BAD_VARIABLE),
        (ENVIRONMENT, {"A": "\0"}, command.ZERO_BYTE),
    ],
)
def test_what_could_not_be_started_is_refused_with_its_reason(
    adapter: "TypeAdapter[Any]", written: Any, message: Message
) -> None:
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(written)
    error = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, Refused)
    assert error.said.code == message.code


def test_right_ones_are_taken_as_they_are() -> None:
    assert PATH.validate_python("/var/lib") == "/var/lib"
    assert ENVIRONMENT.validate_python({"PATH": "/opt", "_X1": ""}) == {"PATH": "/opt", "_X1": ""}


def test_many_processes_are_counted_and_not_all_shown() -> None:
    assert listed((7, 12)) == "7, 12"
    assert listed(tuple(range(1, LISTED + 1))) == "1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
    assert listed(tuple(range(1, LISTED + 2))) == "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, … (11)"


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (15, "SIGTERM"), (40, "40"), (None, "?")])
def test_a_signal_has_its_name_or_its_number(number: int | None, name: str) -> None:
    assert signal_name(number) == name

"""What `exec` and `genw` take for a command, a path and an environment."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from komainu.model.message import Message, Refused
from komainu.types import command
from komainu.types.command import AbsolutePath, Command, Environment

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

"""The grammar of the command line: in the reader's language, and every command takes --lang."""

from argparse import ArgumentParser

import pytest

from komainu.cli.session import Arguments, Commands, Session
from komainu.cli.speech import Speech


def handler(session: Session, chosen: object) -> int:
    return 0


def a_parser(language: str) -> ArgumentParser:
    parser = ArgumentParser("test")
    below = Commands(parser, Speech(language)).below("group", ("groups", "グループ"))
    command = below.add("move", ("move it", "移動する"), handler)
    assert isinstance(command, Arguments)
    (
        command.value("name", "NAME", ("its name", "名前"))
        .switch("--fast", ("be quick", "急ぐ"))
        .option("--times", ("how often", "回数"), type=int, default=1)
    )
    return parser


def test_values_switches_and_options() -> None:
    chosen = a_parser("en").parse_args(["group", "move", "web", "--fast", "--times", "3", "--lang", "ja"])

    assert (chosen.name, chosen.fast, chosen.times, chosen.lang, chosen.handler) == ("web", True, 3, "ja", handler)


@pytest.mark.parametrize(("language", "words"), [("en", ("move it", "be quick")), ("ja", ("移動する", "急ぐ"))])
def test_help_is_in_the_readers_language(
    language: str, words: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        a_parser(language).parse_args(["group", "move", "--help"])
    told = capsys.readouterr().out

    assert all(word in told for word in words)


@pytest.mark.parametrize("words", [[], ["group"], ["group", "mov", "x"], ["group", "move", "x", "--fas"]])
def test_what_is_not_written_out_is_wrong_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        a_parser("en").parse_args(words)
    assert end.value.code == 2

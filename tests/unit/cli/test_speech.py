"""How the command speaks: whose language, how wide, and coloured only where somebody looks."""

import pytest

from komainu.cli.speech import Speech, asked_language, columns, padded, times, width
from komainu.model.message import Message

SAID = Message("TEST11", "cat", "猫").said()


@pytest.mark.parametrize(
    ("words", "environment", "language"),
    [
        ("status --lang ja", {}, "ja"),
        ("status --lang=ja", {"LANG": "en_US.UTF-8"}, "ja"),
        ("status", {"KOMAINU_LANG": "en", "LANG": "ja_JP.UTF-8"}, "en"),
        ("status", {"LANG": "ja_JP.UTF-8"}, "ja"),
        ("status", {"LC_ALL": "C", "LANG": "ja_JP.UTF-8"}, ""),
        ("status", {"LANG": "en_US.UTF-8"}, ""),
        ("status --lang", {}, ""),
        ("status", {}, ""),
    ],
)
def test_whose_language(words: str, environment: dict[str, str], language: str) -> None:
    assert asked_language(words.split(), environment) == language


def test_one_is_no_plural() -> None:
    assert (times(1, "attempt"), times(0, "attempt"), times(2, "attempt")) == ("1 attempt", "0 attempts", "2 attempts")


def test_the_clusters_language_counts_when_nobody_asked() -> None:
    nobody, somebody = Speech(""), Speech("en")
    assert nobody.said(SAID) == "cat"
    for speech in (nobody, somebody):
        speech.learn("ja")

    assert nobody.said(SAID) == "猫"
    assert somebody.said(SAID) == "cat"
    assert nobody.said({"en": "dog", "ja": "犬"}) == "犬"
    assert nobody.said(None) == ""
    assert nobody.pick("a", "b") == "b"


def test_colours_only_where_they_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Speech("", coloured=True).paint("x", "red") == "\x1b[31mx\x1b[0m"
    assert Speech("", coloured=False).paint("x", "red") == "x"
    assert Speech("", coloured=True).paint("x", "") == "x"
    assert not Speech("").coloured  # a test's output is no terminal

    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Speech("").coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Speech("").coloured


def test_japanese_takes_two_columns() -> None:
    assert width("猫 cat") == 6
    assert padded("猫", 4) == "猫  "
    assert columns([("a", "猫猫"), ("abc", "x", "y")]) == [3, 4, 1]

"""One declared text, and one use of it."""

import pytest

from komainu.model.message import Message, Refused

GREETING = Message("KM9999", "{name} is on {count} nodes.", "{name} は {count} ノードにあります。", "warning")


def test_a_message_is_said_in_both_languages_with_its_code_and_level() -> None:
    said = GREETING.said(name="web{1}", count=2)
    assert (said.code, said.level) == ("KM9999", "warning")
    assert said.text() == said.text("en") == "web{1} is on 2 nodes."
    assert said.text("ja") == "web{1} は 2 ノードにあります。"
    assert said.as_json() == {"code": "KM9999", "level": "warning", "en": said.en, "ja": said.ja}


def test_what_was_said_itself_is_told_in_the_language_of_the_text() -> None:
    reason = Message("KM9998", "it is cold", "寒いため", "error").said()
    said = Message("KM9997", "{name} stays: {reason}.", "{name} は残ります: {reason}").said(name="web", reason=reason)
    assert (said.code, said.level) == ("KM9997", "info")
    assert (said.en, said.ja) == ("web stays: it is cold.", "web は残ります: 寒いため")


def test_a_forgotten_value_is_an_error_of_the_caller() -> None:
    with pytest.raises(KeyError):
        GREETING.said(name="web")


def test_a_refusal_carries_its_message() -> None:
    said = GREETING.said(name="web", count=2)
    refused = Refused(said)
    assert isinstance(refused, ValueError)
    assert (refused.said, str(refused)) == (said, said.en)

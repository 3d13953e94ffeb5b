"""Every message of an AWS resource or monitor has its causes and what to do, in both languages."""

import pytest

from komainu.model.message import Message
from komainu.types.aws.vip import AWSVIP
from komainu.types.tcp import TIMEOUT
from komainu_lab import docs
from komainu_lab.remedies import REMEDIES, missing, remedies_page, sentence

VIP = {message.code: message for message in AWSVIP.messages}


@pytest.mark.sockets  # every module is imported, and the SDK's HTTP library opens a socket while it is
def test_no_message_is_without_a_remedy() -> None:
    assert missing(docs.declared()) == (), "add them to komainu_lab.remedy_texts, then run: make docs"


def test_one_that_is_missing_is_named() -> None:
    strange = Message("KM3199", "Activating {resource} resource has failed.(5 : Something new.)", "新しい。", "error")
    assert missing({"KM3199": strange}) == ("Something new.",)


def test_a_message_outside_the_frames_has_none() -> None:
    assert sentence(Message("KM7101", "It ended.(5 : x)", "x")) is None
    assert sentence(VIP["KM3401"]) == ("105", "Failed in the AWS CLI command.")


def test_an_entry_shows_the_codes_numbers_and_texts_of_its_messages() -> None:
    english, japanese = remedies_page(VIP, "en"), remedies_page(VIP, "ja")
    assert "### 8: `The routing for VIP {address} was changed.`\n\nKM3313\n\n**Likely causes**\n\n- " in english
    assert "### 8: `The routing for VIP {address} was changed.`\n\nKM3313\n\n**考えられる原因**\n\n- " in japanese
    assert "### 5, 105: `Failed in the AWS CLI command.`" in english
    assert english.count("**What to do**") == japanese.count("**対処方法**") == english.count("### ")


def test_what_no_message_says_is_not_shown() -> None:
    assert remedies_page({}, "en") == "\n"


def test_the_entry_that_knows_more_of_a_sentence_is_about_it() -> None:
    page = remedies_page({each.code: each for each in (VIP["KM3306"], TIMEOUT)}, "en")
    assert "### 6: `Timeout occurred.`\n\nKM3306\n" in page
    assert "### 6: `Timeout occurred. ({target})`\n\nKM4402\n" in page


def test_every_entry_says_why_and_what_to_do_once() -> None:
    begun = [each.sentence for each in REMEDIES]
    assert len(begun) == len(dict.fromkeys(begun))
    assert all(remedy.causes and remedy.actions for remedy in REMEDIES)

"""Monitors that ask other machines: each message has its entry, and each entry its message."""

from komainu.types.ipw import IPW
from komainu.types.tcp import TCP
from komainu_lab.remedies import missing, sentence
from komainu_lab.remedy_reach import REMEDIES

MESSAGES = {message.code: message for declared in (IPW, TCP) for message in declared.messages}


def test_each_message_of_these_monitors_has_an_entry() -> None:
    assert missing(MESSAGES) == ()
    told = [found[1] for found in map(sentence, MESSAGES.values()) if found]
    assert len(told) >= 11
    assert all(any(each.startswith(remedy.sentence) for each in told) for remedy in REMEDIES), "nothing says it"


def test_each_text_is_a_sentence_in_both_languages() -> None:
    texts = [text for each in REMEDIES for text in (*each.causes, *each.actions)]
    assert all(en.endswith(".") and ja.endswith("。") for en, ja in texts)

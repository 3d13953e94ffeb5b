"""What AWS announces: each message of the monitors of announcements and zones has its entry, in both languages."""

from komainu.types.aws.az import AWSAZW
from komainu.types.aws.events import AWSEVW
from komainu_lab.remedies import missing
from komainu_lab.remedy_announcements import REMEDIES


def test_each_message_of_these_monitors_has_an_entry() -> None:
    messages = {message.code: message for declared in (AWSEVW, AWSAZW) for message in declared.messages}
    assert missing(messages) == ()
    said = [message.en for message in messages.values()]
    assert all(any(remedy.sentence in text for text in said) for remedy in REMEDIES), "an entry that nothing says"


def test_each_text_is_a_sentence_in_both_languages() -> None:
    texts = [text for each in REMEDIES for text in (*each.causes, *each.actions)]
    assert all(en.endswith(".") and ja.endswith("。") for en, ja in texts)

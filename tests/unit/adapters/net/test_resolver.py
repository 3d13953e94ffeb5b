"""What is asked of a name server, and what of its answers counts. The sockets are in tests/ports/test_resolver.py."""

import pytest
from dns import message, rrset

from komainu.adapters.net import resolver


def test_a_question_asks_for_ipv4_addresses() -> None:
    (asked,) = resolver._question("ec2.ap-northeast-1.amazonaws.com").question
    assert asked.to_text() == "ec2.ap-northeast-1.amazonaws.com. IN A"


def test_what_is_no_name_cannot_be_asked_for() -> None:
    with pytest.raises(OSError, match="a\\.\\.b"):
        resolver._question("a..b")


def test_only_addresses_are_told() -> None:
    answer = message.make_response(resolver._question("a.example"))
    assert resolver._addresses(answer) == ()
    answer.answer.append(rrset.from_text("a.example.", 60, "IN", "CNAME", "b.example."))
    answer.answer.append(rrset.from_text("b.example.", 60, "IN", "A", "192.0.2.7"))
    assert resolver._addresses(answer) == ("192.0.2.7",)

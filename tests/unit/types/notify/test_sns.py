"""What is published to a topic, and what is said when it is not."""

import asyncio
from dataclasses import replace

import pytest
from pydantic import ValidationError

from komainu.model.outcome import SUCCEEDED, Outcome, Result
from komainu.ports import CloudError, Notice
from komainu.types.notify import sns
from komainu.types.notify.sns import SNS, Params
from tests.doubles.cloud import defect, no_answer, unauthorized, unreachable
from tests.doubles.notices import FULL, LOST, FakeTopics, host, notice

TOPIC = "arn:aws:sns:ap-northeast-1:123456789012:alerts"


def send(topics: FakeTopics, given: Notice | None = None) -> Outcome:
    return asyncio.run(SNS.make(Params(topic_arn=TOPIC), host(topics)).send(given or notice(LOST), 1_000))


def test_an_alert_is_published_with_what_filters_ask_for() -> None:
    topics = FakeTopics()
    assert send(topics, notice(FULL)) == SUCCEEDED
    ((topic, subject, text, attributes),) = topics.published
    assert topic == TOPIC
    assert subject == "[Komainu shop] WARNING KM5301: The journal cannot be written."
    assert "ジャーナルに書き込めません。" in text
    assert attributes == {
        "cluster": "shop",
        "level": "warning",
        "sender": "n2",
        "code": "KM5301",
        "module": "agent",
        "node": "n2",
    }


def test_several_alerts_have_no_one_code_and_no_attribute_is_empty() -> None:
    topics = FakeTopics()
    send(topics, notice(FULL, LOST))
    send(topics, notice(LOST))
    assert topics.published[0][3] == {"cluster": "shop", "level": "error", "sender": "n2"}
    assert all(value for *_, attributes in topics.published for value in attributes.values())


def test_a_text_that_is_too_long_is_cut_between_characters() -> None:
    topics = FakeTopics()
    send(topics, notice(*(replace(FULL, detail="あ" * 4_000) for _ in range(20))))
    text = topics.published[0][2]
    assert len(text.encode()) < 262_144
    assert text.endswith("...")


@pytest.mark.parametrize(
    ("error", "result", "said"),
    [
        (unauthorized(), Result.FAILED, sns.REFUSED),
        (unreachable(), Result.FAILED, sns.UNREACHABLE),
        (no_answer(), Result.UNKNOWN, sns.NO_ANSWER),
        (defect(), Result.UNKNOWN, sns.NO_ANSWER),
    ],
)
def test_the_three_outcomes(error: CloudError, result: Result, said: sns.Message) -> None:
    outcome = send(FakeTopics(error=error))
    assert outcome.result is result
    assert outcome.said is not None
    assert outcome.said.code == said.code
    assert error.code in outcome.detail


@pytest.mark.parametrize("arn", ["", "alerts", TOPIC + ".fifo", "arn:aws:sqs:ap-northeast-1:123456789012:alerts"])
def test_what_is_no_topic_is_refused(arn: str) -> None:
    with pytest.raises(ValidationError):
        Params(topic_arn=arn)

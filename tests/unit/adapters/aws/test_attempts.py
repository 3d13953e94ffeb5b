"""Attempts of the SDK: counted by action, told to the call to which they belong, and no others."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from komainu.adapters.aws.attempts import Attempts
from komainu.adapters.aws.call import AbandonedError, Call

ANSWERED: dict[str, Any] = {"ResponseMetadata": {"RequestId": "1"}}


class Client:
    """What of a client of the SDK is used: the events to which one can listen."""

    def __init__(self) -> None:
        self.heard: dict[str, Callable[..., None]] = {}
        self._endpoint = SimpleNamespace(http_session=SimpleNamespace(_pool_classes_by_scheme={}))
        self.meta = SimpleNamespace(events=SimpleNamespace(register=self._register))

    def _register(self, event: str, listener: Callable[..., None]) -> None:
        self.heard[event] = listener

    def send(self, action: str) -> None:
        """An attempt is about to be sent."""
        self.heard["before-send.ec2"](event_name=f"before-send.ec2.{action}", request=None)

    def end(self, error: BaseException | None = None, answer: dict[str, Any] | None = None) -> None:
        """An attempt has ended."""
        self.heard["response-received.ec2"](exception=error, parsed_response=answer, context=None)


@pytest.fixture
def attempts() -> Attempts:
    return Attempts("ec2")


@pytest.fixture
def client(attempts: Attempts) -> Client:
    made = Client()
    attempts.follow(made)
    return made


def test_repeated_attempts_count(attempts: Attempts, client: Client) -> None:
    with attempts.of(Call(60_000)):
        client.send("ReplaceRoute")
        client.end(ReadTimeoutError(endpoint_url="https://api"))
        client.send("ReplaceRoute")
        client.end(answer=ANSWERED)
        client.send("DescribeVpcs")
    assert attempts.calls() == {"ReplaceRoute": 2, "DescribeVpcs": 1}


def test_those_of_the_last_minute(attempts: Attempts, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now_ns = 7_000_000_000
    monkeypatch.setattr("komainu.adapters.aws.attempts.time.monotonic_ns", lambda: now_ns)
    call = Call(600_000)
    with attempts.of(call):
        client.send("DescribeVpcs")
        now_ns += 30_000_000_000
        client.send("ReplaceRoute")
        assert attempts.in_last_minute() == 2
        now_ns += 30_000_000_000
        assert attempts.in_last_minute() == 1
        now_ns += 30_000_000_000
    assert attempts.in_last_minute() == 0
    assert attempts.calls() == {"DescribeVpcs": 1, "ReplaceRoute": 1}, "the totals stay"


@pytest.mark.parametrize(
    ("error", "answer", "may_have_arrived"),
    [
        (None, ANSWERED, False),
        (None, {"Error": {"Code": "UnauthorizedOperation"}}, False),
        (ReadTimeoutError(endpoint_url="https://api"), None, True),
        (EndpointConnectionError(endpoint_url="https://api"), None, False),
    ],
)
def test_the_call_is_told_how_an_attempt_ended(
    attempts: Attempts,
    client: Client,
    error: BaseException | None,
    answer: dict[str, Any] | None,
    may_have_arrived: bool,
) -> None:
    call = Call(60_000)
    with attempts.of(call):
        client.send("ReplaceRoute")
        assert call.may_have_arrived
        client.end(error, answer)
    assert call.may_have_arrived is may_have_arrived


def test_an_answer_of_something_else_is_an_answer_lost(attempts: Attempts, client: Client) -> None:
    call = Call(60_000)
    with attempts.of(call):
        client.send("ReplaceRoute")
        with pytest.raises(ResponseParserError):
            client.end(answer={"ResponseMetadata": {"HTTPStatusCode": 200}})
    assert call.may_have_arrived


def test_nothing_is_sent_or_counted_for_a_call_that_was_given_up(attempts: Attempts, client: Client) -> None:
    call = Call(60_000)
    call.abandon()
    with attempts.of(call), pytest.raises(AbandonedError):
        client.send("ReplaceRoute")
    assert attempts.calls() == {}


def test_how_an_attempt_failed_is_kept_and_throttling_is_told_of_at_once(attempts: Attempts, client: Client) -> None:
    """Also where the SDK tries again by itself, and nobody ever sees that answer."""
    told: list[str] = []
    attempts.when_throttled(lambda: told.append("throttled"))
    call = Call(60_000)
    with attempts.of(call):
        for code in ("RequestLimitExceeded", "InternalError", "UnauthorizedOperation"):
            client.send("ReplaceRoute")
            client.end(answer={"Error": {"Code": code, "Message": "Slowly, please."}})
    assert told == ["throttled"]
    assert "UnauthorizedOperation" in str(call.failed)


def test_each_thread_has_a_call_of_its_own(attempts: Attempts, client: Client) -> None:
    mine, other = Call(60_000), Call(60_000)

    def send() -> None:
        with attempts.of(other):
            client.send("ReplaceRoute")

    with attempts.of(mine):
        thread = threading.Thread(target=send)
        thread.start()
        thread.join(10)
    assert (mine.may_have_arrived, other.may_have_arrived) == (False, True)

"""A clock that is wrong: the refusal says what time it is, and everything after it is signed by that."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from komainu.adapters.aws.clock import ApiClock
from komainu.adapters.aws.ec2 import Ec2Cloud
from tests.doubles.api_server import ApiServer, Request
from tests.unit.adapters.aws.test_connections import SERVICES, answered
from tests.unit.adapters.aws.test_roles import ASSUMED, ROLE

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def refused(date: str | None) -> ClientError:
    headers = {} if date is None else {"date": date}
    answer: Any = {"Error": {"Code": "RequestExpired"}, "ResponseMetadata": {"HTTPHeaders": headers}}
    return ClientError(answer, "ReplaceRoute")


def at(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def test_a_refusal_tells_the_time() -> None:
    clock = ApiClock(lambda: NOW)
    assert clock.learn(refused(at(NOW + timedelta(minutes=20))))
    assert clock.now() == NOW + timedelta(minutes=20)
    assert not clock.learn(refused(at(NOW + timedelta(minutes=20, seconds=30)))), "known; it was something else"
    assert clock.learn(refused(at(NOW - timedelta(hours=3))))
    assert clock.now() == NOW - timedelta(hours=3)


def test_a_clock_that_was_set_right_is_believed_again() -> None:
    clock = ApiClock(lambda: NOW)
    clock.learn(refused(at(NOW + timedelta(minutes=20))))
    assert clock.learn(refused(at(NOW + timedelta(seconds=3))))
    assert clock.ahead == timedelta(0)


@pytest.mark.parametrize("date", [None, "", "yesterday", "Thu, 99 Jan 2026 12:00:00 GMT", at(NOW), "1"])
def test_what_says_nothing_of_a_difference_teaches_nothing(date: str | None) -> None:
    clock = ApiClock(lambda: NOW)
    assert not clock.learn(refused(date))
    assert clock.ahead == timedelta(0)


class Skewed:
    """An API whose clock is elsewhere, and which is as strict about it as AWS."""

    def __init__(self, ahead: timedelta, code: str = "RequestExpired") -> None:
        self.ahead = ahead
        self.code = code
        self.signed: list[datetime] = []

    def __call__(self, request: Request) -> None:
        here = datetime.now(UTC) + self.ahead
        request.handler.date_time_string = lambda *_: at(here)  # type: ignore[method-assign]
        signed = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        self.signed.append(signed)
        assert signed.strftime("/%Y%m%d/") in request.headers["authorization"]
        if abs(signed - here) <= timedelta(minutes=5):
            request.answer(200, ASSUMED) if request.action == "AssumeRole" else answered(request)
            return
        told = f"<Code>{self.code}</Code><Message>told so</Message>"
        text = f"<Response><Errors><Error>{told}</Error></Errors></Response>"
        if request.action in ("Publish", "AssumeRole"):
            text = f"<ErrorResponse><Error>{told}</Error></ErrorResponse>"
        elif "/s3/" in request.headers["authorization"]:
            text = f"<Error>{told}</Error>"
        elif "dynamodb" in request.headers["authorization"]:
            text = f'{{"__type": "com.amazon.coral.service#{self.code}", "message": "told so"}}'
        elif "/route53/" in request.headers["authorization"]:
            text = f"<ErrorResponse><Error>{told}</Error><RequestId>1</RequestId></ErrorResponse>"
        request.answer(403, text)


CODES = {
    "ec2": ("RequestExpired", "AuthFailure"),
    "s3": ("RequestTimeTooSkewed",),
    "dynamodb": ("InvalidSignatureException",),
    "sns": ("SignatureDoesNotMatch",),
    "route53": ("InvalidSignatureException",),
}
EACH = [(service, code) for service, codes in CODES.items() for code in codes]


@pytest.mark.sockets
@pytest.mark.parametrize("minutes", [20, -20, 60 * 24 * 400])
@pytest.mark.parametrize(("service", "code"), EACH)
def test_a_change_is_made_in_spite_of_a_wrong_clock(service: str, code: str, minutes: int) -> None:
    """The first is sent twice, and what follows at the right time at once; also when the clock is set meanwhile."""
    make, ask = SERVICES[service]
    api = Skewed(timedelta(minutes=minutes), code)

    async def body() -> None:
        asked = make(server.url)
        try:
            await ask(asked)
            assert len(server.requests) == 2
            await ask(asked)
            assert len(server.requests) == 3
            api.ahead = timedelta(0)
            await ask(asked)
            assert len(server.requests) == 5
            await ask(asked)
            assert len(server.requests) == 6
        finally:
            asked.close()

    with ApiServer(api) as server:
        asyncio.run(body())


@pytest.mark.sockets
def test_a_role_is_assumed_and_kept_in_spite_of_a_wrong_clock() -> None:
    """Its credentials end in 2099; by our own clock that was long ago."""
    api = Skewed(-timedelta(days=365 * 80))

    async def body() -> None:
        cloud = Ec2Cloud("eu-west-1", server.url)
        try:
            for _ in range(2):
                await cloud.assume(ROLE).replace_route("rtb-1", "10.1.0.20/32", "eni-1", 20_000)
        finally:
            cloud.close()

    with ApiServer(api) as server:
        asyncio.run(body())
        assert server.actions == ["AssumeRole", "AssumeRole", "ReplaceRoute", "ReplaceRoute"]


@pytest.mark.sockets
def test_while_the_clocks_agree_nothing_of_the_sdks_way_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    def untouched(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("komainu.adapters.aws.clock._signed_at", untouched)
    for service in SERVICES:
        make, ask = SERVICES[service]

        async def body(make: Any = make, ask: Any = ask) -> None:
            asked = make(server.url)
            await ask(asked)
            asked.close()

        with ApiServer(answered) as server:
            asyncio.run(body())

"""Credentials that have ended and clocks that differ: one more attempt where it may help, and none where it cannot."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from komainu.adapters.aws import remedy
from komainu.adapters.aws.clock import ApiClock
from komainu.adapters.aws.ec2 import Ec2Cloud
from komainu.ports import CloudError, CloudFault
from tests.doubles.api_server import ApiServer, Request, error
from tests.unit.adapters.aws.conftest import write_keys
from tests.unit.adapters.aws.test_connections import SERVICES, answered, replace

REGION = "eu-west-1"
LATE = "Thu, 01 Jan 2099 00:00:00 GMT"


def refused(code: str, date: str = "") -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPHeaders": {"date": date}}}
    return ClientError(answer, "ReplaceRoute")


class Sending:
    """What a call meets, one after the other."""

    def __init__(self, *ends: ClientError | str, fresh: bool = False) -> None:
        self._ends: Iterator[ClientError | str] = iter(ends)
        self._made = 0 if fresh else 1
        self._kept = not fresh
        self.used: list[int] = []

    def once(self, client: int) -> str:
        self.used.append(client)
        end = next(self._ends)
        if isinstance(end, ClientError):
            raise end
        return end

    def ready(self) -> tuple[int, bool]:
        fresh = not self._kept
        if fresh:
            self._made += 1
            self._kept = True
        return self._made, fresh

    def drop(self, client: int) -> None:
        assert client == self._made
        self._kept = False

    def run(self) -> str:
        try:
            return remedy.send(self.once, self.ready, self.drop, ApiClock())
        except ClientError as last:
            return str(last.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("sending", "ends_with", "used"),
    [
        (Sending("done"), "done", [1]),
        (Sending(refused("UnauthorizedOperation"), "done"), "UnauthorizedOperation", [1]),
        (Sending(refused("RequestLimitExceeded"), "done"), "RequestLimitExceeded", [1]),
        (Sending(refused("ExpiredToken"), "done"), "done", [1, 2]),
        (Sending(refused("ExpiredToken"), refused("ExpiredToken"), "done"), "ExpiredToken", [1, 2]),
        (Sending(refused("ExpiredToken"), "done", fresh=True), "ExpiredToken", [1]),
        (Sending(refused("RequestExpired", LATE), "done", fresh=True), "done", [1, 1]),
        (Sending(refused("RequestExpired", LATE), refused("RequestExpired", LATE), "done"), "done", [1, 1, 2]),
        (Sending(refused("ExpiredToken"), refused("RequestExpired", LATE), "done"), "done", [1, 2, 2]),
    ],
)
def test_each_remedy_is_tried_once_and_only_for_its_illness(sending: Sending, ends_with: str, used: list[int]) -> None:
    assert (sending.run(), sending.used) == (ends_with, used)


def test_what_was_refused_last_is_made_afresh_the_next_time() -> None:
    sending = Sending(refused("ExpiredToken"), refused("ExpiredToken"), "done")
    sending.run()
    assert sending.run() == "done"
    assert sending.used == [1, 2, 3]


KEYS = {
    "ec2": ("RequestExpired", 400, "<Response><Errors><Error><Code>{code}</Code></Error></Errors></Response>"),
    "s3": ("ExpiredToken", 400, "<Error><Code>{code}</Code></Error>"),
    "dynamodb": ("ExpiredTokenException", 400, '{{"__type": "com.amazon.coral.service#{code}"}}'),
    "sns": ("ExpiredToken", 403, "<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"),
    "route53": ("ExpiredToken", 403, "<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"),
}


@pytest.mark.sockets
@pytest.mark.parametrize("service", KEYS)
def test_a_change_does_not_fail_because_of_keys_that_were_replaced(service: str, own_keys: Path) -> None:
    """The keys of before are refused; those of now are in the file. In the good case one request is sent."""
    make, ask = SERVICES[service]
    code, status, text = KEYS[service]

    revoked = ["AKIAHOMEHOMEHOMEHOME"]

    def behave(request: Request) -> None:
        if any(key in request.headers["authorization"] for key in revoked):
            request.answer(status, text.format(code=code))
        else:
            answered(request)

    async def body() -> None:
        asked = make(server.url)
        try:
            with pytest.raises(CloudError) as raised:
                await ask(asked)
            assert (raised.value.fault, raised.value.code) == (CloudFault.REFUSED, code)
            assert len(server.requests) == 1, "what was made just now is not made again"
            write_keys(own_keys / ".aws", "AKIANEWNEWNEWNEWNEW0")
            await ask(asked)
            await ask(asked)
            assert len(server.requests) == 3
            write_keys(own_keys / ".aws", "AKIANEXTNEXTNEXTNEXT")
            revoked.append("AKIANEWNEWNEWNEWNEW0")
            await ask(asked)
            assert len(server.requests) == 5
            assert "AKIANEXTNEXTNEXTNEXT" in server.requests[-1].headers["authorization"]
        finally:
            asked.close()

    with ApiServer(behave) as server:
        asyncio.run(body())


@pytest.mark.sockets
def test_ten_changes_that_are_refused_together_are_all_made(own_keys: Path) -> None:
    """Whoever comes late finds the client that another has made, and does not throw it away."""

    def behave(request: Request) -> None:
        if "AKIAHOMEHOMEHOMEHOME" in request.headers["authorization"]:
            error(400, "RequestExpired")(request)
        else:
            answered(request)

    async def body() -> None:
        cloud = Ec2Cloud(REGION, server.url)
        cloud._ready_client()
        write_keys(own_keys / ".aws", "AKIANEWNEWNEWNEWNEW0")
        try:
            await asyncio.gather(*(replace(cloud, 20_000) for _ in range(10)))
        finally:
            cloud.close()

    with ApiServer(behave) as server:
        asyncio.run(body())
        assert len(server.requests) <= 20


@pytest.mark.sockets
def test_the_second_attempt_has_no_time_of_its_own() -> None:
    """An answer that comes shortly before the deadline: what follows is not sent after it."""

    def slow(request: Request) -> None:
        request.server.closing.wait(0.4)
        error(400, "RequestExpired")(request)

    async def body() -> CloudError:
        cloud = Ec2Cloud(REGION, server.url)
        cloud._ready_client()
        try:
            with pytest.raises(CloudError) as raised:
                await replace(cloud, 300)
            while cloud._pool._busy:
                await asyncio.sleep(0.01)
            return raised.value
        finally:
            cloud.close()

    with ApiServer(slow) as server:
        found = asyncio.run(body())
        assert len(server.requests) == 1
    assert (found.fault, found.timed_out) == (CloudFault.NO_ANSWER, True)


@pytest.mark.sockets
@pytest.mark.parametrize("service", ["dynamodb", "sns"])
def test_a_refusal_that_is_none_of_time_or_keys_is_sent_once(service: str) -> None:
    make, ask = SERVICES[service]

    async def body() -> None:
        asked = make(server.url)
        try:
            with pytest.raises(CloudError):
                await ask(asked)
        finally:
            asked.close()

    with ApiServer(error(403, "AccessDenied")) as server:
        asyncio.run(body())
        assert len(server.requests) == 1

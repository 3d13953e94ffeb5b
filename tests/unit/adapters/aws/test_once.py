"""Calls that are sent once: no repetition, a deadline, fresh connections after a pause, keys read afresh."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from komainu.adapters.aws import once
from komainu.adapters.aws.once import Once
from komainu.ports import CloudError, CloudFault
from tests.doubles.api_server import ApiServer, Request, drop, hang, nobody_listens
from tests.unit.adapters.aws.conftest import write_keys

pytestmark = pytest.mark.sockets
REGION = "ap-northeast-1"


def item(request: Request) -> None:
    handler = request.handler
    body = b"{}"
    handler.send_response(200)
    handler.send_header("x-amzn-RequestId", "r")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def refusing(status: int, code: str) -> Callable[[Request], None]:
    return lambda request: request.answer(status, f'{{"__type": "x#{code}", "message": "told so"}}')


def read(dynamodb: Any) -> object:
    return dynamodb.get_item(TableName="votes", Key={"id": {"S": "k"}})


def call(service: Once, timeout_ms: int = 20_000, changes: bool = False) -> object:
    return asyncio.run(service.call(REGION, read, timeout_ms, changes=changes))


def fault(service: Once, timeout_ms: int = 20_000, changes: bool = False) -> CloudError:
    with pytest.raises(CloudError) as raised:
        call(service, timeout_ms, changes)
    return raised.value


@pytest.fixture
def services() -> Iterator[Callable[[str], Once]]:
    made: list[Once] = []

    def make(url: str) -> Once:
        made.append(Once("dynamodb", url))
        return made[-1]

    yield make
    for each in made:
        each.close()


Services = Callable[[str], Once]


@pytest.mark.processes
def test_the_sdk_is_loaded_only_when_something_is_asked() -> None:
    told = (
        "import sys; from komainu.adapters.aws.buckets import S3Buckets; "
        "from komainu.adapters.aws.tables import DynamoTables; S3Buckets(); DynamoTables(); "
        "sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", told], timeout=60).returncode == 0


@pytest.mark.parametrize(
    "trouble",
    [drop, refusing(500, "InternalServerError"), refusing(503, "SlowDown"), refusing(400, "ThrottlingException")],
)
def test_a_request_is_sent_once_whatever_becomes_of_it(services: Services, trouble: Callable[[Request], None]) -> None:
    with ApiServer(trouble, item) as server:
        service = services(server.url)
        fault(service)
        assert len(server.requests) == 1
        assert service.calls() == {"GetItem": 1}
        call(service)
    assert service.calls() == {"GetItem": 2}


@pytest.mark.parametrize(("changes", "meant"), [(True, CloudFault.NO_ANSWER), (False, CloudFault.NO_ANSWER)])
def test_the_deadline_is_kept_and_a_hanging_answer_is_not_known(
    services: Services, changes: bool, meant: CloudFault
) -> None:
    with ApiServer(item, hang) as server:
        service = services(server.url)
        call(service)
        asyncio.run(service.call(REGION, lambda client: None, 400))  # the time to make the client belongs to no test
        began = time.monotonic()
        found = fault(service, 400, changes)
        assert time.monotonic() - began < 5
    assert (found.fault, found.timed_out) == (meant, True)


def test_what_hangs_does_not_keep_the_next_call_waiting(services: Services) -> None:
    with ApiServer(item, hang, hang, item) as server:
        service = services(server.url)
        call(service)
        for _ in range(2):
            fault(service, 1_000)
        call(service)
        assert len(server.requests) == 4


def test_where_nobody_listens_nothing_was_sent(services: Services) -> None:
    with nobody_listens() as url:
        assert fault(services(url), changes=True).fault is CloudFault.UNREACHABLE


def test_a_page_of_a_portal_is_no_success(services: Services) -> None:
    with ApiServer(lambda request: request.answer(200, "{}")) as server:
        assert fault(services(server.url), changes=True).fault is CloudFault.NO_ANSWER


def test_a_connection_is_kept_for_the_next_call_but_not_for_long(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ApiServer(item) as server:
        service = services(server.url)
        call(service)
        call(service)
        assert server.connections == 1
        monkeypatch.setattr(once, "IDLE_S", 0.0)
        call(service)
        assert server.connections == 2
        monkeypatch.undo()
        call(service)
        assert server.connections == 2


def test_keys_that_are_refused_are_read_afresh(services: Services, own_keys: Path) -> None:
    write_keys(own_keys / ".aws", "AKIAOLDOLDOLDOLDOLDO")
    with ApiServer(refusing(400, "UnrecognizedClientException"), item) as server:
        service = services(server.url)
        assert fault(service).code == "UnrecognizedClientException"
        write_keys(own_keys / ".aws", "AKIANEWNEWNEWNEWNEWN")
        call(service)
    assert ["AKIAOLD" in each.headers["authorization"] for each in server.requests] == [True, False]


def test_keys_that_came_later_are_found(services: Services, own_keys: Path) -> None:
    (own_keys / ".aws" / "credentials").unlink()
    with ApiServer(item) as server:
        service = services(server.url)
        assert fault(service).code == "NoCredentialsError"
        write_keys(own_keys / ".aws", "AKIANEWNEWNEWNEWNEWN")
        call(service)
        assert len(server.requests) == 1


def test_regions_and_deadlines_have_clients_of_their_own_and_one_session_each(services: Services) -> None:
    with ApiServer(item) as server:
        service = services(server.url)
        for region, timeout_ms in (("eu-west-1", 20_000), ("eu-west-1", 19_500), ("eu-west-1", 9_000), (REGION, 9_000)):
            asyncio.run(service.call(region, read, timeout_ms))
        assert sorted(service._clients) == [(REGION, 9), ("eu-west-1", 9), ("eu-west-1", 20)]
        assert set(service._sessions) == {REGION, "eu-west-1"}
        (config,) = {client.meta.config.retries["total_max_attempts"] for client in service._clients.values()}
        assert config == 1
        bounds = {key: client.meta.config.read_timeout for key, client in service._clients.items()}
        assert bounds == {(REGION, 9): 9, ("eu-west-1", 9): 9, ("eu-west-1", 20): 20}


def test_warming_makes_the_client_and_sends_nothing(services: Services, own_keys: Path) -> None:
    with ApiServer(item) as server:
        service = services(server.url)
        service.warm(REGION, 20_000)
        call(service)  # it comes after the warming, or waits for it
        assert list(service._clients) == [(REGION, 20)]
        assert len(server.requests) == 1
        cold = services(server.url)
        (own_keys / ".aws" / "credentials").unlink()
        cold.warm(REGION, 20_000)
        assert fault(cold).code == "NoCredentialsError"
        assert len(server.requests) == 1


def test_after_the_end_nothing_is_sent() -> None:
    with ApiServer(item) as server:
        with closing(Once("dynamodb", server.url)) as service:
            call(service)
        with pytest.raises(RuntimeError, match="closed"):
            call(service)
        assert len(server.requests) == 1

"""Connections: none sends too late, and those of every service are given up together."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from komainu.adapters.aws import connections
from komainu.adapters.aws.buckets import S3Buckets
from komainu.adapters.aws.ec2 import Ec2Cloud
from komainu.adapters.aws.route53 import Route53Names
from komainu.adapters.aws.sns import SnsTopics
from komainu.adapters.aws.tables import DynamoTables
from komainu.ports import CloudError, CloudFault
from tests.doubles.api_server import ApiServer, Request, replaced

pytestmark = pytest.mark.sockets

REGION = "eu-west-1"
TOPIC = f"arn:aws:sns:{REGION}:111122223333:alerts"


def replace(cloud: Ec2Cloud, timeout_ms: int) -> Any:
    return cloud.replace_route("rtb-1", "10.1.0.20/32", "eni-1", timeout_ms)


def slow_names(monkeypatch: pytest.MonkeyPatch, until: threading.Event) -> None:
    """Names resolve, but only then. A hang that the SDK's own time-outs do not end."""
    known = socket.getaddrinfo

    def wait(*args: Any, **more: Any) -> Any:
        until.wait(20)
        return known(*args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", wait)


def test_a_change_whose_connection_stands_too_late_is_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """By then the address may be on another node. And it is known that nothing was sent."""
    resolved = threading.Event()

    async def body(cloud: Ec2Cloud) -> CloudError:
        with pytest.raises(CloudError) as raised:
            await replace(cloud, 200)
        resolved.set()
        until = time.monotonic() + 20
        while cloud._pool._busy and time.monotonic() < until:
            await asyncio.sleep(0.01)
        assert not cloud._pool._busy, "the thread never ended"
        return raised.value

    with ApiServer(replaced) as server:
        cloud = Ec2Cloud(REGION, server.url)
        cloud._ready_client()
        slow_names(monkeypatch, resolved)
        found = asyncio.run(body(cloud))
        cloud.close()
        assert server.connections == 1, "it stood in the end"
        assert server.requests == []
    assert (found.fault, found.timed_out) == (CloudFault.UNREACHABLE, True)


def test_a_change_whose_connection_stands_in_time_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = threading.Event()

    async def body(cloud: Ec2Cloud) -> None:
        asyncio.get_running_loop().call_later(0.2, resolved.set)
        await replace(cloud, 20_000)

    with ApiServer(replaced) as server:
        cloud = Ec2Cloud(REGION, server.url)
        cloud._ready_client()
        slow_names(monkeypatch, resolved)
        asyncio.run(body(cloud))
        cloud.close()
        assert server.actions == ["ReplaceRoute"]


def answered(request: Request) -> None:
    """By every service, in its own words."""
    if request.action == "Publish":
        text = "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult>"
        request.answer(200, f"{text}<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></PublishResponse>")
    elif "dynamodb" in request.headers["authorization"]:
        request.handler.send_response(200)
        request.handler.send_header("x-amzn-RequestId", "1")
        request.handler.send_header("Content-Length", "2")
        request.handler.end_headers()
        request.handler.wfile.write(b"{}")
    elif "/s3/" in request.headers["authorization"]:
        request.handler.send_response(200)
        request.handler.send_header("x-amz-request-id", "1")
        request.handler.send_header("ETag", "e")
        request.handler.send_header("Content-Length", "0")
        request.handler.end_headers()
    elif "/route53/" in request.headers["authorization"]:
        request.handler.send_response(200)
        text = "<ChangeInfo><Id>/change/C</Id><Status>INSYNC</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt>"
        body = f"<GetChangeResponse>{text}</ChangeInfo></GetChangeResponse>".encode()
        request.handler.send_header("x-amzn-RequestId", "1")
        request.handler.send_header("Content-Length", str(len(body)))
        request.handler.end_headers()
        request.handler.wfile.write(body)
    else:
        replaced(request)


Ask = Callable[[Any], Any]
SERVICES: dict[str, tuple[Callable[[str], Any], Ask]] = {
    "ec2": (lambda url: Ec2Cloud(REGION, url), lambda ec2: replace(ec2, 20_000)),
    "s3": (S3Buckets, lambda s3: s3.put(REGION, "b", "k", "text", None, 20_000)),
    "dynamodb": (DynamoTables, lambda tables: tables.put(REGION, "t", ("id", "k"), "text", None, 20_000)),
    "sns": (SnsTopics, lambda sns: sns.publish(TOPIC, "s", "text", {}, 20_000)),
    "route53": (lambda url: Route53Names(REGION, url), lambda names: names.in_sync("C", 20_000)),
}


@pytest.mark.parametrize("service", SERVICES)
def test_an_address_that_moves_costs_every_service_its_connections(service: str) -> None:
    """E1: who moves an Elastic IP asks EC2 to reconnect; the votes and notifications go the same way out."""
    make, ask = SERVICES[service]

    async def body() -> None:
        asked, ec2 = make(server.url), Ec2Cloud(REGION, server.url)
        try:
            await ask(asked)
            await ask(asked)
            assert server.connections == 1, "it is kept"
            ec2.reconnect()
            await ask(asked)
            assert server.connections == 2
        finally:
            asked.close()
            ec2.close()

    with ApiServer(answered) as server:
        asyncio.run(body())
        assert len(server.requests) == 3


def test_a_client_that_is_gone_is_forgotten() -> None:
    class Client:
        closed = 0

        def close(self) -> None:
            Client.closed += 1

    kept, gone = Client(), Client()
    connections.follow(kept)
    connections.follow(gone)
    del gone
    connections.reconnect()
    assert Client.closed == 1

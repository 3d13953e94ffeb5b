"""Records of Route 53 against an emulated one on loopback."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from komainu.adapters.aws.route53 import Route53Names
from komainu.ports import CloudError, CloudFault, NameRecord, NameService
from tests.doubles.api_server import ApiServer, drop, hang, nobody_listens

pytestmark = pytest.mark.sockets

LONG_MS = 30_000
REGION = "ap-northeast-1"
OURS = NameRecord("db.example.com", "A", ("10.0.1.10",), 10)
_: type[NameService] = Route53Names


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    made = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    made.start()
    host, port = made.get_host_and_port()
    yield f"http://{host}:{port}"
    made.stop()


@pytest.fixture
def zone(server: str, own_keys: object) -> str:
    """A hosted zone of its own for every test."""
    route53 = boto3.client("route53", region_name=REGION, endpoint_url=server)
    made = route53.create_hosted_zone(Name="example.com", CallerReference=str(id(own_keys)))["HostedZone"]
    route53.close()
    return str(made["Id"]).rpartition("/")[2]


@pytest.fixture
def names(server: str) -> Iterator[Route53Names]:
    made = Route53Names(REGION, server)
    yield made
    made.close()


def run(asking: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asking)


def refusal(asking: Coroutine[Any, Any, Any]) -> CloudError:
    with pytest.raises(CloudError) as raised:
        run(asking)
    return raised.value


def test_a_record_is_made_replaced_and_removed(names: Route53Names, zone: str) -> None:
    assert run(names.record(zone, OURS.name, "A", LONG_MS)) is None
    change = run(names.put(zone, OURS, LONG_MS))
    assert run(names.in_sync(change, LONG_MS))
    assert run(names.record(zone, OURS.name, "A", LONG_MS)) == OURS
    other = NameRecord(OURS.name, "A", ("10.0.2.10",), 30)
    run(names.put(zone, other, LONG_MS))
    assert run(names.record(zone, "DB.example.com.", "A", LONG_MS)) == other
    run(names.remove(zone, other, LONG_MS))
    assert run(names.record(zone, OURS.name, "A", LONG_MS)) is None
    assert names.calls()["ChangeResourceRecordSets"] == 3


def test_a_neighbour_in_the_zone_is_not_taken_for_it(names: Route53Names, zone: str) -> None:
    run(names.put(zone, NameRecord("dc.example.com", "A", ("10.0.1.99",), 10), LONG_MS))
    run(names.put(zone, NameRecord("db.example.com", "AAAA", ("2001:db8::1",), 10), LONG_MS))
    assert run(names.record(zone, "db.example.com", "A", LONG_MS)) is None
    assert run(names.record(zone, "db.example.com", "AAAA", LONG_MS)).values == ("2001:db8::1",)


def test_a_star_is_a_star(names: Route53Names, zone: str) -> None:
    star = NameRecord("*.example.com", "A", ("10.0.1.10",), 10)
    run(names.put(zone, star, LONG_MS))
    assert run(names.record(zone, "*.example.com", "A", LONG_MS)) == star


def test_an_unknown_zone_is_refused(names: Route53Names) -> None:
    found = refusal(names.put("Z0UNKNOWN", OURS, LONG_MS))
    assert (found.fault, found.code) == (CloudFault.REFUSED, "NoSuchHostedZone")


def bad_day(url: str, timeout_ms: int = LONG_MS) -> CloudError:
    names = Route53Names(REGION, url)
    try:
        return refusal(names.put("Z1", OURS, timeout_ms))
    finally:
        names.close()


def test_a_change_that_is_not_answered_may_have_been_made() -> None:
    with ApiServer(drop) as api:
        assert bad_day(api.url).fault is CloudFault.NO_ANSWER
        assert len(api.requests) == 1, "never sent twice by itself"
    with ApiServer(hang) as api:
        found = bad_day(api.url, 2_000)
    assert (found.fault, found.timed_out) == (CloudFault.NO_ANSWER, True)


def test_a_change_that_nobody_heard_was_not_made() -> None:
    with nobody_listens() as url:
        assert bad_day(url).fault is CloudFault.UNREACHABLE

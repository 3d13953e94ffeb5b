"""Ec2Cloud against an API on loopback that misbehaves as told. A good API is in tests/ports/test_cloud.py."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from komainu.adapters.aws import session
from komainu.adapters.aws.ec2 import THREADS, Ec2Cloud
from komainu.ports import CloudError, CloudFault
from tests.doubles.api_server import ApiServer, drop, error, hang, nobody_listens, page, replaced

pytestmark = pytest.mark.sockets

REGION = "ap-northeast-1"
Ask = Callable[[Ec2Cloud], Coroutine[Any, Any, object]]


def replace(cloud: Ec2Cloud, timeout_ms: int = 20_000) -> Coroutine[Any, Any, None]:
    return cloud.replace_route("rtb-1", "10.1.0.20/32", "eni-1", timeout_ms)


def ask(url: str | None, body: Ask, region: str | None = REGION, ready: bool = False) -> object:
    """Run one body with a client of its own; with `ready` the time to make the client is not the body's."""

    async def run() -> object:
        cloud = Ec2Cloud(region, url)
        try:
            if ready:
                cloud._ready_client()
            return await body(cloud)
        finally:
            cloud.close()

    return asyncio.run(run())


def fault(url: str | None, body: Ask = replace, region: str | None = REGION, ready: bool = False) -> CloudError:
    with pytest.raises(CloudError) as raised:
        ask(url, body, region, ready)
    return raised.value


def test_a_change_that_is_answered() -> None:
    with ApiServer(replaced) as server:
        assert ask(server.url, replace) is None
        (request,) = server.requests
    assert request.fields["Action"] == "ReplaceRoute"
    assert request.fields["RouteTableId"] == "rtb-1"
    assert request.fields["DestinationCidrBlock"] == "10.1.0.20/32"
    assert request.fields["NetworkInterfaceId"] == "eni-1"
    assert "komainu/" in request.headers["user-agent"]


def test_an_ipv6_destination_is_sent_as_such() -> None:
    with ApiServer(replaced) as server:
        ask(server.url, lambda cloud: cloud.replace_route("rtb-1", "2001:db8::20/128", "eni-1", 20_000))
        assert server.requests[0].fields["DestinationIpv6CidrBlock"] == "2001:db8::20/128"


# --- time


def test_an_api_that_accepts_and_never_answers_ends_at_the_deadline() -> None:
    with ApiServer(hang) as server:
        found = fault(server.url, lambda cloud: replace(cloud, 300), ready=True)
    assert (found.fault, found.code, found.timed_out) == (CloudFault.NO_ANSWER, "DeadlineExceeded", True)


def test_a_socket_that_accepts_and_never_reads_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        found = fault(f"http://127.0.0.1:{deaf.getsockname()[1]}", lambda cloud: replace(cloud, 300), ready=True)
    assert (found.fault, found.timed_out) == (CloudFault.NO_ANSWER, True)


def test_a_read_that_takes_too_long_may_have_changed_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "READ_TIMEOUT_S", 0.2)
    with ApiServer(hang) as server:
        found = fault(server.url)
        assert len(server.requests) == session.ATTEMPTS
    assert (found.fault, found.code, found.timed_out) == (CloudFault.NO_ANSWER, "ReadTimeoutError", True)


def test_nothing_is_sent_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would try again when its read timeout runs out; by then another node may hold the address."""
    monkeypatch.setattr(session, "READ_TIMEOUT_S", 0.4)

    async def late(cloud: Ec2Cloud) -> None:
        with pytest.raises(CloudError):
            await replace(cloud, 250)
        until = time.monotonic() + 20
        while cloud._pool._busy and time.monotonic() < until:
            await asyncio.sleep(0.01)
        assert not cloud._pool._busy, "the thread never ended"

    with ApiServer(hang) as server:
        ask(server.url, late, ready=True)
        assert len(server.requests) == 1


def test_nothing_is_sent_for_a_cancelled_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "READ_TIMEOUT_S", 0.4)

    async def cancelled(cloud: Ec2Cloud) -> None:
        call = asyncio.create_task(replace(cloud))
        while not server.requests:
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()
        while cloud._pool._busy:
            await asyncio.sleep(0.01)

    with ApiServer(hang) as server:
        ask(server.url, cancelled)
        assert len(server.requests) == 1


def test_a_call_that_found_no_free_thread_was_surely_not_sent() -> None:
    async def crowded(cloud: Ec2Cloud) -> CloudError:
        hanging = [asyncio.create_task(replace(cloud)) for _ in range(THREADS)]
        while len(server.requests) < THREADS:
            await asyncio.sleep(0.01)
        with pytest.raises(CloudError) as raised:
            await replace(cloud, 100)
        for call in hanging:
            call.cancel()
        await asyncio.wait(hanging)
        return raised.value

    with ApiServer(hang) as server:
        found = ask(server.url, crowded)
        assert len(server.requests) == THREADS
    assert isinstance(found, CloudError)
    assert (found.fault, found.timed_out) == (CloudFault.UNREACHABLE, True)


def test_checks_that_hang_keep_no_takeover_waiting() -> None:
    def behave(request: Any) -> None:
        (replaced if request.action == "ReplaceRoute" else hang)(request)

    async def crowded(cloud: Ec2Cloud) -> None:
        watching = cloud.aside()
        assert watching is cloud.aside()
        checks = [asyncio.create_task(watching.vpc_cidrs("vpc-1", 20_000)) for _ in range(THREADS + 5)]
        while len(server.requests) < THREADS:
            await asyncio.sleep(0.01)
        await replace(cloud)
        assert cloud.calls()["ReplaceRoute"] == 1, "counted together"
        for check in checks:
            check.cancel()
        await asyncio.wait(checks)

    with ApiServer(behave) as server:
        ask(server.url, crowded)


def test_a_time_that_ran_out_tells_of_the_throttling_that_took_it() -> None:
    with ApiServer(error(503, "RequestLimitExceeded"), hang) as server:
        found = fault(server.url, lambda cloud: replace(cloud, 2_500), ready=True)
    assert (found.code, found.timed_out) == ("DeadlineExceeded", True)
    assert "before that: RequestLimitExceeded: told so" in found.text


def test_a_time_that_ran_out_between_two_attempts_is_the_refusal_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK waits up to a second before it tries again: nothing is under way, and what is known is said."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.6)
    with ApiServer(error(503, "RequestLimitExceeded"), replaced) as server:
        found = fault(server.url, lambda cloud: replace(cloud, 400), ready=True)
        assert len(server.requests) == 1
    assert (found.fault, found.code, found.timed_out) == (CloudFault.REFUSED, "RequestLimitExceeded", False)


def test_throttling_is_told_of_where_the_second_attempt_hides_it() -> None:
    told: list[int] = []

    async def body(cloud: Ec2Cloud) -> None:
        cloud.when_throttled(lambda: told.append(1))
        await replace(cloud.aside())

    with ApiServer(error(503, "RequestLimitExceeded"), replaced) as server:
        ask(server.url, body)
    assert told == [1]


# --- what may have happened


def test_a_connection_refused_reached_nobody() -> None:
    with nobody_listens() as url:
        found = fault(url)
    assert (found.fault, found.code, found.transient) == (CloudFault.UNREACHABLE, "EndpointConnectionError", True)


def test_an_answer_that_is_lost_twice_is_no_answer() -> None:
    with ApiServer(drop) as server:
        found = fault(server.url)
    assert (found.fault, found.code) == (CloudFault.NO_ANSWER, "ConnectionClosedError")


def test_an_answer_that_is_lost_once_is_made_good_by_the_second_attempt() -> None:
    with ApiServer(drop, replaced) as server:
        assert ask(server.url, replace) is None
        assert server.actions == ["ReplaceRoute"] * 2


def test_throttling_is_a_refusal_that_passes() -> None:
    with ApiServer(error(503, "RequestLimitExceeded")) as server:
        found = fault(server.url)
        assert len(server.requests) == 2
    assert (found.fault, found.code, found.transient) == (CloudFault.REFUSED, "RequestLimitExceeded", True)


def test_throttled_once_is_not_even_noticed() -> None:
    with ApiServer(error(503, "RequestLimitExceeded"), replaced) as server:
        assert ask(server.url, replace) is None


def test_a_refusal_is_not_tried_again() -> None:
    with ApiServer(error(403, "UnauthorizedOperation")) as server:
        found = fault(server.url)
        assert len(server.requests) == 1
    assert (found.fault, found.code, found.text) == (CloudFault.REFUSED, "UnauthorizedOperation", "told so")


def test_a_refusal_after_a_lost_answer_cannot_say_that_nothing_changed() -> None:
    with ApiServer(drop, error(503, "RequestLimitExceeded")) as server:
        found = fault(server.url)
    assert (found.fault, found.code) == (CloudFault.NO_ANSWER, "RequestLimitExceeded")


def test_an_internal_error_leaves_it_open_whatever_follows() -> None:
    with ApiServer(error(500, "InternalError"), error(403, "UnauthorizedOperation")) as server:
        found = fault(server.url)
    assert found.fault is CloudFault.NO_ANSWER


def test_for_a_question_the_last_answer_is_enough() -> None:
    with ApiServer(drop, error(400, "InvalidVpcID.NotFound")) as server:
        found = fault(server.url, lambda cloud: cloud.vpc_cidrs("vpc-1", 20_000))
    assert (found.fault, found.code) == (CloudFault.REFUSED, "InvalidVpcID.NotFound")


@pytest.mark.parametrize("status", [502, 200])
def test_what_is_no_answer_of_the_api_is_no_answer(status: int) -> None:
    with ApiServer(page(status)) as server:
        found = fault(server.url)
    assert found.fault is CloudFault.NO_ANSWER


# --- what is sent


def test_a_question_whether_it_would_be_allowed_is_told_from_the_order() -> None:
    async def body(cloud: Ec2Cloud) -> None:
        await cloud.may_replace_route("rtb-1", "10.1.0.20/32", "eni-1", 20_000)
        await replace(cloud)
        assert cloud.calls() == {"ReplaceRoute": 2}

    with ApiServer(error(412, "DryRunOperation"), replaced) as server:
        ask(server.url, body)
        assert [request.fields.get("DryRun") for request in server.requests] == ["true", None]
        assert server.connections == 1


def test_a_question_that_is_refused_says_why() -> None:
    with ApiServer(error(403, "UnauthorizedOperation")) as server:
        asked = fault(server.url, lambda cloud: cloud.may_associate("eipalloc-1", "eni-1", "", 20_000))
        assert asked.code == "UnauthorizedOperation"


def test_every_request_is_counted_attempts_too() -> None:
    async def body(cloud: Ec2Cloud) -> None:
        await replace(cloud)
        counted = cloud.calls()
        assert counted == {"ReplaceRoute": 2}
        counted["ReplaceRoute"] = 99
        assert cloud.calls() == {"ReplaceRoute": 2}  # a snapshot is nobody's handle

    with ApiServer(error(503, "Throttling"), replaced) as server:
        ask(server.url, body)


def test_ten_changes_are_in_flight_together() -> None:
    gate = threading.Barrier(10)

    def together(request: Any) -> None:
        gate.wait(20)
        replaced(request)

    async def body(cloud: Ec2Cloud) -> None:
        await asyncio.gather(*(replace(cloud) for _ in range(10)))

    with ApiServer(together) as server:
        ask(server.url, body)


def test_after_reconnect_no_open_connection_is_used() -> None:
    """E1: the node's public address has changed, and with it what the other end knows of its connections."""

    async def body(cloud: Ec2Cloud) -> None:
        await replace(cloud)
        await replace(cloud)
        assert server.connections == 1
        cloud.reconnect()
        await replace(cloud)
        assert server.connections == 2
        cloud.reconnect()
        cloud.reconnect()  # nothing is open: no error
        await replace(cloud)

    with ApiServer(replaced) as server:
        Ec2Cloud(REGION, server.url).reconnect()  # before anything was asked
        ask(server.url, body)
        assert server.actions == ["ReplaceRoute"] * 4


def test_a_call_that_is_under_way_while_all_is_reconnected_is_not_sent_again() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(request: Any) -> None:
        begun.set()
        go_on.wait(20)
        replaced(request)

    async def body(cloud: Ec2Cloud) -> None:
        under_way = asyncio.create_task(replace(cloud))
        await asyncio.to_thread(begun.wait, 20)
        cloud.reconnect()
        go_on.set()
        await under_way
        await replace(cloud)

    with ApiServer(slow, replaced) as server:
        ask(server.url, body)
        assert (len(server.requests), server.connections) == (2, 2)

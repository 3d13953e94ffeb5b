"""The port NameService: one suite for the fake and for Route53Names against the emulated Route 53, over HTTPS."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from komainu.adapters.aws.route53 import Route53Names
from komainu.ports import CloudError, CloudFault, NameRecord, NameService
from tests.doubles.api_server import ApiServer, Request
from tests.doubles.cloud import connection_lost, no_answer, throttled, unauthorized, unreachable
from tests.doubles.names import ZONE, FakeNames
from tests.ports.emulated_aws import EmulatedAws

pytestmark = pytest.mark.sockets

LONG_MS = 30_000
SHORT_MS = 800
OURS = NameRecord("db.example.com", "A", ("10.0.1.10",), 10)
THEIRS = NameRecord("db.example.com", "A", ("10.0.2.10",), 30)
PENDING = (
    '<?xml version="1.0"?><GetChangeResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeInfo>'
    "<Id>/change/C1</Id><Status>PENDING</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt>"
    "</ChangeInfo></GetChangeResponse>"
)
RIGHTS = ("route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets", "route53:GetChange")
CHANGE, QUESTION = "POST", "GET"
"The methods by which the emulated API knows them."


@dataclass
class World:
    """One hosted zone without records of ours."""

    names: NameService
    zone: str
    spoil: Callable[[str], None]
    "From now on every change or question goes wrong: hang, lost (made, not answered), throttled, denied, refused."
    heal: Callable[[], None]
    "Nothing is wrong any more."
    pending: Callable[[], NameService]
    "The same service, which says of each change that it is on its way."


def fake_world() -> World:
    names = FakeNames()
    faults: dict[str, tuple[CloudError | None, bool]] = {
        "hang": (None, False),
        "lost": (connection_lost(), True),
        "error": (no_answer(), False),
        "throttled": (throttled(), False),
        "denied": (unauthorized(), False),
        "refused": (unreachable(), False),
    }

    def spoil(kind: str) -> None:
        error, after = faults[kind]
        names.faults += [("put", error, after), ("record", error, False), ("in_sync", error, False)]

    def pending() -> NameService:
        names.pending = 1
        return names

    return World(names, ZONE, spoil, names.faults.clear, pending)


@pytest.fixture(params=["fake", "Route 53"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        yield fake_world()
        return
    aws: EmulatedAws = request.getfixturevalue("aws")
    aws.grant(*RIGHTS)
    names = Route53Names(aws.topology.region, aws.url)
    zone = aws.hosted_zone()
    for timeout_ms in (LONG_MS, SHORT_MS):
        warm(names, zone, timeout_ms)
    kinds = {"hang": "hang", "lost": "lost", "error": "error", "throttled": "throttle"}
    servers: list[ApiServer] = []
    others: list[Route53Names] = []

    def spoil(kind: str) -> None:
        if kind == "denied":
            aws.grant("ec2:Describe*")
        elif kind == "refused":
            others.append(Route53Names(aws.topology.region, "https://localhost:1"))  # where nobody listens
            made.names = others[-1]
        else:
            aws.plan.add(kinds[kind], (CHANGE, QUESTION))

    def pending() -> NameService:
        def answer(request: Request) -> None:
            request.handler.send_response(200)
            request.handler.send_header("x-amzn-RequestId", "1")
            request.handler.send_header("Content-Length", str(len(PENDING)))
            request.handler.end_headers()
            request.handler.wfile.write(PENDING.encode())

        server = ApiServer(answer)
        server.__enter__()
        servers.append(server)
        others.append(Route53Names(aws.topology.region, server.url))
        return others[-1]

    made = World(names, zone, spoil, aws.plan.heal, pending)
    yield made
    aws.plan.heal()
    aws.grant()
    for each in (names, *others):
        each.close()
    for server in servers:
        server.__exit__()


def warm(names: NameService, zone: str, timeout_ms: int) -> None:
    """Load the SDK and make the client for that deadline: the time for it belongs to no test."""
    for _ in range(20):
        try:
            assert asyncio.run(names.record(zone, "warm.example.com", "A", timeout_ms)) is None
        except CloudError as error:
            if not error.timed_out:
                raise
        else:
            return
    pytest.fail(f"no answer within {timeout_ms} ms, twenty times")


def run(asking: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asking)


def refusal(asking: Coroutine[Any, Any, Any]) -> CloudError:
    with pytest.raises(CloudError) as raised:
        asyncio.run(asking)
    return raised.value


# --- the suite


def test_what_is_put_is_read(world: World) -> None:
    assert run(world.names.record(world.zone, OURS.name, "A", LONG_MS)) is None
    run(world.names.put(world.zone, OURS, LONG_MS))
    assert run(world.names.record(world.zone, OURS.name, "A", LONG_MS)) == OURS
    assert run(world.names.record(world.zone, f"{OURS.name}.", "A", LONG_MS)) == OURS, "with its dot"


def test_a_put_replaces_whatever_is_there(world: World) -> None:
    run(world.names.put(world.zone, THEIRS, LONG_MS))
    run(world.names.put(world.zone, OURS, LONG_MS))
    assert run(world.names.record(world.zone, OURS.name, "A", LONG_MS)) == OURS
    run(world.names.put(world.zone, OURS, LONG_MS))
    assert run(world.names.record(world.zone, OURS.name, "A", LONG_MS)) == OURS, "twice is as good as once"


def test_types_and_names_are_apart(world: World) -> None:
    run(world.names.put(world.zone, NameRecord("dc.example.com", "A", ("10.0.1.99",), 10), LONG_MS))
    run(world.names.put(world.zone, NameRecord(OURS.name, "AAAA", ("2001:db8::1",), 10), LONG_MS))
    assert run(world.names.record(world.zone, OURS.name, "A", LONG_MS)) is None
    assert run(world.names.record(world.zone, OURS.name, "AAAA", LONG_MS)).values == ("2001:db8::1",)


def test_exactly_what_is_there_can_be_removed(world: World) -> None:
    run(world.names.put(world.zone, OURS, LONG_MS))
    found = refusal(world.names.remove(world.zone, THEIRS, LONG_MS))
    assert (found.fault, found.code) == (CloudFault.REFUSED, "InvalidChangeBatch")
    assert run(world.names.record(world.zone, OURS.name, "A", LONG_MS)) == OURS
    run(world.names.remove(world.zone, OURS, LONG_MS))
    assert run(world.names.record(world.zone, OURS.name, "A", LONG_MS)) is None
    assert refusal(world.names.remove(world.zone, OURS, LONG_MS)).code == "InvalidChangeBatch", "it is gone already"


def test_an_unknown_zone_is_refused(world: World) -> None:
    for asking in (
        world.names.record("Z0UNKNOWN", OURS.name, "A", LONG_MS),
        world.names.put("Z0UNKNOWN", OURS, LONG_MS),
        world.names.remove("Z0UNKNOWN", OURS, LONG_MS),
    ):
        found = refusal(asking)
        assert (found.fault, found.code, found.transient) == (CloudFault.REFUSED, "NoSuchHostedZone", False)


def test_a_change_is_in_sync_when_all_servers_have_it(world: World) -> None:
    change = run(world.names.put(world.zone, OURS, LONG_MS))
    assert run(world.names.in_sync(change, LONG_MS)) is True


def test_a_change_that_is_on_its_way_is_not_in_sync(world: World) -> None:
    assert run(world.pending().in_sync("C1", LONG_MS)) is False


KNOWN = {
    "throttled": (CloudFault.REFUSED, True),
    "denied": (CloudFault.REFUSED, False),
    "refused": (CloudFault.UNREACHABLE, True),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_what_surely_was_not_done_is_told_so(world: World, kind: str) -> None:
    world.spoil(kind)
    expected = KNOWN[kind]
    found = refusal(world.names.put(world.zone, OURS, LONG_MS))
    assert (found.fault, found.transient) == expected
    assert found.code == "AccessDenied" or kind != "denied" or isinstance(world.names, FakeNames)
    found = refusal(world.names.record(world.zone, OURS.name, "A", LONG_MS))
    assert (found.fault, found.transient) == expected
    found = refusal(world.names.in_sync("C1", LONG_MS))
    assert (found.fault, found.transient) == expected


def test_an_answer_that_never_comes_is_unknown_within_the_deadline(world: World) -> None:
    world.spoil("hang")
    for asking in (
        world.names.put(world.zone, OURS, SHORT_MS),
        world.names.record(world.zone, OURS.name, "A", SHORT_MS),
        world.names.in_sync("C1", SHORT_MS),
    ):
        found = refusal(asking)
        assert (found.timed_out, found.transient) == (True, True)
        assert found.fault is CloudFault.NO_ANSWER


def test_an_answer_that_was_lost_is_unknown_and_the_change_is_made(world: World) -> None:
    world.spoil("lost")
    found = refusal(world.names.put(world.zone, OURS, LONG_MS))
    assert (found.fault, found.transient) == (CloudFault.NO_ANSWER, True)
    world.heal()
    assert run(world.names.record(world.zone, OURS.name, "A", LONG_MS)) == OURS


def test_a_server_that_failed_leaves_it_unknown(world: World) -> None:
    world.spoil("error")
    found = refusal(world.names.put(world.zone, OURS, LONG_MS))
    assert (found.fault, found.transient) == (CloudFault.NO_ANSWER, True)

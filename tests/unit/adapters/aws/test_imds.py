"""What the metadata service announces: against the lab's own service (IMDSv2), and one that misbehaves."""

import asyncio
import json
import time
from collections.abc import Iterator

import pytest

from komainu.adapters.aws.imds import THREADS, InstanceMetadata
from komainu.ports import Announced, Announcement, AnnouncementKind, CloudError, CloudFault, Metadata
from komainu_lab.vpc import imds
from tests.doubles.api_server import ApiServer, Behaviour, Request, drop, hang, nobody_listens, page

pytestmark = pytest.mark.sockets

_: type[Metadata] = InstanceMetadata
EVENT = {
    "NotBefore": "21 Jan 2027 09:00:43 GMT",
    "Code": "system-reboot",
    "Description": "scheduled reboot",
    "EventId": "instance-event-0d59937288b749b32",
    "NotAfter": "21 Jan 2027 09:17:23 GMT",
    "State": "active",
}


class Service:
    """The lab's service, with what is in `tree` below /latest."""

    def __init__(self) -> None:
        self.tree: imds.Tree = {"meta-data/instance-id": "i-1"}
        self.service = imds.Service(("127.0.0.1", 0), lambda source: self.tree, lambda source: ("", {}))
        self.url = f"http://127.0.0.1:{self.service.server_port}"

    def announce(self, path: str, document: object) -> None:
        text = document if isinstance(document, str) else json.dumps(document)
        self.tree[f"meta-data/{path}"] = text


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    made.service.start()
    yield made
    made.service.stop()


def answers(metadata: InstanceMetadata, timeout_ms: int = 20_000) -> Announced:
    found = asyncio.run(metadata.announced(timeout_ms))
    assert set(found) == set(AnnouncementKind)
    return found


def announced(metadata: InstanceMetadata) -> tuple[Announcement, ...]:
    """What is announced, when all is known."""
    found: list[Announcement] = []
    for kind, answer in answers(metadata).items():
        assert not isinstance(answer, CloudError), answer
        assert all(each.kind is kind for each in answer)
        found += answer
    return tuple(found)


def troubles(url: str, timeout_ms: int = 20_000) -> dict[AnnouncementKind, CloudError]:
    """Of which kinds nothing is known, and why."""
    metadata = InstanceMetadata(url)
    try:
        found = answers(metadata, timeout_ms)
    finally:
        metadata.close()
    return {kind: answer for kind, answer in found.items() if isinstance(answer, CloudError)}


def fault(url: str, timeout_ms: int = 20_000) -> CloudError:
    """Why nothing at all is known."""
    found = troubles(url, timeout_ms)
    assert set(found) == set(AnnouncementKind)
    assert len({(each.fault, each.code) for each in found.values()}) == 1
    return found[AnnouncementKind.SPOT]


@pytest.fixture
def metadata(service: Service) -> Iterator[InstanceMetadata]:
    made = InstanceMetadata(service.url)
    yield made
    made.close()


def test_usually_nothing_is_announced(metadata: InstanceMetadata) -> None:
    assert announced(metadata) == ()
    assert announced(metadata) == ()


def test_each_kind_is_announced(service: Service, metadata: InstanceMetadata) -> None:
    service.announce("events/maintenance/scheduled", [EVENT, {**EVENT, "State": "completed", "EventId": "other"}])
    service.announce("spot/instance-action", {"action": "terminate", "time": "2026-11-23T10:02:00Z"})
    service.announce("events/recommendations/rebalance", {"noticeTime": "2026-11-23T10:00:00Z"})
    service.announce("autoscaling/target-lifecycle-state", "Terminated")
    assert announced(metadata) == (
        Announcement(AnnouncementKind.MAINTENANCE, EVENT["EventId"], "system-reboot", EVENT["NotBefore"]),
        Announcement(AnnouncementKind.SPOT, "", "terminate", "2026-11-23T10:02:00Z"),
        Announcement(AnnouncementKind.REBALANCE, "", "rebalance", "2026-11-23T10:00:00Z"),
        Announcement(AnnouncementKind.LIFECYCLE, "", "Terminated", ""),
    )


def test_an_empty_list_and_a_group_that_keeps_it_are_nothing(service: Service, metadata: InstanceMetadata) -> None:
    service.announce("events/maintenance/scheduled", [])
    service.announce("autoscaling/target-lifecycle-state", "InService")
    assert announced(metadata) == ()


def test_a_token_that_is_not_known_any_more_is_replaced(service: Service, metadata: InstanceMetadata) -> None:
    assert announced(metadata) == ()
    service.service._tokens.clear()
    assert announced(metadata) == ()


def test_the_endpoint_is_where_the_sdk_looks_for_it(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url)
    metadata = InstanceMetadata()
    assert announced(metadata) == ()
    metadata.close()


def test_nobody_there_is_unreachable() -> None:
    with nobody_listens() as url:
        found = fault(url)
    assert (found.fault, found.transient) == (CloudFault.UNREACHABLE, True)


def test_a_service_that_hangs_ends_at_the_deadline() -> None:
    with ApiServer(hang) as server:
        found = fault(server.url, 300)
    assert (found.fault, found.timed_out) == (CloudFault.NO_ANSWER, True)


def test_what_is_no_token_is_not_sent_on() -> None:
    with ApiServer(page(403)) as server:
        found = fault(server.url)
        assert len(server.requests) == 1
    assert found.fault is CloudFault.UNREACHABLE
    assert "version 2" in found.text


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("spot/instance-action", AnnouncementKind.SPOT, "{"),
        ("spot/instance-action", AnnouncementKind.SPOT, "{}"),
        ("spot/instance-action", AnnouncementKind.SPOT, ""),
        ("spot/instance-action", AnnouncementKind.SPOT, "null"),
        ("spot/instance-action", AnnouncementKind.SPOT, '{"action": 7, "time": "soon"}'),
        ("spot/instance-action", AnnouncementKind.SPOT, '{"action": "", "time": "soon"}'),
        ("spot/instance-action", AnnouncementKind.SPOT, "[" * 60_000),
        ("events/maintenance/scheduled", AnnouncementKind.MAINTENANCE, "{}"),
        ("events/maintenance/scheduled", AnnouncementKind.MAINTENANCE, "[1]"),
        ("events/maintenance/scheduled", AnnouncementKind.MAINTENANCE, '[{"Code": "system-reboot"}]'),
        ("events/maintenance/scheduled", AnnouncementKind.MAINTENANCE, f"[{' ' * 70_000}]"),
        ("events/recommendations/rebalance", AnnouncementKind.REBALANCE, "<html>"),
        ("autoscaling/target-lifecycle-state", AnnouncementKind.LIFECYCLE, "Warmed:Frozen"),
        ("autoscaling/target-lifecycle-state", AnnouncementKind.LIFECYCLE, ""),
    ],
)
def test_what_cannot_be_read_is_no_answer_and_hides_no_other(
    service: Service, path: str, kind: AnnouncementKind, text: str
) -> None:
    """Neither "nothing is announced" nor an announcement: of that kind nothing is known."""
    others = {
        "spot/instance-action": {"action": "terminate", "time": "2026-11-23T10:02:00Z"},
        "events/recommendations/rebalance": {"noticeTime": "2026-11-23T10:00:00Z"},
        "autoscaling/target-lifecycle-state": "Terminated",
        "events/maintenance/scheduled": [EVENT],
    }
    for each, document in others.items():
        service.announce(each, document)
    service.announce(path, text)
    metadata = InstanceMetadata(service.url)
    found = answers(metadata)
    metadata.close()
    error = found[kind]
    assert isinstance(error, CloudError)
    assert error.fault is CloudFault.INTERNAL
    for other in set(AnnouncementKind) - {kind}:
        answer = found[other]
        assert not isinstance(answer, CloudError)
        assert len(answer) == 1


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        ("InService", False),
        ("Standby", False),
        ("Detached", False),
        ("Pending:Wait", False),
        ("Warmed:Pending", False),
        ("Warmed:Running", False),
        ("Terminated", True),
        ("Terminating:Wait", True),
        ("Warmed:Terminated", True),
        ("Warmed:Stopped", True),
        ("Warmed:Hibernated", True),
    ],
)
def test_a_lifecycle_state_is_announced_when_the_machine_will_be_off(
    service: Service, metadata: InstanceMetadata, state: str, ends: bool
) -> None:
    service.announce("autoscaling/target-lifecycle-state", state + "\n")
    expected = (Announcement(AnnouncementKind.LIFECYCLE, "", state, ""),) if ends else ()
    assert announced(metadata) == expected


@pytest.mark.parametrize(
    ("state", "over"), [("completed", True), ("canceled", True), ("active", False), ("new", False)]
)
def test_only_an_event_that_is_known_to_be_over_is_left_out(
    service: Service, metadata: InstanceMetadata, state: str, over: bool
) -> None:
    service.announce("events/maintenance/scheduled", [{**EVENT, "State": state}])
    assert len(announced(metadata)) == (0 if over else 1)


def granting(request: Request) -> bool:
    """Give a token to who asks for one."""
    if request.handler.command == "PUT":
        request.answer(200, "token")
    return request.handler.command == "PUT"


def only(path: str, behaviour: Behaviour) -> Behaviour:
    """At that path it behaves so; elsewhere nothing is announced."""

    def answer(request: Request) -> None:
        if not granting(request):
            (behaviour if request.handler.path.endswith(path) else page(404))(request)

    return answer


@pytest.mark.parametrize("status", [204, 302, 400, 403, 429, 500, 502, 503])
def test_an_answer_that_is_none_is_not_that_nothing_is_announced(status: int) -> None:
    with ApiServer(only("spot/instance-action", page(status))) as server:
        found = troubles(server.url)
    assert list(found) == [AnnouncementKind.SPOT]
    assert found[AnnouncementKind.SPOT].fault is CloudFault.UNREACHABLE
    with ApiServer(lambda request: None if granting(request) else page(status)(request)) as server:
        assert fault(server.url).fault is CloudFault.UNREACHABLE


def test_a_connection_that_is_lost_concerns_one_kind() -> None:
    with ApiServer(only("target-lifecycle-state", drop)) as server:
        found = troubles(server.url)
    assert list(found) == [AnnouncementKind.LIFECYCLE]
    assert found[AnnouncementKind.LIFECYCLE].fault is CloudFault.UNREACHABLE


def test_one_that_hangs_leaves_time_for_the_others() -> None:
    with ApiServer(only("spot/instance-action", hang)) as server:
        found = troubles(server.url, 2_000)
    assert list(found) == [AnnouncementKind.SPOT]
    assert (found[AnnouncementKind.SPOT].fault, found[AnnouncementKind.SPOT].timed_out) == (CloudFault.NO_ANSWER, True)


def test_an_answer_byte_by_byte_ends_at_the_deadline_and_holds_no_thread() -> None:
    dripping: list[bool] = []

    def drip(request: Request) -> None:
        handler = request.handler
        handler.send_response(200)
        handler.send_header("Content-Length", "60000")
        handler.end_headers()
        try:
            while not request.server.closing.wait(0.02):
                handler.wfile.write(b" ")
        except OSError:
            dripping.append(False)
        handler.close_connection = True

    with ApiServer(only("spot/instance-action", drip)) as server:
        metadata = InstanceMetadata(server.url)
        for _ in range(THREADS + 1):
            found = answers(metadata, 300)
            assert isinstance(found[AnnouncementKind.SPOT], CloudError)
        deadline = time.monotonic() + 20
        while len(dripping) < THREADS + 1:
            assert time.monotonic() < deadline, "somebody still reads it"
            time.sleep(0.01)
        metadata.close()


def test_a_token_that_is_none_is_not_used() -> None:
    with ApiServer(lambda request: request.answer(200, "a\nb: c")) as server:
        assert fault(server.url).fault is CloudFault.UNREACHABLE
        assert len(server.requests) == 1


def test_a_new_token_that_is_not_taken_either_is_no_answer() -> None:
    with ApiServer(lambda request: None if granting(request) else page(401)(request)) as server:
        found = fault(server.url)
    assert found.fault is CloudFault.UNREACHABLE
    assert "401" in found.text

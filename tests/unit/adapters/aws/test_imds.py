"""What the metadata service announces: against the lab's own service (IMDSv2), and one that misbehaves."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from komainu.adapters.aws.imds import InstanceMetadata
from komainu.ports import Announcement, AnnouncementKind, CloudError, CloudFault, Metadata
from komainu_lab.vpc import imds
from tests.doubles.api_server import ApiServer, hang, nobody_listens, page

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


def announced(metadata: InstanceMetadata, timeout_ms: int = 20_000) -> tuple[Announcement, ...]:
    return asyncio.run(metadata.announced(timeout_ms))


def fault(url: str, timeout_ms: int = 20_000) -> CloudError:
    metadata = InstanceMetadata(url)
    try:
        with pytest.raises(CloudError) as raised:
            announced(metadata, timeout_ms)
    finally:
        metadata.close()
    return raised.value


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


def test_what_cannot_be_read_is_a_defect(service: Service) -> None:
    service.announce("spot/instance-action", "{")
    assert fault(service.url).fault is CloudFault.INTERNAL

"""What the metadata service says, and whose credentials are whose."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from komainu_lab.errors import LabError
from komainu_lab.vpc import metadata
from komainu_lab.vpc.build import backend
from komainu_lab.vpc.metadata import LIFE, PLACES, RENEW_BEFORE, Announcements, Credentials
from tests.unit.lab.vpc.world import TOPOLOGY, World


def test_what_a_node_is_told(world: World) -> None:
    node = world.built.instances["node2"]
    tree = metadata.tree(backend(TOPOLOGY.region), node.id)
    mac = tree["meta-data/mac"]
    assert mac == "02:4b:0a:00:78:64", "as the cable of the machine has it"
    below = f"meta-data/network/interfaces/macs/{mac}"
    assert tree["meta-data/instance-id"] == node.id
    assert tree["meta-data/local-ipv4"] == "10.0.120.100"
    assert tree["meta-data/placement/availability-zone"] == "ap-northeast-1c"
    assert tree["meta-data/placement/region"] == "ap-northeast-1"
    assert tree[f"{below}/interface-id"] == node.interface
    assert tree[f"{below}/vpc-id"] == world.built.vpc
    assert tree[f"{below}/vpc-ipv4-cidr-blocks"] == "10.0.0.0/16"
    assert tree[f"{below}/subnet-ipv4-cidr-block"] == "10.0.120.0/24"
    document = json.loads(tree["dynamic/instance-identity/document"])
    assert (document["instanceId"], document["region"]) == (node.id, "ap-northeast-1")
    assert "meta-data/public-ipv4" not in tree


def test_a_public_address_is_told_where_it_is(world: World) -> None:
    ec2 = backend(TOPOLOGY.region)
    assert metadata.tree(ec2, world.built.instances["nat1"].id)["meta-data/public-ipv4"] == "203.0.113.11"
    allocation = world.ec2.describe_addresses(PublicIps=["203.0.113.11"])["Addresses"][0]["AllocationId"]
    world.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=world.eni("node1"))
    assert "meta-data/public-ipv4" not in metadata.tree(ec2, world.built.instances["nat1"].id)
    assert metadata.tree(ec2, world.built.instances["node1"].id)["meta-data/public-ipv4"] == "203.0.113.11"


def test_credentials_stay_until_they_are_about_to_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = Credentials(TOPOLOGY.region)
    node = world.built.instances["node1"]
    first = credentials.of("node1", node.id, node.role)
    assert credentials.of("node1", node.id, node.role) is first
    other = credentials.of("node2", world.built.instances["node2"].id, node.role)
    assert credentials.machine_of(first["AccessKeyId"]) == "node1"
    assert credentials.machine_of(other["AccessKeyId"]) == "node2"
    assert credentials.machine_of("AKIA0000000000000000") == ""

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Later":  # type: ignore[override]
            return cls.fromtimestamp((datetime.now(UTC) + LIFE - RENEW_BEFORE + timedelta(seconds=1)).timestamp(), UTC)

    monkeypatch.setattr(metadata, "datetime", Later)
    assert credentials.of("node1", node.id, node.role)["AccessKeyId"] != first["AccessKeyId"]
    assert credentials.machine_of(first["AccessKeyId"]) == "node1", "the old ones are good until they end"
    later = credentials.of("node1", node.id, node.role)
    secrets = [each[name] for each in (first, other, later) for name in ("SecretAccessKey", "Token")]
    assert credentials.handed_out() == secrets


def test_what_is_announced_stands_where_ec2_writes_it() -> None:
    announcements = Announcements()
    assert announcements.of("node1") == {}
    announcements.announce("node1", "spot", at="2026-11-23T10:02:00Z")
    announcements.announce("node1", "rebalance", at="2026-11-23T10:00:00Z")
    announcements.announce("node1", "lifecycle")
    announcements.announce("node1", "maintenance", "instance-stop", "21 Jan 2027 09:00:43 GMT")
    found = announcements.of("node1")
    assert json.loads(found["meta-data/spot/instance-action"]) == {
        "action": "terminate",
        "time": "2026-11-23T10:02:00Z",
    }
    assert json.loads(found["meta-data/events/recommendations/rebalance"]) == {"noticeTime": "2026-11-23T10:00:00Z"}
    assert found["meta-data/autoscaling/target-lifecycle-state"] == "Terminated"
    [event] = json.loads(found["meta-data/events/maintenance/scheduled"])
    assert (event["Code"], event["NotBefore"], event["State"]) == (
        "instance-stop",
        "21 Jan 2027 09:00:43 GMT",
        "active",
    )
    assert announcements.of("node2") == {}


def test_an_event_is_put_off_and_another_one_comes_beside_it() -> None:
    announcements = Announcements()

    def events() -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(announcements.of("node1")["meta-data/events/maintenance/scheduled"])
        return found

    announcements.announce("node1", "maintenance", "system-reboot", "21 Jan 2027 09:00:43 GMT")
    [before] = events()
    announcements.announce("node1", "maintenance", "system-reboot", "28 Jan 2027 09:00:43 GMT")
    [after] = events()
    assert after == {**before, "NotBefore": "28 Jan 2027 09:00:43 GMT"}
    announcements.announce("node1", "maintenance", "instance-retirement")
    assert [each["Code"] for each in events()] == ["system-reboot", "instance-retirement"]
    assert len({each["EventId"] for each in events()}) == 2


def test_what_is_taken_back_is_no_more_there() -> None:
    announcements = Announcements()
    for kind in PLACES:
        announcements.announce("node1", kind)
    announcements.withdraw("node1", "spot")
    assert set(announcements.of("node1")) == {f"meta-data/{place}" for kind, place in PLACES.items() if kind != "spot"}
    announcements.withdraw("node1")
    assert announcements.of("node1") == {}
    announcements.withdraw("node2", "spot")


def test_nothing_else_is_announced() -> None:
    with pytest.raises(LabError, match="not 'weather'"):
        Announcements().announce("node1", "weather")

"""A route table that another account owns is changed by that account alone, and packets of both see one table."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.iam.models import iam_backends

from komainu_lab.vpc import corrections, sharing
from komainu_lab.vpc.build import backend
from tests.unit.lab.vpc.world import TOPOLOGY, VIP, World

NAME = "Private-B"


@pytest.fixture
def shared(world: World) -> Iterator[World]:
    applied = corrections.apply((sharing.owners_only,))
    sharing.share(backend(TOPOLOGY.region), TOPOLOGY.region, world.built.tables[NAME])
    yield world
    sharing.take_back(backend(TOPOLOGY.region), TOPOLOGY.region)
    applied.withdraw()


def target(world: World) -> str:
    (table,) = world.ec2.describe_route_tables(RouteTableIds=[world.built.tables[NAME]])["RouteTables"]
    return next(str(r["NetworkInterfaceId"]) for r in table["Routes"] if r.get("DestinationCidrBlock") == VIP)


def by_owner(world: World, machine: str) -> Any:
    owner = sharing.backend_of_owner(TOPOLOGY.region)
    return owner.replace_route(world.built.tables[NAME], VIP, interface_id=world.eni(machine))


def test_who_takes_part_sees_it_and_may_not_change_it(shared: World) -> None:
    before = target(shared)
    with pytest.raises(ClientError) as raised:
        shared.point(NAME, NetworkInterfaceId=shared.eni("node2"))
    assert raised.value.response["Error"]["Code"] == "UnauthorizedOperation"
    assert target(shared) == before
    shared.point("Private-A", NetworkInterfaceId=shared.eni("node2"))


def test_the_owner_changes_it_for_both(shared: World) -> None:
    by_owner(shared, "node2")
    assert target(shared) == shared.eni("node2")


def test_it_can_be_taken_back(shared: World) -> None:
    sharing.take_back(backend(TOPOLOGY.region), TOPOLOGY.region)
    shared.point(NAME, NetworkInterfaceId=shared.eni("node2"))
    assert target(shared) == shared.eni("node2")
    assert not set(shared.built.tables.values()) & set(sharing.backend_of_owner(TOPOLOGY.region).route_tables)


def test_the_role_of_the_owner_has_the_rights_it_was_given_last() -> None:
    for actions in (sharing.OWNER_ACTIONS, ("ec2:DescribeRouteTables",)):
        sharing.allow_owner_role(*actions, trusted="arn:aws:iam::123456789012:role/komainu-node")
        _, document = iam_backends[sharing.OWNER]["aws"].get_role_policy(sharing.ROLE, "routes")[:2]
        assert all(action in document for action in actions)
    assert "ReplaceRoute" not in document

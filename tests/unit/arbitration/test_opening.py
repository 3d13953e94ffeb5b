"""A configuration leads to its store, with its own parameters."""

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from komainu.arbitration.opening import Stores
from komainu.catalogue import LEASE_TYPES
from komainu.model.config import Arbitration, Aws, Cluster, Lease
from tests.doubles.leases import FakeBuckets, FakeHttps, FakeTables
from tests.unit.core.clusters import cluster, remade


def configured(lease: Lease | None, aws: Aws | None = None) -> Cluster:
    arbitration = Arbitration(kind="lease" if lease is not None else "none", lease=lease)
    return remade(cluster(), name="shop", arbitration=arbitration, aws=aws)


def stores(buckets: FakeBuckets) -> Stores:
    return Stores("n1", LEASE_TYPES, buckets, FakeTables(), FakeHttps())


def test_without_a_lease_there_is_no_store() -> None:
    assert stores(FakeBuckets()).open(configured(None)) is None


@pytest.mark.parametrize(("aws", "region"), [(None, None), (Aws(region="eu-west-1"), "eu-west-1")])
def test_the_store_is_the_configured_one(aws: Aws | None, region: str | None) -> None:
    buckets = FakeBuckets()
    store = stores(buckets).open(configured(Lease(type="lease_s3", params={"bucket": "votes"}), aws))
    assert store is not None
    assert asyncio.run(store.read(1_000)) is None
    assert buckets.asked == [("get", region, "votes/komainu/shop")]


@pytest.mark.parametrize(
    ("kind", "params", "error"),
    [("lease_of_tomorrow", {}, KeyError), ("lease_s3", {"bucket": "votes", "new": 1}, ValidationError)],
)
def test_what_this_release_does_not_know_is_said(kind: str, params: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        stores(FakeBuckets()).open(configured(Lease(type=kind, params=params)))

"""A configuration leads to its store, with its own parameters."""

import asyncio
from typing import Any

import pytest

from komainu.arbitration.opening import NOT_KNOWN, Stores
from komainu.catalogue import LEASE_TYPES
from komainu.model.config import Arbitration, Aws, Cluster, Lease
from komainu.ports import StoreSilent
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


def test_what_the_first_call_needs_is_made_ready_and_nothing_is_asked() -> None:
    buckets, tables = FakeBuckets(), FakeTables()
    opened = Stores("n1", LEASE_TYPES, buckets, tables, FakeHttps()).open
    aws = Aws(region="eu-west-1")
    opened(configured(Lease(type="lease_s3", params={"bucket": "votes"}), aws))
    opened(configured(Lease(type="lease_dynamodb", params={"table": "votes", "region": "us-east-1"}), aws))
    opened(configured(Lease(type="lease_http", params={"url": "https://w", "token_file": "/t"}), aws))
    assert (buckets.warmed, tables.warmed) == ([("eu-west-1", 1_000)], [("us-east-1", 1_000)])
    assert (buckets.asked, tables.asked) == ([], [])


@pytest.mark.parametrize(
    ("kind", "params"),
    [("lease_of_tomorrow", {}), ("lease_s3", {"bucket": "votes", "new": 1}), ("lease_s3", {"bucket": 1})],
)
def test_what_this_release_does_not_know_is_silent_and_says_so(kind: str, params: dict[str, Any]) -> None:
    store = stores(FakeBuckets()).open(configured(Lease(type=kind, params=params)))
    assert store is not None
    for call in (store.read(1), store.replace("v", "t", 1), store.create("t", 1), store.examine(1)):
        with pytest.raises(StoreSilent) as silent:
            asyncio.run(call)
        assert silent.value.said == NOT_KNOWN.said(type=kind)

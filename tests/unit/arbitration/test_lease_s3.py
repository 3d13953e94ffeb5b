"""The vote in S3: what is asked for, what is a refusal, and what the bucket's settings would do."""

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from komainu.arbitration import lease_cloud, lease_proof, lease_s3
from komainu.arbitration.lease_s3 import LEASE_S3, Params
from komainu.model.message import Refused
from komainu.ports import CloudFault, Held, StoreSilent, VoteStore
from tests.doubles.leases import FakeBuckets, cloud_error, host


def store(buckets: FakeBuckets, region: str | None = "ap-northeast-1", **params: Any) -> VoteStore:
    return LEASE_S3.make(Params(bucket="votes", **params), host(buckets, region=region))


def test_record_and_region_come_from_the_cluster_unless_they_are_given() -> None:
    buckets = FakeBuckets()
    for each in (
        store(buckets),
        store(buckets, region=None),
        store(buckets, key="own/name", region="eu-west-1"),
        LEASE_S3.make(Params(bucket="votes", region="eu-west-1"), host(buckets)),
    ):
        asyncio.run(each.read(1_000))
    assert buckets.asked == [
        ("get", "ap-northeast-1", "votes/komainu/shop"),
        ("get", None, "votes/komainu/shop"),
        ("get", "eu-west-1", "votes/own/name"),
        ("get", "eu-west-1", "votes/komainu/shop"),
    ]


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict", "412", "409"])
def test_a_condition_that_does_not_hold_is_a_refusal(code: str) -> None:
    mine = store(FakeBuckets(error=cloud_error(code)))
    assert asyncio.run(mine.replace("v", "text", 1_000)) is None
    assert asyncio.run(mine.create("text", 1_000)) is None


def test_what_is_gone_is_a_refusal_for_who_replaces_it_and_nothing_for_who_reads() -> None:
    mine = store(FakeBuckets(error=cloud_error("NoSuchKey")))
    assert asyncio.run(mine.read(1_000)) is None
    assert asyncio.run(mine.replace("v", "text", 1_000)) is None
    with pytest.raises(StoreSilent):  # nobody refuses a creation like that
        asyncio.run(mine.create("text", 1_000))


@pytest.mark.parametrize("code", ["NoSuchBucket", "AccessDenied", "404", "PreconditionRequired"])
def test_a_bucket_that_is_missing_or_closed_is_not_an_empty_one(code: str) -> None:
    mine = store(FakeBuckets(error=cloud_error(code)))
    for call in (mine.read(1_000), mine.replace("v", "text", 1_000), mine.create("text", 1_000)):
        with pytest.raises(StoreSilent) as silent:
            asyncio.run(call)
        assert "s3://votes/komainu/shop" in silent.value.said.en


def test_who_is_denied_is_told_what_to_allow() -> None:
    mine = store(FakeBuckets(error=cloud_error("AccessDenied")))
    with pytest.raises(StoreSilent) as silent:
        asyncio.run(mine.read(1_000))
    assert silent.value.said.code == lease_cloud.DENIED.code
    assert "s3:GetObject, s3:PutObject, s3:ListBucket" in silent.value.said.en


def test_the_proof_is_beside_the_record() -> None:
    buckets = FakeBuckets({("votes", "komainu/shop"): Held("7", "record")})
    assert asyncio.run(store(buckets).examine(1_000)) == ()
    assert buckets.objects["votes", "komainu/shop"] == Held("7", "record")
    assert {key for _, _, key in buckets.asked} == {"votes/komainu/shop.probe"}


def test_a_store_that_ignores_conditions_is_found() -> None:
    found = asyncio.run(store(FakeBuckets(ignores_conditions=True)).examine(1_000))
    wrong = [lease_proof.IGNORES_CREATION.code, lease_proof.IGNORES_VERSION.code]
    assert [said.code for said in found] == wrong
    assert all(said.level == "error" for said in found)


def test_the_buckets_settings_are_looked_at() -> None:
    found = asyncio.run(store(FakeBuckets(prefixes=("", "komainu/", "logs/"), replicas=True)).examine(1_000))
    assert found == (
        lease_s3.EXPIRES.said(bucket="votes", prefix="", key="komainu/shop"),
        lease_s3.EXPIRES.said(bucket="votes", prefix="komainu/", key="komainu/shop"),
        lease_s3.REPLICATED.said(bucket="votes"),
    )


def test_nobody_has_to_allow_the_hints() -> None:
    denied = cloud_error("AccessDenied")
    assert asyncio.run(store(FakeBuckets(prefixes=denied, replicas=denied)).examine(1_000)) == ()


def test_silence_is_silence_for_who_examines_too() -> None:
    silent = FakeBuckets(error=cloud_error("ReadTimeoutError", CloudFault.NO_ANSWER))
    with pytest.raises(StoreSilent):
        asyncio.run(store(silent).examine(1_000))


@pytest.mark.parametrize("bucket", ["votes", "my.votes-2", "a1b"])
def test_general_purpose_buckets_are_right(bucket: str) -> None:
    assert Params(bucket=bucket).bucket == bucket


@pytest.mark.parametrize("bucket", ["votes--apne1-az4--x-s3", "votes-s3alias", "votes--ol-s3", "votes.mrap"])
def test_what_is_another_kind_of_bucket_is_refused(bucket: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Params(bucket=bucket)
    (error,) = refused.value.errors()
    cause = error["ctx"]["error"]
    assert isinstance(cause, Refused)
    assert cause.said == lease_s3.NO_BUCKET.said(bucket=bucket)


@pytest.mark.parametrize(
    "wrong",
    [
        {"bucket": "arn:aws:s3:::votes"},
        {"bucket": "Votes"},
        {"bucket": "votes", "key": "/k"},
        {"bucket": "votes", "key": "a b"},
        {"bucket": "votes", "region": "Tokyo"},
        {"bucket": "votes", "endpoint": "https://example.com"},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Params(**wrong)

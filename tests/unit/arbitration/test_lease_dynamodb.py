"""The vote in DynamoDB: what is asked for, what is a refusal, and which tables cannot be used."""

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from komainu.arbitration import lease_cloud, lease_dynamodb
from komainu.arbitration.lease_dynamodb import LEASE_DYNAMODB, Params
from komainu.ports import CloudFault, Held, StoreSilent, TableFacts, VoteStore
from tests.doubles.leases import FakeTables, cloud_error, host


def store(tables: FakeTables, **params: Any) -> VoteStore:
    return LEASE_DYNAMODB.make(Params(table="votes", **params), host(tables=tables))


def test_record_and_region_come_from_the_cluster_unless_they_are_given() -> None:
    tables = FakeTables()
    asyncio.run(store(tables).read(1_000))
    asyncio.run(store(tables, key="own", key_attribute="name", region="eu-west-1").create("text", 1_000))
    assert tables.asked == [
        ("get", "ap-northeast-1", "votes/id=komainu/shop"),
        ("put", "eu-west-1", "votes/name=own"),
    ]


def test_a_condition_that_does_not_hold_is_a_refusal() -> None:
    mine = store(FakeTables(error=cloud_error("ConditionalCheckFailedException")))
    assert asyncio.run(mine.replace("v", "text", 1_000)) is None
    assert asyncio.run(mine.create("text", 1_000)) is None


@pytest.mark.parametrize(
    "code",
    ["ResourceNotFoundException", "AccessDeniedException", "TransactionConflictException", "ThrottlingException"],
)
def test_nothing_else_is_a_refusal(code: str) -> None:
    mine = store(FakeTables(error=cloud_error(code)))
    for call in (mine.read(1_000), mine.replace("v", "text", 1_000), mine.create("text", 1_000)):
        with pytest.raises(StoreSilent) as silent:
            asyncio.run(call)
        assert "dynamodb:votes/komainu/shop" in silent.value.said.en


def test_the_proof_is_beside_the_record() -> None:
    tables = FakeTables({("votes", ("id", "komainu/shop")): Held("7", "record")})
    assert asyncio.run(store(tables).examine(1_000)) == ()
    assert tables.items["votes", ("id", "komainu/shop")] == Held("7", "record")
    assert {key for _, _, key in tables.asked} == {"votes/id=komainu/shop.probe"}


def test_a_global_table_is_refused_and_nothing_is_written_there() -> None:
    tables = FakeTables(known=TableFacts(True, (("id", "S"),), ("us-east-1", "eu-west-1")))
    found = asyncio.run(store(tables).examine(1_000))
    assert found == (lease_dynamodb.GLOBAL_TABLE.said(table="votes", regions="us-east-1, eu-west-1"),)
    assert tables.asked == []


@pytest.mark.parametrize("keys", [(("name", "S"),), (("id", "N"),), (("id", "S"), ("at", "N"))])
def test_another_key_is_refused(keys: tuple[tuple[str, str], ...]) -> None:
    found = asyncio.run(store(FakeTables(known=TableFacts(True, keys, ()))).examine(1_000))
    shown = ", ".join(f"{name} ({kind})" for name, kind in keys)
    assert found == (lease_dynamodb.OTHER_KEY.said(table="votes", found=shown, attribute="id"),)


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = asyncio.run(store(FakeTables(known=TableFacts(False, (("x", "S"),), ("us-east-1",)))).examine(1_000))
    wrong = (lease_dynamodb.GLOBAL_TABLE, lease_dynamodb.OTHER_KEY, lease_dynamodb.NOT_ACTIVE)
    assert [said.code for said in found] == [message.code for message in wrong]


def test_who_may_not_describe_the_table_is_warned_and_the_proof_goes_on() -> None:
    tables = FakeTables(known=cloud_error("AccessDeniedException"))
    found = asyncio.run(store(tables).examine(1_000))
    assert found == (lease_dynamodb.NOT_DESCRIBED.said(table="votes", code="AccessDeniedException"),)
    assert found[0].level == "warning"
    assert tables.asked != []


def test_a_table_that_is_missing_is_silence() -> None:
    with pytest.raises(StoreSilent) as silent:
        asyncio.run(store(FakeTables(known=cloud_error("ResourceNotFoundException"))).examine(1_000))
    assert silent.value.said.code == lease_cloud.MISSING.code


def test_no_answer_is_silence() -> None:
    with pytest.raises(StoreSilent) as silent:
        asyncio.run(store(FakeTables(error=cloud_error("x", CloudFault.NO_ANSWER))).read(1_000))
    assert silent.value.said.code == lease_cloud.NO_ANSWER.code


@pytest.mark.parametrize("wrong", [{"table": "x"}, {"table": "arn:aws:x"}, {"table": "votes", "key_attribute": ""}])
def test_what_cannot_be_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Params(**wrong)

"""What is sent to DynamoDB, and what is read of a table; the rest is in the suite of tests/ports."""

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from komainu.adapters.aws.tables import DynamoTables
from komainu.ports import Held, TableFacts
from tests.doubles.api_server import ApiServer, Request

pytestmark = pytest.mark.sockets
REGION = "ap-northeast-1"
KEY = ("id", "komainu/shop")


def answering(told: dict[str, Any]) -> Callable[[Request], None]:
    def answer(request: Request) -> None:
        handler, content = request.handler, json.dumps(told).encode()
        handler.send_response(200)
        handler.send_header("x-amzn-RequestId", "r")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def test_reads_are_consistent() -> None:
    item = {"id": {"S": "komainu/shop"}, "version": {"S": "v1"}, "text": {"S": "ノード"}}
    with ApiServer(answering({"Item": item}), answering({})) as server, closing(DynamoTables(server.url)) as tables:
        assert asyncio.run(tables.get(REGION, "votes", KEY, 20_000)) == Held("v1", "ノード")
        assert asyncio.run(tables.get(REGION, "votes", KEY, 20_000)) is None
        sent = json.loads(server.requests[0].body)
    assert sent == {"TableName": "votes", "Key": {"id": {"S": "komainu/shop"}}, "ConsistentRead": True}


def test_an_item_of_somebody_else_is_not_nothing() -> None:
    with ApiServer(answering({"Item": {"id": {"S": "x"}}})) as server, closing(DynamoTables(server.url)) as tables:
        assert asyncio.run(tables.get(REGION, "votes", KEY, 20_000)) == Held("", "")


def test_writes_have_their_condition_and_a_version_of_their_own() -> None:
    with ApiServer(answering({})) as server, closing(DynamoTables(server.url)) as tables:
        first = asyncio.run(tables.put(REGION, "votes", KEY, "text", None, 20_000))
        second = asyncio.run(tables.put(REGION, "votes", KEY, "text", first, 20_000))
        made, replaced = (json.loads(request.body) for request in server.requests)
        assert tables.calls() == {"PutItem": 2}
    assert first != second
    item = {"id": {"S": "komainu/shop"}, "text": {"S": "text"}}
    assert made["Item"] == {**item, "version": {"S": first}}
    assert made["ConditionExpression"] == "attribute_not_exists(#key)"
    assert made["ExpressionAttributeNames"] == {"#key": "id"}
    assert replaced["Item"] == {**item, "version": {"S": second}}
    assert replaced["ConditionExpression"] == "#version = :version"
    assert replaced["ExpressionAttributeValues"] == {":version": {"S": first}}


@pytest.mark.parametrize(
    ("status", "replicas", "facts"),
    [
        ("ACTIVE", None, TableFacts(True, (("id", "S"), ("at", "N")), ())),
        ("UPDATING", [], TableFacts(True, (("id", "S"), ("at", "N")), ())),
        ("CREATING", [{"RegionName": "us-east-1"}], TableFacts(False, (("id", "S"), ("at", "N")), ("us-east-1",))),
    ],
)
def test_a_table_is_described(status: str, replicas: list[dict[str, str]] | None, facts: TableFacts) -> None:
    table = {
        "TableStatus": status,
        "KeySchema": [
            {"AttributeName": "at", "KeyType": "RANGE"},
            {"AttributeName": "id", "KeyType": "HASH"},
        ],
        "AttributeDefinitions": [
            {"AttributeName": "at", "AttributeType": "N"},
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "other", "AttributeType": "S"},
        ],
        **({"Replicas": replicas} if replicas is not None else {}),
    }
    with ApiServer(answering({"Table": table})) as server, closing(DynamoTables(server.url)) as tables:
        assert asyncio.run(tables.facts(REGION, "votes", 20_000)) == facts

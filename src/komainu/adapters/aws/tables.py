"""Amazon DynamoDB behind the port Tables: one small item, written under a condition."""

import uuid
from typing import Any

from komainu.adapters.aws.once import Once
from komainu.ports import Held, TableFacts

VERSION, TEXT = "version", "text"
"The attributes of an item, beside the partition key."


class DynamoTables:
    """`komainu.ports.Tables` on Amazon DynamoDB."""

    def __init__(self, endpoint_url: str | None = None) -> None:
        """`endpoint_url` is for tests against a local server; otherwise the SDK knows the region's endpoint."""
        self._once = Once("dynamodb", endpoint_url)

    def calls(self) -> dict[str, int]:
        """How many requests were sent so far, by the name of the API's action."""
        return self._once.calls()

    def close(self) -> None:
        """Send nothing more."""
        self._once.close()

    def warm(self, region: str | None, timeout_ms: int) -> None:
        """Get ready, in the background. Nothing is sent."""
        self._once.warm(region, timeout_ms)

    async def get(self, region: str | None, table: str, key: tuple[str, str], timeout_ms: int) -> Held | None:
        """The item, read strongly consistent; None when there is none."""

        def read(dynamodb: Any) -> Held | None:
            item = dynamodb.get_item(TableName=table, Key=_key(key), ConsistentRead=True).get("Item")
            if item is None:
                return None
            # What lacks them is no record of ours, and nothing that we may call absent.
            return Held(item.get(VERSION, {}).get("S", ""), item.get(TEXT, {}).get("S", ""))

        return await self._once.call(region, read, timeout_ms)

    async def put(
        self, region: str | None, table: str, key: tuple[str, str], text: str, version: str | None, timeout_ms: int
    ) -> str:
        """Write the item if it has that version, with None if there is none; its new version."""
        # Not a counter: an item that was deleted and made anew would come to the same numbers.
        fresh = uuid.uuid4().hex
        condition: dict[str, Any] = {
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": key[0]},
        }
        if version is not None:
            condition = {
                "ConditionExpression": "#version = :version",
                "ExpressionAttributeNames": {"#version": VERSION},
                "ExpressionAttributeValues": {":version": {"S": version}},
            }
        item = {**_key(key), VERSION: {"S": fresh}, TEXT: {"S": text}}
        await self._once.call(
            region,
            lambda dynamodb: dynamodb.put_item(TableName=table, Item=item, **condition),
            timeout_ms,
            changes=True,
        )
        return fresh

    async def facts(self, region: str | None, table: str, timeout_ms: int) -> TableFacts:
        """What kind of table it is."""

        def read(dynamodb: Any) -> TableFacts:
            found = dynamodb.describe_table(TableName=table)["Table"]
            types = {each["AttributeName"]: each["AttributeType"] for each in found["AttributeDefinitions"]}
            schema = sorted(found["KeySchema"], key=lambda each: each["KeyType"])  # HASH before RANGE
            return TableFacts(
                active=found["TableStatus"] in ("ACTIVE", "UPDATING"),
                keys=tuple((each["AttributeName"], types.get(each["AttributeName"], "")) for each in schema),
                regions=tuple(each["RegionName"] for each in found.get("Replicas", [])),
            )

        return await self._once.call(region, read, timeout_ms)


def _key(key: tuple[str, str]) -> dict[str, dict[str, str]]:
    return {key[0]: {"S": key[1]}}

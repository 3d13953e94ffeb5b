"""moto alone lets two writers win under one condition; corrected, one."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.dynamodb.models import DynamoDBBackend
from moto.s3.models import S3Backend

from komainu_lab.vpc import corrections
from komainu_lab.vpc.conditional_writes import one_write_at_a_time

REGION = "ap-northeast-1"
WRITERS = 2

Write = Callable[[], object]


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def to_s3(bucket: str) -> Write:
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"0")["ETag"]
    return lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfMatch=etag)


def to_dynamodb() -> Write:
    client = boto3.client("dynamodb", region_name=REGION)
    client.create_table(
        TableName="votes",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": {"S": "k"}, "version": {"S": "0"}}
    client.put_item(TableName="votes", Item=item)
    return lambda: client.put_item(
        TableName="votes",
        Item={**item, "version": {"S": "1"}},
        ConditionExpression="version = :before",
        ExpressionAttributeValues={":before": {"S": "0"}},
    )


def winners(write: Write) -> int:
    def won() -> bool:
        try:
            write()
        except ClientError:
            return False
        except ValueError:
            return True  # moto wrote it, and another writer threw it away before moto had described it
        return True

    with ThreadPoolExecutor(WRITERS) as threads:
        return sum(threads.map(lambda _: won(), range(WRITERS)))


def meet(patch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    """Between the look and the write each writer waits for the other, in vain if it cannot come so far."""
    original = owner.__dict__[name]
    meeting = threading.Barrier(WRITERS)

    def waiting(self: Any, *args: Any, **kwargs: Any) -> Any:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(1)
        return original(self, *args, **kwargs)

    patch.setattr(owner, name, waiting)


def test_of_two_writers_to_s3_one_wins(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, corrected = to_s3("alone"), to_s3("corrected")
    meet(monkeypatch, S3Backend, "put_object")
    assert winners(alone) == 2
    assert once_corrected(lambda: winners(corrected)) == 1


def test_of_two_writers_to_dynamodb_one_is_inside_at_a_time(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    write = to_dynamodb()
    inside: list[int] = []
    most: list[int] = []
    original = DynamoDBBackend.put_item
    both = threading.Barrier(WRITERS)

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        inside.append(1)
        most.append(len(inside))
        try:
            with suppress(threading.BrokenBarrierError):
                both.wait(1)
            return original(self, *args, **kwargs)
        finally:
            inside.pop()

    monkeypatch.setattr(DynamoDBBackend, "put_item", counting)
    winners(write)
    assert max(most) == 2
    most.clear()
    both.reset()
    once_corrected(lambda: winners(write))
    assert max(most) == 1


def once_corrected(call: Callable[[], int]) -> int:
    applied = corrections.apply((one_write_at_a_time,))
    try:
        return call()
    finally:
        applied.withdraw()

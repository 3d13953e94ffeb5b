"""The client of SNS: made late, one a region, with our bounds; what the suite in tests/ports cannot see."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from komainu.adapters.aws.sns import SnsTopics
from komainu.ports import CloudError, CloudFault
from tests.doubles.api_server import ApiServer, Request, error
from tests.unit.adapters.aws.conftest import write_keys

pytestmark = pytest.mark.sockets
PUBLISHED = (
    '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m-1</MessageId>'
    "</PublishResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>"
)


def arn(region: str) -> str:
    return f"arn:aws:sns:{region}:123456789012:alerts"


def published(request: Request) -> None:
    request.answer(200, PUBLISHED)


@pytest.mark.processes
def test_the_sdk_is_loaded_only_when_something_is_published() -> None:
    told = (
        "import sys; from komainu.adapters.aws.sns import SnsTopics; SnsTopics(); "
        "sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", told], timeout=60).returncode == 0


def test_each_region_has_one_client_that_signs_for_it(own_keys: Path) -> None:
    write_keys(own_keys / ".aws", "AKIAHOMEHOMEHOMEHOME")
    with ApiServer(published) as server:
        topics = SnsTopics(server.url)
        regions = ("eu-west-1", "ap-northeast-1", "eu-west-1")
        ids = [asyncio.run(topics.publish(arn(region), "s", "t", {"level": "error"}, 20_000)) for region in regions]
        topics.close()
    assert ids == ["m-1"] * 3
    assert len(topics._clients) == 0
    signed = [request.headers["authorization"] for request in server.requests]
    assert [region in each for region, each in zip(regions, signed, strict=True)] == [True] * 3
    assert server.requests[0].fields["MessageAttributes.entry.1.Value.StringValue"] == "error"


def test_keys_that_are_refused_are_read_afresh(own_keys: Path) -> None:
    write_keys(own_keys / ".aws", "AKIAOLDOLDOLDOLDOLDO")
    with ApiServer(error(403, "InvalidClientTokenId"), published) as server:
        topics = SnsTopics(server.url)
        with pytest.raises(CloudError) as refused:
            asyncio.run(topics.publish(arn("eu-west-1"), "s", "t", {}, 20_000))
        write_keys(own_keys / ".aws", "AKIANEWNEWNEWNEWNEWN")
        asyncio.run(topics.publish(arn("eu-west-1"), "s", "t", {}, 20_000))
        topics.close()
    assert refused.value.fault is CloudFault.REFUSED
    assert ["AKIAOLD" in each.headers["authorization"] for each in server.requests] == [True, False]


def test_without_keys_nothing_is_sent(own_keys: Path) -> None:
    (own_keys / ".aws" / "credentials").unlink(missing_ok=True)
    topics = SnsTopics("http://127.0.0.1:1")
    with pytest.raises(CloudError) as missing:
        asyncio.run(topics.publish(arn("eu-west-1"), "s", "t", {}, 20_000))
    topics.close()
    assert (missing.value.fault, missing.value.code) == (CloudFault.UNREACHABLE, "NoCredentialsError")

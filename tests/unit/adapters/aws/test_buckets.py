"""What is sent to S3, and what is read from its settings; the rest is in the suite of tests/ports."""

import asyncio
from collections.abc import Callable
from contextlib import closing

import pytest

from komainu.adapters.aws.buckets import MOST_BYTES, S3Buckets
from komainu.ports import CloudError, Held
from tests.doubles.api_server import ApiServer, Request

pytestmark = pytest.mark.sockets
REGION = "ap-northeast-1"
XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def answering(body: str, status: int = 200, etag: str = '"e1"') -> Callable[[Request], None]:
    def answer(request: Request) -> None:
        handler, content = request.handler, body.encode()
        handler.send_response(status)
        handler.send_header("x-amz-request-id", "r")
        handler.send_header("ETag", etag)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def failing(status: int, code: str) -> Callable[[Request], None]:
    return answering(f"<Error><Code>{code}</Code><Message>told so</Message></Error>", status)


def test_conditions_are_sent_with_the_version_as_s3_gave_it() -> None:
    with ApiServer(answering("")) as server, closing(S3Buckets(server.url)) as buckets:
        assert asyncio.run(buckets.put(REGION, "votes", "a/b", "text ノード", '"e0"', 20_000)) == '"e1"'
        asyncio.run(buckets.put(REGION, "votes", "a/b", "text", None, 20_000))
        replaced, made = server.requests
    assert (replaced.handler.command, replaced.handler.path) == ("PUT", "/votes/a/b")
    assert replaced.body.decode() == "text ノード"
    assert replaced.headers["if-match"] == '"e0"'
    assert "if-none-match" not in replaced.headers
    assert made.headers["if-none-match"] == "*"
    assert "if-match" not in made.headers
    assert "expect" not in replaced.headers  # a question that would cost a round trip


def test_an_object_is_read_with_its_version() -> None:
    with ApiServer(answering("ノード")) as server, closing(S3Buckets(server.url)) as buckets:
        assert asyncio.run(buckets.get(REGION, "votes", "k", 20_000)) == Held('"e1"', "ノード")
        assert buckets.calls() == {"GetObject": 1}


def test_what_is_too_long_is_no_record() -> None:
    long = answering("x" * (MOST_BYTES + 1))
    with (
        ApiServer(long) as server,
        closing(S3Buckets(server.url)) as buckets,
        pytest.raises(CloudError) as refused,
    ):
        asyncio.run(buckets.get(REGION, "votes", "k", 20_000))
    assert refused.value.code == "ObjectTooLong"


RULES = f"""<LifecycleConfiguration {XMLNS}>
<Rule><ID>1</ID><Status>Enabled</Status><Filter><Prefix>logs/</Prefix></Filter>
  <Expiration><Days>3</Days></Expiration></Rule>
<Rule><ID>2</ID><Status>Enabled</Status><Filter/><Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration></Rule>
<Rule><ID>3</ID><Status>Disabled</Status><Filter><Prefix>off/</Prefix></Filter>
  <Expiration><Days>3</Days></Expiration></Rule>
<Rule><ID>4</ID><Status>Enabled</Status><Filter><Prefix>old/</Prefix></Filter>
  <NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionExpiration></Rule>
<Rule><ID>5</ID><Status>Enabled</Status><Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>
  <Expiration><Days>3</Days></Expiration></Rule>
<Rule><ID>6</ID><Status>Enabled</Status><Prefix>first/</Prefix><Expiration><Days>3</Days></Expiration></Rule>
<Rule><ID>7</ID><Status>Enabled</Status>
  <Filter><And><Prefix>big/</Prefix><ObjectSizeGreaterThan>1</ObjectSizeGreaterThan></And></Filter>
  <Expiration><Days>3</Days></Expiration></Rule>
<Rule><ID>8</ID><Status>Enabled</Status><Filter/>
  <Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration></Rule>
</LifecycleConfiguration>"""


def test_what_a_lifecycle_deletes_is_named() -> None:
    with ApiServer(answering(RULES)) as server, closing(S3Buckets(server.url)) as buckets:
        assert asyncio.run(buckets.expiring(REGION, "votes", 20_000)) == ("logs/", "", "first/", "big/")


@pytest.mark.parametrize(("status", "replicated"), [("Enabled", True), ("Disabled", False)])
def test_replication_is_seen(status: str, replicated: bool) -> None:
    rule = f"<Rule><Status>{status}</Status><Prefix/><Destination><Bucket>arn:aws:s3:::x</Bucket></Destination></Rule>"
    body = f"<ReplicationConfiguration {XMLNS}><Role>r</Role>{rule}</ReplicationConfiguration>"
    with ApiServer(answering(body)) as server, closing(S3Buckets(server.url)) as buckets:
        assert asyncio.run(buckets.replicated(REGION, "votes", 20_000)) is replicated


def test_without_such_settings_there_is_nothing_to_say() -> None:
    none = (failing(404, "NoSuchLifecycleConfiguration"), failing(404, "ReplicationConfigurationNotFoundError"))
    with ApiServer(*none) as server, closing(S3Buckets(server.url)) as buckets:
        assert asyncio.run(buckets.expiring(REGION, "votes", 20_000)) == ()
        assert asyncio.run(buckets.replicated(REGION, "votes", 20_000)) is False


def test_who_may_not_read_the_settings_is_told_so() -> None:
    with ApiServer(failing(403, "AccessDenied")) as server, closing(S3Buckets(server.url)) as buckets:
        for call in (buckets.expiring(REGION, "votes", 20_000), buckets.replicated(REGION, "votes", 20_000)):
            with pytest.raises(CloudError) as denied:
                asyncio.run(call)
            assert denied.value.code == "AccessDenied"

"""The port Topics: one suite for the fake and for SnsTopics against an emulated SNS on loopback."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import boto3
import pytest
from moto.server import ThreadedMotoServer

from komainu.adapters.aws.sns import SnsTopics
from komainu.ports import CloudError, CloudFault, Topics
from tests.doubles.api_server import ApiServer, drop, hang, nobody_listens
from tests.doubles.cloud import connection_lost, no_answer, unreachable
from tests.doubles.notices import FakeTopics

REGION = "ap-northeast-1"
GONE = f"arn:aws:sns:{REGION}:123456789012:no-such-topic"


@dataclass
class World:
    """A topic, and what arrives there."""

    topics: Topics
    topic: str
    arrived: Callable[[], list[tuple[str, str, dict[str, str]]]]
    "Subject, text and attributes."
    close: Callable[[], None]


def fake_world() -> World:
    topics = FakeTopics()
    topic = f"arn:aws:sns:{REGION}:123456789012:alerts"
    topics.known = (topic,)
    return World(
        topics,
        topic,
        lambda: [(subject, text, dict(attributes)) for _, subject, text, attributes in topics.published],
        lambda: None,
    )


class Emulation:
    """One emulated SNS for the whole module, with a queue behind the topic."""

    def __init__(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self.sns = boto3.client("sns", region_name=REGION, endpoint_url=self.url)
        self.sqs = boto3.client("sqs", region_name=REGION, endpoint_url=self.url)

    def world(self) -> World:
        topic = self.sns.create_topic(Name="alerts")["TopicArn"]
        queue = self.sqs.create_queue(QueueName=f"q-{os.urandom(4).hex()}")["QueueUrl"]
        queue_arn = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        subscription = self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)["SubscriptionArn"]
        topics = SnsTopics(self.url)

        def arrived() -> list[tuple[str, str, dict[str, str]]]:
            told = self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
            bodies = [json.loads(message["Body"]) for message in told]
            return [
                (body["Subject"], body["Message"], {k: v["Value"] for k, v in body["MessageAttributes"].items()})
                for body in bodies
            ]

        def close() -> None:
            self.sns.unsubscribe(SubscriptionArn=subscription)
            topics.close()

        return World(topics, topic, arrived, close)

    def stop(self) -> None:
        self.sns.close()
        self.sqs.close()
        self._server.stop()


@pytest.fixture(scope="module")
def keys() -> Iterator[None]:
    """Keys of nobody, and nothing of this machine's own AWS configuration."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("AWS_"):
                patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIANOBODYNOBODYNOBO")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope="module")
def emulation(keys: None) -> Iterator[Emulation]:
    made = Emulation()
    yield made
    made.stop()


@pytest.fixture(params=["fake", "emulated"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = fake_world() if request.param == "fake" else request.getfixturevalue("emulation").world()
    yield made
    made.close()


def test_a_message_arrives_with_its_subject_and_attributes(world: World) -> None:
    attributes = {"level": "error", "cluster": "shop"}
    number = asyncio.run(world.topics.publish(world.topic, "subject", "text\nテキスト", attributes, 30_000))
    assert number
    assert world.arrived() == [("subject", "text\nテキスト", attributes)]


def test_a_topic_that_does_not_exist_refuses(world: World) -> None:
    with pytest.raises(CloudError) as refused:
        asyncio.run(world.topics.publish(GONE, "s", "t", {"level": "info"}, 30_000))
    assert (refused.value.fault, refused.value.code) == (CloudFault.REFUSED, "NotFound")


@pytest.fixture(params=["fake", "real"])
def troubled(request: pytest.FixtureRequest, keys: None) -> Iterator[Callable[[str], Topics]]:
    """Topics behind an API that hangs, drops the connection, or is not there."""

    def fake(kind: str) -> Topics:
        return FakeTopics(error={"hang": no_answer(), "drop": connection_lost(), "absent": unreachable()}[kind])

    with ExitStack() as stack:

        def real(kind: str) -> Topics:
            if kind == "absent":
                url = stack.enter_context(nobody_listens())
            else:
                url = stack.enter_context(ApiServer(hang if kind == "hang" else drop)).url
            topics = stack.enter_context(closing(SnsTopics(url)))
            topics._client(REGION)  # the time to make it belongs to no test
            return topics

        yield fake if request.param == "fake" else real


@pytest.mark.parametrize(
    ("kind", "fault"),
    [("hang", CloudFault.NO_ANSWER), ("drop", CloudFault.NO_ANSWER), ("absent", CloudFault.UNREACHABLE)],
)
def test_what_is_not_known_is_not_called_a_failure(
    troubled: Callable[[str], Topics], kind: str, fault: CloudFault
) -> None:
    topic = f"arn:aws:sns:{REGION}:123456789012:alerts"
    with pytest.raises(CloudError) as trouble:
        asyncio.run(troubled(kind).publish(topic, "s", "t", {"level": "info"}, 1_500))
    assert trouble.value.fault is fault

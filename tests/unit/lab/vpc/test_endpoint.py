"""The HTTPS endpoint as a boto3 client sees it: open connections, faults, IAM, other services."""

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from komainu_lab.vpc.authority import issue
from komainu_lab.vpc.calls import CallLog
from komainu_lab.vpc.dispatch import Dispatcher, install_door
from komainu_lab.vpc.endpoint import Endpoint, server_context
from komainu_lab.vpc.faults import Plan

pytestmark = pytest.mark.sockets
REGION = "ap-northeast-1"
KEY = "AKIA0000000000000000"


class Served:
    """An endpoint on the loopback device."""

    def __init__(self, directory: Path) -> None:
        files = issue(directory, REGION, "123456789012")
        self.authority = str(files.authority)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.plan = Plan(lambda: None)
        self.log = CallLog()
        self.dispatcher = Dispatcher()
        self.endpoint = Endpoint(
            self.listener,
            server_context(str(files.certificate), str(files.key)),
            self.dispatcher,
            self.plan,
            self.log,
            lambda key: "node1" if key == KEY else "",
        )
        self.endpoint.start()

    def client(self, service: str = "ec2", **config: Any) -> Any:
        settings = {"connect_timeout": 5, "read_timeout": 5, "retries": {"total_max_attempts": 1, "mode": "standard"}}
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=f"https://localhost:{self.port}",
            verify=self.authority,
            aws_access_key_id=KEY,
            aws_secret_access_key="secret",
            config=Config(**{**settings, **config}),
        )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIA1111111111111111")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        served = Served(tmp_path_factory.mktemp("endpoint"))
        yield served
        served.endpoint.stop()


@pytest.fixture(autouse=True)
def _healed(served: Served) -> Iterator[None]:
    yield
    served.plan.heal()


@pytest.fixture
def vpc(served: Served) -> str:
    return str(served.client().create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])


def cidr_count(client: Any, vpc: str) -> int:
    found = client.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlockAssociationSet"]
    return sum(1 for one in found if one["CidrBlockState"]["State"] == "associated")


def test_a_client_keeps_one_connection(served: Served) -> None:
    client = served.client()
    client.describe_vpcs()
    before = served.endpoint.opened
    for _ in range(5):
        client.describe_vpcs()
    assert served.endpoint.opened == before


def test_calls_are_logged_with_their_caller_and_subject(served: Served, vpc: str) -> None:
    mark = served.log.last
    served.client().describe_vpcs(VpcIds=[vpc])
    with pytest.raises(ClientError):
        served.client().delete_subnet(SubnetId="subnet-none")
    with pytest.raises(ClientError):
        served.client().describe_vpcs(DryRun=True)
    first, second, third = served.log.after(mark)
    assert (first["service"], first["action"], first["source"], first["status"]) == (
        "ec2",
        "DescribeVpcs",
        "node1",
        200,
    )
    assert first["received_ns"] < first["applied_ns"] < first["answered_ns"]
    assert (second["details"], second["status"]) == ({"SubnetId": "subnet-none"}, 400)
    assert (third["action"], third["details"], third["status"]) == ("DryRun:DescribeVpcs", {"DryRun": "true"}, 412)


def test_errors_keep_their_code(served: Served) -> None:
    with pytest.raises(ClientError) as raised:
        served.client().describe_vpcs(VpcIds=["vpc-none"])
    assert raised.value.response["Error"]["Code"] == "InvalidVpcID.NotFound"


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("throttle", "RequestLimitExceeded", 503),
        ("error", "InternalError", 500),
        ("denied", "UnauthorizedOperation", 403),
        ("expired", "RequestExpired", 400),
        ("skewed", "RequestExpired", 400),
        ("gone", "InvalidNetworkInterfaceID.NotFound", 400),
    ],
)
def test_refusals_carry_nothing_out(served: Served, vpc: str, kind: str, code: str, status: int) -> None:
    served.plan.add(kind, actions=("AssociateVpcCidrBlock",))
    client = served.client()
    with pytest.raises(ClientError) as raised:
        client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.1.0.0/16")
    assert raised.value.response["Error"]["Code"] == code
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert cidr_count(client, vpc) == 1


def test_who_follows_the_clock_of_the_api_is_heard(served: Served, vpc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    served.plan.add("skewed")
    client = served.client()
    with pytest.raises(ClientError) as raised:
        client.describe_vpcs(VpcIds=[vpc])
    told = parsedate_to_datetime(raised.value.response["ResponseMetadata"]["HTTPHeaders"]["date"])
    assert told - datetime.now(UTC) > timedelta(minutes=15)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: told.replace(tzinfo=None))
    assert cidr_count(client, vpc) == 1


@pytest.mark.parametrize(("kind", "carried_out"), [("reset", 1), ("lost", 2)])
def test_a_connection_that_is_reset(served: Served, vpc: str, kind: str, carried_out: int) -> None:
    served.plan.add(kind, times=1)
    client = served.client()
    with pytest.raises(BotoCoreError) as raised:
        client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.1.0.0/16")
    assert type(raised.value).__name__ == "ConnectionClosedError"
    assert cidr_count(client, vpc) == carried_out


def test_a_stale_answer_is_the_one_of_before_and_a_change_is_made(served: Served, vpc: str) -> None:
    client = served.client()
    assert cidr_count(client, vpc) == 1
    fault = served.plan.add("stale")
    client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.1.0.0/16")
    assert cidr_count(client, vpc) == 1
    served.plan.heal(fault.id)
    assert cidr_count(client, vpc) == 2


@pytest.mark.parametrize(("kind", "carried_out"), [("hang", 1), ("mute", 2)])
def test_a_call_without_an_answer(served: Served, vpc: str, kind: str, carried_out: int) -> None:
    served.plan.add(kind, actions=("AssociateVpcCidrBlock",))
    client = served.client(read_timeout=0.5)
    with pytest.raises(BotoCoreError) as raised:
        client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.1.0.0/16")
    assert type(raised.value).__name__ == "ReadTimeoutError"
    assert cidr_count(client, vpc) == carried_out


def test_a_late_answer(served: Served) -> None:
    served.plan.add("delay", delay_ms=300, times=1)
    client = served.client()
    begun = time.monotonic()
    client.describe_vpcs()
    assert time.monotonic() - begun >= 0.3


def test_a_fault_is_for_its_callers_alone(served: Served) -> None:
    served.plan.add("error", sources=("node2",))
    served.client().describe_vpcs()
    served.plan.add("error", sources=("node1",))
    with pytest.raises(ClientError):
        served.client().describe_vpcs()


def test_a_stalled_handshake_keeps_nobody_out(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port)):
        served.client().describe_vpcs()


@pytest.mark.parametrize("data", [b"nonsense\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"])
def test_what_is_not_http_ends_the_connection(served: Served, data: bytes) -> None:
    context = ssl.create_default_context(cafile=served.authority)
    with (
        socket.create_connection(("127.0.0.1", served.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(data)
        assert secure.recv(100) == b""
    served.client().describe_vpcs()


def test_many_callers_at_once(served: Served, vpc: str) -> None:
    failures: list[BaseException] = []

    def call() -> None:
        try:
            client = served.client()
            for _ in range(5):
                client.describe_vpcs(VpcIds=[vpc])
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_s3_conditional_writes(served: Served) -> None:
    s3 = served.client("s3", s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="lease", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="lease", Key="holder", Body=b"node1", IfNoneMatch="*")
    with pytest.raises(ClientError) as raised:
        s3.put_object(Bucket="lease", Key="holder", Body=b"node2", IfNoneMatch="*")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert s3.get_object(Bucket="lease", Key="holder")["Body"].read() == b"node1"
    assert s3.head_object(Bucket="lease", Key="holder")["ContentLength"] == 5


def test_dynamodb_conditional_writes(served: Served) -> None:
    dynamodb = served.client("dynamodb")
    dynamodb.create_table(
        TableName="lease",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def put(holder: str) -> None:
        item = {"k": {"S": "lease"}, "holder": {"S": holder}}
        dynamodb.put_item(TableName="lease", Item=item, ConditionExpression="attribute_not_exists(k)")

    put("node1")
    with pytest.raises(ClientError) as raised:
        put("node2")
    assert raised.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    served.plan.add("throttle", actions=("PutItem",))
    with pytest.raises(ClientError) as raised:
        put("node3")
    assert raised.value.response["Error"]["Code"] == "RequestLimitExceeded"


def test_the_operators_door_meets_no_fault(served: Served, vpc: str) -> None:
    served.plan.add("error")
    mark = served.log.last
    operator = install_door(boto3.client("ec2", region_name=REGION), served.dispatcher)
    assert operator.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["VpcId"] == vpc
    assert served.log.after(mark) == []


def test_a_defect_of_the_emulator_is_an_internal_error(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ClientError) as raised:
        served.client().describe_vpc_block_public_access_options()
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "NotImplementedError" in caplog.text


def test_stop_ends_what_hangs(tmp_path: Path) -> None:
    served = Served(tmp_path)
    served.plan.add("hang")
    outcome: list[str] = []

    def call() -> None:
        try:
            served.client(read_timeout=60).describe_vpcs()
        except BotoCoreError as error:
            outcome.append(type(error).__name__)

    mark = served.log.last
    thread = threading.Thread(target=call)
    thread.start()
    _until(lambda: served.log.last > mark)
    served.endpoint.stop()
    thread.join(10)
    assert outcome == ["ConnectionClosedError"]
    assert served.listener.fileno() == -1


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        os.sched_yield()

"""The port VoteStore: one suite for S3, DynamoDB, a witness with real TLS, and the store of the simulator.

Two nodes ask the same store, each by itself, as in a cluster.
"""

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import pytest
from moto.server import ThreadedMotoServer

from komainu.adapters.aws.buckets import S3Buckets
from komainu.adapters.aws.tables import DynamoTables
from komainu.adapters.net.https import HttpsClient
from komainu.arbitration import lease_cloud, lease_dynamodb, lease_http, lease_proof, lease_s3
from komainu.model.message import Message, Said
from komainu.model.vote import Owner, Record, record
from komainu.ports import Held, LeaseHost, StoreSilent, VoteStore
from komainu_lab.sim.clock import Clock
from komainu_lab.sim.store import Store
from komainu_lab.vpc import corrections
from komainu_lab.vpc.conditional_writes import one_write_at_a_time
from tests.doubles.api_server import ApiServer, Behaviour, drop, hang, nobody_listens, page, through
from tests.doubles.witness import WitnessHouse, token_file

REGION = "ap-northeast-1"
LONG_MS, SHORT_MS = 30_000, 1_000
_NUMBERS = itertools.count()


@dataclass
class World:
    """One store and two nodes that ask it."""

    one: VoteStore
    two: VoteStore
    of_cluster: Callable[[str], VoteStore]
    "As the nodes of another cluster ask it."
    behaving: "Callable[[str], tuple[VoteStore, ApiServer | None]] | None" = None
    "The first node's way to it, when something is wrong there; None: the simulator does wrong by itself."


# --- the worlds


class Simulated:
    """The simulator's store as a VoteStore; what it does wrong is the simulator's affair."""

    def __init__(self, stores: dict[str, Store], cluster: str) -> None:
        self._stores = stores
        self._cluster = cluster

    def _store(self, beside: str = "") -> Store:
        return self._stores.setdefault(self._cluster + beside, Store(Clock(), Random(1)))

    async def read(self, timeout_ms: int) -> Held | None:
        return self._store().read("a")

    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        return self._store().replace("a", version, text)

    async def create(self, text: str, timeout_ms: int) -> str | None:
        store = self._store()
        if store.read("a") is not None:
            return None
        store._put("a", text)
        return str(store.version)

    async def examine(self, timeout_ms: int) -> tuple[Said, ...]:
        return await lease_proof.prove(Simulated(self._stores, f"{self._cluster}.probe"), "simulated", timeout_ms)


def simulated_world() -> World:
    stores: dict[str, Store] = {}
    return World(Simulated(stores, "shop"), Simulated(stores, "shop"), lambda name: Simulated(stores, name))


class Emulation:
    """One emulated AWS for the whole module."""

    def __init__(self) -> None:
        self._applied = corrections.apply((one_write_at_a_time,))
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self.s3 = boto3.client("s3", region_name=REGION, endpoint_url=self.url)
        self.dynamodb = boto3.client("dynamodb", region_name=REGION, endpoint_url=self.url)

    def stop(self) -> None:
        self.s3.close()
        self.dynamodb.close()
        self._server.stop()
        self._applied.withdraw()

    def bucket(self) -> str:
        name = f"votes-{next(_NUMBERS)}"
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name

    def table(self) -> str:
        name = f"votes-{next(_NUMBERS)}"
        self.dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return name


def host(stack: ExitStack, cluster: str = "shop", url: str | None = None) -> LeaseHost:
    """What a store sees of its node: adapters of its own, as every node has."""
    adapters = (S3Buckets(url), DynamoTables(url), HttpsClient())
    for adapter in adapters:
        stack.enter_context(closing(adapter))
    return LeaseHost("n1", cluster, REGION, *adapters)


COMMON: dict[str, Behaviour] = {
    "hang": hang,
    "drop": drop,
    "gateway": page(502),
    "portal": page(200),
}


def aws_world(stack: ExitStack, emulation: Emulation, kind: str) -> World:
    bucket, table = emulation.bucket(), emulation.table()

    def store(cluster: str, url: str, missing: bool = False) -> VoteStore:
        mine = host(stack, cluster, url)
        if kind == "S3":
            params = lease_s3.Params(bucket="no-such-bucket" if missing else bucket)
            return warmed(lease_s3.LEASE_S3.make(params, mine), mine.buckets)
        of_table = lease_dynamodb.Params(table="no-such-table" if missing else table)
        return warmed(lease_dynamodb.LEASE_DYNAMODB.make(of_table, mine), mine.tables)

    def behaving(wrong: str) -> tuple[VoteStore, ApiServer | None]:
        if wrong == "missing":
            return store("shop", emulation.url, missing=True), None
        if wrong == "absent":
            return store("shop", stack.enter_context(nobody_listens())), None
        answers = {**COMMON, "answer lost": through(emulation.url, then=drop)}
        answers |= errors[kind]
        server = stack.enter_context(ApiServer(answers[wrong]))
        return store("shop", server.url), server

    errors = {
        "S3": {
            "denied": s3_error(403, "AccessDenied"),
            "expired": s3_error(400, "ExpiredToken"),
            "server failed": s3_error(500, "InternalError"),
            "busy": s3_error(503, "SlowDown"),
        },
        "DynamoDB": {
            "denied": dynamodb_error(400, "AccessDeniedException"),
            "expired": dynamodb_error(400, "ExpiredTokenException"),
            "server failed": dynamodb_error(500, "InternalServerError"),
            "busy": dynamodb_error(400, "ProvisionedThroughputExceededException"),
        },
    }
    return World(
        store("shop", emulation.url),
        store("shop", emulation.url),
        lambda name: store(name, emulation.url),
        behaving,
    )


def warmed(store: VoteStore, adapter: Any) -> VoteStore:
    """The time to make the SDK's client belongs to no test."""
    for seconds in (SHORT_MS // 1000, LONG_MS // 1000):
        adapter._once._client(REGION, seconds)
    return store


def s3_error(status: int, code: str) -> Behaviour:
    return lambda request: request.answer(status, f"<Error><Code>{code}</Code><Message>told so</Message></Error>")


def dynamodb_error(status: int, code: str) -> Behaviour:
    return lambda request: request.answer(status, f'{{"__type": "com.amazon.coral#{code}", "message": "told so"}}')


def witness_world(stack: ExitStack, folder: Path) -> World:
    house = stack.enter_context(WitnessHouse(folder))

    def store(cluster: str, url: str, token: str = house.token_file) -> VoteStore:
        params = lease_http.Params(url=url, token_file=token, ca_file=str(house.certificates.authority))
        return lease_http.LEASE_HTTP.make(params, host(stack, cluster))

    def behaving(wrong: str) -> tuple[VoteStore, ApiServer | None]:
        if wrong == "absent":
            url = stack.enter_context(nobody_listens()).replace("http://127.0.0.1", "https://localhost")
            return store("shop", url), None
        if wrong == "denied":
            return store("shop", house.url, token_file(folder, "another-token-than-that", "wrong")), None
        answers = {**COMMON, "answer lost": house.behind(), "server failed": page(500), "busy": page(503)}
        server = stack.enter_context(ApiServer(answers[wrong], tls=house.server_context()))
        return store("shop", server.url.replace("127.0.0.1", "localhost")), server

    return World(store("shop", house.url), store("shop", house.url), lambda name: store(name, house.url), behaving)


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
        loader = botocore.loaders.create_loader()  # the SDK's description of a service is read only once
        patch.setattr(botocore.session, "create_loader", lambda path: loader)
        yield


@pytest.fixture(scope="module")
def emulation(keys: None) -> Iterator[Emulation]:
    made = Emulation()
    yield made
    made.stop()


def made(kind: str, request: pytest.FixtureRequest, stack: ExitStack, folder: Path) -> World:
    if kind == "simulated":
        return simulated_world()
    if kind == "witness":
        return witness_world(stack, folder)
    return aws_world(stack, request.getfixturevalue("emulation"), kind)


@pytest.fixture(params=["simulated", "S3", "DynamoDB", "witness"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield made(request.param, request, stack, tmp_path)


@pytest.fixture(params=["S3", "DynamoDB", "witness"])
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield made(request.param, request, stack, tmp_path)


@pytest.fixture(params=["S3", "DynamoDB"])
def aws(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield made(request.param, request, stack, tmp_path)


# --- what is kept


def text(nonce: str, epoch: int = 1, node: str = "n1") -> str:
    owner = Owner(node=node, incarnation=f"{node}-life")
    return Record(
        cluster="shop", config=1, epoch=epoch, owner=owner, mode="alone", current={"md1": ("n1",)}, wait_ms=6_000,
        nonce=nonce,
    ).text()  # fmt: skip


def read(store: VoteStore) -> Held | None:
    return asyncio.run(store.read(LONG_MS))


def replace(store: VoteStore, version: str, content: str) -> str | None:
    return asyncio.run(store.replace(version, content, LONG_MS))


def create(store: VoteStore, content: str) -> str | None:
    return asyncio.run(store.create(content, LONG_MS))


def created(store: VoteStore, content: str) -> str:
    version = create(store, content)
    assert version is not None
    return version


# --- the suite


def test_where_nothing_is_there_is_surely_nothing(world: World) -> None:
    assert read(world.one) is None
    assert replace(world.one, "a-version", text("a")) is None
    assert read(world.two) is None


def test_a_record_is_created_once_and_seen_by_the_other(world: World) -> None:
    version = created(world.one, text("a"))
    assert read(world.two) == Held(version, text("a"))
    assert create(world.two, text("b")) is None
    assert create(world.one, text("a")) is None
    assert read(world.one) == Held(version, text("a"))


def test_a_record_comes_back_as_it_was_written(world: World) -> None:
    content = text("ノード…\"'\\")
    created(world.one, content)
    held = read(world.two)
    assert held is not None
    assert held.text == content
    assert record(held.text).nonce == "ノード…\"'\\"


def test_only_the_present_version_is_replaced(world: World) -> None:
    first = created(world.one, text("a"))
    second = replace(world.two, first, text("b", 2, "n2"))
    assert second is not None
    assert second != first
    assert read(world.one) == Held(second, text("b", 2, "n2"))

    assert replace(world.one, first, text("c", 2)) is None
    assert replace(world.one, "never-heard-of", text("c", 2)) is None
    assert read(world.two) == Held(second, text("b", 2, "n2"))

    third = replace(world.one, second, text("c", 3))
    assert third is not None
    assert third not in (first, second)
    assert read(world.two) == Held(third, text("c", 3))


def test_of_many_writers_under_one_version_one_wins(world: World) -> None:
    version = created(world.one, text("begin"))
    for turn in range(5):
        with ThreadPoolExecutor(4) as threads:
            stores = (world.one, world.two, world.one, world.two)
            attempts = [
                threads.submit(replace, store, version, text(f"{turn}-{number}", turn + 2))
                for number, store in enumerate(stores)
            ]
            answers = [attempt.result() for attempt in attempts]
        won = [number for number, answer in enumerate(answers) if answer is not None]
        assert len(won) == 1
        held = read(world.one)
        assert held is not None
        assert held.text == text(f"{turn}-{won[0]}", turn + 2)
        assert held.version == answers[won[0]]
        version = held.version


def test_clusters_do_not_meet(world: World) -> None:
    version = created(world.one, text("a"))
    other = world.of_cluster("bank")
    assert read(other) is None
    created(other, text("b"))
    assert read(world.two) == Held(version, text("a"))


def test_a_good_store_is_found_good_again_and_again_and_the_record_is_left_alone(world: World) -> None:
    assert asyncio.run(world.one.examine(LONG_MS)) == ()
    assert read(world.one) is None
    version = created(world.one, text("a"))
    assert asyncio.run(world.one.examine(LONG_MS)) == ()
    assert asyncio.run(world.two.examine(LONG_MS)) == ()
    assert read(world.two) == Held(version, text("a"))


def test_two_nodes_may_examine_at_once(world: World) -> None:
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(asyncio.run, store.examine(LONG_MS)) for store in (world.one, world.two)]
        assert [each.result() for each in both] == [(), ()]


# --- what is no answer


def silence(asking: Any) -> StoreSilent:
    with pytest.raises(StoreSilent) as raised:
        asyncio.run(asking)
    assert "secret" not in f"{raised.value.said}{raised.value.detail}"
    assert "of-the-test" not in f"{raised.value.said}{raised.value.detail}"
    return raised.value


def astray(world: World, kind: str) -> tuple[VoteStore, ApiServer | None]:
    assert world.behaving is not None
    return world.behaving(kind)


def is_silent(world: World, kind: str, meant: tuple[Message, ...], sent_before: int = 0) -> None:
    """Whatever is asked, there is no answer; and it is asked once."""
    store, server = astray(world, kind)
    calls = [store.read(SHORT_MS), store.replace("v", text("a"), SHORT_MS), store.create(text("a"), SHORT_MS)]
    for number, call in enumerate(calls, 1):
        began = time.monotonic()
        assert silence(call).said.code in [message.code for message in meant]
        assert time.monotonic() - began < 20
        if server is not None:
            assert len(server.requests) == number + sent_before


NO_ANSWER = (lease_cloud.NO_ANSWER, lease_http.NO_ANSWER)


@pytest.mark.parametrize(
    ("kind", "meant"),
    [
        ("hang", NO_ANSWER),
        ("drop", NO_ANSWER),
        ("absent", (lease_cloud.UNREACHABLE, lease_http.UNREACHABLE)),
        ("denied", (lease_cloud.DENIED, lease_http.DENIED)),
        ("gateway", (*NO_ANSWER, lease_http.FOREIGN)),
        ("portal", (*NO_ANSWER, lease_http.FOREIGN)),
        ("server failed", (*NO_ANSWER, lease_http.FOREIGN)),
        ("busy", (lease_cloud.BUSY, lease_http.FOREIGN)),
    ],
)
def test_what_is_no_answer_is_neither_nothing_nor_a_refusal(real: World, kind: str, meant: tuple[Message, ...]) -> None:
    is_silent(real, kind, meant)


@pytest.mark.parametrize(("kind", "meant"), [("expired", lease_cloud.CREDENTIALS), ("missing", lease_cloud.MISSING)])
def test_what_is_missing_is_said(aws: World, kind: str, meant: Message) -> None:
    # Keys that have ended are read afresh, and what they were refused for is asked again: once, as they are the same.
    is_silent(aws, kind, (meant,), sent_before=1 if kind == "expired" else 0)


def test_a_write_whose_answer_was_lost_was_made_and_is_read_back(real: World) -> None:
    version = created(real.one, text("a"))
    store, server = astray(real, "answer lost")
    silence(store.replace(version, text("b", 2), LONG_MS))
    assert server is not None
    assert len(server.requests) == 1
    held = read(real.two)
    assert held is not None
    assert held.text == text("b", 2)
    assert held.version != version
    # The same once more is refused, though the first one was successful: only its nonce tells.
    assert replace(real.one, version, text("b", 2)) is None

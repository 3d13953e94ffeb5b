"""Neighbours of the third vote in memory: S3, DynamoDB and an HTTPS server that answer, fail, or cheat as told."""

import itertools
from dataclasses import dataclass, field

from komainu.ports import (
    CloudError,
    CloudFault,
    Held,
    Https,
    HttpsAnswer,
    HttpsError,
    HttpsRequest,
    LeaseHost,
    TableFacts,
)


def cloud_error(code: str, fault: CloudFault = CloudFault.REFUSED) -> CloudError:
    return CloudError(fault, code, f"text of {code}")


@dataclass
class FakeBuckets:
    """Objects by bucket and key."""

    objects: dict[tuple[str, str], Held] = field(default_factory=dict)
    asked: list[tuple[str, str | None, str]] = field(default_factory=list)
    "Method, region and key of every call."
    error: CloudError | None = None
    "What every read and write ends with."
    prefixes: tuple[str, ...] | CloudError = ()
    replicas: bool | CloudError = False
    ignores_conditions: bool = False
    warmed: list[tuple[str | None, int]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def warm(self, region: str | None, timeout_ms: int) -> None:
        self.warmed.append((region, timeout_ms))

    async def get(self, region: str | None, bucket: str, key: str, timeout_ms: int) -> Held:
        self.asked.append(("get", region, f"{bucket}/{key}"))
        if self.error is not None:
            raise self.error
        if (bucket, key) not in self.objects:
            raise cloud_error("NoSuchKey")
        return self.objects[bucket, key]

    async def put(
        self, region: str | None, bucket: str, key: str, text: str, version: str | None, timeout_ms: int
    ) -> str:
        self.asked.append(("put", region, f"{bucket}/{key}"))
        if self.error is not None:
            raise self.error
        held = self.objects.get((bucket, key))
        if not self.ignores_conditions:
            if version is not None and held is None:
                raise cloud_error("NoSuchKey")
            if version != (held.version if held is not None else None):
                raise cloud_error("PreconditionFailed")
        self.objects[bucket, key] = Held(f'"{next(self._numbers)}"', text)
        return self.objects[bucket, key].version

    async def expiring(self, region: str | None, bucket: str, timeout_ms: int) -> tuple[str, ...]:
        if isinstance(self.prefixes, CloudError):
            raise self.prefixes
        return self.prefixes

    async def replicated(self, region: str | None, bucket: str, timeout_ms: int) -> bool:
        if isinstance(self.replicas, CloudError):
            raise self.replicas
        return self.replicas


@dataclass
class FakeTables:
    """Items by table and key."""

    items: dict[tuple[str, tuple[str, str]], Held] = field(default_factory=dict)
    asked: list[tuple[str, str | None, str]] = field(default_factory=list)
    error: CloudError | None = None
    warmed: list[tuple[str | None, int]] = field(default_factory=list)
    known: TableFacts | CloudError = field(default_factory=lambda: TableFacts(True, (("id", "S"),), ()))
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def warm(self, region: str | None, timeout_ms: int) -> None:
        self.warmed.append((region, timeout_ms))

    async def get(self, region: str | None, table: str, key: tuple[str, str], timeout_ms: int) -> Held | None:
        self.asked.append(("get", region, f"{table}/{key[0]}={key[1]}"))
        if self.error is not None:
            raise self.error
        return self.items.get((table, key))

    async def put(
        self, region: str | None, table: str, key: tuple[str, str], text: str, version: str | None, timeout_ms: int
    ) -> str:
        self.asked.append(("put", region, f"{table}/{key[0]}={key[1]}"))
        if self.error is not None:
            raise self.error
        held = self.items.get((table, key))
        if version != (held.version if held is not None else None):
            raise cloud_error("ConditionalCheckFailedException")
        self.items[table, key] = Held(str(next(self._numbers)), text)
        return self.items[table, key].version

    async def facts(self, region: str | None, table: str, timeout_ms: int) -> TableFacts:
        if isinstance(self.known, CloudError):
            raise self.known
        return self.known


@dataclass
class FakeHttps:
    """Answers in order; the last one stays."""

    answers: list[HttpsAnswer | HttpsError] = field(default_factory=list)
    requests: list[HttpsRequest] = field(default_factory=list)

    async def ask(self, request: HttpsRequest, timeout_ms: int) -> HttpsAnswer:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, HttpsError):
            raise answer
        return answer


def host(
    buckets: FakeBuckets | None = None,
    tables: FakeTables | None = None,
    https: Https | None = None,
    region: str | None = "ap-northeast-1",
) -> LeaseHost:
    """What a store sees on node n1 of cluster shop."""
    return LeaseHost("n1", "shop", region, buckets or FakeBuckets(), tables or FakeTables(), https or FakeHttps())

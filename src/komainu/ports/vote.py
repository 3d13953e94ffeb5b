"""The store of the third vote (N3): one small text, read strongly consistent and changed by compare-and-swap.

Nobody may take an answer that is not a clear success for a failure: the write may have been made, also when a repeated
request was refused because the first one had succeeded. Whoever asks reads back, and knows its own nonce.

`VoteStore` is what the agent uses. A `LeaseType` declares a kind of store; it makes one from its parameters and from
the narrow ports of its `LeaseHost`: S3, DynamoDB, HTTPS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel

from komainu.model.message import Message, Said


class StoreSilent(Exception):
    """There was no answer that can be used: unreachable, too late, throttled, denied. A write may have been made."""

    def __init__(self, said: Said, detail: str = "") -> None:
        super().__init__(said.en)
        self.said = said
        "What happened, for the administrator."
        self.detail = detail
        "The technical reason."


@dataclass(frozen=True, slots=True)
class Held:
    """What the store held at one moment."""

    version: str
    "Differs after every write of another text; whoever writes puts a fresh nonce into each."
    text: str


class VoteStore(Protocol):
    """One store, as a node reaches it. One request per call, no retry within; every method raises StoreSilent."""

    async def read(self, timeout_ms: int) -> Held | None:
        """What is there now (strongly consistent), or None when there surely is nothing."""

    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        """Write the text if the version is still that one. The new version when that surely succeeded.

        None: the store refused, because the version is another one or was another one at a second look.
        """

    async def create(self, text: str, timeout_ms: int) -> str | None:
        """Write the text if nothing is there; answers like `replace`. For `komainu lease init` alone."""

    async def examine(self, timeout_ms: int) -> tuple[Said, ...]:
        """Prove on a scratch object beside the record that the store keeps its conditions; what is wrong, all of it.

        A wrong version has to be refused, a repeated creation too, and a read has to see the last write. Sends a few
        requests, each with that timeout. Several nodes may do it at once.
        """


class Buckets(Protocol):
    """The part of Amazon S3 that a vote uses. One request per call, never sent again; raises CloudError.

    `region` None: the one of this node's credentials.
    """

    def warm(self, region: str | None, timeout_ms: int) -> None:
        """Get ready for calls with that timeout, in the background; nothing is sent, and nothing raised."""

    async def get(self, region: str | None, bucket: str, key: str, timeout_ms: int) -> Held:
        """The object, its ETag as the version."""

    async def put(
        self, region: str | None, bucket: str, key: str, text: str, version: str | None, timeout_ms: int
    ) -> str:
        """Write the object if it has that version, with None if there is none; its new ETag."""

    async def expiring(self, region: str | None, bucket: str, timeout_ms: int) -> tuple[str, ...]:
        """The prefixes of the keys that the bucket's lifecycle deletes after some time."""

    async def replicated(self, region: str | None, bucket: str, timeout_ms: int) -> bool:
        """Does the bucket copy its objects to another one?"""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What DynamoDB says of a table."""

    active: bool
    keys: tuple[tuple[str, str], ...]
    "Attribute and type (`S`, `N`, `B`) of the partition key, then of the sort key if there is one."
    regions: tuple[str, ...]
    "Of a global table: where its replicas are."


class Tables(Protocol):
    """The part of Amazon DynamoDB that a vote uses. One request per call, never sent again; raises CloudError.

    An item is named by the attribute that is the partition key, and its value; it has `version` and `text`.
    """

    def warm(self, region: str | None, timeout_ms: int) -> None:
        """Get ready for calls with that timeout, in the background; nothing is sent, and nothing raised."""

    async def get(self, region: str | None, table: str, key: tuple[str, str], timeout_ms: int) -> Held | None:
        """The item, read strongly consistent; None when there is none."""

    async def put(
        self, region: str | None, table: str, key: tuple[str, str], text: str, version: str | None, timeout_ms: int
    ) -> str:
        """Write the item if it has that version, with None if there is none; its new version, never used before."""

    async def facts(self, region: str | None, table: str, timeout_ms: int) -> TableFacts:
        """What kind of table it is."""


class HttpsFault(StrEnum):
    """Why there is no answer of an HTTPS server."""

    UNREACHABLE = "unreachable"
    "No connection: the request surely was not sent."
    NO_TLS = "no TLS"
    "No secure connection: the server is not one that is trusted, or the handshake failed."
    NO_ANSWER = "no answer"
    "It may have been carried out."
    NO_TOKEN = "no token"
    "The file with the token cannot be used: nothing was sent."


class HttpsError(Exception):
    """There is no answer."""

    def __init__(self, fault: HttpsFault, text: str) -> None:
        """`text` is the technical reason; it holds no secret."""
        super().__init__(text)
        self.fault = fault
        self.text = text


@dataclass(frozen=True, slots=True)
class HttpsRequest:
    """One request."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    ca_file: str | None
    "The certificates to trust; None: those of the system."
    token_file: str
    "A file with the secret that is sent as `Authorization: Bearer`; read anew for each request."


@dataclass(frozen=True, slots=True)
class HttpsAnswer:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    "Names in lower case."
    body: str


class Https(Protocol):
    """Requests to a server of ours. Sent once, directly (no proxy), redirections not followed; raises HttpsError."""

    async def ask(self, request: HttpsRequest, timeout_ms: int) -> HttpsAnswer:
        """One request, one answer."""


@dataclass(frozen=True, slots=True)
class LeaseHost:
    """What a store sees of its node."""

    node: str
    cluster: str
    region: str | None
    "The region in `cluster.aws`; None: none is given there."
    buckets: Buckets
    tables: Tables
    https: Https


def _nothing_to_prepare(params: Any, host: LeaseHost, timeout_ms: int) -> None:
    """The preparation of a type that needs none."""


def _nothing_to_say(params: Mapping[str, Any]) -> tuple[Said, ...]:
    """The advice of a type that has none."""
    return ()


@dataclass(frozen=True, slots=True)
class LeaseType:
    """The declaration of a kind of store for the third vote. One per file in komainu.arbitration."""

    name: str
    "As in the configuration: `lease_s3`."
    title: Message
    description: Message
    params: type[BaseModel]
    "As in ResourceType. They are the same on every node: two stores would be two votes."
    messages: tuple[Message, ...]
    make: Callable[[Any, LeaseHost], VoteStore]
    "Called with the validated parameters. Opens nothing yet."
    advise: Callable[[Mapping[str, Any]], tuple[Said, ...]] = _nothing_to_say
    "As in ResourceType; there is one set of parameters, under the empty name."
    warm: Callable[[Any, LeaseHost, int], None] = _nothing_to_prepare
    (
        "Called with the parameters and the usual timeout when the store is opened: what the first call needs is made "
        "ready in the background, for that call belongs to a takeover. Nothing is sent to the store."
    )

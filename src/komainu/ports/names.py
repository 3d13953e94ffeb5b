"""Records in the Domain Name System, as a service keeps them."""

from dataclasses import dataclass
from typing import Literal, Protocol

RecordType = Literal["A", "AAAA", "CNAME"]


@dataclass(frozen=True, slots=True)
class NameRecord:
    """A record set of a hosted zone."""

    name: str
    "Fully qualified, without the last dot."
    type: RecordType
    values: tuple[str, ...]
    ttl_s: int


class NameService(Protocol):
    """Route 53, as far as Komainu uses it (E3). Every method raises CloudError; `timeout_ms` bounds the whole call."""

    async def record(self, zone: str, name: str, type_: RecordType, timeout_ms: int) -> NameRecord | None:
        """The record set of that name in the hosted zone (its id); None when there is none."""

    async def put(self, zone: str, record: NameRecord, timeout_ms: int) -> str:
        """Make or replace the record set; the id of the change."""

    async def remove(self, zone: str, record: NameRecord, timeout_ms: int) -> str:
        """Delete exactly that record set; the id of the change. Refused when it is not as given."""

    async def in_sync(self, change: str, timeout_ms: int) -> bool:
        """True once all name servers answer by that change."""

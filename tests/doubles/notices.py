"""Alerts to be sent, and a host that sends nothing by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from komainu.ports import Alert, CloudError, CloudFault, Notice, NotifierHost

LOST = Alert(
    "c0ffee-1",
    "2026-11-22T07:00:00.123Z",
    "",
    "core",
    "KM7101",
    "error",
    "Node n1 is lost.",
    "ノード n1 と通信できません。",
    "",
)
FULL = Alert(
    "n2:x-4",
    "2026-11-22T07:00:01.000Z",
    "n2",
    "agent",
    "KM5301",
    "warning",
    "The journal cannot be written.",
    "ジャーナルに書き込めません。",
    "No space left on device\nreally",
)


def notice(*alerts: Alert, **changes: Any) -> Notice:
    """A notice of node n2."""
    values: dict[str, Any] = {"cluster": "shop", "sender": "n2", "language": "en", "alerts": alerts or (LOST,)}
    return Notice(**{**values, **changes})


@dataclass
class FakeTopics:
    """`komainu.ports.Topics` that remembers, or fails as told."""

    published: list[tuple[str, str, str, Mapping[str, str]]] = field(default_factory=list)
    error: CloudError | None = None
    known: tuple[str, ...] | None = None
    "The topics there are; None: any."

    async def publish(self, topic: str, subject: str, text: str, attributes: Mapping[str, str], timeout_ms: int) -> str:
        if self.error is not None:
            raise self.error
        if self.known is not None and topic not in self.known:
            raise CloudError(CloudFault.REFUSED, "NotFound", "Topic does not exist")
        self.published.append((topic, subject, text, attributes))
        return str(len(self.published))


def host(topics: FakeTopics | None = None, name: str = "ops") -> NotifierHost:
    """What a notification sees of node n2."""
    return NotifierHost("n2", "shop", name, topics or FakeTopics())

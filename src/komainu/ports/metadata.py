"""What the cloud tells a machine of itself, from within."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from komainu.ports.cloud import CloudError


class AnnouncementKind(StrEnum):
    """What the cloud announces."""

    MAINTENANCE = "maintenance"
    "A scheduled event: reboot, stop, retirement."
    SPOT = "spot"
    "A spot instance is interrupted: stopped, terminated or hibernated."
    REBALANCE = "rebalance"
    "A spot instance may well be interrupted soon."
    LIFECYCLE = "lifecycle"
    "The Auto Scaling group is going to terminate it, or to stop or hibernate it in its warm pool."


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something that is going to happen to this machine."""

    kind: AnnouncementKind
    id: str
    "Of the event; a text that stays the same for as long as it is the same one."
    what: str
    "The word of the cloud: `instance-stop`, `system-reboot`, `terminate`..."
    at: str
    "When, as the cloud writes it; empty when it does not say."


Announced = Mapping[AnnouncementKind, tuple[Announcement, ...] | CloudError]
"""By kind, every one of them: what is announced and is not over, or why nobody can say. An empty tuple is an answer."""


class Metadata(Protocol):
    """The instance metadata service."""

    async def announced(self, timeout_ms: int) -> Announced:
        """What is announced now. `timeout_ms` bounds the whole call; what was answered by then counts."""

"""`komainu.ports.Metadata` without an instance: what is announced is written down."""

from komainu.ports import Announcement, AnnouncementKind, CloudError, Metadata

SPOT = Announcement(AnnouncementKind.SPOT, "", "terminate", "2026-11-23T10:02:00Z")
REBALANCE = Announcement(AnnouncementKind.REBALANCE, "", "rebalance", "2026-11-23T10:00:00Z")
LIFECYCLE = Announcement(AnnouncementKind.LIFECYCLE, "", "Terminated", "")
REBOOT = Announcement(
    AnnouncementKind.MAINTENANCE, "instance-event-0d59937288b749b32", "system-reboot", "21 Jan 2027 09:00:43 GMT"
)
STOP = Announcement(
    AnnouncementKind.MAINTENANCE, "instance-event-0f00000000000000f", "instance-stop", "22 Jan 2027 09:00:43 GMT"
)


class FakeMetadata:
    """Announces `now`, or raises `trouble`."""

    def __init__(self, *now: Announcement) -> None:
        self.now = now
        self.trouble: CloudError | None = None
        self.asked: list[int] = []
        "The time-outs."

    async def announced(self, timeout_ms: int) -> tuple[Announcement, ...]:
        self.asked.append(timeout_ms)
        if self.trouble is not None:
            raise self.trouble
        return self.now


_: type[Metadata] = FakeMetadata

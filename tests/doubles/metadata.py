"""`komainu.ports.Metadata` without an instance: what is announced is written down."""

from komainu.ports import Announced, Announcement, AnnouncementKind, CloudError, Metadata

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
    """Announces `now`; nobody can say anything while there is `trouble`, or of one kind with a trouble of its own."""

    def __init__(self, *now: Announcement) -> None:
        self.now = now
        self.trouble: CloudError | None = None
        self.troubles: dict[AnnouncementKind, CloudError] = {}
        self.asked: list[int] = []
        "The time-outs."
        self.clock_ms = 1_000_000
        "A clock for whoever waits for it."

    async def announced(self, timeout_ms: int) -> Announced:
        self.asked.append(timeout_ms)
        return {kind: self.trouble or self.troubles.get(kind) or self._of(kind) for kind in AnnouncementKind}

    def _of(self, kind: AnnouncementKind) -> tuple[Announcement, ...]:
        return tuple(each for each in self.now if each.kind is kind)


_: type[Metadata] = FakeMetadata

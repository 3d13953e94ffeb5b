"""One hosted zone of Route 53 in memory: `komainu.ports.NameService`."""

import asyncio

from komainu.ports import CloudError, CloudFault, NameRecord, NameService, RecordType

ZONE = "Z0ABCDEF"


class FakeNames:
    """The records of the zone ZONE; any other zone is unknown."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], NameRecord] = {}
        self.pending = 0
        "How many more looks see a change on its way."
        self.faults: list[tuple[str, CloudError | None, bool]] = []
        "Method, error (None: no answer until the deadline), and whether the change is made before: each once."
        self.log: list[str] = []

    async def record(self, zone: str, name: str, type_: RecordType, timeout_ms: int) -> NameRecord | None:
        await self._begin("record", zone, timeout_ms)
        return self.records.get((name.removesuffix(".").lower(), type_))

    async def put(self, zone: str, record: NameRecord, timeout_ms: int) -> str:
        lost = await self._begin("put", zone, timeout_ms)
        self.records[record.name, record.type] = record
        if lost is not None:
            raise lost
        return "C1"

    async def remove(self, zone: str, record: NameRecord, timeout_ms: int) -> str:
        await self._begin("remove", zone, timeout_ms)
        if self.records.get((record.name, record.type)) != record:
            raise CloudError(CloudFault.REFUSED, "InvalidChangeBatch", "the values provided do not match")
        del self.records[record.name, record.type]
        return "C2"

    async def in_sync(self, change: str, timeout_ms: int) -> bool:
        await self._begin("in_sync", ZONE, timeout_ms)
        self.pending -= 1
        return self.pending < 0

    async def _begin(self, method: str, zone: str, timeout_ms: int) -> CloudError | None:
        assert timeout_ms > 0
        self.log.append(method)
        await asyncio.sleep(0)
        if zone != ZONE:
            raise CloudError(CloudFault.REFUSED, "NoSuchHostedZone", f"No hosted zone found with ID: {zone}")
        for fault in self.faults:
            if fault[0] == method:
                self.faults.remove(fault)
                error = fault[1]
                if error is None:
                    await asyncio.sleep(timeout_ms / 1000)
                    text = f"no answer within {timeout_ms} ms"
                    error = CloudError(CloudFault.NO_ANSWER, "DeadlineExceeded", text, timed_out=True, transient=True)
                if fault[2]:
                    return error
                raise error
        return None


_: type[NameService] = FakeNames

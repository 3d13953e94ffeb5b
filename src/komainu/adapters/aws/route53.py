"""Route 53 behind the port NameService (E3): each request is sent once, within its own deadline.

Route 53 is global: the region says only whose credentials and which partition are meant.
"""

from typing import Any

from komainu.adapters.aws.once import Once
from komainu.ports import NameRecord
from komainu.ports.names import RecordType


class Route53Names:
    """`komainu.ports.NameService` on Route 53."""

    def __init__(self, region: str | None, endpoint_url: str | None = None) -> None:
        """`region` as for EC2. `endpoint_url` is for tests. Opens nothing yet."""
        self._region = region
        self._once = Once("route53", endpoint_url)

    def calls(self) -> dict[str, int]:
        """How many requests were sent so far, by the name of the API's action."""
        return self._once.calls()

    def calls_in_last_minute(self) -> int:
        """How many requests were sent in the last minute."""
        return self._once.calls_in_last_minute()

    def close(self) -> None:
        """Send nothing more."""
        self._once.close()

    async def record(self, zone: str, name: str, type_: RecordType, timeout_ms: int) -> NameRecord | None:
        """The record set of that name in the hosted zone (its id); None when there is none."""

        def read(route53: Any) -> Any:
            return route53.list_resource_record_sets(
                HostedZoneId=zone, StartRecordName=name, StartRecordType=type_, MaxItems="1"
            )

        answer = await self._once.call(self._region, read, timeout_ms)
        # The list begins where the record would be: without it, the next one of the zone is the first.
        for found in answer["ResourceRecordSets"]:
            if (_plain(found["Name"]), found["Type"]) == (_plain(name), type_):
                values = tuple(each["Value"] for each in found.get("ResourceRecords", []))
                return NameRecord(_plain(name), type_, values, found.get("TTL", 0))
        return None

    async def put(self, zone: str, record: NameRecord, timeout_ms: int) -> str:
        """Make or replace the record set; the id of the change."""
        return await self._change("UPSERT", zone, record, timeout_ms)

    async def remove(self, zone: str, record: NameRecord, timeout_ms: int) -> str:
        """Delete exactly that record set; the id of the change. Refused when it is not as given."""
        return await self._change("DELETE", zone, record, timeout_ms)

    async def in_sync(self, change: str, timeout_ms: int) -> bool:
        """True once all name servers answer by that change."""
        answer = await self._once.call(self._region, lambda route53: route53.get_change(Id=change), timeout_ms)
        return bool(answer["ChangeInfo"]["Status"] == "INSYNC")

    async def _change(self, action: str, zone: str, record: NameRecord, timeout_ms: int) -> str:
        changed = {
            "Name": record.name,
            "Type": record.type,
            "TTL": record.ttl_s,
            "ResourceRecords": [{"Value": value} for value in record.values],
        }
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": changed}]}

        def write(route53: Any) -> Any:
            return route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

        answer = await self._once.call(self._region, write, timeout_ms, changes=True)
        return str(answer["ChangeInfo"]["Id"])


def _plain(name: str) -> str:
    """Without the last dot, in small letters, `*` as it is written: Route 53 answers `\\052` for it."""
    return name.removesuffix(".").lower().replace("\\052", "*")

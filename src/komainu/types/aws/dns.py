"""`awsdns`: a record of Route 53 that leads to the active node (E3), with its check `awsdnsw`.

The slowest of the addresses that move: a client follows once what its resolver has kept is out of date, and some
programs never ask twice. In return it crosses every border: Availability Zones, VPCs, regions, the internet.
"""

import asyncio
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from komainu.model.described import ja
from komainu.model.message import Message, Refused, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.model.traits import Traits
from komainu.ports import CloudError, Host, NameRecord, NameService, ResourceType
from komainu.types.aws.dns_messages import (
    CODES,
    LEFT_TO_OTHER,
    MESSAGES,
    NO_VALUE,
    NOT_HERE,
    NOT_IN_SYNC,
    RECORD_CHANGED,
    SAME_VALUE,
    STILL_THERE,
    ZONE_UNKNOWN,
)
from komainu.types.aws.judge import Impossible, Judge
from komainu.types.aws.messages import INTERNAL, MONITOR_WARNING, InternalKind
from komainu.types.aws.patience import CALL_TIMEOUT_MS, left_ms, now, patiently, within_ms
from komainu.types.aws.silence import ApiFailure

IN_SYNC_MS = (5_000, 15_000, 30_000, 60_000, 120_000)
"When it is asked whether all name servers have a change, counted from Route 53's answer. Usually that takes a minute."
DELETE_MS = 5_000
"So long a stop tries to delete the record."
CHANGED_SINCE = "InvalidChangeBatch"
"The refusal to delete a record that is not as it was."

_NAME = r"^([0-9A-Za-z_-]{1,63}\.)+[0-9A-Za-z-]{1,63}\.?$"


class Params(BaseModel):
    """The parameters of a record of Route 53 (E3)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    zone_id: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{1,32}$")] = Field(
        json_schema_extra=ja("レコードがあるホストゾーンの ID。")
    )
    "The id of the hosted zone that has the record."
    name: Annotated[str, StringConstraints(pattern=_NAME, max_length=254)] = Field(
        json_schema_extra=ja("レコードの完全な名前（例: `db.example.com`）。")
    )
    "The full name of the record, for example `db.example.com`."
    type: Literal["A", "AAAA"] = Field(
        default="A", json_schema_extra=ja("レコードのタイプ。`A` は IPv4、`AAAA` は IPv6。")
    )
    "The type of the record: `A` for IPv4, `AAAA` for IPv6."
    value: IPv4Address | IPv6Address = Field(
        json_schema_extra=ja("このノードが現用系のときにレコードが指すアドレス。ノードごとの設定が必須。")
    )
    "The address the record leads to while this node is active: one that its clients reach. Every node has its own."
    ttl_s: int = Field(
        default=10,
        ge=1,
        le=86_400,
        json_schema_extra=ja("クライアントがレコードを保持してよい秒数。切り替えはこの時間だけ遅れて伝わる。"),
    )
    "For how many seconds clients may keep the record: a takeover reaches them that much later."
    on_stop: Literal["keep", "delete"] = Field(
        default="keep",
        json_schema_extra=ja(
            "停止時の動作。keep: レコードを残す。delete: このノードを指していれば削除する（クライアントは名前を解決"
            "できなくなり、その結果も保持する）。"
        ),
    )
    (
        "What a stop does: `keep` the record, or `delete` it if it leads to this node (clients then cannot resolve the "
        "name, and keep that as well)."
    )
    api_failure: ApiFailure = "warn"

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        return name.rstrip(".").lower()

    @field_validator("value")
    @classmethod
    def _of_the_type(cls, value: IPv4Address | IPv6Address, info: ValidationInfo) -> IPv4Address | IPv6Address:
        kind = info.data.get("type", "A")
        unusable = value.is_multicast or value.is_loopback or value.is_unspecified or value.is_link_local
        scoped = isinstance(value, IPv6Address) and value.scope_id
        if unusable or scoped or value.version != (4 if kind == "A" else 6):
            raise Refused(NO_VALUE.said(type=kind, value=str(value)))
        return value


class Dns:
    """One record, as one node wants it: `komainu.ports.ResourceHands`."""

    def __init__(self, params: Params, host: Host, names: NameService) -> None:
        self._params = params
        self._host = host
        self._names = names
        self._value = str(params.value)
        facts = {"zone": params.zone_id, "name": params.name, "value": self._value}
        self._judge = Judge(host.resource, AWSDNS.monitor_name(host.resource), facts, CODES)
        self._looking: asyncio.Task[None] | None = None

    # --- the five hands

    async def prepare(self) -> Outcome:
        """The record can be read. Where it leads is information: a start replaces it, whatever it is."""
        try:
            record = await self._read(CALL_TIMEOUT_MS)
        except CloudError as error:
            return self._judge.not_prepared(error)
        if record is None:
            return Outcome(Result.SUCCEEDED, detail=f"there is no record {self._params.name} yet")
        return Outcome(Result.SUCCEEDED, detail=_told(record))

    async def start(self, timeout_ms: int) -> Outcome:
        """Make the record lead here. Online on Route 53's answer; that its servers follow is looked at beside it."""
        deadline = now() + within_ms(timeout_ms) / 1000
        await self._end_looking()
        try:
            change = await patiently(lambda left: self._names.put(self._params.zone_id, self._record(), left), deadline)
        except CloudError as error:
            return self._judge.not_started(error, changing=True)
        self._looking = asyncio.create_task(self._look_for(change), name=f"in sync: {self._host.resource}")
        self._looking.add_done_callback(self._looking_ended)
        return SUCCEEDED

    async def stop(self, timeout_ms: int) -> Outcome:
        """Leave the record, or delete it if it leads here still.

        This node does nothing by means of it: a Route 53 that does not answer is no failure of the stop (N4).
        """
        await self._end_looking()
        if self._params.on_stop == "keep":
            return SUCCEEDED
        try:
            deadline = now() + min(within_ms(timeout_ms), DELETE_MS) / 1000
            await patiently(lambda ms: self._delete(ms, deadline), deadline)
        except CloudError as error:
            if error.code == CHANGED_SINCE:
                return SUCCEEDED
            said = STILL_THERE.said(resource=self._host.resource, name=self._params.name, value=self._value)
            return Outcome(Result.SUCCEEDED, said, f"{error}")
        return SUCCEEDED

    async def check(self, timeout_ms: int) -> Outcome:
        """awsdnsw: the record leads here, and nowhere else."""
        try:
            record = await self._read(min(within_ms(timeout_ms), CALL_TIMEOUT_MS))
        except CloudError as error:
            if self._judge.reason(error) is ZONE_UNKNOWN:
                return self._judge.wrong(ZONE_UNKNOWN, f"{error}")
            return self._judge.unseen(error, self._params.api_failure)
        if self._leads_here(record):
            return SUCCEEDED
        other = self._other(record)
        if other and self._host.alone():
            # Cut off, both sides would change it back and forth for ever. The later takeover keeps it.
            return self._judge.caution(LEFT_TO_OTHER, _told(record), other=other)
        return self._judge.wrong(RECORD_CHANGED, f"{_told(record)}{f' ({other})' if other else ''}")

    async def probe(self, timeout_ms: int) -> Outcome:
        """It counts as running here while the record leads here; nothing on this node could tell."""
        try:
            record = await self._read(min(within_ms(timeout_ms), CALL_TIMEOUT_MS))
        except CloudError as error:
            return self._judge.unseen(error, "warn")
        if self._leads_here(record):
            return SUCCEEDED
        return failed(NOT_HERE.said(name=self._params.name, value=self._value), _told(record))

    # --- what they do

    def _record(self) -> NameRecord:
        return NameRecord(self._params.name, self._params.type, (self._value,), self._params.ttl_s)

    async def _read(self, timeout_ms: int) -> NameRecord | None:
        return await self._names.record(self._params.zone_id, self._params.name, self._params.type, timeout_ms)

    async def _delete(self, timeout_ms: int, deadline: float) -> None:
        record = await self._read(timeout_ms)
        if record is not None and self._leads_here(record):
            await self._names.remove(self._params.zone_id, record, left_ms(deadline))

    def _leads_here(self, record: NameRecord | None) -> bool:
        return record is not None and tuple(map(_address, record.values)) == (self._value,)

    def _other(self, record: NameRecord | None) -> str:
        """The other configured node that the record leads to; empty when it leads to none of them."""
        values = () if record is None else tuple(map(_address, record.values))
        nodes = [node for node, params in self._host.elsewhere.items() if values == (_address(params.get("value")),)]
        return ", ".join(nodes)

    # --- whether all name servers have it

    async def _look_for(self, change: str) -> None:
        """Tell when the change is still on its way after the last look. Silence of the API tells nothing."""
        begun = now()
        behind = False
        for at_ms in IN_SYNC_MS:
            await asyncio.sleep(max(0.0, begun + at_ms / 1000 - now()))
            try:
                behind = not await self._names.in_sync(change, CALL_TIMEOUT_MS)
            except CloudError:
                continue
            if not behind:
                return
        if behind:
            self._host.report(unknown(self._judge.said(MONITOR_WARNING, NOT_IN_SYNC), f"change {change}"))

    async def _end_looking(self) -> None:
        task, self._looking = self._looking, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _looking_ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            defect = Impossible(INTERNAL, f"{type(error).__name__}: {error}", InternalKind.DEFECT)
            self._host.report(self._judge.unsure(defect))


def _told(record: NameRecord | None) -> str:
    if record is None:
        return "there is no such record"
    return f"{record.name} {record.ttl_s} {record.type} {', '.join(record.values)}"


def _address(text: Any) -> str:
    """An address in its one form; what is none stays as it is."""
    try:
        return str(ip_address(str(text)))
    except ValueError:
        return str(text)


def _make(params: Params, host: Host) -> Dns:
    if host.names is None:
        raise ValueError(f"{host.resource}: an awsdns needs `environment: aws`")
    return Dns(params, host, host.names)


def _advise(params: Mapping[str, Params]) -> tuple[Said, ...]:
    """A record that is the same everywhere moves nothing."""
    values = {each.value for each in params.values()}
    if len(params) < 2 or len(values) > 1:
        return ()
    return (SAME_VALUE.said(value=", ".join(map(str, values)), nodes=", ".join(params)),)


AWSDNS = ResourceType(
    name="awsdns",
    monitor="awsdnsw",
    title=Message("KM3037", "AWS DNS record", "AWS DNS レコードリソース"),
    description=Message(
        "KM3038",
        "A record of Amazon Route 53 that leads to the node where the resource is active. Clients follow when what "
        "they have kept of it is out of date (`ttl_s`); it works across VPCs and regions.",
        "現用系ノードを指す Amazon Route 53 のレコード。クライアントは保持しているレコードの期限（`ttl_s`）が切れると"
        "追従する。VPC やリージョンをまたいで使用できる。",
    ),
    params=Params,
    per_node_required=("value",),
    # Nothing ends what is kept of a record elsewhere: the kernel cannot cut it, nor would a reset change it.
    traits=Traits(
        exclusive=False,
        environments=("aws",),
        order=10,
        used_once=(("name", "type", "zone_id"),),
        known_by="name",
    ),
    messages=MESSAGES,
    make=_make,
    advise=_advise,
)

"""`fip`: a floating IP on one network segment (O1). The neighbours learn by gratuitous ARP where it lives now."""

import asyncio
from ipaddress import IPv4Address
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from komainu.model.message import Message, Refused, Said
from komainu.model.outcome import SUCCEEDED, Outcome, failed, unknown
from komainu.model.traits import Traits
from komainu.ports import Guarded, Host, ResourceType

AGAIN_MS = (200, 1_000, 2_000)
"A frame can be lost, and a neighbour that missed it would keep sending to the old machine: it is said again."
LATE_MS = 500
"A repetition that comes later than this is not made."

NO_DEVICE = Message(
    "KM3801",
    "{resource}: no network interface of this node is in a subnet that contains {address}, so the address would "
    "reach nobody. Set `device`, or correct the address.",
    "{resource}: {address} を含むサブネットのネットワークインタフェースがこのノードにないため、"
    "このアドレスでは通信できません。`device` を設定するか、アドレスを訂正してください。",
    "error",
)
REFUSED = Message(
    "KM3802",
    "{resource}: the kernel refused to change the address {address}. The detail has its reason.",
    "{resource}: カーネルが IP アドレス {address} の変更を拒否しました。理由は詳細を参照してください。",
    "error",
)
ABSENT = Message(
    "KM3803",
    "{resource}: the address {address} is no longer on this node: something removed it.",
    "{resource}: IP アドレス {address} がこのノードにありません。何らかの理由で削除されました。",
    "error",
)
NOT_HERE = Message(
    "KM3804",
    "{resource}: the address {address} is not on this node.",
    "{resource}: IP アドレス {address} はこのノードにありません。",
)
KERNEL_SILENT = Message(
    "KM3805",
    "{resource}: the addresses of this node could not be listed, so it is not known whether {address} is here.",
    "{resource}: このノードの IP アドレスを取得できないため、{address} の有無を確認できません。",
    "warning",
)
NOT_ANNOUNCED = Message(
    "KM3806",
    "{resource}: {address} is on this node, but it could not be announced on the segment: neighbours may keep "
    "sending to the old node for minutes.",
    "{resource}: {address} はこのノードにありますが、セグメントに通知できませんでした。"
    "近隣の機器がしばらく元のノードに送信し続ける可能性があります。",
    "error",
)
NO_FIP = Message(
    "KM3807",
    "{address} cannot be a floating IP: no neighbour can reach it as this node's. Give a unicast address of the "
    "segment.",
    "{address} は近隣の機器からこのノード宛に到達できないため、フローティング IP にできません。"
    "セグメントのユニキャストアドレスを指定してください。",
    "error",
)


def _ja(text: str) -> dict[str, Any]:
    return {"description_ja": text}


class Params(BaseModel):
    """The parameters of a floating IP."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    address: IPv4Address = Field(json_schema_extra=_ja("フローティング IP アドレス。ノードと同じセグメントのもの。"))
    "The floating address. It lies on the segment of the nodes."
    prefix: int = Field(
        default=32,
        ge=1,
        le=32,
        json_schema_extra=_ja("付与するときのプレフィックス長。既定値の 32 で、ノード自身の経路は変わらない。"),
    )
    "The prefix length it is added with. With 32, the default, the node's own routes stay as they are."
    device: str | None = Field(
        default=None,
        min_length=1,
        max_length=15,
        json_schema_extra=_ja("アドレスを付与するネットワークインタフェース。省略時はサブネットから決める。"),
    )
    "The network interface that gets the address; when left out, the one whose subnet contains it."

    @field_validator("address")
    @classmethod
    def _usable(cls, address: IPv4Address) -> IPv4Address:
        if address.is_multicast or address.is_loopback or address.is_unspecified:
            raise Refused(NO_FIP.said(address=str(address)))
        return address


class Fip:
    """One floating IP on one node: `komainu.ports.ResourceHands`."""

    def __init__(self, params: Params, host: Host) -> None:
        self._params = params
        self._host = host
        self._address = str(params.address)
        self._announcing: asyncio.Task[None] | None = None

    async def prepare(self) -> Outcome:
        """The device must be known here."""
        try:
            device = await self._device()
        except OSError as error:
            return unknown(self._said(KERNEL_SILENT), f"{error}")
        return SUCCEEDED if device is not None else failed(self._said(NO_DEVICE))

    async def start(self, timeout_ms: int) -> Outcome:
        """Add the address and tell the neighbours at once; they are told again in the background."""
        await self._end_announcing()
        try:
            device = await self._device()
            if device is None:
                return failed(self._said(NO_DEVICE))
            await self._host.network.add_address(device, self._address, self._params.prefix)
        except OSError as error:
            return failed(self._said(REFUSED), f"{error}")
        announced = asyncio.get_running_loop().time()
        try:
            await self._host.network.announce(device, self._address)
        except OSError as error:
            return failed(self._said(NOT_ANNOUNCED), f"{device}: {error}")
        self._announcing = asyncio.create_task(
            self._announce_again(device, announced), name=f"announce {self._host.resource}"
        )
        self._announcing.add_done_callback(self._announcing_ended)
        return SUCCEEDED

    async def stop(self, timeout_ms: int) -> Outcome:
        """Take the address off this node. The announcements end first: none may follow the address."""
        await self._end_announcing()
        try:
            await self._host.network.remove_address(self._address)
        except OSError as error:
            return failed(self._said(REFUSED), f"{error}")
        return SUCCEEDED

    async def check(self, timeout_ms: int) -> Outcome:
        """The address is on this node."""
        return await self._is_here(ABSENT)

    async def probe(self, timeout_ms: int) -> Outcome:
        """It runs here when the kernel has the address."""
        return await self._is_here(NOT_HERE)

    async def _is_here(self, otherwise: Message) -> Outcome:
        try:
            device = await self._host.network.device_with(self._address)
        except OSError as error:
            return unknown(self._said(KERNEL_SILENT), f"{error}")
        return SUCCEEDED if device is not None else failed(self._said(otherwise))

    async def _device(self) -> str | None:
        return self._params.device or await self._host.network.device_for(self._address)

    async def _announce_again(self, device: str, begun: float) -> None:
        clock = asyncio.get_running_loop().time
        for at_ms in AGAIN_MS:
            await asyncio.sleep(max(0.0, begun + at_ms / 1000 - clock()))
            if (clock() - begun) * 1000 - at_ms > LATE_MS:
                return  # this process stood still, the address may live elsewhere by now, and no filter sees frames
            await self._host.network.announce(device, self._address)

    async def _end_announcing(self) -> None:
        task, self._announcing = self._announcing, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _announcing_ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._host.report(unknown(self._said(NOT_ANNOUNCED), f"{type(error).__name__}: {error}"))

    def _said(self, message: Message) -> Said:
        return message.said(resource=self._host.resource, address=self._address)


FIP = ResourceType(
    name="fip",
    monitor="fipw",
    title=Message("KM3003", "floating IP", "フローティング IP リソース"),
    description=Message(
        "KM3004",
        "An address of the nodes' own network segment that is always on the node where the resource is active. "
        "For clusters on premises; a cloud's network does not follow gratuitous ARP.",
        "ノードと同じネットワークセグメントの IP アドレス。常に現用系ノードに付与される。"
        "オンプレミス用であり、クラウドのネットワークは Gratuitous ARP に従わないため使用できない。",
    ),
    params=Params,
    per_node_required=(),
    # Unlike a route table, a segment has no single place that decides: two holders of one address disturb each other.
    traits=Traits(
        exclusive=True,
        exclusive_may_be_cleared=True,
        environments=("onprem",),
        order=10,
        addresses=("address",),
        known_by="address",
        ended_by="network",
        check_interval_ms=10_000,
        check_timeout_ms=5_000,
    ),
    messages=(NO_DEVICE, REFUSED, ABSENT, NOT_HERE, KERNEL_SILENT, NOT_ANNOUNCED, NO_FIP),
    make=Fip,
    guards=lambda params: Guarded(addresses=(str(params["address"]),)),
)

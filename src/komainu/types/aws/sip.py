"""`awssip`: a secondary private IP address of the subnet that moves between ENIs (E3), with its check `awssipw`.

EC2 delivers packets for the address to the ENI that it is assigned to, and to no other. All nodes are in one subnet; in
return no route table is involved, and clients that have no route of their own reach it as well.
"""

import asyncio
from contextlib import suppress
from ipaddress import IPv4Address

from pydantic import BaseModel, ConfigDict, Field, field_validator

from komainu.model.described import ja
from komainu.model.message import Message, Refused
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed
from komainu.model.traits import Traits
from komainu.ports import Cloud, CloudError, Guarded, Host, ResourceType
from komainu.types.aws.eni import EniId, device_of, device_with
from komainu.types.aws.judge import Impossible, Judge
from komainu.types.aws.messages import (
    ACTIVATION,
    DEACTIVATION,
    ENI_UNKNOWN,
    INTERNAL,
    NOT_READY,
    InternalKind,
    Reason,
    rows,
)
from komainu.types.aws.patience import CALL_TIMEOUT_MS, left_ms, now, patiently, within_ms
from komainu.types.aws.silence import ApiFailure

VISIBLE_WITHIN_MS = 30_000
"For so long after our own assignment an ENI without the address is not yet visible, rather than changed (V6)."
GIVE_BACK_MS = 5_000
"So long a stop tries to give the address back. The next holder takes it anyway, and waits for this stop."
NOT_OURS = ("InvalidParameterValue", "InvalidNetworkInterfaceID.NotFound")
"Refusals to take the address from this ENI that mean: it does not have it."

ABSENT = Reason(
    "31",
    7,
    "The private IP address {address} does not exist.",
    "プライベート IP アドレス {address} が存在しません。",
)
NOT_ASSIGNED = Reason(
    "32",
    8,
    "The private IP address {address} is not assigned to {eni} any more.",
    "プライベート IP アドレス {address} は {eni} に割り当てられていません。",
)
NOT_IN_SUBNET = Reason(
    "33",
    9,
    "The private IP address {address} does not lie in the subnet of {eni}: it can be on nodes of one subnet only. For "
    "nodes in several subnets use awsvip.",
    "プライベート IP アドレス {address} は {eni} のサブネットにありません。"
    "使用できるのは同じサブネットのノードだけです。サブネットが異なるノードには awsvip を使用してください。",
)
PRIMARY = Reason(
    "34",
    10,
    "The private IP address {address} is the primary one of {eni}, which does not move. Choose a free one of the "
    "subnet.",
    "プライベート IP アドレス {address} は {eni} のプライマリアドレスのため移動できません。"
    "サブネットの空いているアドレスを指定してください。",
)
LEFT_TO_OTHER = Reason(
    "35",
    12,
    "The private IP address {address} is assigned to {other}. It is not taken back while this node is alone.",
    "プライベート IP アドレス {address} は {other} に割り当てられています。このノードが単独で動作している間は"
    "元に戻しません。",
)

NOT_HERE = Message(
    "KM3711",
    "The private IP address {address} is on no network interface of this node.",
    "プライベート IP アドレス {address} はこのノードのネットワークインタフェースにありません。",
)
STILL_ASSIGNED = Message(
    "KM3712",
    "{resource} is stopped: this node does not answer for {address} any more. EC2 has not "
    "confirmed that it took the address back: it may be assigned to {eni} until another node takes it.",
    "{resource} を停止し、このノードは {address} に応答しなくなりました。EC2 からの確認が得られないため、"
    "他のノードが引き継ぐまで、アドレスが {eni} に割り当てられたままの可能性があります。",
    "warning",
)
NO_SIP = Message(
    "KM3713",
    "{address} cannot be a secondary private IP address: no subnet of a VPC has it. Give a free address of the nodes' "
    "subnet.",
    "{address} は VPC のサブネットのアドレスではないため、セカンダリプライベート IP アドレスにできません。"
    "ノードのサブネットの空いているアドレスを指定してください。",
    "error",
)

MESSAGES = (
    *rows(
        start=(ENI_UNKNOWN, NOT_IN_SUBNET, PRIMARY),
        error=(ENI_UNKNOWN, ABSENT, NOT_ASSIGNED),
        warning=(LEFT_TO_OTHER,),
    ),
    DEACTIVATION.row(INTERNAL),
    NOT_HERE,
    STILL_ASSIGNED,
    NO_SIP,
)


class Params(BaseModel):
    """The parameters of a secondary private IP address (E3)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    address: IPv4Address = Field(
        json_schema_extra=ja("セカンダリプライベート IP アドレス。ノードのサブネットの空いているアドレスを指定する。")
    )
    "The secondary private address: a free one of the subnet that all nodes of the group are in."
    eni_id: EniId = Field(
        json_schema_extra=ja("アドレスを割り当てる、このノードの ENI の ID。ノードごとの設定が必須。")
    )
    "The network interface of the node that the address is assigned to. Every node has its own."
    api_failure: ApiFailure = "warn"

    @field_validator("address")
    @classmethod
    def _usable(cls, address: IPv4Address) -> IPv4Address:
        if address.is_multicast or address.is_loopback or address.is_unspecified or address.is_link_local:
            raise Refused(NO_SIP.said(address=str(address)))
        return address


class Sip:
    """One secondary private address on one node: `komainu.ports.ResourceHands`."""

    def __init__(self, params: Params, host: Host, cloud: Cloud) -> None:
        self._params = params
        self._host = host
        self._cloud = cloud
        self._watching = host.watching or cloud
        self._address = str(params.address)
        facts = {"address": self._address, "eni": params.eni_id}
        self._judge = Judge(host.resource, AWSSIP.monitor_name(host.resource), facts)
        self._device: str | None = None
        "The local network device of the ENI, found by prepare, by a check, or by a cold start."
        self._assigned_ms: int | None = None
        "When EC2 last answered that this ENI has the address now."

    # --- the five hands

    async def prepare(self) -> Outcome:
        """Find and keep the device; say what would forbid a start. One call."""
        try:
            self._device = await self._discover(self._watching, CALL_TIMEOUT_MS)
        except Impossible as why:
            self._device = None
            return self._judge.impossible(NOT_READY, why)
        except CloudError as error:
            if self._judge.reason(error) is ENI_UNKNOWN:
                self._device = None
            return self._judge.not_prepared(error)
        return SUCCEEDED

    async def start(self, timeout_ms: int) -> Outcome:
        """Add the address here, then have EC2 send its packets here. Online on the answer; one call when prepared.

        The address comes first because it is local and costs a millisecond: a packet never arrives at a node that
        would drop it.
        """
        deadline = now() + within_ms(timeout_ms) / 1000
        try:
            await self._add_address(deadline)
        except Impossible as why:
            return self._judge.impossible(ACTIVATION, why)
        except CloudError as error:
            return self._not_started(error, changing=False)
        try:
            await patiently(self._assign, deadline)
        except CloudError as error:
            return self._not_started(error, changing=True)
        self._assigned_ms = self._host.now_ms()
        return SUCCEEDED

    async def stop(self, timeout_ms: int) -> Outcome:
        """Take the address off this node, then give it back to EC2 if this ENI still has it.

        The first alone ends what this node does with it. So an EC2 that does not answer is no failure of the stop: the
        next holder takes the address from this ENI.
        """
        self._assigned_ms = None
        try:
            await self._host.network.remove_address(self._address)
        except OSError as error:
            return self._judge.impossible(DEACTIVATION, Impossible(INTERNAL, f"{error}", InternalKind.KERNEL))
        try:
            await patiently(self._unassign, now() + min(within_ms(timeout_ms), GIVE_BACK_MS) / 1000)
        except CloudError as error:
            if error.code in NOT_OURS:
                return SUCCEEDED
            said = STILL_ASSIGNED.said(resource=self._host.resource, address=self._address, eni=self._params.eni_id)
            return Outcome(Result.SUCCEEDED, said, f"{error}")
        return SUCCEEDED

    async def check(self, timeout_ms: int) -> Outcome:
        """awssipw: the address is on this node, and EC2 has it at this node's ENI. One call."""
        try:
            device = await device_with(self._host.network, self._address)
        except Impossible as why:
            return self._judge.unsure(why)
        if device is None:
            return self._judge.wrong(ABSENT)
        limit_ms = min(within_ms(timeout_ms), CALL_TIMEOUT_MS)
        deadline = now() + limit_ms / 1000
        try:
            interface = await self._watching.interface(self._params.eni_id, limit_ms)
        except CloudError as error:
            if self._judge.reason(error) is ENI_UNKNOWN:
                return self._judge.wrong(ENI_UNKNOWN, f"{error}")
            return self._judge.unseen(error, self._params.api_failure)
        self._device = device
        if self._address in interface.private_addresses:
            return SUCCEEDED
        return await self._gone(deadline)

    async def probe(self, timeout_ms: int) -> Outcome:
        """It runs here when the kernel has the address; where EC2 has it is the check's concern."""
        try:
            device = await device_with(self._host.network, self._address)
        except Impossible as why:
            return self._judge.unsure(why)
        return SUCCEEDED if device is not None else failed(NOT_HERE.said(address=self._address))

    # --- what they do

    async def _assign(self, timeout_ms: int) -> None:
        await self._cloud.assign_private_address(self._params.eni_id, self._address, timeout_ms)

    async def _unassign(self, timeout_ms: int) -> None:
        await self._cloud.unassign_private_address(self._params.eni_id, self._address, timeout_ms)

    async def _add_address(self, deadline: float) -> None:
        """Raises CloudError, or Impossible. What was cached may be out of date; then it is found out afresh, once."""
        if self._device is not None:
            with suppress(OSError):  # the device may have been renamed or replaced since
                await self._host.network.add_address(self._device, self._address, 32)
                return
        device = await patiently(lambda timeout_ms: self._discover(self._cloud, timeout_ms), deadline)
        try:
            await self._host.network.add_address(device, self._address, 32)
        except OSError as error:
            raise Impossible(INTERNAL, f"{self._address} on {device}: {error}", InternalKind.KERNEL) from error
        self._device = device

    async def _discover(self, cloud: Cloud, timeout_ms: int) -> str:
        """The device of the ENI. Raises CloudError, or Impossible when the answers forbid a start."""
        interface = await cloud.interface(self._params.eni_id, timeout_ms)
        if interface.private_address == self._address:
            raise Impossible(PRIMARY)
        device = await device_of(self._host.network, interface)
        try:
            # The address is asked for as that of the ENI is: a node may have several ENIs, in one subnet or in many.
            subnet = await self._host.network.device_for(interface.private_address)
            within = await self._host.network.device_for(self._address)
        except OSError as error:
            raise Impossible(INTERNAL, f"{error}", InternalKind.KERNEL) from error
        if within is None or within != subnet:
            raise Impossible(NOT_IN_SUBNET, f"{interface.id} ({interface.private_address}) is in {interface.subnet}")
        return device

    # --- judging

    async def _gone(self, deadline: float) -> Outcome:
        """EC2 does not show the address at this ENI: whose is it?"""
        assigned_ms = self._assigned_ms
        if assigned_ms is not None and self._host.now_ms() - assigned_ms < VISIBLE_WITHIN_MS:
            return Outcome(Result.SUCCEEDED, detail=f"not yet visible: {self._address} at {self._params.eni_id}")
        enis = {node: str(params.get("eni_id", "")) for node, params in self._host.elsewhere.items()}
        answers = await asyncio.gather(*(self._has_it(eni, left_ms(deadline)) for eni in enis.values()))
        seen = dict(zip(enis, answers, strict=True))
        holder = next((node for node, answer in seen.items() if answer is True), "")
        silent = {node: answer for node, answer in seen.items() if isinstance(answer, CloudError)}
        detail = "; ".join(f"{enis[node]} of {node} could not be looked at: {error}" for node, error in silent.items())
        detail = f"it is assigned to {enis[holder]} of {holder}" if holder else detail
        # Cut off, both sides would take it from each other for ever. The later takeover keeps it.
        if holder and self._host.alone():
            return self._judge.caution(LEFT_TO_OTHER, detail, other=holder)
        if silent and self._host.alone():
            return self._judge.unseen(next(iter(silent.values())), self._params.api_failure)
        return self._judge.wrong(NOT_ASSIGNED, detail or "no node of this cluster has it")

    async def _has_it(self, eni: str, timeout_ms: int) -> "bool | CloudError":
        """Whether EC2 has the address at that ENI, or why it did not say."""
        try:
            return self._address in (await self._watching.interface(eni, timeout_ms)).private_addresses
        except CloudError as error:
            return error

    def _not_started(self, error: CloudError, *, changing: bool) -> Outcome:
        if not error.transient:
            self._device = None  # the next start asks first
        return self._judge.not_started(error, changing=changing)


def _make(params: Params, host: Host) -> Sip:
    if host.cloud is None:
        raise ValueError(f"{host.resource}: an awssip needs `environment: aws`")
    return Sip(params, host, host.cloud)


AWSSIP = ResourceType(
    name="awssip",
    monitor="awssipw",
    title=Message("KM3035", "AWS secondary private IP", "AWS セカンダリプライベート IP リソース"),
    description=Message(
        "KM3036",
        "A secondary private IP address of the subnet, assigned to the ENI of the node where the resource is active. "
        "All nodes are in one subnet, and so in one Availability Zone; no route table is involved.",
        "サブネットのセカンダリプライベート IP アドレス。現用系ノードの ENI に割り当てられる。"
        "全ノードが同じサブネット（同じアベイラビリティーゾーン）にある必要がある。ルートテーブルは使用しない。",
    ),
    params=Params,
    per_node_required=("eni_id",),
    traits=Traits(
        exclusive=False,
        environments=("aws",),
        order=10,
        addresses=("address",),
        known_by="address",
        ended_by="network",
    ),
    messages=MESSAGES,
    make=_make,
    guards=lambda params: Guarded(addresses=(str(params["address"]),)),
)

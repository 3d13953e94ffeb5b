"""`awseip`: an Elastic IP that moves between ENIs in public subnets (E1), with its check `awseipw` (E2).

EC2 has the address at one ENI and no other. Associating it takes it from wherever it is, in one call, and that call is
all of a takeover that was prepared. The internet gateway translates the address to the ENI's private one: nothing is
added to this node, and nothing of it could be cut off here.

What an Elastic IP comes to or leaves changes the public address that the node itself sends from. The connections to the
API that were open die without a word then; so an answer that is lost at that moment is unknown, and looked up (N4).
And until EC2 gives the node another public address, which may take minutes, it may reach no API at all. That passes by
itself, so a start that meets it is unknown, and is tried until it passes: it uses up none of the attempts after which
recovery would end.
"""

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from komainu.model.described import ja
from komainu.model.message import Message
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.model.traits import Traits
from komainu.ports import Address, Cloud, CloudError, CloudFault, Host, ResourceType
from komainu.types.aws.eip_messages import (
    ALLOCATION_UNKNOWN,
    CODES,
    EIP_GONE,
    LEFT_TO_OTHER,
    MESSAGES,
    NOT_HERE,
    STILL_ASSOCIATED,
    STILL_TRIED,
)
from komainu.types.aws.eni import EniId, device_of, device_with, not_here
from komainu.types.aws.judge import Impossible, Judge
from komainu.types.aws.messages import ACTIVATION, MONITOR_ERROR, MONITOR_WARNING, NOT_READY
from komainu.types.aws.owners import node_of, owners
from komainu.types.aws.patience import CALL_TIMEOUT_MS, SELDOM, Seldom, left_ms, now, patiently, within_ms
from komainu.types.aws.silence import ApiFailure, Policy, refused

ANSWER_MS = 2_000
"So long the first answer to a change is waited for: the change itself, or one before, may have cut it off."
VISIBLE_WITHIN_MS = 30_000
"For so long after our own association another place is not yet visible, rather than changed (V6)."
GIVE_BACK_MS = 5_000
"So long a stop tries to give the address back. The next holder takes it anyway, and waits for this stop."
ASSOCIATION_GONE = "InvalidAssociationID.NotFound"


class Params(BaseModel):
    """The parameters of an Elastic IP (E1)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    allocation_id: Annotated[str, StringConstraints(pattern=r"^eipalloc-[0-9a-z]+$")] = Field(
        json_schema_extra=ja("EIP のアロケーション ID。")
    )
    "The allocation id of the Elastic IP."
    eni_id: EniId = Field(json_schema_extra=ja("EIP を関連付ける、このノードの ENI の ID。ノードごとの設定が必須。"))
    "The network interface of the node that the address is associated with. Every node has its own."
    api_failure: ApiFailure = "warn"


class Eip:
    """One Elastic IP on one node: `komainu.ports.ResourceHands`."""

    def __init__(self, params: Params, host: Host, cloud: Cloud) -> None:
        self._params = params
        self._host = host
        self._cloud = cloud
        self._watching = host.watching or cloud
        facts = {"allocation": params.allocation_id, "eni": params.eni_id}
        self._judge = Judge(host.resource, AWSEIP.monitor_name(host.resource), facts, CODES)
        self._private_address = ""
        "Of the ENI, found by a preparation or a cold start, and good while a device carries it; empty: not known."
        self._association = ""
        "With this node's ENI, as a start, a check or a probe learned it; empty: not known."
        self._ended = ""
        "The association that a stop ended last: EC2 may show it for a while."
        self._associated_ms: int | None = None
        "When EC2 last answered that it is associated with this ENI now."
        self._left_ms: int | None = None
        "When it left this node, and nothing was heard of the API long after that; None: neither, as far as is known."
        self._preparations = Seldom(SELDOM)

    # --- the five hands

    async def prepare(self) -> Outcome:
        """Find and keep the ENI's private address; say what would forbid a start. One call, seldom three.

        Whether this node is allowed to associate the address is asked beforehand: else a missing permission shows at
        the takeover that needs it.
        """
        whole = self._preparations.due() or not self._private_address
        try:
            await self._watching.address(self._params.allocation_id, CALL_TIMEOUT_MS)
            self._heard()
            if whole:
                self._private_address = await self._discover(self._watching, CALL_TIMEOUT_MS)
                await self._watching.may_associate(
                    self._params.allocation_id, self._params.eni_id, self._private_address, CALL_TIMEOUT_MS
                )
        except Impossible as why:
            self._preparations.again()
            return self._judge.impossible(NOT_READY, why)
        except CloudError as error:
            self._preparations.again()
            self._met(error)
            return self._judge.not_prepared(error)
        return SUCCEEDED

    async def start(self, timeout_ms: int) -> Outcome:
        """Associate the address with this node's ENI, from wherever it is. One call when prepared (E1)."""
        deadline = now() + within_ms(timeout_ms) / 1000
        try:
            if not (self._private_address and await device_with(self._host.network, self._private_address)):
                self._private_address = await patiently(lambda ms: self._discover(self._cloud, ms), deadline)
        except Impossible as why:
            return self._judge.impossible(ACTIVATION, why)
        except CloudError as error:
            return self._not_started(error, changing=False)
        try:
            waits = _answer_waits()
            self._association = await patiently(lambda ms: self._associate(min(ms, next(waits)), deadline), deadline)
        except CloudError as error:
            return self._not_started(error, changing=True)
        self._associated_ms = self._host.now_ms()
        self._left_ms = None
        return SUCCEEDED

    async def stop(self, timeout_ms: int) -> Outcome:
        """End the association if it is still ours. One call when it is known, and never that of another node.

        EC2 has the address at one place only, so the next holder's start ends what a stop could not: an EC2 that does
        not answer is a warning, and no failure of the stop.
        """
        self._associated_ms = None
        deadline = now() + min(within_ms(timeout_ms), GIVE_BACK_MS) / 1000
        try:
            waits = _answer_waits()
            await patiently(lambda ms: self._disassociate(min(ms, next(waits)), deadline), deadline)
        except CloudError as error:
            said = STILL_ASSOCIATED.said(
                resource=self._host.resource, allocation=self._params.allocation_id, eni=self._params.eni_id
            )
            return Outcome(Result.SUCCEEDED, said, f"{error}")
        return SUCCEEDED

    async def check(self, timeout_ms: int) -> Outcome:
        """awseipw (E2): EC2 has the address at this node's ENI. One call."""
        limit_ms = min(within_ms(timeout_ms), CALL_TIMEOUT_MS)
        deadline = now() + limit_ms / 1000
        try:
            address = await self._watching.address(self._params.allocation_id, limit_ms)
        except CloudError as error:
            self._met(error)
            return self._unseen(error, self._params.api_failure)
        if not self._is_ours(address):
            return await self._gone(address, deadline)
        try:
            device = await device_with(self._host.network, address.private_address)
        except Impossible as why:
            return self._judge.unsure(why)
        if device is None:
            return self._judge.impossible(MONITOR_ERROR, not_here(self._params.eni_id, address.private_address))
        return SUCCEEDED

    async def probe(self, timeout_ms: int) -> Outcome:
        """It runs here when EC2 has the address at this node's ENI; nothing on the node itself tells."""
        deadline = now() + within_ms(timeout_ms) / 1000
        try:
            address = await patiently(lambda ms: self._cloud.address(self._params.allocation_id, ms), deadline)
        except CloudError as error:
            return self._unseen(error, "warn")
        if self._is_ours(address):
            return SUCCEEDED
        return failed(NOT_HERE.said(allocation=self._params.allocation_id, eni=self._params.eni_id), _place(address))

    # --- what they do

    async def _discover(self, cloud: Cloud, timeout_ms: int) -> str:
        """The private address of the ENI. Raises CloudError, or Impossible when the ENI is not this node's."""
        interface = await cloud.interface(self._params.eni_id, timeout_ms)
        await device_of(self._host.network, interface)
        return interface.private_address

    async def _associate(self, timeout_ms: int, deadline: float) -> str:
        """One attempt; the association's id. Raises CloudError.

        An answer that did not come is looked up once, over new connections. That says no more than that the address
        is here by an association that was not ended: anything else may be what was before, so it stays unknown, and
        is tried again.
        """
        try:
            association = await self._cloud.associate(
                self._params.allocation_id, self._params.eni_id, self._private_address, timeout_ms
            )
        except CloudError as error:
            self._met(error)
            if error.fault is not CloudFault.NO_ANSWER:
                raise
            try:
                address = await self._cloud.address(self._params.allocation_id, left_ms(deadline))
            except CloudError as silent:
                raise error from silent
            if address.association == self._ended or not self._is_ours(address):
                raise
            return address.association
        self._reconnect()
        return association

    async def _disassociate(self, timeout_ms: int, deadline: float) -> None:
        """One attempt. Raises CloudError.

        An association id names this very association: when another node has taken the address meanwhile, it is gone.
        It is gone as well when somebody made another one with this ENI, so that is looked at.
        """
        known = self._association
        try:
            if known and await self._end(known, timeout_ms):
                return
            address = await self._cloud.address(self._params.allocation_id, min(timeout_ms, left_ms(deadline)))
            if self._is_ours(address) and address.association != known:
                await self._end(address.association, min(timeout_ms, left_ms(deadline)))
        except CloudError as error:
            self._met(error)
            raise

    async def _end(self, association: str, timeout_ms: int) -> bool:
        """Whether it was there to be ended. Raises CloudError."""
        try:
            await self._cloud.disassociate(association, timeout_ms)
        except CloudError as error:
            if not (error.fault is CloudFault.REFUSED and error.code == ASSOCIATION_GONE):
                raise
            ended = False
        else:
            ended = True
        self._association, self._ended = "", association
        self._left_ms = self._host.now_ms()
        self._reconnect()
        return ended

    def _is_ours(self, address: Address) -> bool:
        """Whether EC2 has it here; remembers what a stop has to name.

        What was remembered stays otherwise: to end an association that is over already harms nobody.
        """
        ours = address.interface == self._params.eni_id
        if ours:
            self._association = address.association
        return ours

    def _met(self, error: CloudError) -> None:
        """Silence may be of connections from an address that this node has no more: another node took it."""
        if error.fault is CloudFault.NO_ANSWER:
            self._reconnect()

    def _heard(self) -> None:
        """The API has answered. So soon after the address left, the node may have been let out by it once more."""
        if self._left_ms is not None and self._host.now_ms() - self._left_ms >= VISIBLE_WITHIN_MS:
            self._left_ms = None

    def _reconnect(self) -> None:
        for cloud in (self._cloud, self._host.watching):
            if cloud is not None:
                cloud.reconnect()

    # --- judging

    async def _gone(self, address: Address, deadline: float) -> Outcome:
        """EC2 does not have the address here: where is it?"""
        associated_ms = self._associated_ms
        if associated_ms is not None and self._host.now_ms() - associated_ms < VISIBLE_WITHIN_MS:
            return Outcome(Result.SUCCEEDED, detail=f"not yet visible: {_place(address)}")
        other = node_of(address.interface, self._host.elsewhere)
        if other is not None and self._host.alone():
            # Cut off, both sides would take it from each other for ever. The later takeover keeps it.
            return Outcome(
                Result.SUCCEEDED, self._judge.said(MONITOR_WARNING, LEFT_TO_OTHER, other=other), _place(address)
            )
        whose = await owners(self._watching, (address.interface,), self._host.elsewhere, left_ms(deadline))
        detail = ". ".join(filter(None, (_place(address), whose)))
        return self._judge.wrong(EIP_GONE, detail)

    def _unseen(self, error: CloudError, policy: Policy) -> Outcome:
        """EC2 did not say where the address is; or there is none."""
        if refused(error) and self._judge.reason(error) is ALLOCATION_UNKNOWN:
            return self._judge.wrong(ALLOCATION_UNKNOWN, f"{error}")
        return self._judge.unseen(error, policy)

    def _not_started(self, error: CloudError, *, changing: bool) -> Outcome:
        """It failed; but what passes by itself, and no other node would do better, is unknown and tried until it does.

        So where no other node is there, and where the Elastic IP has left this node: it has no public address yet, and
        the node that has just given it back for this start has none either.
        """
        if not error.transient:
            self._private_address = ""  # the next start, and the next preparation, ask first
        elif error.fault is not CloudFault.REFUSED and (self._left_ms is not None or self._host.alone()):
            return unknown(STILL_TRIED.said(resource=self._host.resource), f"{error}")
        return self._judge.not_started(error, changing=changing)


def _answer_waits() -> Iterator[int]:
    """How long each attempt at a change may take: a dead connection is left soon, a slow API is given its time."""
    return chain((ANSWER_MS,), repeat(CALL_TIMEOUT_MS))


def _place(address: Address) -> str:
    where = f"associated with {address.interface}" if address.interface else "associated with nothing"
    return f"{address.public_address} is {where}"


def _make(params: Params, host: Host) -> Eip:
    if host.cloud is None:
        raise ValueError(f"{host.resource}: an awseip needs `environment: aws`")
    return Eip(params, host, host.cloud)


AWSEIP = ResourceType(
    name="awseip",
    monitor="awseipw",
    title=Message("KM3033", "AWS Elastic IP", "AWS Elastic IP リソース"),
    description=Message(
        "KM3034",
        "A public address that clients reach over the internet, associated with the ENI of the node where the resource "
        "is active. The nodes are in public subnets; it works across Availability Zones.",
        "クライアントがインターネット経由で到達するパブリック IP アドレス。現用系ノードの ENI に関連付けられる。"
        "ノードはパブリックサブネットに置く。アベイラビリティーゾーンをまたいで使用できる。",
    ),
    params=Params,
    per_node_required=("eni_id",),
    # Two nodes never have it at once: EC2 sees to that. So it is not exclusive, and nobody is reset for it.
    # An association is with the primary private address of the ENI, and each private address has one Elastic IP.
    traits=Traits(
        exclusive=False,
        environments=("aws",),
        order=10,
        used_once=(("allocation_id",),),
        used_once_per_node=("eni_id",),
        known_by="allocation_id",
    ),
    messages=MESSAGES,
    make=_make,
)

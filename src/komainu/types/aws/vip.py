"""`awsvip`: a virtual IP that moves by rewriting the route tables of a VPC (V1-V6), with its check `awsvipw`.

The address lies outside the VPC. Each route table that shall reach it has a route VIP/32; starting the resource adds
the address to this node and points all those routes at this node's ENI. A start that was prepared asks nothing first:
one parallel round of ReplaceRoute is the takeover (V6).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, ip_network
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from komainu.model.message import Message, Refused, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.model.traits import Traits
from komainu.ports import Cloud, CloudError, CloudFault, Guarded, Host, ResourceType, Route
from komainu.types.aws.messages import (
    ACTIVATION,
    API_FAILED,
    DEACTIVATION,
    ENI_UNKNOWN,
    INTERNAL,
    MONITOR_ERROR,
    MONITOR_WARNING,
    NOT_READY,
    READINESS_UNKNOWN,
    TIMEOUT,
    VPC_UNKNOWN,
    Frame,
    InternalKind,
    Reason,
    reason_of,
)
from komainu.types.aws.patience import CALL_TIMEOUT_MS, now, patiently, within_ms
from komainu.types.aws.routes import ROUTE_GONE, Routes, told

VIP_IN_VPC = Reason(
    "11",
    7,
    "The VIP address {address} belongs to a VPC subnet.",
    "VIP アドレス {address} は VPC のサブネットに属しています。",
)
VIP_ABSENT = Reason("12", 7, "The VIP address {address} does not exist.", "VIP アドレス {address} が存在しません。")
ROUTING_CHANGED = Reason(
    "13",
    8,
    "The routing for VIP {address} was changed.",
    "VIP {address} へのルーティングが変更されました。",
)
NO_ROUTE = Reason(
    "14",
    9,
    "No route table of {vpc} has a route to VIP {address}/32: add it, pointing at the ENI of a node.",
    "{vpc} のどのルートテーブルにも VIP {address}/32 へのルートがありません。"
    "ノードの ENI をターゲットとして追加してください。",
)
SOURCE_DEST_CHECK = Reason(
    "15",
    10,
    "Source/Dest. Check of {eni} is enabled: packets to VIP {address} do not arrive. Disable it.",
    "{eni} の Source/Dest. Check が有効なため、VIP {address} 宛のパケットが届きません。無効にしてください。",
)
ENI_ELSEWHERE = Reason(
    "16",
    11,
    "{eni} does not belong to {vpc}: a route cannot point at it. Correct the VPC ID or the ENI ID of this node.",
    "{eni} は {vpc} に属していないため、ルートのターゲットにできません。"
    "このノードの VPC ID か ENI ID を訂正してください。",
)

LEFT_TO_OTHER = Reason(
    "17",
    12,
    "The routing for VIP {address} points at {other}. It is not changed back while this node is alone.",
    "VIP {address} へのルーティングは {other} を指しています。このノードが単独で動作している間は元に戻しません。",
)

NOT_HERE = Message(
    "KM3701",
    "The VIP address {address} is on no network interface of this node.",
    "VIP アドレス {address} はこのノードのネットワークインタフェースにありません。",
)

VPCS_DIFFER = Message(
    "KM3702",
    "The nodes are in different VPCs ({vpcs}): each rewrites the route tables of its own VPC only, so clients of one "
    "VPC do not follow to the other.",
    "ノードの VPC が異なります（{vpcs}）。各ノードは自分の VPC のルートテーブルだけを書き換えるため、一方の VPC の"
    "クライアントは他方に追従しません。",
    "warning",
)

NO_VIP = Message(
    "KM3703",
    "{address} cannot be a virtual IP: no other host can reach it as this node's. Give a unicast address outside the "
    "VPC.",
    "{address} は他のホストからこのノード宛に到達できないため、仮想 IP にできません。"
    "VPC の範囲外のユニキャストアドレスを指定してください。",
    "error",
)

_START_REASONS = (API_FAILED, VPC_UNKNOWN, ENI_UNKNOWN, TIMEOUT, VIP_IN_VPC, NO_ROUTE, ENI_ELSEWHERE, INTERNAL)
MESSAGES = (
    *(ACTIVATION.row(reason) for reason in _START_REASONS),
    DEACTIVATION.row(INTERNAL),
    *(MONITOR_ERROR.row(reason) for reason in (API_FAILED, TIMEOUT, VIP_ABSENT, ROUTING_CHANGED)),
    *(MONITOR_WARNING.row(reason) for reason in (API_FAILED, TIMEOUT, SOURCE_DEST_CHECK, LEFT_TO_OTHER, INTERNAL)),
    *(NOT_READY.row(reason) for reason in (*_START_REASONS, SOURCE_DEST_CHECK)),
    *(READINESS_UNKNOWN.row(reason) for reason in (API_FAILED, TIMEOUT, INTERNAL)),
    NOT_HERE,
    VPCS_DIFFER,
    NO_VIP,
)


def _ja(text: str) -> dict[str, Any]:
    return {"description_ja": text}


class Params(BaseModel):
    """The parameters of an AWS virtual IP (V1)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    address: IPv4Address = Field(
        json_schema_extra=_ja("VIP アドレス。VPC の CIDR の範囲外にする。ルートテーブルには /32 で登録しておく。")
    )
    "The virtual address. It lies outside the VPC's CIDR blocks; the route tables have it as a /32 route."
    vpc_id: Annotated[str, StringConstraints(pattern=r"^vpc-[0-9a-z]+$")] = Field(
        json_schema_extra=_ja("ノードが属する VPC の ID。ノードによって異なる場合は個別に設定する。")
    )
    "The VPC of the node. Nodes may be in different VPCs: each rewrites the tables of its own."
    eni_id: Annotated[str, StringConstraints(pattern=r"^eni-[0-9a-z]+$")] = Field(
        json_schema_extra=_ja("VIP のルーティング先となる、このノードの ENI の ID。ノードごとの設定が必須。")
    )
    "The network interface of the node that the routes shall point at. Every node has its own."
    api_failure: Literal["warn", "recover"] = Field(
        default="warn",
        json_schema_extra=_ja(
            "監視中に AWS API から答えが得られないときの動作。warn: 警告のみ。recover: 異常とみなす。"
        ),
    )
    "What the monitor makes of an AWS API that does not answer: `warn` only, or treat it as an error and `recover`."

    @field_validator("address")
    @classmethod
    def _usable(cls, address: IPv4Address) -> IPv4Address:
        if address.is_multicast or address.is_loopback or address.is_unspecified or address.is_link_local:
            raise Refused(NO_VIP.said(address=str(address)))
        return address


@dataclass(frozen=True, slots=True)
class _Found:
    """What a start needs to know, found by prepare, by a check, or by a cold start."""

    device: str
    "The local network device that carries the ENI's primary address."
    tables: tuple[str, ...]
    "Every route table of the VPC that has a route to the VIP."
    source_dest_check: bool


class _Impossible(Exception):
    """The answers are all there, and they forbid the start."""

    def __init__(self, reason: Reason, detail: str = "", status: int = 0) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.status = status


class Vip:
    """One AWS virtual IP on one node: `komainu.ports.ResourceHands`."""

    def __init__(self, params: Params, host: Host, cloud: Cloud) -> None:
        self._params = params
        self._host = host
        self._cloud = cloud
        self._address = str(params.address)
        self._routes = Routes(cloud, params.vpc_id, f"{params.address}/32", params.eni_id, host.now_ms)
        self._found: _Found | None = None
        self._read_back: asyncio.Task[None] | None = None

    # --- the five hands

    async def prepare(self) -> Outcome:
        """Find and keep what a start needs; say what would forbid it (V2, V5, V6)."""
        try:
            self._found = await self._discover(CALL_TIMEOUT_MS)
        except _Impossible as forbidden:
            self._found = None
            return failed(self._said(NOT_READY, forbidden.reason, forbidden.status), forbidden.detail)
        except CloudError as error:
            return self._not_prepared(error)
        if self._found.source_dest_check:
            return failed(self._said(NOT_READY, SOURCE_DEST_CHECK))
        return SUCCEEDED

    async def start(self, timeout_ms: int) -> Outcome:
        """Add the address and point every route at this node's ENI. Online on ReplaceRoute's answers (V6)."""
        deadline = now() + within_ms(timeout_ms) / 1000
        await self._end_read_back()
        self._routes.forget()
        try:
            found, errors = await self._take_over(deadline)
        except _Impossible as forbidden:
            self._found = None
            return failed(self._said(ACTIVATION, forbidden.reason, forbidden.status), forbidden.detail)
        except CloudError as error:  # of a question: nothing was changed by it
            return self._not_started((error,), f"{error}")
        if errors:
            return self._not_all_written(found, errors)
        self._found = found
        self._begin_read_back(found)
        if found.source_dest_check:
            return Outcome(Result.SUCCEEDED, self._said(MONITOR_WARNING, SOURCE_DEST_CHECK))
        return SUCCEEDED

    async def stop(self, timeout_ms: int) -> Outcome:
        """Take the address off this node. The routes stay: the next holder points them at itself (V1)."""
        await self._end_read_back()
        self._routes.forget()
        try:
            await self._host.network.remove_address(self._address)
        except OSError as error:
            return failed(self._said(DEACTIVATION, INTERNAL, InternalKind.KERNEL), f"{error}")
        return SUCCEEDED

    async def check(self, timeout_ms: int) -> Outcome:
        """awsvipw (V3): the address is on this node, and the routes point at this node's ENI."""
        try:
            device = await self._host.network.device_with(self._address)
        except OSError as error:
            return unknown(self._said(MONITOR_WARNING, INTERNAL, InternalKind.KERNEL), f"{error}")
        if device is None:
            return failed(self._said(MONITOR_ERROR, VIP_ABSENT))
        limit_ms = min(within_ms(timeout_ms), CALL_TIMEOUT_MS)
        routes, interface = await asyncio.gather(
            self._routes.read(limit_ms),
            self._cloud.interface(self._params.eni_id, limit_ms),
            return_exceptions=True,
        )
        if isinstance(routes, CloudError):
            return self._api_silent(routes)
        if isinstance(routes, BaseException):
            raise routes
        if isinstance(interface, BaseException) and not isinstance(interface, CloudError):
            raise interface
        on = None if isinstance(interface, CloudError) else interface.source_dest_check
        self._remember(routes, device, on)
        return self._judge(routes, bool(on))

    async def probe(self, timeout_ms: int) -> Outcome:
        """It runs here when the kernel has the address; the routes are the check's concern."""
        try:
            device = await self._host.network.device_with(self._address)
        except OSError as error:
            return unknown(self._said(MONITOR_WARNING, INTERNAL, InternalKind.KERNEL), f"{error}")
        return SUCCEEDED if device is not None else failed(NOT_HERE.said(address=self._address))

    # --- finding out

    async def _discover(self, timeout_ms: int) -> _Found:
        """Ask the API and the kernel. Raises CloudError, or _Impossible when the answers forbid a start."""
        vpc, eni = self._params.vpc_id, self._params.eni_id
        cidrs, interface, routes = await asyncio.gather(
            self._cloud.vpc_cidrs(vpc, timeout_ms),
            self._cloud.interface(eni, timeout_ms),
            self._routes.read(timeout_ms),
            return_exceptions=True,
        )
        # In this order: of an unknown VPC the list of routes is empty, which would be the lesser reason.
        if isinstance(cidrs, BaseException):
            raise cidrs
        if isinstance(interface, BaseException):
            raise interface
        if isinstance(routes, BaseException):
            raise routes
        inside = [cidr for cidr in cidrs if self._params.address in ip_network(cidr)]
        if inside:
            raise _Impossible(VIP_IN_VPC, f"{self._address} lies in {inside[0]} of {vpc}")
        if interface.vpc != vpc:
            raise _Impossible(ENI_ELSEWHERE, f"{eni} belongs to {interface.vpc}")
        if not routes:
            raise _Impossible(NO_ROUTE)
        try:
            device = await self._host.network.device_with(interface.private_address)
        except OSError as error:
            raise _Impossible(INTERNAL, f"{error}", InternalKind.KERNEL) from error
        if device is None:
            owner = f"{eni} ({interface.private_address}, {interface.instance or 'attached to no instance'})"
            raise _Impossible(INTERNAL, f"no network device of this node carries {owner}", InternalKind.NO_DEVICE)
        return _Found(device, tuple(route.table for route in routes), interface.source_dest_check)

    # --- taking over

    async def _take_over(self, deadline: float) -> tuple[_Found, dict[str, CloudError]]:
        """Address first, then the routes. Answers what was found and the tables that could not be written.

        The address comes first because it is local and costs a millisecond: a packet never arrives at a node that
        would drop it. What was cached may be out of date; then it is found out afresh, once.
        """
        found = self._found
        if found is None:
            found = await self._fresh(deadline)
            await self._add_address(found)
        else:
            try:
                await self._add_address(found)
            except _Impossible:  # the device of the cache may have been renamed or replaced
                found = await self._fresh(deadline)
                await self._add_address(found)
        errors = await self._routes.write(found.tables, deadline)
        if any(error.code in ROUTE_GONE for error in errors.values()):
            found = await self._fresh(deadline)
            await self._add_address(found)
            left = tuple(table for table in found.tables if not self._routes.written(table))
            errors = await self._routes.write(left, deadline)
        return found, errors

    async def _fresh(self, deadline: float) -> _Found:
        return await patiently(self._discover, deadline)

    async def _add_address(self, found: _Found) -> None:
        try:
            await self._host.network.add_address(found.device, self._address, 32)
        except OSError as error:
            detail = f"{self._address}/32 on {found.device}: {error}"
            raise _Impossible(INTERNAL, detail, InternalKind.KERNEL) from error

    # --- looking back

    def _begin_read_back(self, found: _Found) -> None:
        def seen(routes: tuple[Route, ...]) -> None:
            self._remember(routes, found.device, found.source_dest_check)

        looking = self._routes.look_back(seen)
        self._read_back = asyncio.create_task(looking, name=f"read-back of {self._host.resource}")
        self._read_back.add_done_callback(self._read_back_ended)

    async def _end_read_back(self) -> None:
        task, self._read_back = self._read_back, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _read_back_ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        said = self._said(MONITOR_WARNING, INTERNAL, InternalKind.DEFECT)
        self._host.report(unknown(said, f"{type(error).__name__}: {error}"))

    def _remember(self, routes: tuple[Route, ...], device: str, source_dest_check: bool | None) -> None:
        """Keep the cache true while the resource runs (V6). None: the API did not say."""
        on = source_dest_check
        if on is None and self._found is not None:
            on = self._found.source_dest_check
        if routes and on is not None:
            self._found = _Found(device, tuple(route.table for route in routes), on)

    # --- judging

    def _judge(self, routes: tuple[Route, ...], source_dest_check: bool) -> Outcome:
        """What the routes say of a running resource."""
        if not routes:
            return failed(self._said(MONITOR_ERROR, ROUTING_CHANGED), "no route table has the route any more")
        changed, fresh = self._routes.elsewhere(routes)
        others = self._owners(changed) if self._host.alone() else ()
        if changed and len(others) == len(changed):
            # Cut off, both sides would change the routes back and forth for ever. The later takeover keeps them.
            said = self._said(MONITOR_WARNING, LEFT_TO_OTHER, other=", ".join(dict.fromkeys(others)))
            return Outcome(Result.SUCCEEDED, said, told(changed))
        if changed:
            return failed(self._said(MONITOR_ERROR, ROUTING_CHANGED), told(changed))
        detail = f"not yet visible: {told(fresh)}" if fresh else ""
        if source_dest_check:
            return Outcome(Result.SUCCEEDED, self._said(MONITOR_WARNING, SOURCE_DEST_CHECK), detail)
        return Outcome(Result.SUCCEEDED, detail=detail)

    def _owners(self, routes: tuple[Route, ...]) -> tuple[str, ...]:
        """The other configured nodes at whose interfaces the routes point, one for each such route."""
        nodes = {params.get("eni_id"): node for node, params in self._host.elsewhere.items()}
        return tuple(nodes[route.interface] for route in routes if route.interface in nodes)

    def _api_silent(self, error: CloudError) -> Outcome:
        """The check could not see the routes. That is no failure of the resource unless the policy says so (N4)."""
        if error.fault is CloudFault.INTERNAL:
            return unknown(self._said(MONITOR_WARNING, INTERNAL, InternalKind.DEFECT), f"{error}")
        reason = TIMEOUT if error.timed_out else API_FAILED
        if self._params.api_failure == "recover":
            return failed(self._said(MONITOR_ERROR, reason), f"{error}")
        return unknown(self._said(MONITOR_WARNING, reason), f"{error}")

    def _not_prepared(self, error: CloudError) -> Outcome:
        reason = reason_of(error)
        status = InternalKind.DEFECT if reason is INTERNAL else 0
        if error.fault is CloudFault.REFUSED and not error.transient:
            if reason in (VPC_UNKNOWN, ENI_UNKNOWN):
                self._found = None
            return failed(self._said(NOT_READY, reason, status), f"{error}")
        known = reason if reason in (API_FAILED, TIMEOUT, INTERNAL) else API_FAILED
        return unknown(self._said(READINESS_UNKNOWN, known, status), f"{error}")

    def _not_all_written(self, found: _Found, errors: dict[str, CloudError]) -> Outcome:
        """Some routes do not point here: say which, and why. Unknown when a change may have been made after all."""
        each = [f"{table}: {errors[table]}" if table in errors else f"{table}: done" for table in found.tables]
        outcome = self._not_started(tuple(errors.values()), "; ".join(each))
        lost = any(error.fault is CloudFault.NO_ANSWER for error in errors.values())
        return replace(outcome, result=Result.UNKNOWN) if lost else outcome

    def _not_started(self, errors: tuple[CloudError, ...], detail: str) -> Outcome:
        """The API did not grant the start; the most telling of the errors gives the reason."""
        if not all(error.transient for error in errors):
            self._found = None  # the next start asks first
        reason = reason_of(min(errors, key=_rank))
        return failed(self._said(ACTIVATION, reason, InternalKind.DEFECT if reason is INTERNAL else 0), detail)

    def _said(self, frame: Frame, reason: Reason, status: int = 0, other: str = "") -> Said:
        return frame.row(reason).said(
            resource=self._host.resource,
            monitor=AWSVIP.monitor_name(self._host.resource),
            address=self._address,
            vpc=self._params.vpc_id,
            eni=self._params.eni_id,
            status=int(status),
            other=other,
        )


def _rank(error: CloudError) -> int:
    """Which of several errors tells the most: a wrong id, then a doubtful change, then any other."""
    if reason_of(error) in (VPC_UNKNOWN, ENI_UNKNOWN):
        return 0
    return 1 if error.fault is CloudFault.NO_ANSWER else 2


def _make(params: Params, host: Host) -> Vip:
    if host.cloud is None:
        raise ValueError(f"{host.resource}: an awsvip needs `environment: aws`")
    return Vip(params, host, host.cloud)


def _advise(params: Mapping[str, Params]) -> tuple[Said, ...]:
    """V1: what the configuration should warn of when the nodes are seen together."""
    vpcs = tuple(dict.fromkeys(each.vpc_id for each in params.values()))
    return (VPCS_DIFFER.said(vpcs=", ".join(vpcs)),) if len(vpcs) > 1 else ()


AWSVIP = ResourceType(
    name="awsvip",
    monitor="awsvipw",
    title=Message("KM3001", "AWS virtual IP", "AWS 仮想 IP リソース"),
    description=Message(
        "KM3002",
        "An address outside the VPC that clients of the VPC reach through a route of their route table. "
        "The route always points at the node where the resource is active; it works across Availability Zones.",
        "VPC の CIDR の範囲外にある IP アドレス。VPC 内のクライアントはルートテーブルのルートを通じて到達する。"
        "ルートは常に現用系ノードを指し、アベイラビリティーゾーンをまたいで使用できる。",
    ),
    params=Params,
    per_node_required=("eni_id",),
    traits=Traits(exclusive=False, environments=("aws",), order=10, addresses=("address",), ended_by="network"),
    messages=MESSAGES,
    make=_make,
    advise=_advise,
    guards=lambda params: Guarded(addresses=(str(params["address"]),)),
)

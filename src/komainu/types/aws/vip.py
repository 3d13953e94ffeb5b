"""`awsvip`: a virtual IP that moves by rewriting the route tables of a VPC (V1-V6), with its check `awsvipw`.

The address lies outside the VPC. Each route table that shall reach it has a route to it alone (/32, or /128 for IPv6);
starting the resource adds the address to this node and points all those routes at this node's ENI. A start that was
prepared asks nothing first: one parallel round of ReplaceRoute is the takeover (V6).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_network

from komainu.model.message import Message, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed
from komainu.model.traits import Traits
from komainu.ports import Cloud, CloudError, CloudFault, Guarded, Host, Interface, ResourceType, Route
from komainu.types.aws.accounts import Accounts
from komainu.types.aws.eni import device_of, device_with
from komainu.types.aws.judge import Impossible, Judge
from komainu.types.aws.messages import (
    ACTIVATION,
    DEACTIVATION,
    ENI_UNKNOWN,
    INTERNAL,
    NOT_READY,
    VPC_UNKNOWN,
    InternalKind,
    reason_of,
)
from komainu.types.aws.owners import node_of, owners
from komainu.types.aws.patience import CALL_TIMEOUT_MS, SELDOM, Seldom, left_ms, now, patiently, within_ms
from komainu.types.aws.routes import ROUTE_GONE, Routes, Wanted, told
from komainu.types.aws.silence import refused
from komainu.types.aws.vip_messages import (
    ENI_ELSEWHERE,
    LEFT_TO_OTHER,
    MESSAGES,
    NO_ROUTE,
    NOT_HERE,
    ROUTING_CHANGED,
    SOURCE_DEST_CHECK,
    VIP_ABSENT,
    VIP_IN_VPC,
    VPCS_DIFFER,
)
from komainu.types.aws.vip_params import Params


@dataclass(frozen=True, slots=True)
class _Found:
    """What a start needs to know, found by prepare, by a check, or by a cold start."""

    device: str
    "The local network device that carries the ENI's primary address."
    routes: tuple[Route, ...]
    "To the VIP, in every route table of the VPC that has one; where they point is of the moment they were seen."
    source_dest_check: bool

    @property
    def tables(self) -> tuple[str, ...]:
        """The route tables."""
        return tuple(route.table for route in self.routes)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What hardly ever changes, and is asked for seldom while nothing hangs on it."""

    cidrs: tuple[str, ...]
    interface: Interface


class Vip:
    """One AWS virtual IP on one node: `komainu.ports.ResourceHands`."""

    def __init__(self, params: Params, host: Host, cloud: Cloud) -> None:
        self._params = params
        self._host = host
        self._address = str(params.address)
        self._prefix = params.address.max_prefixlen
        self._acting = Accounts(cloud, params.roles)
        self._watching = Accounts(host.watching or cloud, params.roles)
        self._wanted = Wanted(params.vpc_id, f"{params.address}/{self._prefix}", params.eni_id)
        facts = {"address": self._address, "route": self._wanted.destination}
        facts |= {"vpc": params.vpc_id, "eni": params.eni_id}
        self._judge = Judge(host.resource, AWSVIP.monitor_name(host.resource), facts)
        self._routes = Routes(self._wanted, self._acting, self._watching, host.now_ms)
        self._found: _Found | None = None
        self._facts: _Facts | None = None
        "As a preparation learned them; None: the next one asks for them."
        self._preparations = Seldom(SELDOM)
        self._checks = Seldom(SELDOM)
        self._asked = 0
        "How often it was asked whether a route may be written."
        self._without = ""
        "What a preparation said of tables that have no route to the VIP."
        self._read_back: asyncio.Task[None] | None = None

    # --- the five hands

    async def prepare(self) -> Outcome:
        """Find and keep what a start needs; say what would forbid it (V2, V5, V6)."""
        whole = self._preparations.due() or self._facts is None
        try:
            self._found = await self._discover(self._watching, CALL_TIMEOUT_MS, None if whole else self._facts)
        except Impossible as why:
            self._found = None
            return self._look_again(self._judge.impossible(NOT_READY, why))
        except CloudError as error:
            if refused(error) and self._judge.reason(error) in (VPC_UNKNOWN, ENI_UNKNOWN):
                self._found = None
            return self._look_again(self._judge.not_prepared(error))
        if self._found.source_dest_check:
            return self._look_again(self._judge.impossible(NOT_READY, Impossible(SOURCE_DEST_CHECK)))
        if whole:
            forbidden_write = await self._forbidden_write(self._found)
            if forbidden_write is not None:
                return self._look_again(self._judge.not_prepared(forbidden_write))
            self._without = await self._tables_without(self._found)
        return Outcome(Result.SUCCEEDED, detail=self._without)

    async def start(self, timeout_ms: int) -> Outcome:
        """Add the address and point every route at this node's ENI. Online on ReplaceRoute's answers (V6)."""
        deadline = now() + within_ms(timeout_ms) / 1000
        await self._end_read_back()
        self._routes.forget()
        try:
            found, errors = await self._take_over(deadline)
        except Impossible as why:
            self._found = None
            return self._judge.impossible(ACTIVATION, why)
        except CloudError as error:
            return self._not_started((error,), changing=False)
        if errors:
            return self._not_all_written(found, errors)
        self._found = found
        self._begin_read_back(found)
        if found.source_dest_check:
            return self._judge.caution(SOURCE_DEST_CHECK)
        return SUCCEEDED

    async def stop(self, timeout_ms: int) -> Outcome:
        """Take the address off this node. The routes stay: the next holder points them at itself (V1)."""
        await self._end_read_back()
        self._routes.forget()
        try:
            await self._host.network.remove_address(self._address)
        except OSError as error:
            return self._judge.impossible(DEACTIVATION, Impossible(INTERNAL, f"{error}", InternalKind.KERNEL))
        return SUCCEEDED

    async def check(self, timeout_ms: int) -> Outcome:
        """awsvipw (V3): the address is on this node, and the routes point at this node's ENI."""
        try:
            device = await device_with(self._host.network, self._address)
        except Impossible as why:
            return self._judge.unsure(why)
        if device is None:
            return self._judge.wrong(VIP_ABSENT)
        limit_ms = min(within_ms(timeout_ms), CALL_TIMEOUT_MS)
        deadline = now() + limit_ms / 1000
        seen, on = await asyncio.gather(self._routes.look(limit_ms), self._source_dest_check(limit_ms))
        drift = self._drift(seen.routes)
        if seen.errors and not drift:
            return self._judge.unseen(seen.errors[0], self._params.api_failure)
        if not seen.errors:
            self._remember(seen.routes, device, on)
        return await self._drifted(drift, left_ms(deadline)) if drift else self._unchanged(seen.routes, bool(on))

    async def probe(self, timeout_ms: int) -> Outcome:
        """It runs here when the kernel has the address; the routes are the check's concern."""
        try:
            device = await device_with(self._host.network, self._address)
        except Impossible as why:
            return self._judge.unsure(why)
        return SUCCEEDED if device is not None else failed(NOT_HERE.said(address=self._address))

    # --- finding out

    async def _discover(self, accounts: Accounts, timeout_ms: int, known: _Facts | None) -> _Found:
        """Ask the API and the kernel. Raises CloudError, or Impossible when the answers forbid a start."""
        vpc, eni = self._params.vpc_id, self._params.eni_id
        look = accounts.routes(vpc, self._wanted.destination, timeout_ms)
        if known is not None:
            cidrs, interface, routes = known.cidrs, known.interface, await look
        else:
            answers = await asyncio.gather(
                accounts.own.vpc_cidrs(vpc, timeout_ms),
                accounts.own.interface(eni, timeout_ms),
                look,
                return_exceptions=True,
            )
            # In this order: of an unknown VPC the list of routes is empty, which would be the lesser reason.
            for answer in answers:
                if isinstance(answer, BaseException):
                    raise answer
            cidrs, interface, routes = answers  # type: ignore[assignment]
            self._facts = _Facts(cidrs, interface)
        inside = [cidr for cidr in cidrs if self._params.address in ip_network(cidr)]
        if inside:
            raise Impossible(VIP_IN_VPC, f"{self._address} lies in {inside[0]} of {vpc}")
        if interface.vpc != vpc:
            raise Impossible(ENI_ELSEWHERE, f"{eni} belongs to {interface.vpc}")
        if not routes:
            raise Impossible(NO_ROUTE)
        device = await device_of(self._host.network, interface)
        return _Found(device, routes, interface.source_dest_check)

    async def _source_dest_check(self, timeout_ms: int) -> bool | None:
        """V5, for a running resource; None when it was not asked for now, or not answered."""
        if not (self._checks.due() or self._found is None or self._found.source_dest_check):
            return None if self._found is None else self._found.source_dest_check
        try:
            return (await self._watching.own.interface(self._params.eni_id, timeout_ms)).source_dest_check
        except CloudError:
            self._checks.again()
            return None

    async def _tables_without(self, found: _Found) -> str:
        """V1: a table without the route is information. It is also what is wrong when a client does not follow."""
        try:
            tables = await self._watching.without(self._params.vpc_id, found.routes, CALL_TIMEOUT_MS)
        except CloudError:
            return self._without
        return f"no route to {self._wanted.destination} in {', '.join(tables)}" if tables else ""

    async def _forbidden_write(self, found: _Found) -> CloudError | None:
        """Why this node may not write a route: else a missing permission shows at the takeover that needs it.

        It is asked of one table at a time. The question names the target that the route has: even an endpoint that
        took the question for an order would change nothing.
        """
        route = found.routes[self._asked % len(found.routes)]
        try:
            await self._watching.may_replace_route(route, route.interface or self._wanted.interface, CALL_TIMEOUT_MS)
        except CloudError as error:
            return error if refused(error) and error.code not in ROUTE_GONE else None
        self._asked += 1
        return None

    def _look_again(self, outcome: Outcome) -> Outcome:
        """The next preparation asks for everything: what was found may just be mended."""
        self._facts = None
        return outcome

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
            except Impossible:  # the device of the cache may have been renamed or replaced
                found = await self._fresh(deadline)
                await self._add_address(found)
        errors = await self._routes.write(found.tables, deadline)
        if any(error.code in ROUTE_GONE for error in errors.values()):
            try:
                found = await self._fresh(deadline)
            except CloudError:
                return found, errors  # they are what is known of the tables
            await self._add_address(found)
            left = tuple(table for table in found.tables if not self._routes.written(table))
            errors = await self._routes.write(left, deadline)
        return found, errors

    async def _fresh(self, deadline: float) -> _Found:
        return await patiently(lambda timeout_ms: self._discover(self._acting, timeout_ms, None), deadline)

    async def _add_address(self, found: _Found) -> None:
        try:
            await self._host.network.add_address(found.device, self._address, self._prefix)
        except OSError as error:
            detail = f"{self._wanted.destination} on {found.device}: {error}"
            raise Impossible(INTERNAL, detail, InternalKind.KERNEL) from error

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
        defect = Impossible(INTERNAL, f"{type(error).__name__}: {error}", InternalKind.DEFECT)
        self._host.report(self._judge.unsure(defect))

    def _remember(self, routes: tuple[Route, ...], device: str, source_dest_check: bool | None) -> None:
        """Keep the cache true while the resource runs (V6). None: the API did not say."""
        on = source_dest_check
        if on is None and self._found is not None:
            on = self._found.source_dest_check
        if routes and on is not None:
            self._found = _Found(device, routes, on)

    # --- judging

    def _drift(self, routes: tuple[Route, ...]) -> tuple[Route, ...]:
        """The routes that somebody else has changed."""
        return self._routes.elsewhere(routes)[0]

    async def _drifted(self, changed: tuple[Route, ...], timeout_ms: int) -> Outcome:
        """Somebody else has changed routes of a running resource: a restart repairs them, unless this node is alone."""
        others = dict.fromkeys(node_of(route.interface, self._host.elsewhere) for route in changed)
        other = ", ".join(filter(None, others))
        if self._host.alone() and other:
            # Cut off, both sides would change the routes back and forth for ever. The later takeover keeps them, and
            # repairs what points elsewhere.
            return self._judge.caution(LEFT_TO_OTHER, told(changed), other=other)
        names = tuple(route.interface for route in changed)
        whose = await owners(self._watching.own, names, self._host.elsewhere, timeout_ms)
        return self._judge.wrong(ROUTING_CHANGED, ". ".join(filter(None, (told(changed), whose))))

    def _unchanged(self, routes: tuple[Route, ...], source_dest_check: bool) -> Outcome:
        """What the routes say of a running resource, when none was changed."""
        if not routes:
            return self._judge.wrong(ROUTING_CHANGED, "no route table has the route any more")
        fresh = self._routes.elsewhere(routes)[1]
        detail = f"not yet visible: {told(fresh)}" if fresh else ""
        if source_dest_check:
            return self._judge.caution(SOURCE_DEST_CHECK, detail)
        return Outcome(Result.SUCCEEDED, detail=detail)

    def _not_all_written(self, found: _Found, errors: dict[str, CloudError]) -> Outcome:
        """Some routes do not point here: say which, and why. Unknown when a change may have been made after all."""
        each = [f"{table}: {errors[table]}" if table in errors else f"{table}: done" for table in found.tables]
        outcome = self._not_started(tuple(errors.values()), "; ".join(each), changing=True)
        lost = any(error.fault is CloudFault.NO_ANSWER for error in errors.values())
        return replace(outcome, result=Result.UNKNOWN) if lost else outcome

    def _not_started(self, errors: tuple[CloudError, ...], detail: str = "", *, changing: bool) -> Outcome:
        """The most telling of the errors gives the reason."""
        if not all(error.transient for error in errors):
            self._found = None  # the next start asks first
        return self._judge.not_started(min(errors, key=_rank), detail, changing=changing)


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
    advise=_advise,
    guards=lambda params: Guarded(addresses=(str(params["address"]),)),
)

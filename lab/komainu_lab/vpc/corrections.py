"""Where moto differs from EC2 in the calls that matter here, and how it is put right, in process.

Each correction is one function with its reason; tests show moto wrong without it and right with it, so that one that
moto has made needless is noticed. moto is pinned exactly: private classes are replaced here.

"documented" = EC2's documentation says so. "believed" = common knowledge about EC2, to be tried in a real account.

How instances start and stop is put right in `instances`. Not corrected: Resource and Condition elements of policies
are not trustworthy; nothing is eventually consistent (the fabric can delay packets, see `fabric`).
"""

import base64
import binascii
from collections.abc import Callable, Iterable
from ipaddress import ip_network
from typing import Any

from moto.core.exceptions import AccessDeniedError, _RESTError
from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidAllocationIdError,
    InvalidVPCIdError,
    MissingParameterError,
    ResourceAlreadyAssociatedError,
    RouteAlreadyExistsError,
)
from moto.ec2.models import vpcs
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.instances import Instance
from moto.ec2.models.route_tables import Route, RouteBackend, RouteTable
from moto.ec2.responses.elastic_ip_addresses import ElasticIPAddresses
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces
from moto.ec2.responses.route_tables import RouteTables
from moto.iam.access_control import IAMRequest

from komainu_lab.topology import VPC_CIDR6

_ABSENT = object()


class Applied:
    """The corrections that hold now; `withdraw` restores moto as it was."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, str, Any]] = []

    def replace(self, owner: Any, name: str, value: Any) -> Any:
        """Put `value` in the place of an attribute of a class and return what was there."""
        before = owner.__dict__.get(name, _ABSENT)
        self._before.append((owner, name, before))
        setattr(owner, name, value)
        return before

    def withdraw(self) -> None:
        """Restore everything, last change first."""
        while self._before:
            owner, name, before = self._before.pop()
            if before is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, before)


def interface_is_live(interface: Any) -> bool:
    """Whether packets can reach a network interface: it exists, and the instance that holds it may run.

    An instance that is `stopping` may still work: that is why it proves nothing.
    """
    return (
        interface.id in interface.ec2_backend.enis
        and interface.instance is not None
        and interface.instance.state in ("running", "stopping", "shutting-down")
    )


def interface_of(route: Any) -> Any | None:
    """The network interface a route points at, directly or as the first one of an instance; None: elsewhere."""
    if route.interface is not None:
        return route.interface
    return route.instance.nics.get(0) if route.instance is not None else None


def dry_run(applied: Applied) -> None:
    """DryRun answers DryRunOperation and changes nothing (documented); moto ignores it in these calls."""
    calls: tuple[tuple[Any, str], ...] = (
        *((RouteTables, name) for name in ("create_route", "replace_route", "delete_route")),
        *((RouteTables, name) for name in ("associate_route_table", "disassociate_route_table")),
        *((RouteTables, name) for name in ("create_route_table", "delete_route_table")),
        (RouteTables, "replace_route_table_association"),
        (ElasticNetworkInterfaces, "assign_private_ip_addresses"),
        (ElasticNetworkInterfaces, "unassign_private_ip_addresses"),
    )
    for owner, name in calls:
        applied.replace(owner, name, _after_dry_run_check(owner.__dict__[name]))


def _after_dry_run_check(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(self: Any) -> Any:
        self.error_on_dryrun()
        return original(self)

    return checked


def atomic_replace_route(applied: Applied) -> None:
    """A failed ReplaceRoute changes nothing (believed); moto clears the old target before it looks for the new one."""

    def replace_route(self: Any, route_table_id: str, *args: Any, **kwargs: Any) -> Any:
        given = {**dict(zip(_REPLACE_ROUTE_NAMES, args, strict=False)), **kwargs}
        self.get_route_table(route_table_id)
        _require_targets(self, given)
        return original(self, route_table_id, **given)

    original = applied.replace(RouteBackend, "replace_route", replace_route)


_REPLACE_ROUTE_NAMES = (
    "destination_cidr_block",
    "destination_ipv6_cidr_block",
    "destination_prefix_list_id",
    "nat_gateway_id",
    "egress_only_igw_id",
    "transit_gateway_id",
)
"moto's own caller gives these by position."


def _require_targets(backend: Any, given: dict[str, Any]) -> None:
    """Raise what EC2 answers when a target does not exist, before anything is changed."""
    found = False
    for name, value in given.items():
        if value is None or name not in _FINDERS:
            continue
        _FINDERS[name](backend, value)
        found = True
    if not found:
        raise MissingParameterError("GatewayId or NetworkInterfaceId, or another target")


def _find_gateway(backend: Any, gateway: str) -> None:
    if gateway.startswith("vgw-"):
        backend.get_vpn_gateway(gateway)
    elif gateway.startswith("igw-"):
        backend.get_internet_gateway(gateway)


def _find_nat_gateway(backend: Any, gateway: str) -> None:
    if gateway not in backend.nat_gateways:
        raise EC2ClientError("NatGatewayNotFound", f"The Nat Gateway {gateway} was not found")


def _find_transit_gateway(backend: Any, gateway: str) -> None:
    if gateway not in backend.transit_gateways:
        raise EC2ClientError("InvalidTransitGatewayID.NotFound", f"Transit Gateway {gateway} does not exist")


_FINDERS: dict[str, Callable[[Any, str], object]] = {
    "gateway_id": _find_gateway,
    "nat_gateway_id": _find_nat_gateway,
    "transit_gateway_id": _find_transit_gateway,
    "egress_only_igw_id": lambda backend, value: backend.get_egress_only_igw(value),
    "instance_id": lambda backend, value: backend.get_instance(value),
    "interface_id": lambda backend, value: backend.get_network_interface(value),
    "vpc_peering_connection_id": lambda backend, value: backend.get_vpc_peering_connection(value),
}


def blackhole(applied: Applied) -> None:
    """A route whose target is not available is a `blackhole` (documented for a terminated instance and for a detached
    gateway; believed for a stopped instance, a deleted or unattached interface); moto says `active` always."""

    def state(self: Any) -> str:
        interface = interface_of(self)
        if interface is not None:
            return "active" if interface_is_live(interface) else "blackhole"
        gateway = self.gateway
        if gateway is not None and gateway.id.startswith("igw-") and gateway.vpc is None:
            return "blackhole"
        return "active"

    applied.replace(Route, "state", property(state))


def same_vpc(applied: Applied) -> None:
    """A route to an interface of another VPC is refused (believed); moto accepts it."""

    def checked(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, route_table_id: str, *args: Any, **kwargs: Any) -> Any:
            interface_id = kwargs.get("interface_id")
            if interface_id:
                table = self.get_route_table(route_table_id)
                interface = self.get_network_interface(interface_id)
                if interface.vpc_id != table.vpc_id:
                    raise EC2ClientError(
                        "InvalidParameterValue",
                        f"route table {table.id} and network interface {interface.id} belong to different networks",
                    )
            return original(self, route_table_id, *args, **kwargs)

        return call

    for name in ("create_route", "replace_route"):
        applied.replace(RouteBackend, name, checked(RouteBackend.__dict__[name]))


def existing_route(applied: Applied) -> None:
    """CreateRoute to a destination that has a route is RouteAlreadyExists (documented); with an interface as target
    moto overwrites the route silently."""

    def create_route(self: Any, route_table_id: str, destination_cidr_block: Any, *args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("local"):
            wanted = destination_cidr_block or (args[0] if args else kwargs.get("destination_ipv6_cidr_block"))
            for route in self.get_route_table(route_table_id).routes:
                present = route.destination_cidr_block or route.destination_ipv6_cidr_block
                if wanted and present and ip_network(wanted, strict=False) == ip_network(present):
                    raise RouteAlreadyExistsError(wanted)
        return original(self, route_table_id, destination_cidr_block, *args, **kwargs)

    original = applied.replace(RouteBackend, "create_route", create_route)


def reassociation(applied: Applied) -> None:
    """AssociateAddress takes the address from where it is unless AllowReassociation is false (documented), says the
    same association id again when nothing changes (documented as idempotent, the same id believed), takes the address
    off the old interface, and displaces another address from the new one (believed). moto refuses by default, makes a
    new id each time, leaves the address at the old interface as well, and keeps both."""

    def answer(self: Any) -> Any:
        if self._get_param("AllowReassociation") is None:
            self.params["AllowReassociation"] = True
        return answered(self)

    def associate_address(
        self: Any,
        instance: Any = None,
        eni: Any = None,
        address: str | None = None,
        allocation_id: str | None = None,
        reassociate: bool = False,
    ) -> Any:
        ids = [address] if address else [allocation_id]
        elastic = (self.address_by_ip(ids) if address else self.address_by_allocation(ids))[0]
        target = eni if eni is not None else instance.nics[0]
        if elastic.association_id and elastic.eni is target:
            return elastic
        if elastic.association_id and not reassociate:
            raise ResourceAlreadyAssociatedError(elastic.public_ip)
        for other in list(self.addresses):
            if other is not elastic and other.eni is target:
                self.disassociate_address(association_id=other.association_id)
        if elastic.eni is not None:
            self.disassociate_address(association_id=elastic.association_id)
        associated(self, instance, target, address, allocation_id, reassociate=True)
        elastic.instance = target.instance
        return elastic

    answered = applied.replace(ElasticIPAddresses, "associate_address", answer)
    associated = applied.replace(ElasticAddressBackend, "associate_address", associate_address)


def reassignment(applied: Applied) -> None:
    """AssignPrivateIpAddresses with AllowReassignment takes a secondary address from the interface that has it, and
    without it refuses one that another interface has (documented, the code believed); UnassignPrivateIpAddresses of
    one that is not there is refused (believed). moto leaves it at both, and accepts anything."""

    def assign(self: Any) -> Any:
        interface = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
        wanted = self._get_param("PrivateIpAddresses", [])
        allowed = str(self._get_param("AllowReassignment")).lower() == "true"
        for other in self.ec2_backend.enis.values():
            if other is interface or other.subnet.id != interface.subnet.id:
                continue
            for entry in [each for each in other.private_ip_addresses if each["PrivateIpAddress"] in wanted]:
                if entry.get("Primary") or not allowed:
                    address = entry["PrivateIpAddress"]
                    raise EC2ClientError("InvalidParameterValue", f"The address {address} is assigned already.")
                other.private_ip_addresses.remove(entry)
        return assigned(self)

    def unassign(self: Any) -> Any:
        interface = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
        held = [each["PrivateIpAddress"] for each in interface.private_ip_addresses if not each.get("Primary")]
        if not set(self._get_param("PrivateIpAddresses", [])) <= set(held):
            raise EC2ClientError(
                "InvalidParameterValue", f"Some of the addresses are not assigned to interface {interface.id}"
            )
        return unassigned(self)

    assigned = applied.replace(ElasticNetworkInterfaces, "assign_private_ip_addresses", assign)
    unassigned = applied.replace(ElasticNetworkInterfaces, "unassign_private_ip_addresses", unassign)


def unknown_zone(applied: Applied) -> None:
    """DescribeAvailabilityZones for a zone that does not exist is an error (believed); moto answers an empty list."""

    def describe(self: Any, filters: Any = None, zone_names: Any = None, zone_ids: Any = None) -> Any:
        known = self.zones.get(self.region_name, [])
        for wanted, present in ((zone_names, [z.name for z in known]), (zone_ids, [z.zone_id for z in known])):
            unknown = [name for name in wanted or () if name not in present]
            if unknown:
                raise EC2ClientError("InvalidParameterValue", f"Invalid availability zone: [{', '.join(unknown)}]")
        return original(self, filters, zone_names, zone_ids)

    original = applied.replace(RegionsAndZonesBackend, "describe_availability_zones", describe)


class UnauthorizedOperationError(_RESTError):  # type: ignore[misc]  # moto's class is not seen by the checker
    """What EC2 says when a policy does not allow the call."""

    code = 403

    def __init__(self, user_arn: str, action: str) -> None:
        text = (
            f"You are not authorized to perform this operation. User: {user_arn} is not authorized to perform: {action}"
        )
        super().__init__("UnauthorizedOperation", text)


def unauthorized(applied: Applied) -> None:
    """EC2 says UnauthorizedOperation (documented); moto says AccessDenied for every service."""

    def raise_access_denied(self: Any) -> None:
        if self._service == "ec2":
            raise UnauthorizedOperationError(self._access_key.arn, self._action)
        raise AccessDeniedError(user_arn=self._access_key.arn, action=self._action)

    applied.replace(IAMRequest, "_raise_access_denied", raise_access_denied)


def one_source_dest_check(applied: Applied) -> None:
    """The Source/Dest check of an instance is that of its first interface (documented); moto keeps two unrelated
    values."""

    def read(self: Any) -> bool:
        interface = getattr(self, "nics", {}).get(0)
        return bool(interface.source_dest_check) if interface is not None else True

    def write(self: Any, value: Any) -> None:
        interface = getattr(self, "nics", {}).get(0)
        if interface is not None:
            interface.source_dest_check = value if isinstance(value, bool) else str(value).lower() == "true"

    applied.replace(Instance, "source_dest_check", property(read, write))


def route_table_pages(applied: Applied) -> None:
    """DescribeRouteTables obeys MaxResults (5 to 100) and NextToken (documented); moto answers everything."""

    def describe_route_tables(self: Any) -> ActionResult:
        tables = self.ec2_backend.describe_route_tables(
            self._get_param("RouteTableIds", []), self._filters_from_querystring()
        )
        start = _page_start(self._get_param("NextToken"))
        size = self._get_param("MaxResults")
        if size is None:
            return ActionResult({"RouteTables": tables[start:]})
        if not 5 <= int(size) <= 100:
            raise EC2ClientError(
                "InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid. Expecting 5 to 100."
            )
        end = start + int(size)
        result: dict[str, Any] = {"RouteTables": tables[start:end]}
        if end < len(tables):
            result["NextToken"] = base64.b64encode(f"from {end}".encode()).decode()
        return ActionResult(result)

    applied.replace(RouteTables, "describe_route_tables", describe_route_tables)


def _page_start(token: str | None) -> int:
    if not token:
        return 0
    try:
        word, place = base64.b64decode(token, validate=True).decode().split()
        if word == "from":
            return int(place)
    except (binascii.Error, ValueError):
        pass
    raise EC2ClientError("InvalidNextToken", "The specified NextToken is not valid")


def route_table_filters(applied: Applied) -> None:
    """DescribeRouteTables filters by route.instance-id, route.destination-ipv6-cidr-block, route.state and
    route.origin, and refuses a filter that does not exist (documented); moto ends in an internal error."""

    def get_filter_value(self: Any, filter_name: str, method_name: str | None = None) -> Any:
        if filter_name == "route.instance-id":
            held = (interface_of(route) for route in self.routes)
            return [interface.instance.id for interface in held if interface is not None and interface.instance]
        if filter_name == "route.destination-ipv6-cidr-block":
            return [route.destination_ipv6_cidr_block for route in self.routes if route.destination_ipv6_cidr_block]
        if filter_name in ("route.state", "route.origin"):
            return [getattr(route, filter_name.removeprefix("route.")) for route in self.routes]
        if filter_name.startswith("route.") and filter_name not in _ROUTE_FILTERS:
            raise EC2ClientError("InvalidParameterValue", f"The filter '{filter_name}' is invalid")
        return original(self, filter_name, method_name)

    original = applied.replace(RouteTable, "get_filter_value", get_filter_value)


_ROUTE_FILTERS = (
    "route.destination-cidr-block",
    "route.gateway-id",
    "route.vpc-peering-connection-id",
    "route.nat-gateway-id",
    "route.transit-gateway-id",
)


def not_found_texts(applied: Applied) -> None:
    """The texts for an unknown VPC and an unknown allocation name the id as EC2 does (believed, and as the seed's
    table of messages has them); moto prints a Python set or list."""

    def vpc(self: Any, vpc_id: Any) -> None:
        EC2ClientError.__init__(self, "InvalidVpcID.NotFound", f"The vpc ID '{_one_id(vpc_id)}' does not exist")

    def allocation(self: Any, allocation_id: Any) -> None:
        text = f"The allocation ID '{_one_id(allocation_id)}' does not exist"
        EC2ClientError.__init__(self, "InvalidAllocationID.NotFound", text)

    applied.replace(InvalidVPCIdError, "__init__", vpc)
    applied.replace(InvalidAllocationIdError, "__init__", allocation)


def _one_id(ids: Any) -> str:
    return ids if isinstance(ids, str) else ", ".join(sorted(str(one) for one in ids))


def documentation_network(applied: Applied) -> None:
    """A VPC's own IPv6 network is of those for documentation; moto's are somebody's. One is enough for the lab."""
    applied.replace(vpcs, "random_ipv6_cidr", lambda: str(VPC_CIDR6))


CORRECTIONS: tuple[Callable[[Applied], None], ...] = (
    dry_run,
    atomic_replace_route,
    blackhole,
    same_vpc,
    existing_route,
    reassociation,
    reassignment,
    unknown_zone,
    unauthorized,
    one_source_dest_check,
    route_table_pages,
    route_table_filters,
    not_found_texts,
    documentation_network,
)


def apply(corrections: Iterable[Callable[[Applied], None]] = CORRECTIONS) -> Applied:
    """Put moto right in this process. The answer's `withdraw` undoes it."""
    applied = Applied()
    for correct in corrections:
        correct(applied)
    return applied

"""The EC2 API behind the port Cloud: one warm client, every call with an outer deadline, every answer classified.

Warm means that a takeover finds the SDK loaded, the credentials fetched and a connection open (V6): what prepares and
what checks has used it before.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from komainu.adapters.aws import connections, remedy
from komainu.adapters.aws.attempts import Attempts
from komainu.adapters.aws.call import Call
from komainu.adapters.aws.clients import CONNECTIONS, Clients
from komainu.adapters.aws.clock import ApiClock
from komainu.adapters.aws.faults import cause, cloud_error, deadline_passed
from komainu.adapters.aws.pool import Pool
from komainu.ports import Address, CloudError, CloudFault, Instance, Interface, Route, Zone

T = TypeVar("T")

THREADS = 3 * CONNECTIONS
"""No deadline ends the resolution of a name: a takeover that is tried again must not wait for the threads of the time
before. Most are never started."""


class Ec2Cloud:
    """`komainu.ports.Cloud` on EC2."""

    def __init__(self, region: str | None, endpoint_url: str | None = None) -> None:
        """`region` from the configuration; None: as the credentials' configuration says. Opens nothing yet.

        `endpoint_url` is for tests against a local server; otherwise the SDK knows the region's endpoint.
        """
        self._region = region
        self._endpoint_url = endpoint_url
        self._pool = Pool("komainu-ec2", THREADS)
        self._attempts = Attempts("ec2")
        self._clients = {"": Clients(region, endpoint_url, "", ApiClock())}
        self._role = ""
        self._assumed: dict[str, Ec2Cloud] = {}
        self._watches: Ec2Cloud | None = None

    def calls(self) -> dict[str, int]:
        """How many requests were sent so far, by the name of the API's action; repeated attempts count."""
        return self._attempts.calls()

    def calls_in_last_minute(self) -> int:
        """How many requests were sent in the last minute."""
        return self._attempts.in_last_minute()

    def when_throttled(self, tell: Callable[[], None]) -> None:
        """Call this, in the thread that sends, for every answer that asks for patience."""
        self._attempts.when_throttled(tell)

    def close(self) -> None:
        """Send nothing more. A call that hangs is left to its thread, which does not outlive the process."""
        self._pool.close()
        if self._watches is not None:
            self._watches._pool.close()
        for client in self._clients.values():
            client.close()

    def aside(self) -> "Ec2Cloud":
        """The same API in threads of its own, for what watches: checks that hang keep no takeover waiting.

        Clients, connections and counts are shared.
        """
        if self._watches is None:
            self._watches = self._like("", Pool("komainu-ec2-watch", THREADS))
        return self._watches

    def assume(self, role: str) -> "Ec2Cloud":
        """The same API with the rights of that role (its ARN); one for each role. Opens nothing yet.

        Its calls run in the same threads and are counted with ours.
        """
        other = self._assumed.get(role)
        if other is None:
            if role not in self._clients:
                self._clients[role] = Clients(self._region, self._endpoint_url, role, self._clients[""].clock)
            other = self._assumed[role] = self._like(role, self._pool)
        return other

    def reconnect(self) -> None:
        """Use no connection that is open now (E1): idle ones are closed, those in use end with their call.

        It is the node's address that has changed: so it holds for every service of AWS that this process calls. A
        call that is under way keeps its connection. When that is dead by now, nobody will know what became of the
        call: NO_ANSWER.
        """
        connections.reconnect()

    def _like(self, role: str, pool: Pool) -> "Ec2Cloud":
        other = Ec2Cloud(self._region, self._endpoint_url)
        other._role, other._pool, other._attempts, other._clients = role, pool, self._attempts, self._clients
        return other

    async def vpc_cidrs(self, vpc: str, timeout_ms: int) -> tuple[str, ...]:
        """All CIDR blocks associated with the VPC, IPv4 and IPv6 (V2)."""
        answer = await self._call(lambda ec2: ec2.describe_vpcs(VpcIds=[vpc]), timeout_ms)
        cidrs: list[str] = []
        for found in answer["Vpcs"]:
            blocks = [(block["CidrBlock"], block) for block in found.get("CidrBlockAssociationSet", [])]
            blocks += [(block["Ipv6CidrBlock"], block) for block in found.get("Ipv6CidrBlockAssociationSet", [])]
            cidrs += [found["CidrBlock"]]
            cidrs += [cidr for cidr, block in blocks if _associated(block, "CidrBlockState", "Ipv6CidrBlockState")]
        return tuple(dict.fromkeys(cidrs))

    async def routes(self, vpc: str, destination: str, timeout_ms: int) -> tuple[Route, ...]:
        """The routes to exactly that destination in all route tables of the VPC."""
        field = _destination_field(destination)
        name = "route.destination-ipv6-cidr-block" if field == "DestinationIpv6CidrBlock" else _V4_FILTER
        filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": name, "Values": [destination]}]
        return tuple(
            Route(
                table=table["RouteTableId"],
                destination=destination,
                interface=route.get("NetworkInterfaceId", ""),
                state=route.get("State", "active"),
            )
            for table in await self._tables(filters, timeout_ms)
            for route in table.get("Routes", [])
            if route.get(field) == destination
        )

    async def route_tables(self, vpc: str, timeout_ms: int) -> tuple[str, ...]:
        """The ids of all route tables of the VPC."""
        tables = await self._tables([{"Name": "vpc-id", "Values": [vpc]}], timeout_ms)
        return tuple(table["RouteTableId"] for table in tables)

    async def replace_route(self, table: str, destination: str, interface: str, timeout_ms: int) -> None:
        """Point an existing route at an interface."""
        route = _route(table, destination, interface)
        await self._call(lambda ec2: ec2.replace_route(**route), timeout_ms, changes=True)

    async def may_replace_route(self, table: str, destination: str, interface: str, timeout_ms: int) -> None:
        """Whether `replace_route` would be allowed; changes nothing."""
        route = _route(table, destination, interface)
        await self._dry(lambda ec2: ec2.replace_route(**route, DryRun=True), timeout_ms)

    async def interface(self, interface: str, timeout_ms: int) -> Interface:
        """One network interface."""
        answer = await self._call(
            lambda ec2: ec2.describe_network_interfaces(NetworkInterfaceIds=[interface]), timeout_ms
        )
        found = answer["NetworkInterfaces"][0]
        return Interface(
            id=found["NetworkInterfaceId"],
            vpc=found["VpcId"],
            private_address=found["PrivateIpAddress"],
            source_dest_check=bool(found.get("SourceDestCheck", True)),
            instance=found.get("Attachment", {}).get("InstanceId", ""),
            subnet=found.get("SubnetId", ""),
            private_addresses=_primary_first(found),
            ipv6_addresses=tuple(each["Ipv6Address"] for each in found.get("Ipv6Addresses", [])),
            label=_label(found),
        )

    async def address(self, allocation: str, timeout_ms: int) -> Address:
        """One Elastic IP address, and where it is (E1, E2)."""
        answer = await self._call(lambda ec2: ec2.describe_addresses(AllocationIds=[allocation]), timeout_ms)
        found = answer["Addresses"][0]
        return Address(
            allocation=found["AllocationId"],
            public_address=found["PublicIp"],
            association=found.get("AssociationId", ""),
            interface=found.get("NetworkInterfaceId", ""),
            private_address=found.get("PrivateIpAddress", ""),
        )

    async def associate(self, allocation: str, interface: str, private_address: str, timeout_ms: int) -> str:
        """Associate the Elastic IP with that address of the interface, from wherever it is; the association's id."""
        target = _association(allocation, interface, private_address)
        answer = await self._call(lambda ec2: ec2.associate_address(**target), timeout_ms, changes=True)
        return str(answer["AssociationId"])

    async def may_associate(self, allocation: str, interface: str, private_address: str, timeout_ms: int) -> None:
        """Whether `associate` would be allowed; changes nothing."""
        target = _association(allocation, interface, private_address)
        await self._dry(lambda ec2: ec2.associate_address(**target, DryRun=True), timeout_ms)

    async def disassociate(self, association: str, timeout_ms: int) -> None:
        """End an association. One that is gone already is refused: `InvalidAssociationID.NotFound`."""
        await self._call(lambda ec2: ec2.disassociate_address(AssociationId=association), timeout_ms, changes=True)

    async def assign_private_address(self, interface: str, address: str, timeout_ms: int) -> None:
        """Give the interface a secondary private address, from whichever interface has it (E3)."""
        given = {"NetworkInterfaceId": interface, "PrivateIpAddresses": [address], "AllowReassignment": True}
        await self._call(lambda ec2: ec2.assign_private_ip_addresses(**given), timeout_ms, changes=True)

    async def unassign_private_address(self, interface: str, address: str, timeout_ms: int) -> None:
        """Take a secondary private address from the interface. One that is elsewhere is refused."""
        taken = {"NetworkInterfaceId": interface, "PrivateIpAddresses": [address]}
        await self._call(lambda ec2: ec2.unassign_private_ip_addresses(**taken), timeout_ms, changes=True)

    async def zone(self, zone: str, timeout_ms: int) -> Zone | None:
        """One Availability Zone (A1); None when AWS answers with an empty list."""
        answer = await self._call(lambda ec2: ec2.describe_availability_zones(ZoneNames=[zone]), timeout_ms)
        for found in answer["AvailabilityZones"]:
            messages = tuple(each["Message"] for each in found.get("Messages", []) if each.get("Message"))
            return Zone(name=found["ZoneName"], state=found["State"], messages=messages)
        return None

    async def instance(self, instance: str, timeout_ms: int) -> Instance:
        """One instance, as it is now."""
        answer = await self._call(lambda ec2: ec2.describe_instances(InstanceIds=[instance]), timeout_ms)
        found = [each for reservation in answer["Reservations"] for each in reservation["Instances"]]
        if not found:
            raise CloudError(
                CloudFault.REFUSED, "InvalidInstanceID.NotFound", f"The instance ID '{instance}' does not exist"
            )
        return Instance(id=found[0]["InstanceId"], state=found[0]["State"]["Name"])

    async def stop_instance(self, instance: str, timeout_ms: int, *, skip_os: bool = True) -> str:
        """Begin to stop the instance by force; the state that EC2 answers."""

        def stop(ec2: Any) -> Any:
            # Force alone asks the operating system first, and waits for it. An older SDK does not know the other one.
            known = _STOP_SKIPS in ec2.meta.service_model.operation_model("StopInstances").input_shape.members
            more = {_STOP_SKIPS: True} if known and skip_os else {}
            return ec2.stop_instances(InstanceIds=[instance], Force=True, **more)

        answer = await self._call(stop, timeout_ms, changes=True)
        return str(answer["StoppingInstances"][0]["CurrentState"]["Name"])

    async def may_stop_instance(self, instance: str, timeout_ms: int) -> None:
        """Whether `stop_instance` would be allowed; changes nothing."""
        await self._dry(lambda ec2: ec2.stop_instances(InstanceIds=[instance], DryRun=True), timeout_ms)

    async def _tables(self, filters: list[dict[str, Any]], timeout_ms: int) -> list[Any]:
        """The route tables that pass the filters, from every page of the answer."""

        def read(ec2: Any) -> list[Any]:
            pages = ec2.get_paginator("describe_route_tables").paginate(
                Filters=filters, PaginationConfig={"PageSize": 100}
            )
            return [table for page in pages for table in page["RouteTables"]]

        return await self._call(read, timeout_ms)

    async def _dry(self, send: Callable[[Any], Any], timeout_ms: int) -> None:
        """A call that only asks whether it would be allowed. Raises CloudError when it would not be."""
        try:
            await self._call(send, timeout_ms)
        except CloudError as error:
            if error.code != _ALLOWED:
                raise

    async def _call(self, send: Callable[[Any], T], timeout_ms: int, changes: bool = False) -> T:
        """Run `send` in a thread under the deadline. Raises CloudError; after the deadline nothing more is sent."""
        call = Call(timeout_ms)
        answer = asyncio.wrap_future(self._pool.submit(lambda: self._run(call, send, changes)))
        try:
            return await asyncio.wait_for(answer, timeout_ms / 1000)
        except TimeoutError:
            raise deadline_passed(timeout_ms, call.abandon(), call.failed, self._region) from None
        finally:
            call.abandon()

    def _run(self, call: Call, send: Callable[[Any], T], changes: bool) -> T:
        """In a thread: make the client if there is none, send, translate what went wrong."""
        clients = self._clients[self._role]
        try:
            with self._attempts.of(call):
                return remedy.send(send, lambda: clients.ready(self._attempts), clients.drop, clients.clock)
        except Exception as error:  # noqa: BLE001 - it is told, whatever it is
            raise cloud_error(error, self._region, changes and call.may_have_arrived) from cause(error)

    def _ready_client(self) -> Any:
        """The client, made now if there is none."""
        return self._clients[self._role].ready(self._attempts)[0]


_V4_FILTER = "route.destination-cidr-block"
_STOP_SKIPS = "SkipOsShutdown"
_ALLOWED = "DryRunOperation"
"""This "error" of a dry run means: allowed, and nothing was done."""


def _route(table: str, destination: str, interface: str) -> dict[str, Any]:
    return {"RouteTableId": table, _destination_field(destination): destination, "NetworkInterfaceId": interface}


def _association(allocation: str, interface: str, private_address: str) -> dict[str, Any]:
    target = {"AllocationId": allocation, "NetworkInterfaceId": interface, "AllowReassociation": True}
    return {**target, "PrivateIpAddress": private_address} if private_address else target


def _destination_field(destination: str) -> str:
    return "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"


def _primary_first(interface: dict[str, Any]) -> tuple[str, ...]:
    primary = str(interface["PrivateIpAddress"])
    every = [str(each["PrivateIpAddress"]) for each in interface.get("PrivateIpAddresses", [])]
    return (primary, *(each for each in every if each != primary))


def _label(interface: dict[str, Any]) -> str:
    """What people call it."""
    names = [str(tag["Value"]) for tag in interface.get("TagSet", []) if tag["Key"] == "Name"]
    return next(filter(None, names), "") or str(interface.get("Description") or "")


def _associated(block: dict[str, Any], *names: str) -> bool:
    """A block that was taken from the VPC stays in the list for a while, in another state."""
    for name in names:
        if name in block:
            return block[name].get("State", "associated") in ("associated", "associating")
    return True

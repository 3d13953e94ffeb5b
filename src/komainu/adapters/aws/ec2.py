"""The EC2 API behind the port Cloud: one warm client, every call with an outer deadline, every answer classified.

Warm means that a takeover finds the SDK loaded, the credentials fetched and a connection open (V6).
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import NoCredentialsError

from komainu.adapters.aws.attempts import Attempts
from komainu.adapters.aws.call import Call
from komainu.adapters.aws.faults import STALE_CREDENTIALS, cloud_error, deadline_passed
from komainu.adapters.aws.pool import Pool
from komainu.adapters.aws.roles import with_role
from komainu.adapters.aws.session import client_config, make_session, trust_store
from komainu.ports import Address, CloudError, CloudFault, Instance, Interface, Route, Zone

T = TypeVar("T")

CONNECTIONS = 12
"Calls at the same time: ten ReplaceRoutes of one takeover and a monitor or two."


class Ec2Cloud:
    """`komainu.ports.Cloud` on EC2."""

    def __init__(self, region: str | None, endpoint_url: str | None = None) -> None:
        """`region` from the configuration; None: as the credentials' configuration says. Opens nothing yet.

        `endpoint_url` is for tests against a local server; otherwise the SDK knows the region's endpoint.
        """
        self._region = region
        self._endpoint_url = endpoint_url
        self._role = ""
        self._pool = Pool("komainu-ec2", CONNECTIONS)
        self._making = threading.Lock()
        self._client: Any = None
        self._attempts = Attempts("ec2")
        self._assumed: dict[str, Ec2Cloud] = {}

    async def warm(self, timeout_ms: int = 15_000) -> None:
        """Load the SDK, fetch credentials, open a connection. Raises CloudError when the API cannot be used now.

        That is worth a report, not the end: every later call makes good by itself what is missing.
        """
        await self._dry(lambda ec2: ec2.describe_vpcs(DryRun=True), timeout_ms)

    def calls(self) -> dict[str, int]:
        """How many requests were sent so far, by the name of the API's action; repeated attempts count."""
        return self._attempts.calls()

    def calls_in_last_minute(self) -> int:
        """How many requests were sent in the last minute."""
        return self._attempts.in_last_minute()

    def close(self) -> None:
        """Send nothing more. A call that hangs is left to its thread, which does not outlive the process."""
        self._pool.close()
        for other in self._assumed.values():
            other.close()
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def assume(self, role: str) -> "Ec2Cloud":
        """The same API with the rights of that role (its ARN); one for each role. Opens nothing yet.

        Its calls run in the same threads and are counted with ours.
        """
        other = self._assumed.get(role)
        if other is None:
            other = self._assumed[role] = Ec2Cloud(self._region, self._endpoint_url)
            other._role, other._pool, other._attempts = role, self._pool, self._attempts
        return other

    def reconnect(self) -> None:
        """Use no connection that is open now (E1): idle ones are closed, those in use end with their call.

        A call that is under way keeps its connection. When that is dead by now, nobody will know what became of the
        call: NO_ANSWER.
        """
        for other in self._assumed.values():
            other.reconnect()
        client = self._client
        if client is not None:
            client.close()  # it forgets its connections, and goes on with new ones

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
            raise deadline_passed(timeout_ms, call.abandon()) from None
        finally:
            call.abandon()

    def _run(self, call: Call, send: Callable[[Any], T], changes: bool) -> T:
        """In a thread: make the client if there is none, send, translate what went wrong."""
        try:
            with self._attempts.of(call):
                return send(self._ready_client())
        except Exception as error:
            found = cloud_error(error, self._region, changes and call.may_have_arrived)
            if found.code in STALE_CREDENTIALS:
                self._client = None
            raise found from error

    def _ready_client(self) -> Any:
        """The client; made under a lock, because the SDK's sessions are not made for several threads."""
        client = self._client
        if client is not None:
            return client
        with self._making:
            if self._client is None:
                self._client = self._make_client()
            return self._client

    def _make_client(self) -> Any:
        session = make_session(self._region)
        if session.get_credentials() is None:
            # A client made without credentials would stay without them for ever.
            raise NoCredentialsError
        verify = trust_store(session)
        if self._role:
            session = with_role(session, self._role, self._endpoint_url, verify)
        client = session.client(
            "ec2", endpoint_url=self._endpoint_url, config=client_config(CONNECTIONS), verify=verify
        )
        self._attempts.follow(client)
        return client


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

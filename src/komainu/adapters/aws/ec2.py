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
from komainu.adapters.aws.session import client_config, make_session, trust_store
from komainu.ports import CloudError, CloudFault, Instance, Interface, Route

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
        self._pool = Pool("komainu-ec2", CONNECTIONS)
        self._making = threading.Lock()
        self._client: Any = None
        self._attempts = Attempts("ec2")

    async def warm(self, timeout_ms: int = 15_000) -> None:
        """Load the SDK, fetch credentials, open a connection. Raises CloudError when the API cannot be used now.

        That is worth a report, not the end: every later call makes good by itself what is missing.
        """
        try:
            await self._call(lambda ec2: ec2.describe_vpcs(DryRun=True), timeout_ms)
        except CloudError as error:
            if error.code != _ALLOWED:
                raise

    def calls(self) -> dict[str, int]:
        """How many requests were sent so far, by the name of the API's action; repeated attempts count."""
        return self._attempts.calls()

    def close(self) -> None:
        """Send nothing more. A call that hangs is left to its thread, which does not outlive the process."""
        self._pool.close()
        client, self._client = self._client, None
        if client is not None:
            client.close()

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
        target = {_destination_field(destination): destination, "NetworkInterfaceId": interface}
        await self._call(lambda ec2: ec2.replace_route(RouteTableId=table, **target), timeout_ms, changes=True)

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
        )

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
        try:
            await self._call(lambda ec2: ec2.stop_instances(InstanceIds=[instance], DryRun=True), timeout_ms)
        except CloudError as error:
            if error.code != _ALLOWED:
                raise

    async def _tables(self, filters: list[dict[str, Any]], timeout_ms: int) -> list[Any]:
        """The route tables that pass the filters, from every page of the answer."""

        def read(ec2: Any) -> list[Any]:
            pages = ec2.get_paginator("describe_route_tables").paginate(
                Filters=filters, PaginationConfig={"PageSize": 100}
            )
            return [table for page in pages for table in page["RouteTables"]]

        return await self._call(read, timeout_ms)

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
        client = session.client(
            "ec2",
            endpoint_url=self._endpoint_url,
            config=client_config(CONNECTIONS),
            verify=trust_store(session),
        )
        self._attempts.follow(client)
        return client


_V4_FILTER = "route.destination-cidr-block"
_STOP_SKIPS = "SkipOsShutdown"
_ALLOWED = "DryRunOperation"
"""This "error" of a dry run means: allowed, and nothing was done."""


def _destination_field(destination: str) -> str:
    return "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"


def _associated(block: dict[str, Any], *names: str) -> bool:
    """A block that was taken from the VPC stays in the list for a while, in another state."""
    for name in names:
        if name in block:
            return block[name].get("State", "associated") in ("associated", "associating")
    return True

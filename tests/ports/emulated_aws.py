"""The lab's emulated VPC on loopback, with what a node has to reach it: no namespaces, no packets.

A node has a role's credentials from its own metadata service; every call is signed, checked against the policies, and
meets the faults of `komainu_lab.vpc.faults`. The types under test are the real ones, on the real adapter.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.loaders
import botocore.session
import pytest
from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.moto_api._internal.models import moto_api_backend

from komainu.adapters.aws.ec2 import Ec2Cloud
from komainu.adapters.aws.route53 import Route53Names
from komainu.catalogue import MONITOR_TYPES, RESOURCE_TYPES
from komainu.model.outcome import Outcome
from komainu.ports import Host, MonitorHands, MonitorHost, ResourceHands
from komainu_lab import topology
from komainu_lab.vpc import corrections, hosted_zones, imds, metadata, sharing
from komainu_lab.vpc.authority import issue
from komainu_lab.vpc.build import ACCOUNT, NODE_ACTIONS, Operator, backend, build, grant
from komainu_lab.vpc.calls import CallLog
from komainu_lab.vpc.dispatch import Dispatcher
from komainu_lab.vpc.emulator import enforce_policies
from komainu_lab.vpc.endpoint import Endpoint, server_context
from komainu_lab.vpc.faults import Plan
from tests.doubles.network import FakeNetwork

HERE, PEER = "node1", "node2"
LATER_MS = 31_000
"By then a write of our own is visible (V6)."


class EmulatedAws:
    """Figure 4-1 in the emulated API, and the means to spoil it."""

    def __init__(self, directory: Path) -> None:
        """Build and serve it."""
        self.topology = topology.vip()
        files = issue(directory, self.topology.region, ACCOUNT)
        dispatcher = Dispatcher()
        self.operator = Operator(dispatcher, self.topology.region)
        self.built = build(self.topology, self.operator)
        self.ec2 = self.operator.client("ec2")
        self.plan = Plan(lambda: None)
        self.log = CallLog()
        self.allocation: str = self.ec2.allocate_address(Domain="vpc", Address="203.0.113.50")["AllocationId"]
        self.asked_for_credentials = 0
        "How often a node asked its metadata service for something."
        self.role = metadata.Credentials(self.topology.region)
        self.authority = str(files.authority)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"
        context = server_context(str(files.certificate), str(files.key))
        self._endpoint = Endpoint(self._listener, context, dispatcher, self.plan, self.log, self.role.machine_of)
        self._metadata = imds.Service(("127.0.0.1", 0), self._metadata_of, self._credentials_of)
        self.metadata_url = f"http://127.0.0.1:{self._metadata.server_port}"
        self._endpoint.start()
        self._metadata.start()

    def stop(self) -> None:
        """End its threads."""
        self._endpoint.stop()
        self._metadata.stop()

    @property
    def vip(self) -> str:
        """The row's destination."""
        return f"{self.built.service_address}/32"

    def eni(self, machine: str) -> str:
        """The network interface of a machine."""
        return self.built.instances[machine].interface

    def point(self, machine: str) -> None:
        """Point every table's row at a machine, as that machine's takeover did."""
        for table in self.built.tables.values():
            self.ec2.replace_route(
                RouteTableId=table, DestinationCidrBlock=self.vip, NetworkInterfaceId=self.eni(machine)
            )

    def targets(self) -> set[str]:
        """Where the rows really point; `-` is one without an interface."""
        tables = self.ec2.describe_route_tables(RouteTableIds=list(self.built.tables.values()))["RouteTables"]
        rows = [row for table in tables for row in table["Routes"] if row.get("DestinationCidrBlock") == self.vip]
        return {row.get("NetworkInterfaceId", "-") for row in rows}

    def associate(self, machine: str) -> None:
        """Have the Elastic IP at a machine, from wherever it is; at none: an empty name."""
        if machine:
            self.ec2.associate_address(
                AllocationId=self.allocation, NetworkInterfaceId=self.eni(machine), AllowReassociation=True
            )
        elif association := self._address().get("AssociationId"):
            self.ec2.disassociate_address(AssociationId=association)

    def associated(self) -> str:
        """The interface that has the Elastic IP; empty: none."""
        return str(self._address().get("NetworkInterfaceId", ""))

    def _address(self) -> dict[str, Any]:
        return dict(self.ec2.describe_addresses(AllocationIds=[self.allocation])["Addresses"][0])

    def grant(self, *actions: str) -> None:
        """The nodes may do these, and nothing else; none: what they may usually do."""
        grant(self.operator, *(actions or NODE_ACTIONS))

    def refused(self, after: int) -> set[str]:
        """The actions that were refused with 403 since that call."""
        return {call["action"] for call in self.log.after(after) if call["status"] == 403}

    def hosted_zone(self) -> str:
        """A zone of its own for who asks, `example.com`; its id."""
        route53 = self.operator.client("route53")
        made = route53.create_hosted_zone(Name="example.com", CallerReference=f"{self.log.last}-{id(object())}")
        return str(made["HostedZone"]["Id"]).rpartition("/")[2]

    def record(self, zone: str, name: str) -> tuple[str, ...]:
        """Where a record leads; nothing: there is none."""
        found = self.operator.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        records = [each for each in found if each["Name"].rstrip(".") == name]
        return tuple(value["Value"] for each in records for value in each["ResourceRecords"])

    def spare_interface(self) -> str:
        """One more interface in the VPC, which a test may delete."""
        subnet = next(iter(self.built.subnets.values()))
        made = self.ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]
        return str(made["NetworkInterfaceId"])

    def warm(self, cloud: Ec2Cloud) -> None:
        """Make its client, where there are credentials: the time for that belongs to no test."""
        if os.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"] == self.metadata_url:
            cloud._ready_client()

    def secrets(self) -> tuple[str, ...]:
        """What must be in no message and in no log."""
        held = self.role.of(HERE, self.built.instances[HERE].id, self.built.instances[HERE].role)
        return held["AccessKeyId"], held["SecretAccessKey"], held["Token"]

    def _metadata_of(self, _source: str) -> imds.Tree:
        return metadata.tree(backend(self.topology.region), self.built.instances[HERE].id)

    def _credentials_of(self, _source: str) -> tuple[str, dict[str, str]]:
        self.asked_for_credentials += 1
        instance = self.built.instances[HERE]
        return instance.role, self.role.of(HERE, instance.id, instance.role)


@contextmanager
def emulated_aws(directory: Path) -> Iterator[EmulatedAws]:
    """A node's surroundings in the environment, and the VPC; afterwards everything is as it was."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("HOME", str(directory))
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        loader = botocore.loaders.create_loader()  # the SDK's description of EC2 is read only once
        patch.setattr(botocore.session, "create_loader", lambda path: loader)
        patch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", float("inf"))
        patch.setattr(ActionAuthenticatorMixin, "request_count", 0)
        moto_api_backend.reset()
        more = (*hosted_zones.CORRECTIONS, sharing.owners_only)
        applied = corrections.apply((*corrections.CORRECTIONS, *more))
        made = EmulatedAws(directory / "vpc")
        enforce_policies()
        patch.setenv("AWS_CA_BUNDLE", made.authority)
        patch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", made.metadata_url)
        try:
            yield made
        finally:
            made.stop()
            applied.withdraw()
            moto_api_backend.reset()


@dataclass(frozen=True)
class Place:
    """A node: its name, the address of its interface, and what its peers have in the configuration."""

    name: str
    address: str
    elsewhere: dict[str, dict[str, Any]]


class NodeUnderTest:
    """One resource on a node, usually `HERE`, in a daemon that has just started. Close its cloud afterwards."""

    def __init__(self, aws: EmulatedAws, resource: str, url: str = "", node: "Place | None" = None, **params: Any):
        """`resource` as `awsvip1`: its type is the name without the number."""
        node = node or Place(HERE, aws.built.instances[HERE].address, {PEER: {"eni_id": aws.eni(PEER)}})
        self.network = FakeNetwork(lo="127.0.0.1/8", eth0=f"{node.address}/24")
        self.cloud = Ec2Cloud(aws.topology.region, url or aws.url)
        self.names = Route53Names(aws.topology.region, url or aws.url)
        aws.warm(self.cloud)
        self.reports: list[Outcome] = []
        self.now_ms = 1_000_000
        made = RESOURCE_TYPES[resource.rstrip("0123456789")]
        host = Host(
            node=node.name,
            cluster="cluster1",
            group="failover1",
            resource=resource,
            cloud=self.cloud,
            names=self.names,
            network=self.network,
            processes=None,
            report=self.reports.append,
            now_ms=lambda: self.now_ms,
            elsewhere=node.elsewhere,
        )
        self.hands: ResourceHands = made.make(made.params(**params), host)

    async def running(self) -> None:
        """Started, and its own writes long visible."""
        outcome = await self.hands.start(20_000)
        assert outcome.succeeded, outcome
        self.now_ms += LATER_MS

    async def end(self) -> None:
        """Stopped, whatever the cloud does."""
        await self.hands.stop(5_000)
        self.dead()

    def dead(self) -> None:
        """It has lost its power: nothing is said any more."""
        self.cloud.close()
        self.names.close()


class MonitorUnderTest:
    """One monitor on the node `HERE`. Close its cloud afterwards."""

    def __init__(self, aws: EmulatedAws, monitor: str, **params: Any) -> None:
        """`monitor` as `awsazw1`: its type is the name without the number."""
        self.network = FakeNetwork(lo="127.0.0.1/8")
        self.cloud = Ec2Cloud(aws.topology.region, aws.url)
        aws.warm(self.cloud)
        made = MONITOR_TYPES[monitor.rstrip("0123456789")]
        host = MonitorHost(
            node=HERE,
            cluster="cluster1",
            monitor=monitor,
            cloud=self.cloud,
            network=self.network,
            processes=None,
            report=lambda outcome: None,
            now_ms=lambda: 1_000_000,
        )
        self.hands: MonitorHands = made.make(made.params(**params), host)

    async def end(self) -> None:
        """No checks any more."""
        await self.hands.end()
        self.cloud.close()


def params_of(aws: EmulatedAws, resource: str, **differing: Any) -> dict[str, Any]:
    """The parameters of awsvip1 or awseip1 on the node `HERE`."""
    usual = {"eni_id": aws.eni(HERE)}
    if resource == "awsvip1":
        usual |= {"address": aws.built.service_address, "vpc_id": aws.built.vpc}
    else:
        usual["allocation_id"] = aws.allocation
    return {**usual, **differing}


Story = Callable[[NodeUnderTest], Coroutine[Any, Any, Outcome]]


class Told:
    """Runs stories of one resource, and keeps every text that came of them."""

    def __init__(self, aws: EmulatedAws, resource: str) -> None:
        self._aws = aws
        self._resource = resource
        self.texts: list[str] = []

    def __call__(self, story: Story, url: str = "", **params: Any) -> Outcome:
        """What the story ends with."""

        async def whole() -> Outcome:
            given = params_of(self._aws, self._resource, **params)
            node = NodeUnderTest(self._aws, self._resource, url, **given)
            try:
                return await story(node)
            finally:
                self._aws.plan.heal()
                await node.end()
                self.texts += [f"{outcome}" for outcome in node.reports]

        outcome = asyncio.run(whole())
        self.texts.append(f"{outcome}")
        return outcome


EMULATION = ("moto", "komainu_lab")
"Whose logs are those of AWS itself, not of the node."


@contextmanager
def nothing_leaks(aws: EmulatedAws, resource: str, caplog: pytest.LogCaptureFixture) -> Iterator[Told]:
    """Afterwards: no key, no secret, no token in a message, a detail or a log, however much is logged."""
    caplog.set_level(logging.DEBUG)
    made = Told(aws, resource)
    yield made
    ours = [each.getMessage() for each in caplog.get_records("call") if not each.name.startswith(EMULATION)]
    assert made.texts
    for secret in aws.secrets():
        assert not [each for each in (*made.texts, *ours) if secret in each]

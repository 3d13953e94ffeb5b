"""The emulated VPC: the API, the fabric and the operations on them, in one process in the router's namespace."""

import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin

from komainu_lab.errors import LabError
from komainu_lab.topology import TOPOLOGIES, Topology
from komainu_lab.vpc import corrections, hosted_zones, imds, metadata, sharing
from komainu_lab.vpc.authority import Certificates, endpoint_names, issue
from komainu_lab.vpc.build import ACCOUNT, ROLE, Operator, allow, backend, build, destination
from komainu_lab.vpc.calls import CallLog
from komainu_lab.vpc.conditional_writes import one_write_at_a_time
from komainu_lab.vpc.control import Server
from komainu_lab.vpc.description import Description
from komainu_lab.vpc.dispatch import Dispatcher
from komainu_lab.vpc.endpoint import Endpoint, server_context
from komainu_lab.vpc.fabric import Fabric, api_rules
from komainu_lab.vpc.faults import BadFault, Plan
from komainu_lab.vpc.instances import Instances
from komainu_lab.vpc.outside import Outside, endpoint_address
from komainu_lab.vpc.public_addresses import OwnAddresses
from komainu_lab.vpc.ready import say_ready

PORT = 443
CONTROL = "vpc.sock"
POWER_S = 20.0
"How long an operator waits for an instance to start or stop."
SWITCH_INTERVAL_S = 0.0005
"How long one thread may keep the others waiting: the fabric must not wait for an answer that is being written."


def enforce_policies() -> None:
    """From now on every call must be signed, and allowed by a policy."""
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    ActionAuthenticatorMixin.request_count = 0


class Emulator:
    """The API, the fabric and the operations on them."""

    def __init__(self, topology: Topology, outside: Outside, certificates: Certificates) -> None:
        """Build the VPC; `start` begins to serve it."""
        self.topology = topology
        self.outside = outside
        self.certificates = certificates
        self.log = CallLog()
        self.plan = Plan(self._network_faults_changed)
        dispatcher = Dispatcher()
        self.operator = Operator(dispatcher, topology.region)
        self.own_addresses = OwnAddresses(self._change)
        more = (*hosted_zones.CORRECTIONS, sharing.owners_only, one_write_at_a_time, self.own_addresses.correct)
        corrections.apply((*corrections.CORRECTIONS, *more))
        self.description: Description = build(topology, self.operator)
        self.ec2 = backend(topology.region)
        self.credentials = metadata.Credentials(topology.region)
        self.announcements = metadata.Announcements()
        self.fabric = Fabric(self.ec2, topology, self._tell_states)
        self.instances = Instances(self.ec2, self.fabric.change, self._cut_power)
        self._attended = False
        self._without_power: dict[str, threading.Event] = {}
        self._followers: list[queue.Queue[dict[str, Any] | None]] = []
        self._states: dict[str, str] = {}
        self.metadata = imds.serve(self._metadata_at, self._credentials_at)
        self.endpoint = Endpoint(
            outside.listen(PORT),
            server_context(str(certificates.certificate), str(certificates.key)),
            dispatcher,
            self.plan,
            self.log,
            self.credentials.machine_of,
        )

    def start(self) -> None:
        """Program the router, demand signatures, answer. Raises LabError."""
        self.fabric.start()
        enforce_policies()
        self.metadata.start()
        self.endpoint.start()

    def stop(self) -> None:
        """End all threads."""
        self.instances.close()
        for waiting in list(self._without_power.values()):
            waiting.set()
        self.endpoint.stop()
        self.metadata.stop()
        self.fabric.stop()
        for follower in list(self._followers):
            follower.put(None)

    def call(self, name: str, arguments: dict[str, Any]) -> Any:
        """One operation of `do_...`. Raises LabError."""
        operation = getattr(self, f"do_{name}", None)
        if operation is None:
            raise LabError(f"the emulated VPC cannot '{name}'")
        try:
            return operation(**arguments)
        except (BadFault, TypeError, ClientError, BotoCoreError) as error:
            raise LabError(f"{name}: {error}") from None

    # --- what is ---

    def do_describe(self) -> dict[str, Any]:
        """What was built, and where the endpoint is."""
        return {
            "built": self.description.to_data(),
            "endpoint": endpoint_address(self.topology),
            "names": endpoint_names(self.topology.region, ACCOUNT),
            "authority": str(self.certificates.authority),
            "outside": f"/proc/{os.getpid()}/fd/{self.outside.namespace}",
        }

    def do_calls(self, after: int = 0) -> list[dict[str, Any]]:
        """The calls with a higher number."""
        return self.log.after(after)

    def do_counts(self) -> dict[str, dict[str, int]]:
        """Calls by source and action since the start."""
        return self.log.counts()

    def do_last_call(self) -> int:
        """The number of the latest call."""
        return self.log.last

    def do_secrets(self) -> list[str]:
        """Every secret key, session token and token of the metadata service that a machine was given so far."""
        return [*self.credentials.handed_out(), *self.metadata.granted()]

    def do_programmed(self, after: int = 0) -> list[dict[str, Any]]:
        """The times that packets began to go elsewhere."""
        return self.fabric.programmed_after(after)

    # --- faults of the API ---

    def do_break_api(
        self,
        kind: str,
        actions: list[str] | None = None,
        sources: list[str] | None = None,
        times: int | None = None,
        delay_ms: int = 0,
    ) -> int:
        """Begin a fault; its number, to heal it by."""
        for source in sources or ():
            self._instance(source)
        return self.plan.add(kind, tuple(actions or ()), tuple(sources or ()), times, delay_ms).id

    def do_heal_api(self, number: int | None = None) -> None:
        """End a fault, or all."""
        self.plan.heal(number)

    def do_faults(self) -> list[dict[str, Any]]:
        """The faults that hold."""
        return [
            {"id": f.id, "kind": f.kind, "actions": f.actions, "sources": f.sources, "times": f.times}
            for f in self.plan.holding()
        ]

    # --- what an operator, or fate, does in AWS; packets follow before the answer ---

    def do_point_route(self, machine: str, table: str = "") -> None:
        """Point the VIP's row at a machine's interface, in one table or in all."""
        for table_id in self._tables(table):
            self.operator.client("ec2").replace_route(
                RouteTableId=table_id,
                **self._destination,
                NetworkInterfaceId=self._instance(machine).interface,
            )
        self.fabric.settle()

    def do_add_table(self, machine: str) -> str:
        """One more route table with the VIP's row, of no subnet; its id."""
        ec2 = self.operator.client("ec2")
        table = str(ec2.create_route_table(VpcId=self.description.vpc)["RouteTable"]["RouteTableId"])
        target = self._instance(machine).interface
        ec2.create_route(RouteTableId=table, **self._destination, NetworkInterfaceId=target)
        return table

    def do_share(self, table: str) -> str:
        """From now on a route table belongs to another account; the ARN of the role that may write it. Once."""
        owner = sharing.backend_of_owner(self.topology.region)
        sharing.allow_owner_role(*sharing.OWNER_ACTIONS, trusted=f"arn:aws:iam::{ACCOUNT}:role/{ROLE}")
        sharing.share(self.ec2, self.topology.region, *self._tables(table))
        self.fabric.heed(owner)
        return sharing.ROLE_ARN

    def do_delete_table(self, table: str) -> None:
        """Delete a route table of no subnet, by its id."""
        self.operator.client("ec2").delete_route_table(RouteTableId=table)

    def do_delete_route(self, table: str = "") -> None:
        """Delete the VIP's row, in one table or in all."""
        for table_id in self._tables(table):
            self.operator.client("ec2").delete_route(RouteTableId=table_id, **self._destination)
        self.fabric.settle()

    def do_create_route(self, machine: str, table: str = "") -> None:
        """Make the VIP's row, in one table or in all."""
        for table_id in self._tables(table):
            self.operator.client("ec2").create_route(
                RouteTableId=table_id,
                **self._destination,
                NetworkInterfaceId=self._instance(machine).interface,
            )
        self.fabric.settle()

    def do_routes(self) -> dict[str, dict[str, str]]:
        """The VIP's row by table: whose interface it points at, or its id, and the state of the route."""
        owners = {instance.interface: name for name, instance in self.description.instances.items()}
        found = {}
        answer = self.operator.client("ec2").describe_route_tables(RouteTableIds=list(self.description.tables.values()))
        names = {table_id: name for name, table_id in self.description.tables.items()}
        for table in answer["RouteTables"]:
            for route in table["Routes"]:
                if self._destination.items() <= route.items():
                    interface = route.get("NetworkInterfaceId", "")
                    target = {"target": owners.get(interface, interface), "state": route["State"]}
                    found[names[table["RouteTableId"]]] = target
        return found

    def do_associate_address(self, address: str, machine: str) -> None:
        """Give an Elastic IP to a machine's interface, from wherever it is."""
        ec2 = self.operator.client("ec2")
        allocation = ec2.describe_addresses(PublicIps=[address])["Addresses"][0]["AllocationId"]
        ec2.associate_address(
            AllocationId=allocation, NetworkInterfaceId=self._instance(machine).interface, AllowReassociation=True
        )
        self.fabric.settle()

    def do_disassociate_address(self, address: str) -> None:
        """Take an Elastic IP off whatever it is associated with."""
        ec2 = self.operator.client("ec2")
        association = ec2.describe_addresses(PublicIps=[address])["Addresses"][0]["AssociationId"]
        ec2.disassociate_address(AssociationId=association)
        self.fabric.settle()

    def do_public_addresses(self) -> dict[str, str]:
        """The public address of each machine that has one."""
        self.fabric.settle()
        owners = {instance.address: name for name, instance in self.description.instances.items()}
        found = self.fabric.public.items()
        return {owners[private]: public for public, private in found if private in owners}

    def do_own_address(self, delay_ms: int | None) -> None:
        """How late an interface gets a public address of its own after an Elastic IP has left it; None: never."""
        self.own_addresses.delay(delay_ms)
        self.fabric.settle()

    def do_source_dest_check(self, machine: str, on: bool) -> None:
        """Switch the check of a machine's interface."""
        self.operator.client("ec2").modify_network_interface_attribute(
            NetworkInterfaceId=self._instance(machine).interface, SourceDestCheck={"Value": on}
        )
        self.fabric.settle()

    def do_instance(self, machine: str, to: str) -> None:
        """`start`, `stop` or `terminate` an instance in EC2; the machine's own power is the lab's affair."""
        if to not in ("start", "stop", "terminate"):
            raise LabError(f"an instance can start, stop or terminate, not '{to}'")
        instance = self._instance(machine).id
        getattr(self.operator.client("ec2"), f"{to}_instances")(InstanceIds=[instance])
        if not self.instances.settled(instance, POWER_S):
            raise LabError(f"{machine} did not {to} within {POWER_S:.0f} s")
        self.fabric.settle()

    def do_instance_state(self, machine: str) -> str:
        """What EC2 says of a machine's instance."""
        wanted = self._instance(machine).id
        return next(str(each.state) for each in self.ec2.all_instances() if each.id == wanted)

    # --- objects in S3

    def do_bucket(self, bucket: str) -> None:
        """Make a bucket."""
        place = {"LocationConstraint": self.topology.region}
        self.operator.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=place)

    def do_object(self, bucket: str, key: str) -> str | None:
        """The text of an object; None: there is none."""
        s3 = self.operator.client("s3")
        try:
            return str(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())
        except s3.exceptions.NoSuchKey:
            return None

    def do_put_object(self, bucket: str, key: str, text: str) -> None:
        """Write an object, whatever was there."""
        self.operator.client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())

    def do_delete_object(self, bucket: str, key: str) -> None:
        """Delete an object; one that is absent is no error."""
        self.operator.client("s3").delete_object(Bucket=bucket, Key=key)

    # --- records in Route 53

    def do_hosted_zone(self, domain: str) -> str:
        """Make a zone; its id."""
        made = self.operator.client("route53").create_hosted_zone(Name=domain, CallerReference=domain)
        return str(made["HostedZone"]["Id"]).rpartition("/")[2]

    def do_record(self, zone: str, domain: str) -> list[str]:
        """Where a record leads; nothing: there is none."""
        answer = self.operator.client("route53").list_resource_record_sets(HostedZoneId=zone)
        found = [each for each in answer["ResourceRecordSets"] if each["Name"].rstrip(".") == domain]
        return [str(value["Value"]) for each in found for value in each["ResourceRecords"]]

    def do_private_addresses(self, machine: str) -> list[str]:
        """The private addresses that EC2 has at a machine's interface."""
        answer = self.operator.client("ec2").describe_network_interfaces(
            NetworkInterfaceIds=[self._instance(machine).interface]
        )
        return [str(each["PrivateIpAddress"]) for each in answer["NetworkInterfaces"][0]["PrivateIpAddresses"]]

    def do_allow(self, actions: list[str]) -> None:
        """Let the nodes do these as well."""
        allow(self.operator, *actions)

    def do_instance_delay(self, state: str, delay_ms: int) -> None:
        """How long instances are `pending`, `stopping` or `shutting-down` from now on."""
        self.instances.delay(state, delay_ms)

    def do_stuck(self, machine: str, on: bool) -> None:
        """An instance that is stuck works on and is `stopping` for ever, once it is stopped; until it is let go."""
        self.instances.hold(self._instance(machine).id, on)

    def do_attend(self) -> None:
        """From now on somebody follows the events, cuts the power when told to, and says so by `without_power`."""
        self._attended = True

    def do_without_power(self, machine: str) -> None:
        """The machine has no power now."""
        self._without_power.setdefault(machine, threading.Event()).set()

    def do_zone(self, zone: str, state: str, text: str = "") -> None:
        """What DescribeAvailabilityZones says of a zone."""
        (found,) = self.ec2.describe_availability_zones(zone_names=[zone])
        found.state = state
        found.messages = [{"message": text}] if text else []

    def do_announce(self, machine: str, kind: str, what: str = "", at: str = "") -> None:
        """EC2 announces something in a machine's metadata: see `komainu_lab.vpc.metadata.Announcements`."""
        self._instance(machine)
        self.announcements.announce(machine, kind, what, at)

    def do_withdraw(self, machine: str, kind: str = "") -> None:
        """One kind is announced no more to a machine, or nothing is."""
        self._instance(machine)
        self.announcements.withdraw(machine, kind)

    def do_propagation(self, delay_ms: int) -> None:
        """How late packets follow a change from now on."""
        self.fabric.delay(delay_ms)

    def do_settle(self) -> None:
        """Return when packets obey every change made so far."""
        self.fabric.settle()

    # --- events ---

    def events(self) -> Iterator[dict[str, Any]]:
        """Changes of instances' states."""
        mine: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._followers.append(mine)
        try:
            yield {"event": "following"}
            while (event := mine.get()) is not None:
                yield event
        finally:
            self._followers.remove(mine)

    def _cut_power(self, instance: str) -> None:
        """Have the power of an instance's machine cut; returns when it is off, at once when nobody cares."""
        (machine,) = [name for name, known in self.description.instances.items() if known.id == instance] or [""]
        if not machine or not self._attended:
            return
        off = self._without_power[machine] = threading.Event()
        for follower in list(self._followers):
            follower.put({"event": "power-off", "machine": machine})
        off.wait()

    def _change(self, work: Callable[[], None]) -> None:
        self.fabric.change(work)

    def _tell_states(self) -> None:
        names = {instance.id: name for name, instance in self.description.instances.items()}
        for instance in self.ec2.all_instances():
            name = names.get(instance.id)
            if name is not None and self._states.get(name, "running") != instance.state:
                for follower in list(self._followers):
                    follower.put({"event": "instance", "machine": name, "state": instance.state})
            if name is not None:
                self._states[name] = instance.state

    # --- the metadata service ---

    def _metadata_at(self, address: str) -> imds.Tree | None:
        machine = self._machine_at(address)
        if not machine:
            return None
        return {**metadata.tree(self.ec2, self.description.instances[machine].id), **self.announcements.of(machine)}

    def _credentials_at(self, address: str) -> tuple[str, dict[str, str]]:
        machine = self._machine_at(address)
        instance = self.description.instances[machine]
        return instance.role, self.credentials.of(machine, instance.id, instance.role) if instance.role else {}

    def _machine_at(self, address: str) -> str:
        return next((name for name, known in self.description.instances.items() if known.address == address), "")

    # --- names ---

    @property
    def _destination(self) -> dict[str, str]:
        return destination(self.topology.service_route)

    def _instance(self, machine: str) -> Any:
        try:
            return self.description.instances[machine]
        except KeyError:
            known = ", ".join(self.description.instances)
            raise LabError(f"'{machine}' is no instance of the VPC; the instances are {known}") from None

    def _tables(self, name: str) -> list[str]:
        if not name:
            return list(self.description.tables.values())
        try:
            return [self.description.tables[name]]
        except KeyError:
            known = ", ".join(self.description.tables)
            raise LabError(f"there is no route table '{name}'; there are {known}") from None

    def _network_faults_changed(self) -> None:
        addresses = {name: instance.address for name, instance in self.description.instances.items()}
        rules = api_rules(self.plan.holding(), endpoint_address(self.topology), addresses)
        self.fabric.set_api_rules(rules)


def main(name: str, directory: str) -> int:
    """Serve the topology of that name; say so on standard output; end with standard input, with the lab behind it."""
    state = Path(directory)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    topology = TOPOLOGIES[name]()
    with ExitStack() as undo:
        outside = Outside(topology)
        undo.callback(outside.close)
        emulator = Emulator(topology, outside, issue(state, topology.region, ACCOUNT))
        emulator.start()
        undo.callback(emulator.stop)
        undo.callback(Server(state / CONTROL, emulator).close)
        say_ready()
        sys.stdin.buffer.read()
    return 0

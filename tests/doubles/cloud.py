"""A VPC in memory: `komainu.ports.Cloud` without an API, with EC2's error codes and the faults of a bad day."""

import asyncio
from dataclasses import dataclass, replace

from komainu.ports import Address, Cloud, CloudError, CloudFault, Instance, Interface, Route, Zone


def throttled() -> CloudError:
    return CloudError(CloudFault.REFUSED, "RequestLimitExceeded", "Request limit exceeded.", transient=True)


def unauthorized() -> CloudError:
    return CloudError(CloudFault.REFUSED, "UnauthorizedOperation", "You are not authorized to perform this operation.")


def no_answer() -> CloudError:
    return CloudError(CloudFault.NO_ANSWER, "ReadTimeoutError", "Read timeout", timed_out=True, transient=True)


def connection_lost() -> CloudError:
    return CloudError(CloudFault.NO_ANSWER, "ConnectionClosedError", "Connection was closed", transient=True)


def unreachable() -> CloudError:
    return CloudError(CloudFault.UNREACHABLE, "EndpointConnectionError", "Could not connect", transient=True)


def connect_timeout() -> CloudError:
    text = "Connect timeout on endpoint URL"
    return CloudError(CloudFault.UNREACHABLE, "ConnectTimeoutError", text, timed_out=True, transient=True)


def no_credentials() -> CloudError:
    return CloudError(CloudFault.UNREACHABLE, "NoCredentialsError", "Unable to locate credentials")


def defect() -> CloudError:
    return CloudError(CloudFault.INTERNAL, "KeyError", "'Vpcs'")


@dataclass
class Fault:
    """What happens to calls of one method; `times` calls long, or for ever when it is None."""

    error: CloudError | None
    "None: no answer until the call's timeout."
    times: int | None = None
    key: str = ""
    "Only for this table, when given."
    after_change: bool = False
    "The change is made, then the answer is lost."


class FakeCloud:
    """VPCs, route tables and interfaces as plain dictionaries; `log` has every call in order."""

    def __init__(self) -> None:
        self.vpcs: dict[str, tuple[str, ...]] = {}
        self.tables: dict[str, dict[str, str]] = {}
        "Table id to destination to interface."
        self.table_vpc: dict[str, str] = {}
        self.interfaces: dict[str, Interface] = {}
        self.instances: dict[str, list[str]] = {}
        "Per instance, the states it is seen in, one after the other; the last one stays."
        self.when_stopped: dict[str, list[str]] = {}
        "Per instance, the states after a stop; else `stopping`, then `stopped`."
        self.addresses: dict[str, Address] = {}
        "Elastic IPs by allocation."
        self.zones: dict[str, Zone] = {}
        self.roles: list[str] = []
        "What was assumed, in order."
        self.reconnected = 0
        self._associations = 0
        self.faults: dict[str, list[Fault]] = {}
        self.log: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.reads_see: dict[str, str] | None = None
        "While set, `routes` shows these targets by table: EC2 is eventually consistent."

    # --- building

    def add_vpc(self, vpc: str, *cidrs: str) -> None:
        self.vpcs[vpc] = cidrs

    def add_table(self, vpc: str, table: str, routes: dict[str, str]) -> None:
        self.table_vpc[table] = vpc
        self.tables[table] = dict(routes)

    def add_interface(
        self, vpc: str, interface: str, address: str, source_dest_check: bool = False, subnet: str = "subnet-1"
    ) -> None:
        self.interfaces[interface] = Interface(
            interface, vpc, address, source_dest_check, f"i-of-{interface}", subnet, (address,)
        )

    def add_address(self, allocation: str, public_address: str) -> None:
        """An Elastic IP that is associated with nothing."""
        self.addresses[allocation] = Address(allocation, public_address)

    def add_zone(self, zone: str, state: str = "available", *messages: str) -> None:
        self.zones[zone] = Zone(zone, state, messages)

    def add_instance(self, instance: str, *states: str) -> None:
        """A machine that is seen in these states."""
        self.instances[instance] = list(states) or ["running"]

    def attach(self, interface: str, instance: str) -> None:
        """Put an interface into a machine; an empty name takes it out."""
        self.interfaces[interface] = replace(self.interfaces[interface], instance=instance)

    def set_source_dest_check(self, interface: str, on: bool) -> None:
        self.interfaces[interface] = replace(self.interfaces[interface], source_dest_check=on)

    def fail(
        self,
        method: str,
        error: CloudError | None,
        times: int | None = None,
        key: str = "",
        after_change: bool = False,
    ) -> None:
        """Let the next calls of a method end like this; later faults wait until the earlier ones are used up."""
        self.faults.setdefault(method, []).append(Fault(error, times, key, after_change))

    def heal(self) -> None:
        self.faults.clear()

    def called(self, method: str) -> int:
        return sum(1 for entry in self.log if entry.split()[0] == method)

    # --- the port

    async def vpc_cidrs(self, vpc: str, timeout_ms: int) -> tuple[str, ...]:
        await self._begin("vpc_cidrs", vpc, timeout_ms)
        if vpc not in self.vpcs:
            raise _refused("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist")
        return self.vpcs[vpc]

    async def routes(self, vpc: str, destination: str, timeout_ms: int) -> tuple[Route, ...]:
        await self._begin("routes", vpc, timeout_ms)
        seen = self.reads_see or {}
        return tuple(
            Route(table, destination, seen.get(table, routes[destination]), "active")
            for table, routes in self.tables.items()
            if self.table_vpc[table] == vpc and destination in routes
        )

    async def route_tables(self, vpc: str, timeout_ms: int) -> tuple[str, ...]:
        await self._begin("route_tables", vpc, timeout_ms)
        return tuple(table for table in self.tables if self.table_vpc[table] == vpc)

    async def may_replace_route(self, table: str, destination: str, interface: str, timeout_ms: int) -> None:
        await self._begin("may_replace_route", table, timeout_ms)

    async def replace_route(self, table: str, destination: str, interface: str, timeout_ms: int) -> None:
        lost = await self._begin("replace_route", table, timeout_ms)
        if table not in self.tables:
            raise _refused("InvalidRouteTableID.NotFound", f"The routeTable ID '{table}' does not exist")
        self._interface(interface)
        if destination not in self.tables[table]:
            raise _refused(
                "InvalidParameterValue", f"There is no route defined for '{destination}' in the route table."
            )
        self.tables[table][destination] = interface
        if lost is not None:
            raise lost

    async def interface(self, interface: str, timeout_ms: int) -> Interface:
        await self._begin("interface", interface, timeout_ms)
        return self._interface(interface)

    async def address(self, allocation: str, timeout_ms: int) -> Address:
        await self._begin("address", allocation, timeout_ms)
        return self._address(allocation)

    async def may_associate(self, allocation: str, interface: str, private_address: str, timeout_ms: int) -> None:
        await self._begin("may_associate", allocation, timeout_ms)

    async def associate(self, allocation: str, interface: str, private_address: str, timeout_ms: int) -> str:
        lost = await self._begin("associate", allocation, timeout_ms)
        found, target = self._address(allocation), self._interface(interface)
        private_address = private_address or target.private_address
        if private_address not in target.private_addresses:
            raise _refused("InvalidParameterValue", f"{private_address} is not an address of {interface}")
        for other in list(self.addresses.values()):
            if (other.interface, other.private_address) == (interface, private_address):
                self.addresses[other.allocation] = Address(other.allocation, other.public_address)
        self._associations += 1
        association = f"eipassoc-{self._associations}"
        self.addresses[allocation] = replace(
            found, association=association, interface=interface, private_address=private_address
        )
        if lost is not None:
            raise lost
        return association

    async def disassociate(self, association: str, timeout_ms: int) -> None:
        lost = await self._begin("disassociate", association, timeout_ms)
        held = [each for each in self.addresses.values() if association and each.association == association]
        if not held:
            text = f"The association ID '{association}' does not exist"
            raise _refused("InvalidAssociationID.NotFound", text)
        self.addresses[held[0].allocation] = Address(held[0].allocation, held[0].public_address)
        if lost is not None:
            raise lost

    async def assign_private_address(self, interface: str, address: str, timeout_ms: int) -> None:
        lost = await self._begin("assign_private_address", interface, timeout_ms)
        target = self._interface(interface)
        for other in list(self.interfaces.values()):
            if other.id != interface and other.vpc == target.vpc and address in other.private_addresses:
                if other.private_address == address:
                    raise _refused("InvalidParameterValue", f"{address} is the primary address of {other.id}")
                self._without(other, address)
        if address not in target.private_addresses:
            self.interfaces[interface] = replace(target, private_addresses=(*target.private_addresses, address))
        if lost is not None:
            raise lost

    async def unassign_private_address(self, interface: str, address: str, timeout_ms: int) -> None:
        lost = await self._begin("unassign_private_address", interface, timeout_ms)
        target = self._interface(interface)
        if address not in target.private_addresses[1:]:
            text = f"Some of the specified addresses are not assigned to interface {interface}"
            raise _refused("InvalidParameterValue", text)
        self._without(target, address)
        if lost is not None:
            raise lost

    async def zone(self, zone: str, timeout_ms: int) -> Zone | None:
        await self._begin("zone", zone, timeout_ms)
        if zone not in self.zones:
            raise _refused("InvalidParameterValue", f"Invalid availability zone: [{zone}]")
        return self.zones[zone]

    def assume(self, role: str) -> "FakeCloud":
        """The rights of every role are ours; what was assumed stands in `roles`."""
        self.roles.append(role)
        return self

    def reconnect(self) -> None:
        self.reconnected += 1

    async def instance(self, instance: str, timeout_ms: int) -> Instance:
        await self._begin("instance", instance, timeout_ms)
        states = self._states(instance)
        return Instance(instance, states.pop(0) if len(states) > 1 else states[0])

    async def stop_instance(self, instance: str, timeout_ms: int, *, skip_os: bool = True) -> str:
        lost = await self._begin("stop_instance" if skip_os else "stop_instance_gently", instance, timeout_ms)
        if self._states(instance)[0] in ("shutting-down", "terminated"):
            raise _refused("IncorrectInstanceState", f"This instance '{instance}' cannot be stopped now.")
        if self._states(instance)[0] != "stopped":
            self.instances[instance] = list(self.when_stopped.get(instance, ["stopping", "stopped"]))
        if lost is not None:
            raise lost
        return self.instances[instance][0]

    async def may_stop_instance(self, instance: str, timeout_ms: int) -> None:
        await self._begin("may_stop_instance", instance, timeout_ms)
        self._states(instance)

    def _interface(self, interface: str) -> Interface:
        if interface not in self.interfaces:
            text = f"The networkInterface ID '{interface}' does not exist"
            raise _refused("InvalidNetworkInterfaceID.NotFound", text)
        return self.interfaces[interface]

    def _address(self, allocation: str) -> Address:
        if allocation not in self.addresses:
            text = f"The allocation ID '{allocation}' does not exist"
            raise _refused("InvalidAllocationID.NotFound", text)
        return self.addresses[allocation]

    def _without(self, interface: Interface, address: str) -> None:
        left = tuple(each for each in interface.private_addresses if each != address)
        self.interfaces[interface.id] = replace(interface, private_addresses=left)

    def _states(self, instance: str) -> list[str]:
        if instance not in self.instances:
            raise _refused("InvalidInstanceID.NotFound", f"The instance ID '{instance}' does not exist")
        return self.instances[instance]

    async def _begin(self, method: str, key: str, timeout_ms: int) -> CloudError | None:
        """Count the call, let others run, and fail as told. Answers the error that follows the change, if any."""
        assert timeout_ms > 0, f"{method} was called without time to answer"
        self.log.append(f"{method} {key}")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            fault = self._next_fault(method, key)
            if fault is None:
                return None
            if fault.error is None:
                try:
                    await asyncio.wait_for(asyncio.Event().wait(), timeout_ms / 1000)
                except TimeoutError:
                    text = f"no answer within {timeout_ms} ms"
                    fault.error = CloudError(
                        CloudFault.NO_ANSWER, "DeadlineExceeded", text, timed_out=True, transient=True
                    )
            assert fault.error is not None
            if fault.after_change:
                return fault.error
            raise fault.error
        finally:
            self.at_once -= 1

    def _next_fault(self, method: str, key: str) -> Fault | None:
        for fault in self.faults.get(method, []):
            if fault.times == 0 or (fault.key and fault.key != key):
                continue
            if fault.times is not None:
                fault.times -= 1
            return fault
        return None


_: type[Cloud] = FakeCloud


def _refused(code: str, text: str) -> CloudError:
    return CloudError(CloudFault.REFUSED, code, text)

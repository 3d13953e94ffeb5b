"""The fabric: keeps the router's network namespace as the emulated state says.

Every method of moto's EC2 that changes something is wrapped, so that a thread wakes at once and programs only what is
different: routes by netlink, the rest in one transaction of nftables, both without starting a process. Nothing polls.

- Packets from a subnet are routed by that subnet's own table (`ip rule iif`); what its route table does not name is
  dropped without an answer, as in a VPC.
- A port with Source/Dest check on passes only packets from and to its own addresses; the port of an instance that
  does not run passes nothing.
- The router knows every interface's hardware address from the emulated state and never asks for it. It answers
  whoever asks in a subnet itself, and carries what the subnet's machines send one another: as in a VPC, an address is
  where the API has it, whatever a machine claims.
- IPv6 is carried inside the VPC in the same manner, in the subnets that have it. Beyond the internet gateway is none.
- Security groups and network ACLs are not carried out.
- The internet gateway translates one to one and without state, as the real one: whoever has no public address has no
  way out, and an address that moves takes its traffic along with the next packet.
"""

import functools
import logging
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute

from komainu_lab.errors import LabError
from komainu_lab.namespaces import boottime_ns
from komainu_lab.topology import Topology
from komainu_lab.vpc.faults import Fault, Kind
from komainu_lab.vpc.netlink import Routes
from komainu_lab.vpc.plan import Hop, Key, Plan, Reader
from komainu_lab.wires import Nftables

_log = logging.getLogger(__name__)

ROUTED, ROUTED6, BRIDGED = "ip komainu_vpc", "ip6 komainu_vpc", "bridge komainu_vpc"
NEIGHBOURLY = "{ ::, fe80::/10, ff00::/8 }"
"What machine and router say to one another about their addresses; the router carries it no further."
SETTLE_S = 10.0
KEPT = 2_000
"Older changes are forgotten."
TRANSLATED = 0x4B
"Mark of packets that came in through the internet gateway's translation."

CHANGING = (
    "create_vpc", "delete_vpc", "associate_vpc_cidr_block", "disassociate_vpc_cidr_block",
    "create_subnet", "delete_subnet",
    "create_route_table", "delete_route_table", "create_route", "replace_route", "delete_route",
    "associate_route_table", "disassociate_route_table", "replace_route_table_association",
    "attach_internet_gateway", "detach_internet_gateway", "delete_internet_gateway",
    "create_network_interface", "delete_network_interface", "attach_network_interface", "detach_network_interface",
    "modify_network_interface_attribute", "assign_private_ip_addresses", "unassign_private_ip_addresses",
    "assign_ipv6_addresses", "unassign_ipv6_addresses",
    "run_instances", "start_instances", "stop_instances", "terminate_instances", "reboot_instances",
    "modify_instance_attribute",
    "allocate_address", "associate_address", "disassociate_address", "release_address",
)  # fmt: skip
"moto's methods that change something the plan reads."

BEHIND_ANSWER = ("associate_address", "disassociate_address")
"Packets follow these a little later: else a node would never hear that its own public address is another one now."
BEHIND_ANSWER_S = 0.1
"Long enough for the answer to have left. How long EC2 takes is not known; its answers do arrive (believed)."


@dataclass(frozen=True, slots=True)
class Programmed:
    """One time that packets began to go elsewhere."""

    number: int
    changed_ns: int
    "When the first change that it contains was made in the API."
    programmed_ns: int
    "When the router followed."
    routes: tuple[tuple[str, str, str, str], ...]
    "Device of arrival, destination, device and gateway of the next hop (both empty: dropped)."


def watch(
    ec2: Any, lock: threading.RLock, changed: Callable[[], None], behind_answer: Callable[[], None] | None = None
) -> None:
    """Call `changed` after each change to moto's EC2 backend; changes are made under `lock`.

    `behind_answer` is called instead after those of BEHIND_ANSWER.
    """

    def wrapped(method: Callable[..., Any], changed: Callable[[], None]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                with lock:
                    return method(*args, **kwargs)
            finally:
                changed()

        return call

    for name in CHANGING:
        tell = behind_answer if behind_answer is not None and name in BEHIND_ANSWER else changed
        setattr(ec2, name, wrapped(getattr(ec2, name), tell))


def base_rules(outside: str, ports: tuple[str, ...]) -> str:
    """The tables with empty sets; `outside` is the device that leads to the internet, `ports` are those of machines
    inside the VPC."""
    inside = f"elements = {{ {', '.join(quoted(ports))} }};" if ports else ""
    return f"""
table {ROUTED} {{
    map to_private {{ type ipv4_addr : ipv4_addr; }}
    map to_public {{ type ipv4_addr : ipv4_addr; }}
    set stopped {{ type ipv4_addr; }}
    chain arriving {{
        type filter hook prerouting priority raw; policy accept;
        iifname "{outside}" notrack
        iifname "{outside}" ip daddr set ip daddr map @to_private meta mark set {TRANSLATED}
    }}
    chain api {{ }}
    chain forwarding {{
        type filter hook forward priority filter; policy accept;
        jump api
        ip saddr @stopped drop
        ip daddr @stopped drop
        iifname "{outside}" meta mark != {TRANSLATED} drop
        oifname "{outside}" ip saddr != @to_public drop
    }}
    chain leaving {{
        type filter hook postrouting priority srcnat; policy accept;
        oifname "{outside}" ip saddr set ip saddr map @to_public
    }}
    chain sending {{
        type filter hook output priority filter; policy accept;
        icmp type {{ destination-unreachable, redirect }} drop
    }}
}}
{_base_rules6(outside)}
table {BRIDGED} {{
    set inside_ports {{ type ifname; {inside} }}
    set stopped_ports {{ type ifname; }}
    set checked_ports {{ type ifname; }}
    set own_addresses {{ type ifname . ipv4_addr; }}
    set own_addresses6 {{ type ifname . ipv6_addr; }}
    chain arriving {{
        type filter hook prerouting priority -200; policy accept;
        iifname @stopped_ports drop
        iifname @checked_ports ether type ip iifname . ip saddr != @own_addresses drop
        iifname @checked_ports ip6 saddr != {NEIGHBOURLY} iifname . ip6 saddr != @own_addresses6 drop
    }}
    chain between {{
        type filter hook forward priority 0; policy accept;
        iifname @inside_ports drop
    }}
    chain asking {{
        type filter hook output priority 0; policy accept;
        oifname @inside_ports arp operation request drop
        oifname @inside_ports icmpv6 type nd-neighbor-solicit drop
    }}
    chain leaving {{
        type filter hook postrouting priority 200; policy accept;
        oifname @stopped_ports drop
        oifname @checked_ports ether type ip oifname . ip daddr != @own_addresses drop
        oifname @checked_ports ip6 daddr != {NEIGHBOURLY} oifname . ip6 daddr != @own_addresses6 drop
    }}
}}
"""


def _base_rules6(outside: str) -> str:
    """The table of IPv6: nothing of it leaves the VPC."""
    return f"""
table {ROUTED6} {{
    set stopped {{ type ipv6_addr; }}
    chain forwarding {{
        type filter hook forward priority filter; policy accept;
        iifname "{outside}" drop
        oifname "{outside}" drop
        ip6 saddr @stopped drop
        ip6 daddr @stopped drop
    }}
    chain sending {{
        type filter hook output priority filter; policy accept;
        icmpv6 type {{ destination-unreachable, nd-redirect }} drop
    }}
}}"""


def _elements(plan: Plan) -> dict[str, list[str]]:
    """The content of every set and map, by table and name."""
    own = sorted(plan.own_addresses)
    return {
        f"{ROUTED} to_private": [f"{public} : {private}" for public, private in sorted(plan.public)],
        f"{ROUTED} to_public": [f"{private} : {public}" for public, private in sorted(plan.public)],
        f"{ROUTED} stopped": sorted(address for address in plan.stopped if not is_ipv6(address)),
        f"{ROUTED6} stopped": sorted(address for address in plan.stopped if is_ipv6(address)),
        f"{BRIDGED} stopped_ports": quoted(plan.stopped_ports),
        f"{BRIDGED} checked_ports": quoted(plan.checked_ports),
        f"{BRIDGED} own_addresses": [f'"{port}" . {address}' for port, address in own if not is_ipv6(address)],
        f"{BRIDGED} own_addresses6": [f'"{port}" . {address}' for port, address in own if is_ipv6(address)],
    }


def is_ipv6(address: str) -> bool:
    """Whether an address or a CIDR is one of IPv6."""
    return ":" in address


def quoted(ports: Iterable[str]) -> list[str]:
    """Names of devices as nftables wants them, in order."""
    return [f'"{port}"' for port in sorted(ports)]


def filter_changes(before: Plan, after: Plan) -> str:
    """The commands that turn one plan's sets into another's; empty: nothing differs."""
    old, lines = _elements(before), []
    for name, elements in _elements(after).items():
        if elements == old[name]:
            continue
        kind = "map" if name.startswith(f"{ROUTED} to_") else "set"
        lines.append(f"flush {kind} {name}")
        if elements:
            lines.append(f"add element {name} {{ {', '.join(elements)} }}")
    return "\n".join(lines)


def api_rules(faults: tuple[Fault, ...], address: str, sources: dict[str, str]) -> str:
    """The commands for the faults of the network between machines and the endpoint; `sources`: addresses by name.

    A machine's packets are recognised where they enter the router first, before a NAT instance gives them its address.
    """
    lines = [f"flush chain {ROUTED} api"]
    for fault in faults:
        if fault.kind not in (Kind.REFUSE, Kind.SILENCE):
            continue
        there, back = f"ip daddr {address}", f"ip saddr {address}"
        for source in [sources[name] for name in fault.sources] or [""]:
            whose, to_whom = (f"ip saddr {source} ", f"ip daddr {source} ") if source else ("", "")
            if fault.kind == Kind.REFUSE:
                lines.append(f"add rule {ROUTED} api {whose}{there} tcp dport 443 reject with tcp reset")
            else:
                lines.append(f"add rule {ROUTED} api {whose}{there} tcp dport 443 drop")
                lines.append(f"add rule {ROUTED} api {to_whom}{back} tcp sport 443 drop")
    return "\n".join(lines)


class Fabric:
    """Programs the network namespace of the process it runs in."""

    def __init__(self, ec2: Any, topology: Topology, followed: Callable[[], None]) -> None:
        """`ec2`: moto's backend of the region. `followed` is called, from the fabric's thread, each time that packets
        obey a change. `start` begins."""
        self._followed = followed
        self._ec2 = ec2
        self._reader = Reader(topology)
        self._lock = threading.RLock()
        self._wake = threading.Condition()
        self._wanted = 0
        "How many changes there have been."
        self._done = 0
        "How many of them packets obey."
        self._changed_ns = 0
        self._coming = 0
        "How many changes have been made that packets shall follow only in a moment."
        self._stopping = False
        self._api_rules = ""
        self._plan = Plan()
        self._programmed: deque[Programmed] = deque(maxlen=KEPT)
        self._error: Exception | None = None
        self._delay_ms = 0
        self._thread = threading.Thread(target=self._run, name="fabric", daemon=True)

    def start(self) -> None:
        """Program what is, and follow every change. Raises LabError when the first programming fails."""
        watch(self._ec2, self._lock, self.changed, self.changed_behind_answer)
        self._thread.start()
        self.changed()
        self.settle()

    def heed(self, ec2: Any) -> None:
        """Follow the changes that another account makes, too. Call it once for each."""
        watch(ec2, self._lock, self.changed, self.changed_behind_answer)

    def stop(self) -> None:
        """End the thread; what is programmed stays."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self._thread.join(SETTLE_S)

    def changed(self) -> None:
        """Something may have changed: program what differs, soon."""
        with self._wake:
            self._wanted += 1
            if not self._changed_ns:
                self._changed_ns = boottime_ns()
            self._wake.notify_all()

    def changed_behind_answer(self) -> None:
        """Something has changed that packets shall follow when the answer to it has left."""
        with self._wake:
            self._coming += 1
        timer = threading.Timer(BEHIND_ANSWER_S, self._answer_left)
        timer.daemon = True
        timer.start()

    def _answer_left(self) -> None:
        self.changed()
        with self._wake:
            self._coming -= 1
            self._wake.notify_all()

    @property
    def public(self) -> dict[str, str]:
        """Private addresses by the public ones that stand for them, as packets obey."""
        return dict(self._plan.public)

    def change(self, work: Callable[[], None]) -> None:
        """Make a change that comes from no call of the API."""
        with self._lock:
            work()
        self.changed()

    def delay(self, delay_ms: int) -> None:
        """How late packets follow a change from now on: EC2 is eventually consistent. 0: at once, also what waits."""
        with self._wake:
            self._delay_ms = delay_ms
            self._wake.notify_all()

    def set_api_rules(self, commands: str) -> None:
        """Replace the faults of the network towards the endpoint, and wait until they hold."""
        with self._wake:
            self._api_rules = commands
        self.changed()
        self.settle()

    def settle(self) -> None:
        """Return when packets obey every change made so far. Raises LabError when they cannot."""
        with self._wake:
            patience_s = SETTLE_S + self._delay_ms / 1000
            self._wake.wait_for(lambda: not self._coming or self._stopping, patience_s)
            wanted = self._wanted
            if not self._wake.wait_for(lambda: self._done >= wanted or self._stopping, patience_s):
                raise LabError(f"the emulated VPC did not program the router within {patience_s:.0f} s")
            if self._error is not None:
                raise LabError(f"the emulated VPC could not program the router: {self._error}")

    def programmed_after(self, number: int) -> list[dict[str, Any]]:
        """The times that packets began to go elsewhere, later than that number, as plain data."""
        with self._wake:
            return [asdict(entry) for entry in self._programmed if entry.number > number]

    # --- the thread ---

    def _run(self) -> None:
        try:
            kernel = open_kernel(self._reader)
        except Exception as error:  # noqa: BLE001 - told to whoever waits in settle
            self._finish(self._wanted, error, ())
            return
        while self._next():
            self._program(kernel)
        kernel.close()

    def _next(self) -> bool:
        """Wait for a change; False: the end."""
        with self._wake:
            self._wake.wait_for(lambda: self._stopping or self._done < self._wanted)
            if self._delay_ms:
                self._wake.wait_for(lambda: self._stopping or not self._delay_ms, self._delay_ms / 1000)
            return not self._stopping

    def _program(self, kernel: "Kernel") -> None:
        with self._wake:
            wanted = self._wanted
            api_rules, self._api_rules = self._api_rules, ""
        changes: dict[Key, Hop] = {}
        error: Exception | None = None
        try:
            with self._lock:
                after = self._reader.read(self._ec2)
            before = self._plan
            changes = {key: hop for key, hop in after.routes.items() if before.routes.get(key) != hop}
            kernel.follow(before, after, changes, api_rules)
            self._plan = after
        except Exception as caught:  # noqa: BLE001 - the thread must live; the reason is told by settle
            _log.exception("the router could not be programmed")
            error = caught
        devices = {table: self._reader.devices[cidr] for cidr, table in self._reader.tables.items()}
        told = tuple((devices[table], to, hop.device, hop.gateway) for (table, to), hop in changes.items())
        self._finish(wanted, error, told)
        self._followed()

    def _finish(self, wanted: int, error: Exception | None, routes: tuple[tuple[str, str, str, str], ...]) -> None:
        with self._wake:
            entry = Programmed(wanted, self._changed_ns, boottime_ns(), routes)
            self._programmed.append(entry)
            self._done = wanted
            self._error = error
            if self._done == self._wanted:
                self._changed_ns = 0
            self._wake.notify_all()


def open_kernel(reader: Reader) -> "Kernel":
    """Make the calling thread's network namespace a router, with empty tables, and open the ways to its kernel."""
    prepare_forwarding(tuple(reader.devices.values()))
    if reader.ipv6:
        Path("/proc/sys/net/ipv6/conf/all/forwarding").write_text("1", encoding="ascii")
    ip = IPRoute()
    try:
        nftables = Nftables()
        nftables.run(base_rules(reader.outside, reader.ports))
        for cidr, table in reader.tables.items():
            ip.rule("add", iifname=reader.devices[cidr], table=table, priority=table)
        for cidr in reader.ipv6:
            table = reader.tables[cidr]
            ip.rule("add", family=socket.AF_INET6, iifname=reader.devices[cidr], table=table, priority=table)
        indexes = {name: number for number, name in socket.if_nameindex()}
        return Kernel(ip, Routes(indexes), nftables, indexes)
    except BaseException:
        ip.close()
        raise


def prepare_forwarding(inside: tuple[str, ...] = ()) -> None:
    """Let the calling thread's network namespace pass packets wherever they come from, and redirect nobody.

    On the devices `inside` it answers ARP for every address of their subnet.
    """
    values = {"ip_forward": "1"}
    for scope in ("all", "default", *(name for _, name in socket.if_nameindex())):
        values[f"conf/{scope}/rp_filter"] = "0"
        values[f"conf/{scope}/send_redirects"] = "0"
    for device in inside:
        values[f"conf/{device}/proxy_arp_pvlan"] = "1"
        values[f"neigh/{device}/proxy_delay"] = "0"
    for name, value in values.items():
        Path("/proc/sys/net/ipv4", name).write_text(value, encoding="ascii")


@dataclass(frozen=True, slots=True)
class Kernel:
    """The ways to the kernel, opened once."""

    ip: IPRoute
    routes: Routes
    nftables: Nftables
    indexes: dict[str, int]

    def close(self) -> None:
        """Close them."""
        self.routes.close()
        self.nftables.close()
        self.ip.close()

    def follow(self, before: Plan, after: Plan, changes: dict[Key, Hop], more: str) -> None:
        """Turn one plan into another; `more`: further nftables commands. Raises the kernel's and nftables' errors."""
        self._change_neighbours(before, after)
        self.routes.change(changes, before.routes.keys() - after.routes.keys())
        commands = "\n".join(filter(None, (filter_changes(before, after), more)))
        if commands:
            self.nftables.run(commands)

    def _change_neighbours(self, before: Plan, after: Plan) -> None:
        kept = {(device, address) for device, address, _ in after.neighbours}
        for device, address, _hardware in before.neighbours - after.neighbours:
            if (device, address) not in kept:
                self.ip.neigh("del", dst=address, ifindex=self.indexes[device], **_family(address))
        for device, address, hardware in after.neighbours - before.neighbours:
            where = {"dst": address, "ifindex": self.indexes[device], **_family(address)}
            self.ip.neigh("replace", lladdr=hardware, state="permanent", **where)


def _family(address: str) -> dict[str, int]:
    return {"family": socket.AF_INET6 if is_ipv6(address) else socket.AF_INET}

"""Cables between the machines and the router, and what can be done to them.

Everything happens in the router's network namespace, by one thread that has entered it. Cuts are elements of nftables
sets in the bridge family: a frame is dropped at the router's port, so both ends keep their carrier and learn nothing,
as with a cable that is cut beyond the next switch.
"""

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeVar

from komainu_lab.clock import boottime_ns
from komainu_lab.errors import LabError
from komainu_lab.topology import Machine, Subnet

T = TypeVar("T")
Direction = Literal["both", "in", "out"]
TABLE = "bridge komainu_lab"
CLONE_NEWNET = 0x40000000
RULES = f"""
add table {TABLE}
add set {TABLE} from_port {{ type ifname; }}
add set {TABLE} to_port {{ type ifname; }}
add set {TABLE} port_to_address {{ type ifname . ipv4_addr; }}
add chain {TABLE} arriving {{ type filter hook prerouting priority -300; policy accept; }}
add chain {TABLE} leaving {{ type filter hook postrouting priority 300; policy accept; }}
add rule {TABLE} arriving iifname @from_port drop
add rule {TABLE} arriving iifname . ip daddr @port_to_address drop
add rule {TABLE} leaving oifname @to_port drop
"""


@dataclass(frozen=True, slots=True)
class Cut:
    """What is dropped: elements of the three sets."""

    from_port: tuple[str, ...] = ()
    to_port: tuple[str, ...] = ()
    port_to_address: tuple[str, ...] = ()


def cut_off(machine: Machine, direction: Direction = "both") -> Cut:
    """Cut one machine off from everything. `in`: nothing reaches it; `out`: nothing it sends arrives."""
    port = (f'"{machine.port}"',)
    return Cut(from_port=port if direction != "in" else (), to_port=port if direction != "out" else ())


def cut_between(one: Machine, other: Machine, direction: Direction = "both") -> Cut:
    """Cut two machines off from one another, and from nothing else. `out`: only what `one` sends is lost."""
    there = f'"{one.port}" . {other.address}'
    back = f'"{other.port}" . {one.address}'
    return Cut(port_to_address={"both": (there, back), "out": (there,), "in": (back,)}[direction])


def transaction(cuts: Iterable[Cut]) -> str:
    """The nftables commands after which exactly these cuts hold; they take effect all at once."""
    lines = []
    held = list(cuts)
    for name in ("from_port", "to_port", "port_to_address"):
        lines.append(f"flush set {TABLE} {name}")
        elements = sorted({element for cut in held for element in getattr(cut, name)})
        if elements:
            lines.append(f"add element {TABLE} {name} {{ {', '.join(elements)} }}")
    return "\n".join(lines)


class Nftables:
    """libnftables in this process: a transaction costs about a millisecond, no process."""

    def __init__(self) -> None:
        """The calling thread's network namespace is the one it works on. Raises LabError without the library."""
        try:
            self._library = ctypes.CDLL("libnftables.so.1")
        except OSError as error:
            raise LabError("nftables is missing; install it: apt-get install nftables") from error
        self._library.nft_ctx_new.restype = ctypes.c_void_p
        self._library.nft_ctx_buffer_error.argtypes = [ctypes.c_void_p]
        self._library.nft_ctx_get_error_buffer.argtypes = [ctypes.c_void_p]
        self._library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
        self._library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        self._library.nft_ctx_free.argtypes = [ctypes.c_void_p]
        self._context = self._library.nft_ctx_new(0)
        self._library.nft_ctx_buffer_error(self._context)

    def run(self, commands: str) -> None:
        """One transaction. Raises LabError with the library's words."""
        if self._library.nft_run_cmd_from_buffer(self._context, commands.encode()) != 0:
            said = self._library.nft_ctx_get_error_buffer(self._context).decode(errors="replace").strip()
            raise LabError(f"nftables refused: {said}")

    def close(self) -> None:
        """Give the library's memory and socket back."""
        self._library.nft_ctx_free(self._context)


def enter_network(pid: int) -> None:
    """Move the calling thread into the network namespace of a process. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(namespace, CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"setns: {os.strerror(number)}")
    finally:
        os.close(namespace)


def ip_batch(commands: Iterable[str]) -> None:
    """Run ip(8) commands in the calling thread's network namespace. Raises LabError with its words."""
    text = "\n".join(commands) + "\n"
    done = subprocess.run(["ip", "-batch", "-"], input=text, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        raise LabError(f"ip refused: {done.stderr.strip()}")


class Wires:
    """The router's ports."""

    def __init__(self, router_pid: int) -> None:
        """`router_pid`: PID 1 of the router."""
        self._router_pid = router_pid
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="router")
        self._cuts: dict[str, Cut] = {}
        self._ports: set[str] = set()
        self._inside(lambda: enter_network(router_pid))
        self._nft: Nftables = self._inside(Nftables)
        self._inside(lambda: self._nft.run(RULES))

    def _inside(self, work: Callable[[], T]) -> T:
        """Do something in the router's network namespace."""
        return self._thread.submit(work).result()

    def add_subnet(self, subnet: Subnet) -> None:
        """Make the subnet's bridge with the router's address on it."""
        # A bridge without a fixed address takes the lowest of its ports: it would change when a machine goes off, and
        # the neighbours would go on writing to the old one.
        mac = hardware_address(subnet.gateway.packed)
        commands = [
            f"link add {subnet.bridge} address {mac} type bridge forward_delay 0 mcast_snooping 0",
            f"addr add {subnet.gateway}/{subnet.cidr.prefixlen} dev {subnet.bridge}",
        ]
        if subnet.cidr6 is not None:
            commands.append(f"addr add {subnet.gateway6}/{subnet.cidr6.prefixlen} dev {subnet.bridge} nodad")
        commands.append(f"link set {subnet.bridge} up")
        self._inside(lambda: ip_batch(commands))

    def attach(self, machine: Machine, pid: int) -> None:
        """Plug a machine that was switched on into its subnet."""
        mac = hardware_address(machine.address.packed)
        outside = [
            f"link add {machine.port} netns {self._router_pid} type veth peer name eth0 address {mac} netns {pid}",
            f"link set {machine.port} master {machine.subnet.bridge} up",
        ]
        inside = [
            f"addr add {machine.address}/{machine.subnet.cidr.prefixlen} dev eth0",
            "link set eth0 up",
            f"route add default via {machine.subnet.gateway}",
            *ipv6_commands(machine),
        ]
        self.detach(machine)
        self._inside(lambda: ip_batch(outside))
        self._ports.add(machine.port)
        with ThreadPoolExecutor(max_workers=1, initializer=enter_network, initargs=(pid,)) as visitor:
            visitor.submit(ip_batch, inside).result()

    def detach(self, machine: Machine) -> None:
        """Unplug a machine that is off; the kernel removes its cable late, and the name is needed again."""
        if machine.port in self._ports:
            self._inside(lambda: _delete_link(machine.port))
            self._ports.discard(machine.port)

    def cut(self, name: str, cut: Cut) -> int:
        """Begin to drop something, under a name to heal it by. Returns the time just before, CLOCK_BOOTTIME in ns."""
        self._cuts[name] = cut
        return self._apply()

    def heal(self, *names: str) -> int:
        """End cuts by name; a name that is not cut is no error. Returns the time just before, CLOCK_BOOTTIME in ns."""
        for name in names:
            self._cuts.pop(name, None)
        return self._apply()

    @property
    def cuts(self) -> tuple[str, ...]:
        """The names of the cuts that hold."""
        return tuple(self._cuts)

    def _apply(self) -> int:
        commands = transaction(self._cuts.values())

        def run() -> int:
            at = boottime_ns()
            self._nft.run(commands)
            return at

        return self._inside(run)

    def close(self) -> None:
        """Let go of the router's namespace."""
        self._inside(self._nft.close)
        self._thread.shutdown()


def ipv6_commands(machine: Machine) -> list[str]:
    """The ip(8) commands that give a machine its IPv6 address, when it has one, on `eth0` that is up.

    As EC2's DHCPv6 gives it: the address alone, so that everything goes by the router. Nobody advertises the router
    here, and nothing waits for the detection of duplicates.
    """
    if machine.address6 is None:
        return []
    return [
        f"addr add {machine.address6}/128 dev eth0 nodad",
        f"route add ::/0 via {machine.subnet.gateway6} dev eth0 onlink",
    ]


def _delete_link(name: str) -> None:
    """Delete a device of the calling thread's namespace if it is there; the kernel may just be doing the same."""
    done = subprocess.run(["ip", "link", "delete", name], capture_output=True, text=True, check=False, timeout=30)
    gone = "Cannot find device" in done.stderr or "No such device" in done.stderr
    if done.returncode != 0 and not gone:
        raise LabError(f"ip refused: {done.stderr.strip()}")


def hardware_address(address: bytes) -> str:
    """A locally administered Ethernet address made from an IPv4 address: an interface keeps it over power cycles."""
    return ":".join(f"{byte:02x}" for byte in b"\x02\x4b" + address)

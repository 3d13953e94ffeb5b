"""The host beyond the internet gateway that carries the endpoint's address.

It is a network namespace without a name, held open by this process: with the process it is gone. Nodes reach it only as
they reach AWS: through the NAT instance of their zone and the internet gateway.
"""

import ctypes
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pyroute2 import IPRoute

from komainu_lab.topology import Subnet, Topology
from komainu_lab.wires import CLONE_NEWNET, hardware_address

T = TypeVar("T")
PORT = "p-aws"
HOST = 2
"Its number in the outside subnet."
BACKLOG = 128


def outside_subnet(topology: Topology) -> Subnet:
    """The subnet beyond the internet gateway. Raises LookupError when the topology has none."""
    for subnet in topology.subnets:
        if not subnet.zone:
            return subnet
    raise LookupError(f"the topology {topology.name} has no subnet outside the VPC")


def endpoint_address(topology: Topology) -> str:
    """Where the endpoint is served."""
    return str(outside_subnet(topology).cidr[HOST])


class Outside:
    """The endpoint's host, plugged into the router. Make it in a thread that is in the router's network namespace."""

    def __init__(self, topology: Topology) -> None:
        """Raises OSError or pyroute2's errors when the kernel refuses."""
        subnet = outside_subnet(topology)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="outside")
        self.namespace = self._inside(_new_network)
        "A file descriptor of the network namespace."
        address = endpoint_address(topology)
        with IPRoute() as router:
            router.link(
                "add",
                ifname=PORT,
                kind="veth",
                peer={
                    "ifname": "eth0",
                    "address": hardware_address(subnet.cidr[HOST].packed),
                    "net_ns_fd": self.namespace,
                },
            )
            (port,) = router.link_lookup(ifname=PORT)
            (bridge,) = router.link_lookup(ifname=subnet.bridge)
            router.link("set", index=port, master=bridge, state="up")
        self._inside(lambda: _configure(address, subnet))
        self._address = address

    def listen(self, port: int) -> socket.socket:
        """A listening socket on the host's address."""
        return self._inside(lambda: socket.create_server((self._address, port), backlog=BACKLOG))

    def close(self) -> None:
        """Let go; the namespace and its cable end with its last socket."""
        self._thread.shutdown()
        os.close(self.namespace)

    def _inside(self, work: Callable[[], T]) -> T:
        return self._thread.submit(work).result()


def _new_network() -> int:
    """Give the calling thread a network namespace of its own; a file descriptor of it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _configure(address: str, subnet: Subnet) -> None:
    with IPRoute() as ip:
        ip.link("set", index=1, state="up")
        (index,) = ip.link_lookup(ifname="eth0")
        ip.addr("add", index=index, address=address, prefixlen=subnet.cidr.prefixlen)
        ip.link("set", index=index, state="up")
        ip.route("add", dst="0.0.0.0/0", gateway=str(subnet.gateway))

"""Addresses of this machine, by netlink: no command is started, and the kernel's own answer is the result.

A socket is made for each question. That costs 0.3 ms, and there is none that could be out of step.
"""

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyroute2.iproute.linux import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

from komainu.adapters.net import announce as wire

NO_DUPLICATE_DETECTION = 0x02
"IFA_F_NODAD: an IPv6 address that moves must serve at once, not after a second of asking around."

NEVER_PREFERRED, FOREVER = 0, 0xFFFFFFFF
"""Seconds. Of two IPv6 addresses that are equally near to a destination, the kernel takes the newer one as the source
of what this machine sends of its own accord, unless it is not preferred ("deprecated"). The answers would go where the
routes lead: a takeover that asks an API by IPv6 would hang, because they still lead to the node that is lost. Of IPv4
addresses the kernel takes the older one."""


@dataclass(frozen=True, slots=True)
class _Carried:
    """One address on one device."""

    index: int
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    prefix: int


class LinuxNetwork:
    """`komainu.ports.Network` on the kernel, in the network namespace of this process."""

    async def device_with(self, address: str) -> str | None:
        """The name of the network device that carries the address, or None."""
        wanted = ipaddress.ip_address(address)
        for carried in await _carried():
            if carried.address == wanted:
                return _device_name(carried.index)
        return None

    async def device_for(self, address: str) -> str | None:
        """The name of the network device on whose subnet the address lies (longest prefix first), or None."""
        wanted = ipaddress.ip_address(address)
        best: _Carried | None = None
        for carried in await _carried():
            if carried.prefix == carried.address.max_prefixlen or carried.address.version != wanted.version:
                continue  # a single address has no subnet
            if wanted not in ipaddress.ip_network((carried.address, carried.prefix), strict=False):
                continue
            if best is None or carried.prefix > best.prefix:
                best = carried
        return None if best is None else _device_name(best.index)

    async def add_address(self, device: str, address: str, prefix: int) -> None:
        """Add the address; nothing changes when it is there. Raises OSError: no such device, no permission."""
        wanted = ipaddress.ip_address(address)
        index = _device_index(device)
        if any(carried.address == wanted and carried.index == index for carried in await _carried()):
            return
        ipv6 = {"flags": NO_DUPLICATE_DETECTION, "preferred_lft": NEVER_PREFERRED, "valid_lft": FOREVER}
        with _kernel_errors(errno.EEXIST):
            async with AsyncIPRoute() as netlink:
                more = ipv6 if wanted.version == 6 else {}
                await netlink.addr("add", index=index, address=str(wanted), prefixlen=prefix, **more)

    async def remove_address(self, address: str) -> None:
        """Take the address off every device; nothing changes when it is absent. Raises OSError: no permission."""
        wanted = ipaddress.ip_address(address)
        for carried in await _carried():
            if carried.address == wanted:
                with _kernel_errors(errno.EADDRNOTAVAIL, errno.ENODEV):  # gone in between
                    async with AsyncIPRoute() as netlink:
                        await netlink.addr("del", index=carried.index, address=str(wanted), prefixlen=carried.prefix)

    async def announce(self, device: str, address: str) -> None:
        """Tell the neighbours on the segment: gratuitous ARP or unsolicited neighbour advertisement."""
        sent = wire.announce(device, address)
        asyncio.get_running_loop().run_in_executor(None, sent.close)


async def _carried() -> tuple[_Carried, ...]:
    """Every address of this machine, in the kernel's order."""
    found = []
    with _kernel_errors():
        async with AsyncIPRoute() as netlink:
            async for answer in await netlink.get_addr():
                local = answer.get("local") or answer.get("address")
                if local is not None:
                    found.append(_Carried(answer["index"], ipaddress.ip_address(local), answer["prefixlen"]))
    return tuple(found)


def _device_index(device: str) -> int:
    try:
        return socket.if_nametoindex(device)
    except OSError as error:  # it carries no error number
        raise OSError(errno.ENODEV, f"there is no network device {device}") from error


def _device_name(index: int) -> str | None:
    try:
        return socket.if_indextoname(index)
    except OSError as error:
        if error.errno == errno.ENXIO:  # removed in between, and its addresses with it
            return None
        raise


@contextmanager
def _kernel_errors(*expected: int) -> Iterator[None]:
    """Turn the library's error into the OSError that the port promises; leave out what is no error here."""
    try:
        yield
    except NetlinkError as error:
        if error.code not in expected:
            raise OSError(error.code, os.strerror(error.code)) from error

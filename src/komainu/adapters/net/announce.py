"""Gratuitous ARP and unsolicited neighbour advertisements: neighbours learn at once where an address lives now.

Without them a neighbour keeps sending to the old machine until its cache entry ages, which can take minutes.
"""

import contextlib
import ipaddress
import socket
import struct

ETH_ARP = 0x0806
ETH_IPV6 = 0x86DD
ETHERNET = 1
ARP_REQUEST = 1
ARP_REPLY = 2
BROADCAST = b"\xff" * 6
UNKNOWN_HARDWARE = b"\x00" * 6

ALL_NODES = ipaddress.IPv6Address("ff02::1")
ALL_NODES_HARDWARE = b"\x33\x33\x00\x00\x00\x01"
NEIGHBOUR_ADVERTISEMENT = 136
OVERRIDE = 0x20000000
TARGET_LINK_LAYER_ADDRESS = 2
ICMPV6 = socket.IPPROTO_ICMPV6
HOP_LIMIT = 255


def announce(device: str, address: str) -> socket.socket:
    """Send the announcements for an address once. Raises OSError: no such device, device down, no permission.

    Answers the socket, to be closed where nobody waits: the kernel lets go of a packet socket only after a grace
    period of some 10 ms, which would be added to every takeover.
    """
    parsed = ipaddress.ip_address(address)
    with contextlib.ExitStack() as undo:
        wire = undo.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
        wire.bind((device, 0))
        kind, hardware = wire.getsockname()[3:5]
        if kind != ETHERNET:
            raise OSError(f"{device} has no Ethernet address: nothing can be announced on it")
        for frame in frames(hardware, parsed):
            wire.send(frame)
        undo.pop_all()
    return wire


def frames(hardware: bytes, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> tuple[bytes, ...]:
    """The Ethernet frames that announce the address at the hardware address."""
    if isinstance(address, ipaddress.IPv4Address):
        # Some systems take over an unasked request only, some an unasked reply only (RFC 5227, section 3).
        return _arp(hardware, address, ARP_REQUEST), _arp(hardware, address, ARP_REPLY)
    return (_advertisement(hardware, address),)


def _arp(hardware: bytes, address: ipaddress.IPv4Address, operation: int) -> bytes:
    target = BROADCAST if operation == ARP_REPLY else UNKNOWN_HARDWARE
    header = BROADCAST + hardware + struct.pack("!H", ETH_ARP)
    fixed = struct.pack("!HHBBH", ETHERNET, 0x0800, 6, 4, operation)
    return header + fixed + hardware + address.packed + target + address.packed


def _advertisement(hardware: bytes, address: ipaddress.IPv6Address) -> bytes:
    option = struct.pack("!BB", TARGET_LINK_LAYER_ADDRESS, 1) + hardware
    body = struct.pack("!I", OVERRIDE) + address.packed + option
    unsummed = struct.pack("!BBH", NEIGHBOUR_ADVERTISEMENT, 0, 0) + body
    pseudo = address.packed + ALL_NODES.packed + struct.pack("!II", len(unsummed), ICMPV6)
    message = struct.pack("!BBH", NEIGHBOUR_ADVERTISEMENT, 0, _checksum(pseudo + unsummed)) + body
    header = struct.pack("!IHBB", 6 << 28, len(message), ICMPV6, HOP_LIMIT) + address.packed + ALL_NODES.packed
    return ALL_NODES_HARDWARE + hardware + struct.pack("!H", ETH_IPV6) + header + message


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of data of even length."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF

"""This node's isolation, kept by the kernel: what is not held expires there, whatever becomes of komainud (N2).

`nft list table inet komainu` shows all of it. The set `right` has an element with a time-out for each family of
protocols; while it is there, everything passes. When it has expired, packets for what is guarded are dropped as they
come in, before any translation of addresses, and packets from it as they go out, after it: those of connections that
exist as well, and those that this node would only have forwarded. What stays on the loopback device passes. The table
of the family `arp` keeps the node from telling its segment that a guarded address lives here.

The table outlives komainud on purpose. The next one takes it over as it is, with the time that is left.
"""

import ipaddress
import socket
import struct
from collections.abc import Iterator
from typing import Final

from komainu.adapters.linux import nftables as nft
from komainu.ports import Guarded

TABLE: Final = "komainu"
LEAST_MS: Final = 20
"The kernel counts in ticks of up to 10 ms, and takes none at all for ever: what is shorter than two is no time."

_LOOPBACK: Final = struct.pack("=I", 1)
"The loopback device has the index 1 in every network namespace."
_BEFORE_ALL, _AFTER_ALL = -300, 300
"Priorities: before connections are tracked and addresses translated, and after that."
_IPV4, _IPV6 = bytes([socket.AF_INET]), bytes([socket.AF_INET6])
_RIGHTS: Final = ((nft.INET, (_IPV4, _IPV6)), (nft.ARP, (bytes([nft.ARP]),)))
"The elements that say that all passes: the families of protocols, as `meta nfproto` has them."
_PROTOCOLS: Final = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}


class NftIsolation:
    """`komainu.ports.Isolation` for the network namespace of the caller."""

    def guard(self, guarded: Guarded) -> None:
        """Exactly this passes only while it is held. Raises OSError: no nftables in this kernel, no permission."""
        nft.carry_out(_guard(guarded))

    def hold(self, for_ms: int, *, afresh: bool = True) -> None:
        """What is guarded passes for so long from now. Raises FileNotFoundError: see the port."""
        nft.carry_out(_hold(for_ms, afresh=afresh))

    def lift(self) -> None:
        """Everything passes. Raises OSError: no nftables in this kernel, no permission."""
        families = (nft.INET, nft.ARP)
        # The kernel objects to deleting what is absent, and not to making what is there.
        nft.carry_out(make(family, TABLE) for family in families for make in (nft.new_table, nft.delete_table))


def _guard(guarded: Guarded) -> Iterator[nft.Request]:
    addresses = [ipaddress.ip_address(each) for each in guarded.addresses]
    old = [each.packed for each in addresses if each.version == 4]
    new = [each.packed for each in addresses if each.version == 6]
    # A key of two parts: each fills up 4 bytes.
    ports = [struct.pack(">BxxxHxx", _PROTOCOLS[protocol], port) for protocol, port in guarded.ports]
    yield from _table(nft.INET)
    yield from _filled(nft.INET, "addresses", (nft.IPV4_TYPE, 4), old)
    yield from _filled(nft.INET, "addresses6", (nft.IPV6_TYPE, 16), new)
    yield from _filled(nft.INET, "ports", (nft.PORT_TYPE, 8), ports)
    yield from _chain("incoming", nft.PREROUTING, _BEFORE_ALL, nft.IIF, (16, 24, 2))
    yield from _chain("outgoing", nft.POSTROUTING, _AFTER_ALL, nft.OIF, (12, 8, 0))
    yield from _table(nft.ARP)
    yield from _filled(nft.ARP, "addresses", (nft.IPV4_TYPE, 4), old)
    yield from _told_by_arp()


def _table(family: int) -> Iterator[nft.Request]:
    yield nft.new_table(family, TABLE)
    yield nft.new_set(family, TABLE, "right", (nft.PROTOCOL_TYPE, 1), expires=True)


def _filled(family: int, name: str, key: tuple[int, int], elements: list[bytes]) -> Iterator[nft.Request]:
    yield nft.new_set(family, TABLE, name, key)
    yield nft.clear_set(family, TABLE, name)
    if elements:
        yield nft.add_elements(family, TABLE, name, dict.fromkeys(elements))


def _chain(name: str, hook: int, priority: int, device: int, offsets: tuple[int, int, int]) -> Iterator[nft.Request]:
    """One direction. `offsets`: of the address in the IPv4 and the IPv6 header, of the port in TCP's and UDP's."""
    cut = (nft.counter(), nft.drop())
    of_ipv4 = (nft.meta(nft.NFPROTO), nft.equals(_IPV4), nft.payload(nft.NETWORK_HEADER, offsets[0], 4))
    of_ipv6 = (nft.meta(nft.NFPROTO), nft.equals(_IPV6), nft.payload(nft.NETWORK_HEADER, offsets[1], 16))
    port = (nft.meta(nft.L4PROTO), nft.payload(nft.TRANSPORT_HEADER, offsets[2], 2, nft.SECOND))
    yield nft.new_chain(nft.INET, TABLE, name, hook, priority)
    yield nft.clear_chain(nft.INET, TABLE, name)
    for rule in (
        (nft.meta(device), nft.equals(_LOOPBACK), nft.accept()),
        (nft.meta(nft.NFPROTO), nft.in_set("right"), nft.accept()),
        (*of_ipv4, nft.in_set("addresses"), *cut),
        (*of_ipv6, nft.in_set("addresses6"), *cut),
        (*port, nft.in_set("ports"), *cut),
    ):
        yield nft.new_rule(nft.INET, TABLE, name, *rule)


def _told_by_arp() -> Iterator[nft.Request]:
    """Neither an answer nor a question of this node names a guarded address as its own."""
    name = "outgoing"
    of_sender = nft.payload(nft.NETWORK_HEADER, 14, 4)
    yield nft.new_chain(nft.ARP, TABLE, name, nft.ARP_OUTPUT, 0)
    yield nft.clear_chain(nft.ARP, TABLE, name)
    yield nft.new_rule(nft.ARP, TABLE, name, nft.meta(nft.NFPROTO), nft.in_set("right"), nft.accept())
    yield nft.new_rule(nft.ARP, TABLE, name, of_sender, nft.in_set("addresses"), nft.counter(), nft.drop())


def _hold(for_ms: int, *, afresh: bool) -> Iterator[nft.Request]:
    """Add, delete, add: what is there does not get new time by being added, what is absent cannot be deleted."""
    for family, rights in _RIGHTS:
        if afresh:
            yield nft.add_elements(family, TABLE, "right", rights, max(for_ms, LEAST_MS))
        yield nft.delete_elements(family, TABLE, "right", rights)
        if for_ms >= LEAST_MS:
            yield nft.add_elements(family, TABLE, "right", rights, for_ms)

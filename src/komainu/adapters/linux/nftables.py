"""Transactions of nftables, by netlink: no command is started, and the kernel has decided when the call returns.

Only what `komainu.adapters.linux.isolation` needs. pyroute2 can write these messages as well, but sends a transaction
without reading the answer, and needs an event loop; an answer that nobody read would be an isolation that nobody has.

The numbers are those of the kernel's linux/netfilter/nf_tables.h and linux/netfilter/nfnetlink.h.
"""

import errno
import itertools
import os
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

INET: Final = 1
ARP: Final = 3
PREROUTING: Final = 0
POSTROUTING: Final = 4
ARP_OUTPUT: Final = 1

IIF, OIF, NFPROTO, L4PROTO = 4, 5, 15, 16
"What `meta` knows of a packet."
NETWORK_HEADER, TRANSPORT_HEADER = 1, 2
"Where `payload` begins to count."
FIRST, SECOND = 8, 9
"Registers of 4 bytes; a longer value goes on in those behind."
PROTOCOL_TYPE, IPV4_TYPE, IPV6_TYPE, PORT_TYPE = 2, 7, 8, (12 << 6) | 13
"Of keys: the kernel does not look at them, `nft list` does."

_NETFILTER: Final = 12
_SOL_NETLINK, _CAP_ACK = 270, 10
_REQUEST, _ACK, _CREATE, _APPEND = 0x1, 0x4, 0x400, 0x800
_BATCH_BEGIN, _BATCH_END, _ERROR = 0x10, 0x11, 0x2
_SUBSYSTEM: Final = 10
_NEW_TABLE, _DELETE_TABLE, _NEW_CHAIN, _NEW_RULE, _DELETE_RULE, _NEW_SET, _NEW_ELEMENT, _DELETE_ELEMENT = (
    number | _SUBSYSTEM << 8 for number in (0, 2, 3, 6, 8, 9, 12, 14)
)
_NESTED: Final = 0x8000
_DROP, _ACCEPT = 0, 1
_WITH_TIMEOUT: Final = 0x10
_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")


@dataclass(frozen=True, slots=True)
class Request:
    """One message of a transaction."""

    kind: int
    family: int
    body: bytes
    creates: bool = False


def carry_out(requests: Iterable[Request]) -> None:
    """All of them or none, in one moment. Raises OSError with the kernel's first objection."""
    numbers = itertools.count(1)
    todo = tuple(requests)
    sent = [_message(_BATCH_BEGIN, _REQUEST, next(numbers), 0, b"", _SUBSYSTEM)]
    last = 0
    for request in todo:
        last = next(numbers)
        flags = _REQUEST | (_CREATE | _APPEND if request.creates else 0) | (_ACK if request is todo[-1] else 0)
        sent.append(_message(request.kind, flags, last, request.family, request.body))
    sent.append(_message(_BATCH_END, _REQUEST, next(numbers), 0, b"", _SUBSYSTEM))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETFILTER) as netlink:
        netlink.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
        netlink.bind((0, 0))
        netlink.sendto(b"".join(sent), (0, 0))
        _await_last(netlink, last)


def _await_last(netlink: socket.socket, last: int) -> None:
    """Read the answers. They are there when the kernel has taken the request: nothing is waited for."""
    while True:
        try:
            answer = netlink.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            raise OSError(errno.EPROTO, "nftables: the kernel did not say whether it took the transaction") from None
        offset = 0
        while offset < len(answer):
            length, kind, _, number, _ = _HEADER.unpack_from(answer, offset)
            if kind == _ERROR:
                (error,) = struct.unpack_from("=i", answer, offset + _HEADER.size)
                if error:
                    raise OSError(-error, f"nftables: {os.strerror(-error)}")
                if number == last:
                    return
            offset += -(-length // 4) * 4


# --- requests ----------------------------------------------------------------------------------------------------


def new_table(family: int, table: str) -> Request:
    """Make it; nothing changes when it is there."""
    return Request(_NEW_TABLE, family, _text(1, table) + _number(2, 0), creates=True)


def delete_table(family: int, table: str) -> Request:
    """With all that is in it. The kernel objects when it is absent."""
    return Request(_DELETE_TABLE, family, _text(1, table))


def new_set(family: int, table: str, name: str, key: tuple[int, int], *, expires: bool = False) -> Request:
    """Make a set of keys of a type and a length in bytes; nothing changes when it is there."""
    body = _text(1, table) + _text(2, name) + _number(3, _WITH_TIMEOUT if expires else 0)
    # An id of its own in the transaction, which nobody asks for.
    return Request(_NEW_SET, family, body + _number(4, key[0]) + _number(5, key[1]) + _number(10, 1), creates=True)


def new_chain(family: int, table: str, name: str, hook: int, priority: int) -> Request:
    """Make a chain that sees every packet at a hook, and lets it pass; nothing changes when it is there."""
    place = _nested(4, _number(1, hook) + _attribute(2, struct.pack(">i", priority)))
    body = _text(1, table) + _text(3, name) + place + _number(5, _ACCEPT) + _text(7, "filter")
    return Request(_NEW_CHAIN, family, body, creates=True)


def clear_chain(family: int, table: str, chain: str) -> Request:
    """No rule stays in it."""
    return Request(_DELETE_RULE, family, _text(1, table) + _text(2, chain))


def new_rule(family: int, table: str, chain: str, *expressions: bytes) -> Request:
    """Put a rule behind those that are in the chain."""
    body = _text(1, table) + _text(2, chain) + _nested(4, b"".join(_nested(1, each) for each in expressions))
    return Request(_NEW_RULE, family, body, creates=True)


def add_elements(family: int, table: str, name: str, keys: Iterable[bytes], for_ms: int | None = None) -> Request:
    """Put keys into a set. One that is there is left as it is, by older kernels with the time that it has left."""
    return Request(_NEW_ELEMENT, family, _elements(table, name, keys, for_ms), creates=True)


def delete_elements(family: int, table: str, name: str, keys: Iterable[bytes]) -> Request:
    """Take keys out of a set. The kernel objects to one that is absent or expired."""
    return Request(_DELETE_ELEMENT, family, _elements(table, name, keys, None))


def clear_set(family: int, table: str, name: str) -> Request:
    """No element stays in it."""
    return Request(_DELETE_ELEMENT, family, _text(1, table) + _text(2, name))


def _elements(table: str, name: str, keys: Iterable[bytes], for_ms: int | None) -> bytes:
    limit = b"" if for_ms is None else _attribute(4, struct.pack(">Q", for_ms))
    listed = b"".join(_nested(1, _nested(1, _attribute(1, key)) + limit) for key in keys)
    return _text(1, table) + _text(2, name) + _nested(3, listed)


# --- expressions of rules ------------------------------------------------------------------------------------------


def meta(key: int, register: int = FIRST) -> bytes:
    """Load what is known of the packet besides its content."""
    return _expression("meta", _number(1, register) + _number(2, key))


def payload(base: int, offset: int, length: int, register: int = FIRST) -> bytes:
    """Load bytes of the packet; a packet that does not have them is no case for the rule."""
    body = _number(1, register) + _number(2, base) + _number(3, offset) + _number(4, length)
    return _expression("payload", body)


def equals(value: bytes, register: int = FIRST) -> bytes:
    """Go on with the rule only when the register has this value."""
    return _expression("cmp", _number(1, register) + _number(2, 0) + _nested(3, _attribute(1, value)))


def in_set(name: str, register: int = FIRST) -> bytes:
    """Go on with the rule only when the set has what is in the register."""
    return _expression("lookup", _text(1, name) + _number(2, register))


def counter() -> bytes:
    """Count the packets that come this far: `nft list table` shows them."""
    return _expression("counter", b"")


def accept() -> bytes:
    """The rest of the chain is not for this packet."""
    return _verdict(_ACCEPT)


def drop() -> bytes:
    """The packet does not pass, and nobody is told."""
    return _verdict(_DROP)


def _verdict(code: int) -> bytes:
    return _expression("immediate", _number(1, 0) + _nested(2, _nested(2, _number(1, code))))


def _expression(name: str, body: bytes) -> bytes:
    return _text(1, name) + _nested(2, body)


# --- attributes ----------------------------------------------------------------------------------------------------


def _message(kind: int, flags: int, number: int, family: int, body: bytes, resource: int = 0) -> bytes:
    length = _HEADER.size + 4 + len(body)
    return _HEADER.pack(length, kind, flags, number, 0) + struct.pack(">BBH", family, 0, resource) + body


def _attribute(kind: int, value: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def _nested(kind: int, value: bytes) -> bytes:
    return _attribute(kind | _NESTED, value)


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack(">I", value))


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")

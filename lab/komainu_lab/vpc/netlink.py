"""Routes by rtnetlink, many in one message, for when milliseconds count.

pyroute2 does everything else here; a route takes it 0.7 ms and several turns of its event loop, each of which waits for
threads that answer API calls.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from komainu_lab.vpc.plan import BLACKHOLE, Hop, Key

RTM_NEWROUTE, RTM_DELROUTE, NLMSG_ERROR = 24, 25, 2
REQUEST, ACK, REPLACE, CREATE = 0x1, 0x4, 0x100, 0x400
DST, OIF, GATEWAY, TABLE = 1, 4, 5, 15
UNICAST, BLACKHOLED = 1, 6
UNIVERSE, LINK = 0, 253
STATIC = 4
ONLINK = 4
ANSWER_S = 5.0


class Routes:
    """A netlink socket in the network namespace of the thread that makes it. One thread at a time may use it."""

    def __init__(self, indexes: Mapping[str, int]) -> None:
        """`indexes`: the number of each device that a hop may name."""
        self._indexes = indexes
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.settimeout(ANSWER_S)
        self._sequence = 0

    def change(self, replaced: Mapping[Key, Hop], deleted: Iterable[Key]) -> None:
        """Make these routes so, and those not at all; one that is gone already is no error. Raises OSError."""
        messages = [self._message(RTM_NEWROUTE, REPLACE | CREATE, key, hop) for key, hop in replaced.items()]
        first_deletion = self._sequence + 1
        messages += [self._message(RTM_DELROUTE, 0, key, BLACKHOLE) for key in deleted]
        if not messages:
            return
        self._socket.send(b"".join(messages))
        waiting = len(messages)
        failed = 0
        while waiting:
            for sequence, number in _acknowledgements(self._socket.recv(65_536)):
                waiting -= 1
                gone_already = number == errno.ESRCH and sequence >= first_deletion
                if number and not gone_already:
                    failed = number
        if failed:
            raise OSError(failed, f"a route was refused: {os.strerror(failed)}")

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _message(self, kind: int, flags: int, key: Key, hop: Hop) -> bytes:
        table, destination = key
        address, _, length = destination.partition("/")
        route_kind, scope, route_flags = UNICAST, UNIVERSE, 0
        attributes = _attribute(TABLE, struct.pack("=I", table)) + _attribute(DST, ip_address(address).packed)
        if hop == BLACKHOLE:
            route_kind = BLACKHOLED if kind == RTM_NEWROUTE else 0
        else:
            attributes += _attribute(OIF, struct.pack("=I", self._indexes[hop.device]))
            if hop.gateway:
                attributes += _attribute(GATEWAY, ip_address(hop.gateway).packed)
                route_flags = ONLINK
            else:
                scope = LINK
        if kind == RTM_DELROUTE:
            scope = 255  # nowhere: whatever the scope is
        family = socket.AF_INET6 if ":" in destination else socket.AF_INET
        head = struct.pack("=8BI", family, int(length), 0, 0, min(table, 255), STATIC, scope, route_kind, route_flags)
        self._sequence += 1
        body = head + attributes
        return struct.pack("=IHHII", 16 + len(body), kind, REQUEST | ACK | flags, self._sequence, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value  # every value here is a multiple of four bytes long


def _acknowledgements(data: bytes) -> Iterable[tuple[int, int]]:
    """Sequence and error number (0: done) of each acknowledgement in a datagram."""
    while data:
        length, kind, _flags, sequence, _port = struct.unpack_from("=IHHII", data)
        if kind == NLMSG_ERROR:
            yield sequence, -struct.unpack_from("=i", data, 16)[0]
        data = data[(length + 3) & ~3 :]

"""Corosync's process groups (CPG): libcpg.so.4, model v1, bound with ctypes. Nothing else in Komainu knows the library.

The library calls back once for each thing it has to tell. Here each becomes a value that `Connection.receive` returns,
so that no code of ours ever runs inside a callback from C.
"""

import ctypes
import os
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import Any

from komainu.model.message import Message, Said

LIBRARY = "libcpg.so.4"

LIBRARY_MISSING = Message(
    "KM2001",
    "Corosync's library {library} cannot be loaded ({reason}): install it with `apt-get install corosync libcpg4`.",
    "corosync のライブラリ {library} を読み込めません ({reason})。"
    "`apt-get install corosync libcpg4` でインストールしてください。",
    "error",
)

_OK = 1
_TRY_AGAIN = 6
_DISPATCH_ONE_NONBLOCKING = 4
_AGREED = 2
_MODEL_V1 = 1
_DELIVER_INITIAL_RING = 1
_NAME_BYTES = 128
_MOST_PIECES = 16

_STATUS_NAMES = {
    2: "the connection to corosync failed or was lost",
    3: "corosync speaks another version of the protocol",
    5: "corosync did not answer in time",
    6: "corosync is busy, try again",
    7: "invalid parameter",
    8: "no memory",
    9: "bad handle",
    11: "corosync refuses access; only root may connect",
    12: "not in the group",
    14: "already in the group",
    15: "no space, for example in /dev/shm",
    18: "no resources",
    26: "message too big",
    100: "security error",
}

REASON_LEAVE = 2
"The process left the group of its own accord."
REASON_NODE_DOWN = 3
"The node left the ring: a change of the ring follows at once."
REASON_NODE_UP = 4
"The node came into the ring with the process: a change of the ring follows at once."


class LibraryMissingError(Exception):
    """libcpg cannot be loaded; `said` names the remedy."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


class CpgError(Exception):
    """A call of the library failed. The connection is of no further use."""

    def __init__(self, call: str, status: int) -> None:
        """`status` is the library's cs_error_t."""
        super().__init__(f"{call}: {_STATUS_NAMES.get(status, 'error')} (cs_error {status})")
        self.status = status


@dataclass(frozen=True, slots=True)
class Process:
    """A process in the group, or one that just joined or left it."""

    node: int
    pid: int
    "The pid in the process's own pid namespace."
    reason: int
    "Why it joined or left (REASON_...); 0 in the list of members."


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message, in the agreed order."""

    node: int
    pid: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class GroupChanged:
    """Processes joined or left the group, in the agreed order."""

    members: tuple[Process, ...]
    left: tuple[Process, ...]
    joined: tuple[Process, ...]


@dataclass(frozen=True, slots=True)
class RingChanged:
    """Nodes joined or left the ring."""

    representative: int
    sequence: int
    nodes: tuple[int, ...]


CpgEvent = Delivered | GroupChanged | RingChanged


class _Name(Structure):
    _fields_ = (("length", c_uint32), ("value", c_char * _NAME_BYTES))


class _Address(Structure):
    _fields_ = (("node", c_uint32), ("pid", c_uint32), ("reason", c_uint32))


class _RingId(Structure):
    _fields_ = (("node", c_uint32), ("sequence", c_uint64))


class _Piece(Structure):
    """struct iovec. The structure keeps the bytes that it points at."""

    _fields_ = (("base", c_char_p), ("length", c_size_t))


_DELIVER = CFUNCTYPE(None, c_uint64, POINTER(_Name), c_uint32, c_uint32, c_void_p, c_size_t)
_GROUP = CFUNCTYPE(
    None, c_uint64, POINTER(_Name),
    POINTER(_Address), c_size_t, POINTER(_Address), c_size_t, POINTER(_Address), c_size_t,
)  # fmt: skip
_RING = CFUNCTYPE(None, c_uint64, _RingId, c_uint32, POINTER(c_uint32))


class _Model(Structure):
    """cpg_model_v1_data_t."""

    _fields_ = (("model", c_int), ("deliver", _DELIVER), ("group", _GROUP), ("ring", _RING), ("flags", ctypes.c_uint))


@cache
def load(name: str = LIBRARY) -> ctypes.CDLL:
    """The library with its signatures declared. Raises LibraryMissingError."""
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        raise LibraryMissingError(LIBRARY_MISSING.said(library=name, reason=str(error))) from error
    signatures: dict[str, tuple[Any, ...]] = {
        "cpg_model_initialize": (POINTER(c_uint64), c_int, POINTER(_Model), c_void_p),
        "cpg_finalize": (c_uint64,),
        "cpg_fd_get": (c_uint64, POINTER(c_int)),
        "cpg_local_get": (c_uint64, POINTER(ctypes.c_uint)),
        "cpg_join": (c_uint64, POINTER(_Name)),
        "cpg_leave": (c_uint64, POINTER(_Name)),
        "cpg_dispatch": (c_uint64, c_int),
        "cpg_mcast_joined": (c_uint64, c_int, POINTER(_Piece), ctypes.c_uint),
    }
    for function, arguments in signatures.items():
        # Without the declared types ctypes would cut a 64-bit handle to an int.
        getattr(library, function).argtypes = arguments
        getattr(library, function).restype = c_int
    return library


class Connection:
    """One connection to the corosync of this machine, and membership in at most one group.

    Use it from one thread at a time. `connect`, `join`, `leave` and `close` wait for corosync to answer, without a
    bound of their own when it is stopped: call them in a thread, with a deadline. `send` and `receive` do not wait.
    """

    def __init__(self) -> None:
        """Connect. Raises CpgError when corosync does not run or refuses, LibraryMissingError without the library."""
        self._library = load()
        self._event: CpgEvent | None = None
        self._raised: BaseException | None = None
        # The library keeps pointers to these; they must live as long as the handle.
        self._model = _Model(
            _MODEL_V1, _DELIVER(self._deliver), _GROUP(self._group), _RING(self._ring), _DELIVER_INITIAL_RING
        )
        self._handle = c_uint64()
        self._call("cpg_model_initialize", byref(self._handle), _MODEL_V1, byref(self._model), None)
        fd, node = c_int(), ctypes.c_uint()
        try:
            self._call("cpg_fd_get", self._handle, byref(fd))
            self._call("cpg_local_get", self._handle, byref(node))
        except CpgError:
            self.close()
            raise
        self.fd = fd.value
        self.node = node.value
        self.pid = os.getpid()

    def _call(self, function: str, *arguments: Any) -> None:
        status = getattr(self._library, function)(*arguments)
        if status != _OK:
            raise CpgError(function, status)

    def join(self, group: str) -> None:
        """Join the group. Raises CpgError, also when corosync is forming a ring just now (status 6)."""
        self._call("cpg_join", self._handle, byref(_name(group)))

    def leave(self, group: str) -> None:
        """Leave the group: the others see a departure, not a death. Raises CpgError."""
        self._call("cpg_leave", self._handle, byref(_name(group)))

    def close(self) -> None:
        """Give the handle back. What the library answers is of no interest: the handle is gone in any case."""
        self._library.cpg_finalize(self._handle)

    def send(self, payload: bytes) -> bool:
        """Hand a message to corosync. False: it is busy, try again later. Raises CpgError.

        True is no proof of sending: the request lies in shared memory even when corosync is stopped.
        """
        piece = _Piece(payload, len(payload))
        status = self._library.cpg_mcast_joined(self._handle, _AGREED, byref(piece), 1)
        if status == _TRY_AGAIN:
            return False
        if status != _OK:
            raise CpgError("cpg_mcast_joined", status)
        return True

    def receive(self) -> CpgEvent | None:
        """The next event, or None when there is none yet. Never waits. Raises CpgError when the connection is gone."""
        for _ in range(_MOST_PIECES):
            status = self._library.cpg_dispatch(self._handle, _DISPATCH_ONE_NONBLOCKING)
            if self._raised is not None:
                raised, self._raised = self._raised, None
                raise raised
            if status == _TRY_AGAIN:
                return None
            if status != _OK:
                raise CpgError("cpg_dispatch", status)
            if self._event is not None:
                event, self._event = self._event, None
                return event
            # Otherwise a piece of a long message was taken in: the next one may complete it.
        return None

    def _deliver(self, _handle: int, _group: Any, node: int, pid: int, data: int | None, length: int) -> None:
        try:
            self._event = Delivered(node, pid, ctypes.string_at(data, length) if data and length else b"")
        except BaseException as error:  # noqa: BLE001  (ctypes would print and swallow it; receive raises it)
            self._raised = error

    def _group(self, _handle: int, _group: Any, *lists: Any) -> None:
        try:
            members, members_count, left, left_count, joined, joined_count = lists
            self._event = GroupChanged(
                _processes(members, members_count), _processes(left, left_count), _processes(joined, joined_count)
            )
        except BaseException as error:  # noqa: BLE001  (as above)
            self._raised = error

    def _ring(self, _handle: int, ring: _RingId, count: int, nodes: Any) -> None:
        try:
            self._event = RingChanged(ring.node, ring.sequence, tuple(nodes[:count]))
        except BaseException as error:  # noqa: BLE001  (as above)
            self._raised = error


def _processes(addresses: Any, count: int) -> tuple[Process, ...]:
    return tuple(Process(a.node, a.pid, a.reason) for a in (addresses[index] for index in range(count)))


def _name(group: str) -> _Name:
    encoded = group.encode()
    if not 0 < len(encoded) < _NAME_BYTES:
        raise ValueError(f"a group's name has 1 to {_NAME_BYTES - 1} bytes, this one {len(encoded)}")
    return _Name(len(encoded), encoded)

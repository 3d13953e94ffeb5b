"""The binding, against a library of our own that calls back through the very same C signatures.

What the real library does is in tests/ports/test_bus.py.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import pytest

from komainu.adapters.corosync import libcpg
from komainu.adapters.corosync.libcpg import (
    LIBRARY_MISSING,
    Connection,
    CpgError,
    Delivered,
    GroupChanged,
    LibraryMissingError,
    Process,
    RingChanged,
    load,
)

OK, LIBRARY_ERROR, TRY_AGAIN, BAD_HANDLE = 1, 2, 6, 9
HANDLE = 0x5A5A_0000_0000_0001
"More than 32 bits, as real handles have."


class StubLibrary:
    """Stands for libcpg: keeps the callbacks it is given, and calls them from `cpg_dispatch`."""

    def __init__(self) -> None:
        self.status = OK
        self.calls: list[str] = []
        self.sent: list[bytes] = []
        self.events: list[Callable[[Any], None]] = []
        self.model: Any = None

    def cpg_model_initialize(self, handle: Any, model: int, data: Any, context: None) -> int:
        assert model == 1
        handle._obj.value = HANDLE
        self.model = data._obj
        return self.status

    def cpg_fd_get(self, handle: ctypes.c_uint64, fd: Any) -> int:
        assert handle.value == HANDLE
        fd._obj.value = 77
        return self.status

    def cpg_local_get(self, handle: ctypes.c_uint64, node: Any) -> int:
        node._obj.value = 3
        return self.status

    def cpg_join(self, handle: ctypes.c_uint64, name: Any) -> int:
        self.calls.append(f"join {name._obj.value.decode()} {name._obj.length}")
        return self.status

    def cpg_leave(self, handle: ctypes.c_uint64, name: Any) -> int:
        self.calls.append("leave")
        return self.status

    def cpg_finalize(self, handle: ctypes.c_uint64) -> int:
        self.calls.append("finalize")
        return LIBRARY_ERROR

    def cpg_mcast_joined(self, handle: ctypes.c_uint64, guarantee: int, pieces: Any, count: int) -> int:
        assert (guarantee, count) == (2, 1)
        base = ctypes.c_void_p.from_buffer(pieces._obj).value
        self.sent.append(ctypes.string_at(base or 0, pieces._obj.length))
        return self.status

    def cpg_dispatch(self, handle: ctypes.c_uint64, how: int) -> int:
        assert how == 4, "one event, without waiting"
        if not self.events:
            return TRY_AGAIN if self.status == OK else self.status
        self.events.pop(0)(self.model)
        return OK

    # --- what it may tell ---

    def delivers(self, node: int, pid: int, payload: bytes) -> None:
        def tell(model: Any) -> None:
            buffer = ctypes.create_string_buffer(payload, len(payload) or 1)
            model.deliver(HANDLE, None, node, pid, ctypes.addressof(buffer) if payload else None, len(payload))
            ctypes.memset(buffer, 0xFF, len(buffer))  # the library's memory is used again

        self.events.append(tell)

    def changes_group(self, *lists: list[tuple[int, int, int]]) -> None:
        def tell(model: Any) -> None:
            arguments: list[Any] = []
            for each in lists:
                arguments += [
                    (libcpg._Address * max(1, len(each)))(*(libcpg._Address(*one) for one in each)),
                    len(each),
                ]
            model.group(HANDLE, None, *arguments)

        self.events.append(tell)

    def changes_ring(self, representative: int, sequence: int, *nodes: int) -> None:
        def tell(model: Any) -> None:
            ring = libcpg._RingId(representative, sequence)
            model.ring(HANDLE, ring, len(nodes), (ctypes.c_uint32 * len(nodes))(*nodes))

        self.events.append(tell)

    def takes_in_a_piece(self) -> None:
        self.events.append(lambda model: None)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> StubLibrary:
    stub = StubLibrary()
    monkeypatch.setattr(libcpg, "load", lambda: stub)
    return stub


def test_a_missing_library_is_one_sentence_with_the_remedy() -> None:
    with pytest.raises(LibraryMissingError) as missing:
        load("libcpg-of-no-such-version.so.99")
    assert missing.value.said.code == LIBRARY_MISSING.code
    assert "apt-get install" in missing.value.said.en
    assert "libcpg-of-no-such-version.so.99" in missing.value.said.ja


def test_connect_join_leave_close(library: StubLibrary) -> None:
    connection = Connection()
    assert (connection.fd, connection.node) == (77, 3)
    connection.join("komainu")
    connection.leave("komainu")
    connection.close()
    assert library.calls == ["join komainu 7", "leave", "finalize"]


def test_a_name_must_fit(library: StubLibrary) -> None:
    connection = Connection()
    for name in ("", "x" * 128):
        with pytest.raises(ValueError, match="1 to 127 bytes"):
            connection.join(name)


def test_every_error_of_the_library_is_raised_with_its_number(library: StubLibrary) -> None:
    connection = Connection()
    library.status = LIBRARY_ERROR
    for call in (lambda: connection.join("g"), lambda: connection.leave("g"), lambda: connection.send(b"")):
        with pytest.raises(CpgError, match="cs_error 2") as error:
            call()
        assert error.value.status == LIBRARY_ERROR
    with pytest.raises(CpgError, match=r"cpg_model_initialize: .*lost"):
        Connection()


def test_a_handle_that_is_of_no_use_is_given_back(library: StubLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "cpg_fd_get", lambda handle, fd: BAD_HANDLE)
    with pytest.raises(CpgError, match="cpg_fd_get"):
        Connection()
    assert library.calls == ["finalize"]


def test_what_is_sent_arrives_with_its_zero_bytes(library: StubLibrary) -> None:
    connection = Connection()
    for payload in (b"", b"\0a\0b\0", bytes(range(256)) * 100):
        assert connection.send(payload)
        assert library.sent[-1] == payload
    library.status = TRY_AGAIN
    assert not connection.send(b"later")


def test_events_come_one_by_one_with_their_data_copied(library: StubLibrary) -> None:
    connection = Connection()
    library.changes_group([(1, 20, 0), (2, 21, 0)], [(3, 22, 5)], [(2, 21, 1)])
    library.changes_ring(1, 2**40, 1, 2)
    library.delivers(2, 21, b"a\0b")
    library.delivers(2, 21, b"")
    assert connection.receive() == GroupChanged(
        (Process(1, 20, 0), Process(2, 21, 0)), (Process(3, 22, 5),), (Process(2, 21, 1),)
    )
    assert connection.receive() == RingChanged(1, 2**40, (1, 2))
    assert connection.receive() == Delivered(2, 21, b"a\0b")
    assert connection.receive() == Delivered(2, 21, b"")
    assert connection.receive() is None
    library.status = LIBRARY_ERROR
    with pytest.raises(CpgError, match="cpg_dispatch"):
        connection.receive()


def test_pieces_of_a_long_message_are_no_event_of_their_own(library: StubLibrary) -> None:
    connection = Connection()
    library.takes_in_a_piece()
    library.takes_in_a_piece()
    library.delivers(1, 20, b"whole")
    assert connection.receive() == Delivered(1, 20, b"whole")


def test_a_library_that_only_says_ok_does_not_hold_the_program(library: StubLibrary) -> None:
    connection = Connection()
    for _ in range(1000):
        library.takes_in_a_piece()
    assert connection.receive() is None


def test_what_goes_wrong_inside_a_callback_is_raised_outside(
    library: StubLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Connection()
    library.delivers(1, 20, b"x")

    def no_memory(*_: object) -> bytes:
        raise MemoryError("no memory for the copy")

    with monkeypatch.context() as patch:
        patch.setattr(ctypes, "string_at", no_memory)
        with pytest.raises(MemoryError, match="no memory"):
            connection.receive()
    library.delivers(1, 20, b"y")
    assert connection.receive() == Delivered(1, 20, b"y")

"""Transactions of nftables: what is sent, and what the kernel's answers mean. The kernel itself is in tests/ports."""

import errno
import struct
from typing import Any

import pytest

from komainu.adapters.linux import nftables as nft


class Kernel:
    """A netlink socket at the other end of which each answer was prepared."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.sent = b""
        self.closed = False

    def __call__(self, *_: Any) -> "Kernel":
        return self

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def setsockopt(self, *_: int) -> None: ...

    def bind(self, _: tuple[int, int]) -> None: ...

    def sendto(self, data: bytes, _: tuple[int, int]) -> None:
        self.sent += data

    def recv(self, _: int, flags: int) -> bytes:
        assert flags == nft.socket.MSG_DONTWAIT
        if not self.answers:
            raise BlockingIOError(errno.EAGAIN, "nothing there")
        return self.answers.pop(0)

    def messages(self) -> list[tuple[int, int, int, bytes]]:
        """Kind, flags, number and body of what was sent."""
        found, offset = [], 0
        while offset < len(self.sent):
            length, kind, flags, number, _ = struct.unpack_from("=IHHII", self.sent, offset)
            found.append((kind, flags, number, self.sent[offset + 16 : offset + length]))
            offset += length
        return found


def answer(number: int, error: int = 0) -> bytes:
    return struct.pack("=IHHII", 36, 2, 0, number, 0) + struct.pack("=i", -error) + bytes(16)


def with_kernel(monkeypatch: pytest.MonkeyPatch, *answers: bytes) -> Kernel:
    kernel = Kernel(*answers)
    monkeypatch.setattr(nft.socket, "socket", kernel)
    return kernel


def test_requests_go_between_begin_and_end_and_the_last_asks_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = with_kernel(monkeypatch, answer(3))
    nft.carry_out([nft.new_table(nft.INET, "t"), nft.delete_table(nft.INET, "t")])
    begin, make, delete, end = kernel.messages()
    assert (begin[0], end[0]) == (0x10, 0x11)
    assert (make[0], delete[0]) == (0x0A00, 0x0A02)
    assert make[1] & 0x400, "it is created"
    assert not delete[1] & 0x400
    assert [bool(each[1] & 4) for each in (begin, make, delete, end)] == [False, False, True, False]
    assert make[3] == b"\1\0\0\0" + b"\6\0\1\0t\0\0\0" + b"\x08\0\2\0\0\0\0\0"
    assert kernel.closed


def test_the_first_objection_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    with_kernel(monkeypatch, answer(2, errno.ENOENT) + answer(3, errno.EBUSY))
    with pytest.raises(FileNotFoundError, match="nftables"):
        nft.carry_out([nft.delete_table(nft.INET, "t"), nft.delete_table(nft.ARP, "t")])


def test_a_transaction_that_is_refused_as_a_whole_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with_kernel(monkeypatch, answer(1, errno.EPERM))
    with pytest.raises(PermissionError):
        nft.carry_out([nft.new_table(nft.INET, "t")])


def test_an_objection_to_an_earlier_request_is_not_hidden_by_the_last_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with_kernel(monkeypatch, answer(2, errno.ENOENT), answer(3))
    with pytest.raises(FileNotFoundError):
        nft.carry_out([nft.delete_table(nft.INET, "t"), nft.new_table(nft.INET, "t")])


def test_silence_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    with_kernel(monkeypatch, answer(1))
    with pytest.raises(OSError, match="did not say") as silence:
        nft.carry_out([nft.new_table(nft.INET, "t")])
    assert silence.value.errno == errno.EPROTO


def test_an_element_has_its_time_in_milliseconds() -> None:
    body = nft.add_elements(nft.INET, "t", "s", [b"\2"], 5_000).body
    assert struct.pack(">Q", 5_000) in body
    assert b"\x0c\0\4\0" in body, "an attribute of 12 bytes, the time"
    assert b"\x0c\0\4\0" not in nft.add_elements(nft.INET, "t", "s", [b"\2"]).body

"""Echo requests: what is sent, what counts as the answer, and what this machine's own refusal is."""

import asyncio
import errno
import socket
import struct

import pytest

from komainu.adapters.net import ping
from komainu.ports import PingRefused

TEXT = bytes(range(16))


def test_the_sum_is_that_of_the_rfc() -> None:
    assert ping._checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2
    request = ping._request(4, TEXT)
    assert ping._checksum(request) == 0, "a packet with its own sum sums up to nothing"
    assert request[0] == 8
    assert ping._request(6, TEXT)[0] == 128


def reply(kind: int, text: bytes = TEXT) -> bytes:
    return struct.pack("!BBHHH", kind, 0, 0, 1, 1) + text


def ip(packet: bytes, words: int = 5) -> bytes:
    """A raw socket of IPv4 hears the header of IP as well."""
    return bytes([0x40 + words]) + bytes(words * 4 - 1) + packet


@pytest.mark.parametrize(
    ("version", "packet", "raw", "expected"),
    [
        (4, reply(0), False, True),
        (6, reply(129), False, True),
        (4, ip(reply(0)), True, True),
        (4, ip(reply(0), 7), True, True),
        (6, reply(129), True, True),
        (4, reply(0, bytes(16)), False, False),
        (4, ip(reply(8)), True, False),
        (4, ip(reply(3)), True, False),
        (6, reply(128), True, False),
        (4, b"\x00\x00", False, False),
        (4, ip(b""), True, False),
    ],
)
def test_only_an_echo_of_this_very_text_is_the_answer(version: int, packet: bytes, raw: bool, expected: bool) -> None:
    assert ping._answers(version, packet, TEXT, raw=raw) is expected


def asked(monkeypatch: pytest.MonkeyPatch, error: OSError, address: str = "192.0.2.1") -> str:
    def refuse(version: int) -> socket.socket:
        raise error

    monkeypatch.setattr(ping, "_socket", refuse)
    return asyncio.run(ping.LinuxPinger().ping(address, 1_000))


@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EAFNOSUPPORT])
def test_where_there_is_no_way_nobody_answers(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    assert "192.0.2.1" in asked(monkeypatch, OSError(number, "x"))


@pytest.mark.parametrize("number", [errno.EPERM, errno.EACCES, errno.EMFILE, errno.ENOBUFS])
def test_what_this_machine_refuses_is_no_silence_of_the_other(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    with pytest.raises(PingRefused, match=r"192\.0\.2\.1"):
        asked(monkeypatch, OSError(number, "x"))

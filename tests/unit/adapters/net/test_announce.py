"""The frames of an announcement, byte for byte; that they arrive is tests/ports/test_network.py's."""

import ipaddress

import pytest

from komainu.adapters.net.announce import announce, frames

HARDWARE = bytes.fromhex("0a0000000001")


def test_ipv4_is_announced_as_request_and_as_reply() -> None:
    request, reply = frames(HARDWARE, ipaddress.IPv4Address("10.1.0.20"))
    ethernet = "ffffffffffff" + "0a0000000001" + "0806"
    assert request.hex() == ethernet + "0001080006040001" + "0a0000000001" + "0a010014" + "000000000000" + "0a010014"
    assert reply.hex() == ethernet + "0001080006040002" + "0a0000000001" + "0a010014" + "ffffffffffff" + "0a010014"


def test_ipv6_is_announced_as_unsolicited_advertisement() -> None:
    address = ipaddress.IPv6Address("2001:db8::20")
    (frame,) = frames(HARDWARE, address)
    assert frame[:14].hex() == "333300000001" + "0a0000000001" + "86dd"
    header, message = frame[14:54], frame[54:]
    assert header[:8].hex() == "6000000000203aff"  # 32 bytes of ICMPv6, hop limit 255
    assert header[8:24] == address.packed
    assert header[24:40] == ipaddress.IPv6Address("ff02::1").packed
    assert message[:2].hex() == "8800"
    assert message[4:8].hex() == "20000000"  # override; neither router nor solicited
    assert message[8:24] == address.packed
    assert message[24:].hex() == "0201" + "0a0000000001"


def test_the_ipv6_checksum_is_the_one_receivers_compute() -> None:
    address = ipaddress.IPv6Address("2001:db8::20")
    (frame,) = frames(HARDWARE, address)
    message = frame[54:]
    pseudo = address.packed + ipaddress.IPv6Address("ff02::1").packed + (32).to_bytes(4) + (58).to_bytes(4)
    words = pseudo + message
    total = sum(int.from_bytes(words[at : at + 2]) for at in range(0, len(words), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF


@pytest.mark.sockets
@pytest.mark.lab
def test_a_device_without_ethernet_cannot_announce() -> None:
    with pytest.raises(OSError, match="lo has no Ethernet address"):
        announce("lo", "10.1.0.20")

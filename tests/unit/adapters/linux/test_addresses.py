"""What the suite in tests/ports/test_network.py cannot make the kernel say."""

import asyncio
import errno
import socket

import pytest
from pyroute2.netlink.exceptions import NetlinkError

from komainu.adapters.linux import addresses
from komainu.adapters.linux.addresses import LinuxNetwork, _device_name, _kernel_errors


def test_what_the_kernel_refuses_is_an_oserror_with_its_number() -> None:
    with pytest.raises(PermissionError), _kernel_errors(errno.EEXIST):
        raise NetlinkError(errno.EPERM)


def test_an_expected_refusal_is_no_error() -> None:
    with _kernel_errors(errno.EEXIST):
        raise NetlinkError(errno.EEXIST)


def test_a_device_that_just_vanished_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def vanished(index: int) -> str:
        raise OSError(errno.ENXIO, "No such device or address")

    monkeypatch.setattr(socket, "if_indextoname", vanished)
    assert _device_name(7) is None


def test_another_failure_to_name_a_device_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(index: int) -> str:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(socket, "if_indextoname", broken)
    with pytest.raises(OSError, match="Input/output"):
        _device_name(7)


@pytest.mark.sockets
def test_loopback_carries_its_address() -> None:
    async def body() -> None:
        network = LinuxNetwork()
        assert await network.device_with("127.0.0.1") == "lo"
        assert await network.device_for("127.9.9.9") == "lo"
        assert await network.device_with("203.0.113.77") is None

    asyncio.run(body())


def test_no_unnoticed_duplicate_detection() -> None:
    assert addresses.NO_DUPLICATE_DETECTION == 0x02  # IFA_F_NODAD of linux/if_addr.h

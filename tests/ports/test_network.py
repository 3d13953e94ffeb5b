"""The port Network: one suite for the fake and for the kernel.

The kernel's part runs in a child process in a network namespace of its own: `python -m tests.ports.test_network CASE`.
Both worlds have the device `left` with 192.0.2.1/24 and `right` with 192.0.2.17/28, the two ends of one cable.
"""

import asyncio
import errno
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from komainu.ports import Network
from tests.doubles.network import FakeNetwork

VIP = "10.1.0.20"
CABLE = (
    ("ip", "link", "add", "left", "type", "veth", "peer", "name", "right"),
    ("ip", "link", "set", "left", "up"),
    ("ip", "link", "set", "right", "up"),
    ("ip", "address", "add", "192.0.2.1/24", "dev", "left"),
    ("ip", "address", "add", "192.0.2.17/28", "dev", "right"),
)
WORLD = (
    ("ip", "address", "add", "2001:db8:0:11a::64/128", "dev", "left", "nodad"),
    ("ip", "-6", "route", "add", "default", "dev", "left"),
    ("ip", "route", "add", "default", "dev", "left"),
)
"The way to everything else, where a case needs it."


async def an_added_address_is_found_on_its_device(network: Network) -> None:
    assert await network.device_with(VIP) is None
    await network.add_address("left", VIP, 32)
    assert await network.device_with(VIP) == "left"


async def adding_twice_changes_nothing(network: Network) -> None:
    await network.add_address("left", VIP, 32)
    await network.add_address("left", VIP, 32)
    await network.add_address("left", VIP, 24)
    assert await network.device_for("10.1.0.21") is None  # the prefix stays as it was
    await network.remove_address(VIP)
    assert await network.device_with(VIP) is None


async def a_removed_address_is_gone_from_every_device(network: Network) -> None:
    await network.add_address("left", VIP, 32)
    await network.add_address("right", VIP, 24)
    await network.remove_address(VIP)
    assert await network.device_with(VIP) is None


async def removing_an_absent_address_changes_nothing(network: Network) -> None:
    await network.remove_address(VIP)
    assert await network.device_with("192.0.2.1") == "left"


async def removing_touches_no_other_address(network: Network) -> None:
    await network.add_address("left", "192.0.2.99", 24)
    await network.remove_address("192.0.2.99")
    assert await network.device_with("192.0.2.1") == "left"
    assert await network.device_with("192.0.2.17") == "right"


async def the_longest_prefix_decides_the_device(network: Network) -> None:
    assert await network.device_for("192.0.2.200") == "left"
    assert await network.device_for("192.0.2.20") == "right"
    assert await network.device_for(VIP) is None
    await network.add_address("right", "203.0.113.1", 24)
    await network.add_address("left", "203.0.113.129", 25)
    assert await network.device_for("203.0.113.2") == "right"
    assert await network.device_for("203.0.113.200") == "left"


async def a_single_address_is_no_subnet(network: Network) -> None:
    await network.add_address("left", VIP, 32)
    assert await network.device_for(VIP) is None


async def ipv6_addresses_come_and_go_as_well(network: Network) -> None:
    await network.add_address("left", "2001:db8::20", 64)
    assert await network.device_with("2001:DB8:0::20") == "left"
    assert await network.device_for("2001:db8::99") == "left"
    await network.announce("left", "2001:db8::20")
    await network.remove_address("2001:db8::20")
    assert await network.device_with("2001:db8::20") is None


async def an_unknown_device_is_an_error_of_the_system(network: Network) -> None:
    for attempt in (network.add_address("nowhere", VIP, 32), network.announce("nowhere", VIP)):
        with pytest.raises(OSError, match=r"no network device|No such device") as refused:
            await attempt
        assert refused.value.errno == errno.ENODEV


async def announcing_changes_no_address(network: Network) -> None:
    await network.add_address("left", VIP, 32)
    await network.announce("left", VIP)
    assert await network.device_with(VIP) == "left"


CASES: dict[str, Callable[[Network], Coroutine[object, object, None]]] = {
    case.__name__: case
    for case in (
        an_added_address_is_found_on_its_device,
        adding_twice_changes_nothing,
        a_removed_address_is_gone_from_every_device,
        removing_an_absent_address_changes_nothing,
        removing_touches_no_other_address,
        the_longest_prefix_decides_the_device,
        a_single_address_is_no_subnet,
        ipv6_addresses_come_and_go_as_well,
        an_unknown_device_is_an_error_of_the_system,
        announcing_changes_no_address,
    )
}


@pytest.mark.parametrize("case", CASES)
def test_fake(case: str) -> None:
    asyncio.run(CASES[case](FakeNetwork(left="192.0.2.1/24", right="192.0.2.17/28")))


@pytest.mark.lab
@pytest.mark.parametrize("case", CASES)
def test_kernel(case: str) -> None:
    in_own_namespace(case)


@pytest.mark.lab
@pytest.mark.parametrize(
    "case", ["the_neighbour_hears_the_announcement", "what_this_machine_sends_does_not_come_from_an_added_address"]
)
def test_kernel_alone(case: str) -> None:
    in_own_namespace(case)


def in_own_namespace(case: str) -> None:
    child = subprocess.run(
        ["unshare", "--net", sys.executable, "-W", "error", "-m", "tests.ports.test_network", case],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert child.returncode == 0, child.stderr


async def the_neighbour_hears_the_announcement(network: Network) -> None:
    """Both frames arrive at the other end of the cable, and say that the address lives at the sender's hardware."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)) as ear:
        ear.bind(("right", 0x0806))
        ear.settimeout(5)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
            sender.bind(("left", 0))
            hardware = sender.getsockname()[4]
        await network.announce("left", VIP)
        operations = []
        while len(operations) < 2:
            frame = ear.recv(2048)
            if frame[6:12] != hardware:
                continue
            assert frame[:6] == b"\xff" * 6
            assert frame[22:28] == hardware
            assert frame[28:32] == frame[38:42] == socket.inet_aton(VIP)
            operations.append(frame[21])
        assert operations == [1, 2]


async def what_this_machine_sends_does_not_come_from_an_added_address(network: Network) -> None:
    """The answers go where the address is at the moment, or was: a call that begins there would hang.

    Each destination is nearer to the added address than to the machine's own.
    """
    await network.add_address("left", "2001:db8:1::20", 128)
    await network.add_address("left", VIP, 32)
    for family, there, own in (
        (socket.AF_INET6, "2001:db8:1::21", "2001:db8:0:11a::64"),
        (socket.AF_INET6, "2600::1", "2001:db8:0:11a::64"),
        (socket.AF_INET, "10.1.0.21", "192.0.2.1"),
    ):
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((there, 9))
            assert asking.getsockname()[0] == own
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as serving:
        serving.bind(("2001:db8:1::20", 0))  # who asks for it gets it, and at once


ELSEWHERE = what_this_machine_sends_does_not_come_from_an_added_address.__name__
KERNEL_ALONE = (the_neighbour_hears_the_announcement, what_this_machine_sends_does_not_come_from_an_added_address)


def main(name: str) -> None:
    """In the child: lay the cable, run one case against the kernel."""
    from komainu.adapters.linux.addresses import LinuxNetwork

    for command in (*CABLE, *(WORLD if name == ELSEWHERE else ())):
        subprocess.run(command, check=True)
    cases = {**CASES, **{case.__name__: case for case in KERNEL_ALONE}}
    asyncio.run(cases[name](LinuxNetwork()))


if __name__ == "__main__":
    main(sys.argv[1])

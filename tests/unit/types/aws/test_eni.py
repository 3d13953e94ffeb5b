"""Which device of the kernel an elastic network interface is."""

import asyncio
from dataclasses import replace

import pytest

from komainu.ports import Interface
from komainu.types.aws.eni import device_of, device_with, not_here
from komainu.types.aws.judge import Impossible
from tests.doubles.network import FakeNetwork

ENI = Interface("eni-1", "vpc-1", "10.0.10.100", source_dest_check=False, instance="i-1")


def found(interface: Interface, **devices: str) -> str:
    return asyncio.run(device_of(FakeNetwork(**devices), interface))


def test_it_is_the_device_that_carries_its_primary_address() -> None:
    assert found(ENI, lo="127.0.0.1/8", ens5="10.0.10.100/24") == "ens5"


def test_without_an_ipv4_address_an_ipv6_address_tells() -> None:
    only = replace(ENI, private_address="", ipv6_addresses=("2001:db8::1",))
    assert found(only, ens5="2001:db8::1/64") == "ens5"


@pytest.mark.parametrize(
    ("interface", "told"),
    [
        (ENI, "eni-1 (10.0.10.100, i-1)"),
        (replace(ENI, instance="", ipv6_addresses=("2001:db8::1",)),
         "eni-1 (10.0.10.100, 2001:db8::1, attached to no instance)"),
        (replace(ENI, private_address=""), "eni-1 (i-1)"),
    ],
)  # fmt: skip
def test_an_interface_of_another_machine_is_told_with_what_is_known_of_it(interface: Interface, told: str) -> None:
    with pytest.raises(Impossible, match="no network device of this node carries") as raised:
        found(interface, ens5="10.0.10.9/24")
    assert raised.value.detail == f"no network device of this node carries {told}"
    assert raised.value.status == 1


def test_a_kernel_that_does_not_say_is_no_missing_device() -> None:
    network = FakeNetwork(ens5="10.0.10.100/24")
    network.fails = OSError(105, "No buffer space available")
    with pytest.raises(Impossible) as raised:
        asyncio.run(device_with(network, "10.0.10.100"))
    assert raised.value.status == 2
    assert "No buffer space available" in raised.value.detail


def test_what_is_told_of_an_interface_that_is_not_here() -> None:
    assert not_here("eni-1", "10.0.10.100").detail == "no network device of this node carries eni-1 (10.0.10.100)"

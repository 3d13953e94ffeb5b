"""This node's elastic network interface: how it is given, and which device of the kernel it is."""

from typing import Annotated

from pydantic import StringConstraints

from komainu.ports import Interface, Network
from komainu.types.aws.judge import Impossible
from komainu.types.aws.messages import INTERNAL, InternalKind

EniId = Annotated[str, StringConstraints(pattern=r"^eni-[0-9a-z]+$")]


async def device_with(network: Network, address: str) -> str | None:
    """The device of this node that carries the address. Raises Impossible when the kernel does not say."""
    try:
        return await network.device_with(address)
    except OSError as error:
        raise Impossible(INTERNAL, f"{error}", InternalKind.KERNEL) from error


async def device_of(network: Network, interface: Interface) -> str:
    """The device of this node that is the interface. Raises Impossible when it belongs to another instance."""
    carried = tuple(filter(None, (interface.private_address, *interface.ipv6_addresses)))
    device = await device_with(network, carried[0]) if carried else None
    if device is None:
        raise not_here(interface.id, *carried, interface.instance or "attached to no instance")
    return device


def not_here(interface: str, *known: str) -> Impossible:
    """No device of this node is that interface; `known` is what is told of it."""
    detail = f"no network device of this node carries {interface} ({', '.join(known)})"
    return Impossible(INTERNAL, detail, InternalKind.NO_DEVICE)

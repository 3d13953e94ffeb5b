"""Who has what should be this node's: told beside a finding, so that nobody has to look it up in the console."""

import asyncio
from collections.abc import Mapping
from typing import Any

from komainu.ports import Cloud, CloudError

MOST = 3
"So many are asked for; more would say nothing new, and each is a call of the node's budget."


def node_of(interface: str, elsewhere: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The other configured node that has this ENI."""
    return next((node for node, params in elsewhere.items() if interface and params.get("eni_id") == interface), None)


async def owners(
    cloud: Cloud, interfaces: tuple[str, ...], elsewhere: Mapping[str, Mapping[str, Any]], timeout_ms: int
) -> str:
    """Whose these network interfaces are, for the detail of an outcome. Never raises CloudError."""
    names = tuple(name for name in dict.fromkeys(interfaces) if name)[:MOST]
    return "; ".join(await asyncio.gather(*(_owner(cloud, name, elsewhere, timeout_ms) for name in names)))


async def _owner(cloud: Cloud, interface: str, elsewhere: Mapping[str, Mapping[str, Any]], timeout_ms: int) -> str:
    node = node_of(interface, elsewhere)
    if node is not None:
        return f"{interface} is the one of {node}"
    try:
        found = await cloud.interface(interface, timeout_ms)
    except CloudError as error:
        return f"{interface} is of no node of this cluster ({error.code})"
    known = (found.label, found.instance or "attached to no instance", found.private_address, found.vpc)
    owner = f"{interface} ({', '.join(filter(None, known))}) is of no node of this cluster"
    return f"{owner}: does another cluster use the same address?"

"""The public address that EC2 gives an interface by itself where its subnet asks for one (not an Elastic IP).

An Elastic IP takes its place, and when that is gone the interface gets another one (believed: EC2's guide says so of an
instance with one interface). moto does that as well, but with addresses that belong to somebody.
"""

import itertools
from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterface

from komainu_lab.vpc.corrections import Applied

NETWORK = "203.0.113."
"For documentation: no machine of the lab has such an address by itself, nor anybody else."
FIRST, LAST = 101, 250


def documentation_addresses(applied: Applied) -> None:
    """Public addresses are of the network for documentation, another one each time. One more correction."""
    numbers = itertools.cycle(range(FIRST, LAST + 1))

    def check_auto_public_ip(self: Any) -> None:
        if str(self.public_ip_auto_assign).lower() == "true":
            self.public_ip = f"{NETWORK}{next(numbers)}"

    applied.replace(NetworkInterface, "check_auto_public_ip", check_auto_public_ip)


def own_address(interface: Any) -> str:
    """What EC2 gave an interface by itself; empty: nothing. Where it has an Elastic IP it counts for nothing."""
    assigned = str(interface.public_ip_auto_assign).lower() == "true"
    return str(interface.public_ip or "") if assigned else ""

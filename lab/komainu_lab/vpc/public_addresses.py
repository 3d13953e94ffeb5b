"""The public address that EC2 gives an interface by itself where its subnet asks for one (not an Elastic IP).

An Elastic IP takes its place, and when that is gone the interface gets another one (believed: EC2's guide says so of an
instance with one interface; it may take minutes). moto does that as well, but at once, and with addresses that
belong to somebody.
"""

import itertools
import threading
from collections.abc import Callable
from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterface

from komainu_lab.vpc.corrections import Applied

NETWORK = "203.0.113."
"For documentation: no machine of the lab has such an address by itself, nor anybody else."
FIRST, LAST = 101, 250


class OwnAddresses:
    """Gives them: of the network for documentation, another one each time, as late as it is told to."""

    def __init__(self, change: Callable[[Callable[[], None]], None]) -> None:
        """At once, until it is told otherwise. `change` makes a change that packets have to follow."""
        self._change = change
        self._lock = threading.Lock()
        self._delay_ms: int | None = 0
        self._numbers = itertools.cycle(range(FIRST, LAST + 1))
        self._waiting: list[Any] = []
        "The interfaces that shall get one later."

    def correct(self, applied: Applied) -> None:
        """One more correction of moto."""

        def check_auto_public_ip(interface: Any) -> None:
            if _assigned(interface):
                self._lost(interface)

        applied.replace(NetworkInterface, "check_auto_public_ip", check_auto_public_ip)

    def delay(self, delay_ms: int | None) -> None:
        """How late an interface gets its own address from now on. None: never; 0: at once, also what waits."""
        with self._lock:
            self._delay_ms = delay_ms
            waiting, self._waiting = (self._waiting, []) if delay_ms == 0 else ([], self._waiting)
        for interface in waiting:
            self._change(lambda one=interface: self._give(one))  # type: ignore[misc]

    def _lost(self, interface: Any) -> None:
        with self._lock:
            delay_ms = self._delay_ms
            if delay_ms != 0:
                self._waiting.append(interface)
        if delay_ms == 0:
            self._give(interface)
        elif delay_ms is not None:
            timer = threading.Timer(delay_ms / 1000, self._late, (interface,))
            timer.daemon = True
            timer.start()

    def _late(self, interface: Any) -> None:
        with self._lock:
            if interface not in self._waiting:
                return
            self._waiting.remove(interface)
        self._change(lambda: self._give(interface))

    def _give(self, interface: Any) -> None:
        if not interface.public_ip:  # an Elastic IP may have come meanwhile
            interface.public_ip = f"{NETWORK}{next(self._numbers)}"


def _assigned(interface: Any) -> bool:
    """Whether its subnet asks for an address of its own."""
    return str(interface.public_ip_auto_assign).lower() == "true"


def own_address(interface: Any) -> str:
    """What EC2 gave an interface by itself; empty: nothing. Where it has an Elastic IP it counts for nothing."""
    return str(interface.public_ip or "") if _assigned(interface) else ""

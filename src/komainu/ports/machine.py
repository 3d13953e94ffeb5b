"""This machine: its network, its power, its watchdog."""

from dataclasses import dataclass
from typing import Literal, Protocol


class Network(Protocol):
    """Addresses of this machine. Raises OSError for what the kernel refuses."""

    async def device_with(self, address: str) -> str | None:
        """The name of the network device that carries the address, or None."""

    async def device_for(self, address: str) -> str | None:
        """The name of the network device on whose subnet the address lies (longest prefix first), or None."""

    async def add_address(self, device: str, address: str, prefix: int) -> None:
        """Add the address; nothing changes when it is there. What the machine sends of its own accord does not come
        from it, unless a program asks for that."""

    async def remove_address(self, address: str) -> None:
        """Take the address off every device; nothing changes when it is absent."""

    async def announce(self, device: str, address: str) -> None:
        """Tell the neighbours on the segment: gratuitous ARP or unsolicited neighbour advertisement."""


class Power(Protocol):
    """What can be done to this machine as a whole (C7)."""

    async def shutdown(self) -> None:
        """Ask the operating system to shut down in order. Raises OSError when it does not take the request."""

    async def reboot(self) -> None:
        """Ask the operating system to reboot in order. Raises OSError when it does not take the request."""

    def panic(self) -> None:
        """Let the kernel panic at once. Returns only when that did not work; raises OSError then."""

    def reset(self) -> None:
        """Reset the machine at once. Returns only when that did not work; raises OSError then."""


@dataclass(frozen=True, slots=True)
class WatchdogMeans:
    """What would reset this machine if it were left alone."""

    kind: Literal["hardware", "software", "unclear", "taken", "none"]
    (
        "`software`: by the kernel, which has to run for that; `unclear`: there is a device that does not say what it "
        "is; `taken`: somebody else on this machine has it."
    )
    name: str = ""
    "As the device names itself."


class Watchdog(Protocol):
    """Resets this machine unless it is told in time that all is well, even when nothing else works here any more."""

    def means(self) -> WatchdogMeans:
        """What there is, as far as that can be known without arming it."""

    def arm(self, timeout_ms: int) -> None:
        """From now on the machine is reset that long after the last `pat`. Raises OSError when there is no watchdog."""

    def pat(self) -> None:
        """All is well."""

    def disarm(self) -> None:
        """Watch no more."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """What of this node the world may reach only while it has the right to act."""

    addresses: tuple[str, ...] = ()
    "Virtual addresses: nothing comes in for them, nothing goes out from them, the node does not answer for them."
    ports: tuple[tuple[Literal["tcp", "udp"], int], ...] = ()
    "Ports that applications publish on whatever address: nothing comes in for them, nothing goes out from them."


class Isolation(Protocol):
    """Cuts this node off by the kernel when its right ends, whatever komainud does then (N2).

    What stays on the node passes, and what the node does as a client of others. Every method is one call to the
    kernel, some milliseconds long, and raises OSError for what it refuses.
    """

    def guard(self, guarded: Guarded) -> None:
        """Exactly this passes only while it is held. What was held before goes on being held as long as it was."""

    def hold(self, for_ms: int, *, afresh: bool = True) -> None:
        """What is guarded passes for so long from now, by no more than two ticks shorter; a later call counts anew.

        It is never longer, and for no time or less it is cut off at once. Raises FileNotFoundError when nothing is
        guarded: nobody asked for it, or somebody else has emptied the kernel's rules. Not `afresh`: only if it passes
        still, whoever held it; raises FileNotFoundError when it has been cut off.
        """

    def lift(self) -> None:
        """Nothing is guarded any more, everything passes; nothing changes when nothing is guarded."""

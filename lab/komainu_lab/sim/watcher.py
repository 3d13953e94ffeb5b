"""Who looks on at a simulated machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from komainu.agent.members.replica import Decided

if TYPE_CHECKING:
    from komainu_lab.sim.host import Host, Key


class Watcher(Protocol):
    """Who looks on: the checkers."""

    def decided(self, host: Host, decided: Decided) -> None:
        """A replica absorbed an event."""

    def took_effect(self, host: Host, key: Key) -> None:
        """A resource has just come into effect."""

    def settled(self, host: Host) -> None:
        """A replica is at rest after an input."""

    def merged(self, host: Host) -> None:
        """A replica that had a history of its own took over another's."""

    def cut(self, host: Host) -> None:
        """The kernel of a machine has cut it off."""

    def exclusive(self, host: Host, key: Key) -> bool:
        """True when what runs there is ended by nothing less than a reset."""

    def ended(self, target: str, how: str) -> None:
        """The power of a machine is cut."""

    def began(self, host: Host) -> None:
        """A new daemon knows what its machine remembers, and nothing else."""

    def stated(self, round_: str, host: Host) -> None:
        """A replica sends its state: others will go on from there."""

    def adopted(self, round_: str, host: Host) -> None:
        """A replica goes on from a state that was sent."""

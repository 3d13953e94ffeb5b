"""Whose state goes on when members with different histories meet (docs/en/safety.md)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """What one member brings. Claims are compared in the order of the configuration."""

    node: str
    formed: bool
    won: int
    "The newest epoch in which its history had the vote or was the majority."
    epoch: int
    version: int
    active: int


def successor(claims: Sequence[Claim]) -> str:
    """The node whose state goes on: formed before not formed, then the one that had the vote or the majority last.

    Then the highest epoch, then the newest configuration.

    On a tie the one that runs more, else the one that comes first in the configuration.
    """
    best = max(
        range(len(claims)),
        key=lambda index: (
            claims[index].formed,
            claims[index].won,
            claims[index].epoch,
            claims[index].version,
            claims[index].active,
            -index,
        ),
    )
    return claims[best].node

"""Whose state goes on when members with different histories meet (safety.md, rule 9, as far as no record exists)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """What one member brings. Claims are compared in the order of the configuration."""

    node: str
    formed: bool
    epoch: int
    version: int
    active: int


def successor(claims: Sequence[Claim]) -> str:
    """The node whose state goes on: formed before not formed, then the highest epoch, then the newest configuration.

    On a tie the one that runs more, else the one that comes first in the configuration.
    """
    best = max(
        range(len(claims)),
        key=lambda index: (
            claims[index].formed,
            claims[index].epoch,
            claims[index].version,
            claims[index].active,
            -index,
        ),
    )
    return claims[best].node

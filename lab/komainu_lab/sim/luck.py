"""How well things go on a simulated machine, and what is said when they do not."""

from __future__ import annotations

from dataclasses import dataclass

from komainu.agent.members.snapshot import decode
from komainu.core.state import State
from komainu.model.message import Said

BROKEN = Said("SIM1", "It does not start here.", "ここでは起動しません。", "error")
NO_ANSWER = Said("SIM2", "There was no answer.", "応答がありませんでした。", "error")


@dataclass
class Luck:
    """How likely things go wrong on this machine."""

    start_fails: float = 0.0
    unclear: float = 0.0
    stop_fails: float = 0.0
    slow: float = 0.05
    hangs: float = 0.0
    "How likely a stop never ends within the time of this simulation's patience."
    fences_late: bool = True
    "A fence may take effect long after it was asked for, when its target has come back already."


def without_suspension(data: bytes) -> State:
    """What an older release makes of a snapshot: it knows no suspended nodes and no maintenance switch."""
    state = decode(data)
    if state.maintenance or any(facts.suspended for facts in state.nodes.values()):
        raise ValueError("suspended")
    return state

"""The four faults, and what mends them. The same for every contender."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from komainu_lab.bench.contender import Contender
from komainu_lab.wires import cut_off


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table."""

    title: str
    happen: Callable[[Contender, str, str], int]
    "Takes the contender, the active node and the other one. When it happened, CLOCK_BOOTTIME in ns."
    mend: Callable[[Contender, str], None]
    "Takes the contender and the formerly active node."
    in_place: bool = False
    "The service is to come back where it was."
    loses_node: bool = False
    "There is a loss that the other node has to detect."


def _power_loss(contender: Contender, active: str, _other: str) -> int:
    return contender.lab.power_off(active)


def _link_cut(contender: Contender, active: str, _other: str) -> int:
    """Cut off from the other node and from the client; it goes on, and knows nothing."""
    return contender.lab.cut(f"cut {active}", cut_off(contender.lab.topology.machine(active)))


def _application_kill(contender: Contender, active: str, _other: str) -> int:
    return contender.kill_application(active)


def _move(contender: Contender, _active: str, other: str) -> int:
    return contender.move(other)


def _boot_again(contender: Contender, former: str) -> None:
    """Also after a cut: what a node does that comes back alive differs, and is not measured."""
    contender.lab.power_off(former)
    contender.lab.heal()
    contender.lab.power_on(former)


def _nothing(_contender: Contender, _former: str) -> None:
    pass


def _after_move(contender: Contender, _former: str) -> None:
    contender.after_move()


POWER_LOSS, LINK_CUT, APPLICATION_KILL, MOVE = "power-loss", "link-cut", "application-kill", "move"
FAULTS: Mapping[str, Fault] = {
    POWER_LOSS: Fault("Power loss", _power_loss, _boot_again, loses_node=True),
    LINK_CUT: Fault("Link cut", _link_cut, _boot_again, loses_node=True),
    APPLICATION_KILL: Fault("Application killed", _application_kill, _nothing, in_place=True),
    MOVE: Fault("Planned move", _move, _after_move),
}
"In the order in which they happen in a round: the move comes last, for it clears the counters of recovery."

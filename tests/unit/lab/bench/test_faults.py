"""The faults: what is lost, and that everything is on again afterwards."""

from komainu_lab.bench.faults import FAULTS, LINK_CUT, MOVE, POWER_LOSS
from tests.unit.lab.bench.stand_in import Contender


def test_the_node_with_the_service_loses_its_power() -> None:
    contender = Contender()
    assert FAULTS[POWER_LOSS].happen(contender, "node1", "node2") == contender.lab.now_ns
    assert contender.lab.done == ["off node1"]


def test_a_cut_node_is_booted_before_it_meets_the_other_again() -> None:
    contender = Contender()
    FAULTS[LINK_CUT].happen(contender, "node2", "node1")
    FAULTS[LINK_CUT].mend(contender, "node2")
    assert contender.lab.done == ["cut node2 off", "off node2", "heal", "on node2"]


def test_a_move_goes_to_the_other_node_and_leaves_nothing() -> None:
    contender = Contender()
    FAULTS[MOVE].happen(contender, "node1", "node2")
    FAULTS[MOVE].mend(contender, "node1")
    assert contender.done == ["move to node2", "after move"]


def test_the_move_comes_last() -> None:
    assert list(FAULTS)[-1] == MOVE

"""Three nodes: the side with more than half goes on, whatever is cut; never two actives."""

import os
import signal

import pytest

from komainu_lab import faults
from komainu_lab.clock import boottime_ns
from komainu_lab.wires import cut_between
from tests.lab.rights_stage import DETECT_MS, RIGHT_MS, SYNC_WAIT_MS, WAIT_MS, RightsStage, staged
from tests.lab.stage import until

pytestmark = pytest.mark.lab

UNINTERRUPTED_MS = 1_000.0
QUIET_S = (DETECT_MS + RIGHT_MS + WAIT_MS) / 1000
"By then whoever would wrongly start has started."


_stage, stage = staged("majority")


def others(stage: RightsStage, name: str) -> list[str]:
    """The other two."""
    return [machine.name for machine in stage.cluster.topology.nodes if machine.name != name]


def cut_apart(stage: RightsStage, one: str, *from_others: str) -> int:
    """One node hears these others no more; everybody else reaches it."""
    topology, at_ns = stage.cluster.topology, boottime_ns()
    for other in from_others:
        cut = cut_between(topology.machine(one), topology.machine(other))
        stage.cluster.lab.cut(f"cut {one}-{other}", cut)
    return at_ns


def test_power_loss_of_the_active_node(stage: RightsStage) -> None:
    active = stage.cluster.active()
    off_ns = stage.cluster.lab.power_off(active)
    until(lambda: len(stage.holders()) == 1, "another one has taken over", 30)
    [taker] = stage.holders()
    stage.served(taker)
    sight = stage.judge(off_ns)
    assert sight.longest_gap_ms is not None
    assert sight.longest_gap_ms > WAIT_MS, "it did not wait until the right of the lost node had surely ended"
    after, _ = stage.settle(off_ns)
    assert after == taker


@pytest.mark.slow
def test_active_node_alone_on_its_side_while_the_client_reaches_all(stage: RightsStage) -> None:
    active = stage.cluster.active()
    cut_ns = cut_apart(stage, active, *others(stage, active))
    until(lambda: active not in stage.holders(), "the smaller side has stopped")
    until(lambda: len(stage.holders()) == 1, "the greater side has taken over", 30)
    [taker] = stage.holders()
    stage.quiet(QUIET_S)
    assert stage.holders() == [taker]
    after, _ = stage.settle(cut_ns)
    assert after == taker


@pytest.mark.slow
def test_active_node_on_the_greater_side(stage: RightsStage) -> None:
    active = stage.cluster.active()
    lone = others(stage, active)[0]
    cut_ns = cut_apart(stage, lone, *others(stage, lone))
    stage.quiet(QUIET_S)
    assert stage.holders() == [active]
    after, sight = stage.settle(cut_ns)
    assert after == active
    assert sight.longest_gap_ms is not None
    assert sight.longest_gap_ms < UNINTERRUPTED_MS


@pytest.mark.slow
def test_two_of_three_lost(stage: RightsStage) -> None:
    active = stage.cluster.active()
    begun_ns = boottime_ns()
    for name in others(stage, active):
        stage.cluster.lab.power_off(name)
    until(lambda: stage.holders() == [], "the last one has stopped", 30)
    stage.quiet(QUIET_S)
    assert stage.holders() == []
    stage.settle(begun_ns)


@pytest.mark.slow
def test_every_cable_between_nodes_cut(stage: RightsStage) -> None:
    one, two, three = (machine.name for machine in stage.cluster.topology.nodes)
    cut_ns = cut_apart(stage, one, two, three)
    cut_apart(stage, two, three)
    until(lambda: stage.holders() == [], "nobody is a majority", 30)
    stage.quiet(QUIET_S)
    assert stage.holders() == []
    stage.settle(cut_ns)


@pytest.mark.slow
def test_one_cable_of_three_cut(stage: RightsStage) -> None:
    """Two nodes do not hear each other, and the third one hears both. Corosync does not come to rest in a ring then.

    So nothing is promised but that two are never active, and that all is well once the cable is mended.
    """
    active = stage.cluster.active()
    other = others(stage, active)[0]
    cut_ns = cut_apart(stage, active, other)
    stage.quiet(QUIET_S)
    stage.judge(cut_ns)
    stage.settle(cut_ns)


@pytest.mark.slow
def test_standing_still_for_30_s(stage: RightsStage) -> None:
    active = stage.cluster.active()
    frozen_ns = stage.cluster.lab.freeze(active)
    until(lambda: len(stage.holders()) == 1, "another one has taken over", 30)
    [taker] = stage.holders()
    stage.quiet(30 - (boottime_ns() - frozen_ns) / 1e9)
    stage.cluster.lab.thaw(active)
    until(lambda: stage.holders() == [taker], "who stood still has stopped")
    after, _ = stage.settle(frozen_ns, thawed=active)
    assert after == taker


@pytest.mark.slow
def test_one_node_boots_cut_off_and_the_others_one_after_the_other(stage: RightsStage) -> None:
    lab = stage.cluster.lab
    one, two, three = (machine.name for machine in stage.cluster.topology.nodes)
    begun_ns = boottime_ns()
    for name in (one, two, three):
        lab.power_off(name)
    cut_apart(stage, one, two, three)
    lab.power_on(one)
    stage.quiet(SYNC_WAIT_MS / 1000 + QUIET_S)
    assert stage.holders() == []
    lab.power_on(two)
    lab.power_on(three)
    until(lambda: len(stage.holders()) == 1, "the greater side serves", 40)
    [active] = stage.holders()
    assert active != one
    after, _ = stage.settle(begun_ns)
    assert after == active


@pytest.mark.slow
def test_komainud_frozen_on_the_active_node_while_its_cable_is_cut(stage: RightsStage) -> None:
    active = stage.cluster.active()
    begun_ns = faults.cut(stage.cluster, active)
    os.kill(faults.process_id(stage.cluster, active, "komainud"), signal.SIGSTOP)
    until(lambda: any(each != active for each in stage.holders()), "another one has taken over", 30)
    stage.settle(begun_ns)

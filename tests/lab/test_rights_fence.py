"""A third vote and a fence: whoever wins the vote stops the other one, and starts as soon as that is certain."""

import pytest

from komainu_lab import faults
from komainu_lab.clock import boottime_ns
from komainu_lab.configuration import Document
from tests.lab.rights_stage import WAIT_MS, RightsStage, shortened, staged
from tests.lab.stage import until

pytestmark = [pytest.mark.lab, pytest.mark.slow]

LONG_WAIT_MS = 15_000
"Long enough that a takeover before it can only rest on the fence."


def fenced(document: Document) -> None:
    """The fence of the example, and a wait that is much longer than the fence takes."""
    fence = document["cluster"]["arbitration"]["fence"]
    shortened(document)
    document["cluster"]["arbitration"].update(fence=fence, wait_ms=LONG_WAIT_MS)


_stage, stage = staged("lease", fenced, fenced=True)


def stops(stage: RightsStage, after: int) -> list[str]:
    """Who asked EC2 to stop an instance."""
    return [call["source"] for call in stage.cluster.cloud.calls(after) if call["action"] == "StopInstances"]


def test_power_loss_of_the_active_node(stage: RightsStage) -> None:
    active, standby = stage.pair()
    calls = stage.cluster.cloud.last_call()
    off_ns = stage.cluster.lab.power_off(active)
    stage.served(standby)
    sight = stage.judge(off_ns)
    assert stops(stage, calls) == [standby]
    assert sight.longest_gap_ms is not None
    assert sight.longest_gap_ms < LONG_WAIT_MS, "it waited although the fence was confirmed"
    after, _ = stage.settle(off_ns)
    assert after == standby


def test_active_node_works_on_cut_off_from_the_other_one_and_the_store(stage: RightsStage) -> None:
    active, standby = stage.pair()
    calls = stage.cluster.cloud.last_call()
    cut_ns = boottime_ns()
    stage.cluster.votes.cut(active)
    faults.cut_interconnect(stage.cluster)
    until(lambda: not stage.cluster.lab.node(active).on, "EC2 takes its power", 20)
    stage.served(standby)
    assert stops(stage, calls) == [standby], "the loser shot as well"
    after, _ = stage.settle(cut_ns)
    assert after == standby


def test_interconnect_cut_while_both_reach_the_store(stage: RightsStage) -> None:
    """The holder wins and runs on. Nothing waits for the standby's end, so nobody is shot."""
    active, standby = stage.pair()
    calls = stage.cluster.cloud.last_call()
    cut_ns = faults.cut_interconnect(stage.cluster)
    stage.quiet(10)
    assert stops(stage, calls) == []
    assert stage.cluster.lab.node(standby).on
    assert stage.holders() == [active]
    after, sight = stage.settle(cut_ns)
    assert after == active
    assert sight.answered_by == (active,)


def test_an_instance_that_is_stopping_for_ever_is_waited_for_and_no_longer(stage: RightsStage) -> None:
    active, standby = stage.pair()
    stage.cluster.cloud.stuck(active)
    calls = stage.cluster.cloud.last_call()
    cut_ns = boottime_ns()
    stage.cluster.votes.cut(active)
    faults.cut_interconnect(stage.cluster)
    stage.served(standby)
    assert standby in stops(stage, calls)
    assert stage.cluster.lab.node(active).on
    sight = stage.judge(cut_ns)
    assert sight.longest_gap_ms is not None
    assert sight.longest_gap_ms > WAIT_MS, "stopping is not gone"
    after, _ = stage.settle(cut_ns)
    assert after == standby

"""Two nodes on premises and a witness on a third machine, under faults: never two actives."""

import pytest

from komainu_lab import faults, votes
from komainu_lab.clock import boottime_ns
from tests.lab.rights_stage import DETECT_MS, RIGHT_MS, WAIT_MS, RightsStage, staged
from tests.lab.stage import until

pytestmark = [pytest.mark.lab, pytest.mark.slow]

UNINTERRUPTED_MS = 1_000.0
QUIET_S = (DETECT_MS + RIGHT_MS + WAIT_MS) / 1000
"By then whoever would wrongly start has started."


_stage, stage = staged("witness")


def test_power_loss_of_the_active_node(stage: RightsStage) -> None:
    active, standby = stage.pair()
    off_ns = stage.cluster.lab.power_off(active)
    stage.served(standby)
    sight = stage.judge(off_ns)
    assert sight.longest_gap_ms is not None
    assert sight.longest_gap_ms > WAIT_MS
    after, _ = stage.settle(off_ns)
    assert after == standby


def test_interconnect_cut_while_both_reach_the_witness(stage: RightsStage) -> None:
    active, _ = stage.pair()
    cut_ns = faults.cut_interconnect(stage.cluster)
    stage.quiet(QUIET_S)
    assert stage.holders() == [active]
    after, sight = stage.settle(cut_ns)
    assert after == active
    assert sight.longest_gap_ms is not None
    assert sight.longest_gap_ms < UNINTERRUPTED_MS


def test_active_node_reaches_nobody_but_the_client(stage: RightsStage) -> None:
    active, standby = stage.pair()
    begun_ns = boottime_ns()
    stage.cluster.votes.cut(active)
    faults.cut_interconnect(stage.cluster)
    stage.served(standby)
    until(lambda: stage.holders() == [standby], "who does not reach the witness has stopped")
    after, _ = stage.settle(begun_ns)
    assert after == standby


def test_witness_without_power_while_together_and_then_the_active_node_too(stage: RightsStage) -> None:
    lab = stage.cluster.lab
    active, standby = stage.pair()
    begun_ns = lab.power_off("witness")
    stage.quiet(RIGHT_MS * 2 / 1000)
    assert stage.judge(begun_ns).answered_by == (active,), "nobody needs the witness now"
    lab.power_off(active)
    stage.quiet((DETECT_MS + WAIT_MS) / 1000 + 2)
    assert stage.holders() == [], "it started without the vote"
    lab.power_on("witness")
    stage.served(standby)
    after, _ = stage.settle(begun_ns)
    assert after == standby


def test_witness_loses_its_record(stage: RightsStage) -> None:
    active, standby = stage.pair()
    good = votes.read(stage.cluster.votes)
    assert good is not None
    begun_ns = boottime_ns()
    stage.cluster.votes.delete()
    stage.cluster.lab.power_off(active)
    stage.quiet((DETECT_MS + WAIT_MS) / 1000 + 2)
    assert stage.holders() == [], "it trusted a witness without a record"
    stage.cluster.votes.put(good.model_copy(update={"nonce": "restored"}).text())
    stage.served(standby)
    after, _ = stage.settle(begun_ns)
    assert after == standby

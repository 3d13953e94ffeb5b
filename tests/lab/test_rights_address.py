"""A group that is nothing but the virtual IP, with a third vote: no wait, and only the vote's owner sets routes."""

import pytest

from komainu_lab import faults
from komainu_lab.clock import boottime_ns
from komainu_lab.configuration import Document
from tests.lab.rights_stage import DETECT_MS, RIGHT_MS, WAIT_MS, RightsStage, shortened, staged

pytestmark = [pytest.mark.lab, pytest.mark.slow]


def address_alone(document: Document) -> None:
    """What answers behind the address runs on both nodes, and is nobody's resource."""
    shortened(document)
    for group in document["groups"]:
        group["resources"] = [each for each in group["resources"] if each["type"] == "awsvip"]


_stage, stage = staged("lease", address_alone, outside=True)


def setters(stage: RightsStage, after: int) -> set[str]:
    """Who set routes."""
    return {call["source"] for call in stage.cluster.cloud.calls(after) if call["action"] == "ReplaceRoute"}


def test_power_loss_of_the_active_node(stage: RightsStage) -> None:
    active, standby = stage.pair()
    off_ns = stage.cluster.lab.power_off(active)
    stage.served(standby)
    assert (boottime_ns() - off_ns) / 1e6 < DETECT_MS + WAIT_MS, "it waited for nothing"
    stage.mend()
    assert stage.cluster.active() == standby


def test_interconnect_cut_while_both_reach_the_store(stage: RightsStage) -> None:
    active, standby = stage.pair()
    calls = stage.cluster.cloud.last_call()
    cut_ns = faults.cut_interconnect(stage.cluster)
    stage.quiet((DETECT_MS + RIGHT_MS + WAIT_MS) / 1000)
    records = [each for each in stage.cluster.client.records() if each.good and each.sent_ns > cut_ns]
    assert {record.who for record in records} == {active}
    assert standby not in setters(stage, calls), "who has no vote set a route"
    stage.mend()
    assert stage.cluster.active() == active


def test_store_and_interconnect_cut_for_both(stage: RightsStage) -> None:
    """Nobody has a vote: nobody sets a route, so the two never pull at it in turns."""
    stage.cluster.votes.cut()
    faults.cut_interconnect(stage.cluster)
    stage.quiet((DETECT_MS + RIGHT_MS) / 1000 + 2)
    calls = stage.cluster.cloud.last_call()
    stage.quiet(5)
    assert setters(stage, calls) == set()
    stage.mend()
    assert len(stage.holders()) == 1

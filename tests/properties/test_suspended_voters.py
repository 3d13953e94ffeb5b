"""What a node tells while the whole cluster is suspended, and what its disk has to know first (C10)."""

from komainu.agent.claimant import Wish
from komainu.model import commands as c, events as e
from tests.unit.agent.voter_stage import LATER_MS, THIRD_MS, together


def test_in_a_suspended_cluster_nobody_needs_a_right() -> None:
    bench = together()
    bench.life.command(c.SuspendNode(None))
    assert bench.life.state.suspension is not None
    for node in ("a", "b"):
        bench.life.happens(e.SuspensionNoted(node, bench.life.state.suspension.id))
    bench.follow()
    assert not bench.voter.bound
    bench.life.view("a")
    bench.follow()
    assert bench.voter.entitled(10**9)
    assert bench.voter.wish(10**9) is Wish.REST
    assert bench.turn(10**9).events == []


def test_a_suspension_that_is_not_on_its_disk_is_not_told_as_noted() -> None:
    bench = together()
    bench.now_ms = LATER_MS
    bench.answered()
    bench.life.command(c.SuspendNode(None))
    bench.follow()
    bench.turn()
    assert bench.events == []
    assert bench.life.state.suspension is not None
    bench.voter.noted("of another one")
    bench.turn()
    assert bench.events == []
    bench.voter.noted(bench.life.state.suspension.id)
    bench.turn()
    bench.turn()
    assert [type(event) for event in bench.events] == [e.SuspensionNoted]
    bench.turn(LATER_MS + THIRD_MS)  # it may not have been delivered
    assert len(bench.events) == 2


def test_when_it_is_resumed_each_node_says_that_it_has_a_right_again() -> None:
    bench = together()
    bench.life.command(c.SuspendNode(None))
    for node in ("a", "b"):
        assert bench.life.state.suspension is not None
        bench.life.happens(e.SuspensionNoted(node, bench.life.state.suspension.id))
    bench.follow()
    bench.now_ms = LATER_MS
    bench.life.command(c.ResumeNode(None))
    bench.follow()
    assert bench.life.state.suspension is not None
    bench.voter.noted(bench.life.state.suspension.id)
    bench.turn()
    assert bench.events == []
    bench.answered()
    bench.turn()
    assert [type(event) for event in bench.events] == [e.SuspensionNoted]
    bench.turn()
    assert len(bench.events) == 1

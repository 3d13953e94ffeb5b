"""What a node tells while the whole cluster is suspended, and what its disk has to know first (C10)."""

from komainu.agent.rights.claimant import Wish
from komainu.model import commands as c, events as e
from tests.unit.agent.rights.voter_stage import together


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

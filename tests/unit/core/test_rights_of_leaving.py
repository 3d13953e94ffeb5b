"""A node that leaves must not take the right of the one that stays (rule 11; N2)."""

from komainu.core import rights
from komainu.model import actions as a, answers, commands as c, events as e
from komainu.model.config import Group
from komainu_lab.sim.arbitrations import WAIT_MS
from tests.unit.core.clusters import ADDRESS, Life, cluster, formed

LEASE = cluster(arbitration="lease")


def leaving() -> Life:
    """`db` runs on a, and b is asked to leave."""
    life = formed(LEASE)
    life.happens(e.NodeLeaving("b", life.state.nodes["b"].incarnation))
    return life


def dismissed(life: Life) -> bool:
    return life.state.nodes["b"].dismissed


def test_it_may_go_once_the_other_one_holds_the_vote() -> None:
    life = leaving()
    assert not dismissed(life)

    actions = life.happens(e.VoteWon("a", life.state.ring, 7, False, WAIT_MS))

    assert dismissed(life)
    assert a.LeaveCluster("b", "end") in actions


def test_it_may_go_at_once_where_nothing_runs_on_the_other_one() -> None:
    life = formed(LEASE)
    life.command(c.StopGroup("db"))
    life.settle()
    life.happens(e.NodeLeaving("b", life.state.nodes["b"].incarnation))

    assert dismissed(life)


def test_other_kinds_do_not_wait() -> None:
    life = formed(cluster(arbitration="operator"))
    life.happens(e.NodeLeaving("b", life.state.nodes["b"].incarnation))

    assert dismissed(life)


def test_a_vote_while_all_stay_counts_for_nothing() -> None:
    life = formed(LEASE)
    life.happens(e.VoteWon("a", life.state.ring, 7, False, WAIT_MS))

    assert life.state.vote is None


def test_the_vote_of_another_ring_lets_nobody_go() -> None:
    life = leaving()
    life.happens(e.VoteWon("a", "another", 7, False, WAIT_MS))

    assert not dismissed(life)


def test_without_it_the_others_must_stay_a_majority() -> None:
    group = Group(name="db", nodes=("a", "b", "c"), resources=(ADDRESS,))
    life = formed(cluster("a b c", arbitration="majority", groups=[group]))
    life.view("a b")
    assert rights.would_stop_others(life.state, "b")

    refused = life.command(c.StopNode("b", "stop"))

    assert refused.said == answers.LAST_OF_MAJORITY.said(node="b")
    assert not life.state.nodes["b"].leaving


def test_the_whole_cluster_may_be_stopped() -> None:
    group = Group(name="db", nodes=("a", "b", "c"), resources=(ADDRESS,))
    life = formed(cluster("a b c", arbitration="majority", groups=[group]))
    life.view("a b")
    life.command(c.StopNode(None, "stop"))

    assert [life.state.nodes[name].leaving for name in "ab"] == [True, True]

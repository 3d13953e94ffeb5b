"""Whom a node answers, what it wants of the vote, and what it tells the core of its right (safety, rules 1 to 5)."""

import pytest

from komainu.agent.rights import claimant as claims, voter as voters
from komainu.agent.rights.claimant import Wish
from komainu.agent.rights.voter import STABLE_MS, Turn
from komainu.core.state import Presence, Proof, State
from komainu.model import commands as c, events as e
from komainu.model.copies import replace
from komainu_lab.sim.arbitrations import RIGHT_MS, WAIT_MS
from tests.unit.agent.rights.voter_stage import BORN_MS, GRACE_MS, LATER_MS, THIRD_MS, TWO, Bench, alone, together
from tests.unit.core.clusters import Life, cluster

# --- whom it answers --------------------------------------------------------------------------------------------------


def test_a_beacon_of_a_node_that_is_there_is_answered_with_its_number() -> None:
    bench = together()
    assert bench.beat()[1] == {}
    assert bench.voter.heard("b", 41, {})  # the first one: it waits for an answer
    assert not bench.voter.heard("b", 42, {})
    assert bench.beat()[1] == {2: 42}
    assert bench.beat()[1] == {2: 42}


def test_nobody_is_answered_while_states_are_put_together() -> None:
    bench = together()
    bench.voter.heard("b", 41, {})
    bench.follow(synced=False)
    assert bench.beat()[1] == {}
    assert not bench.voter.heard("b", 42, {})


def test_under_a_lease_nobody_is_answered_while_not_all_are_there() -> None:
    bench = together()
    bench.voter.heard("b", 41, {})
    bench.life.view("a", nodes="a b")  # its daemon is gone, its node is there
    bench.follow()
    assert not bench.voter.heard("b", 42, {})
    assert bench.beat()[1] == {}


def test_a_beacon_from_before_a_loss_is_never_answered_after_it() -> None:
    """It would prolong a right that this node may just have taken to be over."""
    bench = together()
    bench.voter.heard("b", 41, {})
    bench.life.view("a")
    bench.follow()
    bench.life.back("b")
    bench.life.settle()
    bench.follow()
    assert bench.life.presence("b") is Presence.MEMBER
    assert bench.beat()[1] == {}


def test_under_a_majority_whoever_is_there_is_answered() -> None:
    bench = together("majority", "a b c")
    bench.life.view("a b")
    bench.follow()
    bench.voter.heard("b", 41, {})
    bench.voter.heard("c", 42, {})
    assert bench.beat()[1] == {2: 41}


@pytest.mark.parametrize("kind", ["none", "operator"])
def test_where_rights_are_not_limited_nothing_of_this_acts(kind: str) -> None:
    bench = together(kind)
    bench.life.view("a")
    bench.follow()
    bench.voter.heard("b", 41, {})
    assert bench.beat()[1] == {}
    assert bench.turn(10**9) == Turn()
    assert bench.voter.entitled(10**9)
    assert bench.voter.next_ms(0) is None


def test_an_answer_makes_a_right_and_voids_what_this_node_waits_for() -> None:
    bench = together()
    bench.answered()
    assert bench.voter.entitled(BORN_MS + RIGHT_MS - 1)
    assert not bench.voter.entitled(BORN_MS + RIGHT_MS)
    bench.voter.claimant.waited = True
    bench.beat()
    assert not bench.voter.claimant.waited


def test_a_node_that_is_not_configured_any_more_hears_beacons_unharmed() -> None:
    bench = together("majority", "a b c")
    gone = cluster("b c", arbitration="majority", groups=())
    bench.life.state = State(gone, nodes={name: bench.life.state.nodes[name] for name in ("b", "c")})
    bench.voter.follow(bench.life.state, "a.1", True, LATER_MS)
    bench.voter.heard("b", 41, {2: 40})
    assert bench.voter.wish(LATER_MS) is Wish.REST
    assert bench.turn(LATER_MS).events == []


# --- what it wants of the vote ----------------------------------------------------------------------------------------


def test_together_the_vote_is_left_alone_and_settled_once_that_is_stable() -> None:
    bench = together()
    bench.answered()
    assert bench.voter.wish(BORN_MS + 1) is Wish.KEEP
    bench.now_ms = BORN_MS + STABLE_MS
    bench.answered()
    assert bench.voter.wish(BORN_MS + STABLE_MS) is Wish.SETTLE


def test_together_and_unanswered_what_runs_here_claims_before_its_right_ends() -> None:
    bench = together()
    bench.answered()
    assert bench.voter.wish(BORN_MS + THIRD_MS - 1) is not Wish.AT_ONCE
    assert bench.voter.wish(BORN_MS + THIRD_MS) is Wish.AT_ONCE
    assert together(me="b").voter.wish(BORN_MS + 10 * RIGHT_MS) is not Wish.AT_ONCE  # nothing runs on b


def test_alone_what_runs_here_claims_at_once_and_what_does_not_leaves_a_head_start() -> None:
    assert alone("a").voter.wish(LATER_MS) is Wish.AT_ONCE
    assert alone("b").voter.wish(LATER_MS) is Wish.HEAD_START


def test_before_the_cluster_has_formed_nobody_claims_for_nothing() -> None:
    """The wait at startup is no proof, and a vote taken meanwhile would stop whoever serves (trap 12)."""
    life = Life(TWO)
    life.view("a")
    life.sync("a", "a")
    bench = Bench(life)
    assert bench.voter.wish(BORN_MS) is Wish.KEEP
    life.settle()
    bench.follow()
    assert bench.voter.wish(BORN_MS) is Wish.KEEP
    life.fire("startup")
    bench.follow()
    assert bench.voter.wish(BORN_MS) is Wish.HEAD_START


def test_a_daemon_that_only_restarts_is_no_reason_to_claim_for_nothing() -> None:
    bench = together(me="b")
    bench.life.view("b", nodes="a b")
    bench.follow()
    assert bench.voter.wish(LATER_MS) is Wish.KEEP
    bench.life.view("a b")
    bench.follow()
    assert bench.voter.wish(LATER_MS) is Wish.KEEP
    bench = together(me="a")
    bench.life.view("a", nodes="a b")
    bench.follow()
    assert bench.voter.wish(LATER_MS) is Wish.AT_ONCE  # what runs here needs a right, whatever the reason


def test_a_node_that_leaves_keeps_what_it_has_and_takes_nothing() -> None:
    bench = alone("b")
    bench.life.leave("b")
    bench.follow()
    assert bench.voter.wish(LATER_MS) is Wish.KEEP


def test_a_vote_is_given_back_when_all_that_should_run_has_failed_here() -> None:
    bench = alone("b")
    facts = bench.life.group()
    bench.life.state = bench.life.state.with_group("db", replace(facts, given_up=True))
    bench.follow()
    assert bench.voter.wish(LATER_MS) is Wish.RELEASE


def test_under_a_majority_there_is_no_store() -> None:
    bench = together("majority", "a b c")
    bench.life.view("a")
    bench.follow()
    assert bench.voter.wish(LATER_MS) is Wish.REST
    assert bench.turn(LATER_MS + 10 * RIGHT_MS).ask is None


# --- what it tells of the vote ----------------------------------------------------------------------------------------


def test_a_vote_that_was_won_is_told_once_with_the_view_it_is_for() -> None:
    bench = alone("b")
    bench.now_ms += 1_000
    while bench.serve():
        pass
    bench.turn()
    (won,) = bench.events
    assert won == e.VoteWon("b", bench.life.state.ring, 4, False, WAIT_MS)
    bench.turn()
    assert bench.events == [won]
    bench.deliver()
    bench.turn()
    assert bench.events == []


def test_the_right_of_a_claim_counts_from_its_sending() -> None:
    bench = alone("b")
    bench.voter.right.until_ms = bench.voter.right.since_ms = 0
    bench.now_ms += 1_000
    bench.serve()
    ask = bench.turn().ask
    assert ask is not None
    bench.voter.answered(bench.voter.claimant.replaced(ask, "v2", bench.now_ms + 900))
    assert bench.voter.right.since_ms == bench.now_ms


def test_it_is_told_anew_after_a_change_of_the_ring() -> None:
    """In the core it counted in that view alone; the record is claimed anew, and so is the time waited."""
    bench = alone("b")
    bench.wins()
    assert bench.epoch_of_vote() == 4
    bench.life.view("b")
    bench.follow()
    assert bench.epoch_of_vote() is None
    bench.wins()
    assert bench.epoch_of_vote() == 5


def test_nothing_is_told_while_states_are_put_together() -> None:
    bench = alone("b")
    bench.follow(synced=False)
    bench.now_ms += 1_000
    while bench.serve():
        pass
    assert bench.voter.claimant.won
    assert bench.events == []
    bench.follow()
    bench.turn()
    assert [type(event) for event in bench.events] == [e.VoteWon]


def test_a_vote_that_the_other_one_took_is_told_as_lost() -> None:
    bench = alone("a")
    bench.wins()
    bench.put_by("b")
    bench.now_ms += RIGHT_MS // 6
    while bench.serve():
        pass
    bench.turn()
    (lost,) = bench.events
    assert lost == e.VoteLost("a", bench.life.state.ring, claims.TAKEN.said(owner="b"))
    bench.deliver()
    assert bench.life.state.vote is None
    bench.turn()
    assert bench.events == []


def test_whoever_writes_the_record_is_not_gone_whatever_an_operator_said() -> None:
    bench = alone("b")
    bench.life.command(c.ConfirmGone("a", bench.life.state.epoch))
    bench.follow()
    bench.turn()
    assert bench.voter.entitled(bench.now_ms)
    bench.put_by("a")
    bench.now_ms += 1_000
    bench.serve()
    bench.put_by("a")  # it renews: it is alive
    bench.now_ms += RIGHT_MS // 6
    bench.serve()
    bench.turn()
    assert "VoteLost" in bench.deliver()
    assert bench.life.presence("a") is Presence.LOST
    until_ms = bench.voter.right.until_ms
    bench.turn(bench.now_ms + 100)
    assert bench.voter.right.until_ms == until_ms


def test_a_word_that_the_record_has_contradicted_is_no_right() -> None:
    bench = alone("b")
    bench.put_by("a")
    bench.now_ms += 1_000
    bench.serve()
    bench.put_by("a")
    bench.now_ms += RIGHT_MS // 6
    bench.serve()
    bench.life.command(c.ConfirmGone("a", bench.life.state.epoch))
    bench.follow()
    until_ms = bench.voter.right.until_ms
    bench.turn(bench.now_ms + 100)
    assert bench.voter.right.until_ms == until_ms


def test_a_vote_that_is_given_back_takes_the_right_along() -> None:
    """Whoever claims it next need not wait for this node if it is known to be stopped."""
    bench = alone("b")
    bench.wins()
    assert bench.voter.entitled(bench.now_ms)
    bench.life.state = bench.life.state.with_group("db", replace(bench.life.group(), given_up=True))
    bench.follow()
    bench.now_ms += RIGHT_MS // 6
    while bench.serve():
        pass
    assert bench.store.owner is None
    assert not bench.voter.entitled(bench.now_ms)


def test_to_settle_the_record_gives_no_right() -> None:
    bench = alone("a")
    bench.wins()
    since_ms = bench.voter.right.since_ms
    bench.life.back("b")
    bench.life.settle()
    bench.follow()
    bench.now_ms += STABLE_MS
    bench.follow()
    assert bench.voter.wish(bench.now_ms) is not Wish.REST
    bench.voter.claimant.follow("settled", Wish.SETTLE, bench.life.state.cluster, bench.now_ms)
    ask = bench.voter.claimant.due(bench.now_ms)
    assert ask is not None
    bench.voter.answered(bench.voter.claimant.replaced(ask, "v9", bench.now_ms))
    assert bench.voter.right.since_ms == since_ms


def test_who_does_not_know_which_store_holds_asks_none() -> None:
    bench = alone("a")
    bench.life.state = replace(bench.life.state, undecided=True)
    bench.follow()
    assert bench.voter.wish(bench.now_ms) is Wish.REST
    assert bench.turn().ask is None


def test_an_operators_word_is_a_right_without_a_store() -> None:
    bench = alone("b")
    bench.life.command(c.ConfirmGone("a", bench.life.state.epoch))
    assert bench.life.node("a").proof is Proof.OPERATOR
    bench.follow()
    for _ in range(20):
        bench.turn(bench.voter.next_ms(bench.now_ms))
        assert bench.voter.entitled(bench.now_ms)


def test_a_word_does_not_outlast_a_daemon_that_stood_still() -> None:
    """The other node may have been switched on meanwhile, and this one may be alone again."""
    bench = alone("b")
    bench.life.command(c.ConfirmGone("a", bench.life.state.epoch))
    bench.follow()
    bench.turn(bench.now_ms + RIGHT_MS)
    assert bench.events == []
    assert bench.voter.entitled(bench.now_ms)
    bench.turn(bench.now_ms + RIGHT_MS + 1)
    assert not bench.voter.entitled(bench.now_ms)
    bench.turn(bench.now_ms + THIRD_MS)  # what is not delivered is told again, and gives no right
    assert not bench.voter.entitled(bench.now_ms)
    assert [type(event) for event in bench.events] == [e.VoteLost, e.VoteLost]
    bench.deliver()
    assert bench.life.presence("a") is Presence.LOST
    bench.life.command(c.ConfirmGone("a", bench.life.state.epoch))
    bench.follow()
    bench.turn()
    assert bench.voter.entitled(bench.now_ms)


# --- what it tells of the right ---------------------------------------------------------------------------------------


def test_the_soft_stop_begins_a_grace_before_the_end() -> None:
    bench = alone("a")
    ends_ms = LATER_MS + RIGHT_MS
    bench.turn(ends_ms - GRACE_MS - 1)
    assert bench.events == []
    assert bench.voter.next_ms(ends_ms - GRACE_MS - 1) is not None
    bench.turn(ends_ms - GRACE_MS)
    assert bench.events == [e.RightEnding("a", "a.1", voters.NOT_ANSWERED.said())]
    bench.turn(ends_ms - GRACE_MS + 1)
    assert len(bench.events) == 1  # not at every turn
    bench.deliver()
    assert bench.life.node("a").powerless
    assert bench.life.stops() == ("db.server on a",)


def test_somebody_wakes_it_in_time_for_the_soft_stop() -> None:
    bench = together("majority", "a b c")
    bench.now_ms = LATER_MS
    bench.answered()
    bench.life.view("a")
    bench.follow()
    for _ in range(100):
        date = bench.voter.next_ms(bench.now_ms)
        assert date is not None
        bench.turn(date)
        if bench.events:
            break
    assert bench.now_ms == LATER_MS + RIGHT_MS - GRACE_MS


def test_a_new_daemon_has_its_chance_before_what_runs_is_stopped() -> None:
    bench = together()
    bench.turn(BORN_MS + RIGHT_MS - GRACE_MS - 1)
    assert bench.events == []
    bench.turn(BORN_MS + RIGHT_MS - GRACE_MS)
    assert [type(event) for event in bench.events] == [e.RightEnding]


def test_what_is_found_after_that_chance_has_one_of_its_own() -> None:
    """The first connection to the others may take longer than a right lasts."""
    bench = alone("a")
    late_ms = BORN_MS + 3 * RIGHT_MS
    state = bench.life.state
    bench.voter.follow(state.with_node("a", replace(state.nodes["a"], probed=False)), "a.1", True, late_ms - 1)
    bench.voter.follow(state, "a.1", True, late_ms)
    assert bench.voter.chance_ms == late_ms + RIGHT_MS
    bench.turn(late_ms + RIGHT_MS - GRACE_MS - 1)
    assert bench.events == []
    bench.turn(late_ms + RIGHT_MS - GRACE_MS)
    assert [type(event) for event in bench.events] == [e.RightEnding]


def test_where_nothing_runs_nothing_is_said() -> None:
    bench = alone("b")
    bench.turn(LATER_MS + 10 * RIGHT_MS)
    assert bench.events == []


def test_what_is_not_delivered_is_told_again() -> None:
    bench = alone("a")
    bench.turn(LATER_MS + RIGHT_MS)
    bench.turn(LATER_MS + RIGHT_MS + THIRD_MS - 1)
    assert len(bench.events) == 1
    bench.turn(LATER_MS + RIGHT_MS + THIRD_MS)
    assert len(bench.events) == 2


def test_the_reason_is_what_the_store_said_last() -> None:
    bench = alone("a")
    bench.put_by("b")
    bench.serve()
    bench.turn(LATER_MS + RIGHT_MS)
    (ending,) = bench.events
    assert isinstance(ending, e.RightEnding)
    assert ending.said.code == voters.STORE_SAYS.code
    assert "b holds the vote" in ending.said.en


def test_a_right_that_is_back_is_told_and_groups_go_on() -> None:
    bench = alone("a")
    bench.turn(LATER_MS + RIGHT_MS)
    bench.deliver()
    bench.life.settle()
    bench.follow()
    bench.now_ms = LATER_MS + 2 * RIGHT_MS
    bench.wins()
    assert not bench.life.node("a").powerless


def test_what_concerns_another_life_of_this_node_is_not_told() -> None:
    bench = alone("a")
    bench.voter.follow(bench.life.state, "a.2", True, LATER_MS)
    bench.turn(LATER_MS + RIGHT_MS)
    assert bench.events == []


# --- the whole cluster suspended --------------------------------------------------------------------------------------


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

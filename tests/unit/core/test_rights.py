"""The right to act without the others, and what it proves of them (N2, N3; safety, sections 1 and 2)."""

import pytest

from komainu.core import rights
from komainu.core.state import Presence, Proof, Status, Vote
from komainu.model import actions as a, commands as c, events as e
from komainu.model.config import Cluster, Group
from komainu.model.copies import replace
from komainu_lab.sim.arbitrations import RIGHT_MS, WAIT_MS
from tests.unit.core.clusters import ADDRESS, BROKEN, FAILED, Life, cluster, formed
from tests.unit.core.votes import FIVE, FOUR, LEASE, THREE, lost, proven, survivor, won


def code(life: Life) -> str:
    said = rights.hindrance(life.state, "db", "b")
    return said.code if said is not None else ""


# --- who may start anything -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["none", "operator", "fence"])
def test_where_rights_are_not_limited_everybody_is_entitled(kind: str) -> None:
    life = formed(cluster(arbitration=kind))
    life.view("b")
    assert rights.entitled(life.state, "b")
    assert rights.may_fence(life.state)
    assert rights.waits(life.state) == {}
    won(life)
    assert life.state.vote is None
    assert rights.agent_return_ms(life.state.cluster) == life.state.cluster.agent_return_ms


def test_together_the_order_of_events_is_all_that_is_needed() -> None:
    for configuration in (LEASE, THREE):
        state = formed(configuration).state
        assert rights.together(state)
        assert all(rights.entitled(state, node) for node in state.nodes)
        assert rights.waits(state) == {}


@pytest.mark.parametrize("presence", [each for each in Presence if each is not Presence.MEMBER])
def test_one_that_is_not_a_member_and_they_are_not_together(presence: Presence) -> None:
    """Trap 4: whoever left cleanly, or only lost its daemon, may be back where nobody sees it."""
    life = formed(LEASE)
    state = life.state.with_node("a", replace(life.node("a"), presence=presence, proof=Proof.CLEAN_LEAVE))
    assert not rights.together(state)
    assert not rights.entitled(state, "b")


def test_alone_only_the_vote_entitles_and_only_who_has_won_it() -> None:
    life = survivor()
    assert not rights.entitled(life.state, "b")
    won(life)
    assert rights.entitled(life.state, "b")
    assert not rights.entitled(life.state, "a")


def test_a_vote_of_another_ring_entitles_nobody() -> None:
    state = replace(survivor().state, vote=Vote("b", "elsewhere", 7, True, WAIT_MS))
    assert not rights.holds_vote(state, "b")
    assert not rights.entitled(state, "b")


@pytest.mark.parametrize(
    ("configuration", "members", "is_one"),
    [(THREE, "a b", True), (THREE, "c", False), (FIVE, "c d e", True), (FIVE, "d e", False), (FOUR, "a b", False)],
)
def test_a_majority_is_more_than_half_of_the_configured_nodes(
    configuration: Cluster, members: str, is_one: bool
) -> None:
    life = formed(configuration)
    life.view(members)
    assert rights.is_majority(life.state) is is_one
    assert rights.may_fence(life.state) is is_one
    assert all(rights.entitled(life.state, node) is is_one for node in members.split())


def test_an_operators_word_for_all_that_are_missing_is_enough_and_for_some_is_not() -> None:
    life = formed(THREE)
    life.view("c")
    life.command(c.ConfirmGone("a", life.state.epoch))
    assert not rights.by_word(life.state)
    assert not rights.entitled(life.state, "c")
    life.command(c.ConfirmGone("b", life.state.epoch))
    assert rights.by_word(life.state)
    assert rights.entitled(life.state, "c")


@pytest.mark.parametrize("proof", [each for each in Proof if each is not Proof.OPERATOR])
def test_no_other_proof_is_a_word(proof: Proof) -> None:
    state = survivor().state
    assert not rights.by_word(state.with_node("a", replace(state.nodes["a"], presence=Presence.GONE, proof=proof)))


def test_who_has_no_right_starts_nothing_whoever_holds_the_vote() -> None:
    life = proven()
    life.settle()
    life.happens(e.RightEnding("b", "b.1", BROKEN))
    assert code(life) == rights.POWERLESS.code
    assert rights.entitled(life.state, "b")


def test_why_nothing_starts_is_said_by_the_kind() -> None:
    assert code(survivor()) == rights.WAITS_FOR_VOTE.code
    life = formed(THREE)
    life.view("c")
    said = rights.hindrance(life.state, "db", "c")
    assert said is not None
    assert said.code == rights.WAITS_FOR_MAJORITY.code
    assert "1 of 3" in said.en
    assert rights.hindrance(formed(LEASE).state, "db", "a") is None


# --- the vote ---------------------------------------------------------------------------------------------------------


def test_after_the_vote_the_wait_and_after_the_wait_the_proof() -> None:
    life = survivor()
    won(life)
    assert life.state.timers == {f"expire:{life.state.ring}:7": WAIT_MS}
    assert (life.presence("a"), life.starts()) == (Presence.LOST, ())
    life.fire("expire")
    assert (life.presence("a"), life.node("a").proof) == (Presence.GONE, Proof.LEASE)
    assert life.starts() == ("db.disk on b",)
    assert life.statuses("a") == (Status.STOPPED, Status.STOPPED)
    assert life.state.timers == {}


def test_what_was_waited_before_the_claim_is_not_waited_again() -> None:
    life = survivor()
    won(life, waited=True)
    assert life.node("a").proof is Proof.LEASE
    assert life.starts() == ("db.disk on b",)


def test_the_longer_wait_counts() -> None:
    """Trap 13: the record tells how long whoever wrote it may still have a right."""
    life = survivor()
    life.happens(e.VoteWon("b", life.state.ring, 7, False, 60_000))
    assert list(life.state.timers.values()) == [60_000]
    life = survivor()
    life.happens(e.VoteWon("b", life.state.ring, 7, False, 1))
    assert list(life.state.timers.values()) == [WAIT_MS]


def test_a_vote_that_was_won_in_another_ring_counts_for_nothing() -> None:
    """Trap 8: the success of a claim that is learned late."""
    life = survivor()
    before = life.state
    won(life, ring="r1", waited=True)
    assert life.state == before


def test_a_vote_that_is_told_when_all_are_together_counts_for_nothing() -> None:
    life = formed(LEASE)
    before = life.state
    won(life, "a")
    assert life.state == before


def test_only_a_member_wins() -> None:
    life = survivor()
    won(life, "a")
    assert life.state.vote is None


def test_the_winners_history_is_newer_than_what_the_other_side_can_have_begun() -> None:
    life = survivor()
    epoch = life.state.epoch
    won(life, epoch=1)
    assert life.state.epoch == epoch + 1
    won(life, epoch=99)
    assert life.state.epoch == 99


def test_another_ring_voids_the_vote_and_what_it_proved() -> None:
    life = proven()
    life.settle()
    life.view("b")
    assert life.state.vote is None
    assert life.presence("a") is Presence.LOST
    assert life.statuses("a") == (Status.UNKNOWN, Status.UNKNOWN)
    assert life.statuses("b") == (Status.RUNNING, Status.RUNNING)  # what runs goes on
    assert life.stops() == ()


def test_another_ring_voids_no_other_proof() -> None:
    life = survivor()
    life.command(c.ConfirmGone("a", life.state.epoch))
    life.settle()
    life.view("b")
    assert life.node("a").proof is Proof.OPERATOR


def test_a_timer_of_an_earlier_vote_proves_nothing() -> None:
    life = survivor()
    won(life)
    (timer,) = life.state.timers
    life.view("b")
    won(life, epoch=8)
    life.happens(e.TimerFired(timer))
    assert life.presence("a") is Presence.LOST
    assert timer not in life.state.timers


def test_being_together_voids_the_vote_though_the_ring_is_the_same() -> None:
    life = survivor()
    life.happens(e.ViewChanged("r9", ("b",), ("a", "b")))
    won(life, ring="r9")
    life.happens(e.ViewChanged("r9", ("a", "b"), ("a", "b")))
    before = life.state.vote
    assert before is not None  # a is joining: nobody has answered it yet
    life.sync("b", "a", "2")
    after = [life.state.vote]
    life.happens(e.ViewChanged("r9", ("b",), ("a", "b")))
    assert [*after, life.state.vote] == [None, None]


def test_a_vote_in_a_state_that_is_taken_over_by_another_ring_counts_for_nothing() -> None:
    life = proven()
    life.happens(e.MembersSynced("r99", "b", (e.Member("b", "b.1", 2, 7, True),)))
    assert life.state.vote is None
    assert life.presence("a") is Presence.LOST


def test_a_vote_lost_voids_every_proof() -> None:
    """Whoever has it now may have started again what was fenced, or had left, or was said to be gone."""
    for proof in Proof:
        life = survivor()
        won(life)
        gone = replace(life.node("a"), presence=Presence.GONE, proof=proof)
        life.state = life.state.with_node("a", gone)
        lost(life)
        assert (life.state.vote, life.presence("a"), life.node("a").proof) == (None, Presence.LOST, None)
        assert life.state.timers == {}
        assert life.codes()[-1:] == (rights.LOST.code,)


def test_a_fence_under_way_when_the_vote_is_lost_proves_nothing_any_more() -> None:
    life = formed(cluster(arbitration="lease+fence"))
    life.view("b")
    won(life)
    (fence,) = life.asked(a.FenceNode)
    lost(life)
    life.finish(fence)
    assert life.presence("a") is Presence.LOST


def test_the_loss_of_a_vote_of_another_ring_or_while_together_changes_nothing() -> None:
    life = proven()
    before = life.state
    lost(life, ring="r1")
    assert life.state == before
    life = formed(LEASE)
    before = life.state
    lost(life)
    assert life.state == before


def test_the_reason_of_a_loss_is_told_in_both_languages() -> None:
    life = proven()
    lost(life)
    (alert,) = life.asked(a.RaiseAlert)
    assert BROKEN.en in alert.said.en
    assert BROKEN.ja in alert.said.ja


def test_nobody_shoots_before_it_has_won_the_vote() -> None:
    life = formed(cluster(arbitration="lease+fence"))
    life.view("b")
    assert life.asked(a.FenceNode) == ()
    won(life)
    (fence,) = life.asked(a.FenceNode)
    assert (fence.node, fence.target) == ("b", "a")
    life.finish(fence)
    assert life.node("a").proof is Proof.FENCED
    assert life.starts() == ("db.disk on b",)


def test_a_fence_that_fails_does_not_keep_time_from_proving_it() -> None:
    life = formed(cluster(arbitration="lease+fence"))
    life.view("b")
    won(life)
    (fence,) = life.asked(a.FenceNode)
    life.finish(fence, FAILED)
    life.fire("expire")
    assert life.node("a").proof is Proof.LEASE
    assert (life.node("a").fence, life.node("a").fence_wait) == ("", "")
    assert life.state.timers == {}
    assert life.starts() == ("db.disk on b",)


def test_what_does_no_harm_twice_needs_the_vote_and_no_wait() -> None:
    life = formed(cluster(arbitration="lease", groups=[Group(name="web", nodes=("a", "b"), resources=(ADDRESS,))]))
    life.view("b")
    assert life.starts() == ()
    won(life)
    assert life.starts() == ("web.address on b",)


def test_a_node_that_is_lost_while_the_vote_has_been_waited_for_is_gone_at_once() -> None:
    """It was never together with anybody in this view: nobody has answered it, and it has not had the vote."""
    life = formed(LEASE)
    life.happens(e.ViewChanged("r9", ("b",), ("a", "b")))
    won(life)
    assert life.presence("a") is Presence.AGENT_LOST
    life.fire("expire")
    assert life.presence("a") is Presence.AGENT_LOST  # its node is there, and its daemon may return
    life.fire("agent")
    assert (life.presence("a"), life.node("a").proof) == (Presence.GONE, Proof.LEASE)


# --- a majority -------------------------------------------------------------------------------------------------------


def test_a_side_waits_once_for_each_that_is_missing() -> None:
    life = formed(FIVE)
    life.view("c d e")
    first, second = life.state.timers
    assert life.state.timers == {first: WAIT_MS, second: WAIT_MS}
    life.happens(e.TimerFired(first))
    assert life.node("a").proof is Proof.MAJORITY
    assert (life.presence("b"), life.starts()) == (Presence.LOST, ())
    life.happens(e.TimerFired(second))
    assert life.starts() == ("db.disk on c",)


def test_what_one_side_has_waited_counts_for_no_other() -> None:
    """Trap 10: the wait belongs to the side. Who comes in may have answered the lost one a moment ago."""
    life = formed(FIVE)
    life.view("c d e")
    timers = tuple(life.state.timers)
    life.view("c d")
    assert life.state.timers == {}
    life.view("b c d")
    life.sync("c", "b", "2")
    for timer in timers:
        life.happens(e.TimerFired(timer))
    assert life.presence("a") is Presence.LOST
    assert not any(timer in life.state.timers for timer in timers)


def test_a_majority_in_another_ring_has_to_wait_again() -> None:
    life = formed(THREE)
    life.view("b c")
    life.fire("expire")
    assert life.presence("a") is Presence.GONE
    life.view("b c")
    assert life.presence("a") is Presence.LOST
    assert list(life.state.timers.values()) == [WAIT_MS]


def test_a_minority_waits_for_nothing() -> None:
    life = formed(THREE)
    life.view("a")
    assert life.state.timers == {}
    assert life.asked(a.FenceNode) == ()


def test_a_node_that_was_never_seen_is_waited_for_as_well() -> None:
    life = Life(THREE)
    life.view("a b")
    life.sync("a", "a b")
    assert WAIT_MS in life.state.timers.values()
    life.fire("expire")
    assert life.node("c").proof is Proof.MAJORITY


def test_the_wait_of_an_earlier_loss_is_not_that_of_this_one() -> None:
    """In the same ring and the same life of its daemon: a member that stood still tells of the first wait too late."""
    life = formed(THREE)
    life.view("b c")
    ring, (first,) = life.state.ring, life.state.timers
    life.happens(e.ViewChanged(ring, ("a", "b", "c"), ("a", "b", "c")))
    life.sync("b", "a")
    life.settle()
    life.happens(e.ViewChanged(ring, ("b", "c"), ("b", "c")))
    (second,) = life.state.timers
    life.happens(e.TimerFired(first))
    assert life.presence("a") is Presence.LOST
    life.happens(e.TimerFired(second))
    assert life.node("a").proof is Proof.MAJORITY


def test_a_timer_for_one_that_has_come_back_proves_nothing() -> None:
    life = formed(THREE)
    life.view("b c")
    state = life.state.with_node("a", replace(life.node("a"), presence=Presence.JOINING))
    (timer,) = life.state.timers
    assert rights.expired(state, timer) == state


# --- the right of a node ----------------------------------------------------------------------------------------------


def test_where_a_right_ends_everything_stops_and_nothing_starts() -> None:
    life = formed(LEASE)
    life.view("a")
    life.happens(e.RightEnding("a", "a.1", BROKEN))
    assert life.node("a").powerless
    assert life.stops() == ("db.server on a",)
    life.settle()
    won(life, "a", waited=True)
    assert life.starts() == ()
    life.happens(e.RightRegained("a", "a.1"))
    assert not life.node("a").powerless
    assert life.starts() == ("db.disk on a",)


def test_together_the_group_goes_to_a_node_that_has_a_right() -> None:
    life = formed(LEASE)
    life.happens(e.RightEnding("a", "a.1", BROKEN))
    assert life.starts() == ()  # first it has to be stopped
    life.settle()
    assert (life.group().home, life.statuses("b")) == ("b", (Status.RUNNING, Status.RUNNING))


@pytest.mark.parametrize("kind", [e.RightEnding, e.RightRegained])
def test_a_word_of_another_life_of_the_daemon_changes_nothing(
    kind: type[e.RightEnding] | type[e.RightRegained],
) -> None:
    life = formed(LEASE)
    if kind is e.RightRegained:
        life.happens(e.RightEnding("a", "a.1", BROKEN))
    before = life.state
    life.happens(e.RightEnding("a", "a.0", BROKEN) if kind is e.RightEnding else e.RightRegained("a", "a.0"))
    assert life.state == before


def test_what_is_known_already_is_not_told_again() -> None:
    life = formed(LEASE)
    life.happens(e.RightRegained("a", "a.1"))
    assert life.actions == ()
    life.happens(e.RightEnding("a", "a.1", BROKEN))
    life.happens(e.RightEnding("a", "a.1", BROKEN))
    assert rights.ENDING.code not in life.codes()


def test_a_new_life_of_the_daemon_begins_without_that_mark() -> None:
    life = formed(LEASE)
    life.happens(e.RightEnding("a", "a.1", BROKEN))
    life.back("a")
    assert not life.node("a").powerless


def test_a_node_without_its_daemon_is_left_alone_no_longer_than_its_right_lasts() -> None:
    life = formed(LEASE)
    life.view("b", nodes="a b")
    assert life.asked(a.ArmTimer) == (a.ArmTimer("agent:a:a.1", RIGHT_MS),)
    short = LEASE.model_copy(update={"agent_return_ms": 1_000})
    assert rights.agent_return_ms(short) == 1_000


# --- a change of the arbitration --------------------------------------------------------------------------------------


def test_who_does_not_know_which_rules_hold_starts_nothing_alone() -> None:
    """Trap 13: the last consent may have been delivered to the others only."""
    life = survivor()
    won(life, waited=True)
    state = replace(life.state, undecided=True)
    assert not rights.entitled(state, "b")
    life.state = state
    assert code(life) == rights.UNDECIDED.code
    state = replace(formed(LEASE).state, undecided=True)
    assert rights.entitled(state, "a")  # together the order decides
    assert not rights.settle(state, state).undecided


def test_a_right_under_earlier_rules_is_waited_for_as_long_as_it_was() -> None:
    life = survivor()
    life.state = replace(life.state, floor_ms=60_000)
    won(life)
    assert list(life.state.timers.values()) == [60_000]
    life = formed(THREE)
    life.state = replace(life.state, floor_ms=60_000)
    life.view("b c")
    assert list(life.state.timers.values()) == [60_000]


def test_after_that_long_together_it_is_over() -> None:
    life = formed(THREE)
    life.state = replace(life.state, floor_ms=60_000)
    life.happens(e.TimerFired("none"))
    assert list(life.state.timers.values()) == [60_000]
    life.fire("floor")
    assert (life.state.floor_ms, life.state.timers) == (0, {})

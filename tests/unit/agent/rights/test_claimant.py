"""How a node gets the vote and keeps it: every answer of the store, late, lost and of others (rules 3 and 5)."""

import pytest

from komainu.agent.rights import claimant as claims
from komainu.agent.rights.claimant import Ask, Wish
from komainu.model.vote import Owner, Record
from komainu.ports import Held
from komainu_lab.sim.arbitrations import WAIT_MS
from tests.unit.agent.rights.claimant_stage import FIRST, HEAD_START_MS, RETRY_MS, SILENCE, Node, Shelf, alone

# --- a plain claim ----------------------------------------------------------------------------------------------------


def test_a_claim_is_one_read_and_one_conditional_write() -> None:
    shelf = Shelf()
    node = Node("a", shelf)
    node.wants(Wish.AT_ONCE, 1_000)
    assert node.reads(1_000) is None
    ask = node.ask(1_200)
    assert ask.version == "v1"
    assert node.claimant.due(1_300) is None  # one call at a time
    assert node.claimant.next_ms() is None
    assert node.claimant.replaced(ask, shelf.swap(ask), 1_900) == 1_200  # it counts from the sending
    assert node.vote() == (True, False)
    assert shelf.record == FIRST.model_copy(
        update={
            "epoch": 4,
            "owner": Owner(node="a", incarnation="a.1"),
            "mode": "alone",
            "nonce": shelf.record.nonce,
        }
    )
    assert (node.claimant.epoch, node.claimant.wait_ms) == (4, WAIT_MS)


def test_who_wants_nothing_asks_nothing() -> None:
    """No store traffic in steady state."""
    node = Node("a", Shelf())
    for wish in (Wish.REST, Wish.KEEP, Wish.RELEASE):
        node.wants(wish, 0)
        assert node.claimant.due(10**9) is None
        assert node.claimant.next_ms() is None


def test_every_write_has_a_nonce_of_its_own_and_renewals_keep_the_epoch() -> None:
    node = Node("a", Shelf())
    node.claims(0)
    seen = [node.shelf.record.nonce]
    for turn in range(1, 4):
        now_ms = turn * RETRY_MS
        assert node.claimant.due(now_ms - 1) is None
        assert node.writes(now_ms) == now_ms
        assert node.shelf.record.nonce not in seen
        seen.append(node.shelf.record.nonce)
    assert node.shelf.record.epoch == 4
    assert node.vote()[0]


def test_a_long_time_alone_is_no_growing_memory() -> None:
    node = Node("a", Shelf())
    node.claims(0)
    for turn in range(1, 50):
        node.writes(turn * RETRY_MS)
    assert len(node.claimant._sent) <= 2


def test_the_head_start_is_left_to_whoever_runs_something() -> None:
    node = Node("b", Shelf())
    node.wants(Wish.HEAD_START, 1_000)
    assert node.claimant.due(1_000 + HEAD_START_MS - 1) is None
    assert node.claimant.next_ms() == 1_000 + HEAD_START_MS
    node.reads(1_000 + HEAD_START_MS)
    assert node.writes(1_000 + HEAD_START_MS) is not None


def test_what_begins_to_run_here_ends_the_head_start() -> None:
    node = Node("b", Shelf())
    node.wants(Wish.HEAD_START, 1_000)
    node.wants(Wish.AT_ONCE, 1_100)
    assert node.claimant.due(1_100) is not None


def test_a_wish_that_stays_the_same_does_not_begin_anew() -> None:
    node = Node("b", Shelf())
    node.wants(Wish.HEAD_START, 1_000)
    node.wants(Wish.HEAD_START, 1_200)
    assert node.claimant.next_ms() == 1_000 + HEAD_START_MS


# --- answers that are not clear ---------------------------------------------------------------------------------------


def test_a_refused_write_that_was_made_after_all() -> None:
    """412 to a repeated request, because the first one had succeeded: the record has our nonce."""
    node = Node("a", Shelf())
    node.wants(Wish.AT_ONCE, 0)
    node.reads(0)
    ask = node.ask(100)
    node.shelf.swap(ask)
    assert node.claimant.replaced(ask, None, 900) is None
    assert not node.vote()[0]
    assert node.reads(900) == 100
    assert node.vote()[0]


@pytest.mark.parametrize("landed", [True, False])
def test_silence_is_neither_success_nor_failure(landed: bool) -> None:
    node = Node("a", Shelf())
    node.wants(Wish.AT_ONCE, 0)
    node.reads(0)
    ask = node.ask(100)
    if landed:
        node.shelf.swap(ask)
    node.claimant.silent(ask, SILENCE, 1_100)
    assert (node.claimant.won, node.claimant.trouble) == (False, SILENCE)
    confirmed = node.reads(1_100)
    if landed:
        assert confirmed == 100
        assert node.claimant.trouble is None
    else:
        assert confirmed is None
        assert node.writes(1_150) == 1_150
    assert node.vote()[0]
    assert node.shelf.record.epoch == 4


def test_a_write_that_arrives_after_the_second_one_was_sent() -> None:
    """Neither was answered; the first one is made late, and the second one fails by that: it is still our vote."""
    node = Node("a", Shelf())
    node.wants(Wish.AT_ONCE, 0)
    node.reads(0)
    first = node.ask(100)
    node.claimant.silent(first, SILENCE, 1_100)
    node.reads(1_100)  # not there yet
    second = node.ask(1_200)
    node.shelf.swap(first)
    assert node.claimant.replaced(second, node.shelf.swap(second), 1_300) is None
    assert node.reads(1_400) == 100  # the right counts from the one that was made
    assert node.vote()[0]
    assert first.record is not None
    assert node.shelf.record.nonce == first.record.nonce


def test_a_silent_read_proves_nothing_and_is_tried_again() -> None:
    node = Node("a", Shelf())
    node.wants(Wish.AT_ONCE, 0)
    ask = node.ask(0)
    node.claimant.silent(ask, SILENCE, 1_000)
    node.reads(1_000 + RETRY_MS)
    assert node.writes(2_000) == 2_000


def test_an_answer_to_nothing_that_was_asked_is_not_heard() -> None:
    node = Node("a", Shelf())
    node.claims(0)
    ours = node.shelf.record
    assert node.claimant.read(Ask(99), Held("v9", alone("b", 9).text()), 10) is None
    assert node.claimant.replaced(Ask(99, "v2", ours), "v9", 10) is None
    node.claimant.silent(Ask(99), SILENCE, 10)
    assert node.vote()[0]
    assert (node.claimant.trouble, node.claimant.epoch) == (None, 4)


# --- the other node ---------------------------------------------------------------------------------------------------


def test_of_two_claims_of_one_version_one_wins() -> None:
    shelf = Shelf()
    one, other = Node("a", shelf), Node("b", shelf)
    for node in (one, other):
        node.wants(Wish.AT_ONCE, 0)
        node.reads(0)
    assert one.writes(10) == 10
    assert other.writes(20) is None
    assert other.reads(30) is None
    assert (one.claimant.won, other.claimant.won) == (True, False)
    assert other.claimant.due(31) is None  # it does not claim over the head of who acts alone
    assert other.claimant.trouble is not None
    assert other.claimant.trouble.code == claims.HELD_BY.code


def test_who_acts_alone_is_followed_only_after_d_without_a_change() -> None:
    shelf = Shelf(alone("a", 5))
    node = Node("b", shelf)
    node.wants(Wish.AT_ONCE, 1_000)
    node.reads(1_000)
    now_ms = 1_000
    while (date := node.claimant.next_ms()) is not None and date < 1_000 + WAIT_MS:
        assert date > now_ms
        now_ms = date
        node.reads(now_ms)
    assert date == 1_000 + WAIT_MS  # neither before nor long after
    node.reads(date)
    assert node.writes(date) == date
    assert node.vote() == (True, True)
    assert shelf.record.epoch == 6


def test_a_record_that_changes_is_waited_for_anew() -> None:
    shelf = Shelf(alone("a", 5))
    node = Node("b", shelf)
    node.wants(Wish.AT_ONCE, 0)
    node.reads(0)
    before = node.claimant.contradicted
    shelf.put(alone("a", 5))  # renewed
    node.reads(RETRY_MS)
    assert (before, node.claimant.contradicted) == (False, True)  # whoever was said to be gone is alive
    for turn in range(2, 100):
        if turn * RETRY_MS >= RETRY_MS + WAIT_MS:
            break
        node.reads(turn * RETRY_MS)
        assert node.claimant.next_ms() is not None
    node.reads(RETRY_MS + WAIT_MS)
    assert node.writes(RETRY_MS + WAIT_MS) is not None
    assert node.claimant.waited


def test_the_longer_wait_of_both_sides_counts() -> None:
    shelf = Shelf(alone("a", 5, wait_ms=60_000))
    node = Node("b", shelf)
    node.wants(Wish.AT_ONCE, 0)
    node.reads(0)
    node.reads(WAIT_MS)
    assert node.claimant.due(WAIT_MS) is None
    node.reads(60_000)
    assert node.writes(60_000) is not None
    assert node.claimant.wait_ms == 60_000


def test_an_answer_given_to_the_other_node_voids_what_was_waited() -> None:
    shelf = Shelf(alone("a", 5))
    node = Node("b", shelf)
    node.wants(Wish.AT_ONCE, 0)
    node.reads(0)
    node.claimant.void()
    node.reads(WAIT_MS)
    assert node.claimant.due(WAIT_MS) is None
    assert not node.claimant.waited


def test_an_answer_given_while_the_claim_is_under_way_voids_it_too() -> None:
    shelf = Shelf(alone("a", 5))
    node = Node("b", shelf)
    node.wants(Wish.AT_ONCE, 0)
    node.reads(0)
    node.reads(WAIT_MS)
    ask = node.ask(WAIT_MS)
    node.claimant.void()
    node.claimant.replaced(ask, shelf.swap(ask), WAIT_MS + 10)
    assert node.vote() == (True, False)


def test_the_vote_is_lost_when_the_other_one_has_written() -> None:
    shelf = Shelf()
    node = Node("a", shelf)
    node.claims(0)
    shelf.put(alone("b", 5))
    assert node.writes(RETRY_MS) is None
    assert node.reads(RETRY_MS + 1) is None
    assert not node.vote()[0]
    assert node.claimant.due(RETRY_MS + 2) is None
    assert node.claimant.epoch == 5


def test_a_store_that_says_nothing_does_not_take_the_vote_away_by_itself() -> None:
    """The right runs out; whether the vote is lost only the record can tell."""
    node = Node("a", Shelf())
    node.claims(0)
    node.claimant.silent(node.ask(RETRY_MS), SILENCE, RETRY_MS + 1_000)
    assert node.vote()[0]
    node.claimant.silent(node.ask(RETRY_MS + 1_000), SILENCE, RETRY_MS + 2_000)
    assert node.vote()[0]


# --- periods and lives ------------------------------------------------------------------------------------------------


def test_a_record_that_was_read_in_another_period_is_read_again() -> None:
    """Trap 1: nobody renews while together, so an old reading would have `waited` for days."""
    shelf = Shelf(alone("a", 5))
    node = Node("b", shelf)
    node.wants(Wish.AT_ONCE, 0, "1")
    node.reads(0)
    node.wants(Wish.AT_ONCE, WAIT_MS * 9, "2")
    node.reads(WAIT_MS * 9)
    assert node.claimant.due(WAIT_MS * 9) is None  # D begins with this reading


def test_a_record_that_could_have_been_claimed_in_another_period_is_read_again() -> None:
    """Whoever was answered in between may have a right: D begins with a reading of this period."""
    node = Node("b", Shelf())
    node.wants(Wish.AT_ONCE, 0, "1")
    node.reads(0)
    node.wants(Wish.AT_ONCE, 10, "2")
    assert node.ask(10).record is None


def test_the_answer_of_an_earlier_period_means_nothing() -> None:
    """Trap 8: it is learned late that a claim of an earlier period was a success."""
    shelf = Shelf()
    node = Node("b", shelf)
    node.wants(Wish.AT_ONCE, 0, "1")
    node.reads(0)
    ask = node.ask(10)
    version = shelf.swap(ask)
    node.wants(Wish.KEEP, 20, "2")
    assert node.claimant.replaced(ask, version, 30) is None
    assert not node.vote()[0]
    node.wants(Wish.AT_ONCE, 40, "3")
    assert node.reads(40) is None  # its own record, of another period: it has to claim anew
    assert not node.vote()[0]
    assert node.writes(50) == 50
    assert node.vote() == (True, False)
    assert shelf.record.epoch == 5


def test_a_late_write_of_an_earlier_period_does_not_confirm_this_one() -> None:
    shelf = Shelf()
    node = Node("b", shelf)
    node.wants(Wish.AT_ONCE, 0, "1")
    node.reads(0)
    late = node.ask(10)
    node.wants(Wish.AT_ONCE, 20, "2")
    node.reads(20)
    ask = node.ask(30)
    shelf.swap(late)
    assert node.claimant.replaced(ask, shelf.swap(ask), 40) is None
    assert node.reads(50) is None
    assert not node.vote()[0]
    assert node.writes(60) == 60


def test_together_one_look_tells_whether_an_earlier_claim_has_to_be_settled() -> None:
    """Of an earlier life, or one whose answer was lost: else the other node would have to wait for D in vain."""
    for found, settles in ((alone("a", 5, life=1), True), (alone("b", 5), False), (FIRST, False)):
        node = Node("a", Shelf(found), life=2)
        node.wants(Wish.SETTLE, 0)
        assert node.reads(0) is None
        assert node.claimant.trouble is None
        if settles:
            node.writes(0)
            assert (node.shelf.record.mode, node.shelf.record.epoch) == ("together", 5)
        assert node.claimant.due(10**9) is None


def test_a_write_whose_answer_was_lost_with_the_period_is_looked_for() -> None:
    node = Node("a", Shelf())
    node.wants(Wish.AT_ONCE, 0, "1")
    node.reads(0)
    node.shelf.swap(node.ask(10))
    node.wants(Wish.SETTLE, 20, "2")
    node.reads(20)
    node.writes(30)
    assert (node.shelf.record.mode, node.claimant.won) == ("together", False)


def test_a_longer_wait_stays_in_the_record_until_all_were_together_for_so_long() -> None:
    """Trap 13: who still has a right under the earlier times has to be waited for."""
    node = Node("a", Shelf(FIRST.model_copy(update={"wait_ms": 60_000})))
    node.claims(0, "1")
    assert node.shelf.record.wait_ms == 60_000
    node.wants(Wish.SETTLE, 500, "2")
    node.claimant.together_ms = 59_999
    node.writes(500)
    assert (node.shelf.record.mode, node.shelf.record.wait_ms) == ("together", 60_000)
    assert node.claimant.due(1_000) is None
    node.claimant.together_ms = 60_000
    node.writes(2_000)
    assert node.shelf.record.wait_ms == WAIT_MS
    assert node.claimant.due(10**9) is None


def test_by_an_operators_word_an_old_copy_may_be_claimed_with_an_epoch_above_all() -> None:
    node = Node("a", Shelf(), known_epoch=9)
    node.claimant.by_word = True
    assert node.claims(0) == 0
    assert node.shelf.record.epoch == 10


def test_what_this_life_wrote_last_may_be_written_anew_without_a_reading() -> None:
    node = Node("a", Shelf())
    node.claims(0, "1")
    node.wants(Wish.AT_ONCE, 500, "2")
    assert not node.vote()[0]
    assert node.writes(500) == 500
    assert node.vote()[0]
    assert node.shelf.record.epoch == 5  # each period has an epoch of its own


def test_and_when_somebody_wrote_in_between_it_is_refused() -> None:
    node = Node("a", Shelf())
    node.claims(0, "1")
    node.shelf.put(alone("b", 5))
    node.wants(Wish.AT_ONCE, 500, "2")
    assert node.writes(500) is None
    node.reads(510)
    assert not node.vote()[0]
    assert node.claimant.due(511) is None


def test_an_earlier_life_of_this_node_is_nobody_to_wait_for() -> None:
    shelf = Shelf(alone("a", 5, life=1))
    node = Node("a", shelf, life=2)
    assert node.claims(0) == 0
    assert node.vote() == (True, False)
    assert shelf.record.owner == Owner(node="a", incarnation="a.2")


# --- giving it back ---------------------------------------------------------------------------------------------------


def test_together_the_record_says_so_once() -> None:
    node = Node("a", Shelf())
    node.claims(0, "1")
    node.wants(Wish.KEEP, 500, "2")
    assert node.writes(500) == 500  # it goes on being renewed until being together is stable
    assert node.shelf.record.mode == "alone"
    node.wants(Wish.SETTLE, 3_000, "2")
    assert node.writes(3_000) is not None
    assert (node.shelf.record.mode, node.claimant.won) == ("together", False)
    assert node.claimant.due(10**9) is None
    assert node.shelf.record.epoch == 5


def test_after_that_the_other_one_need_not_wait_to_claim() -> None:
    shelf = Shelf()
    one, other = Node("a", shelf), Node("b", shelf)
    one.claims(0, "1")
    one.wants(Wish.SETTLE, 500, "2")
    one.writes(500)
    assert other.claims(600) == 600
    assert not other.claimant.waited


def test_a_vote_that_is_of_no_use_is_given_back() -> None:
    shelf = Shelf()
    node, other = Node("a", shelf), Node("b", shelf)
    node.claims(0)
    node.wants(Wish.RELEASE, 500)
    assert node.writes(500) is not None
    assert (shelf.record.owner, node.claimant.won) == (None, False)
    assert node.claimant.due(10**9) is None
    assert other.claims(600) == 600


# --- records that nobody may use --------------------------------------------------------------------------------------


def test_a_missing_record_is_never_made_by_itself() -> None:
    node = Node("a", Shelf())
    node.shelf.held = None
    node.wants(Wish.AT_ONCE, 0)
    node.reads(0)
    assert node.claimant.trouble == claims.MISSING.said()
    assert node.claimant.due(RETRY_MS - 1) is None
    assert node.ask(RETRY_MS).record is None  # it looks again, for ever


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (FIRST.model_copy(update={"cluster": "another"}), claims.OF_ANOTHER.code),
        (FIRST.model_copy(update={"epoch": 2}), claims.SET_BACK.code),
    ],
)
def test_a_record_of_another_cluster_or_an_old_copy_gives_no_vote(found: Record, code: str) -> None:
    node = Node("a", Shelf(found), known_epoch=3)
    node.wants(Wish.AT_ONCE, 0)
    node.reads(0)
    assert node.claimant.trouble is not None
    assert node.claimant.trouble.code == code
    assert node.ask(RETRY_MS).record is None


def test_a_text_that_cannot_be_read_gives_no_vote() -> None:
    node = Node("a", Shelf())
    node.shelf.held = Held("v9", "{}")
    node.wants(Wish.AT_ONCE, 0)
    node.reads(0)
    assert node.claimant.trouble is not None
    assert node.claimant.trouble.code == claims.UNREADABLE.code


def test_the_vote_is_lost_when_the_record_disappears_or_is_set_back() -> None:
    for found in (None, Held("v9", FIRST.text())):
        node = Node("a", Shelf())
        node.claims(0)
        ask = node.ask(RETRY_MS)
        node.claimant.replaced(ask, None, RETRY_MS)
        node.shelf.held = found
        node.reads(RETRY_MS)
        assert not node.vote()[0]


def test_the_newest_epoch_seen_is_remembered() -> None:
    node = Node("b", Shelf(alone("a", 8)))
    node.wants(Wish.AT_ONCE, 0)
    node.reads(0)
    assert node.claimant.epoch == 8

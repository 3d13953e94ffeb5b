"""The right of a node: never later than the sending of what others confirmed (safety, rule 1)."""

import pytest

from komainu.agent.rights.right import KEPT, Right
from komainu_lab.sim.arbitrations import RIGHT_MS, arbitration

TWO = ("a", "b")
FIVE = ("a", "b", "c", "d", "e")


def a_right(kind: str = "lease", nodes: tuple[str, ...] = TWO) -> Right:
    right = Right()
    right.configure(arbitration(kind), nodes, "a", 0)
    return right


def test_a_new_life_has_none() -> None:
    right = a_right()
    assert (right.until_ms, right.left_ms(0), right.left_ms(10**9)) == (0, 0, 0)


def test_it_counts_from_the_sending_and_not_from_the_answer() -> None:
    """An answer that comes late, after a freeze or through a slow network, makes it no longer."""
    right = a_right()
    right.sent(7, 1_000)
    assert right.until_ms == 0  # sent is not answered
    right.answered("b", 7)
    assert (right.since_ms, right.until_ms) == (1_000, 1_000 + RIGHT_MS)
    assert right.left_ms(1_000 + RIGHT_MS - 1) == 1
    assert right.left_ms(1_000 + RIGHT_MS) == 0
    assert right.left_ms(1_000 + RIGHT_MS + 60_000) == 0


def test_an_answer_to_an_earlier_beacon_takes_nothing_away() -> None:
    right = a_right()
    right.sent(7, 1_000)
    right.sent(8, 1_500)
    right.answered("b", 8)
    right.answered("b", 7)
    assert right.since_ms == 1_500


@pytest.mark.parametrize(("node", "number"), [("b", 9), ("x", 7), ("a", 7)])
def test_what_was_never_sent_or_comes_from_nobody_says_nothing(node: str, number: int) -> None:
    right = a_right()
    right.sent(7, 1_000)
    right.answered(node, number)
    assert right.until_ms == 0


def test_only_the_newest_beacons_are_remembered() -> None:
    right = a_right()
    for number in range(KEPT + 1):
        right.sent(number, 1_000 + number)
    right.answered("b", 0)
    assert right.until_ms == 0
    right.answered("b", 1)
    assert right.since_ms == 1_001


def test_under_a_lease_all_others_have_to_answer() -> None:
    right = a_right("lease", ("a", "b", "c"))
    right.sent(7, 1_000)
    right.answered("b", 7)
    assert right.until_ms == 0
    right.answered("c", 7)
    assert right.since_ms == 1_000


def test_under_a_majority_as_many_as_make_one_have_to_answer_and_the_oldest_of_them_counts() -> None:
    right = a_right("majority", FIVE)
    for number, ms in ((1, 1_000), (2, 2_000), (3, 3_000)):
        right.sent(number, ms)
    right.answered("b", 3)
    assert right.until_ms == 0  # two of five
    right.answered("b", 2)
    assert right.until_ms == 0  # the same one again is no third
    right.answered("c", 1)
    assert right.since_ms == 1_000
    right.answered("d", 2)
    assert right.since_ms == 2_000
    right.answered("e", 3)
    assert right.since_ms == 3_000


def test_of_three_nodes_one_other_is_enough() -> None:
    right = a_right("majority", ("a", "b", "c"))
    right.sent(7, 1_000)
    right.answered("c", 7)
    assert right.since_ms == 1_000


def test_a_claim_counts_from_its_sending_and_an_earlier_one_changes_nothing() -> None:
    right = a_right()
    right.confirmed(2_000)
    right.confirmed(1_000)
    assert (right.since_ms, right.until_ms) == (2_000, 2_000 + RIGHT_MS)


def test_what_was_sent_under_a_right_of_another_length_says_nothing_under_this_one() -> None:
    right = a_right()
    right.sent(7, 1_000)
    right.configure(arbitration("lease").model_copy(update={"right_ms": 10_000}), TWO, "a", 1_500)
    right.answered("b", 7)
    right.confirmed(1_400)  # no more does a claim
    assert right.until_ms == 0
    right.confirmed(1_500)
    assert right.until_ms == 11_500


def test_a_right_becomes_shorter_at_once_and_never_longer_by_a_change_of_terms() -> None:
    """The others wait by the new terms already."""
    right = a_right()
    right.confirmed(1_000)
    right.configure(arbitration("lease").model_copy(update={"right_ms": 2_000}), TWO, "a", 1_500)
    assert right.until_ms == 3_000
    right.configure(arbitration("lease").model_copy(update={"right_ms": 60_000}), TWO, "a", 1_600)
    assert right.until_ms == 3_000


def test_a_right_that_was_given_up_is_over_and_a_later_one_may_come() -> None:
    right = a_right()
    right.confirmed(1_000)
    right.drop()
    assert right.left_ms(1_000) == 0
    right.confirmed(1_000)
    assert right.left_ms(1_000) == 0
    right.confirmed(1_001)
    assert right.left_ms(1_001) == RIGHT_MS


def test_what_was_answered_is_known_apart_from_what_was_claimed() -> None:
    right = a_right()
    right.sent(7, 1_000)
    right.confirmed(2_000)
    assert right.answered_ms == 0
    right.answered("b", 7)
    assert (right.answered_ms, right.since_ms) == (1_000, 2_000)


def test_the_same_terms_again_forget_nothing() -> None:
    """A state that was put together afresh has the same terms as another object."""
    right = a_right()
    right.sent(7, 1_000)
    right.configure(arbitration("lease"), TWO, "a", 1_500)
    right.answered("b", 7)
    assert right.since_ms == 1_000


def test_a_node_that_was_removed_answers_no_more() -> None:
    right = a_right("majority", FIVE)
    right.sent(1, 1_000)
    right.answered("e", 1)
    right.configure(arbitration("majority"), ("a", "b", "c", "d", "f"), "a", 1_500)
    right.answered("d", 1)
    assert right.until_ms == 0
    right.answered("c", 1)
    assert right.since_ms == 1_000

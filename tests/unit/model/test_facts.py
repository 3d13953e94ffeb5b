"""Facts about nodes."""

import pytest

from komainu.model.copies import replace
from komainu.model.facts import ADDED, UNWATCHED, Hold, NodeFacts, Noted, Suspension, Vote, Watch
from komainu.model.status import Presence, Proof, Status


@pytest.mark.parametrize("proof", list(Proof))
def test_what_is_assumed_is_no_proof(proof: Proof) -> None:
    gone = NodeFacts(Presence.GONE, proof=proof)
    assert gone.proven_gone is (proof is not Proof.ASSUMED)


@pytest.mark.parametrize("presence", [each for each in Presence if each is not Presence.GONE])
def test_who_is_not_gone_is_not_proven_gone(presence: Presence) -> None:
    """A proof that is left over from an earlier life proves nothing."""
    assert not NodeFacts(presence, proof=Proof.FENCED).proven_gone


def test_a_node_that_was_added_is_known_to_run_nothing() -> None:
    assert ADDED.proven_gone


def test_nothing_is_known_of_what_was_never_looked_at() -> None:
    assert (Hold().status, NodeFacts().presence) == (Status.UNKNOWN, Presence.UNSEEN)
    assert Watch() == UNWATCHED


def test_facts_are_values() -> None:
    vote = Vote("a", "r1", 7, False, 4_100)
    assert replace(vote, waited=True) != vote
    assert vote == Vote("a", "r1", 7, False, 4_100)


def test_a_suspension_is_in_force_once_all_have_noted_it_and_never_while_it_ends() -> None:
    begun = Suspension("1.r.1", True, ("a",))
    assert begun.holds(("a", "b")) is Noted.BEGUN
    assert Suspension("1.r.1", True, ("b", "a")).holds(("a", "b")) is Noted.IN_FORCE
    assert Suspension("1.r.2", False, ("a", "b")).holds(("a", "b")) is Noted.BEGUN

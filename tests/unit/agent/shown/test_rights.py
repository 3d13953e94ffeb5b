"""What status says of rights: what they rest on, who is awaited, and which command ends a wait."""

from dataclasses import replace
from typing import Any

import pytest

from komainu.agent.rights.claimant import HELD_BY, MISSING
from komainu.agent.rights.voting import TOO_LATE, Seen
from komainu.agent.shown import rights as rights_shown, words
from komainu.agent.shown.rights import ASK_STORE, COME_BACK, NO_RECORD
from komainu.core.state import NodeFacts, Presence, Proof, State, Suspension, Vote, initial
from komainu.model.message import Said
from komainu.model.vote import Owner, Record
from tests.doubles.daemons import cluster

GONE = {"presence": Presence.GONE, "proof": Proof.OPERATOR}


def a_state(kind: str, nodes: int = 2, **of_the_last: Any) -> State:
    """All nodes are members but the last, of which that is so."""
    state = replace(initial(cluster(arbitration=kind, nodes=nodes)), formed=True, ring="r2")
    for number in range(1, nodes + 1):
        state = state.with_node(f"n{number}", NodeFacts(Presence.MEMBER, "d", probed=True))
    if of_the_last:
        state = state.with_node(f"n{nodes}", NodeFacts(**of_the_last))
    return state


def seen(trouble: Said | None) -> Seen:
    return Seen(1_000, None, None, trouble)


def codes(state: State, trouble: Said | None = None) -> list[str]:
    return [said.code for said in rights_shown.way_out(state, seen(trouble))]


@pytest.mark.parametrize(
    ("state", "basis"),
    [
        (a_state("lease"), "together"),
        (a_state("none", presence=Presence.LOST), "nothing"),
        (a_state("lease", presence=Presence.LOST), "nothing"),
        (a_state("lease", **GONE), "word"),
        (replace(a_state("lease", presence=Presence.LOST), vote=Vote("n1", "r2", 4, False, 6_000)), "vote"),
        (replace(a_state("lease", presence=Presence.LOST), vote=Vote("n1", "r1", 4, True, 6_000)), "nothing"),
        (a_state("majority", 3, presence=Presence.LOST), "majority"),
        (a_state("majority", 2, presence=Presence.LOST), "nothing"),
        (replace(a_state("majority", 3, presence=Presence.LOST), undecided=True), "nothing"),
    ],
)
def test_what_the_right_rests_on(state: State, basis: str) -> None:
    assert rights_shown.rests_on(state) == basis


def test_whoever_has_no_right_is_told_who_is_missing_and_what_ends_the_wait() -> None:
    lost = a_state("lease", presence=Presence.LOST)
    (said,) = rights_shown.way_out(lost, seen(None))
    assert said.code == COME_BACK.code
    assert "without n2." in said.en
    assert codes(replace(lost, formed=False)) == []
    assert codes(a_state("none", presence=Presence.LOST)) == []


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (None, []),
        (HELD_BY.said(owner="n2", ms=1), []),
        (MISSING.said(), [NO_RECORD.code]),
        (TOO_LATE.said(ms=1), [ASK_STORE.code]),
    ],
)
def test_what_will_keep_it_from_the_vote_is_told_before_it_is_needed(trouble: Said | None, told: list[str]) -> None:
    assert codes(a_state("lease"), trouble) == told


def test_the_vote_as_it_was_last_seen() -> None:
    owner = Owner(node="n2", incarnation="x.1")
    found = Record(cluster="test", config=1, epoch=4, owner=owner, mode="alone", wait_ms=6_000, nonce="n")
    assert rights_shown.vote(Seen(5, found, 700, None)) == {
        "owner": "n2", "mode": "alone", "epoch": 4, "known_for_ms": 700, "trouble": None,
    }  # fmt: skip
    told = rights_shown.vote(seen(MISSING.said()))
    assert told is not None
    assert (told["epoch"], told["known_for_ms"], told["trouble"]["code"]) == (None, None, "KM5601")
    assert rights_shown.vote(None) is None


def test_a_suspension_on_its_way_names_who_is_awaited() -> None:
    state = a_state("lease")
    assert rights_shown.suspended(state) is None
    coming = rights_shown.suspended(replace(state, suspension=Suspension("s", True, ("n1",))))
    assert coming == {"on": True, "in_force": False, "awaited": ["n2"]}
    there = replace(state, suspension=Suspension("s", True, ("n1", "n2")))
    assert rights_shown.suspended(there) == {"on": True, "in_force": True, "awaited": []}
    alone = replace(there.with_node("n2", NodeFacts(Presence.LOST)), suspension=there.suspension)
    assert codes(alone) == [], "nothing starts anywhere, and nobody waits for a right"


def test_a_node_without_right_is_no_node_that_is_well() -> None:
    state = a_state("lease", presence=Presence.MEMBER, probed=True, powerless=True)
    told = words.node(state, "n2")
    assert (told.word, told.why.code if told.why is not None else "") == (words.Word.CAUTION, "KM5494")


def test_the_line_for_the_service_manager_names_a_suspension() -> None:
    state = a_state("operator")
    assert "SUSPENDED" not in words.line(state, "n1")
    for name in ("n1", "n2"):
        state = state.with_node(name, NodeFacts(Presence.MEMBER, "d", probed=True, suspended=True))
    assert words.line(state, "n1").startswith("SUSPENDED; ")

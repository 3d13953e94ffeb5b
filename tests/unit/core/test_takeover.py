"""The takeover law, for each thing that may be known of the other nodes (ADR 0001)."""

from dataclasses import replace

import pytest

from komainu.core import takeover
from komainu.core.state import Hold, Presence, State, Status
from komainu.model.config import Cluster, Group
from tests.unit.core.clusters import ADDRESS, DISK, SERVER, cluster, formed

STRICT = cluster(groups=[Group(name="db", nodes=("a", "b"), resources=(ADDRESS, DISK))])
HARMLESS = cluster(groups=[Group(name="web", nodes=("a", "b"), resources=(ADDRESS,))])


def world(configuration: Cluster, presence: Presence, *statuses: Status, probed: bool = True) -> State:
    """All runs on `a`, and this is known of `b`."""
    state = formed(configuration).state
    state = state.with_node("b", replace(state.nodes["b"], presence=presence, probed=probed))
    for index, status in enumerate(statuses):
        state = state.with_hold(state.cluster.groups[0].name, "b", index, Hold(status))
    return state


def waits_for(state: State, home: str = "a") -> str | None:
    """The code of what hinders a start on `home`, or None."""
    said = takeover.hindrance(state, state.cluster.groups[0], home)
    return None if said is None else said.code


PROOF, PROBE, STOP = takeover.WAITS_FOR_PROOF.code, takeover.WAITS_FOR_PROBE.code, takeover.WAITS_FOR_STOP.code
STOPPED = (Status.STOPPED, Status.STOPPED)


@pytest.mark.parametrize(
    ("presence", "expected"),
    [
        (Presence.UNSEEN, PROOF),
        (Presence.LOST, PROOF),
        (Presence.JOINING, PROBE),
        (Presence.MEMBER, None),
        (Presence.AGENT_LOST, None),
        (Presence.GONE, None),
    ],
)
def test_what_nothing_is_known_to_run_on_hinders_by_its_presence(presence: Presence, expected: str | None) -> None:
    """A lost node hinders even though this history never saw a start there: the record alone is not the law."""
    assert waits_for(world(STRICT, presence, *STOPPED)) == expected


@pytest.mark.parametrize("presence", [Presence.UNSEEN, Presence.LOST, Presence.JOINING])
def test_a_group_without_exclusive_resources_waits_for_no_proof(presence: Presence) -> None:
    assert waits_for(world(HARMLESS, presence, Status.UNKNOWN)) is None


@pytest.mark.parametrize("configuration", [STRICT, HARMLESS])
def test_a_member_that_was_not_probed_is_waited_for(configuration: Cluster) -> None:
    assert waits_for(world(configuration, Presence.MEMBER, probed=False)) == PROBE


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.STOPPED])
@pytest.mark.parametrize("presence", [Presence.MEMBER, Presence.AGENT_LOST])
def test_whatever_is_not_surely_stopped_in_the_ring_is_waited_for(presence: Presence, status: Status) -> None:
    """Also the harmless part of an exclusive group: it goes as a whole."""
    assert waits_for(world(STRICT, presence, status, Status.STOPPED)) == STOP
    assert waits_for(world(STRICT, presence, Status.STOPPED, status)) == STOP


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.STOPPED])
def test_only_a_stuck_stop_keeps_no_harmless_group_down(status: Status) -> None:
    assert waits_for(world(HARMLESS, Presence.MEMBER, status)) == (None if status is Status.STUCK else STOP)


def test_nodes_that_are_not_eligible_do_not_matter() -> None:
    life = formed(cluster("a b c", groups=[Group(name="db", nodes=("a", "b"), resources=(DISK, SERVER))]))
    life.view("a b")
    assert life.presence("c") is Presence.LOST
    assert waits_for(life.state) is None
    assert waits_for(life.state, home="b") == STOP
    state = life.state.with_node("a", replace(life.node("a"), presence=Presence.GONE))
    assert waits_for(state, home="b") is None


def test_the_home_itself_never_hinders() -> None:
    state = world(STRICT, Presence.MEMBER, *STOPPED)
    assert waits_for(state.with_node("a", replace(state.nodes["a"], presence=Presence.LOST))) is None


def test_the_text_names_the_node_and_the_remedy() -> None:
    said = takeover.hindrance(world(STRICT, Presence.LOST), STRICT.groups[0], "a")
    assert said is not None
    assert "komainu node confirm-gone b" in said.en
    assert "komainu node confirm-gone b" in said.ja


@pytest.mark.parametrize("presence", list(Presence))
def test_unproven_is_whoever_is_lost_and_not_proven_gone(presence: Presence) -> None:
    lost = presence in (Presence.LOST, Presence.UNSEEN)
    state = world(STRICT, presence)
    assert takeover.unproven(state, STRICT.groups[0], "a") == ("b" if lost else None)
    assert takeover.unproven(state, STRICT.groups[0], "b") is None
    assert takeover.unproven(world(HARMLESS, presence), HARMLESS.groups[0], "a") is None

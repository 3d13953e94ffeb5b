"""The second look at every decision catches a planted bad action."""

from dataclasses import replace

import pytest

from komainu.core import audit, takeover
from komainu.core.state import Hold, Presence, Proof, State, Status, Vote
from komainu.model import commands
from komainu.model.actions import Action, RaiseAlert, StartResource
from komainu.model.config import Group
from komainu.model.message import Said
from tests.unit.core.clusters import ADDRESS, DISK, cluster, exclusion, formed

START = StartResource("1.r.1", "b", "db", "disk", 1)
STRICT = cluster(groups=[Group(name="db", nodes=("a", "b"), resources=(DISK,))])
HARMLESS = cluster(groups=[Group(name="db", nodes=("a", "b"), resources=(ADDRESS,))])


def stopped(configuration: object = STRICT) -> State:
    """Formed, and the group is stopped on both nodes."""
    life = formed(configuration)  # type: ignore[arg-type]
    life.command(commands.StopGroup("db"))
    life.settle()
    return life.state


def verdict(state: State, action: Action = START, before: State | None = None) -> str:
    """Why the action is not allowed, or nothing."""
    try:
        audit.check(before or state, state, (action,))
    except audit.InvariantBroken as broken:
        return str(broken)
    return ""


def test_a_lawful_start_passes() -> None:
    assert verdict(stopped()) == ""


def test_other_actions_pass() -> None:
    assert verdict(stopped(), RaiseAlert(Said("X", "x", "x"))) == ""


@pytest.mark.parametrize("presence", [each for each in Presence if each is not Presence.MEMBER])
def test_only_a_member_starts_anything(presence: Presence) -> None:
    state = stopped(HARMLESS)
    assert str(presence) in verdict(state.with_node("b", replace(state.nodes["b"], presence=presence)))


@pytest.mark.parametrize("change", [{"suspended": True}, {"ended": True}, {"powerless": True}])
def test_nothing_starts_where_nothing_may_be_started(change: dict[str, bool]) -> None:
    state = stopped(HARMLESS)
    assert "nothing may be started" in verdict(state.with_node("b", replace(state.nodes["b"], **change)))  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.STOPPED])
@pytest.mark.parametrize("kind", ["absolute", "normal"])
def test_nothing_starts_beside_what_it_must_never_share_a_node_with(kind: str, status: Status) -> None:
    groups = [Group(name=name, nodes=("a", "b"), resources=(ADDRESS,)) for name in ("db", "web", "job")]
    state = stopped(cluster(groups=groups, exclusions=[exclusion(kind, "db web")]))
    start = StartResource("1.r.1", "b", "db", "address", 1)
    for other in ("web", "job"):
        state = state.with_hold(other, "a", 0, Hold(Status.STOPPED)).with_hold(other, "b", 0, Hold(Status.STOPPED))
    assert verdict(state, start) == ""
    assert verdict(state.with_hold("job", "b", 0, Hold(status)), start) == ""
    assert verdict(state.with_hold("web", "a", 0, Hold(status)), start) == ""
    assert ("beside web" in verdict(state.with_hold("web", "b", 0, Hold(status)), start)) is (kind == "absolute")


@pytest.mark.parametrize("change", [{"probed": False}, {"leaving": True}])
def test_a_node_that_is_not_probed_or_leaves_starts_nothing(change: dict[str, bool]) -> None:
    state = stopped(HARMLESS)
    assert "would start on b" in verdict(state.with_node("b", replace(state.nodes["b"], **change)))  # type: ignore[arg-type]


def test_nothing_starts_before_the_cluster_has_formed() -> None:
    state = replace(stopped(HARMLESS), formed=False)
    assert "before the cluster has formed" in verdict(state)
    assert verdict(replace(state, formed=True), before=state) == ""  # the very step that forms it may


@pytest.mark.parametrize("presence", [Presence.LOST, Presence.UNSEEN, Presence.JOINING])
def test_nothing_exclusive_starts_while_another_node_is_not_known(presence: Presence) -> None:
    for configuration, wrong in ((STRICT, True), (HARMLESS, False)):
        state = stopped(configuration)
        state = state.with_node("a", replace(state.nodes["a"], presence=presence))
        assert (f"while a is {presence}" in verdict(state)) is wrong


def test_nothing_exclusive_starts_before_another_member_was_probed() -> None:
    state = stopped()
    assert "before a was probed" in verdict(state.with_node("a", replace(state.nodes["a"], probed=False)))


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.STOPPED])
@pytest.mark.parametrize("presence", [Presence.MEMBER, Presence.AGENT_LOST, Presence.GONE])
def test_nothing_exclusive_starts_while_another_node_may_hold_it(presence: Presence, status: Status) -> None:
    state = stopped()
    state = state.with_node("a", replace(state.nodes["a"], presence=presence)).with_hold("db", "a", 0, Hold(status))
    assert "may still hold" in verdict(state)


def harmless(arbitration: str, nodes: str = "a b") -> State:
    """A group that does no harm twice is stopped on all nodes; a is proven gone."""
    groups = [Group(name="db", nodes=tuple(nodes.split()), resources=(ADDRESS,))]
    state = stopped(cluster(nodes, arbitration=arbitration, groups=groups))
    return state.with_node("a", replace(state.nodes["a"], presence=Presence.GONE, proof=Proof.FENCED))


@pytest.mark.parametrize(
    ("vote", "lawful"),
    [
        (None, False),
        (Vote("b", "r1", 7, False, 1), True),
        (Vote("b", "r0", 7, True, 1), False),
        (Vote("a", "r1", 7, True, 1), False),
    ],
)
def test_alone_nothing_starts_without_the_vote_of_this_ring(vote: Vote | None, lawful: bool) -> None:
    state = replace(harmless("lease"), vote=vote)
    assert ("without the vote" not in verdict(state)) is lawful


def test_nothing_starts_without_a_majority() -> None:
    state = harmless("majority", "a b c d")
    assert verdict(state) == ""
    state = state.with_node("c", replace(state.nodes["c"], presence=Presence.GONE, proof=Proof.CLEAN_LEAVE))
    assert "without a majority" in verdict(state)


@pytest.mark.parametrize("kind", ["lease", "majority"])
def test_an_operators_word_for_all_that_are_missing_is_enough(kind: str) -> None:
    state = harmless(kind, "a b" if kind == "lease" else "a b c")
    for name in ("a", "c"):
        if name in state.nodes:
            gone = replace(state.nodes[name], presence=Presence.GONE, proof=Proof.OPERATOR)
            state = state.with_node(name, gone)
    assert verdict(state) == ""


def test_a_decision_that_breaks_the_law_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole step is refused: the law is planted away, and the audit is other code."""
    monkeypatch.setattr(takeover, "hindrance", lambda state, group, home: None)
    life = formed(STRICT)
    before = life.state
    with pytest.raises(audit.InvariantBroken, match="disk would start while a is lost"):
        life.view("b")
    assert life.state is before

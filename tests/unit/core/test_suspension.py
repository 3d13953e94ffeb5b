"""The suspension of the whole cluster where rights are limited: in two steps, each known to all (C10)."""

import pytest

from komainu.core import suspension
from komainu.core.state import RULES, Marks, Noted, Presence, initial
from komainu.model import answers, commands as c, events as e
from tests.unit.core.clusters import BROKEN, Life, altered, cluster, formed

LEASE = cluster(arbitration="lease")
THREE = cluster("a b c", arbitration="majority")


def noted(life: Life, nodes: str) -> None:
    for node in nodes.split():
        assert life.state.suspension is not None
        life.happens(e.SuspensionNoted(node, life.state.suspension.id))


def suspended() -> Life:
    life = formed(LEASE)
    assert life.command(c.SuspendNode(None)).accepted
    noted(life, "a b")
    return life


def marked(life: Life) -> list[bool]:
    return [facts.suspended for facts in life.state.nodes.values()]


def test_it_is_in_force_once_all_have_written_it_down() -> None:
    life = formed(LEASE)
    life.command(c.SuspendNode(None))
    noted(life, "a")
    assert (suspension.in_force(life.state), marked(life)) == (False, [False, False])
    noted(life, "b")
    assert (suspension.in_force(life.state), marked(life)) == (True, [True, True])


def test_what_runs_goes_on_and_nothing_starts_whoever_is_lost() -> None:
    life = suspended()
    life.view("b")
    assert (life.starts(), life.stops()) == ((), ())
    assert suspension.in_force(life.state)
    life.happens(e.VoteWon("b", life.state.ring, 9, True, 1))
    assert life.starts() == ()


@pytest.mark.parametrize("alone", ["a", "b"])
def test_a_node_that_goes_before_it_is_in_force_ends_the_attempt(alone: str) -> None:
    """Who stays cannot know what the other one has heard, not even of its own word."""
    life = formed(LEASE)
    life.command(c.SuspendNode(None))
    noted(life, "b")
    life.view(alone)
    assert life.state.suspension is not None
    assert (life.state.suspension.on, marked(life)) == (False, [True, True])
    assert suspension.ABANDONED.code in life.codes()


def test_who_comes_back_while_it_is_to_be_resumed_starts_nothing_either() -> None:
    """One of the others may have seen it in force, and run what it runs without a right."""
    life = formed(THREE)
    life.command(c.SuspendNode(None))
    for node in ("a", "b"):
        noted(life, node)
    life.view("a b")
    life.leave("b")
    life.settle()
    life.view("a", nodes="a b")
    life.back("b")
    life.settle()
    assert life.node("b").suspended
    life.fire("expire")
    assert life.starts() == ()


def test_whose_disk_knows_nothing_of_it_has_to_note_it_before_it_is_in_force_again() -> None:
    life = suspended()
    life.view("a", nodes="a b")
    life.view("a b")
    life.sync("a", "b", life="2")
    assert not suspension.in_force(life.state)
    assert life.state.suspension is not None
    assert (life.state.suspension.on, life.state.suspension.noted) == (True, ("a",))
    noted(life, "b")
    assert suspension.in_force(life.state)


def test_whose_disk_knows_it_is_no_hindrance() -> None:
    life = suspended()
    life.view("a", nodes="a b")
    life.view("a b")
    member = e.Member("b", "b.2", RULES, life.state.epoch, False, noted=True)
    life.happens(e.MembersSynced(life.state.ring, "a", (e.Member("a", "a.1", RULES, 3, True), member)))
    assert suspension.in_force(life.state)


def test_nothing_is_suspended_while_another_configuration_is_on_its_way() -> None:
    """It may come into force under a kind of arbitration that knows no such suspension."""
    life = formed(LEASE)
    life.happens(e.CommandGiven("c9", "a", c.ChangeConfiguration(altered(LEASE), "me", "because")))
    assert life.state.change is not None
    answer = life.command(c.SuspendNode(None))
    assert (answer.accepted, answer.said.code) == (False, answers.ANOTHER.code)


def test_where_rights_are_not_limited_a_mark_of_another_time_suspends_nothing() -> None:
    assert initial(cluster(), 3, Marks(suspended=Noted.IN_FORCE)).suspension is None


def test_who_has_noted_it_and_is_alone_may_have_missed_that_it_came_into_force() -> None:
    """The other node may run what it runs without any right now."""
    life = formed(LEASE)
    life.command(c.SuspendNode(None))
    noted(life, "b")
    life.view("b")
    assert life.state.suspension is not None
    assert (life.state.suspension.on, suspension.in_force(life.state)) == (False, False)
    assert marked(life) == [True, True]
    assert suspension.ABANDONED.code in life.codes()
    life.happens(e.VoteWon("b", life.state.ring, 9, True, 1))
    life.happens(e.TimerFired("expire:a"))
    assert life.starts() == ()


def test_it_is_over_once_they_have_met_again_or_by_an_operators_word() -> None:
    life = formed(LEASE)
    life.command(c.SuspendNode(None))
    noted(life, "b")
    life.view("b")
    life.command(c.ConfirmGone("a", life.state.epoch))
    noted(life, "b")
    assert (life.state.suspension, marked(life)) == (None, [False, False])


@pytest.mark.parametrize("on", [True, False])
def test_it_needs_all_nodes(on: bool) -> None:
    life = formed(LEASE) if on else suspended()
    life.view("a")
    answer = life.command(c.SuspendNode(None) if on else c.ResumeNode(None))
    assert (answer.accepted, answer.said.code) == (False, answers.NOT_TOGETHER.code)


def test_asking_for_what_is_so_changes_nothing() -> None:
    life = suspended()
    assert life.command(c.SuspendNode(None)).said.code == answers.UNCHANGED.code
    life = formed(LEASE)
    assert life.command(c.ResumeNode(None)).said.code == answers.UNCHANGED.code


def test_it_is_over_once_every_node_is_bound_by_its_right_again() -> None:
    life = suspended()
    life.command(c.ResumeNode(None))
    assert not suspension.in_force(life.state)  # from now on each needs a right
    assert marked(life) == [True, True]
    noted(life, "a")
    assert marked(life) == [True, True]
    noted(life, "b")
    assert (life.state.suspension, marked(life)) == (None, [False, False])


def test_a_word_of_an_earlier_suspension_counts_for_nothing() -> None:
    life = formed(LEASE)
    life.command(c.SuspendNode(None))
    before = life.state
    life.happens(e.SuspensionNoted("a", "earlier"))
    assert life.state == before
    noted(life, "a")
    before = life.state
    noted(life, "a")
    assert life.state == before


def test_an_operators_word_stands_for_a_node_that_is_gone() -> None:
    life = suspended()
    life.view("b")
    life.command(c.ConfirmGone("a", life.state.epoch))
    assert life.command(c.ResumeNode(None)).accepted
    noted(life, "b")
    assert life.state.suspension is None
    assert not life.node("b").suspended


def test_a_node_that_boots_meanwhile_starts_nothing() -> None:
    life = Life(LEASE)
    life.state = initial(LEASE, 3, Marks(suspended=Noted.IN_FORCE))
    assert suspension.in_force(life.state)
    life.form()
    assert life.state.formed
    assert (life.starts(), life.presence("a")) == ((), Presence.MEMBER)
    assert all(facts.suspended for facts in life.state.nodes.values())


def test_a_node_that_does_not_know_whether_all_had_noted_it_is_bound_and_starts_nothing() -> None:
    life = Life(LEASE)
    life.state = initial(LEASE, 3, Marks(suspended=Noted.BEGUN))
    life.form()
    assert not suspension.in_force(life.state)
    assert (life.starts(), marked(life)) == ((), [True, True])
    for node in ("a", "b"):
        noted(life, node)
    assert life.state.suspension is None
    assert life.starts() == ("db.disk on a",)


def test_a_right_that_ends_is_never_held_back_by_a_suspension() -> None:
    """Trap 9."""
    life = suspended()
    life.command(c.ResumeNode(None))
    life.happens(e.RightEnding("a", "a.1", BROKEN))
    assert life.stops() == ("db.server on a",)

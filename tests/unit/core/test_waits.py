"""Groups that wait for other groups (C3)."""

from dataclasses import replace

import pytest

from komainu.core import waits
from komainu.core.state import Hold, NodeFacts, Presence, Status
from komainu.model import commands as c
from tests.unit.core.clusters import FAILED, Life, cluster, exclusion, formed, group


def unsettled(same_node: bool = False) -> Life:
    """`web` depends on `db`; both belong on `a`, and `db` is being started."""
    life = Life(cluster(groups=[group("db"), group("web", after="db", same_node=same_node)]))
    life.view("a b")
    life.sync("a", "a b")
    while not life.starts():
        life.finish(life.under_way[0])
    return life


def waits_for(life: Life, name: str = "web") -> str | None:
    """The code of what keeps the group from starting at its home."""
    home = life.group(name).home
    said = waits.hindrance(life.state, life.state.cluster.group(name), home or "a")
    return None if said is None else said.code


def test_a_group_starts_after_those_it_depends_on() -> None:
    life = unsettled()
    assert life.starts() == ("db.db1 on a",)
    assert waits_for(life) == waits.WAITS_FOR_GROUP.code
    assert life.group("web").hindrance is not None
    assert life.codes().count(waits.WAITS_FOR_GROUP.code) == 0  # that is no alert
    life.finish(life.under_way[0])
    assert life.starts() == ("web.web1 on a",)
    assert waits_for(life) is None


def test_what_it_depends_on_may_be_elsewhere_unless_it_has_to_be_there() -> None:
    for same_node in (False, True):
        life = unsettled(same_node)
        life.settle()
        life.state = life.state.with_group("web", replace(life.group("web"), home="b"))
        assert waits_for(life) == (waits.WAITS_FOR_GROUP.code if same_node else None)


def test_a_group_that_was_waited_for_long_enough_is_waited_for_no_more() -> None:
    life = unsettled()
    life.state = life.state.with_group("web", replace(life.group("web"), overdue=("db",)))
    assert waits_for(life) is None
    assert waits.awaited(life.state, life.state.cluster.group("web")) == ()


def test_what_runs_is_not_stopped_because_what_it_depends_on_fails() -> None:
    life = unsettled()
    life.settle()
    life.check("a", FAILED, "db1", "db")
    assert life.stops() == ("db.db1 on a",)
    assert life.statuses("a", "web") == (Status.RUNNING,)


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.STOPPED])
def test_nothing_starts_beside_what_an_absolute_exclusion_forbids(status: Status) -> None:
    """Also while the other one is on its way out, or stuck there: never together."""
    life = formed(cluster(groups=[group("web"), group("db")], exclusions=[exclusion("absolute", "web db")]))
    life.state = life.state.with_hold("db", "a", 0, Hold(status))
    assert waits_for(life) == waits.WAITS_FOR_SPACE.code
    life.state = life.state.with_hold("db", "a", 0, Hold(Status.STOPPED))
    assert waits_for(life) is None


def test_a_normal_exclusion_keeps_nobody_waiting() -> None:
    life = formed(cluster(groups=[group("web"), group("db")], exclusions=[exclusion("normal", "web db")]))
    life.state = life.state.with_hold("db", "a", 0, Hold(Status.RUNNING))
    assert waits_for(life) is None


def test_who_depends_on_it_and_is_on_the_way_down_stops_first() -> None:
    life = unsettled()
    life.settle()
    state, db = life.state, life.state.cluster.group("db")
    assert waits.followers(state, db) == ()  # it runs, and stays
    life.command(c.StopNode("a", "stop"))
    assert life.stops() == ("web.web1 on a",)
    assert [each.name for each in waits.followers(life.state, db)] == ["web"]
    assert waits.followers(life.state, life.state.cluster.group("web")) == ()
    life.finish(life.under_way[0])
    assert life.stops() == ("db.db1 on a",)


def test_who_cannot_be_told_to_stop_is_not_waited_for() -> None:
    life = unsettled()
    life.settle()
    life.command(c.StopNode("a", "stop"))
    db = life.state.cluster.group("db")
    life.state = life.state.with_node("a", replace(life.node("a"), suspended=True))
    assert waits.followers(life.state, db) == ()
    assert not waits.stops(life.state, db)


def test_a_group_on_its_way_from_one_node_to_another_stops_where_it_was() -> None:
    life = formed(cluster(groups=[group("web")]))
    web = life.state.cluster.group("web")
    assert not waits.stops(life.state, web)
    life.command(c.MoveGroup("web", "b"))
    assert waits.stops(life.state, web)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (NodeFacts(Presence.MEMBER, probed=True), True),
        (NodeFacts(Presence.MEMBER, probed=True, leaving=True), True),
        (NodeFacts(Presence.MEMBER), False),
        (NodeFacts(Presence.MEMBER, probed=True, suspended=True), False),
        (NodeFacts(Presence.MEMBER, probed=True, ended=True), False),
        *((NodeFacts(each, probed=True), False) for each in Presence if each is not Presence.MEMBER),
    ],
)
def test_who_can_be_told_what_to_do(facts: NodeFacts, expected: bool) -> None:
    assert waits.obeys(formed().state.with_node("b", facts), "b") is expected

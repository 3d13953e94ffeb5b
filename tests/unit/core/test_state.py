"""The state as a value: changes leave the original alone."""

from komainu.core.state import Hold, MonitorFacts, Presence, Status, Wanted, Watch, initial
from komainu.model.config import Group
from tests.unit.core.clusters import cluster, formed


def test_a_fresh_state_knows_nothing_of_anybody() -> None:
    state = initial(cluster(groups=[Group(name="m", nodes=("a",), start="manual", resources=())]), epoch=7)
    assert state.epoch == 7
    assert not state.formed
    assert [facts.presence for facts in state.nodes.values()] == [Presence.UNSEEN, Presence.UNSEEN]
    assert state.groups["m"].wanted is Wanted.IDLE
    assert initial(cluster()).groups["db"].holds == {"a": (Hold(), Hold()), "b": (Hold(), Hold())}


def test_of_a_monitor_there_is_an_entry_only_while_there_is_something_to_say() -> None:
    state = formed().state
    assert state.monitors == {}
    assert state.monitor("ping1") == MonitorFacts()
    watched = state.with_watch("ping1", "b", Watch(round="1")).with_watch("ping1", "a", Watch(round="2"))
    assert list(watched.monitors["ping1"].on) == ["a", "b"]
    assert watched.with_watch("ping1", "a", Watch()).monitors["ping1"].on == {"b": Watch(round="1")}
    assert watched.with_watch("ping1", "a", Watch()).with_watch("ping1", "b", Watch()) == state
    suspended = watched.with_monitor("cpu1", MonitorFacts(suspended=("a",)))
    assert list(suspended.monitors) == ["cpu1", "ping1"]
    assert suspended.with_monitor("cpu1", MonitorFacts()) == watched


def test_changing_a_hold_leaves_the_original_and_the_neighbours_alone() -> None:
    state = formed().state
    changed = state.with_hold("db", "a", 1, Hold(Status.STUCK))
    assert state.groups["db"].holds["a"][1].status is Status.RUNNING
    assert changed.groups["db"].holds["a"] == (state.groups["db"].holds["a"][0], Hold(Status.STUCK))
    assert changed.groups["db"].holds["b"] is state.groups["db"].holds["b"]


def test_members_are_in_the_order_of_the_configuration() -> None:
    life = formed(cluster("c a b"))
    life.view("a b")
    assert life.state.members() == ("a", "b")

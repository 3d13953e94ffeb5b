"""Each kind of event reaches its file; nothing else is changed by it."""

from komainu.core import facts
from komainu.core.state import RULES, Presence, State
from komainu.model import causes, commands as c, events as e
from tests.unit.core.clusters import FAILED, formed


def absorbed(state: State, event: e.Event) -> State:
    return facts.absorb(state, event, causes.headline(event), RULES)


def test_facts_alone_decide_nothing() -> None:
    """A view, a failed check and a command become facts; no action follows before the rules have seen them."""
    life = formed()
    run = life.hold("a", "server").run
    state = absorbed(life.state, e.ViewChanged("r9", ("a",), ("a",)))
    assert state.nodes["b"].presence is Presence.LOST
    assert state.counter == life.state.counter
    state = absorbed(life.state, e.MonitorChanged("a", "db", "server", run, FAILED))
    assert state.groups["db"].holds["a"][1].restarts == 1
    assert state.counter == life.state.counter
    state = absorbed(life.state, e.CommandGiven("c1", "a", c.MoveGroup("db", "b")))
    assert state.groups["db"].home == "b"
    assert state.counter == life.state.counter


def test_a_timer_that_fired_is_armed_no_more() -> None:
    life = formed()
    life.check("a", FAILED)
    life.settle()
    (timer,) = life.state.timers
    assert absorbed(life.state, e.TimerFired(timer)).timers == {}


def test_a_timer_that_is_not_armed_changes_nothing() -> None:
    state = formed().state
    assert absorbed(state, e.TimerFired("startup")) is state

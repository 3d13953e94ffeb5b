"""What is under way is read from the state alone: every order without an outcome, each once."""

from dataclasses import replace

from komainu.agent.shown.pending import asked, pending, waiting
from komainu.core.state import Hold, MonitorFacts, NodeFacts, Presence, State, Status, Watch, initial
from tests.doubles.daemons import cluster, resource


def a_state() -> State:
    state = initial(cluster(resource("vip"), resource("app"), nodes=3))
    for name in ("n1", "n2", "n3"):
        state = state.with_node(name, NodeFacts(Presence.MEMBER, probed=True))
        for place in (0, 1):
            state = state.with_hold("web", name, place, Hold(Status.STOPPED))
    return state


def told(state: State) -> list[tuple[str, str, str]]:
    return [(each.kind, each.id, each.node) for each in pending(state)]


def test_nothing_is_under_way_in_a_quiet_cluster() -> None:
    assert pending(a_state()) == ()
    assert waiting(a_state()) == ()


def test_starts_and_stops() -> None:
    state = a_state().with_hold("web", "n1", 0, Hold(Status.STOPPING, "1.r.4"))
    state = state.with_hold("web", "n2", 1, Hold(Status.STARTING, "1.r.5"))

    assert told(state) == [("StopResource", "1.r.4", "n1"), ("StartResource", "1.r.5", "n2")]
    assert [each.text.en for each in pending(state)] == ["stop vip on n1", "start app on n2"]


def test_probes_fences_and_leaves() -> None:
    state = a_state().with_node("n1", NodeFacts(Presence.MEMBER, probe="1.r.1"))
    state = state.with_node("n2", NodeFacts(Presence.LOST, fence="1.r.2", fence_by="n3"))
    state = state.with_node("n3", NodeFacts(Presence.MEMBER, probed=True, dismissed=True, then="reboot"))

    assert told(state) == [("ProbeNode", "1.r.1", "n1"), ("FenceNode", "1.r.2", "n3"), ("LeaveCluster", "", "n3")]
    assert pending(state)[1].target == "n2"
    assert "reboots" in pending(state)[2].text.en
    assert told(state.with_node("n3", NodeFacts(Presence.GONE, dismissed=True))) == told(state)[:2]


def test_scripts_and_timers() -> None:
    state = a_state().with_monitor("diskw", MonitorFacts(on={"n2": Watch("1.r.1", script="1.r.2")}))
    state = replace(state, timers={"retry:web:app:n2:1.r.3": 5_000})

    assert told(state) == [("RunScript", "1.r.2", "n2")]
    (timer,) = waiting(state)
    assert (timer.after_ms, timer.about["resource"], timer.text.en) == (5_000, "app", "app on n2 is tried once more")


def test_an_order_is_asked_for_while_the_state_waits_for_it_on_that_node() -> None:
    state = a_state().with_hold("web", "n1", 0, Hold(Status.STARTING, "1.r.4"))

    assert asked(state, "n1", "1.r.4")
    assert not asked(state, "n2", "1.r.4")
    assert not asked(state, "n1", "1.r.5")

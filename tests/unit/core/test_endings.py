"""The end of a node: taken, held back, cut short (C7, C10)."""

from dataclasses import replace
from typing import get_args

import pytest

from komainu.core import endings, holdings, monitors
from komainu.core.state import Hold, NodeFacts, Presence, Proof, Status
from komainu.model import actions as a, commands as c
from komainu.model.config import FinalAction, Group, Recovery
from tests.unit.core.clusters import BROKEN, DISK, FAILED, SERVER, UNKNOWN, Life, cluster, formed, monitor, resource

SOFT = {"stop-service": "stop", "shutdown": "shutdown", "reboot": "reboot"}
HARD = ("panic", "reset")
ON_NODE = (*SOFT, *HARD)
GROUPS = [Group(name="db", nodes=("a", "b"), resources=(DISK, SERVER))]


def watched(action: str, np: bool = False, nodes: str = "a b", arbitration: str = "operator") -> Life:
    """A monitor of the node itself on every node, with that final action."""
    groups = [Group(name="db", nodes=tuple(nodes.split()), resources=(DISK, SERVER))]
    return formed(cluster(nodes, arbitration, groups, [monitor("ping1", nodes=nodes, np=np, final_action=action)]))


def test_which_final_actions_end_a_node() -> None:
    assert {action for action in get_args(FinalAction) if endings.concerns_node(action)} == set(ON_NODE)


@pytest.mark.parametrize(("action", "then"), SOFT.items())
def test_the_node_stops_everything_leaves_and_goes_on_as_told(action: str, then: str) -> None:
    life = watched(action)
    life.finds("a", FAILED)
    assert life.codes() == ("TEST1", monitors.AT_ITS_END.code, endings.ENDS.code, "KM7602")
    assert (life.node("a").leaving, life.node("a").forced, life.node("a").then) == (True, True, then)
    assert life.stops() == ("db.server on a",)
    while not life.asked(a.LeaveCluster):
        life.finish(life.under_way[0])
    assert life.asked(a.LeaveCluster) == (a.LeaveCluster("a", then),)  # type: ignore[arg-type]
    assert life.asked(a.EndNode) == ()
    life.settle()
    life.view("b")
    assert (life.presence("a"), life.node("a").proof) == (Presence.GONE, Proof.CLEAN_LEAVE)


@pytest.mark.parametrize("action", HARD)
def test_panic_and_reset_spare_nothing(action: str) -> None:
    life = watched(action)
    life.finds("a", FAILED)
    (end,) = life.asked(a.EndNode)
    assert (end.node, end.how) == ("a", action)
    assert FAILED.said in end.because
    assert life.stops() == life.starts() == life.asked(a.LeaveCluster) == ()
    assert life.node("a").ended
    life.view("b")
    assert life.presence("a") is Presence.LOST  # that it was told to end is no proof that it did


# --- held back ------------------------------------------------------------------------------------------------------


DOWN = [
    (NodeFacts(Presence.GONE, proof=Proof.CLEAN_LEAVE), True),
    (NodeFacts(Presence.GONE, proof=Proof.FENCED), True),
    (NodeFacts(Presence.GONE, proof=Proof.OPERATOR), True),
    (NodeFacts(Presence.GONE, proof=Proof.ADDED), True),
    (NodeFacts(Presence.MEMBER, probed=True, leaving=True), True),
    (NodeFacts(Presence.MEMBER, probed=True, ended=True), True),
    (NodeFacts(Presence.GONE, proof=Proof.ASSUMED), False),
    (NodeFacts(Presence.LOST), False),
    (NodeFacts(Presence.UNSEEN), False),
    (NodeFacts(Presence.JOINING), False),
    (NodeFacts(Presence.AGENT_LOST), False),
    (NodeFacts(Presence.MEMBER, probed=True), False),
]


@pytest.mark.parametrize(("facts", "held"), DOWN)
@pytest.mark.parametrize("action", ON_NODE)
def test_it_is_held_back_when_all_others_are_known_to_be_down(
    action: FinalAction, facts: NodeFacts, held: bool
) -> None:
    """Never when they are merely lost: one of them may be the one that serves."""
    life = watched(action)
    state = endings.finish(life.state.with_node("b", facts), "a", action, False, ())
    assert state.nodes["a"].leaving is not held
    codes = [note.said.code for note in state.notes if isinstance(note, a.RaiseAlert)]
    assert codes == [endings.HELD_BACK.code if held else endings.ENDS.code]
    assert any(isinstance(note, a.EndNode) for note in state.notes) is (not held and action in HARD)


def test_one_node_that_is_not_known_to_be_down_is_enough() -> None:
    life = watched("shutdown", nodes="a b c")
    state = life.state.with_node("b", DOWN[0][0])
    assert endings.finish(state, "a", "shutdown", False, ()).nodes["a"].leaving
    state = state.with_node("c", DOWN[2][0])
    assert not endings.finish(state, "a", "shutdown", False, ()).nodes["a"].leaving


@pytest.mark.parametrize("action", ON_NODE)
def test_a_monitor_that_serves_np_resolution_is_never_held_back(action: FinalAction) -> None:
    state = watched(action).state.with_node("b", DOWN[0][0])
    assert endings.finish(state, "a", action, True, ()).nodes["a"].leaving


def test_what_was_held_back_is_done_when_another_node_is_there_again() -> None:
    life = watched("shutdown")
    life.leave("b")
    life.view("a")
    life.finds("a", FAILED)
    assert endings.HELD_BACK.code in life.codes()
    life.back("b")
    assert life.node("a").leaving


def test_a_final_action_is_taken_once() -> None:
    life = watched("shutdown")
    life.finds("a", FAILED)
    for action in ON_NODE:
        assert endings.finish(life.state, "a", action, True, ()) is life.state


# --- cut short ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("action", "how"), [("stop-service", "reset"), ("shutdown", "shutdown"), ("reboot", "reboot")])
def test_a_node_whose_stops_hang_is_ended_without_them(action: str, how: str) -> None:
    life = watched(action)
    life.finds("a", FAILED)
    assert [each for each in life.state.timers if each.startswith("end")] == ["end:a"]
    life.fire("end")
    (end,) = life.asked(a.EndNode)
    assert (end.node, end.how) == ("a", how)
    assert endings.HANGS.code in life.codes()
    assert "end:a" not in life.state.timers
    life.finish(life.under_way[0])
    assert life.stops() == life.asked(a.LeaveCluster) == ()  # nothing more is asked of it


def test_whoever_was_told_to_end_is_not_told_to_leave_as_well() -> None:
    """Its last stop succeeds after all: the machine goes down without another word."""
    groups = [Group(name="db", nodes=("a", "b"), resources=(DISK,))]
    life = formed(cluster(groups=groups, monitors=[monitor("ping1", final_action="reboot")]))
    life.finds("a", FAILED)
    life.fire("end")
    life.finish(life.under_way[0])
    assert life.statuses("a") == (Status.STOPPED,)
    assert life.asked(a.LeaveCluster) == ()


@pytest.mark.parametrize(("then", "ends"), [("stop", False), ("shutdown", True), ("reboot", True)])
def test_only_an_ending_that_takes_the_machine_down_is_cut_short_when_an_operator_wished_it(
    then: str, ends: bool
) -> None:
    """Whoever stops the service by hand did not ask for a reset."""
    life = formed()
    life.command(c.StopNode("a", then))  # type: ignore[arg-type]
    assert ("end:a" in life.state.timers) is ends
    state = endings.cut_short(life.state, "a")
    assert state.nodes["a"].ended is ends
    assert (state is life.state) is not ends


def test_a_daemon_that_was_asked_to_end_is_never_cut_short() -> None:
    life = formed()
    life.leave("a")
    assert not [each for each in life.state.timers if each.startswith("end")]
    assert endings.cut_short(life.state, "a") is life.state


def exhausted(retries: int, failures: int) -> Life:
    """Node `a` has to end, and its disk failed to stop so often."""
    policy = Recovery(stop_retries=retries, stop_final_action="none")
    groups = [Group(name="db", nodes=("a", "b"), resources=(resource("disk", recovery=policy),))]
    life = formed(cluster(groups=groups, monitors=[monitor("ping1", final_action="reboot")]))
    life.finds("a", FAILED)
    for failure in range(failures):
        if failure:
            life.fire("retry")
        life.finish(life.under_way[0], UNKNOWN if failure % 2 else FAILED)
    return life


@pytest.mark.parametrize(("retries", "failures", "ends"), [(0, 1, True), (1, 1, False), (1, 2, True), (2, 2, False)])
def test_nobody_waits_for_stops_that_are_known_not_to_succeed(retries: int, failures: int, ends: bool) -> None:
    life = exhausted(retries, failures)
    assert [end.how for end in life.asked(a.EndNode)] == (["reboot"] if ends else [])


def test_what_may_still_stop_is_waited_for() -> None:
    life = exhausted(0, 1)
    state = life.state.with_node("a", replace(life.node("a"), ended=False))
    assert endings.hopeless(state, "a")
    for status in (Status.STOPPING, Status.RUNNING, Status.UNKNOWN, Status.FAILED):
        assert not endings.hopeless(state.with_hold("db", "a", 0, Hold(status, stop_failures=9)), "a")
    assert endings.settle(state).nodes["a"].ended
    for change in ({"forced": False}, {"probed": False}, {"presence": Presence.AGENT_LOST}, {"ended": True}):
        unlike = state.with_node("a", replace(state.nodes["a"], **change))  # type: ignore[arg-type]
        assert endings.settle(unlike) is unlike
    assert not endings.hopeless(state.with_hold("db", "a", 0, Hold(Status.STOPPED)), "a")


def test_what_cannot_stop_because_of_what_stands_on_it_is_hopeless_too() -> None:
    policy = Recovery(stop_final_action="reboot")
    parts = (resource("disk", recovery=policy), resource("server", recovery=policy, after="disk"))
    life = formed(cluster(groups=[Group(name="db", nodes=("a", "b"), resources=parts)]))
    life.command(c.StopGroup("db"))
    life.finish(life.under_way[0], FAILED)
    assert [end.how for end in life.asked(a.EndNode)] == ["reboot"]


# --- a stop that fails ----------------------------------------------------------------------------------------------


def stopping(**policy: object) -> Life:
    """The only resource of the group is being stopped, on `a`."""
    recovery = Recovery.model_validate({"stop_final_action": "shutdown", **policy})
    groups = [Group(name="db", nodes=("a", "b"), resources=(resource("disk", recovery=recovery),))]
    life = formed(cluster(groups=groups))
    life.command(c.StopGroup("db"))
    return life


@pytest.mark.parametrize("retries", [0, 2])
def test_a_stop_that_keeps_failing_takes_the_node_down(retries: int) -> None:
    life = stopping(stop_retries=retries)
    for _ in range(retries):
        life.finish(life.under_way[0], FAILED)
        assert not life.node("a").leaving
        life.fire("retry")
    life.finish(life.under_way[0], FAILED)
    assert holdings.NOT_STOPPED.code in life.codes()
    assert endings.ENDS.code in life.codes()
    assert [end.how for end in life.asked(a.EndNode)] == ["shutdown"]


@pytest.mark.parametrize("change", [{"maintenance": True}, {"suspended": True}])
def test_no_stop_that_fails_takes_a_node_down_while_nobody_wants_that(change: dict[str, bool]) -> None:
    """Maintenance and suspension keep final actions from a node (C10)."""
    life = stopping()
    if "maintenance" in change:
        life.state = replace(life.state, maintenance=True)
    else:
        life.state = life.state.with_node("a", replace(life.node("a"), suspended=True))
    life.finish(life.under_way[0], FAILED)
    assert not life.node("a").leaving
    assert life.codes() == ("TEST1",)


@pytest.mark.parametrize("action", ["none", "stop-group", "stop-resource"])
def test_a_stop_that_fails_is_tried_for_ever_without_a_final_action_for_the_node(action: str) -> None:
    life = stopping(stop_final_action=action)
    for _ in range(4):
        life.finish(life.under_way[0], FAILED)
        assert not life.node("a").leaving
        life.fire("retry")
        assert life.stops() == ("db.disk on a",)


def test_the_end_of_a_node_is_told_with_its_reason() -> None:
    life = stopping()
    life.finish(life.under_way[0], FAILED)
    (end,) = life.asked(a.EndNode)
    assert [said.code for said in end.because] == [endings.HANGS.code]
    assert BROKEN.code in life.codes()

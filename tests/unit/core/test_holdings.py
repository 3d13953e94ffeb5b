"""What runs where: outcomes, probes and checks, and those that come too late."""

from dataclasses import replace

import pytest

from komainu.core import holdings
from komainu.core.monitors import NORMAL_AGAIN
from komainu.core.state import Hold, NodeFacts, Presence, Proof, Status
from komainu.model import actions as a, commands as c, events as e
from komainu.model.config import Group, Recovery
from komainu.model.outcome import SUCCEEDED, Outcome, Result
from tests.unit.core.clusters import FAILED, UNKNOWN, Life, cluster, formed, resource

NEVER = Recovery(start_retries=0, restarts=0, failovers=0)


def starting() -> Life:
    """Formed, and the disk is being started on `a`."""
    life = Life(cluster())
    life.view("a b")
    life.sync("a", "a b")
    while life.starts() != ("db.disk on a",):
        life.finish(life.under_way[0])
    return life


def stopping() -> Life:
    """Everything runs on `a`, and the server is being stopped."""
    life = formed()
    life.command(c.StopGroup("db"))
    return life


# --- starts --------------------------------------------------------------------------------------------------------


def test_a_start_that_succeeded_runs_under_its_own_id_and_in_the_epoch_of_the_takeover() -> None:
    life = starting()
    start = life.under_way[0]
    life.finish(start)
    assert isinstance(start, a.StartResource)
    assert life.hold("a") == Hold(Status.RUNNING, run=start.id, epoch=life.group().since)


def test_a_start_that_failed_counts_and_is_told_with_its_detail() -> None:
    life = starting()
    life.finish(life.under_way[0], FAILED)
    assert life.hold("a").start_failures == 1
    assert life.hold("a").said == FAILED.said
    assert a.RaiseAlert(FAILED.said, FAILED.detail) in life.actions  # type: ignore[arg-type]
    assert life.stops() == ("db.disk on a",)  # whatever is not certain is stopped before it is started again
    life.settle()
    assert life.hold("a").status is Status.RUNNING
    assert life.hold("a").said is None


def test_every_attempt_to_start_that_failed_is_told() -> None:
    life = starting()
    for _ in range(2):
        life.finish(life.under_way[0], FAILED)
        assert "TEST1" in life.codes()
        life.finish(life.under_way[0])  # the stop


def test_a_start_with_unknown_result_counts_against_nothing_and_waits() -> None:
    life = starting()
    life.finish(life.under_way[0], UNKNOWN)
    hold = life.hold("a")
    assert (hold.status, hold.start_failures, hold.said) == (Status.UNKNOWN, 0, UNKNOWN.said)
    assert life.starts() == life.stops() == ()
    life.fire("retry")
    assert life.stops() == ("db.disk on a",)
    life.settle()
    assert life.hold("a").status is Status.RUNNING


# --- stops ---------------------------------------------------------------------------------------------------------


def test_a_stop_that_succeeded_leaves_nothing() -> None:
    life = stopping()
    life.finish(life.under_way[0])
    assert life.hold("a", "server") == Hold(Status.STOPPED)


@pytest.mark.parametrize("outcome", [FAILED, UNKNOWN])
def test_a_stop_without_success_is_stuck_and_tried_again_after_a_while(outcome: Outcome) -> None:
    life = stopping()
    life.finish(life.under_way[0], outcome)
    assert life.hold("a", "server").status is Status.STUCK
    assert life.stops() == ()  # the disk below is not stopped either
    life.fire("retry")
    assert life.stops() == ("db.server on a",)


@pytest.mark.parametrize("act", [starting, stopping])
def test_what_is_tried_again_for_ever_is_told_once_for_each_reason(act: object) -> None:
    life: Life = act()  # type: ignore[operator]
    told = []
    for outcome in (UNKNOWN, UNKNOWN, UNKNOWN, Outcome(Result.UNKNOWN, FAILED.said), Outcome(Result.UNKNOWN)):
        kind = type(life.under_way[0])
        life.finish(life.under_way[0], outcome)
        told.append(life.codes())
        life.fire("retry")
        while not isinstance(life.under_way[0], kind):
            life.finish(life.under_way[0])
    assert told == [("TEST2",), (), (), ("TEST1",), (holdings.NO_REASON.code,)]


def test_what_recovered_in_between_is_told_again() -> None:
    life = formed()
    for _ in range(2):
        life.check("a", UNKNOWN)
        assert life.codes() == ("TEST2",)
        life.check("a", SUCCEEDED)
        assert life.hold("a", "server").said is None


# --- what does not fit ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [SUCCEEDED, FAILED, UNKNOWN])
@pytest.mark.parametrize("action", ["", "1.other.1"])
def test_an_outcome_that_nobody_waits_for_changes_nothing(action: str, outcome: Outcome) -> None:
    for life in (formed(), starting(), stopping()):
        before = life.state
        assert life.happens(e.ActionFinished(action, "a", outcome)) == ()
        assert life.state == before


def test_an_outcome_counts_once() -> None:
    life = starting()
    start = life.under_way[0]
    life.finish(start)
    before = life.state
    assert isinstance(start, a.StartResource)
    assert life.happens(e.ActionFinished(start.id, "a", FAILED)) == ()
    assert life.state == before


def test_an_outcome_counts_for_the_node_that_was_asked() -> None:
    life = starting()
    start = life.under_way[0]
    before = life.state
    assert isinstance(start, a.StartResource)
    life.happens(e.ActionFinished(start.id, "b", SUCCEEDED))
    assert life.state == before


def test_an_outcome_from_before_a_loss_changes_nothing() -> None:
    """Both sides of a partition number alike: only the ring and the epoch in the id keep them apart (trap 7)."""
    life = starting()
    start = life.under_way[0]
    assert isinstance(start, a.StartResource)
    life.view("b")
    life.view("a b")
    life.sync("b", "a", life="2")
    before = life.state
    life.happens(e.ActionFinished(start.id, "a", SUCCEEDED))
    assert life.state == before


# --- probes --------------------------------------------------------------------------------------------------------


def test_a_probe_tells_what_runs() -> None:
    life = Life(cluster())
    life.view("a b")
    life.sync("a", "a b")
    first, second = life.asked(a.ProbeNode)
    life.probed(first)
    life.probed(second, disk=3)
    assert life.statuses("a") == (Status.STOPPED, Status.STOPPED)
    assert life.hold("b") == Hold(Status.RUNNING, run=second.id, epoch=3)
    assert life.node("b").probed


def test_a_probe_without_an_answer_for_a_resource_leaves_it_unknown() -> None:
    life = Life(cluster())
    life.view("a b")
    life.sync("a", "a b")
    first, second = life.asked(a.ProbeNode)
    unclear = (e.Found("db", "disk", Result.UNKNOWN, 0),)
    life.happens(e.NodeProbed(second.id, "b", unclear))
    assert life.statuses("b") == (Status.UNKNOWN, Status.UNKNOWN)
    life.probed(first)
    assert life.stops() == ("db.server on b",)  # nobody may hold it, so it is stopped before a start elsewhere
    assert life.starts() == ()


@pytest.mark.parametrize("probe", ["", "other"])
def test_a_probe_that_nobody_asked_for_changes_nothing(probe: str) -> None:
    life = formed()
    before = life.state
    life.happens(e.NodeProbed(probe, "a", ()))
    assert life.state == before


def test_a_probe_that_an_earlier_daemon_was_asked_for_changes_nothing() -> None:
    life = Life(cluster())
    life.view("a b")
    life.sync("a", "a b")
    early = life.asked(a.ProbeNode)[1]
    life.view("a", nodes="a b")
    life.view("a b")
    life.sync("a", "b", life="2")
    life.probed(early, disk=1, server=1)
    assert not life.node("b").probed
    assert life.statuses("b") == (Status.UNKNOWN, Status.UNKNOWN)


def test_a_probe_counts_once() -> None:
    """It is repeated until it is heard; what it found may be over by then."""
    life = Life(cluster())
    life.view("a b")
    life.sync("a", "a b")
    probe = life.asked(a.ProbeNode)[0]
    life.settle()
    before = life.state
    assert life.probed(probe) == ()
    assert life.state == before


def test_only_a_member_is_probed() -> None:
    life = formed()
    life.state = life.state.with_node("b", NodeFacts(Presence.JOINING, probe="1.r.1"))
    before = life.state
    life.happens(e.NodeProbed("1.r.1", "b", ()))
    assert life.state == before


def test_what_was_found_and_failed_before_the_cluster_formed_is_no_active_side() -> None:
    life = Life(cluster())
    life.view("a b")
    life.sync("a", "a b")
    first, second = life.asked(a.ProbeNode)
    life.probed(second, disk=3, server=3)
    for name in ("disk", "server"):
        life.check("b", FAILED, name)
    life.probed(first)
    assert life.group().home == "a"
    assert life.stops() == ("db.server on b",)


def test_a_probe_of_a_node_that_is_no_member_any_more_changes_nothing() -> None:
    life = Life(cluster())
    life.view("a b")
    life.sync("a", "a b")
    probe = life.asked(a.ProbeNode)[1]
    life.view("a", nodes="a b")
    life.probed(probe)
    assert life.presence("b") is Presence.AGENT_LOST
    assert not life.node("b").probed


def test_a_probe_of_resources_that_nobody_knows_is_passed_over() -> None:
    life = Life(cluster())
    life.view("a b")
    life.sync("a", "a b")
    probe = life.asked(a.ProbeNode)[0]
    life.happens(e.NodeProbed(probe.id, "a", (e.Found("old", "disk", Result.SUCCEEDED, 1),)))
    assert life.statuses("a") == (Status.UNKNOWN, Status.UNKNOWN)


# --- checks --------------------------------------------------------------------------------------------------------


def test_a_check_in_error_counts_and_restarts() -> None:
    life = formed()
    life.check("a", FAILED)
    assert life.hold("a", "server").restarts == 1
    assert life.stops() == ("db.server on a",)
    assert a.RaiseAlert(FAILED.said, FAILED.detail) in life.actions  # type: ignore[arg-type]


def test_a_verdict_is_about_one_resource_although_a_probe_found_several() -> None:
    """What a probe found runs under the id of the probe, all of it."""
    life = Life(cluster())
    life.view("a b")
    life.sync("a", "a b")
    first, second = life.asked(a.ProbeNode)
    life.probed(second)
    life.probed(first, disk=1, server=1)
    assert life.hold("a", "disk").run == life.hold("a", "server").run
    life.check("a", FAILED, "server")
    assert (life.hold("a", "disk").restarts, life.hold("a", "server").restarts) == (0, 1)


def test_what_failed_runs_no_more() -> None:
    """Of a run that is over nothing counts: neither a verdict nor a timer."""
    life = formed(cluster(groups=[Group(name="db", nodes=("a",), resources=(resource("disk", recovery=NEVER),))]))
    life.check("a", FAILED, "disk")
    assert life.group().given_up
    assert life.hold("a") == Hold(Status.FAILED, epoch=1, restarts=1, said=FAILED.said)


def test_a_check_without_result_changes_nothing_but_what_is_said() -> None:
    life = formed()
    life.check("a", UNKNOWN)
    assert (life.hold("a", "server").status, life.hold("a", "server").said) == (Status.RUNNING, UNKNOWN.said)
    assert life.starts() == life.stops() == ()


def test_a_good_check_that_warns_is_told_once_and_shown_until_it_ends() -> None:
    life = formed()
    run = life.hold("a", "server").run
    warned = Outcome(Result.SUCCEEDED, FAILED.said, "why")
    assert life.happens(e.MonitorChanged("a", "db", "server", run, warned)) == (a.RaiseAlert(FAILED.said, "why"),)
    assert life.hold("a", "server").status is Status.RUNNING
    assert life.hold("a", "server").said == FAILED.said
    assert life.happens(e.MonitorChanged("a", "db", "server", run, warned)) == ()
    over = NORMAL_AGAIN.said(monitor="serverw", node="a")
    assert life.happens(e.MonitorChanged("a", "db", "server", run, SUCCEEDED)) == (a.RaiseAlert(over),)
    assert life.hold("a", "server").said is None
    assert life.happens(e.MonitorChanged("a", "db", "server", run, SUCCEEDED)) == (), "that it is well is no news"


def test_a_check_that_knows_again_says_so() -> None:
    life = formed()
    run = life.hold("a", "server").run
    life.happens(e.MonitorChanged("a", "db", "server", run, Outcome(Result.UNKNOWN, FAILED.said)))
    (alert,) = life.happens(e.MonitorChanged("a", "db", "server", run, SUCCEEDED))
    assert isinstance(alert, a.RaiseAlert)
    assert alert.said.code == NORMAL_AGAIN.code


@pytest.mark.parametrize(
    "event",
    [
        e.MonitorChanged("a", "db", "server", "1.other.1", FAILED),
        e.MonitorChanged("a", "db", "server", "", FAILED),
        e.MonitorChanged("a", "db", "nothing", "", FAILED),
        e.MonitorChanged("a", "nothing", "server", "", FAILED),
        e.MonitorChanged("b", "db", "server", "", FAILED),
    ],
)
def test_a_verdict_about_another_run_or_resource_changes_nothing(event: e.MonitorChanged) -> None:
    life = formed()
    before = life.state
    assert life.happens(event) == ()
    assert life.state == before


def test_a_verdict_about_a_node_outside_the_group_changes_nothing() -> None:
    life = formed(cluster("a b c", groups=[cluster("a b").groups[0]]))
    before = life.state
    life.happens(e.MonitorChanged("c", "db", "server", "", FAILED))
    assert life.state == before


def test_a_verdict_counts_once() -> None:
    life = formed()
    verdict = e.MonitorChanged("a", "db", "server", life.hold("a", "server").run, FAILED)
    life.happens(verdict)
    before = life.state
    assert life.happens(verdict) == ()
    assert life.state == before


# --- fences --------------------------------------------------------------------------------------------------------


def fencing(nodes: str = "a b") -> Life:
    """`a` is lost with its group, and is being fenced."""
    life = formed(cluster(nodes, arbitration="fence"))
    life.view(nodes.replace("a ", ""))
    return life


def test_a_confirmed_fence_is_proof() -> None:
    life = fencing()
    life.finish(life.under_way[0])
    assert (life.presence("a"), life.node("a").proof) == (Presence.GONE, Proof.FENCED)
    assert life.starts() == ("db.disk on b",)
    assert life.codes() == (holdings.FENCED.code,)
    life.settle()
    assert life.node("a").fence == life.node("a").fence_wait == ""


@pytest.mark.parametrize("outcome", [FAILED, UNKNOWN])
def test_a_fence_without_success_proves_nothing_and_is_tried_again(outcome: Outcome) -> None:
    life = fencing()
    life.finish(life.under_way[0], outcome)
    assert life.presence("a") is Presence.LOST
    assert life.asked(a.FenceNode) == life.starts() == ()
    assert life.codes() == (holdings.FENCE_FAILED.code,)
    (alert,) = life.asked(a.RaiseAlert)
    assert outcome.said is not None
    assert outcome.said.en in alert.detail
    assert outcome.detail in alert.detail
    life.fire("fence")
    assert [fence.target for fence in life.asked(a.FenceNode)] == ["a"]


def test_each_member_has_its_turn_with_a_fence_that_fails() -> None:
    """What one node cannot do for want of a route or a permission, another one may."""
    life = fencing("a b c d")
    fencers = []
    for _ in range(4):
        (fence,) = (action for action in life.under_way if isinstance(action, a.FenceNode))
        fencers.append(fence.node)
        life.finish(fence, FAILED)
        life.fire("fence")
    assert fencers == ["b", "c", "d", "b"]


def test_a_fence_confirmed_after_the_node_came_back_proves_nothing() -> None:
    life = fencing()
    fence = life.under_way[0]
    life.view("a b")
    life.finish(fence)
    assert life.presence("a") is Presence.JOINING
    assert life.node("a").proof is None


def test_a_fence_proves_only_of_a_lost_node_that_it_is_gone() -> None:
    life = fencing()
    life.state = life.state.with_node("a", replace(life.node("a"), presence=Presence.JOINING))
    life.finish(life.under_way[0])
    assert life.presence("a") is Presence.JOINING
    assert life.node("a").fence == ""


def test_only_the_node_that_was_asked_confirms_a_fence() -> None:
    life = fencing("a b c")
    (fence,) = life.asked(a.FenceNode)
    assert fence.node == "b"
    life.happens(e.ActionFinished(fence.id, "c", SUCCEEDED))
    assert life.presence("a") is Presence.LOST


def test_no_other_outcome_of_that_node_confirms_a_fence() -> None:
    life = fencing()
    life.happens(e.ActionFinished("1.r1.1", "b", SUCCEEDED))
    assert life.presence("a") is Presence.LOST
    assert life.starts() == ()

"""Who is there: lost is not gone, a dead daemon is not a dead node, and only a clean leave is its own proof."""

from dataclasses import replace

import pytest

from komainu.core import presence, timers
from komainu.core.state import Hold, Presence, Proof, Status
from komainu.model import actions as a, commands as c, events as e
from tests.unit.core.clusters import FAILED, UNKNOWN, Life, cluster, formed

RUNNING = (Status.RUNNING, Status.RUNNING)
STOPPED = (Status.STOPPED, Status.STOPPED)
UNKNOWNS = (Status.UNKNOWN, Status.UNKNOWN)


# --- lost ----------------------------------------------------------------------------------------------------------


def test_a_node_out_of_the_ring_is_lost_and_may_hold_everything_it_is_eligible_for() -> None:
    life = formed()
    epoch = life.state.epoch
    life.view("a")
    assert life.presence("b") is Presence.LOST
    assert life.statuses("b") == UNKNOWNS
    assert life.state.epoch == epoch + 1
    assert presence.LOST.code in life.codes()


def test_each_lost_node_is_an_epoch_of_its_own() -> None:
    life = formed(cluster("a b c"))
    epoch = life.state.epoch
    life.view("a")
    assert life.state.epoch == epoch + 2


def test_a_node_never_seen_is_not_lost_again() -> None:
    life = Life(cluster())
    life.view("a")
    assert life.presence("b") is Presence.UNSEEN
    assert life.codes() == ()


def test_what_is_known_already_is_not_told_again() -> None:
    life = formed(cluster("a b c"))
    life.view("a b")
    epoch = life.state.epoch
    life.view("a b")
    assert life.state.epoch == epoch
    assert life.codes() == ()


def test_the_ring_is_that_of_the_last_view() -> None:
    """Ids of actions contain it: two sides of a partition count alike, and must not name alike (trap 7)."""
    life = formed()
    life.view("a", nodes="a b")
    assert life.state.ring == "r2"
    life.check("a", FAILED)
    (stop,) = life.asked(a.StopResource)
    assert stop.id.split(".")[1] == "r2"


# --- the daemon lost, the node alive --------------------------------------------------------------------------------


def test_a_daemon_that_is_gone_leaves_its_node_and_its_resources_alone() -> None:
    life = formed()
    epoch = life.state.epoch
    life.view("b", nodes="a b")
    assert life.presence("a") is Presence.AGENT_LOST
    assert life.statuses("a") == RUNNING
    assert life.group().home == "a"
    assert life.starts() == life.stops() == ()
    assert life.state.epoch == epoch


def test_what_was_under_way_when_the_daemon_died_is_unknown() -> None:
    life = formed()
    life.command(c.MoveGroup("db", "b"))
    life.view("b", nodes="a b")
    assert life.hold("a", "server").status is Status.UNKNOWN
    assert life.hold("a", "disk").status is Status.RUNNING


def test_why_it_was_not_as_it_should_be_is_kept_with_what_is_unknown_now() -> None:
    life = formed()
    life.check("a", FAILED)
    life.view("b", nodes="a b")
    assert life.hold("a", "server") == Hold(said=FAILED.said)


@pytest.mark.parametrize("arbitration", ["operator", "none"])
def test_a_node_that_is_back_without_its_daemon_is_known_no_better(arbitration: str) -> None:
    """Lost stays lost and gone stays gone until its daemon speaks; and it is told once."""
    life = formed(cluster(arbitration=arbitration))
    life.view("b")
    presence_before = life.presence("a")
    life.view("b", nodes="a b")
    assert life.presence("a") is presence_before
    assert life.codes() == ()


def test_a_node_without_its_daemon_that_was_never_seen_stays_unseen() -> None:
    life = Life(cluster())
    life.view("a", nodes="a b")
    assert life.presence("b") is Presence.UNSEEN


def test_a_lost_daemon_is_told_once() -> None:
    life = formed(cluster("a b c"))
    life.view("a b", nodes="a b c")
    assert life.codes() == (presence.AGENT_LOST.code,)
    life.view("a", nodes="a c")
    assert presence.AGENT_LOST.code not in life.codes()


def test_a_silent_daemon_is_as_good_as_gone() -> None:
    life = formed()
    life.silent("b")
    assert life.presence("b") is Presence.AGENT_LOST
    assert life.codes() == (presence.AGENT_LOST.code,)


def test_an_accusation_counts_whatever_incarnation_the_accuser_knew() -> None:
    """A newcomer knows none. The replica waits for a silent member no more, and nobody accuses it twice."""
    life = formed()
    life.happens(e.AgentSilent("b", ""))
    assert life.presence("b") is Presence.AGENT_LOST


@pytest.mark.parametrize("nodes", ["a b", "a"])
def test_a_daemon_that_is_away_already_cannot_fall_silent(nodes: str) -> None:
    life = formed()
    life.view("a", nodes=nodes)
    before = life.state
    assert life.silent("b") == ()
    assert life.state == before


def test_a_daemon_can_fall_silent_while_it_joins() -> None:
    """Nobody waits for ever for one that joined and says nothing."""
    life = formed()
    life.view("a")
    life.view("a b")
    assert life.presence("b") is Presence.JOINING
    life.silent("b")
    assert life.presence("b") is Presence.AGENT_LOST
    assert life.statuses("b") == UNKNOWNS
    life.fire("agent")
    assert life.presence("b") is Presence.LOST


def test_a_daemon_can_die_while_it_joins() -> None:
    life = formed()
    life.view("a")
    life.view("a b")
    life.view("a", nodes="a b")
    assert life.presence("b") is Presence.AGENT_LOST
    assert life.statuses("b") == UNKNOWNS


def test_a_daemon_that_does_not_return_is_a_lost_node() -> None:
    life = formed()
    life.view("b", nodes="a b")
    life.fire("agent")
    assert life.presence("a") is Presence.LOST
    assert life.statuses("a") == UNKNOWNS
    assert timers.OVERDUE.code in life.codes()
    assert life.starts() == ()


def test_a_node_whose_daemon_is_lost_can_be_lost_itself() -> None:
    life = formed()
    life.view("b", nodes="a b")
    life.view("b")
    assert life.presence("a") is Presence.LOST
    assert not life.state.timers


# --- coming back ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arbitration", ["none", "operator"])
def test_proof_is_void_when_the_node_is_seen_again(arbitration: str) -> None:
    life = formed(cluster(arbitration=arbitration))
    life.view("a")
    if arbitration == "operator":
        life.command(c.ConfirmGone("b", life.state.epoch))
    assert life.presence("b") is Presence.GONE
    assert life.statuses("b") == STOPPED
    life.view("a b")
    assert life.presence("b") is Presence.JOINING
    assert life.node("b").proof is None
    assert life.statuses("b") == UNKNOWNS


def test_a_new_daemon_is_probed_before_anything_is_planned_on_it() -> None:
    life = formed()
    life.view("a", nodes="a b")
    life.view("a b")
    life.sync("a", "b", life="2")
    (probe,) = life.asked(a.ProbeNode)
    assert probe.node == "b"
    assert life.node("b").incarnation == "b.2"
    assert not life.node("b").probed
    assert life.command(c.MoveGroup("db", "b")).accepted is False
    life.probed(probe)
    assert life.command(c.MoveGroup("db", "b")).accepted is True


def test_whoever_continues_is_not_probed_and_opens_no_epoch() -> None:
    life = formed()
    epoch = life.state.epoch
    life.sync("a")
    assert life.actions == ()
    assert life.state.epoch == epoch


def test_whoever_comes_from_another_history_is_probed_whatever_its_incarnation() -> None:
    life = formed()
    member = e.Member("b", "b.1", 1, 0, continuing=False)
    life.happens(e.MembersSynced(life.state.ring, "a", (member,)))
    assert not life.node("b").probed


def test_whoever_was_away_does_not_continue_whatever_it_says() -> None:
    """It was lost for this history, and has come back: what it did meanwhile is not known."""
    life = formed()
    life.view("a")
    life.view("a b")
    member = e.Member("b", "b.1", 1, 0, continuing=True)
    life.happens(e.MembersSynced(life.state.ring, "a", (member,)))
    assert not life.node("b").probed
    assert life.statuses("b") == UNKNOWNS


def test_another_incarnation_does_not_continue_whatever_it_says() -> None:
    life = formed()
    member = e.Member("b", "b.2", 1, 0, continuing=True)
    life.happens(e.MembersSynced(life.state.ring, "a", (member,)))
    assert not life.node("b").probed


def test_histories_put_together_begin_a_new_epoch_above_all_of_them() -> None:
    life = formed()
    members = (e.Member("a", "a.1", 1, 3, True), e.Member("b", "b.2", 1, 40, False))
    life.happens(e.MembersSynced("r9", "a", members))
    assert life.state.epoch == 41
    assert life.state.ring == "r9"


def test_a_node_that_the_configuration_does_not_have_is_passed_over() -> None:
    life = formed()
    stranger = e.Member("z", "z.1", 1, 90, False)
    life.happens(e.MembersSynced("r9", "a", (e.Member("a", "a.1", 1, 3, True), stranger)))
    assert tuple(life.state.nodes) == ("a", "b")
    assert life.state.epoch < 90


@pytest.mark.parametrize(
    ("barred", "given_up", "still_barred"), [(("a", "b"), True, ("a",)), (("b",), False, ()), ((), True, ())]
)
def test_a_return_gives_what_failed_another_chance(
    barred: tuple[str, ...], given_up: bool, still_barred: tuple[str, ...]
) -> None:
    life = formed()
    life.state = life.state.with_group("db", replace(life.group(), barred=barred, given_up=given_up))
    life.view("a", nodes="a b")
    life.view("a b")
    life.sync("a", "b", life="2")
    assert (life.group().barred, life.group().given_up) == (barred, given_up)  # it has not told yet what runs there
    life.settle()
    assert (life.group().barred, life.group().given_up) == (still_barred, False)


# --- clean leave ----------------------------------------------------------------------------------------------------


def test_a_leave_moves_the_groups_and_dismisses_the_daemon_when_nothing_runs_there() -> None:
    life = formed()
    life.leave("a")
    assert life.stops() == ("db.server on a",)
    assert life.group().home == "b"
    life.finish(life.under_way[0])
    assert life.asked(a.LeaveCluster) == ()
    life.finish(life.under_way[0])
    assert life.asked(a.LeaveCluster) == (a.LeaveCluster("a"),)
    assert life.starts() == ("db.disk on b",)
    life.settle()
    assert life.asked(a.LeaveCluster) == ()  # said once


@pytest.mark.parametrize("nodes", ["b", "a b"])
def test_a_clean_leave_is_proof_whether_corosync_stays_or_goes(nodes: str) -> None:
    life = formed()
    life.leave("a")
    life.settle()
    epoch = life.state.epoch
    life.view("b", nodes=nodes)
    assert (life.presence("a"), life.node("a").proof) == (Presence.GONE, Proof.CLEAN_LEAVE)
    assert life.codes() == (presence.LEFT.code,)
    assert life.state.epoch == epoch
    assert life.statuses("a") == STOPPED


def test_power_lost_while_leaving_is_power_lost() -> None:
    life = formed()
    life.leave("a")
    life.finish(life.under_way[0])
    life.view("b")
    assert life.presence("a") is Presence.LOST
    assert life.starts() == ()


def test_power_lost_after_the_last_stop_is_a_clean_leave() -> None:
    """Before the daemon went, but after it told of its last stop: nothing can have been started since."""
    life = formed()
    life.leave("a")
    life.finish(life.under_way[0])
    life.finish(life.under_way[0])
    life.view("b")
    assert life.node("a").proof is Proof.CLEAN_LEAVE


def test_a_daemon_killed_while_leaving_is_a_lost_daemon() -> None:
    life = formed()
    life.leave("a")
    life.view("b", nodes="a b")
    assert life.presence("a") is Presence.AGENT_LOST


def test_the_leave_of_an_earlier_daemon_means_nothing() -> None:
    life = formed()
    life.happens(e.NodeLeaving("a", "a.0"))
    assert life.actions == ()
    assert not life.node("a").leaving


def test_who_is_away_cannot_ask_to_leave() -> None:
    life = formed()
    life.view("a", nodes="a b")
    life.leave("b")
    assert not life.node("b").leaving


def test_nothing_is_started_on_a_leaving_node() -> None:
    life = formed()
    life.leave("b")
    assert life.command(c.MoveGroup("db", "b")).accepted is False
    life.view("b", nodes="a b")
    assert life.starts() == ()


def test_a_daemon_that_leaves_still_leaves_when_it_comes_in_afresh() -> None:
    """Else its clean leave, which others rely on, would not stay true while they lag behind."""
    life = formed()
    member = e.Member("b", "b.2", 1, life.state.epoch, False, leaving=True)
    life.happens(e.MembersSynced("r9", "a", (e.Member("a", "a.1", 1, 1, True), member)))
    assert life.node("b").leaving
    life.settle()
    assert life.node("b").dismissed


def test_a_node_with_a_stop_that_fails_is_not_dismissed() -> None:
    life = formed()
    life.leave("a")
    life.finish(life.under_way[0], UNKNOWN)
    assert life.asked(a.LeaveCluster) == ()
    life.view("b")
    assert life.presence("a") is Presence.LOST


def test_a_hold_keeps_why_it_was_not_as_it_should_be() -> None:
    life = formed()
    life.check("a", UNKNOWN)
    life.view("b")
    assert life.hold("a", "server") == Hold(said=UNKNOWN.said)

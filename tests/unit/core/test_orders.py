"""Requests about nodes, monitors and the cluster: each asks for a state, and is answered (C10)."""

from dataclasses import replace

import pytest

from komainu.core import orders, rights
from komainu.core.state import Presence, Status, Watch
from komainu.model import actions as a, answers, commands as c, events as e
from komainu.model.config import Group
from komainu.model.message import Message
from komainu_lab.sim.arbitrations import WAIT_MS
from tests.unit.core.clusters import ADDRESS, FAILED, Life, cluster, formed, group, monitor

ORDERS = [
    c.SetMaintenance(True),
    c.SuspendNode("a"),
    c.SuspendNode(None),
    c.StopNode("a", "stop"),
    c.StopNode(None, "shutdown"),
    c.SuspendMonitor("ping1", None),
    c.SuspendMonitor("ping1", "a"),
    c.SuspendMonitor("vipw", "b"),
    c.SimulateFailure("ping1", "a", True),
    c.SimulateFailure("vipw", None, True),
]
BACK = [
    (c.SetMaintenance(True), c.SetMaintenance(False)),
    (c.SuspendNode("a"), c.ResumeNode("a")),
    (c.SuspendNode(None), c.ResumeNode(None)),
    (c.SuspendMonitor("ping1", None), c.ResumeMonitor("ping1", None)),
    (c.SuspendMonitor("vipw", "a"), c.ResumeMonitor("vipw", "a")),
    (c.SimulateFailure("ping1", None, True), c.SimulateFailure("ping1", None, False)),
    (c.SimulateFailure("vipw", "b", True), c.SimulateFailure("vipw", "b", False)),
]


def life(nodes: str = "a b") -> Life:
    """A group `web`, a monitor of its own on a and b."""
    return formed(cluster(nodes, groups=[group("web", nodes, "vip")], monitors=[monitor("ping1")]))


def answer(subject: Life, command: c.Command) -> tuple[bool, str]:
    """Whether it was accepted, and the code of the sentence."""
    said = subject.command(command)
    return said.accepted, said.said.code


@pytest.mark.parametrize("command", ORDERS)
def test_an_order_is_accepted_and_given_again_it_changes_nothing(command: c.Command) -> None:
    subject = life()
    assert answer(subject, command) == (True, answers.ACCEPTED.code)
    before = subject.state
    assert answer(subject, command) == (True, answers.UNCHANGED.code)
    assert subject.state == before


@pytest.mark.parametrize(("there", "back"), BACK)
def test_there_and_back_leaves_nothing(there: c.Command, back: c.Command) -> None:
    subject = life()
    assert answer(subject, back) == (True, answers.UNCHANGED.code)
    before = subject.state
    subject.command(there)
    assert subject.state != before
    assert answer(subject, back) == (True, answers.ACCEPTED.code)
    now = replace(subject.state, counter=before.counter, monitors=before.monitors)
    assert now == before  # but for the round of the monitor, which is a new one


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (c.SuspendNode("z"), answers.NO_NODE),
        (c.ResumeNode("z"), answers.NO_NODE),
        (c.StopNode("z", "stop"), answers.NO_NODE),
        (c.SuspendMonitor("nothing", None), answers.NO_MONITOR),
        (c.SimulateFailure("nothing", "a", True), answers.NO_MONITOR),
        (c.SuspendMonitor("ping1", "z"), answers.NO_NODE),
        (c.ResumeMonitor("vipw", "z"), answers.NO_NODE),
        (c.SuspendMonitor("ping1", "c"), answers.NO_NODE),
    ],
)
def test_what_does_not_exist_is_refused(command: c.Command, refusal: Message) -> None:
    subject = life("a b c")  # ping1 runs on a and b only
    before = subject.state
    assert answer(subject, command) == (False, refusal.code)
    assert subject.state == before


@pytest.mark.parametrize("presence", [each for each in Presence if each is not Presence.MEMBER])
@pytest.mark.parametrize("command", [c.SuspendNode("b"), c.StopNode("b", "stop"), c.StopNode("b", "reboot")])
def test_who_is_not_there_takes_no_orders(command: c.Command, presence: Presence) -> None:
    subject = life()
    subject.state = subject.state.with_node("b", replace(subject.node("b"), presence=presence))
    assert answer(subject, command) == (False, answers.NOT_THERE.code)


def test_the_end_of_a_suspension_can_wait_for_its_node() -> None:
    for command in (c.ResumeNode("a"), c.ResumeNode(None)):
        subject = life()
        subject.command(c.SuspendNode(None))
        subject.view("b")
        assert subject.node("a").suspended
        assert subject.command(command).accepted
        subject.back("a")
        assert not subject.node("a").suspended


def test_a_suspension_outlives_the_daemon() -> None:
    subject = life()
    subject.command(c.SuspendNode("a"))
    subject.view("b", nodes="a b")
    assert subject.node("a").suspended
    subject.back("a", vip=1)
    assert subject.node("a").suspended
    subject.leave("a")
    assert not subject.node("a").suspended  # who leaves has to stop what runs there


# --- stop -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("then", ["stop", "shutdown", "reboot"])
def test_a_node_that_is_stopped_stops_its_groups_first(then: str) -> None:
    subject = life()
    subject.command(c.StopNode("a", then))  # type: ignore[arg-type]
    assert (subject.stops(), subject.group("web").home) == (("web.vip on a",), "b")
    subject.settle()
    assert subject.statuses("b", "web") == (Status.RUNNING,)
    assert subject.node("a").dismissed
    subject.view("b")
    assert subject.presence("a") is Presence.GONE


def test_the_whole_cluster_is_stopped_where_it_is() -> None:
    subject = life()
    subject.command(c.StopNode(None, "shutdown"))
    assert subject.asked(a.LeaveCluster) == (a.LeaveCluster("b", "shutdown"),)
    assert (subject.stops(), subject.starts()) == (("web.vip on a",), ())
    subject.finish(subject.under_way[0])
    assert subject.asked(a.LeaveCluster) == (a.LeaveCluster("a", "shutdown"),)
    assert subject.starts() == ()


def test_how_it_ends_can_be_changed_while_it_stops() -> None:
    subject = life()
    subject.command(c.StopNode("a", "stop"))
    assert answer(subject, c.StopNode("a", "reboot")) == (True, answers.ACCEPTED.code)
    subject.finish(subject.under_way[0])
    assert subject.asked(a.LeaveCluster) == (a.LeaveCluster("a", "reboot"),)
    assert answer(subject, c.StopNode("a", "stop")) == (True, answers.UNCHANGED.code)  # it was told already


@pytest.mark.parametrize("final", ["shutdown", "reset"])
def test_no_order_softens_a_final_action(final: str) -> None:
    subject = formed(cluster(groups=[group("web")], monitors=[monitor("ping1", final_action=final)]))
    subject.finds("a", FAILED)
    before = subject.state
    assert answer(subject, c.StopNode("a", "stop")) == (True, answers.UNCHANGED.code)
    assert subject.state == before


def test_a_suspended_node_can_be_stopped() -> None:
    subject = life()
    subject.command(c.SuspendNode("a"))
    assert subject.command(c.StopNode("a", "stop")).accepted
    assert not subject.node("a").suspended
    assert subject.stops() == ("web.vip on a",)


def test_who_leaves_is_not_suspended() -> None:
    subject = life()
    subject.command(c.StopNode("a", "stop"))
    assert answer(subject, c.SuspendNode("a")) == (True, answers.UNCHANGED.code)


# --- monitors -------------------------------------------------------------------------------------------------------


def test_a_monitor_is_suspended_on_the_nodes_that_were_named_in_their_order() -> None:
    subject = life()
    subject.command(c.SuspendMonitor("vipw", "b"))
    subject.command(c.SuspendMonitor("vipw", "a"))
    assert subject.state.monitor("vipw").suspended == ("a", "b")
    subject.command(c.ResumeMonitor("vipw", "a"))
    assert subject.state.monitor("vipw").suspended == ("b",)
    subject.command(c.SuspendMonitor("vipw", None))
    assert subject.state.monitor("vipw").suspended == ("a", "b")


def test_a_failure_is_simulated_where_it_was_asked_for() -> None:
    subject = life()
    subject.command(c.SimulateFailure("ping1", "b", True))
    assert subject.state.monitor("ping1").simulated == ("b",)
    assert subject.state.monitor("ping1").suspended == ()
    subject.command(c.SimulateFailure("ping1", None, False))
    assert subject.state.monitor("ping1").simulated == ()


def test_a_monitor_that_is_resumed_on_one_node_is_counted_anew_there_alone() -> None:
    subject = life()
    for node in "ab":
        subject.state = subject.state.with_watch("ping1", node, replace(subject.watch(node), restarts=2, ended=True))
    subject.command(c.SuspendMonitor("ping1", None))
    subject.command(c.ResumeMonitor("ping1", "a"))
    assert (subject.watch("a").restarts, subject.watch("a").ended) == (0, False)
    assert (subject.watch("b").restarts, subject.watch("b").ended) == (2, True)


def test_what_was_counted_against_a_group_is_forgiven_with_it() -> None:
    groups = [group("web"), group("db")]
    subject = formed(cluster(groups=groups, monitors=[monitor("ping1", "web"), monitor("sql1", "db")]))
    for name in ("ping1", "sql1"):
        subject.state = subject.state.with_watch(name, "a", replace(subject.watch("a", name), restarts=2, ended=True))
        subject.state = subject.state.with_monitor(name, replace(subject.state.monitor(name), failovers=1))
    state = orders.forgive(subject.state, "web")
    assert (state.monitor("ping1").failovers, state.monitor("ping1").on["a"].restarts) == (0, 0)
    assert not state.monitor("ping1").on["a"].ended
    assert (state.monitor("sql1").failovers, state.monitor("sql1").on["a"].restarts) == (1, 2)


def test_what_is_forgiven_leaves_no_entry_behind() -> None:
    """Of a monitor the state holds what there is to say, and nothing else."""
    subject = formed(cluster(groups=[group("web")], monitors=[monitor("ping1", "web", "web")]))
    subject.command(c.SuspendMonitor("ping1", None))
    subject.state = subject.state.with_watch("ping1", "a", Watch(restarts=1))
    subject.command(c.MoveGroup("web", "b"))
    assert Watch() not in subject.state.monitor("ping1").on.values()


# --- maintenance ----------------------------------------------------------------------------------------------------


def test_the_switch_is_told() -> None:
    subject = life()
    subject.command(c.SetMaintenance(True))
    assert subject.codes() == (answers.IN_MAINTENANCE.code,)
    assert subject.state.maintenance
    subject.command(c.SetMaintenance(False))
    assert subject.codes() == (answers.MAINTENANCE_OVER.code,)


def test_under_the_switch_nothing_is_recovered() -> None:
    subject = formed(cluster(arbitration="none", groups=[group("web", parts="vip http")]))
    subject.command(c.SetMaintenance(True))
    subject.check("a", FAILED, "http", "web")
    assert subject.stops() == subject.starts() == ()
    subject.view("b")
    assert (subject.group("web").home, subject.starts()) == ("a", ())
    subject.back("a", vip=1)
    assert subject.starts() == subject.stops() == ()
    subject.command(c.SetMaintenance(False))
    assert subject.starts() == ("web.http on a",)


@pytest.mark.parametrize("command", [c.MoveGroup("web", "b"), c.StopGroup("web")])
def test_what_is_asked_for_under_the_switch_is_done_and_then_left_alone_too(command: c.Command) -> None:
    subject = formed(cluster(arbitration="none", groups=[group("web", parts="vip http")]))
    subject.command(c.SetMaintenance(True))
    assert subject.command(command).accepted
    subject.settle()
    wanted = Status.RUNNING if isinstance(command, c.MoveGroup) else Status.STOPPED
    assert subject.statuses("b", "web") == (wanted, wanted)
    if isinstance(command, c.MoveGroup):
        subject.check("b", FAILED, "http", "web")
        assert subject.stops() == ()
        subject.view("a")
        assert (subject.starts(), subject.group("web").home) == ((), "b")


def test_a_node_can_be_stopped_under_the_switch() -> None:
    subject = life()
    subject.command(c.SetMaintenance(True))
    subject.command(c.StopNode("a", "stop"))
    assert (subject.stops(), subject.group("web").home) == (("web.vip on a",), "a")
    subject.finish(subject.under_way[0])
    assert subject.asked(a.LeaveCluster) == (a.LeaveCluster("a", "stop"),)
    assert subject.starts() == ()  # nothing is recovered: not elsewhere either


def test_an_order_from_before_the_switch_is_no_reason_to_go_on_trying_under_it() -> None:
    subject = life()
    for command in (c.StopGroup("web"), c.StartGroup("web", None)):
        subject.settle()
        subject.command(command)
    subject.finish(subject.under_way[0], FAILED)
    assert subject.stops() == ("web.vip on a",)
    subject.command(c.SetMaintenance(True))
    subject.finish(subject.under_way[0])
    assert subject.starts() == ()
    subject.command(c.SetMaintenance(False))
    assert subject.starts() == ("web.vip on a",)


# --- a leave must not take the right of the one that stays (rule 11) --------------------------------------------------


def leaving() -> Life:
    """`db` runs on a, and b is asked to leave."""
    life = formed(cluster(arbitration="lease"))
    life.happens(e.NodeLeaving("b", life.state.nodes["b"].incarnation))
    return life


def dismissed(life: Life) -> bool:
    return life.state.nodes["b"].dismissed


def test_it_may_go_once_the_other_one_holds_the_vote() -> None:
    life = leaving()
    assert not dismissed(life)

    actions = life.happens(e.VoteWon("a", life.state.ring, 7, False, WAIT_MS))

    assert dismissed(life)
    assert a.LeaveCluster("b", "end") in actions


def test_it_may_go_at_once_where_nothing_runs_on_the_other_one() -> None:
    life = formed(cluster(arbitration="lease"))
    life.command(c.StopGroup("db"))
    life.settle()
    life.happens(e.NodeLeaving("b", life.state.nodes["b"].incarnation))

    assert dismissed(life)


def test_other_kinds_do_not_wait() -> None:
    life = formed(cluster(arbitration="operator"))
    life.happens(e.NodeLeaving("b", life.state.nodes["b"].incarnation))

    assert dismissed(life)


def test_a_vote_while_all_stay_counts_for_nothing() -> None:
    life = formed(cluster(arbitration="lease"))
    life.happens(e.VoteWon("a", life.state.ring, 7, False, WAIT_MS))

    assert life.state.vote is None


def test_the_vote_of_another_ring_lets_nobody_go() -> None:
    life = leaving()
    life.happens(e.VoteWon("a", "another", 7, False, WAIT_MS))

    assert not dismissed(life)


def test_without_it_the_others_must_stay_a_majority() -> None:
    group = Group(name="db", nodes=("a", "b", "c"), resources=(ADDRESS,))
    life = formed(cluster("a b c", arbitration="majority", groups=[group]))
    life.view("a b")
    assert rights.would_stop_others(life.state, "b")

    refused = life.command(c.StopNode("b", "stop"))

    assert refused.said == answers.LAST_OF_MAJORITY.said(node="b")
    assert not life.state.nodes["b"].leaving


def test_the_whole_cluster_may_be_stopped() -> None:
    group = Group(name="db", nodes=("a", "b", "c"), resources=(ADDRESS,))
    life = formed(cluster("a b c", arbitration="majority", groups=[group]))
    life.view("a b")
    life.command(c.StopNode(None, "stop"))

    assert [life.state.nodes[name].leaving for name in "ab"] == [True, True]

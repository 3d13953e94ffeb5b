"""Another configuration: in force on all members at the same place in the order, or not at all (C11)."""

from dataclasses import replace
from typing import Any

import pytest

from komainu.core import change
from komainu.core.state import MonitorFacts, Presence, Proof, Status, Wanted
from komainu.core.step import step
from komainu.model import actions as a, answers, commands as c, events as e
from komainu.model.config import Cluster, Group, Node
from komainu.model.message import Message
from tests.unit.core.clusters import (
    BROKEN,
    FAILED,
    UNKNOWN,
    Life,
    altered,
    cluster,
    formed,
    group,
    monitor,
    remade,
)

RUNNING = (Status.RUNNING, Status.RUNNING)
STOPPED = (Status.STOPPED, Status.STOPPED)
MONITORS = (monitor("ping1"), monitor("url1", "web"))


def life(nodes: str = "a b") -> Life:
    """A group `web` of `vip` and `http`, a group `db`, two monitors."""
    return formed(cluster(nodes, groups=[group("web", "a b", "vip http"), group("db", "a b")], monitors=MONITORS))


def proposed(subject: Life, **changes: Any) -> a.AnswerCommand | None:
    """The next version is proposed; the answer when there is one at once."""
    return asked(subject, altered(subject.state.cluster, **changes))


def asked(subject: Life, configuration: Cluster) -> a.AnswerCommand | None:
    """That configuration is proposed."""
    subject.happens(e.CommandGiven("c9", "b", c.ChangeConfiguration(configuration, "me", "because")))
    return next(iter(subject.asked(a.AnswerCommand)), None)


def refused(subject: Life, message: Message, **changes: Any) -> bool:
    """It is refused with that message, and nothing changes."""
    before = subject.state
    answer = proposed(subject, **changes)
    assert answer is not None
    return (answer.accepted, answer.said.code) == (False, message.code) and subject.state == before


def with_port(subject: Life, **params: object) -> tuple[Group, ...]:
    """The groups, with http as it is to be."""
    web, *rest = subject.state.cluster.groups
    vip, http = web.resources
    changed = http.model_copy(update={"params": params or {"port": 81}})
    return (remade(web, resources=(vip, changed)), *rest)


def ended(subject: Life) -> tuple[bool, str]:
    """How the command was answered, to whom it belongs."""
    (answer,) = subject.asked(a.AnswerCommand)
    assert (answer.id, answer.node) == ("c9", "b")
    return answer.accepted, answer.said.code


# --- in force -------------------------------------------------------------------------------------------------------


def test_every_member_is_asked_and_nobody_is_answered_yet() -> None:
    subject = life()
    assert proposed(subject, groups=with_port(subject)) is None
    judges = subject.asked(a.JudgeConfiguration)
    assert [judge.node for judge in judges] == ["a", "b"]
    assert {judge.cluster.version for judge in judges} == {2}
    assert subject.state.cluster.version == 1
    assert subject.stops() == ()


def test_it_holds_once_all_agree_and_what_changed_has_stopped() -> None:
    subject = life()
    proposed(subject, groups=with_port(subject))
    subject.judge("a")
    assert subject.stops() == ()
    subject.judge("b")
    assert subject.stops() == ("web.http on a",)
    assert subject.state.cluster.version == 1
    vip = subject.hold("a", "vip", "web")
    subject.finish(subject.under_way[0])
    assert ended(subject) == (True, change.IN_FORCE.code)
    assert subject.codes() == (change.IN_FORCE.code,)
    assert subject.state.cluster.version == 2
    assert subject.state.change is None
    assert subject.hold("a", "vip", "web") == vip  # the rest has gone on
    subject.settle()
    assert subject.statuses("a", "web") == RUNNING
    assert not subject.hold("a", "http", "web").outdated


def test_what_stands_on_what_changed_goes_down_and_up_with_it() -> None:
    subject = life()
    web, db = subject.state.cluster.groups
    vip, http = web.resources
    changed = (vip.model_copy(update={"params": {"x": 1}}), http)
    proposed(subject, groups=(remade(web, resources=changed), db))
    subject.judge("a b")
    assert subject.stops() == ("web.http on a",)
    subject.settle()
    assert subject.state.cluster.version == 2
    assert subject.statuses("a", "web") == RUNNING


def test_a_group_that_goes_is_stopped_and_one_that_comes_is_placed() -> None:
    subject = life()
    web, _ = subject.state.cluster.groups
    proposed(subject, groups=(web, group("job", "b a")))
    subject.judge("a b")
    assert subject.stops() == ("db.db1 on a",)
    subject.settle()
    assert list(subject.state.groups) == ["web", "job"]
    assert subject.group("job").home == "b"
    assert subject.statuses("b", "job") == (Status.RUNNING,)


def test_what_is_new_is_not_stopped_on_the_nodes_but_looked_for() -> None:
    """Nobody knows whether it runs there already (law 8)."""
    subject = life()
    proposed(subject, groups=(*subject.state.cluster.groups, group("job")))
    subject.judge("a b")
    assert sorted(probe.node for probe in subject.asked(a.ProbeNode)) == ["a", "b"]
    assert subject.stops() == subject.starts() == ()
    first, second = subject.asked(a.ProbeNode)
    subject.probed(second, job1=0)
    subject.probed(first)
    assert subject.group("job").home == "b"
    assert subject.statuses("a", "web") == RUNNING


def test_a_group_that_comes_with_manual_start_waits_for_its_operator() -> None:
    subject = life()
    proposed(subject, groups=(*subject.state.cluster.groups, group("job", start="manual")))
    subject.judge("a b")
    subject.settle()
    assert (subject.group("job").wanted, subject.group("job").home) == (Wanted.IDLE, None)


def test_a_home_that_is_taken_away_is_left() -> None:
    subject = life()
    _, db = subject.state.cluster.groups
    proposed(subject, groups=(group("web", "b", "vip http"), db))
    subject.judge("a b")
    subject.settle()
    assert list(subject.group("web").holds) == ["b"]
    assert (subject.group("web").home, subject.statuses("b", "web")) == ("b", RUNNING)


def test_an_order_of_nodes_that_changed_moves_nobody() -> None:
    subject = life()
    _, db = subject.state.cluster.groups
    proposed(subject, groups=(group("web", "b a", "vip http"), db))
    subject.judge("a b")
    assert subject.state.cluster.version == 2
    assert list(subject.group("web").holds) == ["b", "a"]
    assert subject.starts() == subject.stops() == ()
    assert subject.group("web").home == "a"


def test_what_an_operator_had_stopped_stays_stopped() -> None:
    subject = life()
    subject.command(c.StopGroup("web"))
    subject.settle()
    proposed(subject, groups=with_port(subject))
    subject.judge("a b")
    assert subject.state.cluster.version == 2  # nothing had to stop
    assert subject.group("web").wanted is Wanted.DOWN
    assert subject.starts() == ()


# --- nodes ----------------------------------------------------------------------------------------------------------


def test_a_node_that_is_added_is_gone_until_it_comes() -> None:
    subject = life()
    nodes = (*subject.state.cluster.nodes, Node(name="c", id=3, links=("10.0.0.3",)))
    proposed(subject, nodes=nodes, groups=(group("web", "a b c", "vip http"), group("db")))
    subject.judge("a b")
    assert (subject.presence("c"), subject.node("c").proof) == (Presence.GONE, Proof.ADDED)
    subject.command(c.MoveGroup("web", "b"))
    subject.settle()
    assert subject.statuses("b", "web") == RUNNING  # nobody waits for it
    subject.back("c")
    assert subject.presence("c") is Presence.MEMBER
    assert subject.command(c.MoveGroup("web", "c")).accepted


@pytest.mark.parametrize("proof", list(Proof))
def test_a_node_is_removed_when_it_is_proven_gone(proof: Proof) -> None:
    subject = life("a b c")
    subject.view("a b")
    gone = replace(subject.node("c"), presence=Presence.GONE, proof=proof)
    subject.state = subject.state.with_node("c", gone)
    nodes = subject.state.cluster.nodes[:2]
    if proof is Proof.ASSUMED:
        assert refused(subject, answers.STILL_THERE, nodes=nodes)
        return
    assert proposed(subject, nodes=nodes) is None
    subject.judge("a b")
    assert list(subject.state.nodes) == ["a", "b"]


def test_a_node_that_is_there_is_not_removed() -> None:
    subject = life("a b c")
    assert refused(subject, answers.STILL_THERE, nodes=subject.state.cluster.nodes[:2])
    subject.view("a b")
    assert refused(subject, answers.STILL_THERE, nodes=subject.state.cluster.nodes[:2])


@pytest.mark.parametrize(
    "event",
    [
        e.NodeLeaving("c", "c.1"),
        e.AgentSilent("c", "c.1"),
        e.NodeProbed("1.r.1", "c", ()),
        e.NodeProbed("", "c", ()),
        e.ActionFinished("1.r.1", "c", FAILED),
        e.MonitorChanged("c", "web", "vip", "1", FAILED),
        e.MonitorJudged("c", "ping1", "1", FAILED),
        e.ConfigurationJudged("1.r.1", "c", ()),
        e.TimerFired("agent:c:c.1"),
    ],
)
def test_the_late_word_of_a_node_that_was_removed_means_nothing(event: e.Event) -> None:
    subject = life()
    before = subject.state
    subject.happens(event)
    assert replace(subject.state, change=before.change) == before


# --- monitors -------------------------------------------------------------------------------------------------------


def test_a_monitor_that_is_new_checks_from_now_on_and_one_that_went_is_forgotten() -> None:
    subject = life()
    proposed(subject, monitors=(monitor("url1", "web"), monitor("cpu1")))
    subject.judge("a b")
    assert list(subject.state.monitors) == ["cpu1", "url1"]
    assert subject.watch("a", "cpu1").round


def test_a_monitor_that_stays_the_same_keeps_its_round_and_what_it_counted() -> None:
    subject = life()
    subject.finds("a", FAILED, "url1")
    before = subject.state.monitor("url1")
    proposed(subject, monitors=(monitor("ping1", restarts=1), monitor("url1", "web")))
    subject.judge("a b")
    assert subject.state.monitor("url1") == before


def test_a_monitor_that_changed_begins_afresh_but_for_what_an_operator_wished() -> None:
    subject = life()
    first = subject.watch("b").round
    subject.command(c.SuspendMonitor("ping1", "a"))
    subject.command(c.SimulateFailure("ping1", "b", True))
    subject.finds("b", FAILED)
    proposed(subject, monitors=(monitor("ping1", restarts=1), monitor("url1", "web")))
    subject.judge("a b")
    facts = subject.state.monitor("ping1")
    assert (facts.suspended, facts.simulated) == (("a",), ("b",))
    assert (subject.watch("b").verdict, subject.watch("b").ended) == (None, False)
    assert subject.watch("b").round not in ("", first)


def test_what_was_wished_of_a_monitor_is_forgotten_with_the_nodes_that_ran_it() -> None:
    subject = life()
    subject.command(c.SuspendMonitor("vipw", None))
    _, db = subject.state.cluster.groups
    proposed(subject, groups=(group("web", "b", "vip http"), db))
    subject.judge("a b")
    subject.settle()
    assert subject.state.monitors["vipw"] == MonitorFacts(suspended=("b",))
    proposed(subject, groups=(db,))
    subject.judge("a b")
    subject.settle()
    assert "vipw" not in subject.state.monitors


# --- refused at once ------------------------------------------------------------------------------------------------


def test_one_at_a_time() -> None:
    subject = life()
    proposed(subject)
    assert refused(subject, answers.ANOTHER)


@pytest.mark.parametrize("version", [1, 3, 9])
def test_it_has_to_be_made_from_the_one_in_force(version: int) -> None:
    assert refused(life(), answers.OUTDATED, version=version)


@pytest.mark.parametrize("changes", [{"name": "other"}, {"environment": "aws", "aws": {"region": "x"}}])
def test_a_cluster_stays_the_same_cluster(changes: dict[str, Any]) -> None:
    assert refused(life(), answers.OTHER_CLUSTER, **changes)


@pytest.mark.parametrize("nodes", ["a b", "a"])
def test_nobody_is_passed_over_whose_daemon_is_away(nodes: str) -> None:
    subject = life()
    subject.view("a", nodes="a b")
    if nodes == "a":
        subject.view("a b")
    assert subject.presence("b") is (Presence.JOINING if nodes == "a" else Presence.AGENT_LOST)
    assert refused(subject, answers.NOT_NOW)


def test_what_a_lost_node_may_still_run_is_not_changed_behind_its_back() -> None:
    subject = life("a b c")
    subject.view("a c")
    assert refused(subject, answers.MAY_RUN, groups=with_port(subject))
    assert refused(subject, answers.MAY_RUN, groups=subject.state.cluster.groups[:1])
    assert proposed(subject, monitors=()) is None  # that has to stop nothing
    subject.judge("a c")
    assert subject.state.cluster.version == 2


def test_a_node_that_was_lost_and_is_proven_gone_hinders_nobody() -> None:
    subject = life()
    subject.view("a")
    subject.command(c.ConfirmGone("b", subject.state.epoch))
    assert proposed(subject, groups=with_port(subject)) is None
    subject.judge("a")
    subject.settle()
    assert subject.state.cluster.version == 2
    assert subject.statuses("a", "web") == RUNNING


def test_before_rules_two_it_is_refused() -> None:
    subject = life()
    event = e.CommandGiven("c9", "b", c.ChangeConfiguration(altered(subject.state.cluster), "me", "because"))
    done = step(subject.state, event, 1)
    assert [action.said.code for action in done.actions if isinstance(action, a.AnswerCommand)] == [
        answers.TOO_OLD.code
    ]
    assert done.state.change is None


# --- abandoned ------------------------------------------------------------------------------------------------------


def stopping() -> Life:
    """All have agreed, and http is being stopped on `a`."""
    subject = life()
    proposed(subject, groups=with_port(subject))
    subject.judge("a b")
    assert subject.stops() == ("web.http on a",)
    return subject


@pytest.mark.parametrize(
    ("happen", "reason"),
    [
        (lambda subject: subject.view("b"), change.MEMBERS_CHANGED),
        (lambda subject: subject.view("a", nodes="a b"), change.MEMBERS_CHANGED),
        (lambda subject: subject.view("a b"), change.MEMBERS_CHANGED),
        (lambda subject: subject.silent("b"), change.MEMBERS_CHANGED),
        (lambda subject: subject.judge("b", BROKEN), BROKEN),
        (lambda subject: subject.fire("change"), change.TOOK_TOO_LONG),
    ],
)
def test_whatever_disturbs_it_ends_it_and_the_old_one_goes_on(happen: Any, reason: Any) -> None:
    subject = life()
    proposed(subject, groups=with_port(subject))
    subject.judge("a")
    happen(subject)
    assert ended(subject) == (False, change.ABANDONED.code)
    assert change.ABANDONED.code in subject.codes()
    (answer,) = subject.asked(a.AnswerCommand)
    assert reason.en in answer.said.en
    assert reason.ja in answer.said.ja
    assert subject.state.change is None
    assert subject.state.cluster.version == 1
    assert not [timer for timer in subject.state.timers if timer.startswith("change")]


@pytest.mark.parametrize("lost", ["a", "b"])
def test_what_was_stopped_for_it_starts_again(lost: str) -> None:
    subject = stopping()
    left = "b" if lost == "a" else "a"
    subject.view(left)
    subject.settle()
    assert subject.state.cluster.version == 1
    assert (subject.group("web").home, subject.statuses(left, "web")) == (left, RUNNING)


@pytest.mark.parametrize("outcome", [FAILED, UNKNOWN])
def test_a_stop_without_success_ends_it(outcome: Any) -> None:
    subject = stopping()
    subject.finish(subject.under_way[0], outcome)
    assert ended(subject) == (False, change.ABANDONED.code)
    assert "http" in subject.asked(a.AnswerCommand)[0].said.en
    subject.fire("retry")
    subject.settle()
    assert subject.statuses("a", "web") == RUNNING


def test_what_has_to_stop_on_a_suspended_node_ends_it() -> None:
    subject = life()
    subject.command(c.SuspendNode("a"))
    proposed(subject, groups=with_port(subject))
    subject.judge("a b")
    assert ended(subject) == (False, change.ABANDONED.code)
    assert subject.statuses("a", "web") == RUNNING


def test_what_changed_is_stopped_under_the_maintenance_switch_and_started_again() -> None:
    subject = life()
    subject.command(c.SetMaintenance(True))
    proposed(subject, groups=with_port(subject))
    subject.judge("a b")
    subject.settle()
    assert subject.state.cluster.version == 2
    assert subject.statuses("a", "web") == RUNNING


def test_while_members_judge_there_is_a_deadline_and_while_it_stops_the_stops_have_theirs() -> None:
    subject = life()
    proposed(subject, groups=with_port(subject))
    assert [timer.after_ms for timer in subject.asked(a.ArmTimer)] == [change.JUDGE_MS]
    subject.judge("a b")
    assert not [timer for timer in subject.state.timers if timer.startswith("change")]


# --- verdicts -------------------------------------------------------------------------------------------------------


def test_a_verdict_counts_once_and_for_its_own_proposal() -> None:
    subject = life()
    proposed(subject)
    assert subject.state.change is not None
    now = subject.state.change.id
    before = subject.state
    subject.happens(e.ConfigurationJudged("1.other.1", "a", ()))
    subject.happens(e.ConfigurationJudged("1.other.1", "a", (BROKEN,)))
    assert subject.state == before
    subject.happens(e.ConfigurationJudged(now, "a", ()))
    subject.happens(e.ConfigurationJudged(now, "a", ()))
    assert subject.state.change is not None
    assert subject.state.change.agreed == ("a",)


def test_every_objection_is_told_and_the_first_is_the_answer() -> None:
    subject = life()
    proposed(subject)
    other = replace(BROKEN, code="TEST9", en="Another one.")
    subject.judge("a", BROKEN, other)
    assert subject.codes() == ("TEST1", "TEST9", change.ABANDONED.code)
    assert BROKEN.en in subject.asked(a.AnswerCommand)[0].said.en


def test_a_proposal_that_is_over_is_judged_in_vain() -> None:
    subject = life()
    proposed(subject)
    assert subject.state.change is not None
    event = e.ConfigurationJudged(subject.state.change.id, "a", ())
    subject.judge("b", BROKEN)
    before = subject.state
    assert subject.happens(event) == ()
    assert subject.state == before


def test_a_resource_that_is_starting_is_waited_for() -> None:
    subject = life()
    subject.check("a", FAILED, "http", "web")
    subject.finish(subject.under_way[0])
    assert subject.starts() == ("web.http on a",)
    proposed(subject, groups=with_port(subject))
    subject.judge("a b")
    assert subject.state.cluster.version == 1
    subject.settle()
    assert subject.state.cluster.version == 2
    assert subject.statuses("a", "web") == RUNNING

"""Replicas in one order: they come together, stay equal, and find out when they are not."""

from dataclasses import replace

import pytest

from komainu.agent.members import replica as subject, wire
from komainu.agent.members.replica import Replica, View
from komainu.core import takeover
from komainu.core.state import RULES, Presence, Proof, Status
from komainu.model import actions as a, commands as c, events as e
from komainu.model.config import Arbitration, Cluster
from komainu.model.outcome import SUCCEEDED
from tests.unit.agent.order import Order, assert_together, digests, replica, silent, split, together
from tests.unit.core.clusters import FAILED, cluster

CLUSTER = cluster("a b c")


# --- coming together ------------------------------------------------------------------------------------------------


def test_daemons_that_start_together_form_a_cluster() -> None:
    state = assert_together(together(CLUSTER))
    assert state.formed
    assert [hold.status for hold in state.groups["db"].holds["a"]] == [Status.RUNNING, Status.RUNNING]


def test_a_daemon_alone_comes_together_with_itself() -> None:
    order = Order()
    order.add(replica("b", CLUSTER))
    order.view()
    order.deliver()
    assert_together(order)


def test_the_first_member_opens_the_round_and_the_others_do_not() -> None:
    order = Order()
    order.add(*(replica(name, CLUSTER) for name in "cba"))
    order.view()
    assert [(sender, type(message)) for sender, message in order.waiting] == [("a", wire.RoundOpened)]


def test_a_newcomer_takes_the_state_over_and_is_probed() -> None:
    order = together(CLUSTER)
    order.take("c")
    order.view()
    order.settle()
    before = order.replicas["a"].state
    order.add(replica("c", CLUSTER, life=2))
    order.view()
    order.deliver()
    state = assert_together(order)
    assert state.groups["db"].home == before.groups["db"].home
    assert [type(action) for action in order.work("c")] == [a.ProbeNode]
    assert order.work("a") == order.work("b") == []


def test_whoever_continues_is_not_disturbed() -> None:
    order = together(CLUSTER)
    run = order.replicas["a"].state.groups["db"].holds["a"][0].run
    order.take("c")
    order.view()
    order.settle()
    order.add(replica("c", CLUSTER, life=2))
    order.view()
    order.settle()
    assert assert_together(order).groups["db"].holds["a"][0].run == run


def test_actions_go_only_to_the_node_that_is_to_carry_them_out() -> None:
    order = together(CLUSTER)
    order.propose("b", e.CommandGiven("c1", "b", c.MoveGroup("db", "c")))
    order.deliver()
    assert [type(action) for action in order.work("a")] == [a.StopResource]
    assert order.work("b") == order.work("c") == []
    answers = {name: [each for each in order.asked[name] if isinstance(each, a.AnswerCommand)] for name in "abc"}
    assert [answer.accepted for answer in answers["b"]] == [True]
    assert answers["a"] == answers["c"] == []


def test_two_sides_with_histories_merge_into_that_with_the_higher_epoch() -> None:
    order = together(cluster("a b c", "none"))
    alone = split(order, "a")
    order.settle()
    alone.settle()
    assert order.replicas["b"].state.groups["db"].home == "b"
    assert alone.replicas["a"].state.groups["db"].home == "a"
    assert alone.replicas["a"].state.epoch > order.replicas["b"].state.epoch  # it lost two, the others lost one
    order.add(alone.take("a"))
    order.view()
    order.deliver()
    state = assert_together(order)
    assert [len(order.work(name)) for name in "abc"] == [0, 1, 1]
    assert state.groups["db"].home == "a"
    assert state.epoch > 3


def test_what_is_delivered_between_the_last_hello_and_the_snapshot_counts_afterwards() -> None:
    order = together(CLUSTER, settled=False)
    command = e.CommandGiven("c1", "b", c.StopGroup("db"))
    order.deliver(until=lambda: any(isinstance(message, wire.Snapshot) for _, message in order.waiting))
    order.waiting.appendleft(("b", wire.Proposal(1, command)))
    order.deliver_next()
    assert not any(isinstance(each.event, e.CommandGiven) for name in "abc" for each in order.decided[name])
    order.deliver()
    for name in "abc":
        events = [type(each.event) for each in order.decided[name]]
        assert events.index(e.CommandGiven) > events.index(e.MembersSynced)
    assert_together(order)


def test_a_snapshot_in_many_parts_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PART_BYTES", 100)
    order = together(CLUSTER, settled=False)
    parts = 0
    while order.waiting:
        parts += isinstance(order.deliver_next(), wire.Snapshot)
    assert parts > 3
    assert_together(order)


def test_armed_timers_are_armed_again_on_whoever_takes_the_state_over() -> None:
    order = Order()
    order.add(replica("a", CLUSTER))
    order.view()
    order.settle()
    order.add(replica("b", CLUSTER))
    order.view()
    order.deliver()
    assert a.ArmTimer("startup", CLUSTER.startup_sync_wait_ms) in order.asked["b"]


def test_a_snapshot_of_a_round_that_is_over_is_passed_over() -> None:
    order = together(CLUSTER, settled=False)
    order.deliver(until=lambda: any(isinstance(message, wire.Snapshot) for _, message in order.waiting))
    late = [item for item in order.waiting if isinstance(item[1], wire.Snapshot)]
    order.waiting.clear()
    order.view()
    order.settle()
    before = digests(order)
    order.waiting.extend(late)
    order.deliver()
    assert digests(order) == before


def test_only_the_one_that_was_chosen_gives_the_state() -> None:
    order = together(CLUSTER, settled=False)
    order.deliver(until=lambda: any(isinstance(message, wire.Snapshot) for _, message in order.waiting))
    (snapshot,) = (message for _, message in order.waiting)
    order.waiting.appendleft(("c", snapshot))
    order.deliver_next()
    assert not any(each.synced for each in order.replicas.values())
    order.settle()
    assert_together(order)


# --- silent members -------------------------------------------------------------------------------------------------


def test_nobody_waits_for_the_hello_of_a_silent_member() -> None:
    order = together(CLUSTER)
    order.take("c")  # it hangs: in the view, delivering nothing
    order.propose("a", silent(order, "c"))
    order.deliver()
    assert order.replicas["a"].silent == order.replicas["b"].silent == ("c",)
    view = View("x", ("a", "b", "c"), ("a", "b", "c"))
    for name in "ab":
        order.keep(order.replicas[name], order.replicas[name].view_changed(view))
    order.settle()
    assert order.replicas["a"].state.nodes["c"].presence is Presence.AGENT_LOST
    assert len(digests(order)) == 1


def test_a_daemon_that_was_called_silent_and_wakes_is_probed() -> None:
    order = together(CLUSTER)
    order.propose("b", silent(order, "a"))
    order.deliver()
    assert [type(action) for action in order.work("a")] == [a.ProbeNode]
    order.settle()
    assert_together(order)


def test_an_accusation_against_a_node_that_nobody_knows_is_passed_over() -> None:
    order = together(CLUSTER)
    before = digests(order)
    for event in (e.AgentSilent("z", ""), e.NodeLeaving("z", ""), e.ActionFinished("1", "z", SUCCEEDED)):
        order.propose("a", event)
    order.propose("a", e.NodeProbed("1", "z", ()))
    order.propose("a", e.MonitorChanged("z", "db", "disk", "1", FAILED))
    order.deliver()
    assert digests(order) == before


def test_a_view_is_made_by_each_member_from_its_own_bus_and_never_taken_from_others() -> None:
    order = together(CLUSTER)
    before = digests(order)
    order.propose("a", e.ViewChanged("x", ("a",), ("a",)))
    order.propose("a", e.MembersSynced("x", "a", ()))
    order.deliver()
    assert digests(order) == before


# --- leaving --------------------------------------------------------------------------------------------------------


def test_a_daemon_that_was_asked_to_leave_says_so_in_every_hello() -> None:
    order = together(CLUSTER)
    b = order.replicas["b"]
    order.propose("b", e.NodeLeaving("b", b.incarnation))
    order.deliver()
    order.propose("a", silent(order, "b"))
    order.deliver()
    assert b.state.nodes["b"].leaving
    assert assert_together(order).nodes["b"].incarnation == b.incarnation != "b1.1"


def test_a_clean_leave_stays_true_for_whoever_lags_behind() -> None:
    """`b` was silent while it left, and woke. What it delivered after that, `a` did not get before it was cut off.

    `a` takes the clean leave for proof. So nothing may be started on `b` in what `a` did not see.
    """
    order = together(cluster("a b"))
    order.propose("a", e.CommandGiven("c1", "a", c.StopGroup("db")))
    order.settle()
    b = order.replicas["b"]
    order.propose("b", e.NodeLeaving("b", b.incarnation))
    order.propose("a", silent(order, "b"))
    order.deliver(until=lambda: any(isinstance(message, wire.Snapshot) for _, message in order.waiting))
    a_side = Order("a-alone-")
    a_side.add(order.take("a"))
    assert a_side.replicas["a"].state.nodes["b"].proof is Proof.CLEAN_LEAVE

    order.settle()
    order.propose("b", e.CommandGiven("c2", "b", c.StartGroup("db", "b")))
    order.settle()
    a_side.view()
    a_side.settle()
    a_side.propose("a", e.CommandGiven("c3", "a", c.StartGroup("db", "a")))
    a_side.settle()

    running = [
        name
        for name, side in (("a", a_side), ("b", order))
        if side.replicas[name].state.groups["db"].holds[name][0].status is not Status.STOPPED
    ]
    assert running == ["a"]


# --- proposals ------------------------------------------------------------------------------------------------------


def test_what_was_not_heard_is_remembered_until_it_is() -> None:
    order = together(CLUSTER)
    b = order.replicas["b"]
    first = b.propose(e.TimerFired("x"))
    second = b.propose(e.TimerFired("y"))
    assert b.unheard() == [*first, *second]
    order.send("b", first)
    order.deliver()
    assert b.unheard() == second


def test_somebody_elses_proposal_of_that_number_is_not_ones_own() -> None:
    order = together(CLUSTER)
    b = order.replicas["b"]
    (mine,) = b.propose(e.TimerFired("x"))
    assert isinstance(mine, wire.Proposal)
    order.send("a", [wire.Proposal(mine.number, e.TimerFired("z"))])
    order.deliver()
    assert b.unheard() == [mine]


def test_a_command_is_not_repeated() -> None:
    """It must not arrive after the situation of which it speaks."""
    b = replica("b", CLUSTER)
    assert len(b.propose(e.CommandGiven("c1", "b", c.StopGroup("db")))) == 1
    assert b.unheard() == []


def test_an_outcome_that_arrives_twice_counts_once() -> None:
    order = together(CLUSTER)
    order.propose("a", e.CommandGiven("c1", "a", c.StopGroup("db")))
    order.deliver()
    (stop,) = order.work("a")
    proposal = order.replicas["a"].propose(e.ActionFinished(stop.id, "a", SUCCEEDED))
    order.send("a", proposal)
    order.deliver()
    before = digests(order)
    order.send("a", proposal)
    order.deliver()
    assert digests(order) == before


# --- different configurations ---------------------------------------------------------------------------------------


def other(**changes: object) -> Cluster:
    """The configuration as another node has it."""
    return CLUSTER.model_copy(update=changes)


def test_of_two_configurations_that_of_the_state_goes_on_and_an_alert_says_so() -> None:
    newer = other(version=2, arbitration=Arbitration(kind="none"))
    order = Order()
    order.add(replica("a", CLUSTER), replica("b", newer))
    order.view()
    order.settle()
    assert assert_together(order).cluster == newer
    assert subject.DIFFERENT_CONFIGURATION.code in order.alerts("a")
    assert subject.DIFFERENT_CONFIGURATION.code in order.alerts("b")


def test_equal_configurations_are_no_alert() -> None:
    assert subject.DIFFERENT_CONFIGURATION.code not in together(CLUSTER).alerts("a")


def test_a_member_that_the_other_configuration_does_not_have_is_no_crash() -> None:
    order = Order()
    order.add(replica("a", other(version=2, nodes=CLUSTER.nodes[:2], groups=())), replica("c", CLUSTER))
    view = View("x", ("a", "c"), ("a", "c"))
    for each in tuple(order.replicas.values()):
        order.keep(each, each.view_changed(view))
    order.deliver()
    assert len(digests(order)) == 1
    assert tuple(order.replicas["a"].state.nodes) == ("a", "b")


# --- divergence -----------------------------------------------------------------------------------------------------


def diverge(each: Replica) -> None:
    """A defect: this member computed otherwise."""
    each.state = replace(each.state, counter=each.state.counter + 1)


def test_equal_states_are_found_equal() -> None:
    order = together(CLUSTER)
    order.send("a", order.replicas["a"].ask_digest())
    order.deliver()
    assert all(order.alerts(name).count(subject.DIFFERENT_STATE.code) == 0 for name in "abc")
    assert order.replicas["b"].incarnation == "b1.1"


@pytest.mark.parametrize("odd", ["b", "c"])
def test_a_state_that_differs_is_found_and_taken_over_afresh(odd: str) -> None:
    order = together(CLUSTER)
    diverge(order.replicas[odd])
    order.send("a", order.replicas["a"].ask_digest())
    order.deliver()
    assert subject.DIFFERENT_STATE.code in order.alerts(odd)
    assert subject.DIFFERENT_STATE.code not in order.alerts("a")
    assert [type(action) for action in order.work(odd)] == [a.ProbeNode]
    order.settle()
    assert_together(order)


def test_when_the_asker_is_odd_all_come_together_all_the_same() -> None:
    order = together(CLUSTER)
    diverge(order.replicas["a"])
    order.send("a", order.replicas["a"].ask_digest())
    order.settle()
    assert_together(order)


def test_a_newcomer_that_came_in_between_question_and_answer_is_not_odd() -> None:
    """When it was asked it had another history, and by the answer it has that of all: nothing can be compared."""
    order = together(CLUSTER)
    order.take("c")
    order.view()
    order.settle()
    order.add(replica("c", CLUSTER, life=2))
    order.view()
    order.deliver_next()  # the round is open
    question = order.replicas["a"].ask_digest()[0]
    order.waiting.appendleft(("a", question))
    order.deliver_next()
    answers = [item for item in order.waiting if isinstance(item[1], wire.DigestTold)]
    for answer in answers:
        order.waiting.remove(answer)
    order.deliver()
    order.waiting.extend(answers)
    order.deliver()
    assert subject.DIFFERENT_STATE.code not in order.alerts("c")
    assert order.replicas["c"].incarnation == "c2.1"


def test_an_answer_without_a_question_is_passed_over() -> None:
    order = together(CLUSTER)
    order.send("a", [wire.DigestTold(99, "different")])
    order.deliver()
    assert subject.DIFFERENT_STATE.code not in order.alerts("b")


# --- broken laws ----------------------------------------------------------------------------------------------------


def test_a_decision_that_breaks_a_law_is_told_and_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    order = together(CLUSTER)
    monkeypatch.setattr(takeover, "hindrance", lambda state, group, home: None)
    state = order.replicas["b"].state
    order.take("a")
    order.view()
    assert subject.BROKEN.code in order.alerts("b")
    assert order.replicas["b"].state is state
    assert order.decided["b"][-1].actions == (order.asked["b"][-1],)


def test_ranks_follow_the_order_of_the_members() -> None:
    order = together(CLUSTER)
    assert [order.replicas[name].rank for name in "abc"] == [0, 1, 2]
    order.take("a")
    order.view()
    assert [order.replicas[name].rank for name in "bc"] == [0, 1]
    assert replica("c", CLUSTER).rank == 0


# --- releases side by side ------------------------------------------------------------------------------------------


def test_everybody_decides_by_the_rules_of_the_oldest_member(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 1: during a rolling upgrade the newer release decides as the older one does."""
    order = together(CLUSTER)
    of_a = order.replicas["a"].state
    newer = {name: replace(facts, rules=facts.rules + 1) for name, facts in of_a.nodes.items() if name != "b"}
    order.replicas["a"].state = replace(of_a, nodes={**of_a.nodes, **newer})
    order.replicas["a"].rules = RULES + 1
    used: list[int] = []
    real = subject.step
    monkeypatch.setattr(subject, "step", lambda state, event, rules: (used.append(rules), real(state, event))[1])

    order.replicas["a"].delivered("b", wire.Proposal(99, e.TimerFired("none")))
    order.replicas["a"].view_changed(View("2-2", ("a", "c"), ("a", "c")))
    order.replicas["a"].delivered("c", wire.Proposal(1, e.TimerFired("none")))

    assert used == [RULES, RULES + 1, RULES + 1]


def test_an_old_daemon_that_the_others_lost_sight_of_does_not_stumble_over_their_rules() -> None:
    order = together(CLUSTER)
    of_a = order.replicas["a"].state
    newer = {name: replace(facts, rules=facts.rules + 1) for name, facts in of_a.nodes.items()}
    newer["a"] = replace(of_a.nodes["a"], presence=Presence.AGENT_LOST)
    order.replicas["a"].state = replace(of_a, nodes=newer)

    order.replicas["a"].delivered("b", wire.Proposal(99, e.TimerFired("none")))

    assert order.replicas["a"].state.nodes == newer
    assert order.replicas["a"].lineage != order.replicas["b"].lineage  # what it decided they may have decided otherwise

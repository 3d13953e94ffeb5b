"""A failover, and the end of recovery (C4, C6, C8)."""

from dataclasses import replace

import pytest

from komainu.core import recovery, timers
from komainu.core.state import GroupFacts, Hold, Status, Wanted
from komainu.model import commands as c, events as e
from komainu.model.config import Group, Recovery
from tests.unit.core.clusters import BROKEN, FAILED, Life, altered, cluster, formed, group, resource


def life_with(nodes: str = "a b", final: str = "none", failovers: int = 1, **group: object) -> Life:
    """A disk and a server that is never restarted on the same node."""
    policy = Recovery.model_validate(
        {"restarts": 0, "failovers": failovers, "final_action": final, "stop_final_action": "none"}
    )
    parts = (resource("disk", recovery=policy), resource("server", recovery=policy, after="disk"))
    told = {"name": "db", "nodes": nodes.split(), "resources": parts, **group}
    return formed(cluster(nodes, groups=[Group.model_validate(told)]))


@pytest.mark.parametrize(
    ("maintenance", "change", "recovers", "ends"),
    [
        (False, {}, True, True),
        (True, {}, False, False),
        (False, {"suspended": True}, False, False),
        (False, {"ended": True}, False, False),
        (False, {"leaving": True}, False, True),
    ],
)
def test_when_nobody_wants_recovery(maintenance: bool, change: dict[str, bool], recovers: bool, ends: bool) -> None:
    state = replace(formed().state, maintenance=maintenance)
    state = state.with_node("a", replace(state.nodes["a"], **change))  # type: ignore[arg-type]
    assert (recovery.may_recover(state, "a"), recovery.may_end(state, "a")) == (recovers, ends)


@pytest.mark.parametrize("switch", [c.SetMaintenance(True), c.SuspendNode("a")])
def test_what_failed_meanwhile_is_recovered_afterwards(switch: c.Command) -> None:
    life = life_with()
    life.command(switch)
    life.check("a", FAILED)
    assert (life.group().home, life.stops(), life.starts()) == ("a", (), ())
    life.command(c.SetMaintenance(False) if isinstance(switch, c.SetMaintenance) else c.ResumeNode("a"))
    assert life.group().home == "b"


# --- failover -------------------------------------------------------------------------------------------------------


def test_a_failover_bars_the_node_and_counts() -> None:
    life = life_with("a b c")
    life.check("a", FAILED)
    facts = life.group()
    assert (facts.home, facts.barred, facts.failovers) == ("b", ("a",), 1)
    assert recovery.FAILS_OVER.code in life.codes()
    assert facts.because[-1].code == recovery.FAILS_OVER.code
    (timer,) = facts.recent
    assert life.state.timers[timer] == 3_600_000


def test_each_failover_has_a_timer_of_its_own() -> None:
    life = life_with("a b c", failovers=9)
    for home in ("a", "b"):
        life.check(home, FAILED)
        life.settle()
    assert len(set(life.group().recent)) == 2
    first = life.group().recent[0]
    life.happens(e.TimerFired(first))
    assert first not in life.group().recent
    assert len(life.group().recent) == 1


@pytest.mark.parametrize("group", [{"failover": "manual"}, {"nodes": "a"}])
def test_no_failover_against_the_attribute_or_without_a_node(group: dict[str, str]) -> None:
    life = life_with(**group)  # type: ignore[arg-type]
    assert recovery.failover(life.state, life.state.cluster.group("db"), "x", BROKEN) is None


def test_no_failover_of_a_group_that_has_no_home() -> None:
    life = life_with()
    life.state = life.state.with_group("db", replace(life.group(), home=None))
    assert recovery.failover(life.state, life.state.cluster.group("db"), "x", BROKEN) is None


def test_so_many_failovers_in_a_while_and_no_more() -> None:
    """Whatever the counters say: a group that goes to and fro for ever serves nobody (C8)."""
    life = life_with(failovers=9, failover_limit=2)
    life.check("a", FAILED)
    assert recovery.TOO_MANY.code not in life.codes()
    life.settle()
    life.fire("calm")
    life.check("b", FAILED)
    assert life.group().home == "a"
    assert recovery.TOO_MANY.code in life.codes()
    life.settle()
    life.fire("calm")
    life.check("a", FAILED)
    assert (life.group().home, life.group().given_up) == ("a", True)


def test_the_failovers_are_forgiven_one_by_one() -> None:
    life = life_with(failovers=9, failover_limit=1)
    life.check("a", FAILED)
    life.settle()
    life.fire("calm")
    life.fire("failover")
    life.check("b", FAILED)
    assert life.group().home == "a"


def test_an_operator_forgives_all_of_them() -> None:
    life = life_with(failovers=9, failover_limit=1)
    life.check("a", FAILED)
    life.settle()
    assert life.command(c.RestoreGroup("db")).accepted
    assert (life.group().recent, life.group().barred, life.group().failovers) == ((), (), 0)
    life.check("b", FAILED)
    assert life.group().home == "a"


def test_a_move_is_no_failover() -> None:
    life = life_with(failover_limit=1)
    for node in ("b", "a"):
        life.command(c.MoveGroup("db", node))
        life.settle()
    assert (life.group().recent, life.group().failovers) == ((), 0)


# --- the end --------------------------------------------------------------------------------------------------------


def test_with_none_it_stays_failed() -> None:
    life = life_with(failovers=0)
    life.check("a", FAILED)
    assert life.group().given_up
    assert life.statuses("a") == (Status.RUNNING, Status.FAILED)
    assert life.codes()[-1] == recovery.GIVEN_UP.code
    assert life.starts() == life.stops() == ()


def test_with_stop_resource_it_is_stopped_and_left_so() -> None:
    life = life_with(failovers=0, final="stop-resource")
    life.check("a", FAILED, "disk")
    assert life.codes()[-1] == recovery.STOPPED.code
    life.settle()
    assert (life.group().parked, life.group().given_up, life.group().wanted) == (("disk",), False, Wanted.UP)
    assert life.statuses("a") == (Status.STOPPED, Status.STOPPED)  # what stands on it goes, too
    life.command(c.StartPart("db", "server"))
    life.settle()
    assert life.statuses("a") == (Status.RUNNING, Status.RUNNING)


def test_with_stop_group_the_whole_group_is_stopped() -> None:
    life = life_with(failovers=0, final="stop-group")
    life.check("a", FAILED)
    assert life.codes()[-1] == recovery.STOPPED.code
    life.settle()
    assert (life.group().wanted, life.group().home) == (Wanted.DOWN, None)
    assert life.statuses("a") == (Status.STOPPED, Status.STOPPED)
    assert life.starts() == ()


def test_with_shutdown_the_group_goes_with_the_node_and_starts_on_the_other_one() -> None:
    life = life_with(failovers=0, final="shutdown")
    life.check("a", FAILED)
    assert (life.node("a").leaving, life.node("a").then) == (True, "shutdown")
    assert (life.group().home, life.group().given_up) == ("b", False)
    life.settle()
    assert life.statuses("b") == (Status.RUNNING, Status.RUNNING)


def test_what_was_started_in_vain_has_a_final_action_of_its_own() -> None:
    policy = Recovery(start_retries=0, start_failovers=0, start_final_action="stop-group", final_action="reset")
    groups = [Group(name="db", nodes=("a", "b"), resources=(resource("disk", recovery=policy),))]
    life = Life(cluster(groups=groups))
    life.view("a b")
    life.sync("a", "a b")
    while not life.starts():
        life.finish(life.under_way[0])
    life.finish(life.under_way[0], FAILED)
    assert life.group().wanted is Wanted.DOWN
    assert not life.node("a").leaving


def test_cleared_is_a_group_with_its_counters_at_nothing() -> None:
    life = life_with()
    held = Hold(Status.RUNNING, run="1", start_failures=2, restarts=3, stop_failures=4, epoch=5)
    facts = replace(life.state.with_hold("db", "a", 0, held).groups["db"], barred=("b",), failovers=3, given_up=True)
    facts = recovery.cleared(replace(facts, parked=("disk",), overdue=("x",), recent=("failover:db:1",)))
    assert facts.holds["a"][0] == Hold(Status.RUNNING, run="1", epoch=5)
    assert (facts.barred, facts.failovers, facts.given_up, facts.parked, facts.overdue) == ((), 0, False, (), ())
    assert facts.recent == ("failover:db:1",)  # that bound outlives an operator's start unless it says otherwise


def test_a_group_with_a_parked_resource_has_its_failovers_back_as_well() -> None:
    life = life_with(failovers=1)
    life.check("a", FAILED)
    life.settle()
    life.command(c.StopPart("db", "server"))
    life.settle()
    life.state = life.state.with_group("db", replace(life.group(), failovers=1, barred=("a",)))
    life.sync("a")
    assert [each for each in life.state.timers if each.startswith("calm")]


def test_the_retry_times_are_those_of_the_timers() -> None:
    """A stop that failed is tried again later than a start without an answer: it may hang."""
    assert timers.STUCK_RETRY_MS > timers.UNKNOWN_RETRY_MS


# --- another configuration ------------------------------------------------------------------------------------------


def given_up_and_configured(**changes: object) -> GroupFacts:
    """What is known of a group at the end of its recovery, after another configuration came into force."""
    subject = formed(cluster(groups=[group("web", "a b", "vip http"), group("db", "a b")]))
    facts = replace(subject.group("web"), given_up=True, overdue=("db",), parked=("vip",), barred=("b", "z"))
    subject.state = subject.state.with_group("web", facts)
    wanted = altered(subject.state.cluster, **changes)
    subject.happens(e.CommandGiven("c9", "b", c.ChangeConfiguration(wanted, "me", "because")))
    subject.judge("a b")
    assert subject.state.cluster.version == 2
    return subject.group("web")


def test_recovery_at_its_end_begins_anew_for_a_group_that_changed() -> None:
    facts = given_up_and_configured(groups=(group("web", "a b", "vip http", failback="auto"), group("db", "a b")))
    assert (facts.given_up, facts.overdue, facts.parked, facts.barred) == (False, (), ("vip",), ())


def test_what_did_not_change_is_not_tried_again_for_that() -> None:
    """Found by the simulator: each of many changes gave a resource that cannot start another attempt."""
    facts = given_up_and_configured()
    assert (facts.given_up, facts.overdue, facts.parked, facts.barred) == (True, ("db",), ("vip",), ("b",))

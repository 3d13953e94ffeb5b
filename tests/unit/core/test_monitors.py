"""Monitors of their own: rounds, and the steps of recovery (C6, C8)."""

from dataclasses import replace

import pytest

from komainu.core import monitors, recovery
from komainu.core.state import MonitorFacts, Status, Verdict, Wanted, Watch
from komainu.core.step import step
from komainu.model import actions as a, commands as c, events as e
from komainu.model.config import Monitor
from komainu.model.outcome import SUCCEEDED, Outcome, Result
from tests.unit.core.clusters import BROKEN, FAILED, SILENCE, UNKNOWN, Life, cluster, formed, group, monitor

CAUTION = Outcome(Result.SUCCEEDED, BROKEN, "why")
RUNNING = (Status.RUNNING, Status.RUNNING)


def watched(*monitors: Monitor, nodes: str = "a b") -> Life:
    """A group `web` of `vip` and `http`, a group `db`, and these monitors."""
    groups = [group("web", nodes, "vip http"), group("db", nodes)]
    return formed(cluster(nodes, groups=groups, monitors=monitors))


# --- rounds ---------------------------------------------------------------------------------------------------------


def test_one_that_always_runs_checks_on_every_node_of_its_list() -> None:
    life = watched(monitor("ping1", nodes="a c"), nodes="a b c")
    assert list(life.state.monitors["ping1"].on) == ["a", "c"]
    rounds = [life.watch(node).round for node in "ac"]
    assert all(rounds)
    assert rounds[0] != rounds[1]


@pytest.mark.parametrize("target", ["web", "web.http"])
def test_one_with_a_target_checks_where_that_is_active(target: str) -> None:
    life = Life(cluster(groups=[group("web", parts="vip http")], monitors=[monitor("ping1", "web", target)]))
    life.view("a b")
    life.sync("a", "a b")
    while life.statuses("a", "web") != RUNNING:
        assert not life.watch("a").round
        life.finish(life.under_way[0])
    assert life.watch("a").round
    assert not life.watch("b").round
    life.command(c.MoveGroup("web", "b"))
    assert not life.watch("a").round  # at once: what is being stopped on purpose is in no error
    life.settle()
    assert life.watch("b").round
    assert not life.watch("a").round


def test_one_that_watches_a_resource_does_not_wait_for_the_rest_of_the_group() -> None:
    life = watched(monitor("ping1", "web", "web.vip"))
    first = life.watch("a").round
    life.check("a", FAILED, "http", "web")
    assert life.watch("a").round == first
    life.check("a", FAILED, "vip", "web")
    assert not life.watch("a").round
    life.settle()
    assert life.watch("a").round not in ("", first)


@pytest.mark.parametrize(
    "happen",
    [
        lambda life: life.view("b"),
        lambda life: life.view("b", nodes="a b"),
        lambda life: life.silent("a"),
        lambda life: life.leave("a"),
        lambda life: life.command(c.SuspendNode("a")),
        lambda life: life.command(c.SuspendMonitor("ping1", "a")),
        lambda life: life.command(c.StopNode("a", "stop")),
    ],
)
def test_nobody_checks_on_a_node_that_is_away_leaves_or_is_suspended(happen: object) -> None:
    life = watched(monitor("ping1", "web"))
    life.finds("a", FAILED)
    happen(life)  # type: ignore[operator]
    assert life.watch("a").round == ""
    assert (life.watch("a").verdict, life.watch("a").said) == (None, None)
    assert life.watch("b").round


def test_a_node_that_is_back_begins_a_new_round_once_it_was_probed() -> None:
    life = watched(monitor("ping1"))
    first = life.watch("a").round
    life.view("b")
    life.back("a")
    assert life.watch("a").round not in ("", first)


def test_a_verdict_counts_in_its_round_and_nowhere_else() -> None:
    life = watched(monitor("ping1", "web", restarts=3))
    now = life.watch("a").round
    for monitor_name, node, round_ in (
        ("ping1", "a", "1.other.1"),
        ("ping1", "a", ""),
        ("ping1", "b", now),
        ("ping1", "z", now),
        ("other", "a", now),
    ):
        before = life.state
        assert life.happens(e.MonitorJudged(node, monitor_name, round_, FAILED)) == ()
        assert life.state == before
    life.finds("a", FAILED)
    life.settle()
    before = life.state
    assert life.happens(e.MonitorJudged("a", "ping1", now, FAILED)) == ()
    assert life.state == before


def test_a_verdict_without_a_round_counts_as_little_as_one_of_another() -> None:
    life = watched(monitor("ping1", "web", "web"))
    assert life.watch("b").round == ""
    before = life.state
    life.happens(e.MonitorJudged("b", "ping1", "", FAILED))
    assert life.state == before


# --- verdicts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (SUCCEEDED, Verdict.NORMAL),
        (CAUTION, Verdict.CAUTION),
        (FAILED, Verdict.ERROR),
        (UNKNOWN, Verdict.UNKNOWN),
        (Outcome(Result.FAILED), Verdict.ERROR),
    ],
)
def test_what_a_verdict_means(outcome: Outcome, verdict: Verdict) -> None:
    life = watched(monitor("ping1"))
    life.finds("b", outcome)
    assert (life.watch("b").verdict, life.watch("b").said) == (verdict, outcome.said)


def test_a_verdict_is_told_once_with_its_detail() -> None:
    life = watched(monitor("ping1", "web", nodes="b"))
    assert life.finds("b", CAUTION) == (a.RaiseAlert(BROKEN, "why"),)
    assert life.finds("b", CAUTION) == ()
    assert life.finds("b", UNKNOWN) == (a.RaiseAlert(SILENCE, UNKNOWN.detail),)
    life.finds("b", SUCCEEDED)
    assert life.codes() == (monitors.NORMAL_AGAIN.code,)
    assert life.finds("b", SUCCEEDED) == ()


def test_the_first_good_verdict_of_a_round_is_no_news() -> None:
    life = watched(monitor("ping1"))
    assert life.finds("a", SUCCEEDED) == ()


@pytest.mark.parametrize("outcome", [SUCCEEDED, CAUTION, UNKNOWN])
def test_only_an_error_is_recovered(outcome: Outcome) -> None:
    """A check without an answer is neither normal nor an error (N4)."""
    life = watched(monitor("ping1", "web", restarts=1, failovers=1, final_action="shutdown"))
    life.finds("a", outcome)
    assert life.starts() == life.stops() == ()
    assert life.group("web").home == "a"
    assert not life.node("a").leaving


# --- reactivations, failovers, final action -------------------------------------------------------------------------


def test_reactivations_then_failovers_then_the_end() -> None:
    life = watched(monitor("ping1", "web.http", "web.http", "a b c", restarts=2, failovers=1), nodes="a b c")
    for count in (1, 2):
        life.finds("a", FAILED)
        assert monitors.REACTIVATES.code in life.codes()
        assert life.stops() == ("web.http on a",)
        assert life.watch("a").restarts == count
        life.settle()
        assert life.statuses("a", "web") == RUNNING
    life.finds("a", FAILED)
    assert life.group("web").home == "b"
    assert recovery.FAILS_OVER.code in life.codes()
    assert (life.watch("a").restarts, life.state.monitor("ping1").failovers) == (0, 1)
    life.settle()
    for _ in range(2):
        life.finds("b", FAILED)
        life.settle()
    life.finds("b", FAILED)
    assert monitors.AT_ITS_END.code in life.codes()
    assert life.watch("b").ended
    assert (life.group("web").home, life.stops(), life.starts()) == ("b", (), ())
    assert life.statuses("b", "web") == RUNNING  # with `none` it goes on as it is
    life.sync("a")
    assert life.codes() == ()


def test_a_whole_group_is_reactivated_from_above() -> None:
    life = watched(monitor("ping1", "web", restarts=1))
    life.finds("a", FAILED)
    stopped = list(life.stops())
    while not life.starts():
        life.finish(life.under_way[0])
        stopped += life.stops()
    assert stopped == ["web.http on a", "web.vip on a"]
    life.settle()
    assert life.statuses("a", "web") == RUNNING


def test_a_reactivation_counts_against_the_monitor_and_not_against_the_resource() -> None:
    life = watched(monitor("ping1", "web.http", restarts=1))
    life.finds("a", FAILED)
    life.settle()
    hold = life.hold("a", "http", "web")
    assert (hold.restarts, hold.start_failures, life.watch("a").restarts) == (0, 0, 1)


def test_without_another_node_a_failover_is_the_end() -> None:
    life = watched(monitor("ping1", "web", failovers=1, final_action="stop-group"))
    life.view("a")
    life.finds("a", FAILED)
    assert (life.group("web").wanted, life.group("web").home) == (Wanted.DOWN, None)


def test_with_none_for_both_the_final_action_comes_at_once() -> None:
    life = watched(monitor("ping1", "web.http", final_action="stop-resource"))
    life.finds("a", FAILED)
    assert life.group("web").parked == ("http",)
    assert life.stops() == ("web.http on a",)


@pytest.mark.parametrize("restarts", [0, 3])
def test_a_node_is_neither_reactivated_nor_failed_over(restarts: int) -> None:
    life = watched(monitor("ping1", "node", restarts=restarts, failovers=restarts, final_action="reboot"))
    life.finds("b", FAILED)
    assert (life.node("b").leaving, life.node("b").then) == (True, "reboot")


def test_all_groups_are_those_on_the_node_of_the_monitor() -> None:
    life = watched(monitor("ping1", "all-groups", restarts=1, failovers=1))
    life.command(c.MoveGroup("db", "b"))
    life.settle()
    life.finds("a", FAILED)
    assert life.stops() == ("web.http on a",)
    life.settle()
    life.finds("a", FAILED)
    life.settle()
    assert (life.group("web").home, life.group("db").home) == ("b", "b")
    life.finds("b", FAILED)
    assert life.stops() == ("web.http on b", "db.db1 on b")


def test_a_target_that_is_elsewhere_stopped_or_parked_is_not_recovered() -> None:
    for order in (c.MoveGroup("web", "b"), c.StopGroup("web"), c.StopPart("web", "http")):
        life = watched(monitor("ping1", "web.http", restarts=1, final_action="stop-group"))
        life.command(order)
        life.settle()
        before = life.group("web")
        life.finds("a", FAILED)
        assert life.group("web") == before
        assert life.codes() == ("TEST1",)
        assert life.watch("a").restarts == 0


def test_one_recovery_at_a_time_for_one_target() -> None:
    life = watched(monitor("ping1", "web.http", restarts=1), monitor("url1", "web.vip", restarts=1))
    life.finds("a", FAILED)
    assert life.stops() == ("web.http on a",)
    life.finds("a", FAILED, "url1")
    assert life.stops() == ()
    life.finish(life.under_way[0])
    assert life.stops() == ()
    life.finish(life.under_way[0])
    assert life.stops() == ("web.http on a",)  # now it is the turn of vip, with what stands on it
    assert life.watch("a", "url1").restarts == 1


def test_recoveries_of_different_groups_do_not_wait_for_each_other() -> None:
    life = watched(monitor("ping1", "web", restarts=1), monitor("sql1", "db", restarts=1))
    life.finds("a", FAILED)
    life.finds("a", FAILED, "sql1")
    assert life.stops() == ("db.db1 on a",)


@pytest.mark.parametrize("switch", [c.SetMaintenance(True), c.SetMaintenance(False)])
def test_what_was_found_under_the_maintenance_switch_is_recovered_after_it(switch: c.SetMaintenance) -> None:
    life = watched(monitor("ping1", "web", restarts=1))
    life.state = replace(life.state, maintenance=True)
    life.finds("a", FAILED)
    assert life.stops() == ()
    life.command(switch)
    assert life.stops() == (() if switch.on else ("web.http on a",))


def test_what_recovery_gave_up_is_left_alone() -> None:
    life = watched(monitor("ping1", "web", restarts=1))
    life.state = life.state.with_group("web", replace(life.group("web"), given_up=True))
    life.finds("a", FAILED)
    assert life.stops() == ()
    assert life.watch("a").restarts == 0


def test_no_round_begins_before_the_target_is_at_rest_again() -> None:
    life = watched(monitor("ping1", "web", restarts=1))
    life.finds("a", FAILED)
    while life.statuses("a", "web") != RUNNING:
        assert (life.watch("a").round, life.watch("a").recovering) == ("", True)
        life.finish(life.under_way[0])
    assert life.watch("a").round
    assert not life.watch("a").recovering


# --- the script -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [SUCCEEDED, FAILED, UNKNOWN])
def test_the_script_runs_before_every_step_and_recovery_goes_on_however_it_ends(outcome: Outcome) -> None:
    life = watched(monitor("ping1", "web", restarts=1, failovers=1, script="/mend"))
    for home in ("a", "b"):
        life.finds("a", FAILED)
        (script,) = life.asked(a.RunScript)
        assert (script.node, script.monitor) == ("a", "ping1")
        assert FAILED.said in script.because
        assert life.stops() == ()
        life.finds("a", FAILED)
        assert life.asked(a.RunScript) == ()  # it is under way
        life.finish(script, outcome)
        assert life.stops() == ("web.http on a",)
        life.settle()
        assert life.group("web").home == home


def test_the_end_of_another_script_changes_nothing() -> None:
    life = watched(monitor("ping1", "web", restarts=1, script="/mend"))
    life.finds("a", FAILED)
    (script,) = life.asked(a.RunScript)
    before = life.state
    life.happens(e.ActionFinished(script.id, "b", SUCCEEDED))
    life.happens(e.ActionFinished("1.r.99", "a", SUCCEEDED))
    assert life.state == before


def test_a_script_whose_round_is_over_has_no_consequence() -> None:
    life = watched(monitor("ping1", "web", restarts=1, script="/mend"))
    life.finds("a", FAILED)
    (script,) = life.asked(a.RunScript)
    life.command(c.SuspendMonitor("ping1", None))
    life.command(c.ResumeMonitor("ping1", None))
    before = life.state
    assert life.finish(script) == ()
    assert life.state == before


def test_a_script_that_mended_it_is_run_at_the_next_error() -> None:
    life = watched(monitor("ping1", "web", restarts=1, script="/mend"))
    life.finds("a", FAILED)
    (script,) = life.asked(a.RunScript)
    life.finds("a", SUCCEEDED)
    life.finish(script)
    life.finds("a", FAILED)
    assert len(life.asked(a.RunScript)) == 1


def test_a_script_that_has_run_in_vain_counts_for_this_error_alone() -> None:
    """While its step waits for its turn the monitor is normal again; the next error is another one."""
    life = watched(monitor("ping1", "web", restarts=1, script="/mend"))
    life.finds("a", FAILED)
    (script,) = life.asked(a.RunScript)
    life.check("a", FAILED, "http", "web")  # the group has something else to do
    life.finish(script)
    assert life.watch("a").scripted
    life.finds("a", SUCCEEDED)
    life.settle()
    life.finds("a", FAILED)
    assert len(life.asked(a.RunScript)) == 1


# --- counters -------------------------------------------------------------------------------------------------------


def test_the_counters_begin_again_after_it_was_normal_for_long_enough() -> None:
    life = watched(monitor("ping1", "web", restarts=1, failovers=1, reset_after_ms=5_000))
    for _ in range(3):
        life.finds("a", FAILED)
        life.settle()
        life.finds("a", SUCCEEDED)
        assert [timer.after_ms for timer in life.asked(a.ArmTimer)] == [5_000]
        life.fire("normal")
        assert life.watch("a").restarts == 0
    assert life.group("web").home == "a"


@pytest.mark.parametrize("outcome", [CAUTION, UNKNOWN, FAILED])
def test_what_is_not_normal_ends_the_wait(outcome: Outcome) -> None:
    life = watched(monitor("ping1", "web", restarts=3))
    life.finds("a", FAILED)
    life.settle()
    life.finds("a", SUCCEEDED)
    life.finds("a", outcome)
    assert not [timer for timer in life.state.timers if timer.startswith("normal")]


def test_an_end_that_is_over_is_forgotten() -> None:
    life = watched(monitor("ping1", "web"))
    life.finds("a", FAILED)
    assert life.watch("a").ended
    life.finds("a", SUCCEEDED)
    life.fire("normal")
    assert not life.watch("a").ended
    life.finds("a", FAILED)
    assert monitors.AT_ITS_END.code in life.codes()


@pytest.mark.parametrize(
    "command",
    [c.MoveGroup("web", "b"), c.RestoreGroup("web"), c.ResumeMonitor("ping1", None), c.StartPart("web", "http")],
)
def test_an_operator_has_them_counted_anew(command: c.Command) -> None:
    life = watched(monitor("ping1", "web", restarts=1))
    life.finds("a", FAILED)
    life.settle()
    life.state = life.state.with_watch("ping1", "a", replace(life.watch("a"), ended=True))
    if isinstance(command, c.RestoreGroup):
        life.state = life.state.with_group("web", replace(life.group("web"), failovers=1))
    if isinstance(command, c.StartPart):
        life.state = life.state.with_group("web", replace(life.group("web"), parked=("http",)))
    if isinstance(command, c.ResumeMonitor):
        life.command(c.SuspendMonitor("ping1", None))
    assert life.command(command).accepted
    assert (life.watch("a").restarts, life.watch("a").ended) == (0, False)


# --- what the state keeps -------------------------------------------------------------------------------------------


def test_what_has_nothing_to_say_has_no_entry() -> None:
    life = watched(monitor("ping1", "web", "web"))
    assert life.state.monitors == {"ping1": MonitorFacts(on={"a": Watch(round=life.watch("a").round)})}
    life.command(c.StopGroup("web"))
    assert life.state.monitors == {}


def test_rules_before_the_second_know_no_monitors_of_their_own() -> None:
    state = watched(monitor("ping1")).state
    bare = replace(state, monitors={})
    view = e.ViewChanged("r9", ("a",), ("a",))
    assert step(bare, view, 1).state.monitors == {}
    assert step(bare, view, 2).state.monitors

"""Which deadlines are armed, and what their passing changes."""

from dataclasses import replace

import pytest

from komainu.core import membership, timers
from komainu.core.state import Presence, Status
from komainu.model import actions as a, commands as c, events as e
from komainu.model.config import Group, Recovery
from komainu.model.outcome import SUCCEEDED
from tests.unit.core.clusters import FAILED, UNKNOWN, Life, altered, cluster, formed, group, remade, resource

NEVER = Recovery(start_retries=0, restarts=0, failovers=0)


def test_the_startup_wait_begins_at_once_and_ends_when_all_are_there() -> None:
    configuration = cluster().model_copy(update={"startup_sync_wait_ms": 7_000})
    life = Life(configuration)
    life.view("a")
    assert life.asked(a.ArmTimer) == (a.ArmTimer("startup", 7_000),)
    life.sync("a", "a")
    assert life.asked(a.ArmTimer) == ()  # armed once
    life.view("a b")
    life.sync("a", "b")
    life.settle()
    assert life.state.formed
    assert life.state.timers == {}


def test_after_the_startup_wait_whoever_is_there_begins() -> None:
    life = Life(cluster())
    life.view("a")
    life.sync("a", "a")
    life.settle()
    life.fire("startup")
    assert life.state.formed
    assert life.codes()[:2] == (membership.FORMED.code, timers.WAIT_OVER.code)


def test_the_startup_wait_is_no_proof() -> None:
    """Trap 12: start alone after five minutes, and both start."""
    life = Life(cluster())
    life.view("a")
    life.sync("a", "a")
    life.settle()
    life.fire("startup")
    assert life.presence("b") is Presence.UNSEEN
    assert life.group().home == "a"
    assert life.starts() == ()


def test_a_lost_daemon_has_its_time_to_return() -> None:
    life = formed()
    life.view("b", nodes="a b")
    assert life.asked(a.ArmTimer) == (a.ArmTimer("agent:a:a.1", 10_000),)
    life.view("a b")
    assert life.state.timers == {}


def test_a_timer_that_runs_is_not_begun_anew_for_the_sake_of_another_one() -> None:
    """Else a cluster in which something always happens would wait for ever."""
    life = formed(cluster("a b c"))
    life.view("a b", nodes="a b c")
    (first,) = life.asked(a.ArmTimer)
    life.silent("b")
    (second,) = life.asked(a.ArmTimer)
    assert [first.timer, second.timer] == ["agent:c:c.1", "agent:b:b.1"]
    assert set(life.state.timers) == {first.timer, second.timer}


def test_a_timer_that_is_not_armed_any_more_changes_nothing() -> None:
    life = formed()
    life.view("b", nodes="a b")
    (timer,) = life.state.timers
    life.view("a b")
    life.sync("b", "a", life="2")
    life.settle()
    before = life.state
    assert life.happens(e.TimerFired(timer)) == ()
    assert life.state == before


@pytest.mark.parametrize("timer", ["", "startup", "agent:a:a.1", "fence:a:1", "calm:db:1", "retry:db:disk:a:1", "x"])
def test_a_timer_that_nobody_armed_changes_nothing(timer: str) -> None:
    life = formed()
    before = life.state
    assert life.happens(e.TimerFired(timer)) == ()
    assert life.state == before


def test_firing_twice_is_firing_once() -> None:
    life = formed()
    life.view("b", nodes="a b")
    (timer,) = life.state.timers
    life.happens(e.TimerFired(timer))
    before = life.state
    assert life.happens(e.TimerFired(timer)) == ()
    assert life.state == before


def test_an_unknown_start_is_tried_again_sooner_than_a_stop_that_failed() -> None:
    life = formed()
    life.check("a", FAILED)
    life.finish(life.under_way[0], UNKNOWN)
    (stop,) = life.asked(a.ArmTimer)
    assert stop.after_ms == timers.STUCK_RETRY_MS
    life.fire("retry")
    life.finish(life.under_way[0])
    life.finish(life.under_way[0], UNKNOWN)
    (start,) = life.asked(a.ArmTimer)
    assert start.after_ms == timers.UNKNOWN_RETRY_MS
    assert start.timer != stop.timer


def test_a_wait_for_a_stop_that_is_not_wanted_any_more_is_forgotten() -> None:
    life = formed()
    life.command(c.StopGroup("db"))
    life.finish(life.under_way[0], FAILED)
    assert len(life.state.timers) == 1
    life.view("b")
    assert life.state.timers == {}


def test_a_move_does_not_wait_for_an_unknown_start() -> None:
    life = formed()
    life.check("a", FAILED)
    life.finish(life.under_way[0])
    life.finish(life.under_way[0], UNKNOWN)
    life.command(c.MoveGroup("db", "b"))
    assert life.stops() == ("db.server on a",)
    assert life.state.timers == {}


def test_a_fence_that_failed_is_tried_again_after_the_time_of_the_configuration() -> None:
    life = formed(cluster(arbitration="fence"))
    life.view("b")
    life.finish(life.under_way[0], FAILED)
    (wait,) = life.asked(a.ArmTimer)
    assert wait.timer.startswith("fence:a:")
    assert wait.after_ms == 1_000


def test_counters_are_waited_for_as_long_as_the_resource_says() -> None:
    life = formed()
    life.check("a", FAILED)
    life.settle()
    (wait,) = life.asked(a.ArmTimer)
    assert wait == a.ArmTimer(f"settled:db:server:a:{life.hold('a', 'server').run}", 60_000)
    assert life.hold("a", "server").status is Status.RUNNING


def test_each_run_has_a_wait_of_its_own() -> None:
    life = formed(cluster())
    life.check("a", FAILED)
    life.settle()
    (first,) = life.state.timers
    life.check("a", FAILED)
    assert first not in life.state.timers


# --- failovers counted anew -----------------------------------------------------------------------------------------


def failed_before(life: Life, barred: tuple[str, ...] = ("b",), failovers: int = 1) -> Life:
    """The group has failed over before."""
    life.state = life.state.with_group("db", replace(life.group(), barred=barred, failovers=failovers))
    for part in life.state.cluster.group("db").resources[:1]:
        life.check("a", SUCCEEDED, part.name)
    return life


def calm(life: Life) -> list[str]:
    """The waits for failovers to be counted anew."""
    return [timer for timer in life.state.timers if timer.startswith("calm")]


@pytest.mark.parametrize(("barred", "failovers"), [(("b",), 0), ((), 1), (("b",), 1)])
def test_failovers_are_counted_anew_after_the_longest_wait_of_the_group(
    barred: tuple[str, ...], failovers: int
) -> None:
    parts = (resource("disk", recovery=Recovery(reset_after_ms=90_000)), resource("server"))
    life = formed(cluster(groups=[Group(name="db", nodes=("a", "b"), resources=parts)]))
    failed_before(life, barred, failovers)
    (timer,) = calm(life)
    assert life.asked(a.ArmTimer) == (a.ArmTimer(timer, 90_000),)
    life.fire("calm")
    assert (life.group().barred, life.group().failovers) == ((), 0)


def test_the_wait_lasts_while_the_whole_group_runs() -> None:
    life = failed_before(formed())
    (first,) = calm(life)
    life.check("a", FAILED, "disk")
    while life.under_way:
        assert calm(life) == []
        life.finish(life.under_way[0])
    (second,) = calm(life)
    assert second != first


def test_a_group_without_a_home_or_without_resources_is_no_calm() -> None:
    life = failed_before(formed())
    life.leave("b")
    life.leave("a")
    assert life.group().home is None
    assert calm(life) == []
    empty = formed(cluster(groups=[Group(name="db", nodes=("a", "b"), resources=())]))
    assert calm(failed_before(empty)) == []


def test_what_stays_failed_is_not_waited_for() -> None:
    life = formed(cluster(groups=[Group(name="db", nodes=("a",), resources=(resource("disk", recovery=NEVER),))]))
    life.check("a", FAILED, "disk")
    assert life.hold("a").restarts == 1
    assert life.state.timers == {}


def test_failed_starts_are_counted_anew_too() -> None:
    life = Life(cluster())
    life.view("a b")
    life.sync("a", "a b")
    while life.starts() != ("db.disk on a",):
        life.finish(life.under_way[0])
    life.finish(life.under_way[0], FAILED)
    life.settle()
    assert (life.hold("a").restarts, life.hold("a").start_failures) == (0, 1)
    life.fire("settled")
    assert (life.hold("a").restarts, life.hold("a").start_failures) == (0, 0)


# --- groups that wait for each other --------------------------------------------------------------------------------


def dependent(**waits: int) -> Life:
    """`web` depends on `db`, which an operator has stopped; an operator starts `web`."""
    tie = [{"group": "db", **waits}]
    life = formed(cluster(groups=[group("db"), remade(group("web"), depends_on=tie)]))
    for command in (c.StopGroup("web"), c.StopGroup("db")):
        life.command(command)
        life.settle()
    life.command(c.StartGroup("web", None))
    return life


def test_a_wait_for_another_group_comes_to_its_end() -> None:
    life = dependent(start_wait_ms=7_000)
    assert life.state.timers == {"await:web:db": 7_000}
    life.fire("await")
    assert life.codes() == (timers.WAITED_LONG.code,)
    assert life.group("web").given_up
    assert life.state.timers == {}
    life.command(c.StartGroup("db", None))
    life.settle()
    assert life.statuses("a", "web") == (Status.STOPPED,)  # it said that it will not
    life.command(c.RestoreGroup("web"))
    life.settle()
    assert life.statuses("a", "web") == (Status.RUNNING,)


def test_a_wait_that_is_over_in_time_is_forgotten() -> None:
    life = dependent()
    life.command(c.StartGroup("db", None))
    life.settle()
    assert life.statuses("a", "web") == (Status.RUNNING,)
    assert life.state.timers == {}


def test_a_group_waits_only_so_long_for_those_above_it_to_stop() -> None:
    life = dependent(stop_wait_ms=7_000)
    life.command(c.StartGroup("db", None))
    life.settle()
    life.command(c.StopNode("a", "stop"))
    assert life.state.timers["follow:db:web"] == 7_000
    assert life.stops() == ("web.web1 on a",)
    life.fire("follow")
    assert life.codes() == (timers.STOPS_ALL_THE_SAME.code,)
    assert life.stops() == ("db.db1 on a",)
    assert "follow:db:web" not in life.state.timers


def test_timers_are_kept_in_the_order_of_their_names() -> None:
    """The state is canonical: members that armed them in another order hold the same bytes."""
    life = formed(cluster("a b c", arbitration="fence"))
    life.view("b c")
    life.finish(life.under_way[0], FAILED)
    life.silent("c")
    assert len(life.state.timers) == 2
    assert list(life.state.timers) == sorted(life.state.timers)


def test_the_timers_of_a_group_go_with_it() -> None:
    """A failover counts for an hour; a configuration without the group comes into force before that is over."""
    never = Recovery(restarts=0)
    groups = [group("web"), remade(group("db"), resources=(resource("disk", recovery=never),))]
    life = formed(cluster(groups=groups))
    life.check("a", FAILED, "disk")
    life.settle()
    (timer,) = life.group("db").recent
    wanted = c.ChangeConfiguration(altered(life.state.cluster, groups=groups[:1]), "me", "because")
    life.happens(e.CommandGiven("c9", "a", wanted))
    life.judge("a b")
    life.settle()
    assert list(life.state.groups) == ["web"]
    life.happens(e.TimerFired(timer))
    assert life.state.timers == {}

"""Which deadlines are armed, and what their passing changes."""

import pytest

from komainu.core import actions as a
from komainu.core import events as e
from komainu.core import membership, timers
from komainu.core.state import Presence, Status
from tests.unit.core.clusters import FAILED, UNKNOWN, Life, cluster, formed


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
    life.command(e.StopGroup("db"))
    life.finish(life.under_way[0], FAILED)
    assert len(life.state.timers) == 1
    life.view("b")
    assert life.state.timers == {}


def test_a_move_does_not_wait_for_an_unknown_start() -> None:
    life = formed()
    life.check("a", FAILED)
    life.finish(life.under_way[0])
    life.finish(life.under_way[0], UNKNOWN)
    life.command(e.MoveGroup("db", "b"))
    assert life.stops() == ("db.server on a",)
    assert life.state.timers == {}


def test_a_fence_that_failed_is_tried_again_after_the_time_of_the_configuration() -> None:
    life = formed(cluster(arbitration="fence"))
    life.view("b")
    life.finish(life.under_way[0], FAILED)
    (wait,) = life.asked(a.ArmTimer)
    assert wait.timer.startswith("fence:a:")
    assert wait.after_ms == life.state.cluster.arbitration.fence_retry_ms


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

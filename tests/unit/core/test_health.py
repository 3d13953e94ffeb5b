"""Retries, then another node, then the end of recovery (C4, C6), and the way back to fresh counters (C8)."""

from dataclasses import replace

import pytest

from komainu.core import recovery as steps
from komainu.core.state import Hold, Status
from komainu.model import commands as c
from komainu.model.config import Cluster, Group, Recovery
from komainu.model.outcome import Outcome, Result
from tests.unit.core.clusters import BROKEN, FAILED, UNKNOWN, Life, cluster, formed, resource


def with_recovery(nodes: str = "a b", failover: str = "auto", **recovery: int | str) -> Cluster:
    """One group of a disk and a server, both with that recovery."""
    policy = Recovery.model_validate(recovery)
    parts = (resource("disk", recovery=policy), resource("server", recovery=policy, after="disk"))
    group = Group(name="db", nodes=tuple(nodes.split()), failover=failover, resources=parts)  # type: ignore[arg-type]
    return cluster(nodes, groups=[group])


def fail_once(life: Life) -> None:
    """The server fails at its home, and whatever follows succeeds."""
    home = life.group().home
    assert home is not None
    life.check(home, FAILED)
    life.settle()


@pytest.mark.parametrize("restarts", [0, 1, 3])
def test_so_many_restarts_and_then_another_node(restarts: int) -> None:
    life = formed(with_recovery(restarts=restarts))
    for _ in range(restarts):
        fail_once(life)
        assert life.group().home == "a"
        assert life.statuses("a") == (Status.RUNNING, Status.RUNNING)
    life.check("a", FAILED)
    assert life.group().home == "b"
    assert steps.FAILS_OVER.code in life.codes()
    life.settle()
    assert life.statuses("b") == (Status.RUNNING, Status.RUNNING)
    assert life.group().barred == ("a",)
    assert life.group().failovers == 1


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_so_many_attempts_to_start_and_then_another_node(retries: int) -> None:
    life = Life(with_recovery(start_retries=retries))
    life.view("a b")
    life.sync("a", "a b")
    attempts = 0
    while life.group().home in (None, "a"):
        if life.starts() == ("db.disk on a",):
            attempts += 1
            life.finish(life.under_way[0], FAILED)
        else:
            life.finish(life.under_way[0])
    assert attempts == retries + 1


def test_so_many_failovers_and_then_the_end() -> None:
    life = formed(with_recovery("a b c", restarts=0, failovers=1))
    fail_once(life)
    assert life.group().home == "b"
    life.check("b", FAILED)
    assert life.group().given_up
    assert steps.GIVEN_UP.code in life.codes()
    assert life.group().because[-1].code == steps.GIVEN_UP.code
    assert life.hold("b", "server").status is Status.FAILED
    assert life.starts() == life.stops() == ()


def test_the_end_is_told_once() -> None:
    life = formed(with_recovery(restarts=0, failovers=0))
    fail_once(life)
    life.sync("a")
    assert life.codes() == ()
    life.check("a", UNKNOWN, "disk")  # something else of the group, at which all of it is looked at again
    assert life.codes() == ("TEST2",)


def test_what_depends_on_what_was_given_up_is_not_started() -> None:
    life = Life(with_recovery(start_retries=0, start_failovers=0))
    life.view("a b")
    life.sync("a", "a b")
    while life.starts() != ("db.disk on a",):
        life.finish(life.under_way[0])
    life.finish(life.under_way[0], FAILED)
    assert life.group().given_up
    life.settle()
    assert life.statuses("a") == (Status.FAILED, Status.STOPPED)


def test_no_failover_to_a_node_on_which_it_failed_or_that_is_not_usable() -> None:
    life = formed(with_recovery("a b c", restarts=0, failovers=9))
    life.leave("b")
    fail_once(life)
    assert life.group().home == "c"
    life.check("c", FAILED)
    assert life.group().given_up


def test_no_failover_against_the_attribute() -> None:
    life = formed(with_recovery(restarts=0, failover="manual"))
    life.check("a", FAILED)
    assert (life.group().home, life.group().given_up) == ("a", True)


def test_what_was_given_up_and_stopped_since_is_not_tried_there_again_when_another_node_comes() -> None:
    """It may have been stopped because the right of its node ended."""
    life = formed(with_recovery(start_retries=1, start_failovers=1))
    life.view("a")
    failed = Hold(Status.STOPPED, start_failures=2, said=BROKEN)
    given_up = replace(life.state.with_hold("db", "a", 0, failed).groups["db"], given_up=True)
    life.state = life.state.with_group("db", given_up)
    life.view("a b")
    life.sync("a", "b", "2")
    life.settle()
    assert (life.group().home, life.group().given_up) == ("b", False)
    assert life.hold("a", "disk").start_failures == 2
    assert life.statuses("b") == (Status.RUNNING, Status.RUNNING)


def test_nodes_that_both_fail_do_not_end_each_other_for_ever() -> None:
    """C8: the end of a node counts as a failover does."""
    group = with_recovery(restarts=0, failovers=0, final_action="reboot").groups[0]
    limited = group.model_copy(update={"failover_limit": 2})
    life = formed(cluster("a b", groups=[limited]))
    ends = 0
    for life_number in range(2, 12):
        home = life.group().home
        if home is None:
            break
        life.check(home, FAILED)
        if not (life.node(home).forced or life.node(home).ended):
            break
        ends += 1
        life.settle()
        life.view("b" if home == "a" else "a")
        life.settle()
        life.view("a b")
        life.sync("b" if home == "a" else "a", home, life=f"{life_number}")
        life.settle()
    assert ends == 2
    assert life.group().given_up


def test_a_suspended_node_that_comes_is_no_other_chance() -> None:
    life = formed(with_recovery(restarts=0, failovers=0))
    life.command(c.SuspendNode("b"))
    life.view("a")
    life.check("a", FAILED)
    assert life.group().given_up
    life.view("a b")
    life.sync("a", "b", life="2")
    (probe,) = life.under_way
    life.finish(probe)
    assert life.node("b").probed
    assert life.group().given_up
    assert steps.GIVEN_UP.code not in life.codes()


def test_an_unknown_start_is_not_a_failure() -> None:
    life = formed(with_recovery(start_retries=0, failovers=0))
    life.check("a", FAILED)
    for _ in range(5):
        life.finish(life.under_way[0])  # the stop
        life.finish(life.under_way[0], UNKNOWN)
        life.fire("retry")
    assert not life.group().given_up
    assert life.group().home == "a"


def test_an_operator_ends_the_end() -> None:
    life = formed(with_recovery(restarts=0, failovers=0))
    life.check("a", FAILED)
    assert life.command(c.StartGroup("db", None)).accepted
    life.settle()
    assert life.statuses("a") == (Status.RUNNING, Status.RUNNING)
    assert not life.group().given_up


# --- counters begin again -------------------------------------------------------------------------------------------


def test_a_resource_that_was_normal_for_long_enough_has_its_restarts_back() -> None:
    life = formed(with_recovery(restarts=1))
    for _ in range(4):
        fail_once(life)
        assert life.hold("a", "server").restarts == 1
        life.fire("settled")
        assert life.hold("a", "server").restarts == 0
    assert life.group().home == "a"


@pytest.mark.parametrize("outcome", [UNKNOWN, Outcome(Result.SUCCEEDED, BROKEN)])
def test_a_check_that_warns_or_has_no_result_is_no_failure(outcome: Outcome) -> None:
    """A warning may stand for months; counters that waited for its end would never begin again."""
    life = formed(with_recovery(restarts=1))
    fail_once(life)
    (timer,) = life.state.timers
    life.check("a", outcome)
    assert life.state.timers == {timer: 60_000}
    life.fire("settled")
    assert life.hold("a", "server").restarts == 0


def test_a_group_that_ran_for_long_enough_has_its_failovers_and_its_nodes_back() -> None:
    """Also when nothing was restarted on the new home: else a failover of last year would forbid one of today."""
    life = formed(with_recovery(restarts=0, failovers=1))
    for home in ("b", "a", "b"):
        fail_once(life)
        assert life.group().home == home
        life.fire("calm")
        assert (life.group().failovers, life.group().barred) == (0, ())
    assert len(life.group().recent) == 3  # those count for longer: see test_recovery


def test_failovers_are_not_counted_anew_while_a_part_of_the_group_keeps_failing() -> None:
    """The disk is well all the time; the server fails on every node. That must come to an end (C8)."""
    life = formed(with_recovery(restarts=1, failovers=1, reset_after_ms=1_000))
    for _ in range(3):
        fail_once(life)
        calm = [timer for timer in life.state.timers if timer.startswith("calm")]
        last = life.hold(life.group().home or "", "server").run
        assert calm in ([], [f"calm:db:{last}"])  # each restart begins the wait anew
    life.check("b", FAILED)
    assert life.group().given_up

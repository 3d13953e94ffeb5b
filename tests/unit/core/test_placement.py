"""Where each group should be: it stays as long as it can, and after a merge the newer takeover stays."""

from dataclasses import replace

import pytest

from komainu.core import placement
from komainu.core.state import Hold, Presence, Status, Wanted
from komainu.model import actions as a, commands as c
from komainu.model.config import Cluster, Group
from tests.unit.core.clusters import (
    ADDRESS,
    BROKEN,
    DISK,
    FAILED,
    SERVER,
    Life,
    cluster,
    exclusion,
    formed,
    group,
    resource,
)

RUNNING = (Status.RUNNING, Status.RUNNING)
STOPPED = (Status.STOPPED, Status.STOPPED)


def one(arbitration: str = "none", nodes: str = "a b", **settings: str) -> Cluster:
    """A cluster with one group of those settings."""
    made = Group(name="db", nodes=tuple(nodes.split()), resources=(DISK, SERVER), **settings)  # type: ignore[arg-type]
    return cluster(nodes, arbitration, [made])  # type: ignore[arg-type]


def returned(life: Life, node: str, **epochs: int) -> None:
    """A node comes back afresh; these resources are found running on it."""
    life.view(" ".join(life.state.nodes))
    source = next(name for name in life.state.members())
    life.sync(source, node, life="9")
    probe = next(action for action in life.under_way if isinstance(action, a.ProbeNode))
    life.under_way = [probe]
    life.probed(probe, **epochs)


# --- a home ---------------------------------------------------------------------------------------------------------


def test_a_group_begins_on_the_first_of_its_nodes_that_is_usable() -> None:
    life = Life(cluster("a b c", groups=[Group(name="db", nodes=("c", "a"), resources=(DISK,))]))
    life.form()
    assert life.group().home == "c"


def test_nothing_is_placed_before_the_cluster_has_formed() -> None:
    life = Life(one("operator"))
    life.view("a")
    life.sync("a", "a")
    life.settle()
    assert life.group().home is None


def test_a_group_stays_where_it_is_when_a_better_node_returns() -> None:
    life = formed(one())
    life.view("b")
    life.settle()
    returned(life, "a")
    assert life.group().home == "b"
    assert life.starts() == life.stops() == ()


def test_a_lost_home_is_left_for_the_next_node_in_the_order_of_the_group() -> None:
    life = formed(cluster("a b c", "none", [Group(name="db", nodes=("a", "c", "b"), resources=(DISK,))]))
    epoch = life.state.epoch
    life.view("b c")
    assert life.group().home == "c"
    assert life.group().since == epoch + 1
    assert placement.TAKEN_OVER.code in life.codes()


@pytest.mark.parametrize("presence", [Presence.AGENT_LOST, Presence.JOINING])
def test_a_home_whose_daemon_is_away_for_a_while_keeps_its_group(presence: Presence) -> None:
    life = formed()
    life.view("b", nodes="a b")
    if presence is Presence.JOINING:
        life.view("a b")
    assert life.presence("a") is presence
    assert life.group().home == "a"


def test_without_any_usable_node_there_is_no_home_and_one_alert() -> None:
    life = formed(one("operator"))
    life.view("b", nodes="a b")
    life.leave("b")
    life.view("b")
    assert life.group().home is None
    assert life.group().because[-1].code == placement.NO_NODE.code
    assert life.codes().count(placement.NO_NODE.code) == 1
    life.sync("b")
    assert life.codes() == ()


@pytest.mark.parametrize("order", [c.StopNode(None, "stop"), c.StopNode(None, "shutdown")])
def test_nobody_is_told_of_what_was_ordered(order: c.Command) -> None:
    life = formed(one("operator"))
    life.command(order)
    assert (life.group().home, life.codes()) == (None, ())


def test_a_group_without_a_home_gets_one_when_a_node_comes() -> None:
    life = formed(one("none"))
    life.leave("b")
    life.leave("a")
    life.settle()
    life.view("a", nodes="a b")
    returned(life, "b")
    assert life.group().home == "b"
    assert placement.PLACED.code in life.codes()


def test_a_group_that_was_given_up_is_tried_on_the_next_node_when_its_home_is_lost() -> None:
    life = formed(one())
    life.state = life.state.with_group("db", replace(life.group(), failovers=1))
    for _ in range(2):
        life.check("a", FAILED)
        life.settle()
    assert (life.group().home, life.group().given_up) == ("a", True)
    life.view("b")
    assert (life.group().home, life.group().given_up) == ("b", False)
    life.settle()
    assert life.statuses("b") == RUNNING


def test_a_new_home_begins_with_a_clean_sheet() -> None:
    life = formed(one())
    facts = replace(life.group(), given_up=True, hindrance=FAILED.said, barred=("a",), failovers=1)
    settled = placement.settled_on(life.state, facts, "b", (BROKEN,))
    assert (settled.home, settled.since, settled.because) == ("b", life.state.epoch, (BROKEN,))
    assert (settled.given_up, settled.hindrance) == (False, None)
    assert (settled.barred, settled.failovers) == (("a",), 1)  # these bound the ping-pong


# --- nodes on which it has failed -----------------------------------------------------------------------------------


def failed_over(arbitration: str = "none", nodes: str = "a b") -> Life:
    """The server failed on `a` too often: the group runs on `b`, and `a` is barred."""
    life = formed(one(arbitration, nodes))
    for _ in range(2):
        life.check("a", FAILED)
        life.settle()
    assert (life.group().home, life.group().barred) == ("b", ("a",))
    return life


def test_a_node_on_which_it_failed_is_passed_over_while_there_is_another_one() -> None:
    life = failed_over(nodes="a b c")
    life.view("a c")
    assert life.group().home == "c"


def test_a_node_on_which_it_failed_is_better_than_none() -> None:
    """The node that had taken over dies: the first one is healthy as far as anybody knows."""
    life = failed_over()
    life.view("a")
    assert life.group().home == "a"
    assert life.starts() == ("db.disk on a",)


def test_every_attempt_on_a_new_home_begins_with_fresh_counters() -> None:
    life = failed_over()
    life.state = life.state.with_hold("db", "a", 0, Hold(Status.STOPPED, start_failures=9, restarts=9))
    life.view("a")
    life.settle()
    assert [(hold.restarts, hold.start_failures) for hold in life.group().holds["a"]] == [(0, 0), (0, 0)]
    life.check("a", FAILED)
    assert life.stops() == ("db.server on a",)  # a restart, not the end of recovery
    assert not life.group().given_up


# --- manual attributes ----------------------------------------------------------------------------------------------


def test_a_group_with_manual_start_waits_for_an_operator() -> None:
    life = formed(one(start="manual"))
    assert (life.group().wanted, life.group().home) == (Wanted.IDLE, None)


def test_a_group_with_manual_start_that_is_found_running_is_kept() -> None:
    life = formed(one(start="manual"))
    life.view("a", nodes="a b")
    returned(life, "b", disk=1, server=1)
    assert (life.group().wanted, life.group().home) == (Wanted.UP, "b")
    assert life.stops() == ()


def test_a_group_with_manual_failover_is_not_started_elsewhere() -> None:
    life = formed(one(failover="manual"))
    life.view("b")
    assert (life.group().wanted, life.group().home) == (Wanted.IDLE, None)
    assert placement.PARKED.code in life.codes()
    assert life.group().because[-1].code == placement.PARKED.code
    assert life.starts() == ()
    assert life.command(c.StartGroup("db", None), "b").accepted
    assert life.starts() == ("db.disk on b",)


def test_a_parked_group_that_never_stopped_is_kept_when_its_node_was_only_cut_off() -> None:
    life = formed(one(failover="manual"))
    life.view("b")
    returned(life, "a", disk=1, server=1)
    assert (life.group().wanted, life.group().home) == (Wanted.UP, "a")
    assert life.stops() == ()


def test_a_group_that_an_operator_stopped_is_not_kept_when_it_is_found() -> None:
    life = formed(one())
    life.command(c.StopGroup("db"))
    life.settle()
    life.view("a", nodes="a b")
    returned(life, "b", disk=1, server=1)
    assert life.group().wanted is Wanted.DOWN
    assert life.stops() == ("db.server on b",)


# --- found running --------------------------------------------------------------------------------------------------


def test_what_is_found_running_where_nothing_ran_is_adopted() -> None:
    life = Life(cluster())
    life.view("a b")
    life.sync("a", "a b")
    first, second = life.asked(a.ProbeNode)
    life.probed(first)
    life.probed(second, disk=4, server=4)
    assert (life.group().home, life.group().since) == ("b", 4)
    assert life.group().because[-1].code == placement.FOUND.code
    assert life.starts() == life.stops() == ()


def test_what_is_found_half_running_is_completed_from_below() -> None:
    life = Life(cluster())
    life.view("a b")
    life.sync("a", "a b")
    first, second = life.asked(a.ProbeNode)
    life.probed(first)
    life.probed(second, server=4)
    assert life.group().home == "b"
    assert life.stops() == ("db.server on b",)
    assert life.starts() == ()  # not while something stands where the disk is to come up
    life.settle()
    assert life.statuses("b") == RUNNING


@pytest.mark.parametrize(("found", "stays"), [(9, "a"), (1, "b"), (0, "b")])
def test_of_two_actives_the_newer_takeover_stays(found: int, stays: str) -> None:
    life = formed(one())
    life.view("b")
    life.settle()
    assert life.group().since == 2
    returned(life, "a", disk=found, server=found)
    assert life.group().home == stays
    assert life.codes() == (placement.BOTH_ACTIVE.code,)
    other = "a" if stays == "b" else "b"
    assert life.stops() == (f"db.server on {other}",)
    life.settle()
    assert (life.statuses(stays), life.statuses(other)) == (RUNNING, STOPPED)


def test_of_two_actives_the_one_that_cannot_be_told_to_stop_stays() -> None:
    """Whatever its takeover: a suspended node stops nothing (C10)."""
    life = formed(one())
    life.view("b")
    life.settle()
    life.state = life.state.with_node("a", replace(life.node("a"), suspended=True))
    returned(life, "a", disk=1, server=1)
    assert life.group().home == "a"
    assert life.stops() == ("db.server on b",)


def test_a_side_that_is_just_starting_counts_as_active() -> None:
    life = formed(one())
    life.view("b")
    assert life.hold("b").status is Status.STARTING
    returned(life, "a", disk=1, server=1)
    assert life.group().home == "b"
    assert placement.BOTH_ACTIVE.code in life.codes()


def test_on_a_tie_the_earlier_node_in_the_order_of_the_group_stays() -> None:
    life = formed(one())
    life.view("b")
    life.settle()
    returned(life, "a", disk=2, server=2)
    assert life.group().home == "a"


def test_a_merge_is_judged_once() -> None:
    life = formed(one())
    life.view("b")
    life.settle()
    returned(life, "a", disk=1, server=1)
    life.finish(life.under_way[0])
    assert life.codes() == ()
    assert not any(hold.found for holds in life.group().holds.values() for hold in holds)


def test_found_on_a_node_that_leaves_it_moves_on() -> None:
    life = formed(cluster(groups=[Group(name="db", nodes=("a", "b"), resources=(ADDRESS,))]))
    life.view("a", nodes="a b")
    life.view("a b")
    life.sync("a", "b", life="2")
    probe = life.asked(a.ProbeNode)[0]
    life.leave("b")
    life.probed(probe, address=9)
    assert life.group().home == "a"
    assert life.stops() == ("db.address on b",)


# --- failback -------------------------------------------------------------------------------------------------------


def away(arbitration: str = "operator", nodes: str = "a b", **more: object) -> Life:
    """A group with automatic failback that an operator has moved to `b`, and one that it avoids, if it has to."""
    exclusions = [exclusion(str(more["kind"]), "web db")] if "kind" in more else []
    groups = [group("web", nodes, failback="auto"), group("db", nodes)]
    life = formed(cluster(nodes, arbitration, groups, exclusions=exclusions))  # type: ignore[arg-type]
    life.command(c.MoveGroup("db", "b" if exclusions else "a"))
    life.settle()
    life.state = life.state.with_group("web", replace(life.group("web"), home="b", since=life.state.epoch))
    for node, status in (("a", Status.STOPPED), ("b", Status.RUNNING)):
        life.state = life.state.with_hold("web", node, 0, Hold(status, run="1.r1.99" if node == "b" else ""))
    return life


def better(life: Life) -> str | None:
    """The node to which the group would go back."""
    return placement.better_home(life.state, life.state.cluster.group("web"))


def test_a_group_goes_back_to_an_earlier_node_that_can_take_it() -> None:
    life = away()
    assert better(life) == "a"
    life.sync("a")
    for change in ({"leaving": True}, {"suspended": True}, {"probed": False}, {"presence": Presence.LOST}):
        elsewhere = life.state.with_node("a", replace(life.node("a"), **change))  # type: ignore[arg-type]
        assert placement.better_home(elsewhere, elsewhere.cluster.group("web")) is None


@pytest.mark.parametrize(
    "change",
    [
        {"home": "a"},
        {"home": None},
        {"given_up": True},
        {"barred": ("a",)},
    ],
)
def test_it_stays_where_it_is_while_there_is_a_reason(change: dict[str, object]) -> None:
    life = away()
    life.state = life.state.with_group("web", replace(life.group("web"), **change))  # type: ignore[arg-type]
    assert better(life) is None


def test_it_stays_while_not_all_of_it_runs_while_its_home_is_suspended_and_in_maintenance() -> None:
    life = away()
    for state in (
        life.state.with_hold("web", "b", 0, Hold(Status.STARTING, action="1.r1.98")),
        life.state.with_node("b", replace(life.node("b"), suspended=True)),
        replace(life.state, maintenance=True),
    ):
        assert placement.better_home(state, state.cluster.group("web")) is None


@pytest.mark.parametrize("kind", ["normal", "absolute"])
def test_it_does_not_go_back_into_a_crowd(kind: str) -> None:
    life = away(kind=kind)
    life.state = life.state.with_group("db", replace(life.group("db"), home="a"))
    assert better(life) is None
    life.state = life.state.with_group("db", replace(life.group("db"), home=None))
    assert better(life) == "a"


def test_it_does_not_go_back_into_a_wait_for_a_proof() -> None:
    """What runs is not stopped for a start that may have to wait for an operator."""
    parts = (resource("disk"),)
    groups = [Group(name="web", nodes=("a", "b", "c"), resources=parts, failback="auto")]
    life = formed(cluster("a b c", groups=groups))
    life.command(c.MoveGroup("web", "b"))
    life.settle()
    assert better(life) == "a"
    life.view("a b")
    assert better(life) is None
    life.command(c.ConfirmGone("c", life.state.epoch))
    assert better(life) == "a"


def test_the_better_node_has_to_have_been_there_for_long_enough() -> None:
    life = formed(cluster(groups=[group("web", failback="auto", failback_after_ms=7_000)]))
    life.command(c.MoveGroup("web", "b"))
    life.settle()
    assert [ms for timer, ms in life.state.timers.items() if timer.startswith("failback")] == [7_000]
    life.fire("failback")
    assert placement.FAILS_BACK.code in life.codes()
    assert life.stops() == ("web.web1 on b",)
    life.settle()
    assert life.statuses("a", "web") == (Status.RUNNING,)


def test_a_failback_whose_reason_is_gone_is_none() -> None:
    life = away()
    life.state = replace(life.state, maintenance=True)
    assert placement.fail_back(life.state, "web") is life.state

"""Wanted minus actual: starts from below, stops from above, one thing at a time."""

from dataclasses import replace

import pytest

from komainu.core import takeover
from komainu.core.state import Presence, Status
from komainu.core.step import step
from komainu.model import actions as a, commands as c, events as e
from komainu.model.config import Group, Recovery
from komainu.model.outcome import SUCCEEDED, Outcome
from tests.unit.core.clusters import ADDRESS, DISK, FAILED, SERVER, UNKNOWN, Life, cluster, formed, resource


def fresh(configuration: object = None) -> Life:
    """All are there, nothing is known yet."""
    life = Life(configuration or cluster())  # type: ignore[arg-type]
    names = " ".join(life.state.nodes)
    life.view(names)
    life.sync(names.split()[0], names)
    return life


# --- order ----------------------------------------------------------------------------------------------------------


def test_resources_start_from_below_one_after_the_other() -> None:
    life = fresh()
    life.finish(life.under_way[0])
    life.finish(life.under_way[0])
    assert life.starts() == ("db.disk on a",)
    life.finish(life.under_way[0])
    assert life.starts() == ("db.server on a",)
    life.finish(life.under_way[0])
    assert life.actions == ()


def test_nothing_starts_on_the_new_home_before_all_is_stopped_on_the_old_one() -> None:
    life = formed()
    life.command(c.MoveGroup("db", "b"))
    for stop in ("db.server on a", "db.disk on a"):
        assert (life.stops(), life.starts()) == ((stop,), ())
        life.finish(life.under_way[0])
    assert life.starts() == ("db.disk on b",)


def test_groups_do_not_wait_for_each_other() -> None:
    groups = [Group(name=name, nodes=("a", "b"), resources=(resource("part"),)) for name in ("one", "two")]
    life = fresh(cluster(groups=groups))
    life.finish(life.under_way[0])
    life.finish(life.under_way[0])
    assert life.starts() == ("one.part on a", "two.part on a")


def test_a_resource_that_fails_takes_down_what_stands_on_it_and_nothing_else() -> None:
    parts = (resource("bottom"), resource("middle", after="bottom"), resource("top", after="middle"))
    life = formed(cluster(groups=[Group(name="db", nodes=("a", "b"), resources=parts)]))
    life.check("a", FAILED, "middle")
    stopped = list(life.stops())
    while not life.starts():
        life.finish(life.under_way[0])
        stopped += life.stops()
    assert stopped == ["db.top on a", "db.middle on a"]
    life.settle()
    assert life.statuses("a") == (Status.RUNNING,) * 3


DIAMOND = (
    resource("disk"),
    resource("vip", after="disk"),
    resource("http", after="disk"),
    resource("log", after="vip http"),
)


def diamond() -> Life:
    """`vip` and `http` side by side on `disk`, `log` on both; all of it runs on `a`."""
    return formed(cluster(groups=[Group(name="db", nodes=("a", "b"), resources=DIAMOND)]))


def end(life: Life, name: str, outcome: Outcome = SUCCEEDED) -> None:
    """The action on that resource comes to its end."""
    (action,) = (each for each in life.under_way if getattr(each, "resource", "") == name)
    life.finish(action, outcome)


def test_independent_resources_start_side_by_side_and_what_needs_both_waits_for_both() -> None:
    life = fresh(cluster(groups=[Group(name="db", nodes=("a", "b"), resources=DIAMOND)]))
    life.finish(life.under_way[0])
    life.finish(life.under_way[0])
    assert life.starts() == ("db.disk on a",)
    end(life, "disk")
    assert life.starts() == ("db.vip on a", "db.http on a")
    end(life, "http")
    assert life.starts() == ()
    end(life, "vip")
    assert life.starts() == ("db.log on a",)


def test_they_stop_side_by_side_and_what_both_need_waits_for_both() -> None:
    life = diamond()
    life.command(c.StopGroup("db"))
    assert life.stops() == ("db.log on a",)
    end(life, "log")
    assert sorted(life.stops()) == ["db.http on a", "db.vip on a"]
    end(life, "vip")
    assert life.stops() == ()
    end(life, "http")
    assert life.stops() == ("db.disk on a",)


def test_a_neighbour_of_what_fails_is_left_alone() -> None:
    life = diamond()
    run = life.hold("a", "vip").run
    life.check("a", FAILED, "http")
    assert life.stops() == ("db.log on a",)
    life.settle()
    assert life.statuses("a") == (Status.RUNNING,) * 4
    assert life.hold("a", "vip").run == run


def test_what_stands_high_above_a_failed_resource_comes_down_first() -> None:
    life = diamond()
    life.check("a", FAILED, "disk")
    stopped = list(life.stops())
    while not life.starts():
        life.finish(life.under_way[0])
        stopped += life.stops()
    assert stopped[0] == "db.log on a"
    assert stopped[-1] == "db.disk on a"
    assert len(stopped) == 4
    life.settle()
    assert life.statuses("a") == (Status.RUNNING,) * 4


def test_a_branch_goes_on_while_its_neighbour_is_tried_again() -> None:
    life = fresh(cluster(groups=[Group(name="db", nodes=("a", "b"), resources=DIAMOND)]))
    while not life.starts():
        life.finish(life.under_way[0])
    end(life, "disk")
    end(life, "vip", FAILED)
    assert life.stops() == ("db.vip on a",)
    end(life, "http")
    assert life.hold("a", "http").status is Status.RUNNING
    life.settle()
    assert life.statuses("a") == (Status.RUNNING,) * 4


def test_a_stop_that_hangs_keeps_only_what_lies_below_it() -> None:
    life = diamond()
    life.command(c.MoveGroup("db", "b"))
    end(life, "log")
    end(life, "vip", UNKNOWN)
    assert life.hold("a", "vip").status is Status.STUCK
    end(life, "http")
    assert life.statuses("a") == (Status.RUNNING, Status.STUCK, Status.STOPPED, Status.STOPPED)
    assert life.stops() == ()
    life.fire("retry")
    assert life.stops() == ("db.vip on a",)


def test_a_part_that_is_stopped_takes_down_what_stands_on_it_and_comes_back_with_what_it_stands_on() -> None:
    life = diamond()
    assert life.command(c.StopPart("db", "http")).accepted
    life.settle()
    assert life.statuses("a") == (Status.RUNNING, Status.RUNNING, Status.STOPPED, Status.STOPPED)
    assert life.command(c.StopPart("db", "disk")).accepted
    life.settle()
    assert life.statuses("a") == (Status.STOPPED,) * 4
    assert life.command(c.StartPart("db", "vip")).accepted
    life.settle()
    assert life.statuses("a") == (Status.RUNNING, Status.RUNNING, Status.STOPPED, Status.STOPPED)
    assert life.command(c.StartPart("db", "log")).accepted
    life.settle()
    assert life.statuses("a") == (Status.RUNNING,) * 4


def test_what_recovery_gave_up_stays_failed_and_what_stands_on_it_goes_on() -> None:
    never = Recovery(restarts=0, failovers=0)
    parts = (resource("disk", recovery=never), resource("server", recovery=never, after="disk"))
    life = formed(cluster(groups=[Group(name="db", nodes=("a", "b"), resources=parts)]))
    life.check("a", FAILED, "disk")
    assert life.group().given_up
    assert life.statuses("a") == (Status.FAILED, Status.RUNNING)
    assert life.stops() == life.starts() == ()


def test_before_rules_two_resources_go_one_after_the_other() -> None:
    """The first release knew rows, not trees; while it is about, everybody decides by rows."""
    state = diamond().state
    command = e.CommandGiven("c1", "a", c.StopGroup("db"))
    stopped = []
    done = step(state, command, 1)
    while stops := [action for action in done.actions if isinstance(action, a.StopResource)]:
        stopped.append([stop.resource for stop in stops])
        done = step(done.state, e.ActionFinished(stops[0].id, "a", SUCCEEDED), 1)
    assert stopped == [["log"], ["http"], ["vip"], ["disk"]]


def test_a_node_that_was_told_to_end_is_asked_for_nothing() -> None:
    life = formed()
    life.state = life.state.with_node("a", replace(life.node("a"), ended=True, leaving=True))
    life.command(c.StopGroup("db"))
    assert life.stops() == life.asked(a.LeaveCluster) == ()


@pytest.mark.parametrize("name", ["a", "b"])
def test_nothing_is_started_or_stopped_on_a_suspended_node(name: str) -> None:
    life = formed()
    life.command(c.MoveGroup("db", "b"))
    life.finish(life.under_way[0])
    life.command(c.SuspendNode(name))
    while life.under_way:
        life.finish(life.under_way[0])
        assert not [each for each in (*life.starts(), *life.stops()) if each.endswith(f" on {name}")]
    life.command(c.ResumeNode(name))
    life.settle()
    assert life.statuses("b") == (Status.RUNNING, Status.RUNNING)


def test_an_empty_group_is_no_trouble() -> None:
    life = formed(cluster(groups=[Group(name="empty", nodes=("a", "b"), resources=())]))
    assert life.group("empty").home == "a"
    assert life.group("empty").hindrance is None
    life.view("b")
    assert life.group("empty").home == "b"


# --- what is under way ----------------------------------------------------------------------------------------------


def test_while_a_start_is_under_way_nothing_else_is_asked_of_the_resource() -> None:
    life = fresh()
    life.finish(life.under_way[0])
    life.finish(life.under_way[0])
    (start,) = life.under_way
    life.command(c.MoveGroup("db", "b"))
    assert life.starts() == life.stops() == ()
    life.finish(start)
    assert life.stops() == ("db.disk on a",)


def test_an_order_back_and_forth_starts_nothing_twice() -> None:
    life = formed()
    life.command(c.MoveGroup("db", "b"))
    life.command(c.MoveGroup("db", "a"))
    life.settle()
    assert life.statuses("a") == (Status.RUNNING, Status.RUNNING)
    assert life.statuses("b") == (Status.STOPPED, Status.STOPPED)


def test_the_unknown_is_stopped_before_it_is_started_again() -> None:
    life = fresh()
    first, second = life.asked(a.ProbeNode)
    life.probed(second)
    life.happens(e.NodeProbed(first.id, "a", ()))
    assert life.group().home == "a"
    assert life.stops() == ("db.server on a",)
    life.under_way.remove(first)
    life.settle()
    assert life.statuses("a") == (Status.RUNNING, Status.RUNNING)


def test_a_member_that_was_not_probed_is_asked_for_nothing_else() -> None:
    life = formed()
    life.view("b", nodes="a b")
    life.view("a b")
    life.sync("b", "a", life="2")
    assert [type(action) for action in life.under_way] == [a.ProbeNode]


def test_a_probe_is_asked_for_once() -> None:
    life = fresh()
    life.sync("a")
    assert life.asked(a.ProbeNode) == ()


# --- hindrance ------------------------------------------------------------------------------------------------------


def test_a_start_that_has_to_wait_says_so_once_and_goes_on_by_itself() -> None:
    life = formed()
    life.view("b")
    assert takeover.WAITS_FOR_PROOF.code in life.codes()
    assert life.group().hindrance is not None
    life.sync("b")
    assert life.codes() == ()
    life.command(c.ConfirmGone("a", life.state.epoch), "b")
    assert life.group().hindrance is None
    life.settle()
    assert life.statuses("b") == (Status.RUNNING, Status.RUNNING)


def test_waiting_for_a_stop_is_no_alert() -> None:
    life = formed()
    life.command(c.MoveGroup("db", "b"))
    assert life.group().hindrance is not None
    assert life.group().hindrance.code == takeover.WAITS_FOR_STOP.code  # type: ignore[union-attr]
    assert life.codes() == ()


def test_what_was_found_running_hinders_no_longer() -> None:
    life = formed()
    life.view("b")
    life.view("a b")
    life.sync("b", "a", life="2")
    (probe,) = life.asked(a.ProbeNode)
    life.probed(probe, disk=9, server=9)
    assert (life.group().home, life.group().hindrance) == ("a", None)


# --- fences ---------------------------------------------------------------------------------------------------------


def test_a_lost_node_is_fenced_when_a_group_waits_for_it() -> None:
    life = formed(cluster(arbitration="fence"))
    life.view("b")
    (fence,) = life.asked(a.FenceNode)
    assert (fence.node, fence.target) == ("b", "a")
    assert life.node("a").fence == fence.id


@pytest.mark.parametrize(
    "groups",
    [
        [Group(name="db", nodes=("b",), resources=(DISK,))],
        [Group(name="db", nodes=("a", "b"), resources=(ADDRESS,))],
        [Group(name="db", nodes=("b", "a"), resources=(DISK,))],
    ],
    ids=["not eligible", "harmless", "running elsewhere"],
)
def test_nobody_is_fenced_for_nothing(groups: list[Group]) -> None:
    life = formed(cluster(arbitration="fence", groups=groups))
    life.view("b")
    assert life.presence("a") is Presence.LOST
    assert life.asked(a.FenceNode) == ()


@pytest.mark.parametrize(
    "group",
    [
        Group(name="db", nodes=("a", "b"), resources=(DISK,)),
        Group(name="db", nodes=("a", "b", "c"), resources=(ADDRESS,)),
    ],
    ids=["not eligible", "harmless"],
)
def test_nobody_is_fenced_while_a_group_waits_for_something_else(group: Group) -> None:
    """It waits for its stop on a member; the lost node has no part in it."""
    life = formed(cluster("a b c", "fence", [group]))
    life.command(c.MoveGroup("db", "b"))
    assert life.group().hindrance is not None
    life.view("a b")
    assert life.presence("c") is Presence.LOST
    assert life.asked(a.FenceNode) == ()


def test_what_is_being_stopped_runs_no_more() -> None:
    """A verdict about its run that comes now means nothing."""
    life = formed()
    run = life.hold("a", "server").run
    life.command(c.StopGroup("db"))
    assert life.hold("a", "server").run == ""
    before = life.state
    assert life.happens(e.MonitorChanged("a", "db", "server", run, FAILED)) == ()
    assert life.state == before


def test_a_node_that_was_never_seen_is_fenced_after_the_startup_wait() -> None:
    life = Life(cluster(arbitration="fence"))
    life.view("b")
    life.sync("b", "b")
    life.settle()
    assert life.asked(a.FenceNode) == ()
    life.fire("startup")
    (fence,) = life.asked(a.FenceNode)
    assert fence.target == "a"
    life.finish(fence)
    assert life.presence("a") is Presence.GONE
    assert life.starts() == ("db.disk on b",)


def test_a_fence_in_the_hands_of_a_node_that_went_is_given_to_another_one() -> None:
    life = formed(cluster("a b c", arbitration="fence"))
    life.view("b c")
    assert life.node("a").fence_by == "b"
    life.view("c", nodes="b c")
    (fence,) = life.asked(a.FenceNode)
    assert (fence.node, fence.target) == ("c", "a")


def test_a_fence_in_the_hands_of_a_silent_daemon_is_given_to_another_one() -> None:
    life = formed(cluster("a b c", arbitration="fence"))
    life.view("b c")
    life.silent("b")
    (fence,) = life.asked(a.FenceNode)
    assert (fence.node, fence.target) == ("c", "a")


def test_nobody_is_fenced_for_a_group_that_is_not_wanted_any_more() -> None:
    life = formed(cluster(arbitration="fence"))
    life.view("b")
    life.finish(life.under_way[0], FAILED)
    assert life.command(c.StopGroup("db"), "b").accepted
    assert life.group().hindrance is None
    life.fire("fence")
    assert life.asked(a.FenceNode) == ()


def test_a_fence_under_way_is_left_alone_while_its_node_is_there() -> None:
    life = formed(cluster("a b c", arbitration="fence"))
    life.view("b c")
    life.view("b", nodes="b c")
    assert life.asked(a.FenceNode) == ()
    life.silent("c")
    assert life.asked(a.FenceNode) == ()


def test_a_leaving_node_is_not_asked_to_fence() -> None:
    life = formed(cluster("a b c", arbitration="fence"))
    life.leave("b")
    life.view("b c")
    assert [fence.node for fence in life.asked(a.FenceNode)] == ["c"]


# --- leaving --------------------------------------------------------------------------------------------------------


def test_a_leaving_node_that_runs_nothing_is_dismissed_at_once() -> None:
    life = formed()
    life.leave("b")
    assert life.actions == (a.LeaveCluster("b"),)


def test_a_leaving_node_is_not_dismissed_before_it_is_known_what_runs_there() -> None:
    life = fresh()
    life.leave("a")
    assert life.asked(a.LeaveCluster) == ()
    life.finish(life.under_way[0])
    assert life.asked(a.LeaveCluster) == (a.LeaveCluster("a"),)


def test_a_stuck_stop_is_tried_again_although_the_group_has_no_home() -> None:
    life = formed()
    life.leave("b")
    life.leave("a")
    life.finish(life.under_way[0], UNKNOWN)
    life.fire("retry")
    assert life.stops() == ("db.server on a",)
    life.settle()
    assert life.node("a").dismissed


def test_two_resources_are_started_from_the_first_that_is_missing() -> None:
    life = formed(cluster(groups=[Group(name="db", nodes=("a", "b"), resources=(ADDRESS, DISK, SERVER))]))
    life.check("a", FAILED, "disk")
    life.settle()
    assert life.hold("a", "address").run < life.hold("a", "disk").run

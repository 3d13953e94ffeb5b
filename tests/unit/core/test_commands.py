"""Operators' requests: carried out, or refused with the reason and the remedy (C10)."""

from dataclasses import replace

import pytest

from komainu.core.state import Hold, Presence, Proof, Status, Wanted
from komainu.model import answers, causes, commands as c
from komainu.model.config import Cluster, Group
from komainu.model.message import Message
from tests.unit.core.clusters import ADDRESS, DISK, FAILED, Life, cluster, exclusion, formed, group

RUNNING = (Status.RUNNING, Status.RUNNING)


def refused(life: Life, command: c.Command, message: Message) -> bool:
    """The command is refused with that message, and nothing changes."""
    before = life.state
    answer = life.command(command)
    return (answer.accepted, answer.said.code) == (False, message.code) and life.state == before


def already_so(life: Life, command: c.Command, message: Message) -> bool:
    """The command is accepted with that message: all is as it was asked for, so nothing changes."""
    before = life.state
    answer = life.command(command)
    return (answer.accepted, answer.said.code) == (True, message.code) and life.state == before


# --- the answer -----------------------------------------------------------------------------------------------------


def test_the_answer_goes_to_the_node_that_asked() -> None:
    life = formed()
    answer = life.command(c.StopGroup("db"), origin="b")
    assert (answer.id, answer.node, answer.accepted, answer.said.code) == ("c1", "b", True, answers.ACCEPTED.code)


@pytest.mark.parametrize("command", [c.MoveGroup("x", None), c.StartGroup("x", None), c.StopGroup("x")])
def test_an_unknown_group_is_refused(command: c.Command) -> None:
    assert refused(formed(), command, answers.NO_GROUP)


@pytest.mark.parametrize("command", [c.MoveGroup("db", "a"), c.StartGroup("db", None)])
def test_nothing_moves_before_the_cluster_has_formed(command: c.Command) -> None:
    life = Life(cluster())
    life.view("a")
    life.sync("a", "a")
    life.settle()
    assert refused(life, command, answers.NOT_FORMED)


@pytest.mark.parametrize("command", [c.MoveGroup("db", "b"), c.StartGroup("db", "b"), c.StopGroup("db")])
def test_a_home_whose_daemon_is_silent_can_be_told_nothing(command: c.Command) -> None:
    life = formed()
    life.view("b", nodes="a b")
    assert refused(life, command, answers.HOME_SILENT)


# --- move -----------------------------------------------------------------------------------------------------------


def test_a_move_stops_here_and_starts_there() -> None:
    life = formed()
    assert life.command(c.MoveGroup("db", "b")).accepted
    assert (life.stops(), life.starts()) == (("db.server on a",), ())
    life.settle()
    assert life.statuses("b") == RUNNING
    assert life.group().home == "b"


def test_a_move_without_a_target_takes_the_best_other_node() -> None:
    life = formed(cluster("a b c", groups=[Group(name="db", nodes=("a", "c", "b"), resources=(DISK,))]))
    assert life.command(c.MoveGroup("db", None)).accepted
    assert life.group().home == "c"


def test_a_move_without_a_target_needs_another_node() -> None:
    life = formed()
    life.leave("b")
    assert refused(life, c.MoveGroup("db", None), answers.NOBODY_USABLE)


def test_a_move_to_where_it_is_changes_nothing() -> None:
    assert already_so(formed(), c.MoveGroup("db", "a"), answers.ALREADY_THERE)


def test_a_move_to_where_it_failed_is_another_attempt() -> None:
    life = formed()
    life.state = life.state.with_group("db", replace(life.group(), failovers=1))
    for _ in range(2):
        life.check("a", FAILED)
        life.settle()
    assert life.group().given_up
    assert life.command(c.MoveGroup("db", "a")).accepted
    life.settle()
    assert life.statuses("a") == RUNNING


def test_a_move_to_a_node_outside_the_cluster_or_the_group_is_refused() -> None:
    life = formed(cluster("a b c", groups=[Group(name="db", nodes=("a", "b"), resources=(DISK,))]))
    assert refused(life, c.MoveGroup("db", "z"), answers.NO_NODE)
    assert refused(life, c.MoveGroup("db", "c"), answers.NOT_STARTABLE)


@pytest.mark.parametrize("presence", [Presence.LOST, Presence.AGENT_LOST, Presence.JOINING])
def test_a_move_to_a_node_that_is_not_usable_is_refused(presence: Presence) -> None:
    life = formed()
    life.view("a", nodes="a" if presence is Presence.LOST else "a b")
    if presence is Presence.JOINING:
        life.view("a b")
    assert life.presence("b") is presence
    assert refused(life, c.MoveGroup("db", "b"), answers.NOT_USABLE)


def strict(arbitration: str = "operator", exclusive: bool = True) -> Cluster:
    """Three nodes, one group."""
    part = DISK if exclusive else ADDRESS
    return cluster("a b c", arbitration, [Group(name="db", nodes=("a", "b", "c"), resources=(part,))])


def test_what_runs_is_not_stopped_for_a_start_that_would_wait_for_proof() -> None:
    """The third node is lost: the group could not start on the second one before an operator says so."""
    life = formed(strict())
    life.view("a b")
    assert refused(life, c.MoveGroup("db", "b"), answers.WOULD_WAIT)
    assert refused(life, c.MoveGroup("db", None), answers.WOULD_WAIT)
    assert life.command(c.ConfirmGone("c", life.state.epoch)).accepted
    assert life.command(c.MoveGroup("db", "b")).accepted
    life.settle()
    assert life.statuses("b") == (Status.RUNNING,)


@pytest.mark.parametrize(
    "configuration", [strict("fence"), strict("none"), strict(exclusive=False)], ids=["fence", "none", "harmless"]
)
def test_what_can_be_proven_or_needs_no_proof_is_moved(configuration: Cluster) -> None:
    life = formed(configuration)
    life.view("a b")
    assert life.command(c.MoveGroup("db", "b")).accepted
    life.settle()
    assert life.group().holds["b"][0].status is Status.RUNNING


def test_what_does_not_run_may_wait() -> None:
    life = formed(strict())
    life.command(c.StopGroup("db"))
    life.settle()
    life.view("a b")
    assert life.command(c.MoveGroup("db", "b")).accepted
    assert life.group().hindrance is not None


def test_what_waits_here_may_wait_there() -> None:
    life = formed(strict())
    life.command(c.StopGroup("db"))
    life.settle()
    life.view("a b")
    assert life.command(c.StartGroup("db", "a")).accepted
    assert (life.group().home, life.starts()) == ("a", ())
    assert life.command(c.MoveGroup("db", "b")).accepted
    assert life.group().home == "b"


def test_a_move_clears_what_was_counted_against_the_group() -> None:
    life = formed()
    for _ in range(2):
        life.check("a", FAILED)
        life.settle()
    assert life.group().failovers == 1
    assert life.command(c.MoveGroup("db", "a")).accepted
    assert (life.group().barred, life.group().failovers) == ((), 0)
    assert not any(hold.restarts for holds in life.group().holds.values() for hold in holds)


# --- start and stop -------------------------------------------------------------------------------------------------


def test_a_stop_stops_everything_from_above_and_stays() -> None:
    life = formed()
    life.command(c.StopGroup("db"))
    assert life.stops() == ("db.server on a",)
    life.finish(life.under_way[0])
    assert life.stops() == ("db.disk on a",)
    life.settle()
    assert (life.group().wanted, life.group().home) == (Wanted.DOWN, None)
    life.view("b")
    assert life.starts() == ()
    assert already_so(life, c.StopGroup("db"), answers.ALREADY_STOPPED) is False  # a is lost: who knows what runs there


def test_a_stop_says_why_and_forgets_what_was_counted() -> None:
    life = formed()
    spent = (Hold(Status.STOPPED, start_failures=2, restarts=2), Hold(Status.STOPPED))
    holds = {**life.group().holds, "b": spent}
    facts = replace(life.group(), given_up=True, barred=("b",), failovers=1, holds=holds)
    life.state = life.state.with_group("db", facts)
    life.command(c.StopGroup("db"))
    assert (life.group().given_up, life.group().barred, life.group().failovers) == (False, (), 0)
    assert life.group().holds["b"] == (Hold(Status.STOPPED), Hold(Status.STOPPED))
    assert [said.code for said in life.group().because] == [causes.COMMAND.code]


def test_what_should_run_and_cannot_may_be_stopped() -> None:
    """It does not start by itself then, when a node comes."""
    life = formed()
    life.leave("b")
    life.leave("a")
    life.settle()
    assert (life.group().wanted, life.group().home) == (Wanted.UP, None)
    assert refused(life, c.StartGroup("db", None), answers.NOBODY_USABLE)
    assert life.command(c.StopGroup("db")).accepted
    assert life.group().wanted is Wanted.DOWN


def test_stopping_what_is_stopped_changes_nothing() -> None:
    life = formed()
    life.command(c.StopGroup("db"))
    life.settle()
    assert already_so(life, c.StopGroup("db"), answers.ALREADY_STOPPED)


def test_a_start_takes_the_best_node_or_the_named_one() -> None:
    for named, home in ((None, "a"), ("b", "b")):
        life = formed()
        life.command(c.StopGroup("db"))
        life.settle()
        assert life.command(c.StartGroup("db", named)).accepted
        life.settle()
        assert life.statuses(home) == RUNNING


def test_starting_what_runs_changes_nothing() -> None:
    assert already_so(formed(), c.StartGroup("db", None), answers.ALREADY_THERE)
    assert already_so(formed(), c.StartGroup("db", "a"), answers.ALREADY_THERE)


def test_a_start_is_no_move() -> None:
    assert refused(formed(), c.StartGroup("db", "b"), answers.ELSEWHERE)


def test_a_start_needs_a_node() -> None:
    life = formed()
    life.command(c.StopGroup("db"))
    life.settle()
    life.leave("a")
    life.leave("b")
    assert refused(life, c.StartGroup("db", None), answers.NOBODY_USABLE)
    assert refused(life, c.StartGroup("db", "a"), answers.NOT_USABLE)


# --- the operator's word --------------------------------------------------------------------------------------------


def test_the_word_is_proof() -> None:
    life = formed()
    life.view("b")
    assert life.starts() == ()
    assert life.command(c.ConfirmGone("a", life.state.epoch), "b").accepted
    assert (life.presence("a"), life.node("a").proof) == (Presence.GONE, Proof.OPERATOR)
    assert answers.CONFIRMED.code in life.codes()
    assert life.starts() == ("db.disk on b",)


def test_the_word_also_counts_for_a_node_that_was_never_seen() -> None:
    life = Life(cluster())
    life.view("b")
    life.sync("b", "b")
    life.settle()
    life.fire("startup")
    assert life.command(c.ConfirmGone("a", life.state.epoch)).accepted
    assert life.starts() == ("db.disk on b",)


@pytest.mark.parametrize("presence", [Presence.MEMBER, Presence.AGENT_LOST, Presence.JOINING])
def test_the_word_is_refused_for_a_node_that_is_there(presence: Presence) -> None:
    life = formed()
    if presence is not Presence.MEMBER:
        life.view("a", nodes="a b")
    if presence is Presence.JOINING:
        life.view("a b")
    assert life.presence("b") is presence
    assert refused(life, c.ConfirmGone("b", life.state.epoch), answers.NOT_LOST)


def test_the_word_is_refused_for_a_node_that_nobody_knows() -> None:
    assert refused(formed(), c.ConfirmGone("z", 1), answers.NO_NODE)


def test_the_word_of_an_earlier_loss_is_refused() -> None:
    """A proof belongs to one incarnation (trap 6): the node may have been back and at work since."""
    life = formed()
    life.view("b")
    seen = life.state.epoch
    life.view("a b")
    life.sync("b", "a", life="2")
    life.settle()
    life.view("b")
    assert refused(life, c.ConfirmGone("a", seen), answers.OUTDATED_WORD)


@pytest.mark.parametrize("failed", [True, False])
def test_the_word_ends_a_fence(failed: bool) -> None:
    life = formed(cluster(arbitration="fence"))
    life.view("b")
    if failed:
        life.finish(life.under_way[0], FAILED)
        assert life.state.timers
    life.command(c.ConfirmGone("a", life.state.epoch), "b")
    assert not life.state.timers
    assert (life.node("a").fence, life.node("a").fence_by, life.node("a").fence_wait) == ("", "", "")


# --- parts of a group, other groups, failures -----------------------------------------------------------------------


def tied() -> Life:
    """`web` of vip, http and log depends on `db`; `job` never shares a node with `db`."""
    groups = [group("db"), group("web", parts="vip http log", after="db"), group("job")]
    return formed(cluster(groups=groups, exclusions=[exclusion("absolute", "db job")]))


@pytest.mark.parametrize("verb", [c.StartPart, c.StopPart])
def test_a_part_has_to_exist_and_its_group_to_be_up(verb: type[c.StartPart] | type[c.StopPart]) -> None:
    life = tied()
    assert refused(life, verb("nothing", "vip"), answers.NO_GROUP)
    assert refused(life, verb("web", "nothing"), answers.NO_RESOURCE)
    life.command(c.StopGroup("web"))
    life.settle()
    assert refused(life, verb("web", "vip"), answers.NOT_UP)


def test_a_part_is_stopped_with_what_stands_on_it_and_stays_so() -> None:
    life = tied()
    assert life.command(c.StopPart("web", "http")).accepted
    life.settle()
    assert life.statuses("a", "web") == (Status.RUNNING, Status.STOPPED, Status.STOPPED)
    assert already_so(life, c.StopPart("web", "http"), answers.PART_STOPPED)
    assert already_so(life, c.StartPart("web", "vip"), answers.PART_STARTED)
    assert life.command(c.StartPart("web", "log")).accepted
    life.settle()
    assert life.statuses("a", "web") == (Status.RUNNING,) * 3
    assert life.group("web").parked == ()


def test_to_start_a_part_is_to_try_again_what_recovery_gave_up() -> None:
    life = tied()
    life.state = life.state.with_group("web", replace(life.group("web"), given_up=True, failovers=3, barred=("b",)))
    life.state = life.state.with_hold("web", "a", 2, Hold(Status.FAILED, restarts=9))
    assert life.command(c.StartPart("web", "log")).accepted
    facts = life.group("web")
    assert (facts.given_up, facts.failovers, facts.barred) == (False, 0, ())
    life.settle()
    assert life.hold("a", "log", "web").status is Status.RUNNING


def test_a_group_that_another_one_needs_is_not_stopped_under_it() -> None:
    life = tied()
    assert refused(life, c.StopGroup("db"), answers.NEEDED)
    life.command(c.StopGroup("web"))
    assert life.command(c.StopGroup("db")).accepted


def test_no_command_brings_together_what_must_not_be() -> None:
    life = tied()
    assert (life.group("db").home, life.group("job").home) == ("a", "b")
    assert refused(life, c.MoveGroup("job", "a"), answers.NOT_WITH)
    life.command(c.StopGroup("job"))
    life.settle()
    assert refused(life, c.StartGroup("job", "a"), answers.NOT_WITH)
    assert life.command(c.StartGroup("job", None)).accepted
    assert life.group("job").home == "b"


def test_what_is_on_a_suspended_node_is_left_there() -> None:
    life = tied()
    life.command(c.SuspendNode("a"))
    for command in (
        c.MoveGroup("web", "b"),
        c.StartGroup("web", None),
        c.StopGroup("web"),
        c.RestoreGroup("web"),
        c.StartPart("web", "vip"),
        c.StopPart("web", "vip"),
    ):
        assert refused(life, command, answers.HOME_SUSPENDED)


def test_failures_are_forgotten_and_what_was_given_up_is_tried_again() -> None:
    life = tied()
    assert already_so(life, c.RestoreGroup("web"), answers.NOTHING_TO_RESTORE)
    life.state = life.state.with_group("web", replace(life.group("web"), given_up=True, recent=("failover:web:1",)))
    life.state = life.state.with_hold("web", "a", 2, Hold(Status.FAILED, restarts=9, start_failures=9))
    assert life.command(c.RestoreGroup("web")).accepted
    assert (life.group("web").given_up, life.group("web").recent) == (False, ())
    life.settle()
    assert life.statuses("a", "web") == (Status.RUNNING,) * 3

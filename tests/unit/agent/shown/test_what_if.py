"""Courses: the real core decides, nothing is changed, and the same question has the same answer."""

from collections.abc import Iterator

import pytest

from komainu.agent.members.snapshot import encode
from komainu.agent.shown import what_if, words
from komainu.agent.shown.deeds import deeds
from komainu.agent.shown.what_if import (
    DaemonsLost,
    Moment,
    MonitorFails,
    NodeReturns,
    NodesLost,
    Ordered,
    Question,
    ResourceFails,
    Unanswerable,
    course,
    formed,
)
from komainu.core.state import Presence, State, Status
from komainu.model import commands as c, events as e
from komainu.model.actions import AnswerCommand
from komainu.model.config import Group, Monitor, MonitorRecovery, Recovery, Target
from tests.doubles.daemons import cluster, resource

PAIR = cluster(resource("vip"), resource("app"), detect_within_ms=2_000)
DISK = Monitor(
    name="diskw",
    type="disk",
    nodes=("n1", "n2"),
    params={},
    first_wait_ms=3_000,
    interval_ms=1_000,
    timeout_ms=1_000,
    retries=2,
    recovery=MonitorRecovery(
        target=Target(kind="group", group="web"), restarts=1, failovers=1, final_action="stop-group"
    ),
)


def followed(state: State, question: Question) -> list[Moment]:
    return list(course(state, question))


def done(moments: list[Moment]) -> list[str]:
    """What is done, in words, in order."""
    return [said.en for moment in moments for _, said in deeds(moment.actions)]


def place(state: State, group: str = "web") -> tuple[str, str | None]:
    told = words.group(state, state.cluster.group(group))
    return told.word, told.node


def test_a_formed_cluster_has_everything_at_rest() -> None:
    manual = Group(name="batch", nodes=("n2", "n1"), start="manual", resources=(resource("job"),))
    state = formed(PAIR.model_copy(update={"groups": (*PAIR.groups, manual), "monitors": (DISK,)}))

    assert place(state) == ("Online", "n1")
    assert place(state, "batch") == ("Online", "n2")
    assert words.monitor(state, DISK).word == "Normal"
    assert state.members() == ("n1", "n2")


def test_the_loss_of_a_node_is_noticed_in_time_and_its_group_goes_elsewhere() -> None:
    state = formed(PAIR)
    before = encode(state)
    moments = followed(state, NodesLost(("n1",)))

    assert moments[0].at_ms == 2_000
    assert not moments[0].assumed
    assert all(moment.assumed for moment in moments[1:])
    assert done(moments) == ["start vip on n2", "start app on n2"]
    assert place(moments[-1].state) == ("Online", "n2")
    assert encode(state) == before


def test_the_same_question_has_the_same_answer() -> None:
    first, second = (followed(formed(PAIR), NodesLost(("n1",))) for _ in range(2))

    assert first == second


def test_where_a_word_is_awaited_the_course_ends_waiting() -> None:
    state = formed(PAIR.model_copy(update={"arbitration": cluster(arbitration="operator").arbitration}))
    end = followed(state, NodesLost(("n1",)))[-1].state

    hindrance = end.groups["web"].hindrance
    assert hindrance is not None
    assert "confirm-gone n1" in hindrance.en


def test_a_daemon_that_does_not_return_is_waited_for_first() -> None:
    moments = followed(formed(PAIR), DaemonsLost(("n1",)))

    assert [moment.at_ms for moment in moments[:2]] == [0, PAIR.agent_return_ms]
    assert done(moments[:1]) == []
    assert moments[1].assumed
    assert place(moments[-1].state) == ("Online", "n2")


def test_a_node_that_returns_is_probed_and_joins() -> None:
    lost = followed(formed(PAIR), NodesLost(("n1",)))[-1].state
    moments = followed(lost, NodeReturns("n1"))

    assert done(moments) == ["find out what runs on n1"]
    assert moments[-1].state.members() == ("n1", "n2")
    assert place(moments[-1].state) == ("Online", "n2")


def test_a_resource_fails_until_its_recovery_is_at_its_end() -> None:
    policy = Recovery(restarts=1, failovers=1)
    state = formed(cluster(resource("app", recovery=policy, check_interval_ms=5_000, check_retries=1)))
    moments = followed(state, ResourceFails("web", "app", 9))
    failures = [moment for moment in moments if not moment.assumed]

    # Found at once, then after the interval and one retry each time it runs anew.
    assert [moment.at_ms for moment in failures] == [0, 10_000, 20_000, 30_000]
    assert done(moments) == [
        "stop app on n1", "start app on n1", "stop app on n1", "start app on n2", "stop app on n2", "start app on n2",
    ]  # fmt: skip
    assert place(moments[-1].state) == ("Online Failure", "n2")


def test_a_monitor_fails_in_every_round_after_its_waits() -> None:
    state = formed(PAIR.model_copy(update={"monitors": (DISK,)}))
    moments = followed(state, MonitorFails("diskw", "n1", 2))
    failures = [moment for moment in moments if not moment.assumed]

    assert [moment.at_ms for moment in failures][:2] == [0, 3_000 + 2 * 1_000]
    assert all(isinstance(moment.event, e.MonitorJudged) for moment in failures)
    assert place(moments[-1].state) == ("Online", "n2")


def test_a_monitor_that_fails_everywhere_comes_to_its_final_action() -> None:
    state = formed(PAIR.model_copy(update={"monitors": (DISK,)}))
    end = followed(state, MonitorFails("diskw", None, 50))[-1].state

    assert place(end)[0] == "Offline"
    assert all(hold.status is Status.STOPPED for holds in end.groups["web"].holds.values() for hold in holds)


def test_a_command_is_answered_and_followed_to_rest() -> None:
    moments = followed(formed(PAIR), Ordered(c.MoveGroup("web", None), "n2"))
    (answer,) = (action for action in moments[0].actions if isinstance(action, AnswerCommand))

    assert answer.accepted
    assert done(moments)[-1] == "start app on n2"
    assert place(moments[-1].state) == ("Online", "n2")


@pytest.mark.parametrize("then", ["stop", "shutdown", "reboot"])
def test_a_stopped_cluster_ends_with_nobody_in_it(then: str) -> None:
    end = followed(formed(PAIR), Ordered(c.StopNode(None, then), "n1"))[-1].state  # type: ignore[arg-type]

    assert [words.node(end, name).word for name in end.nodes] == ["Offline", "Offline"]
    assert place(end)[0] == "Offline"


def test_a_change_of_the_configuration_is_agreed_to_and_put_in_force() -> None:
    new = PAIR.model_copy(update={"version": 2, "startup_sync_wait_ms": 1})
    moments = followed(formed(PAIR), Ordered(c.ChangeConfiguration(new, "root", "a trial"), "n1"))

    assert moments[-1].state.cluster.version == 2


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (NodesLost(("n1", "n2")), what_if.NOBODY_LEFT),
        (NodeReturns("n1"), what_if.PRESENT),
        (ResourceFails("web", "app"), what_if.NOT_RUNNING),
        (MonitorFails("diskw", "n1"), what_if.NOT_CHECKING),
    ],
)
def test_what_cannot_happen_is_said(question: Question, said: object) -> None:
    state = formed(PAIR.model_copy(update={"monitors": (DISK,)}))
    suspended = followed(state, Ordered(c.SuspendMonitor("diskw", None), "n1"))[-1].state
    stopped = followed(suspended, Ordered(c.StopGroup("web"), "n1"))[-1].state
    with pytest.raises(Unanswerable) as refused:
        course(stopped, question)

    assert refused.value.said.code == said.code  # type: ignore[attr-defined]


def test_a_node_that_is_away_cannot_be_lost() -> None:
    lost = followed(formed(PAIR), NodesLost(("n1",)))[-1].state
    assert lost.nodes["n1"].presence is Presence.GONE
    with pytest.raises(Unanswerable, match="not there"):
        course(lost, NodesLost(("n1",)))


def test_what_is_under_way_already_is_assumed_to_succeed_first() -> None:
    moments = course(formed(PAIR), Ordered(c.MoveGroup("web", None), "n2"))
    midway = next(moments).state
    end = followed(midway, DaemonsLost(("n1",)))[-1].state

    assert place(end) == ("Online", "n2")


def test_a_course_without_end_is_told_as_far_as_it_went(monkeypatch: pytest.MonkeyPatch) -> None:
    state = formed(PAIR)
    monkeypatch.setattr(what_if, "MOST_EVENTS", 2)

    assert len(followed(state, NodesLost(("n1",)))) == 2


def test_a_law_that_would_be_broken_ends_it_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Iterator[Moment]:
        raise what_if.InvariantBroken("two actives")

    state = formed(PAIR)
    monkeypatch.setattr(what_if, "step", broken)
    (moment,) = followed(state, NodesLost(("n1",)))

    assert "two actives" in moment.told.en

"""Every kind of event has its sentence, in both languages."""

import pytest

from komainu.model import causes, commands as c, events as e
from komainu.model.outcome import SUCCEEDED
from tests.unit.core.clusters import BROKEN, FAILED, UNKNOWN, cluster, formed

EVENTS: list[tuple[e.Event, str, str]] = [
    (e.ViewChanged("r", ("a", "b"), ("a", "b")), causes.VIEW.code, "a, b"),
    (e.ViewChanged("r", (), ()), causes.NO_MEMBERS.code, ""),
    (e.MembersSynced("r", "a", ()), causes.SYNCED.code, "a"),
    (e.AgentSilent("b", "b.1"), causes.SILENT.code, "b"),
    (e.ActionFinished("1.r.2", "b", SUCCEEDED), causes.FINISHED.code, "1.r.2"),
    (e.ActionFinished("1.r.2", "b", FAILED), causes.NOT_FINISHED.code, "failed"),
    (e.ActionFinished("1.r.2", "b", UNKNOWN), causes.NOT_FINISHED.code, "unknown"),
    (e.NodeProbed("1.r.2", "b", ()), causes.PROBED.code, "b"),
    (e.MonitorChanged("b", "db", "disk", "1", SUCCEEDED), causes.NORMAL.code, "disk"),
    (e.MonitorChanged("b", "db", "disk", "1", FAILED), causes.IN_ERROR.code, "disk"),
    (e.MonitorChanged("b", "db", "disk", "1", UNKNOWN), causes.UNCLEAR.code, "disk"),
    (e.MonitorJudged("b", "ping1", "1.r.2", SUCCEEDED), causes.FOUND.code, "ping1"),
    (e.MonitorJudged("b", "ping1", "1.r.2", FAILED), causes.FOUND.code, "failed"),
    (e.ConfigurationJudged("1.r.2", "b", ()), causes.AGREED.code, "b"),
    (e.ConfigurationJudged("1.r.2", "b", (BROKEN,)), causes.OBJECTED.code, "b"),
    (e.TimerFired("startup"), causes.FIRED.code, "startup"),
    (e.VoteWon("b", "r", 4, False, 4_100), causes.VOTE_WON.code, "b"),
    (e.VoteLost("b", "r", BROKEN), causes.VOTE_LOST.code, "b"),
    (e.RightEnding("b", "b.1", BROKEN), causes.RIGHT_ENDING.code, "b"),
    (e.RightRegained("b", "b.1"), causes.REGAINED.code, "b"),
    (e.SuspensionNoted("b", "1.r.2"), causes.SUSPENSION_NOTED.code, "b"),
    (e.NodeLeaving("b", "b.1"), causes.LEAVING.code, "b"),
    (e.CommandGiven("1", "a", c.MoveGroup("db", "b")), causes.COMMAND.code, "move-group db"),
    (e.CommandGiven("1", "a", c.StartGroup("db", None)), causes.COMMAND.code, "start-group db"),
    (e.CommandGiven("1", "a", c.StopGroup("db")), causes.COMMAND.code, "stop-group db"),
    (e.CommandGiven("1", "a", c.ConfirmGone("b", 3)), causes.COMMAND.code, "confirm-gone b"),
    (e.CommandGiven("1", "a", c.RestoreGroup("db")), causes.COMMAND.code, "restore-group db"),
    (e.CommandGiven("1", "a", c.StartPart("db", "disk")), causes.COMMAND.code, "start-resource db/disk"),
    (e.CommandGiven("1", "a", c.StopPart("db", "disk")), causes.COMMAND.code, "stop-resource db/disk"),
    (e.CommandGiven("1", "a", c.SuspendMonitor("ping1", None)), causes.COMMAND.code, "suspend-monitor ping1"),
    (e.CommandGiven("1", "a", c.ResumeMonitor("ping1", "b")), causes.COMMAND.code, "resume-monitor ping1"),
    (e.CommandGiven("1", "a", c.SimulateFailure("ping1", None, True)), causes.COMMAND.code, "simulate-failure ping1"),
    (e.CommandGiven("1", "a", c.SuspendNode("b")), causes.COMMAND.code, "suspend b"),
    (e.CommandGiven("1", "a", c.ResumeNode(None)), causes.COMMAND.code, "resume *"),
    (e.CommandGiven("1", "a", c.StopNode("b", "reboot")), causes.COMMAND.code, "stop-node b"),
    (e.CommandGiven("1", "a", c.SetMaintenance(True)), causes.COMMAND.code, "maintenance on"),
    (e.CommandGiven("1", "a", c.SetMaintenance(False)), causes.COMMAND.code, "maintenance off"),
    (e.CommandGiven("1", "a", c.ChangeConfiguration(cluster(), "who", "why")), causes.COMMAND.code, "1"),
]


@pytest.mark.parametrize(("event", "code", "part"), EVENTS)
def test_an_event_in_one_sentence(event: e.Event, code: str, part: str) -> None:
    said = causes.headline(event)
    assert said.code == code
    assert part in said.en
    assert part in said.ja


def test_every_kind_of_event_is_tried_here() -> None:
    assert {type(event) for event, _, _ in EVENTS} == set(e.Event.__args__)


def test_every_command_is_tried_here() -> None:
    tried = {type(event.command) for event, _, _ in EVENTS if isinstance(event, e.CommandGiven)}
    assert tried == set(c.Command.__args__)


def test_every_action_tells_the_event_that_led_to_it_and_why() -> None:
    life = formed()
    life.command(c.MoveGroup("db", "b"))
    (stop,) = life.under_way
    assert [said.code for said in stop.because] == [causes.COMMAND.code] * 2  # type: ignore[union-attr]
    life.settle()
    life.check("b", FAILED)
    (stop,) = life.under_way
    assert [said.code for said in stop.because] == [causes.IN_ERROR.code, "TEST1"]  # type: ignore[union-attr]

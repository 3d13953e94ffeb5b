"""What an operator can ask for, in short."""

import pytest

from komainu.model import commands as c
from tests.unit.core.clusters import cluster


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (c.MoveGroup("db", None), "db"),
        (c.RestoreGroup("db"), "db"),
        (c.StopPart("db", "disk"), "db/disk"),
        (c.StartPart("db", "disk"), "db/disk"),
        (c.SuspendMonitor("ipw1", "a"), "ipw1"),
        (c.SimulateFailure("ipw1", None, True), "ipw1"),
        (c.StopNode("a", "stop"), "a"),
        (c.SuspendNode(None), "*"),
        (c.ConfirmGone("b", 7), "b"),
        (c.SetMaintenance(False), "off"),
        (c.ChangeConfiguration(cluster(), "me", ""), "1"),
    ],
)
def test_what_a_command_is_about(command: c.Command, told: str) -> None:
    assert c.subject(command) == told

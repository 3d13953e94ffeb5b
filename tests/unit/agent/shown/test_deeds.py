"""Every action that touches the world has words; those that only say something have none."""

import dataclasses
from typing import Any, get_args

import pytest

from komainu.agent.shown.deeds import TOLD, deed, deeds
from komainu.model import actions as a
from komainu.model.message import Said

SILENT = (a.ArmTimer, a.AnswerCommand, a.RaiseAlert)
SAID = Said("X", "x", "x")


def test_every_kind_of_action_is_told_or_silent() -> None:
    kinds = {kind.__name__ for kind in get_args(a.Action)}

    assert kinds == {*TOLD, *(kind.__name__ for kind in SILENT)}


@pytest.mark.parametrize("kind", [kind for kind in get_args(a.Action) if kind not in SILENT])
def test_each_names_its_node_in_both_languages(kind: Any) -> None:
    fields = {field.name: f"<{field.name}>" for field in dataclasses.fields(kind)}
    for choice in {"EndNode": ("how", ("shutdown", "reboot", "panic", "reset"))}.get(kind.__name__, ("", ("",)))[1]:
        fields |= {"how": choice, "then": "stop"}
        said = deed(kind.__name__, fields)

        assert "<node>" in said.en
        assert "<node>" in said.ja
        assert "{" not in said.en + said.ja


def test_actions_are_told_in_their_order() -> None:
    stop, leave = a.StopResource("1", "n1", "web", "app"), a.LeaveCluster("n1", "shutdown")
    told = deeds((a.RaiseAlert(SAID), stop, a.ArmTimer("x", 1), leave))

    assert [(action, said.en) for action, said in told] == [
        (stop, "stop app on n1"),
        (leave, "n1 leaves the cluster and shuts down"),
    ]

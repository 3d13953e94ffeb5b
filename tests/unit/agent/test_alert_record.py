"""What an alert is called, and which module said it."""

import json
from dataclasses import asdict

import pytest

from komainu.agent.alert_record import DETAIL_LENGTH, MODULES, module_of, node_of, record, shown
from komainu.agent.members import wire
from komainu.core import membership
from komainu.core.change import IN_FORCE
from komainu.model import commands as c, events as e
from komainu.model.message import Said
from komainu.model.outcome import SUCCEEDED
from komainu_lab.docs import declared
from tests.doubles.alerts import NOON, alert, said


@pytest.mark.parametrize(
    ("code", "module"),
    [
        ("KM1013", "config"),
        ("KM2001", "corosync"),
        ("KM3111", "aws"),
        ("KM3801", "address"),
        ("KM3911", "notify"),
        ("KM4001", "exec"),
        ("KM4401", "monitor"),
        ("KM5110", "resource"),
        ("KM5301", "agent"),
        ("KM6001", "api"),
        ("KM6101", "cli"),
        ("KM7101", "core"),
        ("XX1", "other"),
        ("", "other"),
    ],
)
def test_the_module_follows_from_the_code(code: str, module: str) -> None:
    assert module_of(code) == module


def test_every_message_of_the_product_has_a_module_and_every_module_has_messages() -> None:
    found = {module_of(code) for code in declared()}
    assert found == set(MODULES.values())


def test_a_record_is_shown_with_its_time_and_its_name() -> None:
    told = asdict(shown(alert(3, "n1:x", detail="why")))
    assert told == {
        "id": "n1:x-3",
        "at": "2027-01-15T08:00:00.003Z",
        "node": "n1",
        "module": "core",
        "code": "KM7101",
        "level": "error",
        "en": "alert 3",
        "ja": "アラート 3",
        "detail": "why",
    }


def test_what_programs_say_is_cut_off_and_can_be_written() -> None:
    made = record("s", 1, "n1", said(en="caf\udce9"), "x" * 10_000, NOON)
    assert made.en == "caf?"
    assert len(made.detail) == DETAIL_LENGTH + 4
    assert wire.decode(wire.encode(wire.AlertsTold((made,)))) == wire.AlertsTold((made,))


@pytest.mark.parametrize(
    ("event", "node"),
    [
        (e.ActionFinished("1", "n2", SUCCEEDED), "n2"),
        (e.CommandGiven("1", "n1", c.StopGroup("web")), "n1"),
        (e.ViewChanged("r", ("n1",), ("n1",)), ""),
        (e.TimerFired("startup"), ""),
    ],
)
def test_an_event_tells_which_node_it_is_about(event: e.Event, node: str) -> None:
    assert node_of(event, said()) == node


def test_what_is_said_of_the_whole_cluster_belongs_to_no_node() -> None:
    formed = membership.FORMED.said(members="n1, n2")
    assert node_of(e.NodeProbed("1", "n2", ()), formed) == ""
    assert node_of(e.ConfigurationJudged("1", "n2", ()), IN_FORCE.said(version=2, by="root")) == ""


@pytest.mark.parametrize(
    "changes", [{"n": 0}, {"n": 2**60}, {"at_ms": -1}, {"at_ms": 10**18}, {"level": "fatal"}, {"stream": ""}, {"en": 1}]
)
def test_what_another_node_says_is_looked_at_before_it_is_kept(changes: dict[str, object]) -> None:
    body = {"records": [{**asdict(alert()), **changes}]}
    with pytest.raises(wire.Undecodable):
        wire.decode(json.dumps({"v": wire.PROTOCOL, "k": "AlertsTold", "b": body}).encode())


def test_the_largest_time_can_be_shown() -> None:
    assert shown(alert(at_ms=253_402_300_799_999)).at == "9999-12-31T23:59:59.999Z"
    assert Said("KM1", "a", "b").level == "info"

"""The picture of one object: what it is, why, and what surrounds it."""

import re
from dataclasses import replace
from typing import Any

import pytest

from komainu.agent.shown.status import Local, report
from komainu.api.overview import _one
from komainu.cli.detail import draw_object, monitor_lines
from komainu.cli.speech import Speech
from komainu.core.state import Hold, MonitorFacts, NodeFacts, Presence, State, Status, Verdict, Watch, initial
from komainu.model.config import Monitor, MonitorRecovery, Target
from komainu.model.message import Message
from tests.doubles.daemons import cluster, resource

SAID = Message("TEST32", "the disk is nearly full", "空き容量が不足", "warning").said()
PLAIN = Speech("en", coloured=False)
LOCAL = Local("n1", "d.1", 7, "connected", True, 250, 1, {}, {}, {})


def a_state() -> State:
    disk = Monitor(
        name="diskw",
        type="disk",
        nodes=("n1", "n2"),
        params={},
        first_wait_ms=0,
        interval_ms=1_000,
        timeout_ms=1_000,
        retries=0,
        recovery=MonitorRecovery(target=Target(kind="group", group="web"), final_action="reboot"),
    )
    parts = (resource("vip", monitor="vipw"), resource("app", monitor="appw", depends_on=("vip",)))
    state = initial(cluster(*parts).model_copy(update={"monitors": (disk,)}), 4)
    for name in ("n1", "n2"):
        state = state.with_node(name, NodeFacts(Presence.MEMBER, probed=True))
        for index in (0, 1):
            hold = Hold(Status.RUNNING, run="r", restarts=index) if name == "n1" else Hold(Status.STOPPED)
            state = state.with_hold("web", name, index, hold)
    on = {"n1": Watch("1", Verdict.CAUTION, SAID), "n2": Watch("2", Verdict.NORMAL)}
    state = state.with_monitor("diskw", MonitorFacts(on=on))
    facts = replace(state.groups["web"], home="n1", failovers=1, recent=("failover:web:1",), because=(SAID,))
    return replace(state.with_group("web", facts), formed=True, timers={"failover:web:1": 3_600_000})


def drawn(kind: str, name: str, state: State | None = None, speech: Speech = PLAIN) -> list[str]:
    return draw_object(_one(report(state or a_state(), LOCAL), kind, name), speech)


def pairs(lines: list[str]) -> dict[str, str]:
    found = (re.match(r"^  (\S.*?)  +(\S.*)$", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def test_a_group() -> None:
    lines = drawn("group", "web")

    assert lines[0] == "● web  Online  n1  group"
    told = pairs(lines)
    assert (told["startable on"], told["failovers"], told["against its limit"]) == ("n1, n2", "1", "1/6")
    assert told["because"] == SAID.en
    assert "recovery given up" not in told
    assert "  ● app  Online  n1  thing" in lines
    assert any("1 reactivation, 2 left" in line for line in lines)
    assert lines[-1].endswith("one failover of web no longer counts against its limit")


def test_a_resource() -> None:
    told = pairs(drawn("resource", "app"))

    assert (told["group"], told["depends on"]) == ("web", "vip")
    assert told["left"] == "2 starts, 2 reactivations, 0 failovers"


def test_a_node() -> None:
    state = a_state().with_node("n2", NodeFacts(Presence.MEMBER, probed=True, suspended=True))
    lines = drawn("node", "n2", state)

    assert lines[0] == "● n2  Online  node"
    assert pairs(lines)["suspended"] == "yes"
    assert "komainu node resume n2" in pairs(lines)["why"]
    assert not any("n1" in line for line in lines)


def test_a_monitor() -> None:
    lines = drawn("monitor", "diskw")
    told = pairs(lines)

    assert lines[0] == "◐ diskw  Caution  n1  monitor"
    assert told["on"] == "n1  Caution  the disk is nearly full"
    assert (told["watches"], told["recovers"], told["final action"]) == ("always", "web", "reboot")
    assert told["failovers left"] == "1/1"


@pytest.mark.parametrize(("kind", "name"), [("node", "n1"), ("group", "web"), ("resource", "vip"), ("monitor", "vipw")])
def test_colours_and_languages_change_nothing_else(kind: str, name: str) -> None:
    coloured = drawn(kind, name, speech=Speech("en", coloured=True))

    assert [re.sub(r"\x1b\[[0-9]+m", "", line) for line in coloured] == drawn(kind, name)
    assert len(drawn(kind, name, speech=Speech("ja", coloured=False))) == len(coloured)


def test_maintenance_stands_first() -> None:
    assert drawn("group", "web", replace(a_state(), maintenance=True))[0].startswith("MAINTENANCE")


def test_all_monitors_by_node_with_their_reasons() -> None:
    status: Any = report(a_state(), LOCAL)
    lines = monitor_lines(status["monitors"], PLAIN)

    assert [line.split()[1:3] for line in lines if line[0] == "●"] == [
        ["vipw", "Normal"], ["appw", "Normal"], ["Normal", "n2"],
    ]  # fmt: skip
    assert lines[-2].strip() == f"└ {SAID.en}"

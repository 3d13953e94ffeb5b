"""The picture of `komainu status`: aligned, with every reason, and readable without colours."""

from dataclasses import replace
from typing import Any

from komainu.agent.status import Local, report
from komainu.cli.picture import colour, draw, sign
from komainu.cli.speech import Speech, width
from komainu.core.state import Hold, NodeFacts, Presence, Proof, State, Status, initial
from komainu.core.takeover import WAITS_FOR_PROOF
from komainu.model.message import Message
from komainu.model.outcome import Outcome, failed
from tests.doubles.daemons import cluster, resource

SAID = Message("TEST12", "the route was changed", "経路が変更されました", "error").said()
PLAIN = Speech("en", coloured=False)


def status(state: State, standing: str = "connected", prepared: dict[tuple[str, str], Outcome] | None = None) -> Any:
    local = Local("n1", "d.1", 7, standing, True, 250, 1, {}, prepared or {}, {("web", "app"): "thingw-app"})
    return report(state, local)


def a_state(arbitration: str = "none") -> State:
    state = initial(cluster(resource("vip"), resource("app"), arbitration=arbitration), 4)
    for name in ("n1", "n2"):
        state = state.with_node(name, NodeFacts(Presence.MEMBER, probed=True))
        for index in (0, 1):
            state = state.with_hold("web", name, index, Hold(Status.RUNNING if name == "n1" else Status.STOPPED))
    return replace(state.with_group("web", replace(state.groups["web"], home="n1")), formed=True)


def test_a_cluster_that_is_well() -> None:
    assert draw(status(a_state("operator")), PLAIN) == [
        "test  onprem · configuration 1 · arbitration operator (strong)",
        "seen from n1  connected · beat 1 ms",
        "",
        "Nodes",
        "  ● n1     Online  10.0.0.1",
        "  ● n2     Online  10.0.0.2",
        "",
        "Groups",
        "  ● web    Online  n1",
        "    ● vip  Online  n1  thing  vip Normal",
        "    ● app  Online  n1  thing  thingw-app Normal",
    ]


def test_weak_arbitration_is_named_every_time() -> None:
    lines = draw(status(a_state()), PLAIN)

    assert lines[0].endswith("arbitration none (weakest)")
    assert lines[-1].startswith("! Arbitration is `none` (weakest)")


def test_every_reason_is_shown_once_beneath_what_it_explains() -> None:
    state = a_state("operator").with_node("n2", NodeFacts(Presence.LOST))
    state = state.with_hold("web", "n1", 1, Hold(Status.FAILED, said=SAID))
    state = state.with_group("web", replace(state.groups["web"], given_up=True))
    lines = draw(status(state), PLAIN)

    assert "  ✗ n2     Unknown         10.0.0.2" in lines
    assert lines[lines.index("  ✗ n2     Unknown         10.0.0.2") + 1].startswith(
        "      └ The node is not to be heard"
    )
    assert sum(SAID.en in line for line in lines) == 1
    assert "  ✗ web    Online Failure  n1" in lines


def test_a_group_that_waits_says_what_to_do() -> None:
    state = a_state("operator").with_node("n1", NodeFacts(Presence.LOST))
    hindrance = WAITS_FOR_PROOF.said(group="web", node="n1")
    for index in (0, 1):
        state = state.with_hold("web", "n1", index, Hold())
    state = state.with_group("web", replace(state.groups["web"], home="n2", hindrance=hindrance))

    assert any("komainu node confirm-gone n1" in line for line in draw(status(state), PLAIN))


def test_a_node_that_is_cut_off_says_so_first() -> None:
    assert "alone: cut off from the others" in draw(status(a_state(), "alone"), PLAIN)[1]
    assert "waiting for the cluster" in draw(status(a_state(), "waiting"), PLAIN)[1]


def test_a_standby_that_could_not_take_over_says_why() -> None:
    lines = draw(status(a_state(), prepared={("web", "vip"): failed(SAID)}), PLAIN)

    assert any(SAID.en in line for line in lines)


def test_columns_are_aligned_in_japanese_too() -> None:
    state = a_state().with_node("n2", NodeFacts(Presence.GONE, proof=Proof.ASSUMED))
    lines = draw(status(state), Speech("ja", coloured=False))
    nodes = [line for line in lines if "10.0.0." in line]

    assert lines[0].startswith("test  onprem · 構成情報 1")
    assert len({width(line[: line.index("10.0.0.")]) for line in nodes}) == 1


def test_colours_do_not_move_columns() -> None:
    import re

    coloured = draw(status(a_state()), Speech("en", coloured=True))

    assert [re.sub(r"\x1b\[[0-9]+m", "", line) for line in coloured] == draw(status(a_state()), PLAIN)


def test_each_colour_has_its_sign() -> None:
    words = ("Online", "Offline", "Online Pending", "Online Failure", "Unknown", "Caution", "Normal", "Error", "Unused")

    assert [(colour(word), sign(word)) for word in words] == [
        ("green", "●"), ("dim", "○"), ("yellow", "◐"), ("red", "✗"), ("red", "✗"), ("yellow", "◐"), ("green", "●"),
        ("red", "✗"), ("dim", "○"),
    ]  # fmt: skip

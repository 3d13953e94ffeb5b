"""The picture of `komainu status`: aligned, with every reason, and readable without colours."""

from dataclasses import replace
from typing import Any

import pytest

from komainu.agent.rights.voting import Seen
from komainu.agent.shown.status import Local, report
from komainu.cli.picture import colour, draw, duration, sign
from komainu.cli.speech import Speech, width
from komainu.core.state import Change, Hold, NodeFacts, Presence, Proof, State, Status, Suspension, Vote, initial
from komainu.core.takeover import WAITS_FOR_PROOF
from komainu.model.message import Message
from komainu.model.outcome import Outcome, failed
from komainu.model.vote import Owner, Record
from tests.doubles.daemons import cluster, resource

SAID = Message("TEST12", "the route was changed", "経路が変更されました", "error").said()
PLAIN = Speech("en", coloured=False)


LOCAL = Local("n1", "d.1", 7, "connected", True, 250, 1, {}, {}, {("web", "app"): "thingw-app"})


def status(state: State, standing: str = "connected", prepared: dict[tuple[str, str], Outcome] | None = None) -> Any:
    local = Local("n1", "d.1", 7, standing, True, 250, 1, {}, prepared or {}, {("web", "app"): "thingw-app"})
    return report(state, replace(local, labels={("web", "vip"): "10.1.0.20"}))


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
        "    ● vip  Online  n1  thing 10.1.0.20  vip Normal",
        "    ● app  Online  n1  thing            thingw-app Normal",
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


def test_a_change_of_the_configuration_and_a_suspended_cluster_stand_first() -> None:
    state = a_state()
    change = Change("1", "n1", "c", state.cluster, "root", "more memory", ("n1",))
    for name in ("n1", "n2"):
        state = state.with_node(name, NodeFacts(Presence.MEMBER, probed=True, suspended=True))
    lines = draw(status(replace(state, change=change, maintenance=True)), PLAIN)

    assert [line.split(":")[0] for line in lines[:2]] == ["MAINTENANCE", "SUSPENDED"]
    assert lines[2] == "Configuration 1 is being applied (root: more memory); waiting for: n2"


def test_the_heartbeat_of_each_link_stands_beside_its_address() -> None:
    told = status(a_state())
    told["nodes"][1]["links"] = ["10.0.0.2", "10.0.1.2"]
    beat = {"node": "n2", "state": "up", "latency_us": 362}
    told["here"]["heartbeat"] = [
        {**beat, "link": 1, "address": "10.0.0.2"},
        {**beat, "link": 2, "address": "10.0.1.2", "state": "down", "latency_us": None},
    ]

    assert "  ● n2     Online  10.0.0.2 0.4 ms, 10.0.1.2 ✗ no heartbeat" in draw(told, PLAIN)
    told["nodes"][1]["presence"] = "gone"
    assert not any("no heartbeat" in line or "0.4 ms" in line for line in draw(told, PLAIN))


def test_what_is_under_way_and_waited_for_is_shown_only_when_there_is_something() -> None:
    state = a_state().with_hold("web", "n1", 1, Hold(Status.STOPPING, "1.r.7", restarts=2))
    names = [f"failover:web:{number}" for number in range(7)]
    told = report(
        replace(state, timers=dict.fromkeys(names, 3_600_000)),
        replace(LOCAL, began={"1.r.7": "2026-01-01T00:00:01.000Z"}, left_ms={names[6]: 252_000}),
    )
    lines = draw(told, PLAIN)

    assert any("2 reactivations, 1 left" in line for line in lines)
    at = lines.index("Under way")
    assert lines[at + 1].startswith("  → stop app on n1  since ")
    assert lines[at + 3] == "Waiting"
    assert lines[at + 4].split()[:2] == ["in", "4:12"]
    assert lines[at + 5].split()[:2] == ["within", "1:00:00"]
    assert lines[at + 9] == "  ... and 2 more: --json shows them"
    assert "Under way" not in draw(status(a_state()), PLAIN)


@pytest.mark.parametrize(
    ("ms", "text"), [(0, "0.0 s"), (9_950, "9.9 s"), (12_000, "12 s"), (252_000, "4:12"), (3_600_000, "1:00:00")]
)
def test_durations_are_short(ms: int, text: str) -> None:
    assert duration(ms) == text


def test_monitors_of_their_own_have_their_place() -> None:
    told = status(a_state())
    each = {"why": None, "restarts_left": 0, "suspended": False, "simulated": False}
    monitor = {
        "name": "diskw", "type": "disk", "status": "Error", "node": "n1", "why": {"en": "full", "ja": "満杯"},
        "resource": None, "on": [{"node": "n1", "status": "Error", **each}, {"node": "n2", "status": "Normal", **each}],
    }  # fmt: skip
    told["monitors"] = [monitor, {**monitor, "resource": "app"}]
    lines = draw(told, PLAIN)
    at = lines.index("Monitors")

    assert lines[at + 1 : at + 3] == ["  ✗ diskw  Error   disk  n1 Error, n2 Normal", "      └ full"]
    assert sum("diskw" in line for line in lines) == 1


def limited(state: State, vote: Seen) -> list[str]:
    return draw(report(state, replace(LOCAL, vote=vote)), PLAIN)


def a_record(**changes: Any) -> Record:
    owner = Owner(node="n1", incarnation="x.1")
    values = {"cluster": "test", "config": 1, "epoch": 5, "owner": owner, "wait_ms": 6_000, "nonce": "n"}
    return Record(**{**values, **changes})


def test_the_right_and_the_vote_stand_in_the_head() -> None:
    lines = limited(a_state("lease"), Seen(4_200, a_record(), 61_000, None))

    terms = a_state("lease").cluster.arbitration
    limits = f"E {duration(terms.right_ms)} · D {duration(terms.wait_ms)}"
    assert lines[2] == f"rests on  all nodes are there · right of n1 4.2 s · {limits}"
    assert lines[3] == "vote  nobody acts alone · epoch 5 · known so for 1:01"
    assert "!" not in "\n".join(lines)


def test_who_acts_alone_and_what_keeps_this_node_from_the_vote() -> None:
    lost = a_state("lease").with_node("n2", NodeFacts(Presence.LOST))
    lines = limited(lost, Seen(0, a_record(mode="alone"), 500, SAID))

    assert lines[2].startswith("rests on  nothing · right of n1 0.0 s · E ")
    assert lines[3] == "vote  n1 acts alone · epoch 5 · known so for 0.5 s  the route was changed"
    assert lines[-2].startswith("! Nothing can be started here without n2.")
    assert lines[-1].startswith("! `komainu lease check`")
    won = replace(lost, ring="r2", vote=Vote("n1", "r2", 5, True, 6_000))
    assert limited(won, Seen(900, None, None, None))[2].startswith("rests on  the vote (n1) · ")
    assert limited(won, Seen(900, None, None, None))[3] == "vote  not seen yet"


def test_where_rights_are_not_limited_nothing_is_said_of_them() -> None:
    assert not any(line.startswith(("rests on", "vote")) for line in draw(status(a_state("operator")), PLAIN))


def test_a_suspension_that_is_on_its_way_names_who_is_awaited() -> None:
    state = replace(a_state("lease"), suspension=Suspension("s", True, ("n1",)))
    assert draw(status(state), PLAIN)[0].endswith("nodes that have not noted it: n2")
    for name in ("n1", "n2"):
        state = state.with_node(name, NodeFacts(Presence.MEMBER, probed=True, suspended=True))
    state = replace(state, suspension=Suspension("s", True, ("n1", "n2")))
    assert draw(status(state), PLAIN)[0].startswith("SUSPENDED: ")
    state = replace(state, suspension=Suspension("t", False, ("n1",)))
    assert draw(status(state), PLAIN)[0] == "The suspension of the cluster ends; nodes that have not noted it: n2"

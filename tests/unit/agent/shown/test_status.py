"""What `komainu status` is made of; its shape is the one that programs rest on."""

from dataclasses import replace

from komainu.agent.members.heartbeat import Beat
from komainu.agent.shown.status import Local, report
from komainu.api.answers import StatusAnswer
from komainu.core.state import (
    Change,
    Hold,
    MonitorFacts,
    NodeFacts,
    Presence,
    Proof,
    State,
    Status,
    Verdict,
    Watch,
    initial,
)
from komainu.model.config import Monitor, MonitorRecovery, Target
from komainu.model.message import Message
from komainu.model.outcome import SUCCEEDED, failed
from tests.doubles.daemons import cluster, resource

SAID = Message("TEST5", "broken", "故障", "error").said()
LOCAL = Local(
    node="n1",
    incarnation="d.1",
    pid=7,
    standing="connected",
    synced=True,
    beat_interval_ms=250,
    beat_round_trip_ms=1,
    api_calls={"ReplaceRoute": 2},
    api_calls_in_last_minute=1,
    prepared={("web", "app"): failed(SAID, "why")},
    monitors={("web", "app"): "thingw-app"},
    labels={("web", "app"): "192.0.2.20"},
)


def test_it_has_the_shape_that_was_promised() -> None:
    told = report(initial(cluster(resource("app"), resource("db")), 4), LOCAL)

    assert StatusAnswer.model_validate(told).model_dump(mode="json") == told
    assert [each["label"] for each in told["groups"][0]["resources"]] == ["192.0.2.20", ""]


def test_rules_are_those_in_force_and_those_that_each_node_knows() -> None:
    state = replace(initial(cluster()), rules=1)
    state = state.with_node("n1", NodeFacts(Presence.MEMBER, "d.1", rules=1, probed=True))
    mixed = report(state.with_node("n2", NodeFacts(Presence.LOST, "d.2", rules=7)), LOCAL)
    never = report(state, LOCAL)

    assert mixed["cluster"]["rules"] == never["cluster"]["rules"] == 1
    assert [node["rules"] for node in mixed["nodes"]] == [1, 7]
    assert [node["rules"] for node in never["nodes"]] == [1, None], "nobody knows what n2 has"


def test_the_local_facts_are_those_of_the_node_that_answers() -> None:
    told = report(initial(cluster(), 4), LOCAL)

    assert told["here"]["node"] == "n1"
    assert told["here"]["api_calls"] == {"ReplaceRoute": 2}
    assert told["here"]["api_calls_in_last_minute"] == 1
    assert told["cluster"]["epoch"] == 4
    assert told["cluster"]["arbitration"]["strength"] == "weakest"
    (app,) = told["groups"][0]["resources"]
    assert app["monitor"]["name"] == "thingw-app"
    assert app["ready_here"] == {"result": "failed", "why": told_said(), "detail": "why"}


def told_said() -> dict[str, str]:
    return {"code": "TEST5", "level": "error", "en": "broken", "ja": "故障"}


def test_a_resource_that_is_ready_says_so_without_a_reason() -> None:
    told = report(initial(cluster()), replace(LOCAL, prepared={("web", "app"): SUCCEEDED}))

    assert told["groups"][0]["resources"][0]["ready_here"] == {"result": "succeeded", "why": None, "detail": ""}


def test_counters_and_places_come_from_the_state() -> None:
    state = initial(cluster())
    state = state.with_node("n1", NodeFacts(Presence.MEMBER, probed=True))
    state = state.with_group("web", replace(state.groups["web"], home="n1", barred=("n2",), failovers=1))
    state = state.with_hold("web", "n1", 0, Hold(Status.RUNNING, run="1", restarts=2))
    state = state.with_hold("web", "n2", 0, Hold(Status.STOPPED))
    (group,) = report(state, LOCAL)["groups"]

    assert (group["barred"], group["failovers"], group["may_run_on"]) == (["n2"], 1, ["n1"])
    assert (group["resources"][0]["node"], group["resources"][0]["restarts"]) == ("n1", 2)


def test_an_error_from_which_nothing_follows_is_no_reactivation() -> None:
    state = replace(initial(cluster()), maintenance=True).with_node("n1", NodeFacts(Presence.MEMBER, probed=True))
    state = state.with_group("web", replace(state.groups["web"], home="n1"))
    found = state.with_hold("web", "n1", 0, Hold(Status.FAILED, restarts=1))
    begun = state.with_hold("web", "n1", 0, Hold(Status.STARTING, "1.r.8", restarts=1))

    for told, done in ((report(found, LOCAL), 0), (report(begun, LOCAL), 1)):
        app = told["groups"][0]["resources"][0]
        assert (app["restarts"], app["left"]["restarts"]) == (done, 3 - done)
        assert told["monitors"][0]["on"][0]["restarts_left"] == 3 - done


def busy() -> State:
    """A state with something of everything."""
    disk = Monitor(
        name="diskw",
        type="disk",
        nodes=("n1", "n2"),
        watches=Target(kind="group", group="web"),
        params={},
        first_wait_ms=0,
        interval_ms=1_000,
        timeout_ms=1_000,
        retries=0,
        recovery=MonitorRecovery(target=Target(kind="node"), restarts=0, failovers=2, final_action="shutdown"),
    )
    config = cluster(resource("app", monitor="thingw-app"), arbitration="fence").model_copy(
        update={"monitors": (disk,)}
    )
    state = initial(config).with_node("n1", NodeFacts(Presence.MEMBER, probed=True))
    state = state.with_node("n2", NodeFacts(Presence.LOST, fence="1.r.9", fence_by="n1"))
    state = state.with_group("web", replace(state.groups["web"], home="n1", recent=("failover:web:1.r.3",)))
    state = state.with_hold("web", "n1", 0, Hold(Status.STARTING, "1.r.8", restarts=2, start_failures=1))
    watch = Watch("1.r.2", Verdict.CAUTION, SAID, script="1.r.7")
    state = replace(state, formed=True, maintenance=True, timers={"failover:web:1.r.3": 3_600_000})
    change = Change("1.r.6", "n1", "c", config, "root", "a trial", ())
    return replace(state.with_monitor("diskw", MonitorFacts(failovers=1, on={"n1": watch})), change=change)


def test_everything_at_once_has_its_shape() -> None:
    local = replace(
        LOCAL,
        heartbeat={("n2", 1): Beat(False, None)},
        began={"1.r.8": "2026-01-01T00:00:00.000Z"},
        left_ms={"failover:web:1.r.3": 12},
    )
    told = report(busy(), local)

    assert StatusAnswer.model_validate(told).model_dump(mode="json") == told
    assert told["cluster"]["maintenance"]
    assert told["cluster"]["change"]["awaited"] == ["n1"]
    assert [(each["node"], each["state"]) for each in told["here"]["heartbeat"]] == [("n2", "down")]


def test_what_is_under_way_is_told_with_its_beginning() -> None:
    told = report(busy(), replace(LOCAL, began={"1.r.8": "then"}))["pending"]

    assert [(each["action"], each["id"], each["node"], each["since"]) for each in told] == [
        ("FenceNode", "1.r.9", "n1", None),
        ("JudgeConfiguration", "1.r.6", "n1", None),
        ("StartResource", "1.r.8", "n1", "then"),
        ("RunScript", "1.r.7", "n1", None),
    ]
    assert told[0]["text"]["en"] == "fence n2 from n1"


def test_timers_tell_what_they_wait_for() -> None:
    (timer,) = report(busy(), replace(LOCAL, left_ms={"failover:web:1.r.3": 12}))["timers"]

    assert (timer["after_ms"], timer["left_ms"], timer["group"]) == (3_600_000, 12, "web")
    assert "web" in timer["text"]["en"]


def test_monitors_of_resources_and_of_their_own() -> None:
    own, disk = report(busy(), LOCAL)["monitors"]

    assert (own["name"], own["resource"], own["status"], own["restarts"]) == ("thingw-app", "app", "Unused", 3)
    assert [each["restarts_left"] for each in own["on"]] == [1, 3]
    assert (disk["status"], disk["watches"], disk["recovers"]) == ("Unknown", "web", "local-server")
    assert [each["status"] for each in disk["on"]] == ["Caution", "Unknown"]
    assert (disk["failovers_left"], disk["final_action"]) == (1, "shutdown")


def test_what_is_left_of_the_recovery_is_counted() -> None:
    (app,) = report(busy(), LOCAL)["groups"][0]["resources"]

    assert app["left"] == {"starts": 1, "restarts": 1, "failovers": 1}


def test_a_node_that_can_be_started_from_here_says_so() -> None:
    state = initial(cluster()).with_node("n2", NodeFacts(Presence.GONE, proof=Proof.CLEAN_LEAVE))
    left = report(state, LOCAL)["nodes"][1]["why"]["en"]
    stays = report(state, replace(LOCAL, stopped=("n2",)))["nodes"][1]["why"]["en"]

    assert "node start" not in left
    assert "komainu node start n2" in stays

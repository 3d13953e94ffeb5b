"""What `komainu status` is made of; its shape is the one that programs rest on."""

from dataclasses import replace

from komainu.agent.status import Local, report
from komainu.api.answers import StatusAnswer
from komainu.core.state import Hold, NodeFacts, Presence, Status, initial
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
    prepared={("web", "app"): failed(SAID, "why")},
    monitors={("web", "app"): "thingw-app"},
)


def test_it_has_the_shape_that_was_promised() -> None:
    told = report(initial(cluster(resource("app"), resource("db")), 4), LOCAL)

    assert StatusAnswer.model_validate(told).model_dump(mode="json") == told


def test_the_local_facts_are_those_of_the_node_that_answers() -> None:
    told = report(initial(cluster(), 4), LOCAL)

    assert told["here"]["node"] == "n1"
    assert told["here"]["api_calls"] == {"ReplaceRoute": 2}
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

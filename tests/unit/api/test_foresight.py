"""Courses over the socket and over a file: the same answer in the same shape, and nothing is changed."""

from pathlib import Path
from typing import Any

import pytest

from komainu.agent.shown.what_if import DaemonsLost, MonitorFails, NodeReturns, NodesLost, ResourceFails, formed
from komainu.api import foresight
from komainu.api.answers import CourseAnswer
from komainu.api.client import Client, Trouble
from komainu.api.foresight import WhatIfRequest, imagine, question
from komainu.api.operation import OperationRefused
from komainu.model.config import Monitor, MonitorRecovery, Target
from tests.doubles.daemons import cluster, resource
from tests.doubles.served import Served, serve

DISK = Monitor(
    name="diskw",
    type="disk",
    nodes=("n1", "n2"),
    params={},
    first_wait_ms=0,
    interval_ms=1_000,
    timeout_ms=1_000,
    retries=0,
    recovery=MonitorRecovery(target=Target(kind="node"), final_action="shutdown"),
)
CONFIG = cluster(resource("app", monitor="appw")).model_copy(update={"monitors": (DISK,)})


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ({"what": "node-lost", "nodes": ["n1"]}, NodesLost(("n1",))),
        ({"what": "daemon-lost", "nodes": ["n1", "n2"]}, DaemonsLost(("n1", "n2"))),
        ({"what": "node-returns", "nodes": ["n2"]}, NodeReturns("n2")),
        ({"what": "resource-failed", "resource": "app", "times": 3}, ResourceFails("web", "app", 3)),
        ({"what": "resource-failed", "group": "web", "resource": "app"}, ResourceFails("web", "app", 1)),
        ({"what": "monitor-failed", "monitor": "diskw"}, MonitorFails("diskw", None, 1)),
        ({"what": "monitor-failed", "monitor": "diskw", "nodes": ["n2"]}, MonitorFails("diskw", "n2", 1)),
        ({"what": "monitor-failed", "monitor": "appw", "times": 2}, ResourceFails("web", "app", 2)),
    ],
)
def test_what_is_asked(asked: dict[str, Any], meant: object) -> None:
    assert question(CONFIG, WhatIfRequest.model_validate(asked)) == meant


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"what": "node-lost"}, "asks for NODE"),
        ({"what": "node-returns", "nodes": ["n1", "n2"]}, "asks for NODE"),
        ({"what": "resource-failed"}, "asks for RESOURCE"),
        ({"what": "monitor-failed"}, "asks for MONITOR"),
        ({"what": "monitor-failed", "monitor": "disk"}, "Did you mean diskw"),
        ({"what": "resource-failed", "group": "wed", "resource": "app"}, "Did you mean web"),
        ({"what": "node-lost", "nodes": ["n9"]}, "Did you mean n"),
    ],
)
def test_what_is_not_asked_rightly(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(OperationRefused) as refused:
        question(CONFIG, WhatIfRequest.model_validate(asked))

    assert said in refused.value.said.en


@pytest.mark.parametrize("times", [1, 20])
def test_a_course_has_its_shape(times: int) -> None:
    told = imagine(CONFIG, {"what": "resource-failed", "resource": "app", "times": times})

    assert CourseAnswer.model_validate(told).model_dump(mode="json") == told
    assert (told["accepted"], told["complete"]) == (None, True)
    assert [each["action"] for each in told["moments"][0]["actions"]] == ["StopResource"]
    assert told["moments"][0]["actions"][0]["because"]


def test_it_tells_what_becomes_of_everything() -> None:
    told = imagine(CONFIG, {"what": "node-lost", "nodes": ["n1"]})

    assert [each["after"]["status"] for each in told["nodes"]] == ["Offline", "Online"]
    (web,) = told["groups"]
    assert (web["before"]["node"], web["after"]["node"], web["after"]["status"]) == ("n1", "n2", "Online")


def test_what_cannot_happen_is_refused() -> None:
    with pytest.raises(OperationRefused, match="No member would be left"):
        imagine(CONFIG, {"what": "node-lost", "nodes": ["n1", "n2"]})


def test_a_course_that_is_cut_off_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    state = formed(CONFIG)
    moments = list(foresight.what_if.course(state, ResourceFails("web", "app", 9)))
    monkeypatch.setattr(foresight, "MOST_EVENTS", len(moments))

    assert not foresight.to_json(state, moments)["complete"]


@pytest.mark.sockets
def test_over_the_socket_the_daemon_goes_on_as_it_was(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        before = served.world.running["n1"].state

        def asked(client: Client) -> Any:
            with pytest.raises(Trouble, match="There is no node n9"):
                client.ask("what-if", what="node-lost", nodes=["n9"])
            return client.ask("what-if", what="node-lost", nodes=["n1"])

        told: Any = await served.ask(asked)
        assert told["groups"][0]["after"]["node"] == "n2"
        assert served.world.running["n1"].state is before

    serve(tmp_path, story)

"""The operations of the alert log, asked over the socket."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from komainu.agent.alert_record import MODULES, MOST_MS
from komainu.api import alerts
from komainu.api.client import Client, Trouble
from komainu.model.config import Cluster, Notification
from tests.doubles.alerts import said
from tests.doubles.daemons import cluster
from tests.doubles.served import Served, serve
from tests.unit.agent.alerts.test_notifications import Pigeons

pytestmark = pytest.mark.sockets


def listed(**conditions: Any) -> Any:
    return lambda client: list(client.follow("alerts", 20, **conditions))


def refused(operation: str, **conditions: Any) -> Any:
    def ask(client: Client) -> Any:
        with pytest.raises(Trouble) as trouble:
            list(client.follow(operation, 20, **conditions))
        return trouble.value.said

    return ask


def test_alerts_are_chosen_by_level_module_node_code_and_time(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        daemon = served.world.running["n1"].daemon
        daemon.parts.recorder.alert(said("KM5301", "warning"), "why")
        (told,) = await served.ask(listed(code="KM5301"))  # type: ignore[misc]
        assert (told["node"], told["module"], told["level"], told["detail"]) == ("n1", "agent", "warning", "why")
        everything = await served.ask(listed())
        assert told in everything  # type: ignore[operator]
        for conditions in (
            {"level": "error"},
            {"module": "core"},
            {"node": "n9"},
            {"code": "KM7"},
            {"until_ms": 1},
            {"since_ms": MOST_MS - 1},
            {"last": 0},
        ):
            assert told not in await served.ask(listed(**conditions)), conditions  # type: ignore[operator]

    serve(tmp_path, story)


def test_whoever_follows_gets_what_comes_and_nothing_twice(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        daemon = served.world.running["n1"].daemon
        loop = asyncio.get_running_loop()
        daemon.parts.recorder.alert(said("KM5301", "warning"), "before")

        def follow(client: Client) -> list[str]:
            seen = []
            for each in client.follow("alerts.follow", 20, code="KM5301"):
                seen.append(each["detail"])
                if each["detail"] == "before":
                    loop.call_soon_threadsafe(daemon.parts.recorder.alert, said("KM5302"), "another code")
                    loop.call_soon_threadsafe(daemon.parts.recorder.alert, said("KM5301", "warning"), "after")
                if each["detail"] == "after":
                    return seen
            return seen

        assert await served.ask(follow) == ["before", "after"]
        await served.alone()

    serve(tmp_path, story)


def test_a_module_that_is_none_is_refused_with_those_that_are(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        told: Any = await served.ask(refused("alerts", module="moon"))
        assert told.code == alerts.NO_MODULE.code
        assert all(module in told.en for module in MODULES.values())

    serve(tmp_path, story)


@pytest.mark.parametrize(
    "conditions",
    [{"last": -1}, {"last": 10_001}, {"level": "fatal"}, {"since_ms": -1}, {"until_ms": MOST_MS}, {"x": 1}],
)
def test_what_cannot_be_asked_is_refused(tmp_path: Path, conditions: dict[str, Any]) -> None:
    async def story(served: Served) -> None:
        told: Any = await served.ask(refused("alerts", **conditions))
        assert told.code == "KM6022"

    serve(tmp_path, story)


def with_notifications() -> Cluster:
    targets = tuple(Notification(name=name, kind="webhook", params={}) for name in ("ops", "boss"))
    return cluster().model_copy(update={"notifications": targets})


def test_a_test_tells_what_became_of_it_on_each_node(tmp_path: Path) -> None:
    pigeons = Pigeons()
    pigeons.down = ["n2"]

    async def story(served: Served) -> None:
        results: Any = await served.ask(lambda client: list(client.follow("alerts.test", 30, name="ops")))
        told = {each["node"]: (each["notification"], each["result"]) for each in results}
        assert told == {"n1": ("ops", "succeeded"), "n2": ("ops", "failed")}
        failure = next(each for each in results if each["node"] == "n2")
        assert failure["said"]["en"] == "the pigeon came back"
        both: Any = await served.ask(lambda client: list(client.follow("alerts.test", 30)))
        assert len(both) == 4
        unknown: Any = await served.ask(refused("alerts.test", name="fax"))
        assert unknown.code == alerts.NO_NOTIFICATION.code
        assert "ops, boss" in unknown.en

    serve(tmp_path, story, with_notifications(), notifiers={"webhook": pigeons.kind})


def test_without_notifications_there_is_nothing_to_test(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        told: Any = await served.ask(refused("alerts.test"))
        assert told.code == alerts.NONE_CONFIGURED.code

    serve(tmp_path, story)

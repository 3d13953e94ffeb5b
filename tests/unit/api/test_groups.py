"""Operations on groups and resources: given, answered, followed to their end."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from komainu.api.client import Client, Trouble
from komainu.core.state import Presence
from komainu.model.outcome import SUCCEEDED, failed
from tests.doubles.daemons import NOT_HERE, cluster
from tests.doubles.served import Served, serve

pytestmark = pytest.mark.sockets


def test_a_group_is_moved_and_followed_to_its_end(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        loop, seen = asyncio.get_running_loop(), asyncio.Event()

        async def start() -> Any:
            """Only when the first status was seen."""
            await seen.wait()
            served.world.things.running["app"] = ["n2"]
            return SUCCEEDED

        served.world.things.next("n2", "start", "app", start)

        def moved(client: Client) -> tuple[Any, list[Any]]:
            answer = client.ask("group.move", group="web")
            statuses = []
            for now in client.follow("settle", 20, kind="group", name="web", want="Online"):
                statuses.append(now["objects"][0]["status"])
                loop.call_soon_threadsafe(seen.set)
            return answer, statuses

        answer, statuses = await served.ask(moved)  # type: ignore[misc]
        assert answer["accepted"]
        assert statuses[0] == "Online Pending"
        assert statuses[-1] == "Online"
        await served.world.online(on="n2", within_s=20)

    serve(tmp_path, story)


def test_settling_ends_with_its_time(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        release = asyncio.Event()

        async def held() -> Any:
            await release.wait()
            return failed(NOT_HERE.said(resource="app", node="n2"))

        served.world.things.next("n2", "start", "app", held)

        def moved(client: Client) -> list[Any]:
            client.ask("group.move", group="web")
            return list(client.follow("settle", 20, kind="group", name="web", want="Online", timeout_ms=100))

        groups: Any = await served.ask(moved)
        release.set()
        assert groups[-1]["objects"][0]["status"] == "Online Pending"
        assert not groups[-1]["settled"]

    serve(tmp_path, story)


def test_settling_ends_when_the_group_waits_for_a_proof(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        world = served.world
        await served.ask(lambda client: client.ask("group.move", group="web"))
        await world.online(on="n2", within_s=20)
        await world.power_off("n2")
        one = world.running["n1"]
        await world.until(lambda: one.state.nodes["n2"].presence is Presence.LOST, "lost", 20)
        goal = {"kind": "group", "name": "web", "want": "Online"}
        groups: Any = await served.ask(lambda client: list(client.follow("settle", 20, **goal)))
        assert groups[-1]["why"]["level"] == "warning"
        assert (groups[-1]["waits"], groups[-1]["reached"]) == (True, False)

        nodes: Any = await served.ask(lambda client: client.ask("node.list"))
        word = {"node": "n2", "epoch": nodes["epoch"]}
        assert nodes["nodes"][1]["status"] == "Unknown"
        late: Any = await served.ask(lambda client: client.ask("node.confirm-gone", node="n2", epoch=word["epoch"] - 1))
        assert not late["accepted"]
        said: Any = await served.ask(lambda client: client.ask("node.confirm-gone", **word))
        assert said["accepted"]
        await world.online(on="n1", within_s=20)

    serve(tmp_path, story, cluster(arbitration="operator"))


def test_a_refused_command_says_why(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        word: dict[str, Any] = {"node": "n2", "epoch": 0}
        answer: Any = await served.ask(lambda client: client.ask("node.confirm-gone", **word))
        assert not answer["accepted"]
        assert "not lost" in answer["said"]["en"]
        with pytest.raises(Trouble, match=r"no group webb\. Did you mean web\?"):
            await served.ask(lambda client: client.ask("group.move", group="webb"))
        for kind in ("group", "resource", "node"):
            goal = {"kind": kind, "name": "nothing", "want": "Online"}
            with pytest.raises(Trouble, match=f"no {kind} nothing"):
                await served.ask(lambda client, goal=goal: list(client.follow("settle", 5, **goal)))  # type: ignore[misc]

    serve(tmp_path, story)


def test_one_resource_is_stopped_and_started(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        for verb, there in (("stop", False), ("start", True)):
            answer: Any = await served.ask(lambda client, verb=verb: client.ask(f"resource.{verb}", resource="app"))  # type: ignore[misc]
            assert answer["accepted"]
            await served.until(lambda there=there: bool(served.world.things.on("app")) is there, verb)  # type: ignore[misc]

    serve(tmp_path, story)


def test_what_is_so_already_is_accepted_with_its_sentence(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        for op in ("group.start", "group.restore"):
            answer: Any = await served.ask(lambda client, op=op: client.ask(op, group="web"))  # type: ignore[misc]
            assert (answer["accepted"], answer["said"]["level"]) == (True, "info")
            assert "Nothing was changed" in answer["said"]["en"]

    serve(tmp_path, story)

"""The table of operations: each answers in the shape it promises."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from komainu.agent.line import Standing
from komainu.api import command
from komainu.api.client import Client, Trouble
from komainu.api.operation import Operation, Right
from komainu.api.operations import BY_NAME, OPERATIONS
from komainu.core.state import Presence
from komainu.model.outcome import SUCCEEDED, failed
from tests.doubles.daemons import NOT_HERE, cluster
from tests.doubles.served import Served, serve

pytestmark = pytest.mark.sockets


ARGUMENTS: dict[str, dict[str, Any]] = {
    "settle": {"kind": "group", "name": "web", "want": "Online"},
    "status.object": {"name": "app"},
    "what-if": {"what": "node-lost", "nodes": ["n1"]},
}


def test_every_row_is_whole() -> None:
    assert len(BY_NAME) == len(OPERATIONS)
    for operation in OPERATIONS:
        assert (operation.answer_by is None) != (operation.stream_by is None), operation.name
        assert issubclass(operation.answer, BaseModel)
    changing = {operation.name for operation in OPERATIONS if operation.right is Right.OPERATE}
    assert changing >= {
        *(f"group.{verb}" for verb in ("move", "start", "stop", "restore")),
        *(f"resource.{verb}" for verb in ("start", "stop")),
        *(f"node.{verb}" for verb in ("stop", "suspend", "resume", "confirm-gone")),
        *(f"cluster.{verb}" for verb in ("stop", "suspend", "resume")),
        *(f"monitor.{verb}" for verb in ("suspend", "resume", "fail")),
        "maintenance",
    }


def test_every_reading_operation_answers_in_its_shape(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        asked = 0
        for operation in OPERATIONS:
            if operation.right is not Right.READ:
                continue
            args = ARGUMENTS.get(operation.name, {})
            answer = await served.ask(lambda client, op=operation, args=args: _first(client, op, args))  # type: ignore[misc]
            assert operation.answer.model_validate(answer).model_dump(mode="json") == answer, operation.name
            asked += 1
        assert asked >= 7

    serve(tmp_path, story)


def _first(client: Client, operation: Operation, args: dict[str, Any]) -> Any:
    if operation.stream_by is not None:
        return next(client.follow(operation.name, 10, **args))
    return client.ask(operation.name, **args)


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


def test_events_are_followed_without_gaps_or_repeats(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        async def follow() -> Any:
            def asked(client: Client) -> list[int]:
                seqs = []
                for entry in client.follow("events", 20, last=1000, follow=True):
                    seqs.append(entry["seq"])
                    if any(
                        change["now"] == "Online" and change["node"] == "n2"
                        for change in entry["changes"]
                        if change["what"] == "group"
                    ):
                        return seqs
                return seqs

            return await served.ask(asked)

        following = asyncio.create_task(follow())
        await served.until(lambda: bool(served.server._clients), "followed")
        await served.ask(lambda client: client.ask("group.move", group="web"))
        seqs = await following
        assert seqs == list(range(1, len(seqs) + 1))

    serve(tmp_path, story)


def test_status_is_said_again_when_it_changes(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        def watched(client: Client) -> str:
            answers = client.follow("status.watch", 20)
            assert next(answers)["groups"][0]["status"] == "Online"
            with Client(str(served.socket)) as other:
                other.ask("group.stop", group="web")
            for answer in answers:
                if answer["groups"][0]["status"] == "Offline":
                    return "stopped"
            return "ended"

        assert await served.ask(watched) == "stopped"

    serve(tmp_path, story)


def test_a_node_that_is_not_together_with_its_cluster_takes_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "COMMAND_TIMEOUT_MS", 50)

    async def story(served: Served) -> None:
        served.world.running["n1"].daemon.loop.synced.clear()
        with pytest.raises(Trouble) as trouble:
            await served.ask(lambda client: client.ask("group.stop", group="web"))
        assert trouble.value.said.code == command.NOT_TOGETHER.code

    serve(tmp_path, story)


def test_a_node_that_waits_for_its_bus_takes_no_command(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        served.world.wire.kill_corosync(1)
        line = served.world.running["n1"].daemon.parts.line
        await served.until(lambda: line.standing is Standing.WAITING, "cut off")
        with pytest.raises(Trouble) as trouble:
            await served.ask(lambda client: client.ask("group.stop", group="web"))
        assert trouble.value.said.code == command.NOT_TOGETHER.code
        assert "n1" in served.world.things.on("app")

    serve(tmp_path, story)


def test_explain_has_the_statement_and_the_causes(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        answer: Any = await served.ask(lambda client: client.ask("explain", last=1))
        (action,) = answer["actions"]
        assert (action["action"], action["node"], action["result"]) == ("StartResource", "n1", "succeeded")
        assert len(action["because"]) >= 2
        assert answer["statement"][0]["code"] == "KM5421"

    serve(tmp_path, story)

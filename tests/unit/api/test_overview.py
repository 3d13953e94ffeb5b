"""How things stand: as a whole, at every change, and one object with what belongs to it."""

from pathlib import Path
from typing import Any

import pytest

from komainu.api.answers import ObjectsAnswer
from komainu.api.client import Client, Trouble
from tests.doubles.daemons import cluster, resource
from tests.doubles.served import Served, serve

pytestmark = pytest.mark.sockets


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


@pytest.mark.parametrize(
    ("name", "kind", "monitors"),
    [
        ("n1", "node", ["appw"]),
        ("n2", "node", ["appw"]),
        ("web", "group", ["appw"]),
        ("app", "resource", ["appw"]),
        ("appw", "monitor", []),
    ],
)
def test_one_object_comes_with_what_belongs_to_it(tmp_path: Path, name: str, kind: str, monitors: list[str]) -> None:
    async def story(served: Served) -> None:
        answer: Any = await served.ask(lambda client: client.ask("status.object", name=name))
        assert ObjectsAnswer.model_validate(answer).model_dump(mode="json") == answer
        (told,) = answer["objects"]
        assert (told["kind"], told[kind]["name"]) == (kind, name)
        assert [each["name"] for each in told["monitors"]] == monitors
        assert (told["group"] is not None) == (kind in ("group", "resource"))
        if kind == "node":
            assert [each["node"] for each in told["monitors"][0]["on"]] == [name]

    serve(tmp_path, story, cluster(resource(monitor="appw")))


def test_an_object_that_nobody_knows(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        with pytest.raises(Trouble, match=r"Did you mean app\?"):
            await served.ask(lambda client: client.ask("status.object", name="apq"))

    serve(tmp_path, story)

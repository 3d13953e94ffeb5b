"""A command waits for its cluster, is given once, and can be tried dry."""

from pathlib import Path
from typing import Any

import pytest

from komainu.agent.members.line import Standing
from komainu.api import command
from komainu.api.answers import CommandAnswer
from komainu.api.client import Trouble
from tests.doubles.served import Served, serve

pytestmark = pytest.mark.sockets


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


def test_a_dry_run_has_a_course_and_no_effect(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        before = served.world.running["n1"].state
        answer: Any = await served.ask(lambda client: client.ask("group.stop", group="web", dry_run=True))
        assert CommandAnswer.model_validate(answer).model_dump(mode="json") == answer
        assert answer["accepted"]
        assert [each["after"]["status"] for each in answer["course"]["groups"]] == ["Offline"]
        assert served.world.running["n1"].state is before

    serve(tmp_path, story)


def test_a_dry_run_tells_a_refusal_too(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        ask = {"node": "n2", "epoch": 0, "dry_run": True}
        answer: Any = await served.ask(lambda client: client.ask("node.confirm-gone", **ask))
        assert (answer["accepted"], answer["course"]["accepted"]) == (False, False)
        assert "not lost" in answer["said"]["en"]

    serve(tmp_path, story)

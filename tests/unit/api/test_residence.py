"""Starting nodes from anywhere, a stopped one included; what is said of those that cannot be started."""

from pathlib import Path

import pytest

from komainu.agent.residents import Started
from komainu.api import residence
from komainu.api.operation import OperationRefused
from komainu.api.operations import BY_NAME
from komainu.model import commands as c
from tests.doubles.daemons import World, cluster
from tests.doubles.virtual_time import run

START, START_ALL = BY_NAME["node.start"], BY_NAME["cluster.start"]


def test_the_operations_work_on_a_stopped_node_and_others_are_refused_there(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, cluster()) as world:
            one, two = world.start_all()
            await world.online(on="n1")
            assert (await two.daemon.parts.requests.ask(c.StopNode(None, "stop"), 10_000)).accepted
            await world.until(lambda: one.daemon.stopped and two.daemon.stopped, "both stopped")
            assert START.answer_by is not None
            assert START_ALL.answer_by is not None
            stop = BY_NAME["group.stop"]
            assert stop.answer_by is not None
            with pytest.raises(OperationRefused) as refused:
                await stop.answer_by(one.daemon, stop.request(group="web"))
            assert refused.value.said.code == "KM5540"

            answer = await START.answer_by(one.daemon, START.request(node="n1"))
            START.answer.model_validate(answer)
            assert (answer["accepted"], answer["said"]["en"]) == (True, "Started: n1.")
            answer = await START_ALL.answer_by(one.daemon, START_ALL.request())
            assert answer["said"]["en"] == "Started: n2. Takes part already: n1. Nothing was changed there."
            assert answer["said"]["level"] == "info"
            await world.online(on="n1")
            with pytest.raises(OperationRefused):
                await START.answer_by(one.daemon, START.request(node="n9"))

    run(story())


def test_a_node_that_is_not_to_be_heard_is_refused_with_the_remedy(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, cluster()) as world:
            one = world.start("n1")
            await world.online(on="n1")
            assert START.answer_by is not None
            answer = await START.answer_by(one.daemon, START.request(node="n2"))
            assert not answer["accepted"]
            assert "systemctl start komainud" in answer["said"]["en"]

    run(story())


@pytest.mark.parametrize(
    ("done", "code", "level"),
    [
        ({"n1": Started.BEGUN}, "KM6071", "info"),
        ({"n1": Started.SILENT}, "KM6075", "error"),
        ({"n1": Started.ABSENT, "n2": Started.LEAVING}, "KM6073", "error"),
        ({"n1": Started.ABSENT, "n2": Started.MEMBER}, "KM6072", "warning"),
    ],
)
def test_each_node_is_named_and_the_level_is_that_of_the_whole(done: dict[str, Started], code: str, level: str) -> None:
    said = residence.told(done)

    assert (said.code, said.level) == (code, level)
    for node in done:
        assert node in said.en
        assert node in said.ja

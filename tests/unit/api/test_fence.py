"""The fence is examined from the node that is asked, and a cluster without one says so."""

from pathlib import Path
from typing import Any

import pytest

from komainu.agent.execution.fencing import UNKNOWN_TYPE
from komainu.api import fence as api
from komainu.api.operation import OperationRefused
from komainu.api.operations import BY_NAME
from komainu.model.config import Cluster, Fence
from komainu.model.message import Said
from tests.doubles.daemons import World
from tests.doubles.virtual_time import run
from tests.doubles.votes import MemoryVotes, lease


def fenced() -> Cluster:
    fence = Fence(type="gun", params={})
    return lease().model_copy(update={"arbitration": lease().arbitration.model_copy(update={"fence": fence})})


def asked(folder: Path, config: Cluster, found: dict[str, tuple[Said, ...]] | None = None) -> Any:
    async def told() -> Any:
        async with World(folder, config) as world:
            world.votes = MemoryVotes()
            one, _ = world.start_all()
            await world.online(on="n1")
            if found is not None:

                async def examine() -> dict[str, tuple[Said, ...]]:
                    return found

                one.daemon.parts.fencing.examine = examine  # type: ignore[method-assign]
            operation = BY_NAME["fence.check"]
            assert operation.answer_by is not None
            answer = await operation.answer_by(one.daemon, operation.request())
            assert operation.answer.model_validate(answer).model_dump(mode="json") == answer
            return answer

    return run(told())


def test_without_a_fence_there_is_nothing_to_examine(tmp_path: Path) -> None:
    with pytest.raises(OperationRefused) as refusal:
        asked(tmp_path, lease())
    assert refusal.value.said == api.NO_FENCE.said(kind="lease")


def test_what_keeps_a_node_from_being_fenced_is_told(tmp_path: Path) -> None:
    answer = asked(tmp_path, fenced())  # nobody has made such a device here
    assert (answer["good"], answer["by"], answer["type"]) == (False, "n1", "gun")
    assert [(each["node"], each["findings"][0]["code"]) for each in answer["nodes"]] == [("n2", UNKNOWN_TYPE.code)]


def test_a_node_of_which_nothing_is_found_can_be_fenced(tmp_path: Path) -> None:
    answer = asked(tmp_path, fenced(), {"n2": ()})
    assert (answer["good"], answer["nodes"]) == (True, [{"node": "n2", "findings": []}])

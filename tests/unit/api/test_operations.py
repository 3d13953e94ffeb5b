"""The table of operations: each answers in the shape it promises."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from komainu.api.client import Client
from komainu.api.operation import Operation, Right
from komainu.api.operations import BY_NAME, OPERATIONS
from tests.doubles.served import Served, serve
from tests.doubles.votes import MemoryVotes, lease

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
        *(f"lease.{verb}" for verb in ("init", "check")),
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

    serve(tmp_path, story, lease(), votes=MemoryVotes())


def _first(client: Client, operation: Operation, args: dict[str, Any]) -> Any:
    if operation.stream_by is not None:
        return next(client.follow(operation.name, 10, **args))
    return client.ask(operation.name, **args)

"""A row of the table of operations. The rows stand in a file for each object, the table is in `operations`."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from komainu.agent.daemon import Daemon
from komainu.model.message import Said


class Right(StrEnum):
    """What a caller must be allowed."""

    READ = "read"
    "Whoever may open the socket."
    OPERATE = "operate"
    "Root."


READ, OPERATE = Right.READ, Right.OPERATE


class OperationRefused(Exception):
    """The operation has no answer; `said` says why."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


class Request(BaseModel):
    """Arguments; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Nothing(Request):
    """No arguments."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table. Exactly one of `answer_by` and `stream_by` is given."""

    name: str
    request: type[Request]
    answer: type[BaseModel]
    "Of the whole, or of each item of a stream."
    right: Right
    answer_by: Callable[[Daemon, Any], Awaitable[dict[str, Any]]] | None = None
    stream_by: Callable[[Daemon, Any], AsyncGenerator[dict[str, Any], None]] | None = None

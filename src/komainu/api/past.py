"""What happened, and why: the journal of this node."""

from collections.abc import AsyncGenerator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from komainu.agent.daemon import Daemon
from komainu.agent.records.recorder import MOST_IN_MEMORY
from komainu.agent.shown import safety
from komainu.agent.shown.explain import explain
from komainu.api.answers import Answer, SaidAnswer
from komainu.api.operation import READ, Operation, Request


class EventsRequest(Request):
    """Which entries of the journal."""

    last: int = Field(default=50, ge=0, le=MOST_IN_MEMORY)
    "So many of the last ones."
    follow: bool = False
    "And all that come, until the connection ends."


class ExplainRequest(Request):
    """How far back."""

    last: int = Field(default=10, ge=1, le=MOST_IN_MEMORY)
    "So many of the last actions."


class ExplainedAnswer(Answer):
    """One action, why it was taken, and what became of it."""

    at: str
    boottime_ms: int
    seq: int
    action: str
    id: str
    node: str
    group: str | None
    resource: str | None
    target: str | None
    monitor: str | None
    text: SaidAnswer
    "The action in words."
    because: list[SaidAnswer]
    result: str | None
    "None while it is under way."
    said: SaidAnswer | None
    detail: str
    took_ms: int | None


class ExplainAnswer(Answer):
    """The safety statement and the last actions."""

    statement: list[SaidAnswer]
    actions: list[ExplainedAnswer]


class EntryAnswer(BaseModel):
    """One entry of the journal."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)

    seq: int
    at: str
    boottime_ms: int
    monotonic_ns: int
    node: str
    "Who recorded it."
    alerts: list[dict[str, str]]
    changes: list[dict[str, Any]]
    "Status words that changed: what, name, before, now, node."


async def _events(daemon: Daemon, request: EventsRequest) -> AsyncGenerator[dict[str, Any], None]:
    recorder = daemon.parts.recorder
    seq = recorder.seq
    for entry in recorder.last(request.last):
        yield entry
    while request.follow:
        await recorder.more(seq)
        for entry in recorder.after(seq):
            seq = entry["seq"]
            yield entry


async def _explain(daemon: Daemon, request: ExplainRequest) -> dict[str, Any]:
    statement = [said.as_json() for said in safety.statement(daemon.state.cluster)]
    return {"statement": statement, "actions": explain(daemon.parts.recorder.last(MOST_IN_MEMORY))[-request.last :]}


ROWS = (
    Operation("events", EventsRequest, EntryAnswer, READ, stream_by=_events),
    Operation("explain", ExplainRequest, ExplainAnswer, READ, answer_by=_explain),
)

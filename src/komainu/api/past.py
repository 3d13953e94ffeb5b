"""What happened, and why: the journal of this node."""

from collections.abc import AsyncGenerator
from typing import Any

from pydantic import Field

from komainu.agent import safety
from komainu.agent.daemon import Daemon
from komainu.agent.explain import explain
from komainu.agent.recorder import MOST_IN_MEMORY, said_to_json
from komainu.api import answers
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
    statement = [said_to_json(said) for said in safety.statement(daemon.state.cluster)]
    return {"statement": statement, "actions": explain(daemon.parts.recorder.last(MOST_IN_MEMORY))[-request.last :]}


ROWS = (
    Operation("events", EventsRequest, answers.EntryAnswer, READ, stream_by=_events),
    Operation("explain", ExplainRequest, answers.ExplainAnswer, READ, answer_by=_explain),
)

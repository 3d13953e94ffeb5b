"""The one table of operations: name, request, answer, right. Command line, pages and documents are made from it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from komainu.agent import safety
from komainu.agent.daemon import Daemon
from komainu.agent.explain import explain
from komainu.agent.line import Standing
from komainu.agent.recorder import MOST_IN_MEMORY, said_to_json
from komainu.api import answers
from komainu.core import events as e
from komainu.model.message import Message, Said
from komainu.model.names import Name

COMMAND_TIMEOUT_MS = 10_000
STATUS_PAUSE_MS = 100
"A stream of status says no more than so often."

NO_GROUP = Message(
    "KM6010",
    "There is no group {group}. `komainu status` lists the groups.",
    "グループ {group} はありません。グループの一覧は `komainu status` で確認できます。",
    "error",
)
NOT_TOGETHER = Message(
    "KM6011",
    "This node is not together with its cluster yet: no command can be given here. `komainu status` shows how it "
    "stands; try again, or on another node.",
    "このノードはまだクラスタに参加していないため、コマンドを受け付けられません。`komainu status` で状態を確認し、"
    "しばらくしてから、または他のノードで実行してください。",
    "error",
)

MESSAGES = (NO_GROUP, NOT_TOGETHER)


class Right(StrEnum):
    """What a caller must be allowed."""

    READ = "read"
    "Whoever may open the socket."
    OPERATE = "operate"
    "Root."


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


class GroupRequest(Request):
    """One group."""

    group: Name


class PlaceRequest(Request):
    """One group, and where it is wanted."""

    group: Name
    node: Name | None = None
    "The node; by default the best one."


class SettleRequest(Request):
    """How long a group is followed."""

    group: Name
    timeout_ms: int = Field(default=300_000, ge=0, le=86_400_000)


class GoneRequest(Request):
    """The operator's word."""

    node: Name
    epoch: int = Field(ge=0)
    "The epoch of the answer in which the operator saw the node lost."


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


# --- what they do ---------------------------------------------------------------------------------------------------


async def _status(daemon: Daemon, _: Nothing) -> dict[str, Any]:
    return daemon.status()


async def _watch_status(daemon: Daemon, _: Nothing) -> AsyncGenerator[dict[str, Any], None]:
    while True:
        changed = daemon.loop.changed()
        yield daemon.status()
        await changed.wait()
        await asyncio.sleep(STATUS_PAUSE_MS / 1000)


async def _nodes(daemon: Daemon, _: Nothing) -> dict[str, Any]:
    return {"epoch": daemon.state.epoch, "nodes": daemon.status()["nodes"]}


async def _move(daemon: Daemon, request: PlaceRequest) -> dict[str, Any]:
    return await _command(daemon, e.MoveGroup(request.group, request.node))


async def _start(daemon: Daemon, request: PlaceRequest) -> dict[str, Any]:
    return await _command(daemon, e.StartGroup(request.group, request.node))


async def _stop(daemon: Daemon, request: GroupRequest) -> dict[str, Any]:
    return await _command(daemon, e.StopGroup(request.group))


async def _confirm_gone(daemon: Daemon, request: GoneRequest) -> dict[str, Any]:
    return await _command(daemon, e.ConfirmGone(request.node, request.epoch))


async def _command(daemon: Daemon, command: e.Command) -> dict[str, Any]:
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT_MS / 1000):
            await daemon.loop.synced.wait()
    except TimeoutError:
        raise OperationRefused(NOT_TOGETHER.said()) from None
    if daemon.parts.line.standing is Standing.WAITING:
        raise OperationRefused(NOT_TOGETHER.said())  # it would be lost, and a command is never repeated
    answer = await daemon.parts.requests.ask(command, COMMAND_TIMEOUT_MS)
    return {"accepted": answer.accepted, "said": said_to_json(answer.said)}


async def _settle(daemon: Daemon, request: SettleRequest) -> AsyncGenerator[dict[str, Any], None]:
    """The group after each change, until nothing is under way any more or the time is over."""
    loop = asyncio.get_running_loop()
    end = loop.time() + request.timeout_ms / 1000
    told: dict[str, Any] | None = None
    while True:
        changed = daemon.loop.changed()
        group = _group(daemon, request.group)
        if group != told:
            told = group
            yield group
        if _settled(group) or loop.time() >= end:
            return
        try:
            async with asyncio.timeout_at(end):
                await changed.wait()
        except TimeoutError:
            continue  # the last word is what is so then


def _group(daemon: Daemon, name: str) -> dict[str, Any]:
    for group in daemon.status()["groups"]:
        if group["name"] == name:
            return dict(group)
    raise OperationRefused(NO_GROUP.said(group=name))


def _settled(group: dict[str, Any]) -> bool:
    """Nothing is under way: it is where it should be, or failed, or waits for a proof that may never come."""
    hindrance = group["hindrance"]
    return not group["status"].endswith("Pending") or (hindrance is not None and hindrance["level"] != "info")


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


async def _show_config(daemon: Daemon, _: Nothing) -> dict[str, Any]:
    cluster = daemon.state.cluster
    return {"version": cluster.version, "cluster": cluster.model_dump(mode="json")}


READ, OPERATE = Right.READ, Right.OPERATE

OPERATIONS = (
    Operation("status", Nothing, answers.StatusAnswer, READ, answer_by=_status),
    Operation("status.watch", Nothing, answers.StatusAnswer, READ, stream_by=_watch_status),
    Operation("node.list", Nothing, answers.NodesAnswer, READ, answer_by=_nodes),
    Operation("node.confirm-gone", GoneRequest, answers.CommandAnswer, OPERATE, answer_by=_confirm_gone),
    Operation("group.move", PlaceRequest, answers.CommandAnswer, OPERATE, answer_by=_move),
    Operation("group.start", PlaceRequest, answers.CommandAnswer, OPERATE, answer_by=_start),
    Operation("group.stop", GroupRequest, answers.CommandAnswer, OPERATE, answer_by=_stop),
    Operation("group.settle", SettleRequest, answers.GroupAnswer, READ, stream_by=_settle),
    Operation("events", EventsRequest, answers.EntryAnswer, READ, stream_by=_events),
    Operation("explain", ExplainRequest, answers.ExplainAnswer, READ, answer_by=_explain),
    Operation("config.show", Nothing, answers.ConfigAnswer, READ, answer_by=_show_config),
)

BY_NAME = {operation.name: operation for operation in OPERATIONS}

"""Operations on groups and their resources."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from pydantic import Field

from komainu.agent.daemon import Daemon
from komainu.api import answers
from komainu.api.command import command
from komainu.api.operation import OPERATE, READ, Operation, OperationRefused, Request
from komainu.core import events as e
from komainu.model.message import Message
from komainu.model.names import Name

NO_GROUP = Message(
    "KM6010",
    "There is no group {group}. `komainu status` lists the groups.",
    "グループ {group} はありません。グループの一覧は `komainu status` で確認できます。",
    "error",
)

MESSAGES = (NO_GROUP,)


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


async def _move(daemon: Daemon, request: PlaceRequest) -> dict[str, Any]:
    return await command(daemon, e.MoveGroup(request.group, request.node))


async def _start(daemon: Daemon, request: PlaceRequest) -> dict[str, Any]:
    return await command(daemon, e.StartGroup(request.group, request.node))


async def _stop(daemon: Daemon, request: GroupRequest) -> dict[str, Any]:
    return await command(daemon, e.StopGroup(request.group))


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


ROWS = (
    Operation("group.move", PlaceRequest, answers.CommandAnswer, OPERATE, answer_by=_move),
    Operation("group.start", PlaceRequest, answers.CommandAnswer, OPERATE, answer_by=_start),
    Operation("group.stop", GroupRequest, answers.CommandAnswer, OPERATE, answer_by=_stop),
    Operation("group.settle", SettleRequest, answers.GroupAnswer, READ, stream_by=_settle),
)

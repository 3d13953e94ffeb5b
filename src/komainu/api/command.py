"""How a command of an operator goes to the cluster, and how its answer comes back (C10)."""

import asyncio
from typing import Any

from komainu.agent.daemon import Daemon
from komainu.agent.members.line import Standing
from komainu.agent.shown.residence import STOPPED
from komainu.agent.shown.what_if import Ordered
from komainu.api.foresight import foresee
from komainu.api.operation import OperationRefused, Request
from komainu.model import commands as c
from komainu.model.message import Message

COMMAND_TIMEOUT_MS = 10_000

NOT_TOGETHER = Message(
    "KM6011",
    "This node is not together with its cluster yet: no command can be given here. `komainu status` shows how it "
    "stands; try again, or on another node.",
    "このノードはまだクラスタに参加していないため、コマンドを受け付けられません。`komainu status` で状態を確認し、"
    "しばらくしてから、または他のノードで実行してください。",
    "error",
)


class Changing(Request):
    """The request of a command."""

    dry_run: bool = False
    "Change nothing: tell whether the core would accept it, and all that would follow."


async def command(daemon: Daemon, command: c.Command, *, dry_run: bool = False) -> dict[str, Any]:
    """Give a command; whether the core accepted it, what it said, and for a dry run the course.

    Raises OperationRefused.
    """
    await together(daemon)
    if dry_run:
        course = await foresee(daemon.state, Ordered(command, daemon.around.me))
        # A course without an answer ends where the core broke one of its own laws: its last words say so.
        said = course["said"] or course["moments"][-1]["text"]
        return {"accepted": bool(course["accepted"]), "said": said, "course": course}
    answer = await daemon.parts.requests.ask(command, COMMAND_TIMEOUT_MS)
    return {"accepted": answer.accepted, "said": answer.said.as_json(), "course": None}


async def together(daemon: Daemon) -> None:
    """Wait a little until this node is together with the others. Raises OperationRefused when it is not."""
    if daemon.stopped:
        raise OperationRefused(STOPPED.said(node=daemon.around.me))
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT_MS / 1000):
            await daemon.loop.synced.wait()
    except TimeoutError:
        raise OperationRefused(NOT_TOGETHER.said()) from None
    if daemon.parts.line.standing is Standing.WAITING:
        raise OperationRefused(NOT_TOGETHER.said())  # it would be lost, and a command is never repeated

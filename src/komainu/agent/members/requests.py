"""Operators' requests: proposed to all members, answered by the core (C10)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from komainu.model import commands as c, events as e
from komainu.model.actions import AnswerCommand
from komainu.model.message import Message, Said

NO_ANSWER = Message(
    "KM5501",
    "The cluster did not answer within {ms} ms: the members are being put together, or this node is cut off. The "
    "command may still be carried out; look at `komainu status`.",
    "{ms} ミリ秒以内にクラスタから応答がありませんでした。メンバーの調整中か、このノードが切断されています。"
    "コマンドはこの後実行される可能性があります。`komainu status` で確認してください。",
    "error",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request."""

    accepted: bool
    said: Said


class Requests:
    """The requests of this node that are not answered yet."""

    def __init__(self, me: str, name: str, propose: Callable[[e.Event], None]) -> None:
        """`name` makes the ids unique among daemons."""
        self._me = me
        self._name = name
        self._propose = propose
        self._number = 0
        self._waiting: dict[str, asyncio.Future[Answer]] = {}

    async def ask(self, command: c.Command, timeout_ms: int) -> Answer:
        """The core's answer. After the timeout: not accepted, and said so honestly."""
        self._number += 1
        number = f"{self._name}-{self._number}"
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._propose(e.CommandGiven(number, self._me, command))
            async with asyncio.timeout(timeout_ms / 1000):
                return await future
        except TimeoutError:
            return Answer(False, NO_ANSWER.said(ms=timeout_ms))
        finally:
            del self._waiting[number]

    def answered(self, action: AnswerCommand) -> None:
        """The core answered; a repeated or late answer is of no interest."""
        future = self._waiting.get(action.id)
        if future is not None and not future.done():
            future.set_result(Answer(action.accepted, action.said))

"""The proof that a store keeps its conditions, on a scratch object beside the record (N3, safety: trap of a store
that takes a write under any version).

It changes nothing that counts, may run on several nodes at once, and leaves the scratch object behind, so that no
node needs the permission to delete.
"""

import json
import uuid
from typing import Protocol

from komainu.model.message import Message, Said
from komainu.ports import Held

IGNORES_CREATION = Message(
    "KM8511",
    "The store of the third vote {place} created an object that was there already: it ignores the condition. Two nodes "
    "could win the vote at the same time, so it must not be used. Choose another store.",
    "第三の投票先 {place} は、既にあるオブジェクトを再び作成しました。条件が無視されています。2 つのノードが同時"
    "に投票を得るおそれがあるため、使用できません。別の投票先を選んでください。",
    "error",
)
IGNORES_VERSION = Message(
    "KM8512",
    "The store of the third vote {place} took a write under a version that it does not hold: it ignores the condition. "
    "Two nodes could win the vote at the same time, so it must not be used. Choose another store.",
    "第三の投票先 {place} は、保持していないバージョンを条件とする書き込みを受け付けました。条件が無視されていま"
    "す。2 つのノードが同時に投票を得るおそれがあるため、使用できません。別の投票先を選んでください。",
    "error",
)
OLD_READ = Message(
    "KM8513",
    "A read from the store of the third vote {place} did not show the write before it. A node could act on an old "
    "record, so it must not be used. Choose a store with strongly consistent reads.",
    "第三の投票先 {place} の読み取りに、直前の書き込みが反映されていません。ノードが古いレコードに従うおそれがあ"
    "るため、使用できません。強い整合性のある読み取りができる投票先を選んでください。",
    "error",
)
NEVER_TAKES = Message(
    "KM8514",
    "The store of the third vote {place} refused {times} writes under the version that it had just named. No node "
    "could win the vote. Does something between here and the store change the requests?",
    "第三の投票先 {place} は、直前に返したバージョンを条件とする書き込みを {times} 回続けて拒否しました。どのノ"
    "ードも投票を得られません。経路の途中で要求が書き換えられていないか確認してください。",
    "error",
)

MESSAGES = (IGNORES_CREATION, IGNORES_VERSION, OLD_READ, NEVER_TAKES)

ATTEMPTS = 5
"Another node that examines at the same time makes a write fail now and then; not so many in a row."


class Cell(Protocol):
    """The part of VoteStore that is proved."""

    async def read(self, timeout_ms: int) -> Held | None:
        """As in VoteStore."""

    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        """As in VoteStore."""

    async def create(self, text: str, timeout_ms: int) -> str | None:
        """As in VoteStore."""


async def prove(cell: Cell, place: str, timeout_ms: int) -> tuple[Said, ...]:
    """What is wrong with the store of that scratch object. Each request has that timeout. Raises StoreSilent."""
    found: list[Said] = []
    held = await cell.read(timeout_ms)
    if held is None:
        await cell.create(_text(), timeout_ms)  # refused: another node was faster
        held = await cell.read(timeout_ms)
    if held is None:
        return (OLD_READ.said(place=place),)
    if await cell.create(_text(), timeout_ms) is not None:
        found.append(IGNORES_CREATION.said(place=place))
    if await _takes_a_past_version(cell, timeout_ms):
        found.append(IGNORES_VERSION.said(place=place))
    return (*found, *(await _takes_the_present_one(cell, place, timeout_ms)))


async def _takes_a_past_version(cell: Cell, timeout_ms: int) -> bool:
    """Is a write under a version that is surely past taken? One that the store gave: none that it never heard of."""
    for _ in range(ATTEMPTS):
        held = await cell.read(timeout_ms)
        if held is None:
            return False
        if await cell.replace(held.version, _text(), timeout_ms) is not None:
            return await cell.replace(held.version, _text(), timeout_ms) is not None
    return False


async def _takes_the_present_one(cell: Cell, place: str, timeout_ms: int) -> tuple[Said, ...]:
    """Is a write under the present version taken, and seen by the next read?"""
    for _ in range(ATTEMPTS):
        before = await cell.read(timeout_ms)
        if before is None:
            return (OLD_READ.said(place=place),)
        text = _text()
        if await cell.replace(before.version, text, timeout_ms) is None:
            continue
        after = await cell.read(timeout_ms)
        # A third text is the write of another node that examines at the same time.
        seen = after is not None and after.version != before.version
        return () if seen else (OLD_READ.said(place=place),)
    return (NEVER_TAKES.said(place=place, times=ATTEMPTS),)


def _text() -> str:
    return json.dumps({"probe": uuid.uuid4().hex})

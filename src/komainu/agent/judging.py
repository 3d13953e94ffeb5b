"""Whether a configuration can hold on this node: looked at from all sides, and written down, beside the loop (C11).

The answer is an event like any other. The core waits for it no longer than `core.change.JUDGE_MS`; what hangs longer
than `LIMIT_MS` is answered as a refusal here, so that the operator learns which node it was.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from komainu.agent.execution import attempt
from komainu.agent.execution.attempt import Lane
from komainu.agent.execution.hands import Hand, Hands
from komainu.agent.fitness import Machine, at_place, unfit
from komainu.config.declared import Declared
from komainu.model import events as e
from komainu.model.actions import JudgeConfiguration
from komainu.model.config import Cluster
from komainu.model.difference import same_work
from komainu.model.message import Message, Said
from komainu.model.outcome import Outcome, Result
from komainu.model.provenance import Version
from komainu.ports import Host
from komainu.types.aside import Aside

LIMIT_MS = 45_000
PREPARE_MS = 15_000
"How long a resource may take to say whether it could run here; after that it is unknown, and no reason to refuse."

TOO_SLOW = Message(
    "KM5210",
    "Node {node} could not look at the configuration within {ms} ms: a disk, a network file system or a program hangs "
    "there. Mend that, then apply it again.",
    "ノード {node} は {ms} ミリ秒以内に構成情報を検査できませんでした。ディスク、ネットワークファイルシステム、または"
    "プログラムが応答していません。復旧してから、もう一度適用してください。",
    "error",
)
DEFECT = Message(
    "KM5211",
    "Node {node} could not look at the configuration ({reason}). This is a defect; please report it.",
    "ノード {node} は構成情報を検査できませんでした ({reason})。不具合ですので報告してください。",
    "error",
)
NOT_STAGED = Message(
    "KM5212",
    "Node {node} could not write the configuration down: {reason}",
    "ノード {node} は構成情報を書き込めませんでした: {reason}",
    "error",
)

_log = logging.getLogger(__name__)


class Versions(Protocol):
    """The versions of the configuration on this node's disk. All methods block."""

    def stage(self, cluster: Cluster, text: str, who: str, why: str, origin: str) -> Said | None:
        """Write it down durably, not yet in force; answers why that failed, or None."""

    def all(self) -> tuple[Version | Said, ...]:
        """Every version that is kept here, oldest first; for one that cannot be read, why. Raises what has a `said`."""

    def get(self, number: int) -> Version:
        """One version. Raises what has a `said`, which says which versions there are."""


class Judging:
    """The judgements of this node. `judge` returns at once."""

    def __init__(
        self,
        me: str,
        declared: Declared,
        host: Callable[[str, str, str, Callable[[Outcome], None]], Host],
        versions: Versions,
        machine: Machine,
        propose: Callable[[e.Event], None],
    ) -> None:
        """`host` makes what a resource on trial sees: cluster, group, resource, and an ear."""
        self._me = me
        self._declared = declared
        self._host = lambda cluster, group, resource: host(cluster, group, resource, _unheard)
        self._versions = versions
        self._machine = machine
        self._propose = propose
        self._tasks: list[asyncio.Task[None]] = []
        self._last: JudgeConfiguration | None = None
        self._told: dict[str, tuple[Said, ...]] = {}
        self._looking: Aside[tuple[Said, ...]] = Aside("configuration")
        self._writing: Aside[Said | None] = Aside("configuration's disk")

    def judge(self, action: JudgeConfiguration, old: Cluster) -> None:
        """Look at it, write it down, and say what came of it. `old`: the configuration that holds."""
        self._last, self._told = action, {}
        task = asyncio.get_running_loop().create_task(self._judge(action, old), name="judge")
        self._tasks.append(task)
        task.add_done_callback(self._done)

    def heard(self, event: e.ConfigurationJudged) -> None:
        """A member has judged: kept for whoever asked, also when the attempt has ended by an earlier objection."""
        if self._last is not None and self._last.id == event.change:
            self._told[event.node] = event.refusals

    def told_of(self, cluster: Cluster) -> dict[str, tuple[Said, ...]]:
        """What each member had against it, as far as it is known; nothing for any but the last one."""
        return self._told if self._last is not None and self._last.cluster == cluster else {}

    def abandon(self) -> None:
        """Wait for nothing any more."""
        for task in self._tasks:
            task.cancel()

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.remove(task)
        if not task.cancelled():
            task.result()  # it fails by a defect only; the loop's exception handler tells of it

    async def _judge(self, action: JudgeConfiguration, old: Cluster) -> None:
        try:
            async with asyncio.timeout(LIMIT_MS / 1000):
                refusals = await self._refusals(action, old)
        except TimeoutError:
            refusals = (TOO_SLOW.said(node=self._me, ms=LIMIT_MS),)
        except Exception as error:  # noqa: BLE001  (told to the operator as what it is)
            _log.exception("judging a configuration")
            refusals = (DEFECT.said(node=self._me, reason=f"{type(error).__name__}: {error}"),)
        self._propose(e.ConfigurationJudged(action.id, self._me, refusals))

    async def _refusals(self, action: JudgeConfiguration, old: Cluster) -> tuple[Said, ...]:
        cluster = action.cluster
        look = partial(unfit, self._me, cluster, old, self._declared, self._machine)
        found = await self._looking.do(look, LIMIT_MS)
        if not found:
            found = await self._trial(cluster, old)
        if found:
            return found
        stage = partial(self._versions.stage, cluster, action.text, action.who, action.why, action.origin)
        trouble = await self._writing.do(stage, LIMIT_MS)
        if trouble is None:
            return ()
        return (NOT_STAGED.said(node=self._me, reason=trouble),)

    async def _trial(self, cluster: Cluster, old: Cluster) -> tuple[Said, ...]:
        """Have what is new or changed here say whether it could run: on trial, beside what runs."""
        hands = Hands(self._me, self._declared.resources, self._host)
        hands.configure(cluster)
        fresh = [hand for hand in hands.all() if not self._is_known(hand, old)]
        outcomes = await asyncio.gather(*(self._prepare(hand) for hand in fresh))
        return tuple(
            at_place(self._me, f"groups/{hand.group.name}/{hand.resource.name}", outcome.said)
            for hand, outcome in zip(fresh, outcomes, strict=True)
            if outcome.result is Result.FAILED and outcome.said is not None
        )

    async def _prepare(self, hand: Hand) -> Outcome:
        if hand.work is None:
            return Outcome(Result.FAILED, hand.refusal)
        name = hand.resource.name
        work: Callable[[], Coroutine[Any, Any, Outcome]] = hand.work.prepare
        return await Lane().attempt(
            work,
            min(PREPARE_MS, hand.resource.check_timeout_ms),
            timed_out=attempt.READINESS_TIMEOUT.said(name=name),
            defect=attempt.READINESS_DEFECT.said(name=name),
            busy=attempt.STILL_AT_WORK.said(name=name),
        )

    def _is_known(self, hand: Hand, old: Cluster) -> bool:
        """True when the same work may be done here already: its troubles are not those of the change."""
        for group in old.groups:
            if group.name == hand.group.name and self._me in group.nodes:
                for each in group.resources:
                    if each.name == hand.resource.name:
                        return same_work(each, hand.resource)
        return False


def _unheard(outcome: Outcome) -> None:
    """What a resource on trial reports of itself is nobody's business."""

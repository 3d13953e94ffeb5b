"""Carries out the actions that are addressed to this node, and proposes their outcomes. It decides nothing."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from komainu.agent import attempt
from komainu.agent.attempt import Lane
from komainu.agent.hands import Hand, Hands, Key
from komainu.agent.runs import Runs
from komainu.core import events as e
from komainu.core.actions import FenceNode, ProbeNode, StartResource, StopResource
from komainu.model.message import Message
from komainu.model.outcome import Outcome, Result, failed

NOT_HERE = Message(
    "KM5121",
    "Resource {name} of group {group} is not configured on this node.",
    "グループ {group} のリソース {name} はこのノードに設定されていません。",
    "error",
)
NO_FENCE = Message(
    "KM5122",
    "Node {node} cannot be fenced: no fence device is configured. Set `arbitration: none` or `arbitration: operator`.",
    "強制停止の手段が設定されていないため、ノード {node} を強制停止できません。"
    "`arbitration: none` または `arbitration: operator` を設定してください。",
    "error",
)

MESSAGES = (NOT_HERE, NO_FENCE)

Work = StartResource | StopResource | ProbeNode | FenceNode


class Follower(Protocol):
    """Who has to know what runs here: the watch."""

    def starting(self, hand: Hand) -> None:
        """A start begins: what the resource reports from now on belongs to the run to come."""

    def running(self, hand: Hand, run: str) -> None:
        """It runs, under this id."""

    def ending(self, hand: Hand) -> None:
        """It is about to be stopped, or does not run, or nobody knows."""


class Executor:
    """All methods run in the event loop, and none of them waits."""

    def __init__(
        self, me: str, hands: Hands, runs: Runs, follower: Follower, propose: Callable[[e.Event], None]
    ) -> None:
        """`propose` brings an outcome to all members."""
        self._me = me
        self._hands = hands
        self._runs = runs
        self._follower = follower
        self._propose = propose
        self._lanes: dict[Key, Lane] = {}
        self._tasks: dict[asyncio.Task[None], str] = {}

    def carry_out(self, action: Work) -> None:
        """Begin."""
        match action:
            case StartResource():
                self._begin(self._start(action), f"start {action.resource}")
            case StopResource():
                self._begin(self._stop(action), f"stop {action.resource}")
            case ProbeNode():
                self._begin(self._probe(action), "probe")
            case FenceNode():
                # Kinds of arbitration that can do this come with their own adapters.
                outcome = failed(NO_FENCE.said(node=action.target))
                self._propose(e.ActionFinished(action.id, self._me, outcome))

    def at_work(self) -> tuple[str, ...]:
        """What is under way, in words."""
        return tuple(self._tasks.values())

    def abandon(self) -> None:
        """Wait for nothing any more."""
        for task in self._tasks:
            task.cancel()

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks[task] = name
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        del self._tasks[task]
        if not task.cancelled():
            task.result()  # it fails by a defect only; the loop's exception handler tells of it

    def _lane(self, key: Key) -> Lane:
        return self._lanes.setdefault(key, Lane())

    async def _start(self, action: StartResource) -> None:
        hand = self._hands.get(action.group, action.resource)
        outcome = self._nobody(action, hand)
        if hand is not None and (work := hand.work) is not None:
            self._follower.starting(hand)
            timeout_ms = hand.resource.start_timeout_ms
            outcome = await self._lane(hand.key).attempt(
                lambda: work.start(timeout_ms),
                timeout_ms,
                timed_out=attempt.ACTIVATION_TIMEOUT.said(name=action.resource),
                defect=attempt.ACTIVATION_DEFECT.said(name=action.resource),
                busy=attempt.STILL_AT_WORK.said(name=action.resource),
            )
        self._propose(e.ActionFinished(action.id, self._me, outcome))
        if hand is not None:
            if outcome.succeeded:
                self._runs.started(hand.key, action.epoch)
                self._follower.running(hand, action.id)
            else:
                self._follower.ending(hand)

    async def _stop(self, action: StopResource) -> None:
        hand = self._hands.get(action.group, action.resource)
        outcome = self._nobody(action, hand)
        if hand is not None and (work := hand.work) is not None:
            self._follower.ending(hand)
            timeout_ms = hand.resource.stop_timeout_ms
            outcome = await self._lane(hand.key).attempt(
                lambda: work.stop(timeout_ms),
                timeout_ms,
                timed_out=attempt.DEACTIVATION_TIMEOUT.said(name=action.resource),
                defect=attempt.DEACTIVATION_DEFECT.said(name=action.resource),
                busy=attempt.STILL_AT_WORK.said(name=action.resource),
            )
        self._propose(e.ActionFinished(action.id, self._me, outcome))
        if hand is not None and outcome.succeeded:
            self._runs.ended(hand.key)

    def _nobody(self, action: StartResource | StopResource, hand: Hand | None) -> Outcome:
        if hand is not None and hand.refusal is not None:
            return failed(hand.refusal)
        return failed(NOT_HERE.said(name=action.resource, group=action.group))

    async def _probe(self, action: ProbeNode) -> None:
        """Ask all resources at once; what is under way on one of them comes first."""
        hands = self._hands.all()
        outcomes = await asyncio.gather(*(self._probe_one(hand) for hand in hands))
        found = tuple(
            e.Found(*hand.key, outcome.result, self._runs.epoch(hand.key) if outcome.succeeded else 0)
            for hand, outcome in zip(hands, outcomes, strict=True)
        )
        self._propose(e.NodeProbed(action.id, self._me, found))
        for hand, outcome in zip(hands, outcomes, strict=True):
            if outcome.succeeded:
                self._follower.running(hand, action.id)
            else:
                self._follower.ending(hand)
                if outcome.result is Result.FAILED:
                    self._runs.ended(hand.key)

    async def _probe_one(self, hand: Hand) -> Outcome:
        name = hand.resource.name
        work = hand.work
        if work is None:
            return Outcome(Result.UNKNOWN, hand.refusal)
        timeout_ms = hand.resource.check_timeout_ms
        return await self._lane(hand.key).attempt(
            lambda: work.probe(timeout_ms),
            timeout_ms,
            timed_out=attempt.PROBE_TIMEOUT.said(name=name),
            defect=attempt.PROBE_DEFECT.said(name=name),
            busy=attempt.STILL_AT_WORK.said(name=name),
        )

"""Carries out the actions that are addressed to this node, and proposes their outcomes. It decides nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from komainu.agent.execution import attempt, scripts
from komainu.agent.execution.attempt import Lane
from komainu.agent.execution.clearing import Clearing
from komainu.agent.execution.fencing import NO_FENCE
from komainu.agent.execution.hands import Hand, Hands, Key
from komainu.agent.execution.runs import Runs
from komainu.agent.execution.scripts import KILL_MS, Event, Scripts
from komainu.model import events as e
from komainu.model.actions import FenceNode, ProbeNode, RunScript, StartResource, StopResource
from komainu.model.message import Message, Said
from komainu.model.outcome import Outcome, Result, failed
from komainu.ports import ResourceHands

NOT_HERE = Message(
    "KM5121",
    "Resource {name} of group {group} is not configured on this node.",
    "グループ {group} のリソース {name} はこのノードに設定されていません。",
    "error",
)
NOT_OURS = Message(
    "KM5124",
    "Node {node} was not fenced: another node may hold the vote by now.",
    "他のノードが投票権を持っている可能性があるため、ノード {node} を強制停止しませんでした。",
    "error",
)
OUTDATED = Message(
    "KM5125",
    "Resource {name} was not started on {node}: the order to start it is not valid any more.",
    "リソース {name} の起動指示は既に無効になっているため、{node} では起動しませんでした。",
    "warning",
)
NO_RIGHT = Message(
    "KM5122",
    "Resource {name} was not started: {node} had no right to act. See `komainu status`.",
    "{node} に動作する権利がないため、リソース {name} を起動しませんでした。`komainu status` で確認してください。",
    "error",
)

Work = StartResource | StopResource | ProbeNode | FenceNode | RunScript


async def _always() -> bool:
    return True


def _pending(action: str) -> bool:
    return True


async def _nothing_to_fence_with(action: FenceNode) -> Outcome:
    return failed(NO_FENCE.said(node=action.target))


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
        self,
        me: str,
        hands: Hands,
        runs: Runs,
        follower: Follower,
        scripts: Scripts,
        propose: Callable[[e.Event], None],
        alert: Callable[[Said, str], None],
    ) -> None:
        """`propose` brings an outcome to all members, `alert` tells what concerns this node alone."""
        self._me = me
        self._hands = hands
        self._runs = runs
        self._follower = follower
        self._scripts = scripts
        self._propose = propose
        self._alert = alert
        self.may_fence: Callable[[], Awaitable[bool]] = _always
        "False when another node may have the vote by now."
        self.pending: Callable[[str], bool] = _pending
        "False for an order that the state does not wait for any more."
        self.entitled: Callable[[], Awaitable[bool]] = _always
        "Waits until this node may have effects; False when it waited in vain."
        self.fence: Callable[[FenceNode], Awaitable[Outcome]] = _nothing_to_fence_with
        "Makes sure that a node is gone."
        self._lanes: dict[Key, Lane] = {}
        self._turns: dict[Key, asyncio.Lock] = {}
        "A start or a stop is one turn with the scripts around it: nothing comes in between, a probe least of all."
        self.clearing = Clearing(self.lane, runs, alert)
        "It comes first: old hands let go before new ones do anything (C11)."
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
                self._begin(self._fence(action), f"fence {action.target}")
            case RunScript():
                self._begin(self._run_script(action), f"script of {action.monitor}")

    def at_work(self) -> tuple[str, ...]:
        """What is under way, in words."""
        return tuple(self._tasks.values())

    def abandon(self) -> None:
        """Wait for nothing any more."""
        self.clearing.abandon()
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

    def lane(self, key: Key) -> Lane:
        """Whose turn it is on a resource."""
        return self._lanes.setdefault(key, Lane())

    def _turn(self, key: Key) -> asyncio.Lock:
        return self._turns.setdefault(key, asyncio.Lock())

    async def _start(self, action: StartResource) -> None:
        if self.clearing.is_under_way:
            await self.clearing.over()
        hand = self._hands.get(action.group, action.resource)
        outcome = self._nobody(action, hand)
        if hand is not None and hand.work is not None:
            self._follower.starting(hand)
            async with self._turn(hand.key):
                if not await self.entitled():
                    outcome = failed(NO_RIGHT.said(name=action.resource, node=self._me))
                elif not self.pending(action.id):
                    # Ordered in another view: others may have started it meanwhile (rule 10 of docs/en/safety.md).
                    outcome = failed(OUTDATED.said(name=action.resource, node=self._me))
                else:
                    outcome = await self._bring_up(hand, hand.work)
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
        if hand is not None and hand.work is not None:
            self._follower.ending(hand)
            async with self._turn(hand.key):
                outcome = await self._bring_down(hand, hand.work)
        self._propose(e.ActionFinished(action.id, self._me, outcome))
        if hand is not None and outcome.succeeded:
            self._runs.ended(hand.key)

    async def _bring_up(self, hand: Hand, work: ResourceHands) -> Outcome:
        name, timeout_ms, around = hand.resource.name, hand.resource.start_timeout_ms, hand.resource.scripts
        hindered = await self._script(hand, "before_start") if around.before_start else None
        if hindered is not None:
            return hindered
        outcome = await self.lane(hand.key).attempt(
            lambda: work.start(timeout_ms),
            timeout_ms,
            timed_out=attempt.ACTIVATION_TIMEOUT.said(name=name),
            defect=attempt.ACTIVATION_DEFECT.said(name=name),
            busy=attempt.STILL_AT_WORK.said(name=name),
        )
        if around.after_start and outcome.succeeded:
            await self._script(hand, "after_start")
        return outcome

    async def _bring_down(self, hand: Hand, work: ResourceHands) -> Outcome:
        name, timeout_ms, around = hand.resource.name, hand.resource.stop_timeout_ms, hand.resource.scripts
        if around.before_stop:
            await self._script(hand, "before_stop")
        outcome = await self.lane(hand.key).attempt(
            lambda: work.stop(timeout_ms),
            timeout_ms,
            timed_out=attempt.DEACTIVATION_TIMEOUT.said(name=name),
            defect=attempt.DEACTIVATION_DEFECT.said(name=name),
            busy=attempt.STILL_AT_WORK.said(name=name),
        )
        if around.after_stop and outcome.succeeded:
            await self._script(hand, "after_stop")
        return outcome

    async def _script(self, hand: Hand, event: Event) -> Outcome | None:
        """Run a script around a start or a stop, in the turn of its resource. None: nothing speaks against going on."""
        name = hand.resource.name
        outcome = await self.lane(hand.key).attempt(
            lambda: self._scripts.of_resource(hand, event),
            hand.resource.scripts.timeout_ms + KILL_MS,
            timed_out=scripts.DEFECT.said(name=name, event=event, node=self._me),
            defect=scripts.DEFECT.said(name=name, event=event, node=self._me),
            busy=attempt.STILL_AT_WORK.said(name=name),
        )
        if outcome.said is None:
            return None
        if event == "before_start":
            detail = f"{outcome.said.en}\n{outcome.detail}".strip()
            return failed(scripts.NOT_ACTIVATED.said(name=name), detail)
        self._alert(outcome.said, outcome.detail)
        return None

    async def _run_script(self, action: RunScript) -> None:
        """Whatever becomes of the script, there is an outcome: recovery waits for it."""
        name, monitor = action.monitor, self._scripts.monitor(action.monitor)
        defect = scripts.DEFECT.said(name=name, event="recovery", node=self._me)
        outcome = await Lane().attempt(
            lambda: self._scripts.before_recovery(name),
            (monitor.recovery.script_timeout_ms if monitor is not None else 0) + KILL_MS,
            timed_out=defect,
            defect=defect,
            busy=defect,
        )
        if outcome.said is not None:
            self._alert(outcome.said, outcome.detail)
        self._propose(e.ActionFinished(action.id, self._me, outcome))

    async def _fence(self, action: FenceNode) -> None:
        if await self.may_fence():
            outcome = await self.fence(action)
        else:
            outcome = failed(NOT_OURS.said(node=action.target))
        self._propose(e.ActionFinished(action.id, self._me, outcome))

    def _nobody(self, action: StartResource | StopResource, hand: Hand | None) -> Outcome:
        if hand is not None and hand.refusal is not None:
            return failed(hand.refusal)
        return failed(NOT_HERE.said(name=action.resource, group=action.group))

    async def _probe(self, action: ProbeNode) -> None:
        """Ask all resources at once; what is under way on one of them comes first."""
        if self.clearing.is_under_way:
            await self.clearing.over()
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
        async with self._turn(hand.key):
            return await self.lane(hand.key).attempt(
                lambda: work.probe(timeout_ms),
                timeout_ms,
                timed_out=attempt.PROBE_TIMEOUT.said(name=name),
                defect=attempt.PROBE_DEFECT.said(name=name),
                busy=attempt.STILL_AT_WORK.said(name=name),
            )

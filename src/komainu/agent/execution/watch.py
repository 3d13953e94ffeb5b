"""Keeps an eye on this node's resources: checks what runs, prepares what could run, hears what resources report.

Only a change of the verdict about a running resource is proposed to the members. Whether a resource could be started
here concerns this node alone: it is kept for status, and told when it changes for the worse.

It follows the state in what an operator has decided: a suspended monitor does not check, and hears nothing; one that
simulates a failure finds one. Either ends with a fresh look, which is told whatever it finds.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from komainu.agent.execution import attempt
from komainu.agent.execution.attempt import Lane
from komainu.agent.execution.hands import Hand, Hands, Key
from komainu.core.state import MonitorFacts, State
from komainu.model import events as e
from komainu.model.message import Said
from komainu.model.outcome import Outcome, Result, failed

SPREAD = 0.1
"Prepares are spread by so much of their interval, so that nodes do not ask the cloud all at once."

SOON_MS = 5_000
"When a resource that has just ended here is prepared for its next start."

GOOD = (Result.SUCCEEDED, "")


@dataclass(slots=True)
class _Watched:
    """What is known of one resource here."""

    lane: Lane = field(default_factory=Lane)
    "Checks and prepares: beside starts and stops, never beside each other."
    run: str = ""
    "The id under which it runs; empty when it does not."
    starting: bool = False
    verdict: tuple[Result, str] | None = GOOD
    (
        "What was last told: the result, and the code of what was said with it (a success may carry a warning, V5). "
        "None: whatever is found next is told."
    )
    suspended: bool = False
    "An operator does not want it to be checked here."
    simulated: bool = False
    "An operator wants an error to be found here."
    failures: int = 0
    early: Outcome | None = None
    "What it reported before its start was over."
    prepared: Outcome | None = None
    task: asyncio.Task[None] | None = None


class Watch:
    """`komainu.agent.execution.executor.Follower`."""

    def __init__(
        self, me: str, hands: Hands, propose: Callable[[e.Event], None], alert: Callable[[Said, str], None]
    ) -> None:
        """`propose` brings a verdict to all members, `alert` tells what concerns this node alone."""
        self._me = me
        self._hands = hands
        self._propose = propose
        self._alert = alert
        self._watched: dict[Key, _Watched] = {}
        self._monitors: dict[str, MonitorFacts] = {}
        self._node_suspended = False
        self._open = True
        self._first: list[asyncio.Task[None]] = []

    async def prepare_all(self, timeout_ms: int) -> None:
        """Prepare every resource once, all at the same time; returns when they are, or after that time."""
        hands = [hand for hand in self._hands.all() if not self._of(hand).run]
        self._first = [asyncio.get_running_loop().create_task(self._prepare(hand)) for hand in hands]
        if self._first:
            await asyncio.wait(self._first, timeout=timeout_ms / 1000)

    def configured(self) -> None:
        """The configuration changed, or holds for the first time: look after what is here now, and nothing else."""
        present = {hand.key: hand for hand in self._hands.all()}
        for key in [key for key in self._watched if key not in present]:
            _cancel(self._watched.pop(key).task)
        for hand in present.values():
            watched = self._of(hand)
            self._instruct(hand, watched)
            if watched.run:
                self._begin_checks(hand, watched)
            elif not watched.starting:
                self._begin(watched, self._prepare_for_ever(hand))

    def follow(self, state: State) -> None:
        """The state has changed. It costs nothing when nothing of it concerns what is checked here."""
        facts = state.nodes.get(self._me)
        suspended = facts is not None and facts.suspended
        if state.monitors is self._monitors and suspended == self._node_suspended:
            return
        self._monitors, self._node_suspended = state.monitors, suspended
        for hand in self._hands.all():
            watched = self._of(hand)
            before = (watched.suspended, watched.simulated)
            self._instruct(hand, watched)
            if watched.run and before != (watched.suspended, watched.simulated):
                watched.verdict, watched.failures = None, 0
                self._begin_checks(hand, watched, at_once=True)

    def close(self) -> None:
        """Look after nothing any more."""
        self._open = False
        for task in (*self._first, *(watched.task for watched in self._watched.values())):
            _cancel(task)

    def running_here(self) -> tuple[str, ...]:
        """The names of the resources that run here, as far as this daemon knows."""
        return tuple(key[1] for key, watched in self._watched.items() if watched.run)

    def prepared(self, group: str, resource: str) -> Outcome | None:
        """Whether it could be started here; None when that is not known or it runs here."""
        watched = self._watched.get((group, resource))
        return watched.prepared if watched is not None and not watched.run else None

    def reported(self, group: str, resource: str, outcome: Outcome) -> None:
        """A resource tells of itself, without waiting for the next check (the death of a supervised process)."""
        watched = self._watched.get((group, resource))
        if watched is None:
            return
        if watched.run:
            if not (watched.suspended or watched.simulated):
                self._judge((group, resource), watched, outcome)
        elif watched.starting:
            watched.early = outcome

    # --- what the executor tells -----------------------------------------------------------------------------------

    def starting(self, hand: Hand) -> None:
        """A start begins. A prepare under way must not get into its way."""
        watched = self._of(hand)
        _cancel(watched.task)
        watched.task = None
        watched.run, watched.early, watched.starting = "", None, True

    def running(self, hand: Hand, run: str) -> None:
        """It runs, under this id."""
        watched = self._of(hand)
        early, watched.early = watched.early, None
        watched.run, watched.starting = run, False
        watched.verdict, watched.failures, watched.prepared = GOOD, 0, None
        self._begin_checks(hand, watched)
        if early is not None:
            self.reported(*hand.key, early)

    def ending(self, hand: Hand) -> None:
        """It is about to be stopped, or does not run, or nobody knows."""
        watched = self._of(hand)
        watched.run, watched.early, watched.starting = "", None, False
        self._begin(watched, self._prepare_for_ever(hand))

    # --- checking and preparing ------------------------------------------------------------------------------------

    def _of(self, hand: Hand) -> _Watched:
        watched = self._watched.get(hand.key)
        if watched is None:
            watched = self._watched[hand.key] = _Watched()
            self._instruct(hand, watched)
        return watched

    def _instruct(self, hand: Hand, watched: _Watched) -> None:
        facts = self._monitors.get(hand.monitor) or MonitorFacts()
        watched.suspended = self._node_suspended or self._me in facts.suspended
        watched.simulated = self._me in facts.simulated

    def _begin_checks(self, hand: Hand, watched: _Watched, *, at_once: bool = False) -> None:
        if watched.suspended:
            _cancel(watched.task)
            watched.task = None
        else:
            self._begin(watched, self._check_for_ever(hand, watched, watched.run, at_once))

    def _begin(self, watched: _Watched, work: Coroutine[Any, Any, None]) -> None:
        _cancel(watched.task)
        watched.task = None
        if not self._open:
            work.close()
            return
        watched.task = asyncio.get_running_loop().create_task(work)
        watched.task.add_done_callback(_ended)

    async def _check_for_ever(self, hand: Hand, watched: _Watched, run: str, at_once: bool) -> None:
        resource, work = hand.resource, hand.work
        while work is not None and watched.run == run:
            if not at_once:
                await asyncio.sleep(resource.check_interval_ms / 1000)
            at_once = False
            if watched.simulated:
                self._judge(hand.key, watched, failed(attempt.SIMULATED.said(name=hand.monitor)))
                continue
            outcome = await watched.lane.attempt(
                lambda: work.check(resource.check_timeout_ms),
                resource.check_timeout_ms,
                timed_out=attempt.MONITOR_TIMEOUT.said(name=hand.monitor),
                defect=attempt.MONITOR_DEFECT.said(name=hand.monitor),
                busy=attempt.STILL_AT_WORK.said(name=hand.monitor),
            )
            if outcome.result is not Result.FAILED:
                watched.failures = 0
            else:
                watched.failures += 1
                if watched.failures <= resource.check_retries:
                    continue
            self._judge(hand.key, watched, outcome)

    def _judge(self, key: Key, watched: _Watched, outcome: Outcome) -> None:
        verdict = (outcome.result, outcome.said.code if outcome.said is not None else "")
        if verdict != watched.verdict:
            watched.verdict = verdict
            self._propose(e.MonitorChanged(self._me, *key, watched.run, outcome))

    async def _prepare_for_ever(self, hand: Hand) -> None:
        # Soon, but not while the group is on its way to another node: that takeover needs the cloud for itself.
        wait_ms = min(SOON_MS, hand.resource.prepare_interval_ms)
        while hand.work is not None:
            await asyncio.sleep(wait_ms * random.uniform(1 - SPREAD, 1 + SPREAD) / 1000)
            await self._prepare(hand)
            wait_ms = hand.resource.prepare_interval_ms

    async def _prepare(self, hand: Hand) -> None:
        watched, work, name = self._of(hand), hand.work, hand.resource.name
        if work is None:
            if hand.refusal is not None and watched.prepared is None:
                watched.prepared = Outcome(Result.FAILED, hand.refusal)
                self._alert(hand.refusal, "")
            return
        outcome = await watched.lane.attempt(
            work.prepare,
            hand.resource.check_timeout_ms,
            timed_out=attempt.READINESS_TIMEOUT.said(name=name),
            defect=attempt.READINESS_DEFECT.said(name=name),
            busy=attempt.STILL_AT_WORK.said(name=name),
        )
        if watched.run or watched.starting:
            return  # it was started meanwhile: what it could have done is of no interest any more
        before, watched.prepared = watched.prepared, outcome
        if outcome.said is not None and (before is None or before.said != outcome.said):
            self._alert(outcome.said, outcome.detail)


def _cancel(task: "asyncio.Task[None] | None") -> None:
    if task is not None and task is not asyncio.current_task():
        task.cancel()


def _ended(task: "asyncio.Task[None]") -> None:
    if not task.cancelled():
        task.result()  # it ends by a defect only; the loop's exception handler tells of it

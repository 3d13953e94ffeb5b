"""Goes the rounds: the monitors of their own that the state wants to check on this node (C6).

It follows the state. A monitor checks while it has a round here, a changed round begins afresh, and what it finds is
proposed when it changes; so nothing is sent as long as all is as it was. Monitors never wait for each other: each has
a task of its own.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from komainu.agent.execution import attempt
from komainu.agent.execution.attempt import Lane
from komainu.core.state import MonitorFacts, State, Verdict, Watch
from komainu.model import events as e
from komainu.model.config import Cluster, Monitor
from komainu.model.message import Message, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.ports import MonitorHands, MonitorHost, MonitorType

END_MS = 5_000
"How long a monitor may take to begin, and to leave nothing behind."
CLOSE_MS = 3_500
"How long a daemon that ends waits for its monitors."

UNKNOWN_TYPE = Message(
    "KM5131",
    "Monitor {monitor} has the type {type}, which this release of Komainu does not know. Install the same release on "
    "all nodes.",
    "モニタ {monitor} のタイプ {type} は、このリリースの Komainu では使用できません。全ノードに同じリリースを"
    "インストールしてください。",
    "warning",
)
BAD_PARAMETERS = Message(
    "KM5132",
    "The parameters of monitor {monitor} do not hold on node {node}: {reason}. Correct them and apply the "
    "configuration again.",
    "モニタ {monitor} のパラメータがノード {node} で正しくありません: {reason}。修正して構成情報を再度適用して"
    "ください。",
    "warning",
)

Host = Callable[[str, str, Callable[[Outcome], None]], MonitorHost]
"""Makes what a monitor sees of this node: of the cluster and the monitor, and how it reports."""


@dataclass(frozen=True, slots=True)
class _Orders:
    """What the state wants of one monitor on this node."""

    monitor: Monitor
    round: str
    simulated: bool
    words_count: bool
    "See `MonitorTraits`."


class Patrol:
    """All methods run in the event loop; none but `close` waits."""

    def __init__(
        self, me: str, types: Mapping[str, MonitorType], host: Host, propose: Callable[[e.Event], None]
    ) -> None:
        """`propose` brings a verdict to all members."""
        self._me = me
        self._types = types
        self._host = host
        self._propose = propose
        self._sentries: dict[str, _Sentry] = {}
        self._leaving: list[_Sentry] = []
        self._cluster: Cluster | None = None
        self._monitors: dict[str, MonitorFacts] | None = None
        self._open = True

    def follow(self, state: State) -> None:
        """The state has changed. It costs nothing when nothing of it concerns monitors."""
        if (state.monitors is self._monitors and state.cluster is self._cluster) or not self._open:
            return
        self._monitors, self._cluster = state.monitors, state.cluster
        wanted = {monitor.name: monitor for monitor in state.cluster.monitors if self._me in monitor.nodes}
        for name in [name for name in self._sentries if name not in wanted]:
            sentry = self._sentries.pop(name)
            sentry.dismiss()
            self._leaving.append(sentry)
        self._leaving = [sentry for sentry in self._leaving if not sentry.gone]
        for name, monitor in wanted.items():
            facts = state.monitor(name)
            watch = facts.on.get(self._me) or Watch()
            declared = self._types.get(monitor.type)
            words_count = declared is not None and declared.traits.words_count
            orders = _Orders(monitor, watch.round, self._me in facts.simulated, words_count)
            if name in self._sentries:
                self._sentries[name].follow(orders, watch.verdict)
            else:
                self._sentries[name] = _Sentry(self._me, orders, self._make, self._propose)

    async def close(self) -> None:
        """End all rounds; returns when nothing of them is left here, or after a while."""
        self._open = False
        sentries = (*self._sentries.values(), *self._leaving)
        for sentry in sentries:
            sentry.dismiss()
        await asyncio.gather(*(sentry.wait() for sentry in sentries))

    def _make(self, monitor: Monitor, report: Callable[[Outcome], None]) -> MonitorHands | Said:
        """The hands of a monitor, or why there are none on this node."""
        declared = self._types.get(monitor.type)
        if declared is None:
            return UNKNOWN_TYPE.said(monitor=monitor.name, type=monitor.type)
        try:
            params = declared.params.model_validate(monitor.params_on(self._me))
        except ValidationError as error:
            reason = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            return BAD_PARAMETERS.said(monitor=monitor.name, node=self._me, reason=reason)
        assert self._cluster is not None
        return declared.make(params, self._host(self._cluster.name, monitor.name, report))


class _Sentry:
    """One monitor on this node."""

    def __init__(
        self,
        me: str,
        orders: _Orders,
        make: Callable[[Monitor, Callable[[Outcome], None]], MonitorHands | Said],
        propose: Callable[[e.Event], None],
    ) -> None:
        """Begins at once: with a round if there is one, else by leaving nothing of an earlier daemon behind."""
        self._me = me
        self._make = make
        self._propose = propose
        self._orders = orders
        self._news = asyncio.Event()
        self._dismissed = False
        self._lane = Lane()
        self._failures = 0
        self._told: tuple[Result, str] | None = None
        "What was last proposed in this round: the result, and what was said with it: its code, or its words."
        self._seen: Verdict | None = None
        "What the state has from this round."
        self._repeats = 0
        "How often the same was found since it was proposed."
        self._round = ""
        "The round that is being kept."
        self._task = asyncio.get_running_loop().create_task(self._serve(), name=f"monitor {orders.monitor.name}")
        self._task.add_done_callback(_ended)

    @property
    def gone(self) -> bool:
        """True when nothing of it is left."""
        return self._task.done()

    def follow(self, orders: _Orders, seen: Verdict | None) -> None:
        """What the state wants now, and which verdict it has."""
        self._seen = seen
        if orders != self._orders:
            self._orders = orders
            self._news.set()

    def dismiss(self) -> None:
        """End the round and then itself."""
        self._dismissed = True
        self._news.set()

    async def wait(self) -> None:
        """Wait for its end after `dismiss`; what does not end in time is cancelled."""
        await asyncio.wait({self._task}, timeout=CLOSE_MS / 1000)
        self._task.cancel()

    # --- rounds ----------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        if not self._orders.round:
            work = self._make(self._orders.monitor, _nobody)
            if not isinstance(work, Said):
                await self._briefly(work.end)
        while not self._dismissed:
            if self._orders.round:
                await self._keep(self._orders.monitor, self._orders.round)
            else:
                await self._news.wait()
            self._news.clear()

    async def _keep(self, monitor: Monitor, round_: str) -> None:
        """One round, until the state wants another one or none."""
        self._failures, self._told, self._seen, self._repeats, self._round = 0, None, None, 0, round_
        work = self._make(monitor, lambda outcome: self._reported(round_, outcome))
        if isinstance(work, Said):
            self._judge(unknown(work))
        else:
            begun = await self._briefly(work.begin)
            if not begun.succeeded:
                self._judge(begun)
        wait_ms, simulated = monitor.first_wait_ms, self._orders.simulated
        while self._is_kept(monitor, round_):
            self._news.clear()
            if simulated == self._orders.simulated:
                await self._rest(wait_ms)
            if not self._is_kept(monitor, round_):
                break
            simulated = self._orders.simulated
            outcome = await self._look(monitor, work)
            wait_ms = 0 if outcome is None else monitor.interval_ms
            if outcome is not None and self._is_kept(monitor, round_):
                self._judge(outcome, retries=0 if simulated else monitor.retries)
        self._round = ""
        if not isinstance(work, Said):
            await self._briefly(work.end)

    def _is_kept(self, monitor: Monitor, round_: str) -> bool:
        orders = self._orders
        return not self._dismissed and orders.round == round_ and orders.monitor == monitor

    async def _rest(self, wait_ms: int) -> None:
        """Wait that long, or until there is news."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_ms / 1000):
                await self._news.wait()

    async def _look(self, monitor: Monitor, work: MonitorHands | Said) -> Outcome | None:
        """One check; None when news came in between, by which its result may mean nothing any more."""
        name = monitor.name
        if self._orders.simulated:
            return failed(attempt.SIMULATED.said(name=name))
        if isinstance(work, Said):
            return unknown(work)
        check = asyncio.get_running_loop().create_task(
            self._lane.attempt(
                lambda: work.check(monitor.timeout_ms),
                monitor.timeout_ms,
                timed_out=attempt.MONITOR_TIMEOUT.said(name=name),
                defect=attempt.MONITOR_DEFECT.said(name=name),
                busy=attempt.STILL_AT_WORK.said(name=name),
            )
        )
        news = asyncio.get_running_loop().create_task(self._news.wait())
        try:
            await asyncio.wait({check, news}, return_when=asyncio.FIRST_COMPLETED)
            return check.result() if check.done() else None
        finally:
            news.cancel()
            check.cancel()

    async def _briefly(self, work: Callable[[], Coroutine[Any, Any, None]]) -> Outcome:
        async def done() -> Outcome:
            await work()
            return SUCCEEDED

        name = self._orders.monitor.name
        return await self._lane.attempt(
            done,
            END_MS,
            timed_out=attempt.MONITOR_TIMEOUT.said(name=name),
            defect=attempt.MONITOR_DEFECT.said(name=name),
            busy=attempt.STILL_AT_WORK.said(name=name),
        )

    # --- verdicts --------------------------------------------------------------------------------------------------

    def _reported(self, round_: str, outcome: Outcome) -> None:
        """The monitor tells of itself, without waiting for the next check. A resident process dies but once."""
        if round_ == self._round == self._orders.round and not (self._orders.simulated or self._dismissed):
            self._judge(outcome)

    def _judge(self, outcome: Outcome, *, retries: int = 0) -> None:
        """Propose it when it is news, or when the members have not heard of it after a whole interval."""
        if outcome.result is Result.FAILED:
            self._failures += 1
            if self._failures <= retries:
                return
        elif outcome.succeeded:
            self._failures = 0
        said = outcome.said
        verdict = (outcome.result, "" if said is None else said.en if self._orders.words_count else said.code)
        if verdict == self._told and (self._seen is _verdict(outcome) or not self._repeats):
            self._repeats += 1
            return
        self._told, self._repeats = verdict, 0
        self._propose(e.MonitorJudged(self._me, self._orders.monitor.name, self._round, outcome))


def _verdict(outcome: Outcome) -> Verdict:
    """As the core reads an outcome."""
    if outcome.result is Result.FAILED:
        return Verdict.ERROR
    if outcome.result is Result.UNKNOWN:
        return Verdict.UNKNOWN
    return Verdict.NORMAL if outcome.said is None else Verdict.CAUTION


def _nobody(_: Outcome) -> None:
    """No round is kept: nothing that it says means anything."""


def _ended(task: "asyncio.Task[None]") -> None:
    if not task.cancelled():
        task.result()  # it ends by a defect only; the loop's exception handler tells of it

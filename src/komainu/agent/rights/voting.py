"""The shell around `agent.rights.voter`: it brings the time and the store, and does what is due. It decides nothing.

A call to the store runs beside everything else, and is bounded; whatever it answers after that is not heard.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from komainu.agent.rights.claimant import Ask
from komainu.agent.rights.voter import Voter
from komainu.core.state import State
from komainu.model import events as e
from komainu.model.config import Arbitration, Cluster
from komainu.model.message import Message, Said
from komainu.model.vote import Owner, Record
from komainu.ports import StoreSilent, VoteStore

TOO_LATE = Message(
    "KM5621",
    "The store of the vote did not answer within {ms} ms. Look at the network between this node and the store.",
    "投票先から {ms} ミリ秒以内に応答がありません。このノードと投票先の間の通信を確認してください。",
    "warning",
)
NO_STORE = Message(
    "KM5622",
    "The store of the vote could not be opened ({reason}). See `komainu lease check`.",
    "投票先を開けません ({reason})。`komainu lease check` で確認してください。",
    "error",
)


LATE_MS = 100
EXAMINE_MS = 20_000
"The store is examined with a few requests, each within its own time-out; all of them take no longer than this."

_log = logging.getLogger(__name__)


class Cut(Protocol):
    """Who ends this node's effects when its right ends: `agent.rights.isolation`."""

    def follow(self, state: State, *, bound: bool) -> None:
        """The state as it is now; `bound`: this node needs a right to have effects."""

    def lasts_until(self, until_ms: int) -> None:
        """The right lasts until then."""

    def ended(self) -> None:
        """It has just ended."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What this node knows of its right and of the vote record; for status."""

    left_ms: int | None
    "How long its right still lasts; None while it needs none."
    record: Record | None
    "As last seen."
    known_for_ms: int | None
    "For how long owner, mode and epoch of the record have been known so."
    trouble: Said | None
    "Why there is no vote, or what the store last refused."


class Voting:
    """The right and the vote of one membership. Needs a running loop."""

    def __init__(
        self,
        voter: Voter,
        store: Callable[[Cluster], VoteStore | None],
        cut: Cut,
        propose: Callable[[e.Event], None],
        alert: Callable[[Said], None],
        keep: Callable[[int], None],
        now_ms: Callable[[], int],
    ) -> None:
        """`store` opens the one that a configuration names, None when it names none.

        `keep` is told the epoch of the newest record that was seen.
        """
        self.voter = voter
        self._open = store
        self._arbitration: Arbitration | None = None
        self._store: VoteStore | None = None
        self._cut = cut
        self._propose = propose
        self._alert = alert
        self._keep = keep
        self._now_ms = now_ms
        self._until_ms = 0
        self._ended_ms = -1
        "The last end of a right, or of a chance of one, that was seen."
        self._alarm: asyncio.TimerHandle | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._extended = asyncio.Event()
        self._told: Said | None = None
        self._known: tuple[Owner | None, str, int] | None = None
        self._known_ms = 0
        self._timeout_ms = 1_000
        self._right_ms = 0
        self._closed = False

    def follow(self, state: State, incarnation: str, synced: bool) -> None:
        """The state as it is now."""
        if state.cluster.arbitration is not self._arbitration:
            self._arbitration = arbitration = state.cluster.arbitration
            self._store = self._open(state.cluster)
            self._timeout_ms, self._right_ms = arbitration.store_timeout_ms, arbitration.right_ms
        self.voter.follow(state, incarnation, synced, self._now_ms())
        self._cut.follow(state, bound=self.voter.bound)
        self.turn()

    def noted(self, suspension: str) -> None:
        """The disk of this node knows of a suspension of the cluster with that id."""
        self.voter.noted(suspension)
        self.turn()

    def beacon(self, number: int) -> dict[int, int]:
        """A beacon is about to be sent: what it answers."""
        return self.voter.beacon(number, self._now_ms())

    def heard(self, sender: str, number: int, answers: dict[int, int]) -> bool:
        """A beacon of another member; True when it should be answered at once."""
        first = self.voter.heard(sender, number, answers)
        self.turn()
        return first

    def turn(self) -> None:
        """Do what is due now."""
        if self._closed:
            return
        now_ms = self._now_ms()
        turn = self.voter.turn(now_ms)
        if turn.ask is not None:
            self._call(turn.ask)
        self._look_at_right(now_ms)
        for event in turn.events:
            self._propose(event)
        self._set_alarm()

    async def entitled(self) -> bool:
        """Wait until this node may have effects; False when that takes longer than a right lasts."""
        try:
            async with asyncio.timeout(self._right_ms / 1000):
                while not self.voter.entitled(self._now_ms()):
                    self._extended.clear()
                    await self._extended.wait()
        except TimeoutError:
            return False
        return True

    async def may_fence(self) -> bool:
        """True while this node has its right, and the vote where there is one: else it might shoot who serves."""
        by_vote = self._arbitration is not None and self._arbitration.kind == "lease"
        return await self.entitled() and (self.voter.claimant.won or not by_vote)

    def seen(self) -> Seen | None:
        """What is known here; None where rights are not limited, and while this node takes no part."""
        if self._closed or self._arbitration is None or not self._arbitration.limited:
            return None
        now_ms, claimant = self._now_ms(), self.voter.claimant
        left_ms = self.voter.right.left_ms(now_ms) if self.voter.bound else None
        known_for_ms = now_ms - self._known_ms if self._known is not None else None
        return Seen(left_ms, claimant.record, known_for_ms, claimant.trouble)

    def store(self, cluster: Cluster) -> VoteStore | None:
        """The store of that configuration; None when it names none."""
        return self._store if cluster.arbitration is self._arbitration else self._open(cluster)

    async def examine(self, cluster: Cluster) -> tuple[Said, ...]:
        """What is wrong with the store as this node reaches it, all of it; in bounded time."""
        store, timeout_ms = self.store(cluster), cluster.arbitration.store_timeout_ms
        if store is None:
            return (NO_STORE.said(reason="-"),)
        try:
            async with asyncio.timeout(EXAMINE_MS / 1000):
                return await store.examine(timeout_ms)
        except TimeoutError:
            return (replace(TOO_LATE.said(ms=EXAMINE_MS), level="error"),)
        except StoreSilent as silent:
            _log.info("the store of the vote: %s", silent.detail or silent.said.en)
            # While it is needed silence may be a moment's; to somebody who asks it is the answer.
            return (replace(silent.said, level="error"),)

    async def close(self) -> None:
        """No further turn. What was asked of the store may still be done by it."""
        self._closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        for call in tuple(self._calls):
            call.cancel()
        if self._calls:
            await asyncio.wait(self._calls)

    def _look_at_right(self, now_ms: int) -> None:
        if not self.voter.bound:
            self._ended_ms, self._until_ms = -1, 0
            self._extended.set()
            return
        until_ms = self.voter.right.until_ms
        end_ms = max(until_ms, self.voter.chance_ms)
        if until_ms != self._until_ms and until_ms > now_ms:
            self._until_ms = until_ms
            self._cut.lasts_until(until_ms)
            self._extended.set()
        elif self._ended_ms != end_ms <= now_ms:
            self._ended_ms = end_ms
            if self._until_ms or self.voter.has_effect():
                self._cut.ended()

    def _call(self, ask: Ask) -> None:
        task = asyncio.get_running_loop().create_task(self._ask(ask), name="vote")
        self._calls.add(task)
        task.add_done_callback(self._called)

    async def _ask(self, ask: Ask) -> None:
        claimant = self.voter.claimant
        try:
            store = self._store
            if store is None:
                raise StoreSilent(NO_STORE.said(reason="-"))
            # The store keeps the time itself, and knows better what kept it waiting.
            async with asyncio.timeout((self._timeout_ms + LATE_MS) / 1000):
                if ask.record is None:
                    held = await store.read(self._timeout_ms)
                    self.voter.answered(claimant.read(ask, held, self._now_ms()))
                else:
                    version = await store.replace(ask.version, ask.record.text(), self._timeout_ms)
                    self.voter.answered(claimant.replaced(ask, version, self._now_ms()))
        except TimeoutError:
            claimant.silent(ask, TOO_LATE.said(ms=self._timeout_ms), self._now_ms())
        except StoreSilent as silent:
            claimant.silent(ask, silent.said, self._now_ms())
            _log.info("the store of the vote: %s", silent.detail or silent.said.en)
        self._tell()
        self._note(claimant.record)
        self._keep(claimant.epoch)
        self.turn()

    def _called(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error  # a defect: the loop's exception handler ends the daemon

    def _tell(self) -> None:
        """Each trouble once, until it is another one."""
        trouble = self.voter.claimant.trouble
        if trouble is not None and (self._told is None or trouble.code != self._told.code):
            self._alert(trouble)
        self._told = trouble

    def _note(self, found: Record | None) -> None:
        known = (found.owner, found.mode, found.epoch) if found is not None else None
        if known != self._known:
            self._known, self._known_ms = known, self._now_ms()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        next_ms = self.voter.next_ms(self._now_ms())
        if next_ms is not None:
            after_s = max(0, next_ms - self._now_ms()) / 1000
            self._alarm = asyncio.get_running_loop().call_later(after_s, self.turn)

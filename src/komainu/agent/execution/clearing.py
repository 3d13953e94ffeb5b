"""Stops what runs on this node and is not configured here any more, before the new configuration is followed (C11).

That happens to a node that was away while another configuration came into force: what it runs was started under the
old one, and nobody but its old hands knows how to stop it. Members of the cluster have stopped all that beforehand.

Until it is over no probe is answered and nothing is started: the new configuration must find a clean node. What does
not stop in `ATTEMPTS` tries is told, tried on, and no longer waited for: the other groups need this node.
"""

import asyncio
from collections.abc import Callable, Iterable

from komainu.agent.execution import attempt
from komainu.agent.execution.attempt import Lane
from komainu.agent.execution.hands import Hand, Key
from komainu.agent.execution.runs import Runs
from komainu.model.message import Message, Said
from komainu.model.outcome import Outcome, Result

ATTEMPTS = 3
RETRY_MS = 10_000

CLEARS = Message(
    "KM5220",
    "Resource {name} of group {group} may run here and is not configured like that any more: it is stopped first.",
    "グループ {group} のリソース {name} は現在の構成情報と異なる状態で動作している可能性があるため、先に停止します。",
    "warning",
)
CLEARED = Message(
    "KM5221",
    "Resource {name} of group {group}, which is not configured like that any more, does not run here.",
    "現在の構成情報にないグループ {group} のリソース {name} は、このノードでは停止しています。",
)
REMAINS = Message(
    "KM5222",
    "Resource {name} of group {group} is not configured like that any more and does not stop ({reason}). Stop it by "
    "hand: what now has its address or its data may start elsewhere. It is tried on.",
    "現在の構成情報にないグループ {group} のリソース {name} が停止しません ({reason})。同じアドレスやデータを使うものが"
    "他のノードで起動するおそれがあるため、手動で停止してください。停止の試行は継続します。",
    "error",
)


class Clearing:
    """What is left to be stopped here."""

    def __init__(self, lane: Callable[[Key], Lane], runs: Runs, alert: Callable[[Said, str], None]) -> None:
        """`lane` gives the turn of a resource: new hands wait there until the old ones are done."""
        self._lane = lane
        self._runs = runs
        self._alert = alert
        self._tasks: list[asyncio.Task[None]] = []
        self._waited_for: list[asyncio.Task[None]] = []
        self._then: list[Callable[[], None]] = []

    def begin(self, gone: Iterable[Hand], before: Iterable[Hand]) -> None:
        """Stop what these old hands may hold, and what stands on it. `before`: all hands of the old configuration."""
        for group in _standing_on(tuple(gone), tuple(before)):
            task = asyncio.get_running_loop().create_task(self._clear_group(group), name="clear")
            self._tasks.append(task)
            self._waited_for.append(task)
            task.add_done_callback(self._done)

    @property
    def is_under_way(self) -> bool:
        """True while something is left that is worth waiting for."""
        return bool(self._waited_for)

    async def over(self) -> None:
        """Wait until nothing is left that is worth waiting for."""
        while self._waited_for:
            await asyncio.wait(self._waited_for, timeout=1)

    def afterwards(self, call: Callable[[], None]) -> None:
        """Have something done when everything has stopped; now, when nothing is left."""
        if self._tasks:
            self._then.append(call)
        else:
            call()

    def abandon(self) -> None:
        """Wait for nothing any more."""
        self._then.clear()
        for task in self._tasks:
            task.cancel()

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.remove(task)
        if task in self._waited_for:
            self._waited_for.remove(task)
        if not task.cancelled():
            task.result()  # it fails by a defect only; the loop's exception handler tells of it
        if not self._tasks:
            then, self._then = self._then, []
            for call in then:
                call()

    async def _clear_group(self, hands: tuple[Hand, ...]) -> None:
        """One after the other, as the group would stop: what does not stop keeps what it stands on."""
        for hand in hands:
            if hand.work is not None:
                await self._clear(hand)

    async def _clear(self, hand: Hand) -> None:
        names = {"name": hand.resource.name, "group": hand.group.name}
        if (await self._attempt(hand, stop=False)).result is Result.FAILED:
            self._runs.ended(hand.key)  # it surely does not run here
            return
        self._alert(CLEARS.said(**names), "")
        tried = 0
        while not (outcome := await self._attempt(hand, stop=True)).succeeded:
            tried += 1
            if tried == ATTEMPTS:
                reason = outcome.said.en if outcome.said is not None else str(outcome.result)
                self._alert(REMAINS.said(**names, reason=reason), outcome.detail)
                # Whoever waits goes on without it; this task does not end before it is done.
                if (task := asyncio.current_task()) in self._waited_for:
                    self._waited_for.remove(task)
            await asyncio.sleep(RETRY_MS / 1000 if tried >= ATTEMPTS else 0)
        self._runs.ended(hand.key)
        self._alert(CLEARED.said(**names), "")

    async def _attempt(self, hand: Hand, *, stop: bool) -> Outcome:
        work, resource = hand.work, hand.resource
        assert work is not None
        timeout_ms = resource.stop_timeout_ms if stop else resource.check_timeout_ms
        timed_out = attempt.DEACTIVATION_TIMEOUT if stop else attempt.PROBE_TIMEOUT
        defect = attempt.DEACTIVATION_DEFECT if stop else attempt.PROBE_DEFECT
        return await self._lane(hand.key).attempt(
            lambda: work.stop(timeout_ms) if stop else work.probe(timeout_ms),
            timeout_ms,
            timed_out=timed_out.said(name=resource.name),
            defect=defect.said(name=resource.name),
            busy=attempt.STILL_AT_WORK.said(name=resource.name),
        )


def _standing_on(gone: tuple[Hand, ...], before: tuple[Hand, ...]) -> list[tuple[Hand, ...]]:
    """Per group, these hands and those whose resources depend on theirs, in the order of stopping."""
    groups: dict[str, list[Hand]] = {}
    for hand in before:  # each comes after all that it depends on
        found = groups.setdefault(hand.group.name, [])
        needs = [each.resource.name for each in found]
        if hand in gone or any(name in needs for name in hand.resource.depends_on):
            found.append(hand)
    return [tuple(reversed(found)) for found in groups.values() if found]

"""One daemon, put together from its parts: how it begins, what it does all the time, and how it leaves."""

import asyncio
import gc
import logging
import os
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from komainu import __version__
from komainu.agent import status, words
from komainu.agent.background import Background
from komainu.agent.executor import Executor
from komainu.agent.hands import Hands
from komainu.agent.journal import Journal
from komainu.agent.keeper import Keeper, Store
from komainu.agent.leaving import Leaving
from komainu.agent.line import Line, Standing
from komainu.agent.loop import Loop
from komainu.agent.notify import Notifier
from komainu.agent.parts import Parts
from komainu.agent.pulse import Pulse
from komainu.agent.recorder import STARTED, Recorder
from komainu.agent.replica import Replica
from komainu.agent.requests import Requests
from komainu.agent.runs import Runs
from komainu.agent.timekeeper import Timekeeper
from komainu.agent.watch import Watch
from komainu.core.state import State
from komainu.model.config import Cluster
from komainu.model.message import Message, Said
from komainu.model.outcome import Outcome
from komainu.ports import Bus, Host, ResourceType

DIGEST_INTERVAL_MS = 60_000
TRANSPORT_RETRY_MS = 1_000
BACKGROUND_END_MS = 2_000
MANAGER_PAUSE_MS = 1_000
"The service manager is told of changes no more often."
PREPARE_MS = 3_000
"A daemon that starts prepares before it joins, so that a takeover finds everything warm; but the others wait for it."

DEFECT = Message(
    "KM5510",
    "The daemon met something it was not made for ({reason}) and ends; what runs goes on, and the service manager "
    "starts the daemon again. This is a defect; please report it with the journal.",
    "デーモンが想定外の状態になったため終了します ({reason})。動作中のリソースはそのまま継続し、サービスマネージャが"
    "デーモンを再起動します。不具合ですので、ジャーナルを添えて報告してください。",
    "error",
)

MESSAGES = (DEFECT,)

DEFECT_CODE = 70

_log = logging.getLogger(__name__)


class Transport(Protocol):
    """The corosync of this machine."""

    async def start(self, cluster: Cluster, report: Callable[[Said], None]) -> Said | None:
        """Make it run with this configuration and keep it running; answers why that failed, or None.

        `report` hears of its deaths and restarts.
        """

    async def restart(self) -> Said | None:
        """It stands still: kill it and start it; answers why that failed, or None."""

    async def stop(self) -> Said | None:
        """Let it leave the ring and end; answers why that failed, or None."""

    async def close(self) -> None:
        """Look after it no more, and leave it running."""


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds a daemon; `komainu.compose` chooses it."""

    me: str
    boot: str
    "The id of this boot; lab nodes share it, so a daemon's name has a nonce besides."
    cluster: Cluster
    epoch: int
    "The highest this node remembers."
    types: Mapping[str, ResourceType]
    bus: Bus
    transport: Transport
    host: Callable[[str, str, str, Callable[[Outcome], None]], Host]
    "Makes what a resource sees: cluster, group, resource, and how it reports of itself."
    store: Store
    run_folder: Path
    "Emptied by a boot."
    journal_folder: Path
    api_calls: Callable[[], dict[str, int]]
    now_ms: Callable[[], int]
    notifier: Notifier


class Daemon:
    """Runs from `run` until this node has left, or something broke. Needs a running loop from the beginning."""

    def __init__(self, around: Around) -> None:
        """Puts the parts together; nothing is started yet."""
        self.around = around
        self.name = f"{around.boot[:8]}-{secrets.token_hex(4)}"
        "This daemon among all daemons that ever ran on this node."
        self._incarnations = 0
        me, cluster, now_ms = around.me, around.cluster, around.now_ms
        self.replica = Replica(me, cluster, around.epoch, self._next_incarnation)
        self.loop = loop = Loop(self.replica, now_ms, self._dismissed)
        self.background = Background()
        recorder = Recorder(me, Journal(around.journal_folder), self.background)
        hands = Hands(me, around.types, self._host)
        watch = Watch(me, hands, loop.propose, recorder.alert)
        self.runs = Runs(around.run_folder / "runs", self.background, recorder.alert)
        self.parts = loop.parts = Parts(
            line=Line(me, cluster, self.name, around.bus, loop, self._stalled),
            pulse=Pulse(cluster.detect_within_ms),
            timekeeper=Timekeeper(loop.propose, self._armed, lambda: self.replica.rank, now_ms),
            hands=hands,
            executor=Executor(me, hands, self.runs, watch, loop.propose),
            watch=watch,
            requests=Requests(me, self.name, loop.propose),
            recorder=recorder,
            keeper=Keeper(cluster, around.epoch, around.store, self.background, recorder.alert),
        )
        self.leaving = Leaving(loop, self.runs, around.notifier, self._disconnect)
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[None]] = []
        hands.configure(cluster)

    # --- what the API asks -----------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What the members agree on."""
        return self.replica.state

    def status(self) -> dict[str, Any]:
        """What `komainu status` shows."""
        hands = self.parts.hands.all()
        prepared = {hand.key: self.parts.watch.prepared(*hand.key) for hand in hands}
        local = status.Local(
            node=self.around.me,
            incarnation=self.replica.incarnation,
            pid=os.getpid(),
            standing=self.parts.line.standing,
            synced=self.replica.synced,
            beat_interval_ms=self.parts.pulse.interval_ms,
            beat_round_trip_ms=self.parts.pulse.round_trip_ms,
            api_calls=self.around.api_calls(),
            prepared={key: outcome for key, outcome in prepared.items() if outcome is not None},
            monitors={hand.key: hand.monitor for hand in hands},
        )
        return status.report(self.state, local)

    # --- its life --------------------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Take part until this node has left; the exit code: 0 after a clean leave."""
        recorder = self.parts.recorder
        recorder.load()
        recorder.begin(self.state)
        recorder.alert(STARTED.said(version=__version__, node=self.around.me))
        try:
            await self.parts.watch.prepare_all(min(PREPARE_MS, self.around.cluster.agent_return_ms // 3))
            self.parts.watch.configured()
            # What was made up to now stays. No collection has to look at it again in the middle of a takeover.
            gc.collect()
            gc.freeze()
            self.parts.line.open()
            self._go(self._keep_transport())
            await self.around.bus.start(self.parts.line)
            self._go(self._beat_for_ever())
            self._go(self._compare_for_ever())
            self._go(self._tell_manager())
            return await self._end
        finally:
            await self._close()

    def leave(self) -> None:
        """Begin to leave: stop what runs here, then end. Asking twice changes nothing."""
        if not self.leaving.asked:
            self._go(self._leave())

    def end(self, code: int) -> None:
        """End now, with this exit code."""
        if not self._end.done():
            self._end.set_result(code)

    def defect(self, error: BaseException) -> None:
        """End because of a defect. A new daemon asks the others how things are, and adopts what runs (law 5)."""
        if not self._end.done():
            self.parts.recorder.alert(DEFECT.said(reason=f"{type(error).__name__}: {error}"))
        self.end(DEFECT_CODE)

    async def _leave(self) -> None:
        self.end(await self.leaving.leave())

    async def _disconnect(self) -> None:
        await self.around.bus.stop()
        trouble = await self.around.transport.stop()
        if trouble is not None:
            self.parts.recorder.alert(trouble)

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.parts.line.close()
        self.parts.watch.close()
        self.parts.executor.abandon()
        await self.around.bus.stop()
        await self.around.transport.close()
        self.parts.recorder.flush()
        await self.background.close(BACKGROUND_END_MS)

    async def _keep_transport(self) -> None:
        """Start corosync, however long it takes: at boot its addresses may not be there yet."""
        said: Said | None = None
        while (trouble := await self.around.transport.start(self.state.cluster, self.parts.recorder.alert)) is not None:
            if trouble != said:
                said = trouble
                self.parts.recorder.alert(trouble)
            await asyncio.sleep(TRANSPORT_RETRY_MS / 1000)

    async def _beat_for_ever(self) -> None:
        pulse, line, now_ms = self.parts.pulse, self.parts.line, self.around.now_ms
        while True:
            before_ms = now_ms()
            await asyncio.sleep(pulse.interval_ms / 1000)
            if now_ms() - before_ms > 2 * pulse.interval_ms:
                pulse.awoke()
            if line.standing is not Standing.WAITING:
                self.loop.accuse_silent()
                waiting_ms = pulse.waiting_ms(now_ms())
                if waiting_ms > pulse.stall_ms:
                    line.stalled(waiting_ms)
                self.loop.beat()
            self.parts.timekeeper.look()
            self.around.notifier.alive()

    async def _compare_for_ever(self) -> None:
        while True:
            await asyncio.sleep(DIGEST_INTERVAL_MS / 1000)
            if self.replica.synced and self.replica.rank == 0:
                self.loop.ask_digest()

    async def _tell_manager(self) -> None:
        """The service manager shows when this node takes part, and one line about how it stands."""
        await self.loop.synced.wait()
        self.around.notifier.ready()
        while True:
            changed = self.loop.changed()
            self.around.notifier.status(words.line(self.state, self.around.me))
            await changed.wait()
            await asyncio.sleep(MANAGER_PAUSE_MS / 1000)

    # --- what its parts tell ---------------------------------------------------------------------------------------

    def _next_incarnation(self) -> str:
        self._incarnations += 1
        return f"{self.name}.{self._incarnations}"

    def _armed(self, timer: str) -> bool:
        return timer in self.state.timers

    def _host(self, cluster: str, group: str, resource: str) -> Host:
        host = self.around.host(
            cluster, group, resource, lambda outcome: self.parts.watch.reported(group, resource, outcome)
        )
        return replace(host, alone=self._alone)

    def _alone(self) -> bool:
        return len(self.replica.state.nodes) > 1 and self.replica.state.members() in ((), (self.around.me,))

    def _stalled(self) -> None:
        self._go(self._restart_transport())

    async def _restart_transport(self) -> None:
        trouble = await self.around.transport.restart()
        if trouble is not None:
            self.parts.recorder.alert(trouble)

    def _dismissed(self) -> None:
        self.leaving.dismissed.set()

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.append(task)
        task.add_done_callback(self._gone)

    def _gone(self, task: "asyncio.Task[None]") -> None:
        self._tasks.remove(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("a part of the daemon ended", exc_info=error)
            self.defect(error)

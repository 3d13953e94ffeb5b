"""One daemon, put together from its parts: how it begins, what it does all the time, and how it leaves.

Its life is one membership after the other. Between two of them the node is stopped: an operator took it out of the
cluster, and the daemon stays to be told that it may come back (C10, ADR 0009).
"""

import asyncio
import gc
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from komainu import __version__
from komainu.agent.alerts.store import AlertStore
from komainu.agent.alerts.telling import Alerts
from komainu.agent.around import Around
from komainu.agent.background import Background
from komainu.agent.ending import Ending
from komainu.agent.execution.executor import Executor
from komainu.agent.execution.fencing import Fencing
from komainu.agent.execution.hands import Hands
from komainu.agent.execution.patrol import Patrol
from komainu.agent.execution.runs import Runs
from komainu.agent.execution.scripts import Scripts
from komainu.agent.execution.watch import Watch
from komainu.agent.judging import Judging
from komainu.agent.keeper import Keeper
from komainu.agent.leaving import LEFT_CLEANLY, LEFT_RUNNING, Leaving
from komainu.agent.loop import Loop, Then
from komainu.agent.members.heartbeat import Heartbeat
from komainu.agent.members.line import Line, Standing
from komainu.agent.members.pulse import FIRST_BEATS, Pulse
from komainu.agent.members.replica import Replica
from komainu.agent.members.requests import Requests
from komainu.agent.members.timekeeper import Timekeeper
from komainu.agent.parts import Parts
from komainu.agent.records.journal import Journal
from komainu.agent.records.recorder import STARTED, Recorder
from komainu.agent.residents import Residents, Stands
from komainu.agent.rights.isolation import Isolation
from komainu.agent.rights.voter import Voter
from komainu.agent.rights.voting import Voting
from komainu.agent.rights.watchdog_shares import Shares
from komainu.agent.shown import residence, status, words
from komainu.agent.shown.pending import asked, pending
from komainu.agent.stop_mark import StopMark
from komainu.config.declared import Declared
from komainu.core.state import Marks, State, marks
from komainu.model.config import Cluster
from komainu.model.message import Message, Said
from komainu.model.outcome import Outcome
from komainu.ports import Host, MonitorHost

TRANSPORT_RETRY_MS = 1_000
BACKGROUND_END_MS = 2_000
MANAGER_PAUSE_MS = 1_000
"The service manager is told of changes no more often."
ALIVE_MS = 500
"How often the service manager is told that the event loop turns."
REPORT_PAUSE_MS = 500
"Stopped nodes are told of changes no more often."
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

DEFECT_CODE = 70
STAYS = -1
"In place of an exit code: this node has left, and the daemon goes on without it."
AGAIN = -2
"In place of an exit code: this node is to take part again."

_log = logging.getLogger(__name__)


class Daemon:
    """Runs from `run` until this node has left for good, or something broke. Needs a running loop from the start."""

    def __init__(self, around: Around) -> None:
        """Puts the parts together; nothing is started yet."""
        self.around = around
        self.name = f"{around.boot[:8]}-{secrets.token_hex(4)}"
        "This daemon among all daemons that ever ran on this node."
        self.stopped = False
        "This node has left the cluster, and waits to be started."
        self._mark = StopMark(around.run_folder)
        self._incarnations = 0
        self.background = Background()
        self._recorder = recorder = Recorder(around.me, Journal(around.journal_folder), self.background)
        store = AlertStore(around.alerts_file) if around.alerts_file is not None else None
        self.alerts = Alerts(
            around.me, self.name, store, self.background, recorder.alert, around.notifiers, around.topics
        )
        recorder.heard = self.alerts.local
        self._hands = Hands(around.me, around.types, self._host)
        self.runs = Runs(around.run_folder / "runs", self.background, recorder.alert)
        self.residents = Residents(around.me, self.name, lambda: self._cluster, around.residents, self)
        self._watchdog = Shares(around.watchdog)
        self._ending = Ending(around.me, around.power, self._watchdog.end, recorder.alert, recorder.written)
        self._isolation = Isolation(
            around.me, around.types, around.isolation, self._watchdog.right, self._ending, recorder.alert, around.now_ms
        )
        self._heartbeat = Heartbeat(around.me, around.links, lambda: self._cluster, recorder.alert)
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._defective = self._listening = False
        self._tasks: list[asyncio.Task[None]] = []
        self._lasting: list[asyncio.Task[None]] = []
        self._assemble(around.cluster, around.epoch, Marks(around.maintenance, around.suspended, around.undecided))
        self._hands.configure(around.cluster)

    def _assemble(self, cluster: Cluster, epoch: int, marks: Marks) -> None:
        """Put together what lives for one membership, from what this node remembers."""
        around, now_ms, alert = self.around, self.around.now_ms, self._recorder.alert
        me, hands = around.me, self._hands
        self.replica = Replica(me, cluster, epoch, self._next_incarnation, marks)
        self.loop = loop = Loop(self.replica, now_ms, self._dismissed)
        self._bus = around.bus()
        watch, scripts = Watch(me, hands, loop.propose, alert), Scripts(me, around.processes, lambda: self._cluster)
        executor = Executor(me, hands, self.runs, watch, scripts, loop.propose, alert)
        keep = (alert, executor.clearing.afterwards, self._reload, around.vote_epoch)
        keeper = Keeper(self.replica.state, around.store, self.background, *keep)
        voter = Voter(me, self.name, self.replica.state, lambda: secrets.token_hex(8), keeper.vote_epoch)
        voting = Voting(voter, around.votes, self._isolation, loop.propose, alert, keeper.keep_vote_epoch, now_ms)
        keeper.noted = voting.noted
        executor.entitled, executor.may_fence = voting.entitled, voting.may_fence
        executor.pending = lambda action: asked(self.replica.state, me, action)
        fencing = Fencing(me, around.fences, lambda: self.replica.state)
        executor.fence = fencing.fence
        declared = Declared(around.types, around.monitor_types, around.notifiers)
        self.parts = loop.parts = Parts(
            line=Line(me, cluster, self.name, self._bus, loop, self._stalled),
            pulse=Pulse(cluster, first=secrets.randbelow(FIRST_BEATS)),
            timekeeper=Timekeeper(loop.propose, self._armed, lambda: self.replica.rank, now_ms),
            hands=hands,
            executor=executor,
            watch=watch,
            patrol=Patrol(me, around.monitor_types, self._monitor_host, loop.propose),
            requests=Requests(me, self.name, loop.propose),
            recorder=self._recorder,
            keeper=keeper,
            ending=self._ending,
            alerts=self.alerts,
            judging=Judging(me, declared, around.host, around.versions, around.machine, loop.propose),
            voting=voting,
            fencing=fencing,
        )
        self.alerts.attach(self.replica, self.parts.line.send)
        self.leaving = Leaving(loop, self.runs, around.notifier, self._bus.stop, self._ending.guard)

    # --- what the API asks -----------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What the members agree on; while this node is stopped, what it knows without them."""
        state = self.replica.state
        if self.stopped:
            return residence.picture(state.cluster, state.epoch, self.around.me, self.residents.stopped())
        return state

    def status(self) -> dict[str, Any]:
        """What `komainu status` shows."""
        hands = self.parts.hands.all()
        local = status.Local(
            node=self.around.me,
            incarnation=self.replica.incarnation,
            pid=os.getpid(),
            standing="stopped" if self.stopped else self.parts.line.standing,
            synced=self.replica.synced and not self.stopped,
            beat_interval_ms=self.parts.pulse.interval_ms,
            beat_round_trip_ms=self.parts.pulse.round_trip_ms,
            api_calls=self.around.api_calls(),
            api_calls_in_last_minute=self.around.api_calls_in_last_minute(),
            prepared={hand.key: seen for hand in hands if (seen := self.parts.watch.prepared(*hand.key)) is not None},
            monitors={hand.key: hand.monitor for hand in hands},
            labels={hand.key: hand.label for hand in hands},
            heartbeat=self._heartbeat.seen,
            began=self.parts.recorder.began(each.id for each in pending(self.state)),
            left_ms=self.parts.timekeeper.left_ms(),
            stopped=self.residents.stopped(),
            vote=self.parts.voting.seen(),
            isolation=self._isolation.seen(),
        )
        own = status.report(self.state, local)
        return residence.seen_from(self.around.me, own, self.residents.report()) if self.stopped else own

    # --- its life --------------------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Take part until this node has left for good; the exit code: 0 after a clean leave."""
        self._recorder.load()
        self._recorder.alert(STARTED.said(version=__version__, node=self.around.me))
        try:
            self._go(self._keep_alive(), lasting=True)
            self._go(self._heartbeat.look_for_ever(), lasting=True)
            code = STAYS if self._mark.is_set() else await self._take_part()
            while code == STAYS:
                code = await self._rest()
                if code == AGAIN:
                    before = self.replica.state
                    self._assemble(before.cluster, before.epoch, marks(before))
                    code = await self._take_part()
            return code
        finally:
            await self._close()

    async def _take_part(self) -> int:
        """One membership, from its preparation to the leave."""
        self._begin_phase()
        self._recorder.begin(self.replica.state)
        try:
            await self.parts.watch.prepare_all(min(PREPARE_MS, self.replica.state.cluster.agent_return_ms // 3))
            self.parts.watch.configured()
            # What was made up to now stays. No collection has to look at it again in the middle of a takeover.
            gc.collect()
            gc.freeze()
            self.parts.line.open()
            self._go(self._keep_transport())
            await self._listen()
            self.parts.voting.follow(self.replica.state, self.replica.incarnation, synced=False)
            await self._bus.start(self.parts.line)
            self.residents.changed()
            lasting = (self._beat_for_ever(), self.loop.compare_for_ever(), self._tell_manager())
            for work in (*lasting, self._tell_stopped(), self._follow_orders()):
                self._go(work)
            code = await self._end
        finally:
            await self._part()
        if code == LEFT_CLEANLY and (self.leaving.then == "shutdown" or self.leaving.then == "reboot"):
            self._begin_phase()
            self._ending.end(self.leaving.then, self.replica.state.cluster.end_timeout_ms)
            code = await self._end
        return code

    async def _rest(self) -> int:
        """This node is stopped: the exit code, or AGAIN."""
        self._begin_phase()
        self.stopped = True
        self._isolation.lift()
        self._mark.set()
        self._recorder.alert(residence.STAYS.said(node=self.around.me))
        self.residents.changed()
        self.loop.stir()
        self.around.notifier.ready()
        self.around.notifier.status(residence.STOPPED.said(node=self.around.me).en)
        try:
            self._go(self._keep_transport())
            await self._listen()
            if self.leaving.asked and self.leaving.then == "end":
                self.leave()  # asked for in between
            code = await self._end
        finally:
            await self._part()
        if code != DEFECT_CODE:
            self._mark.clear()
        if code == LEFT_CLEANLY:
            await self._hang_up()
        self.stopped = False
        self.loop.stir()
        return code

    def leave(self) -> None:
        """SIGTERM: stop what runs here, then end. Asking twice changes nothing."""
        if self.stopped:
            self.end(LEFT_CLEANLY)
        elif self._ending.begun:
            # The machine goes down, and what still runs here with it: nobody is to wait for this process.
            self.end(LEFT_CLEANLY if self.leaving.dismissed.is_set() else LEFT_RUNNING)
        else:
            self._leave_for("end")

    def end(self, code: int) -> None:
        """End now, with this exit code."""
        if not self._end.done():
            self._end.set_result(code)

    def defect(self, error: BaseException) -> None:
        """End because of a defect. A new daemon asks the others how things are, and adopts what runs (law 5)."""
        if not self._defective:
            self._defective = True
            self._recorder.alert(DEFECT.said(reason=f"{type(error).__name__}: {error}"))
        self.end(DEFECT_CODE)

    # --- how it leaves ---------------------------------------------------------------------------------------------

    async def _follow_orders(self) -> None:
        """An operator or a final action may take this node out of the cluster."""
        while True:
            changed = self.loop.changed()
            facts = self.replica.state.nodes.get(self.around.me)
            # `end` comes from this daemon alone. What was said of an earlier one is no order for this one.
            mine = facts is not None and facts.incarnation == self.replica.incarnation
            if facts is not None and mine and facts.leaving and facts.then != "end":
                self._leave_for(facts.then)
            await changed.wait()

    def _leave_for(self, then: Then) -> None:
        if self.leaving.want(then):
            self._go(self._leave())

    async def _leave(self) -> None:
        self.residents.changed()
        code = await self.leaving.leave()
        if code == LEFT_CLEANLY and self.leaving.then == "stop":
            self.end(STAYS)
            return
        if code == LEFT_CLEANLY:
            await self._hang_up()
        self.end(code)

    async def _hang_up(self) -> None:
        """Take leave of the other daemons, and let corosync end. Nothing runs here, and nothing needs to be cut off."""
        self._isolation.lift()
        await self.residents.close()
        await self._carefully(self.around.transport.stop())

    async def _part(self) -> None:
        """End what belongs to this phase of life."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for part in (self.parts.line, self.parts.watch, self.parts.keeper):
            part.close()
        self.parts.executor.abandon()
        self.parts.judging.abandon()
        await self.parts.voting.close()
        await self._bus.stop()
        await self.parts.patrol.close()  # the others need not wait for it
        self.alerts.detach()
        self._recorder.flush()

    async def _close(self) -> None:
        for task in self._lasting:
            task.cancel()
        self._ending.close()
        await self._isolation.close()
        await self.residents.close()
        await self.around.transport.close()
        self.alerts.close()
        self._recorder.flush()
        await self.background.close(BACKGROUND_END_MS)

    def _begin_phase(self) -> None:
        self._end = asyncio.get_running_loop().create_future()
        if self._defective:
            self._end.set_result(DEFECT_CODE)

    # --- what it does all the time ---------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Be there for the daemons of the other nodes, whether this one takes part or not."""
        if not self._listening:
            self._listening = True
            await self.residents.open()

    async def _keep_alive(self) -> None:
        """The service manager is told that the event loop turns."""
        while True:
            self.around.notifier.alive()
            await asyncio.sleep(ALIVE_MS / 1000)

    async def _keep_transport(self) -> None:
        """Start corosync, however long it takes: at boot its addresses may not be there yet."""
        said: Said | None = None
        start, alert = self.around.transport.start, self._recorder.alert
        while (trouble := await start(self.replica.state.cluster, alert)) is not None:
            if trouble != said:
                said = trouble
                self._recorder.alert(trouble)
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
            self._isolation.look()

    async def _tell_manager(self) -> None:
        """The service manager shows when this node takes part, and one line about how it stands."""
        await self.loop.synced.wait()
        self.around.notifier.ready()
        while True:
            changed = self.loop.changed()
            self.around.notifier.status(words.line(self.state, self.around.me))
            await changed.wait()
            await asyncio.sleep(MANAGER_PAUSE_MS / 1000)

    async def _tell_stopped(self) -> None:
        """One member tells those who are stopped how the cluster stands, and which configuration holds."""
        told: tuple[Cluster | None, tuple[str, ...]] = (None, ())
        while True:
            changed = self.loop.changed()
            stopped, cluster = self.residents.stopped(), self.replica.state.cluster
            if self.replica.synced and self.replica.rank == 0 and stopped:
                if told[0] is not cluster or told[1] != stopped:
                    told = (cluster, stopped)
                    self.residents.tell_configuration(cluster)
                self.residents.tell(self.status())
            await changed.wait()
            await asyncio.sleep(REPORT_PAUSE_MS / 1000)

    # --- what its parts tell ---------------------------------------------------------------------------------------

    @property
    def _cluster(self) -> Cluster:
        return self.replica.state.cluster

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

    def _monitor_host(self, cluster: str, monitor: str, report: Callable[[Outcome], None]) -> MonitorHost:
        return replace(self.around.monitor_host(cluster, monitor, report), watchdog=self._watchdog.monitors)

    def _alone(self) -> bool:
        return len(self.replica.state.nodes) > 1 and self.replica.state.members() in ((), (self.around.me,))

    def _stalled(self) -> None:
        self._go(self._carefully(self.around.transport.restart()))

    def _reload(self, cluster: Cluster) -> None:
        self._go(self._carefully(self.around.transport.reload(cluster)), lasting=True)

    async def _carefully(self, work: Awaitable[Said | None]) -> None:
        """Tell what kept the transport from doing it."""
        if (trouble := await work) is not None:
            self._recorder.alert(trouble)

    def _dismissed(self, then: Then) -> None:
        self._leave_for(then)
        self.leaving.dismissed.set()

    def stands(self) -> Stands:
        """How this daemon stands to the cluster, for the daemons of the other nodes."""
        if self.stopped:
            return Stands.STOPPED
        return Stands.LEAVING if self.leaving.asked else Stands.MEMBER

    def begin(self, by: str) -> None:
        """This node is stopped, and is to take part again."""
        self._recorder.alert(residence.STARTS_AGAIN.said(node=self.around.me, by=by))
        self.end(AGAIN)

    def take_over(self, cluster: Cluster) -> None:
        """This node is stopped, and members have put another configuration in force: its corosync has to follow."""
        found = residence.taken_over(self.replica.state, cluster, self.around.me)
        if isinstance(found, Said):
            self._recorder.alert(found)
        elif found is not None:
            self.replica.state = found
            self._hands.configure(cluster)
            self.parts.keeper.keep(found)
            self.stirred()

    def stirred(self) -> None:
        """Something changed that status shows."""
        self.loop.stir()

    def _go(self, work: Coroutine[Any, Any, None], *, lasting: bool = False) -> None:
        """Work of this phase of life, or of all of it."""
        task = asyncio.get_running_loop().create_task(work)
        (self._lasting if lasting else self._tasks).append(task)
        task.add_done_callback(self._gone)

    def _gone(self, task: "asyncio.Task[None]") -> None:
        (self._lasting if task in self._lasting else self._tasks).remove(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("a part of the daemon ended", exc_info=error)
            self.defect(error)

"""A simulated machine: its agent, its timers, and what truly runs on it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from random import Random

from komainu.agent.keeper import NOT_WRITTEN, NOTHING
from komainu.agent.members.replica import Effects, Replica, View
from komainu.agent.members.snapshot import decode
from komainu.agent.members.wire import Beacon, Message, Snapshot
from komainu.core.state import RULES, Marks, Noted, State, initial
from komainu.model import actions as a, events as e
from komainu.model.config import Cluster
from komainu.model.difference import divides
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu_lab.sim.arbitrations import RIGHT_MS
from komainu_lab.sim.ballot import Ballot
from komainu_lab.sim.bus import Bus
from komainu_lab.sim.clock import MS, Clock
from komainu_lab.sim.luck import BROKEN, NO_ANSWER, Luck, without_suspension
from komainu_lab.sim.patrol import Patrol
from komainu_lab.sim.store import Store
from komainu_lab.sim.watcher import Watcher

Key = tuple[str, str]
"""Group and resource."""


class Host:
    """One machine. Its methods are what happens to it."""

    def __init__(
        self,
        name: str,
        cluster: Cluster,
        bus: Bus,
        rng: Random,
        watcher: Watcher,
        store: Store,
        rules: int = RULES,
    ) -> None:
        self.name = name
        self.kept = cluster
        "The configuration on disk."
        self.rules = rules
        "Of the release that is installed; the next daemon has it."
        self.lacks = False
        "That release is so old that it cannot read a state in which something is suspended or under maintenance."
        self.bus = bus
        self.port = bus.ports[name]
        self.port.wake = self.pump
        self.clock: Clock = bus.clock
        self.rng = rng
        self.watcher = watcher
        self.luck = Luck()
        self.powered = False
        self.paused = False
        self.locked_off = False
        "Somebody has seen to it that it stays off."
        self.agent: Replica | None = None
        self.agent_paused = False
        self.solo = False
        self.left = False
        self.ballot = Ballot(self, store)
        self.running: dict[Key, int] = {}
        "What truly has effect, and the epoch in which it was started."
        self.died: dict[Key, bool] = {}
        "What died by itself since it was last started."
        self.epoch = 0
        "Remembered on disk."
        self.maintenance = False
        "Remembered on disk."
        self.suspended = Noted.NOT
        "Remembered on disk of the suspension of the whole cluster."
        self.undecided = False
        "Remembered on disk: another third vote may be in force elsewhere."
        self._noting = NOTHING
        self.absorbed = 0
        self.ill: dict[str, Outcome] = {}
        "What monitors would find here; nothing said: normal."
        self.stopped = False
        "Its daemon has left by an operator's order, or by a final action, and waits to be told to start."
        self.patrol = Patrol(self)
        self.life = 0
        self._boots = 0
        self._solos = 0
        self._pumping = False
        self._queues: dict[Key, deque[a.StartResource | a.StopResource]] = {}
        self._deferred: list[Callable[[], None]] = []

    # --- what happens to the machine -------------------------------------------------------------------------------

    def power_on(self) -> None:
        """Boot: corosync and the agent start."""
        if self.locked_off:
            return
        self.powered, self.paused = True, False
        self.port.alive = True
        self.bus.changed()
        self.start_agent()

    def power_off(self) -> None:
        """Power loss: everything that ran is gone at once."""
        self.powered = self.paused = False
        self.ballot.cut_at, self.ballot.lifted = 0, False
        self.running.clear()
        self.died.clear()
        self._kill_agent()
        self.bus.crash(self.name)
        self.bus.changed()

    def pause(self) -> None:
        """The whole machine stands still; what runs keeps its effect on the world."""
        self.paused = True
        self.port.alive = False
        self.bus.changed()

    def resume(self) -> None:
        """It goes on as if nothing had been."""
        self.paused = False
        self.port.alive = True
        self.bus.changed()
        if self.running and not self.ballot.open:
            self.cut()
        self._catch_up()

    def kill_corosync(self) -> None:
        """Corosync dies; the agent notices at once and goes on alone."""
        self.bus.crash(self.name)
        self.bus.changed()
        if self.agent is not None:
            self._go_solo()

    def start_corosync(self) -> None:
        """Corosync is started again."""
        if self.paused:
            return
        self.port.alive = True
        self.bus.changed()
        if self.agent is not None:
            self.bus.attach(self.name)

    def start_agent(self) -> None:
        """A new daemon process."""
        if self.paused:
            return
        self.life += 1
        self.left = self.solo = self.agent_paused = self.stopped = False
        self._boots += 1
        self.patrol = Patrol(self)
        read = without_suspension if self.lacks else decode
        self._noting = NOTHING if self.suspended is Noted.NOT else NOT_WRITTEN
        self.agent = Replica(self.name, self.kept, self.epoch, self._incarnation, self.marks, self.rules, read)
        self.absorbed = 0
        self.watcher.began(self)
        self.ballot.begin()
        if self.port.alive:
            self.bus.attach(self.name)

    def kill_agent(self) -> None:
        """The daemon dies; what it started lives on, and what it was about to do may be done."""
        for queue in self._queues.values():
            if queue and self.rng.random() < 0.5:
                self._take_effect(queue[0])
        self._kill_agent()
        if self.port.alive:
            self.bus.detach(self.name)

    def pause_agent(self) -> None:
        """The daemon stands still; corosync and everything else goes on."""
        self.agent_paused = True

    def resume_agent(self) -> None:
        """The daemon goes on where it was."""
        self.agent_paused = False
        self._catch_up()

    def leave(self) -> None:
        """The daemon is asked to end."""
        if self.agent is not None:
            self.propose(e.NodeLeaving(self.name, self.agent.incarnation))

    def cut(self) -> None:
        """The right of this machine has ended: the kernel lets nothing through, and what only a reset ends is reset."""
        self.watcher.cut(self)
        begun = [key for key, queue in self._queues.items() if queue and isinstance(queue[0], a.StartResource)]
        if not self.paused and any(self.watcher.exclusive(self, key) for key in (*self.running, *begun)):
            self.watcher.ended(self.name, "reset")

    def uncut(self) -> None:
        """It may act again: what still runs has effect again."""
        for key in self.running:
            self.watcher.took_effect(self, key)

    def fail(self, key: Key) -> None:
        """A running resource dies by itself; its check or its death tells."""
        if self.running.pop(key, None) is None:
            return
        self.died[key] = True
        if self.agent is not None and not self.asleep:
            self.patrol.check()

    @property
    def marks(self) -> Marks:
        """What a new daemon would remember."""
        return Marks(self.maintenance and not self.lacks, self.suspended, self.undecided)

    @property
    def at_work(self) -> bool:
        """True in the middle of a start or a stop."""
        return any(self._queues.values())

    # --- the agent's shell -----------------------------------------------------------------------------------------

    @property
    def asleep(self) -> bool:
        """True when the agent exists and cannot act."""
        return self.paused or self.agent_paused

    def propose(self, event: e.Event) -> None:
        """The agent saw something happen."""
        if self.agent is not None:
            self.send(self.agent.propose(event))

    def pump(self) -> None:
        """Deliver what the bus has for the agent, one thing at a time."""
        if self._pumping or self.agent is None or self.asleep or not self.port.inbox:
            return
        self._pumping = True
        self.clock.after(self.rng.randint(20, 200), partial(self._deliver_next, self.life))

    def _deliver_next(self, life: int) -> None:
        self._pumping = False
        if life == self.life and self.agent is not None and not self.asleep and self.port.inbox:
            item = self.port.inbox.popleft()
            self._take(item)
        self.pump()

    def _take(self, item: View | tuple[str, Message]) -> None:
        agent = self.agent
        if agent is None:
            return
        formed = agent.state.formed
        if isinstance(item, View):
            back, self.solo = self.solo, False
            effects = agent.view_changed(item)
            if back:
                self.send(agent.unheard())
        elif isinstance(item[1], Beacon):
            self.ballot.heard(item[0], item[1])
            return
        else:
            effects = agent.delivered(*item)
        if effects.adopted and not isinstance(item, View) and isinstance(item[1], Snapshot):
            self.watcher.adopted(item[1].round, self)
            if formed and not self._continued(effects):
                self.watcher.merged(self)
        self._carry_out(effects)

    def _continued(self, effects: Effects) -> bool:
        return any(
            member.continuing
            for decided in effects.decided
            if isinstance(decided.event, e.MembersSynced)
            for member in decided.event.members
            if member.node == self.name
        )

    def _carry_out(self, effects: Effects) -> None:
        if effects.adopted:
            self.absorbed = 0
        for decided in effects.decided:
            self.absorbed += 1
            self.watcher.decided(self, decided)
        if self.agent is not None:
            self.watcher.settled(self)
            self.epoch = max(self.epoch, self.agent.state.epoch)
            self.kept, self.maintenance = self.agent.state.cluster, self.agent.state.maintenance
            self._note_suspension(self.agent.state)
            self.undecided = self.undecided and (self.agent.state.change is not None or self.agent.state.undecided)
            self._drop_orphans()
            self.patrol.go_round()
        for action in effects.actions:
            self._act(action)
        self.send(effects.send)
        self.ballot.follow()

    def _note_suspension(self, state: State) -> None:
        now = state.suspension
        asked = NOTHING if now is None else (now.id, now.holds(state.nodes))
        if asked != self._noting:
            self._noting = asked
            self.later(self.rng.choice((2, 30, 500)) * MS, partial(self._noted, *asked))

    def _noted(self, suspension: str, noted: Noted) -> None:
        if self._noting == (suspension, noted):
            self.suspended = noted
            self.ballot.noted(suspension)

    def send(self, messages: list[Message]) -> None:
        for message in messages:
            if isinstance(message, Snapshot) and self.agent is not None:
                self.watcher.stated(message.round, self)
            if self.solo:
                self.clock.after(50, partial(self._loop_back, self.life, message))
            else:
                self.bus.send(self.name, message)

    def _loop_back(self, life: int, message: Message) -> None:
        if life == self.life and self.agent is not None and self.solo:
            if self.asleep:
                self._deferred.append(partial(self._loop_back, life, message))
            else:
                if not isinstance(message, Beacon):
                    self._carry_out(self.agent.delivered(self.name, message))

    def _go_solo(self) -> None:
        agent = self.agent
        if agent is None:
            return
        self.solo = True
        self._solos += 1
        self._carry_out(agent.view_changed(View(f"solo-{self.name}-{self._solos}", (self.name,), (self.name,))))
        self.send(agent.unheard())

    def _kill_agent(self) -> None:
        self.life += 1
        self.agent = None
        self.solo = False
        self._queues.clear()
        self._deferred.clear()
        self._pumping = False

    def _catch_up(self) -> None:
        deferred, self._deferred = self._deferred, []
        for act in deferred:
            act()
        self.pump()

    def _incarnation(self) -> str:
        self._boots += 1
        return f"{self.name}.{self._boots}"

    # --- the agent's hands -----------------------------------------------------------------------------------------

    def _act(self, action: a.Action) -> None:
        match action:
            case a.StartResource() | a.StopResource():
                self._enqueue(action)
            case a.ProbeNode():
                self.later(self.rng.randint(1, 30) * MS, partial(self._probe, action))
            case a.FenceNode():
                delay = self.rng.choice((200, 1_500, 8_000) if self.luck.fences_late else (200,)) * MS
                self.later(delay, partial(self._fence, action))
            case a.ArmTimer():
                rank = self.agent.rank if self.agent else 0
                delay = int((action.after_ms + rank * 300) * MS / self.ballot.rate)
                self.later(delay, partial(self._timer, action.timer))
            case a.LeaveCluster():
                self.left = True
                self.later(MS, partial(self._leave, action))
            case a.EndNode():
                self.later(self.rng.choice((1, 20, 800)) * MS, partial(self.watcher.ended, self.name, action.how))
            case a.RunScript():
                script = e.ActionFinished(action.id, self.name, self._outcome(0.2))
                self.later(self.rng.choice((5, 60, 900)) * MS, partial(self.propose, script))
            case a.JudgeConfiguration():
                refusals = (BROKEN,) if self.rng.random() < 0.15 else ()
                self.undecided = self.undecided or divides(self.kept, action.cluster)
                judged = e.ConfigurationJudged(action.id, self.name, refusals)
                self.later(self.rng.choice((2, 20, 400)) * MS, partial(self.propose, judged))
            case _:
                pass

    def _leave(self, action: a.LeaveCluster) -> None:
        self.kill_agent()
        self.stopped = action.then == "stop"
        if action.then in ("shutdown", "reboot"):
            self.watcher.ended(self.name, action.then)

    def _drop_orphans(self) -> None:
        """What runs here and is not configured here any more is stopped: the old hands know how."""
        assert self.agent is not None
        groups = {group.name: group for group in self.agent.state.cluster.groups}
        for key in list(self.running):
            group = groups.get(key[0])
            known = group is not None and self.name in group.nodes and any(key[1] == r.name for r in group.resources)
            if not known:
                del self.running[key]

    def _timer(self, timer: str) -> None:
        if self.agent is not None and timer in self.agent.state.timers:
            self.propose(e.TimerFired(timer))

    def later(self, delay: int, act: Callable[[], None]) -> None:
        life = self.life
        self.clock.after(delay, lambda: self._if_alive(life, act))

    def _if_alive(self, life: int, act: Callable[[], None]) -> None:
        if life == self.life:
            if self.asleep:
                self._deferred.append(lambda: self._if_alive(life, act))
            else:
                act()

    def _enqueue(self, action: a.StartResource | a.StopResource) -> None:
        queue = self._queues.setdefault((action.group, action.resource), deque())
        queue.append(action)
        if len(queue) == 1:
            self.later(self._duration(), partial(self._work, queue))

    def _duration(self) -> int:
        if self.rng.random() < self.luck.hangs:
            return 5_500 * MS
        slow = self.rng.random() < self.luck.slow
        return self.rng.randint(300, 3_000) * MS if slow else self.rng.randint(1, 40) * MS

    def _work(self, queue: deque[a.StartResource | a.StopResource], waited: int = 0) -> None:
        if isinstance(queue[0], a.StartResource) and not self.ballot.entitled() and waited < RIGHT_MS:
            self.later(50 * MS, partial(self._work, queue, waited + 50))
            return
        action = queue.popleft()
        start = isinstance(action, a.StartResource)
        if start and not self._asked_for(action):
            if queue:
                self.later(self._duration(), partial(self._work, queue))
            return
        outcome = self._outcome(self.luck.start_fails if start else self.luck.stop_fails)
        if start and not self.ballot.entitled():
            outcome = failed(BROKEN)
        if outcome.succeeded or (outcome.result is Result.UNKNOWN and self.rng.random() < 0.5):
            self._take_effect(action)
        self.propose(e.ActionFinished(action.id, self.name, outcome))
        if queue:
            self.later(self._duration(), partial(self._work, queue))

    def _asked_for(self, action: a.StartResource | a.StopResource) -> bool:
        """False for an order of another view, or of another history: nobody waits for it any more."""
        assert self.agent is not None
        facts = self.agent.state.groups.get(action.group)
        return facts is not None and any(hold.action == action.id for hold in facts.holds.get(self.name, ()))

    def _take_effect(self, action: a.StartResource | a.StopResource) -> None:
        key = (action.group, action.resource)
        if isinstance(action, a.StopResource):
            self.running.pop(key, None)
        elif key not in self.running:
            self.running[key] = action.epoch
            self.died.pop(key, None)
            self.watcher.took_effect(self, key)

    def _outcome(self, fails: float) -> Outcome:
        if self.rng.random() < fails:
            return failed(BROKEN)
        if self.rng.random() < self.luck.unclear:
            return unknown(NO_ANSWER)
        return SUCCEEDED

    def _probe(self, action: a.ProbeNode) -> None:
        if any(self._queues.values()):
            self.later(5 * MS, partial(self._probe, action))
            return
        found = tuple(
            self._found((group.name, resource.name))
            for group in (self.agent.state if self.agent else initial(self.kept)).cluster.groups
            if self.name in group.nodes
            for resource in group.resources
        )
        self.propose(e.NodeProbed(action.id, self.name, found))

    def _found(self, key: Key) -> e.Found:
        if self.rng.random() < self.luck.unclear:
            return e.Found(*key, Result.UNKNOWN, 0)
        result = Result.SUCCEEDED if key in self.running else Result.FAILED
        return e.Found(*key, result, self.running.get(key, 0))

    def _fence(self, action: a.FenceNode) -> None:
        draw = self.rng.random()
        outcome = SUCCEEDED if draw < 0.7 else failed(BROKEN) if draw < 0.85 else unknown(NO_ANSWER)
        if outcome.succeeded or draw > 0.95:
            self.watcher.ended(action.target, "fence")
        self.propose(e.ActionFinished(action.id, self.name, outcome))

"""The loop of the daemon: what was delivered goes into the replica, what comes out is carried out. It decides nothing.

Everything happens at once, in the callback of the delivery: nothing here waits, sleeps, starts a process or writes a
file. The order of the effects is the replica's. An exception here is a defect that leaves the state absorbed by half:
whoever runs the event loop ends the daemon (`Daemon.defect`), and the next one asks the others how things are.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Literal

from komainu.agent.members import wire
from komainu.agent.members.replica import Effects, Replica, View
from komainu.agent.parts import Parts
from komainu.agent.shown import words
from komainu.core.state import State
from komainu.model import events as e
from komainu.model.actions import Action, AnswerCommand, ArmTimer, EndNode, JudgeConfiguration, LeaveCluster, RaiseAlert
from komainu.model.message import Said

DIGEST_INTERVAL_MS = 60_000

Then = Literal["end", "stop", "shutdown", "reboot"]
"""What comes after a leave."""


class Loop:
    """`komainu.agent.members.line.Ear`."""

    def __init__(self, replica: Replica, now_ms: Callable[[], int], dismissed: Callable[[Then], None]) -> None:
        """`dismissed` is called when this node may leave, with what comes then. Set `parts` before any delivery."""
        self.replica = replica
        self.parts: Parts
        self.synced = asyncio.Event()
        "Set while this member's state is put together with the others'."
        self._dismissed = dismissed
        self._now_ms = now_ms
        self._changed = asyncio.Event()
        self._words = words.summary(replica.state)
        self._marker = 0
        self._unheard: list[wire.Message] = []

    # --- what the line brings --------------------------------------------------------------------------------------

    def view(self, view: View) -> None:
        """The view that counts has changed."""
        before = self.replica.state
        gone = [node for node in self.replica.view.members if node not in view.members]
        unheard_ms = self.parts.pulse.unheard_ms(gone, self._now_ms()) if gone else {}
        self.parts.pulse.begin(node for node in view.members if node != self.replica.me)
        # What was proposed and not delivered may still come, or never. A beat sent now tells: it comes after all that.
        self._unheard = self.replica.unheard()
        self._carry(self.replica.view_changed(view), before, unheard_ms)
        self._marker = self.beat()

    def message(self, sender: str, message: wire.Message) -> None:
        """A message was delivered."""
        before = self.replica.state
        if sender != self.replica.me:
            self.parts.pulse.heard(sender, self._now_ms())
            if isinstance(message, wire.Beacon) and self.parts.voting.heard(sender, message.n, message.h):
                self.beat()
        elif isinstance(message, wire.Beat):
            self._beat_is_back(message.number)
        elif isinstance(message, wire.Beacon):
            self._beat_is_back(message.n)
        if isinstance(message, wire.Snapshot):
            self.parts.recorder.told(sender, message)
        self._carry(self.replica.delivered(sender, message), before)
        self.parts.alerts.message(sender, message)

    def alert(self, said: Said, detail: str = "") -> None:
        """Tell the administrator of something that concerns this node alone."""
        self.parts.recorder.alert(said, detail)

    # --- what this node brings -------------------------------------------------------------------------------------

    def propose(self, event: e.Event) -> None:
        """Something happened here: it counts once it is delivered."""
        self._send(self.replica.propose(event))

    def ask_digest(self) -> None:
        """Have the members compare their states."""
        self._send(self.replica.ask_digest())

    async def compare_for_ever(self) -> None:
        """Once a minute the first member has all compare their states."""
        while True:
            await asyncio.sleep(DIGEST_INTERVAL_MS / 1000)
            if self.replica.synced and self.replica.rank == 0:
                self.ask_digest()

    def beat(self) -> int:
        """Send a beat; its number."""
        number = self.parts.pulse.beat(self._now_ms())
        if self.replica.state.cluster.arbitration.limited:
            self.parts.line.send(wire.Beacon(number, self.parts.voting.beacon(number)))
        else:
            self.parts.line.send(wire.Beat(number))
        return number

    def accuse_silent(self) -> None:
        """Propose that members that missed three beats are silent."""
        for node in self.parts.pulse.silent():
            if node not in self.replica.silent and node in self.replica.state.nodes:
                self.propose(e.AgentSilent(node, self.replica.state.nodes[node].incarnation))
                self.parts.pulse.accused(node)

    def changed(self) -> asyncio.Event:
        """What the next change of the state sets. Take it before the state is looked at: then none is missed."""
        return self._changed

    def stir(self) -> None:
        """Something that status shows has changed beside the state."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    # --- effects ---------------------------------------------------------------------------------------------------

    def _carry(self, effects: Effects, before: State, unheard_ms: Mapping[str, int] | None = None) -> None:
        state, parts = self.replica.state, self.parts
        if effects.adopted:
            parts.adopt(state.cluster)
        elif state.cluster is not before.cluster:
            parts.configure(state.cluster)
        self._send(effects.send)
        recorded = [action for each in effects.decided for action in each.actions]
        for each in effects.decided:
            if isinstance(each.event, e.ConfigurationJudged):
                parts.judging.heard(each.event)
                self.stir()
        for action in effects.actions:
            self._carry_out(action, action in recorded)
        changes: tuple[words.Change, ...] = ()
        if state is not before:
            earlier, self._words = self._words, words.summary(state, (before, self._words))
            changes = words.changes(earlier, self._words)
        if effects.decided:
            adopted = effects.adopted
            parts.recorder.decided(effects.decided, changes, before, state, adopted=adopted, unheard_ms=unheard_ms)
        if state is not before:
            parts.watch.follow(state)
            parts.patrol.follow(state)
            parts.keeper.keep(state)
            self.stir()
        parts.voting.follow(state, self.replica.incarnation, self.replica.synced)
        parts.alerts.carried(effects)
        if self.replica.synced:
            self.synced.set()
        else:
            self.synced.clear()

    def _carry_out(self, action: Action, recorded: bool) -> None:
        match action:
            case ArmTimer():
                self.parts.timekeeper.arm(action)
            case RaiseAlert():
                if not recorded:
                    self.parts.recorder.alert(action.said, action.detail, shared=True)
            case AnswerCommand():
                self.parts.requests.answered(action)
            case JudgeConfiguration():
                self.parts.judging.judge(action, self.replica.state.cluster)
            case LeaveCluster():
                self._dismissed(action.then)
            case EndNode():
                self.parts.ending.end(action.how, self.replica.state.cluster.end_timeout_ms)
            case _:
                self.parts.executor.carry_out(action)

    def _beat_is_back(self, number: int) -> None:
        self.parts.pulse.back(number, self._now_ms())
        self._repeat_unheard()

    def _send(self, messages: list[wire.Message]) -> None:
        for message in messages:
            self.parts.line.send(message)

    def _repeat_unheard(self) -> None:
        if self._unheard and self.parts.pulse.is_back(self._marker):
            lost, self._unheard = self._unheard, []
            still = self.replica.unheard()
            self._send([message for message in lost if message in still])

"""The right and the vote of a simulated machine: its own clock, its beacons, a store that misbehaves, and the cut at E.

What the kernel does is here too: when a right ends, the network of the machine is cut whether its daemon lives or not,
and what only a reset ends is reset. A machine that is paused is cut all the same; it is reset when it goes on.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from komainu.agent.members.wire import Beacon
from komainu.agent.rights.claimant import Ask
from komainu.agent.rights.voter import Voter
from komainu.core.rights import together
from komainu.model.message import Said
from komainu.model.times import interval_ms
from komainu.ports import Held
from komainu_lab.sim.arbitrations import RIGHT_MS
from komainu_lab.sim.clock import MS
from komainu_lab.sim.store import Store, key_of

if TYPE_CHECKING:
    from komainu_lab.sim.host import Host

SILENT = Said("SIM4", "The store does not answer.", "ストアから応答がありません。", "warning")


class Ballot:
    """What `agent.rights.voting` and `agent.rights.isolation` are to a real daemon."""

    def __init__(self, host: Host, store: Store) -> None:
        self.host = host
        self.store = store
        self.rate = 1.0
        "How fast the clock of this machine runs."
        self.voter: Voter | None = None
        self.cut_at = 0
        "In true time: when the kernel cuts what runs here, unless the right is extended."
        self.lifted = False
        "The kernel isolates nobody while the whole cluster is suspended."
        self.epoch = 0
        "Remembered on disk."
        self._beacons = 0
        self._turning = 0

    def now_ms(self) -> int:
        """The machine's own clock."""
        return int(self.host.clock.now * self.rate) // MS

    def true(self, own_ms: int) -> int:
        """The true time at which the machine's clock shows that."""
        return int(own_ms * MS / self.rate)

    @property
    def limited(self) -> bool:
        """True when rights are limited under the configuration that this machine has."""
        agent = self.host.agent
        return (agent.state.cluster if agent is not None else self.host.kept).arbitration.limited

    @property
    def open(self) -> bool:
        """True while what runs here has effect on the world."""
        return not self.limited or self.lifted or self.host.clock.now < self.cut_at

    # --- the life of a daemon --------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A new daemon: it has no right."""
        agent = self.host.agent
        assert agent is not None
        self.voter = Voter(self.host.name, agent.incarnation, agent.state, self._nonce, self.epoch)
        self._beacons = self.now_ms()
        self._beat(self.host.life)

    def follow(self) -> None:
        """The state has changed."""
        agent = self.host.agent
        if agent is not None and self.voter is not None:
            self.voter.follow(agent.state, agent.incarnation, agent.synced, self.now_ms())
            self.turn()

    def heard(self, sender: str, beacon: Beacon) -> None:
        """A beacon was delivered."""
        if self.voter is None or sender == self.host.name:
            return
        first = self.voter.heard(sender, beacon.n, beacon.h)
        if self.voter.entitled(self.now_ms()) and self.open:
            self._extend()
        else:
            self.turn()
        if first:
            self._send_beacon()

    def noted(self, suspension: str) -> None:
        """The disk knows of a suspension of the cluster with that id."""
        if self.voter is not None:
            self.voter.noted(suspension)
            self.turn()

    def entitled(self) -> bool:
        """May a start have effect now?"""
        return self.voter is None or self.voter.entitled(self.now_ms())

    def turn(self) -> None:
        """Do what is due."""
        voter, agent = self.voter, self.host.agent
        if voter is None or agent is None or not self.limited:
            return
        turn = voter.turn(self.now_ms())
        self.epoch = max(self.epoch, voter.claimant.epoch)
        if turn.ask is not None:
            self._ask(turn.ask)
        self._extend()
        for event in turn.events:
            self.host.propose(event)
        next_ms = voter.next_ms(self.now_ms())
        if next_ms is not None:
            self._turning += 1
            late = self.host.rng.randint(0, 20) * MS
            delay = max(MS, self.true(next_ms) - self.host.clock.now) + late
            self.host.later(delay, partial(self._turn_again, self._turning))

    def _turn_again(self, number: int) -> None:
        if number == self._turning:
            self.turn()

    # --- beacons ---------------------------------------------------------------------------------------------------

    def _beat(self, life: int) -> None:
        agent = self.host.agent
        if agent is None or life != self.host.life:
            return
        cluster = agent.state.cluster
        if cluster.arbitration.limited:
            self._send_beacon()
        # Half as often as a real daemon: a right rests on fewer beacons, and a history takes less time.
        every = 2 * interval_ms(cluster.detect_within_ms, cluster.arbitration.right_ms)
        self.host.later(int(every * MS / self.rate), partial(self._beat, life))

    def _send_beacon(self) -> None:
        assert self.voter is not None
        self._beacons += 1
        self.host.send([Beacon(self._beacons, self.voter.beacon(self._beacons, self.now_ms()))])

    # --- the kernel ------------------------------------------------------------------------------------------------

    def _extend(self) -> None:
        assert self.voter is not None
        self.lifted, was_lifted = not self.voter.bound, self.lifted
        if was_lifted and not self.lifted:
            # The daemon has it renewed before the kernel is told to cut: what runs goes on.
            self.cut_at = max(self.cut_at, self.host.clock.now + int(RIGHT_MS * MS / self.rate))
            self.host.clock.after(self.cut_at - self.host.clock.now, partial(self._cut, self.cut_at))
        if self.lifted:
            return
        until = self.true(self.voter.right.until_ms)
        if until > max(self.cut_at, self.host.clock.now):
            was_cut = not self.open
            self.cut_at = until
            self.host.clock.after(until - self.host.clock.now, partial(self._cut, until))
            if was_cut:
                self.host.uncut()

    def _cut(self, until: int) -> None:
        """The element of the kernel has expired: nobody has renewed it."""
        if until == self.cut_at and self.host.powered and self.limited and not self.lifted:
            self.host.cut()

    # --- the store -------------------------------------------------------------------------------------------------

    def _ask(self, ask: Ask) -> None:
        store, rng, host = self.store, self.host.rng, self.host
        agent = host.agent
        assert agent is not None
        there = rng.randint(2, 60) * MS if rng.random() >= store.slow else rng.randint(200, 6_000) * MS
        back = rng.randint(2, 60) * MS
        if store.reaches(host.name):
            # What was sent arrives, though its sender may be dead by then.
            host.clock.after(there, partial(self._arrive, key_of(agent.state.cluster), ask, host.life, back))
        timeout = agent.state.cluster.arbitration.store_timeout_ms
        host.later(int(timeout * MS / self.rate), partial(self._too_late, ask))

    def _arrive(self, key: str, ask: Ask, life: int, back: int) -> None:
        store = self.store
        if store.down:
            return
        answer: Held | str | None
        answer = store.read(key) if ask.record is None else store.replace(key, ask.version, ask.record.text())
        if life == self.host.life and store.reaches(self.host.name) and self.host.rng.random() >= store.unclear:
            self.host.later(back, partial(self._answered, ask, answer))

    def _answered(self, ask: Ask, answer: Held | str | None) -> None:
        voter = self.voter
        if voter is None:
            return
        if ask.record is None:
            voter.answered(voter.claimant.read(ask, answer, self.now_ms()))  # type: ignore[arg-type]
        else:
            voter.answered(voter.claimant.replaced(ask, answer, self.now_ms()))  # type: ignore[arg-type]
        self.turn()

    def _too_late(self, ask: Ask) -> None:
        if self.voter is not None:
            self.voter.claimant.silent(ask, SILENT, self.now_ms())
            self.turn()

    def _nonce(self) -> str:
        return f"{self.host.name}-{self.host.rng.getrandbits(64):x}"

    def together(self) -> bool:
        """True when this daemon believes that all nodes are there."""
        agent = self.host.agent
        return agent is not None and agent.synced and together(agent.state)

"""The checks of a simulated machine: each finding is told once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from komainu.model import events as e
from komainu.model.outcome import SUCCEEDED, Outcome, failed
from komainu_lab.sim.clock import MS
from komainu_lab.sim.luck import BROKEN

if TYPE_CHECKING:
    from komainu_lab.sim.host import Host, Key


class Patrol:
    """Of one life of a daemon."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._told: dict[str, tuple[str, Outcome]] = {}
        self._missed: dict[Key, str] = {}

    def check(self) -> None:
        """The checks of what should run here: what has died is told, once for each run."""
        agent = self.host.agent
        assert agent is not None
        for name, facts in agent.state.groups.items():
            resources = agent.state.cluster.group(name).resources
            for resource, hold in zip(resources, facts.holds.get(self.host.name, ()), strict=False):
                key = (name, resource.name)
                if hold.run and key not in self.host.running and self._missed.get(key) != hold.run:
                    self._missed[key] = hold.run
                    self.host.propose(e.MonitorChanged(self.host.name, *key, hold.run, failed(BROKEN)))

    def go_round(self) -> None:
        """Monitors look at what there is, and tell when it is otherwise than they told in this round."""
        agent = self.host.agent
        assert agent is not None
        for name, facts in agent.state.monitors.items():
            watch = facts.on.get(self.host.name)
            if watch is not None and watch.round:
                self.look(name, watch.round)

    def look(self, monitor: str, round_: str) -> None:
        """One check, if there is something new to tell."""
        found = self.host.ill.get(monitor, SUCCEEDED)
        known = self._told.get(monitor)
        if known != (round_, found):
            self._told[monitor] = (round_, found)
            judged = e.MonitorJudged(self.host.name, monitor, round_, found)
            self.host.later(self.host.rng.randint(1, 300) * MS, partial(self.host.propose, judged))

    def look_again(self) -> None:
        """What a monitor would find has changed."""
        if self.host.agent is not None and not self.host.asleep:
            self.go_round()

"""The parts of a daemon that the loop speaks to."""

from dataclasses import dataclass

from komainu.agent.alerts.telling import Alerts
from komainu.agent.ending import Ending
from komainu.agent.execution.executor import Executor
from komainu.agent.execution.fencing import Fencing
from komainu.agent.execution.hands import Hands
from komainu.agent.execution.patrol import Patrol
from komainu.agent.execution.watch import Watch
from komainu.agent.judging import Judging
from komainu.agent.keeper import Keeper
from komainu.agent.members.line import Line
from komainu.agent.members.pulse import Pulse
from komainu.agent.members.requests import Requests
from komainu.agent.members.timekeeper import Timekeeper
from komainu.agent.records.recorder import Recorder
from komainu.agent.rights.voting import Voting
from komainu.model.config import Cluster


@dataclass(slots=True)
class Parts:
    """Who carries out what the replica wants."""

    line: Line
    pulse: Pulse
    timekeeper: Timekeeper
    hands: Hands
    executor: Executor
    watch: Watch
    patrol: Patrol
    requests: Requests
    recorder: Recorder
    keeper: Keeper
    ending: Ending
    alerts: Alerts
    judging: Judging
    voting: Voting
    fencing: Fencing

    def adopt(self, cluster: Cluster) -> None:
        """Another state goes on: its timers will be armed anew, and its configuration holds.

        What runs here and is not configured any more is stopped before anything else: nobody else knows of it.
        """
        self.timekeeper.reset()
        before = self.hands.all()
        self.executor.clearing.begin(self.hands.configure(cluster), before)
        self._follow(cluster)

    def configure(self, cluster: Cluster) -> None:
        """Another configuration is in force: what could not go on under it has been stopped by the core."""
        self.hands.configure(cluster)
        self._follow(cluster)

    def _follow(self, cluster: Cluster) -> None:
        self.watch.configured()
        self.pulse.configure(cluster)
        self.line.configure(cluster)

"""What must never happen, whatever goes wrong; each check by other means than the core decides with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from komainu.agent.members.replica import Decided
from komainu.core.state import State, Status, Wanted
from komainu.model import actions as a
from komainu.model.config import Cluster, Group
from komainu_lab.sim.clock import MS
from komainu_lab.sim.host import Host, Key

Violate = Callable[[str], None]

MOST_ALERTS = 12
"""Alerts that one event may lead to."""


class Watchers:
    """Look at what truly happens on the machines and at what replicas decide."""

    def __init__(self, kind: str, hosts: dict[str, Host], violate: Violate) -> None:
        """`kind`: the arbitration; under `none` two holders are possible and only counted."""
        self.kind = kind
        self.hosts = hosts
        self.violate = violate
        self.two_holders = 0
        self.asked: list[str] = []
        "Groups that an operator has asked for at least once."
        self._failovers: dict[tuple[str, str], list[int]] = defaultdict(list)

    def took_effect(self, host: Host, key: Key, cluster: Cluster) -> None:
        """A resource has just come into effect: may it be there, and is what it stands on there?"""
        if key[0] not in (group.name for group in cluster.groups):
            return
        group = cluster.group(key[0])
        self._alone(host, key, group)
        self._needs(host, key, group)
        self._apart(host, key, cluster)
        if group.start == "manual" and group.name not in self.asked:
            self.violate(f"{key} came into effect on {host.name}: its group starts by hand, and nobody asked for it")

    def _alone(self, host: Host, key: Key, group: Group) -> None:
        exclusive = [resource.name for resource in group.resources if resource.exclusive]
        for other in self.hosts.values():
            both = other is not host and any((group.name, name) in other.running for name in exclusive)
            both = both and other.ballot.open
            if both and key[1] in exclusive:
                self.two_holders += 1
                if self.kind != "none":
                    self.violate(f"{key} came into effect on {host.name} while {other.name} held part of {group.name}")

    def _needs(self, host: Host, key: Key, group: Group) -> None:
        for needed in next((each.depends_on for each in group.resources if each.name == key[1]), ()):
            if (group.name, needed) not in host.running and (group.name, needed) not in host.died:
                self.violate(f"{key} came into effect on {host.name} before {needed}")

    def _apart(self, host: Host, key: Key, cluster: Cluster) -> None:
        for rule in cluster.exclusions:
            if rule.kind != "absolute" or key[0] not in rule.groups:
                continue
            for other, resource in host.running:
                if other in rule.groups and other != key[0]:
                    self.violate(f"{key} came into effect on {host.name} beside {other}/{resource}")

    def decided(self, host: Host, decided: Decided, state: State, now: int) -> None:
        """A replica absorbed an event."""
        alerts = [action for action in decided.actions if isinstance(action, a.RaiseAlert)]
        broken = [each.said.en for each in alerts if each.said.code == "KM7903"]
        if broken:
            self.violate(f"{host.name}: {broken[0]}")
        if len(alerts) > MOST_ALERTS * len(state.nodes):
            self.violate(f"{len(alerts)} alerts at once on {host.name}: {[each.said.code for each in alerts][:9]}")
        for action in decided.actions:
            if isinstance(action, a.StartResource | a.StopResource | a.EndNode | a.RunScript) and not action.because:
                self.violate(f"no cause: {action}")
            if isinstance(action, a.StartResource):
                facts = state.groups.get(action.group)
                if state.maintenance and facts is not None and not facts.ordered:
                    self.violate(f"{action.resource} is started on {action.node} while the maintenance switch is on")
        moved = [each for each in alerts if each.said.code == "KM7501"]
        for group in state.cluster.groups:
            count = len([each for each in moved if f"Group {group.name} " in each.said.en])
            if count:
                self._bounded(host, group, now)

    def budget(self, host: Host, state: State) -> None:
        """No more attempts than the configuration allows (C4, C6)."""
        for group in state.cluster.groups:
            for node, holds in state.groups[group.name].holds.items():
                for resource, hold in zip(group.resources, holds, strict=True):
                    policy = resource.recovery
                    if hold.restarts > policy.restarts + 1 or hold.start_failures > policy.start_retries + 1:
                        self.violate(f"{resource.name} on {node} is tried too often, says {host.name}: {hold}")
        for monitor in state.cluster.monitors:
            facts, recovery = state.monitor(monitor.name), monitor.recovery
            if facts.failovers > recovery.failovers:
                self.violate(f"{monitor.name} fails over too often, says {host.name}: {facts}")
            for node, watch in facts.on.items():
                if watch.restarts > recovery.restarts:
                    self.violate(f"{monitor.name} reactivates too often on {node}, says {host.name}: {watch}")

    def adopted(self, host: Host) -> None:
        """It goes on with another history, which has its own count."""
        for key in [key for key in self._failovers if key[0] == host.name]:
            del self._failovers[key]

    def _bounded(self, host: Host, group: Group, now: int) -> None:
        """No ping-pong beyond what the configuration allows (C8). Somebody who asks begins the count anew."""
        times = self._failovers[(host.name, group.name)]
        times.append(now)
        recent = [time for time in times if now - time < group.failover_window_ms * MS]
        if len(recent) > group.failover_limit:
            self.violate(f"{group.name} failed over {len(recent)} times within {group.failover_window_ms} ms")

    def forget(self, group: str) -> None:
        """Somebody asked for the group: its failovers begin anew."""
        for key in [key for key in self._failovers if key[1] == group]:
            del self._failovers[key]


@dataclass(frozen=True, slots=True)
class Rest:
    """What must be true once everything was healed and time has passed."""

    state: State
    hosts: dict[str, Host]

    def wrong(self) -> list[str]:
        """What is not."""
        return [line for group in self.state.cluster.groups for line in self._group(group)]

    def _group(self, group: Group) -> list[str]:
        facts = self.state.groups[group.name]
        wants = facts.wanted is Wanted.UP
        lines = []
        for name in group.nodes:
            should = wants and facts.home == name
            running = self.hosts[name].running
            held = [resource.name for resource in group.resources if (group.name, resource.name) in running]
            whole = [resource.name for resource in group.resources] if should else []
            if held != whole:
                lines.append(f"{group.name} on {name}: runs {held}, should run {whole}; {facts}")
            if should and any(hold.status is not Status.RUNNING for hold in facts.holds[name]):
                lines.append(f"{group.name} on {name} is not seen as running")
        if wants and facts.home is None and not self._crowded_out(group):
            lines.append(f"{group.name} has no home after everything was healed: {facts}")
        return lines

    def _crowded_out(self, group: Group) -> bool:
        """True when every node it may run on is taken by a group that never shares one with it."""
        others = [
            self.state.groups[other].home
            for rule in self.state.cluster.exclusions
            if rule.kind == "absolute" and group.name in rule.groups
            for other in rule.groups
            if other != group.name
        ]
        return all(node in others for node in group.nodes)

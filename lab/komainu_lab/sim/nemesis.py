"""What goes wrong in a history."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from komainu.core import events as e
from komainu.core.state import Presence
from komainu_lab.sim.clock import MS, SECOND
from komainu_lab.sim.host import Host, Luck

if TYPE_CHECKING:
    from komainu_lab.sim.world import World

COMEBACK = (60, 300, 900, 3_000, 9_000)
"""After how many milliseconds what went comes back: within detection, about then, and long after."""


class Nemesis:
    """Strikes the machines of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng = world.rng
        self._strikes: tuple[tuple[int, Callable[[Host], str]], ...] = (
            (4, self._power_loss),
            (4, self._cut),
            (2, self._pause),
            (3, self._kill_agent),
            (3, self._pause_agent),
            (2, self._kill_corosync),
            (3, self._bad_luck),
            (6, self._resource_dies),
            (3, self._leave),
            (6, self._command),
            (4, self._word),
        )

    def strike(self) -> str:
        """One misfortune; the line tells which."""
        host = self.rng.choice(list(self.world.hosts.values()))
        weights = [weight for weight, _ in self._strikes]
        ((_, strike),) = self.rng.choices(self._strikes, weights)
        return strike(host)

    def heal(self) -> None:
        """Everything is as it should be again, and nothing further goes wrong."""
        for host in self.world.hosts.values():
            host.luck = Luck(slow=0.0)
            host.port.side = 0
        for host in self.world.hosts.values():
            self._restore(host)
        self.world.bus.changed()
        self._watch_over(40)

    def _watch_over(self, times: int) -> None:
        # Late fences and leaves may still take machines away; somebody switches them on again.
        for host in self.world.hosts.values():
            self._restore(host)
        if times:
            self.world.clock.after(SECOND // 2, lambda: self._watch_over(times - 1))

    def _restore(self, host: Host) -> None:
        if not host.powered:
            host.power_on()
        if host.paused:
            host.resume()
        if not host.port.alive:
            host.start_corosync()
        if host.agent is None:
            host.start_agent()
        if host.agent_paused:
            host.resume_agent()

    def _later(self, act: Callable[[], None]) -> int:
        delay = self.rng.choice(COMEBACK)
        self.world.clock.after(delay * MS, act)
        return delay

    # --- strikes ---------------------------------------------------------------------------------------------------

    def _power_loss(self, host: Host) -> str:
        if not host.powered:
            return "nothing"
        host.power_off()
        back = self._later(lambda: None if host.powered else host.power_on())
        return f"power loss {host.name}, back in {back} ms"

    def _cut(self, host: Host) -> str:
        for port in self.world.bus.ports.values():
            port.side = self.rng.choice((0, 1)) if len(self.world.hosts) > 2 else 0
        host.port.side = 1 - host.port.side
        self.world.bus.changed()
        back = self._later(self._join_sides)
        return f"cut { {name: port.side for name, port in self.world.bus.ports.items()} }, healed in {back} ms"

    def _join_sides(self) -> None:
        for port in self.world.bus.ports.values():
            port.side = 0
        self.world.bus.changed()

    def _pause(self, host: Host) -> str:
        if not host.powered or host.paused or not host.port.alive:
            return "nothing"
        host.pause()
        back = self._later(lambda: host.resume() if host.paused else None)
        return f"pause {host.name} for {back} ms"

    def _kill_agent(self, host: Host) -> str:
        if host.agent is None or host.paused:
            return "nothing"
        host.kill_agent()
        back = self._later(lambda: host.start_agent() if host.powered and host.agent is None else None)
        return f"kill agent {host.name}, back in {back} ms"

    def _pause_agent(self, host: Host) -> str:
        if host.agent is None or host.asleep:
            return "nothing"
        host.pause_agent()
        self.world.quiet_since[host.name] = self.world.clock.now
        back = self._later(lambda: host.resume_agent() if host.agent_paused else None)
        return f"pause agent {host.name} for {back} ms"

    def _kill_corosync(self, host: Host) -> str:
        if not host.powered or host.paused or not host.port.alive:
            return "nothing"
        host.kill_corosync()
        back = self._later(lambda: host.start_corosync() if host.powered and not host.port.alive else None)
        return f"kill corosync {host.name}, back in {back} ms"

    def _bad_luck(self, host: Host) -> str:
        host.luck = Luck(self.rng.choice((0.0, 0.3, 1.0)), self.rng.choice((0.0, 0.2)), self.rng.choice((0.0, 0.3)))

        def better() -> None:
            host.luck = Luck()

        return f"bad luck {host.name} {host.luck}, better in {self._later(better)} ms"

    def _resource_dies(self, host: Host) -> str:
        if not host.running or host.paused:
            return "nothing"
        key = self.rng.choice(list(host.running))
        host.fail(key)
        return f"{key} dies on {host.name}"

    def _leave(self, host: Host) -> str:
        if host.agent is None or host.asleep:
            return "nothing"
        host.leave()
        self.world.clock.after(self.rng.choice((1, 6)) * SECOND, lambda: self._return(host))
        return f"{host.name} is asked to leave"

    def _return(self, host: Host) -> None:
        if host.powered and host.agent is None:
            host.start_agent()

    def _command(self, host: Host) -> str:
        group = self.rng.choice(self.world.cluster.groups)
        node = self.rng.choice([None, *group.nodes])
        kind = self.rng.choice(("move", "move", "start", "stop"))
        command: e.Command = e.MoveGroup(group.name, node)
        if kind == "start":
            command = e.StartGroup(group.name, node)
        elif kind == "stop":
            command = e.StopGroup(group.name)
            # Somebody stops a group in order to start it again some time.
            self._later(lambda: self.world.give(e.StartGroup(group.name, None)))
        self.world.give(command)
        return f"operator: {command}"

    def _word(self, host: Host) -> str:
        """An operator who tells the truth: he switches the machine off before he says that it is gone."""
        believers = [
            other
            for other in self.world.hosts.values()
            if other.agent is not None
            and not other.asleep
            and other.agent.state.nodes[host.name].presence in (Presence.LOST, Presence.UNSEEN)
        ]
        if not believers or self.world.kind == "none":
            return "nothing"
        epoch = self.rng.choice(believers).agent.state.epoch  # type: ignore[union-attr]
        if host.powered:
            host.power_off()
        self._later(lambda: None if host.powered else host.power_on())
        self.world.give(e.ConfirmGone(host.name, epoch))
        return f"operator: {host.name} is gone"

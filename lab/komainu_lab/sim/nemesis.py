"""What goes wrong in a history."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from komainu.core.state import RULES, Presence
from komainu.model import commands as c
from komainu.model.message import Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu_lab.sim import draw
from komainu_lab.sim.clock import MS, SECOND
from komainu_lab.sim.host import Host
from komainu_lab.sim.luck import BROKEN, NO_ANSWER, Luck
from komainu_lab.sim.store import key_of

WARNED = Outcome(Result.SUCCEEDED, Said("SIM3", "It is slow.", "遅延しています。", "warning"))

if TYPE_CHECKING:
    from komainu_lab.sim.world import World

COMEBACK = (60, 300, 900, 3_000, 9_000)
"""After how many milliseconds what went comes back: within detection, about then, and long after."""


class Nemesis:
    """Strikes the machines of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng = world.rng
        self.turns = 0
        self._strikes: tuple[tuple[int, Callable[[Host], str]], ...] = (
            (3, self._power_loss),
            (3, self._power_loss_at_work),
            (3, self._cut),
            (2, self._deaf),
            (1, self._flap),
            (2, self._pause),
            (3, self._kill_agent),
            (3, self._pause_agent),
            (2, self._kill_corosync),
            (3, self._bad_luck),
            (6, self._resource_dies),
            (3, self._leave),
            (5, self._command),
            (5, self._order),
            (4, self._word),
            (6, self._ill),
            (3, self._flicker),
            (3, self._configure),
            (2, self._crash_in_change),
            (2, self._start_stopped),
            (2, self._worst_moment),
            (2, self._other_release),
        )
        if world.cluster.arbitration.limited:
            self._strikes = tuple(each for each in self._strikes if each[1] != self._other_release)
            self._strikes += ((2, self._suspension_is_disturbed),)
        if world.cluster.arbitration.kind == "lease":
            self._strikes += ((6, self._store_misbehaves), (3, self._cut_and_silent), (1, self._record_is_touched))

    def strike(self, chance: Random) -> str:
        """One misfortune; the line tells which. All its choices are made by that chance."""
        self.rng = chance
        return self._strike()

    def _strike(self) -> str:
        host = self.rng.choice(list(self.world.hosts.values()))
        weights = [weight for weight, _ in self._strikes]
        ((_, strike),) = self.rng.choices(self._strikes, weights)
        return strike(host)

    def heal(self) -> None:
        """Everything is as it should be again, and nothing further goes wrong."""
        for host in self.world.hosts.values():
            host.luck = Luck(slow=0.0, fences_late=False)
            host.port.side, host.port.deaf = 0, ()
            host.ill.clear()
            host.locked_off = False
            host.rules, host.lacks = RULES, False
        for host in self.world.hosts.values():
            self._restore(host)
        self.world.bus.changed()
        self.world.store.mend()
        if self.world.cluster.arbitration.kind == "lease":
            self.world.write_record(40)
        self.turns = 0
        self._watch_over(60)

    def _watch_over(self, times: int) -> None:
        # Late fences and leaves may still take machines away; somebody switches them on again.
        for host in self.world.hosts.values():
            self._restore(host)
            host.patrol.look_again()
        for order in self._all_clear():
            self.world.give(order)
        if times:
            self.world.clock.after(SECOND // 2, lambda: self._watch_over(times - 1))

    def _all_clear(self) -> list[c.Command]:
        """What an operator has to say so that everything is as usual again."""
        agent = next((host.agent for host in self.world.hosts.values() if host.agent and host.agent.synced), None)
        if agent is None:
            return []
        state = agent.state
        orders: list[c.Command] = [c.SetMaintenance(False)] if state.maintenance else []
        orders += (
            [c.ResumeNode(None)] if state.suspension or any(facts.suspended for facts in state.nodes.values()) else []
        )
        return orders + [c.ResumeMonitor(name, None) for name, facts in state.monitors.items() if facts.suspended]

    def _restore(self, host: Host) -> None:
        if not host.powered:
            host.power_on()
        if host.paused:
            host.resume()
        if not host.port.alive:
            host.start_corosync()
        if host.agent is not None and host.agent.mute and not host.asleep:
            host.kill_agent()  # the release of the others is installed
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

    def _store_misbehaves(self, host: Host) -> str:
        """The store is down, slow or unreachable for one, or loses its answers."""
        kind = self.rng.choice(("down", "deaf", "slow", "unclear", "stale"))
        self.world.store.spoil(kind, host.name)
        return f"the store is {kind} ({host.name}), well in {self._later(self.world.store.mend)} ms"

    def _cut_and_silent(self, host: Host) -> str:
        """The cable is cut, and the store cannot be reached by one or by both."""
        told = self._store_misbehaves(host)
        return f"{self._cut(self.rng.choice(list(self.world.hosts.values())))}, and {told}"

    def _record_is_touched(self, host: Host) -> str:
        """Somebody deletes the record, or puts back an older one; an operator writes a new one once all are there."""
        kind = self.rng.choice(("reset", "lost"))
        if kind == "reset":
            self.world.store.reset()
        else:
            self.world.store.lose()
        self.world.clock.after(2 * SECOND, lambda: self.world.write_record(40))
        return f"the record is {kind}"

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
        luck = Luck(self.rng.choice((0.0, 0.3, 1.0)), self.rng.choice((0.0, 0.2)), self.rng.choice((0.0, 0.3, 1.0)))
        luck.slow, luck.hangs = self.rng.choice((0.05, 1.0)), self.rng.choice((0.0, 0.0, 0.5))
        host.luck = luck

        def better() -> None:
            if host.luck is luck:
                host.luck = Luck()

        if self.rng.random() < 0.1:
            return f"bad luck {host.name} {luck}, for good"
        return f"bad luck {host.name} {luck}, better in {self._later(better)} ms"

    def _power_loss_at_work(self, host: Host) -> str:
        """Power loss in the middle of the next start or stop, wherever that is."""
        world, left = self.world, 200
        whole = self.rng.random() < 0.5

        def look(left: int) -> None:
            busy = [each for each in world.hosts.values() if each.at_work and each.powered and not each.paused]
            if busy:
                world.say(f"... now: {busy[0].name}")
                if whole:
                    busy[0].power_off()
                else:
                    busy[0].kill_agent()
                world.clock.after(2 * SECOND, lambda: self._bring_back(busy[0]))
            elif left:
                world.clock.after(2 * MS, lambda: look(left - 1))

        look(left)
        return f"{'power loss' if whole else 'death of the daemon'} at the next start or stop"

    def _bring_back(self, host: Host) -> None:
        if not host.powered:
            host.power_on()
        elif host.agent is None and not host.stopped:
            host.start_agent()

    def _worst_moment(self, host: Host) -> str:
        """A misfortune, and an operator's command right after it."""
        told = self._strike()
        chance = Random(str(self.rng.random()))

        def command() -> None:
            self.rng = chance
            self.world.say(f"... {(self._command if chance.random() < 0.5 else self._order)(host)}")

        self.world.clock.after(self.rng.randint(0, 50) * MS, command)
        return f"{told}, and then"

    def _suspension_is_disturbed(self, host: Host) -> str:
        """The whole cluster is suspended, and perhaps resumed; a moment after one of both something goes wrong."""
        chance = Random(str(self.rng.random()))
        resumed_ms = self.rng.choice((None, 1_500))
        moment_ms = self.rng.randint(1, 700) + self.rng.choice((0, resumed_ms or 0))
        strike = self.rng.choice((self._cut, self._kill_agent, self._power_loss))

        def disturb() -> None:
            self.rng = chance
            self.world.say(f"... {strike(host)}")

        self.world.give(c.SuspendNode(None))
        if resumed_ms is not None:
            self.world.clock.after(resumed_ms * MS, lambda: self.world.give(c.ResumeNode(None)))
        self.world.clock.after(moment_ms * MS, disturb)
        self._later(lambda: self.world.give(c.ResumeNode(None)))
        return "the whole cluster is suspended"

    def _ill(self, host: Host) -> str:
        """A monitor finds something wrong from now on, or something right again."""
        cluster = self.world.newest()
        if cluster is None or not cluster.monitors:
            return "nothing"
        monitor = self.rng.choice(cluster.monitors).name
        found = self.rng.choice((SUCCEEDED, failed(BROKEN), failed(BROKEN), unknown(NO_ANSWER), WARNED))
        where = [host] if self.rng.random() < 0.7 else list(self.world.hosts.values())
        for each in where:
            each.ill[monitor] = found
            each.patrol.look_again()

        def well() -> None:
            for each in where:
                each.ill.pop(monitor, None)
                each.patrol.look_again()

        return f"{monitor} on {[each.name for each in where]}: {found.result}, well in {self._later(well)} ms"

    def _flicker(self, host: Host) -> str:
        """A monitor that goes on and off."""
        cluster = self.world.newest()
        if cluster is None or not cluster.monitors:
            return "nothing"
        monitor = self.rng.choice(cluster.monitors).name
        pause = self.rng.choice((40, 300, 1_000))

        def turn(left: int) -> None:
            if left % 2:
                host.ill[monitor] = failed(BROKEN)
            else:
                host.ill.pop(monitor, None)
            host.patrol.look_again()
            if left:
                self.world.clock.after(pause * MS, lambda: turn(left - 1))

        turn(12)
        return f"{monitor} on {host.name} flickers every {pause} ms"

    def _deaf(self, host: Host) -> str:
        """A cut in one direction: it does not hear some of the others, which hear it."""
        others = [name for name in self.world.hosts if name != host.name]
        host.port.deaf = tuple(self.rng.sample(others, self.rng.randint(1, len(others))))
        self.world.bus.changed()

        def hear() -> None:
            host.port.deaf = ()
            self.world.bus.changed()

        return f"{host.name} is deaf for {host.port.deaf}, healed in {self._later(hear)} ms"

    def _flap(self, host: Host) -> str:
        """A cable that comes and goes."""
        pause = self.rng.choice((90, 350, 900))

        def turn(left: int) -> None:
            host.port.side = left % 2
            self.world.bus.changed()
            if left:
                self.world.clock.after(pause * MS, lambda: turn(left - 1))

        turn(7)
        return f"the cable of {host.name} comes and goes every {pause} ms"

    def _configure(self, host: Host) -> str:
        cluster = self.world.newest()
        if cluster is None:
            return "nothing"
        wanted = draw.changed(self.rng, cluster)
        self.world.give(c.ChangeConfiguration(wanted, "somebody", "chance"))
        if key_of(wanted) != key_of(cluster):
            self.world.report.seen["another store"] += 1
            self.world.clock.after(3 * SECOND, lambda: self.world.write_record(40))
        return f"operator: configuration {wanted.version} with {[group.name for group in wanted.groups]}"

    def _crash_in_change(self, host: Host) -> str:
        """A configuration is applied, and a member goes at some moment between its proposal and its being in force."""
        told = self._configure(host)
        victim = self.rng.choice(list(self.world.hosts.values()))
        whole, delay = self.rng.random() < 0.5, self.rng.choice((0, 1, 5, 25, 100, 400))

        def strike() -> None:
            if victim.agent is None or victim.paused:
                return
            if victim.agent.state.change is not None:
                self.world.report.seen["a change interrupted"] += 1
            if whole:
                victim.power_off()
            else:
                victim.kill_agent()
            self.world.clock.after(2 * SECOND, lambda: self._bring_back(victim))

        def look(left: int) -> None:
            under_way = any(each.agent and each.agent.state.change for each in self.world.hosts.values())
            if under_way:
                self.world.clock.after(delay * MS, strike)
            elif left:
                self.world.clock.after(MS, lambda: look(left - 1))

        look(200)
        return f"{told}, and {victim.name} {'loses power' if whole else 'loses its daemon'} {delay} ms into it"

    def _start_stopped(self, host: Host) -> str:
        waiting = [each for each in self.world.hosts.values() if each.stopped and each.agent is None and each.powered]
        for each in waiting:
            each.rules, each.lacks = RULES, False
            each.start_agent()
        return f"started again: {[each.name for each in waiting]}"

    def _order(self, host: Host) -> str:
        cluster = self.world.newest()
        if cluster is None:
            return "nothing"
        group = self.rng.choice(cluster.groups)
        resource = self.rng.choice(group.resources)
        node = self.rng.choice((None, host.name))
        monitors = [*(each.name for each in cluster.monitors), resource.monitor]
        monitor = self.rng.choice(monitors)
        command, back = self.rng.choice(
            (
                (c.RestoreGroup(group.name), None),
                (c.StopPart(group.name, resource.name), c.StartPart(group.name, resource.name)),
                (c.SuspendMonitor(monitor, node), c.ResumeMonitor(monitor, None)),
                (c.SuspendNode(node), c.ResumeNode(node)),
                (c.SetMaintenance(True), c.SetMaintenance(False)),
                (c.StopNode(host.name, self.rng.choice(("stop", "shutdown", "reboot"))), None),
                (c.StopNode(None, "stop"), None),
            )
        )
        self.world.give(command)
        if isinstance(command, c.StopNode):
            self._later(self._return_stopped)
        if back is not None:
            self._later(lambda: self.world.give(back))
        return f"operator: {command}"

    def _return_stopped(self) -> None:
        for host in self.world.hosts.values():
            if host.agent is None and host.powered and host.left:
                host.start_agent()

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

    def _other_release(self, host: Host) -> str:
        """A node gets another release: its daemon is stopped cleanly and comes back as an older or a newer one."""
        if host.agent is None or host.asleep:
            return "nothing"
        host.rules = 1 if host.rules == RULES else RULES
        host.lacks = host.rules < RULES and self.rng.random() < 0.5
        if host.agent.mute:
            host.kill_agent()  # it has nobody to say goodbye to
        else:
            host.leave()
        back = self.rng.choice((300, 1_500, 6_000))
        self.world.clock.after(back * MS, lambda: self._return(host))
        if host.lacks and self.rng.random() < 0.5:
            # The others go on to use what it does not know.
            self.world.clock.after(back * MS * 3 // 4, lambda: self.world.give(c.SetMaintenance(True)))
            self.world.clock.after(back * MS + 5 * SECOND, lambda: self.world.give(c.SetMaintenance(False)))
        older = "older, without suspension" if host.lacks else "older" if host.rules < RULES else "newest"
        return f"{host.name} gets the {older} release, back in {back} ms"

    def _return(self, host: Host) -> None:
        if host.powered and host.agent is None:
            host.start_agent()

    def _command(self, host: Host) -> str:
        cluster = self.world.newest() or self.world.cluster
        group = self.rng.choice(cluster.groups)
        node = self.rng.choice([None, *group.nodes])
        kind = self.rng.choice(("move", "move", "start", "stop"))
        command: c.Command = c.MoveGroup(group.name, node)
        if kind == "start":
            command = c.StartGroup(group.name, node)
        elif kind == "stop":
            command = c.StopGroup(group.name)
            # Somebody stops a group in order to start it again some time.
            self._later(lambda: self.world.give(c.StartGroup(group.name, None)))
        self.world.give(command)
        return f"operator: {command}"

    def _unlock(self, host: Host) -> None:
        """Switched on again once the cables are mended and everybody reaches the store."""
        ports, store = self.world.bus.ports.values(), self.world.store
        whole = all(port.side == 0 and not port.deaf for port in ports) and not (store.down or store.deaf)
        if host.locked_off and whole and any(other.powered for other in self.world.hosts.values()):
            host.locked_off = False
            host.power_on()
        elif host.locked_off:
            self.world.clock.after(SECOND, lambda: self._unlock(host))

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
        if self.world.cluster.arbitration.limited:
            # His word holds for as long as that node cannot act without the others' knowing.
            host.locked_off = True
            self.world.clock.after(SECOND, lambda: self._unlock(host))
        else:
            self._later(lambda: None if host.powered else host.power_on())
        self.world.give(c.ConfirmGone(host.name, epoch))
        return f"operator: {host.name} is gone"

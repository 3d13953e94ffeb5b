"""All processes that belong together, whatever they did to get away, and the certain end of all of them.

A process belongs to an application when it is in its control group, carries its mark in the environment it was
started with, is in the session of the living leader, or descends from one of those. No one sign is enough: servers
overwrite their environment, daemons leave their session, and some hosts have no control group that we may write.
"""

import asyncio
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass

from komainu.adapters.linux import proc
from komainu.adapters.linux.cgroups import Cgroup
from komainu.adapters.linux.leader import Leader
from komainu.adapters.linux.proc import Process

_SLICE = 32
"Environments read between two turns of the event loop."


@dataclass(frozen=True, slots=True)
class Kin:
    """The processes of one application, or of one script."""

    mark: str
    "How an entry of their environment begins: `KOMAINU_INSTANCE=…/`."
    leader: Leader | None = None
    cgroup: Cgroup | None = None

    async def living(self) -> tuple[Process, ...]:
        """Those that run now."""
        seen = {process.pid: process async for process in proc.everyone()}
        inside = set(self.cgroup.pids()) if self.cgroup else set()
        for pid in inside - seen.keys():
            newer = proc.read(pid)
            if newer is not None and not newer.dead:
                seen[pid] = newer
        # The id of a session is safe from reuse only as long as its leader lives; asked last, it lived all along.
        session = self.leader.pid if self.leader is not None and self.leader.alive else 0
        found = {pid for pid, process in seen.items() if pid in inside or process.session == session != 0}
        for number, pid in enumerate(seen):
            if number % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
            if pid not in found and proc.carries(pid, self.mark):
                found.add(pid)
        return tuple(seen[pid] for pid in sorted(_with_descendants(found, seen.values())))

    async def end(self, number: int, grace_ms: int, timeout_ms: int) -> tuple[int, ...]:
        """End them all; the ids of those that still run when the time is up, empty when surely none does.

        The leader alone gets the signal `number` first, then whatever it left behind; after `grace_ms` all get
        SIGKILL until nobody is found.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_ms / 1000
        gentle_until = min(loop.time() + grace_ms / 1000, deadline)
        if grace_ms > 0 and self.leader is not None and self.leader.alive:
            self.leader.signal(number)
            self.leader.signal(signal.SIGCONT)  # a stopped process would never see it
            await self.leader.wait(_ms(gentle_until - loop.time()))
        # A child forked while /proc was being read can be missed once, when its parent ends in the same moment. A
        # control group misses nobody.
        empty, enough = 0, 1 if self.cgroup is not None else 2
        while empty < enough:
            found = await self.living()
            if not found:
                empty += 1
                continue
            empty = 0
            if loop.time() >= deadline:
                return tuple(process.pid for process in found)
            if loop.time() < gentle_until:
                await _strike(found, (number, signal.SIGCONT), _ms(gentle_until - loop.time()))
            else:
                if self.cgroup is not None:
                    self.cgroup.kill()
                await _strike(found, (signal.SIGKILL,), _ms(deadline - loop.time()))
        return ()

    def kill_now(self) -> None:
        """SIGKILL to all that can be found without waiting; only `end` makes certain."""
        if self.leader is not None:
            self.leader.kill_group()
        if self.cgroup is None or self.cgroup.kill():
            return
        for pid in self.cgroup.pids():
            process = proc.read(pid)
            descriptor = None if process is None else proc.hold(pid, process.start_time)
            if descriptor is not None:
                # Still inside after it was opened: then the descriptor is not of somebody who took over the id.
                if pid in self.cgroup.pids():
                    proc.signal_all((descriptor,), signal.SIGKILL)
                os.close(descriptor)


def _with_descendants(found: set[int], seen: Iterable[Process]) -> set[int]:
    children: dict[int, list[int]] = {}
    for process in seen:
        children.setdefault(process.parent, []).append(process.pid)
    todo = list(found)
    while todo:
        for child in children.get(todo.pop(), ()):
            if child not in found:
                found.add(child)
                todo.append(child)
    return found


async def _strike(processes: Iterable[Process], numbers: Iterable[int], timeout_ms: int) -> None:
    """Send signals to exactly these processes and wait for their end."""
    descriptors = []
    try:
        for process in processes:
            descriptor = proc.hold(process.pid, process.start_time)
            if descriptor is not None:
                descriptors.append(descriptor)
        for number in numbers:
            proc.signal_all(descriptors, number)
        await proc.wait_ended(descriptors, timeout_ms)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _ms(seconds: float) -> int:
    return max(0, int(seconds * 1000))

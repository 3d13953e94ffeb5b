"""Processes as /proc shows them: who they are, whose they are, and a hold on each that no reuse of its id can fool.

A process is named by its id together with its start time. An id alone may belong to somebody else by the time it is
used; a pidfd may not.
"""

import asyncio
import os
import select
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_SLICE = 32
"Processes read between two turns of the event loop: about a millisecond."
_CHUNK = 65_536
_KERNEL_THREAD = 0x0020_0000
"PF_KTHREAD of the kernel's sched.h."


@dataclass(frozen=True, slots=True)
class Process:
    """One process at one moment."""

    pid: int
    start_time: int
    "Clock ticks from the boot to its start; with `pid` it names the process for ever."
    parent: int
    session: int
    dead: bool
    "A zombie: it runs no more, only its parent has not asked yet."
    kernel: bool
    "A thread of the kernel."


def boot_id() -> str:
    """The kernel's name of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def read(pid: int) -> Process | None:
    """The process that has this id now; None when there is none."""
    try:
        text = _content(f"/proc/{pid}/stat")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the name in brackets; it may hold spaces and brackets itself.
    fields = text[text.rindex(b")") + 2 :].split()
    # A leader thread that has ended is shown as a zombie while other threads of the process still run.
    dead = fields[0] in (b"Z", b"X") and int(fields[17]) <= 1
    kernel = bool(int(fields[6]) & _KERNEL_THREAD)
    return Process(pid, int(fields[19]), int(fields[1]), int(fields[3]), dead, kernel)


def carries(pid: int, mark: str) -> bool:
    """True when the process was started with an environment in which an entry begins with `mark`.

    A process may have overwritten its environment since (servers that set their title do): then the answer is False.
    """
    try:
        environment = _content(f"/proc/{pid}/environ")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False  # gone, or not ours to read; the daemon runs as root and may read all
    wanted = mark.encode()
    return environment.startswith(wanted) or b"\0" + wanted in environment


async def everyone() -> AsyncIterator[Process]:
    """Every living process but this one and the kernel's own threads.

    The event loop turns in between, so the picture is not of one moment.
    """
    own = os.getpid()
    for number, name in enumerate(os.listdir("/proc")):
        if number % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
        if name.isdigit() and int(name) != own:
            process = read(int(name))
            if process is not None and not process.dead and not process.kernel:
                yield process


def hold(pid: int, start_time: int) -> int | None:
    """A pidfd of exactly this process; None when it runs no more. Raises OSError.

    The order matters: the id is opened first and compared afterwards, and the process must still live after that.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    now = read(pid)
    if now is None or now.start_time != start_time or ended(descriptor):
        os.close(descriptor)
        return None
    return descriptor


def ended(descriptor: int) -> bool:
    """True when the process behind the pidfd has ended, all its threads included."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


async def wait_ended(descriptors: Iterable[int], timeout_ms: int) -> bool:
    """Wait until all processes behind the pidfds have ended. False when the time was up first."""
    loop = asyncio.get_running_loop()
    waiting = {descriptor for descriptor in descriptors if not ended(descriptor)}
    if not waiting:
        return True
    done = loop.create_future()
    watched = tuple(waiting)

    def gone(descriptor: int) -> None:
        loop.remove_reader(descriptor)
        waiting.discard(descriptor)
        if not waiting and not done.done():
            done.set_result(None)

    for descriptor in watched:
        loop.add_reader(descriptor, gone, descriptor)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0, timeout_ms) / 1000):
                await done
    finally:
        for descriptor in watched:
            loop.remove_reader(descriptor)
    return not waiting


def signal_all(descriptors: Iterable[int], number: int) -> None:
    """Send a signal through pidfds; those that have ended meanwhile are left out."""
    for descriptor in descriptors:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, number)


def _content(path: str) -> bytes:
    """A file of /proc, whole; hundreds are read in a row, so it is done in as few steps as possible."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        whole = chunk = os.read(descriptor, _CHUNK)
        while chunk:
            chunk = os.read(descriptor, _CHUNK)
            whole += chunk
        return whole
    finally:
        os.close(descriptor)

"""A place to run real processes in: programs that behave badly on purpose, and a certain end for all of them."""

import asyncio
import os
import shlex
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from komainu.adapters.linux import cgroups, proc
from komainu.adapters.linux.processes import Application, Processes

PATIENCE_S = 10
LOG_BYTES = 65_536

# Every promise is kept with control groups and, where a host has none, by marks alone.
CONTAINED = pytest.mark.parametrize(
    "contained",
    [
        pytest.param(True, id="cgroup", marks=pytest.mark.skipif(cgroups.here() is None, reason="no writable cgroup")),
        pytest.param(False, id="marks"),
    ],
)

SLEEPER = ("/bin/sh", "-c", "exec sleep 1000")
STUBBORN = ("/bin/sh", "-c", "trap '' TERM; while :; do sleep 1000; done")


def shell(text: str) -> tuple[str, ...]:
    """A small script."""
    return ("/bin/sh", "-c", text)


def double_fork(tell: Path, *, then: str = "") -> tuple[str, ...]:
    """A program that leaves a daemon as servers of old do (fork, new session, fork) and itself does `then`.

    The daemon's id is written to `tell`.
    """
    text = f"""
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open({str(tell)!r} + ".new", "w") as file:
            file.write(str(os.getpid()))
        os.rename({str(tell)!r} + ".new", {str(tell)!r})
        time.sleep(1000)
    os._exit(0)
os.wait()
{then}
"""
    return (sys.executable, "-S", "-E", "-c", text)


def quoted(*words: str) -> str:
    """Words as a script has them."""
    return shlex.join(words)


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait until something is true. Raises TimeoutError with `what` when it does not become so."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while not condition():
        if loop.time() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(0.005)


async def told(path: Path) -> int:
    """The number that a program wrote there."""
    found: list[str] = []

    def written() -> bool:
        found[:] = path.read_text().split() if path.exists() else []
        return bool(found)

    await until(written, f"{path.name} was not written")
    return int(found[0])


def runs(pid: int) -> bool:
    """True when a process of that id runs."""
    process = proc.read(pid)
    return process is not None and not process.dead


class Bench:
    """One node's processes, in directories of their own."""

    def __init__(self, directory: Path, contained: bool) -> None:
        self.directory = directory
        self.cluster = f"test-{uuid.uuid4().hex[:12]}"
        self.contained = contained
        self.processes = self._new()

    def _new(self) -> Processes:
        return Processes(self.directory / "run", self.directory / "log", with_cgroups=self.contained, log_visit_ms=20)

    @property
    def record(self) -> Path:
        """Where the record of the usual application lies."""
        return self.directory / "run" / "g@app.json"

    def application(self, resource: str = "app") -> Application:
        """The application of a resource."""
        return self.processes.application(self.cluster, "n1", "g", resource, LOG_BYTES)

    def restart(self) -> None:
        """The daemon ends and another one starts; applications go on."""
        self.processes.close()
        self.processes = self._new()

    async def clear(self) -> None:
        """End whatever a test left, also after it failed."""
        for resource in ("app", "other"):
            application = self.application(resource)
            left = await application.end(signal.SIGKILL, 0, PATIENCE_S * 1000)
            assert not left
            application.forget()
        self.processes.close()
        reap()


@asynccontextmanager
async def bench(directory: Path, contained: bool) -> AsyncIterator[Bench]:
    """A bench that is cleared at the end."""
    made = Bench(directory, contained)
    try:
        yield made
    finally:
        await made.clear()


def on_bench(directory: Path, contained: bool, story: Callable[[Bench], Awaitable[None]]) -> None:
    """Run a story on a fresh bench."""

    async def run() -> None:
        async with bench(directory, contained) as made:
            await story(made)

    asyncio.run(run())


def reap() -> None:
    """Be init: the daemon of a bench restarts within this process, so children of the one before are left to us."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def kill_hard(pid: int) -> None:
    """SIGKILL to a process that a test started."""
    os.kill(pid, signal.SIGKILL)

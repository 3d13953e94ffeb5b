"""A small program in the place of corosync, that daemonizes and locks as it does, and a machine that has it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from komainu.adapters.corosync.daemon import CorosyncDaemon, Places, running_pid
from komainu.model.config import Arbitration, Cluster, Node
from komainu.model.message import Said

DEADLINE_S = 30
KEY = bytes(range(256))
CLUSTER = Cluster(
    name="test",
    environment="onprem",
    detect_within_ms=450,
    arbitration=Arbitration(kind="none"),
    nodes=(Node(name="a", id=1, links=("10.0.0.1",)), Node(name="b", id=2, links=("10.0.0.2",))),
)
OTHER = CLUSTER.model_copy(update={"detect_within_ms": 1500})

# Daemonizes, and holds its lock as corosync does. The file `mood` says what is wrong with it.
PROGRAM = """\
#!{python} -SE
import fcntl, os, signal, sys
here = {here!r}
def mood(word):
    return os.path.exists(here + "/mood-" + word)
with open(here + "/starts", "a") as starts:
    starts.write(" ".join(sys.argv[1:]) + "\\n")
if mood("refuses"):
    print("parse error in config: no such thing", file=sys.stderr)
    os._exit(8)
if mood("refuses-in-its-log"):
    with open(here + "/log/corosync.log", "a") as log:
        log.write("Nov 22 14:01:16.864 [10] n1 corosync notice  [MAIN  ] starting up\\n")
        log.write("Nov 22 14:01:16.864 [10] n1 corosync error   [MAIN  ] parse error: the [real] reason\\n")
        log.write("Nov 22 14:01:16.864 [10] n1 corosync error   [MAIN  ] exiting with status 8\\n")
    os._exit(8)
if mood("hangs"):
    signal.pause()
if os.fork():
    os._exit(0)
os.setsid()
null = os.open("/dev/null", os.O_RDWR)
for each in (0, 1, 2):
    os.dup2(null, each)
if mood("deaf"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if mood("dies-first"):
    os._exit(1)
lock = os.open(here + "/corosync.pid", os.O_RDWR | os.O_CREAT)
fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
os.truncate(lock, 0)
os.write(lock, str(os.getpid()).encode())
while True:
    signal.pause()
"""
# Starts and stops the program above, as the unit would.
SYSTEMCTL = """\
#!/bin/sh
echo "$@" >> {here}/systemctl
case "$1" in
restart) exec {here}/bin/corosync ;;
stop) kill -TERM "$(cat {here}/corosync.pid)" ;;
reset-failed) exit 1 ;;
esac
"""
# Has the program above read its file again.
CFGTOOL = """\
#!/bin/sh
echo "$@" >> {here}/reloads
[ ! -e {here}/mood-unreadable ] || {{ echo "Could not reload configuration. Error 7" >&2; exit 1; }}
"""


@dataclass
class Machine:
    """A machine whose corosync is the program above."""

    here: Path
    places: Places
    said: list[Said] = field(default_factory=list)

    def daemon(self) -> CorosyncDaemon:
        """A new daemon object, as after a restart of komainud."""
        return CorosyncDaemon(self.said.append, self.places)

    def mood(self, word: str, on: bool = True) -> None:
        """Set or end a mood of the program."""
        path = self.here / f"mood-{word}"
        path.touch() if on else path.unlink()

    @property
    def starts(self) -> int:
        """How often the program was started."""
        path = self.here / "starts"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def running(self) -> int:
        """The pid of the one that runs."""
        pid = running_pid(self.places.lock)
        assert pid is not None
        return pid

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds."""
        async with asyncio.timeout(DEADLINE_S):
            while not holds():
                await asyncio.sleep(0.005)

    async def until_said(self, *codes: str) -> None:
        """Wait until exactly this was reported."""
        await self.until(lambda: [said.code for said in self.said] == list(codes))


def reloads(machine: Machine) -> list[str]:
    path = machine.here / "reloads"
    return path.read_text().splitlines() if path.exists() else []


def write_program(path: Path, text: str, here: Path) -> None:
    path.write_text(text.format(here=str(here), python=sys.executable))
    path.chmod(0o755)


def play(daemon: CorosyncDaemon, story: Callable[[], Awaitable[None]]) -> None:
    """Run a story and let go of the daemon afterwards."""

    async def run() -> None:
        try:
            async with asyncio.timeout(DEADLINE_S):
                await story()
        finally:
            await daemon.close()

    asyncio.run(run())

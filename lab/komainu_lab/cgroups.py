"""Control groups of a lab: to freeze a machine, to find all its processes, and to end them.

Version 2 is used wherever it is mounted (cgroup.freeze needs no controller), else the freezer of version 1. A lab's
groups are called `komainu-lab-NAME/MACHINE`; nothing else on the host is touched.
"""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from komainu_lab.errors import LabError

FREEZE_TIMEOUT_S = 5.0
END_TIMEOUT_S = 10.0


def hierarchies(mounts: str) -> tuple[Path | None, Path | None]:
    """Where cgroup version 2 and the version 1 freezer are mounted, from the text of /proc/self/mounts."""
    unified = freezer = None
    for line in mounts.splitlines():
        _, target, kind, options, *_ = line.split(" ")
        writable = options.split(",")[0] == "rw"
        if kind == "cgroup2" and writable:
            unified = unified or Path(target)
        elif kind == "cgroup" and writable and "freezer" in options.split(","):
            freezer = freezer or Path(target)
    return unified, freezer


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One control group."""

    path: Path
    unified: bool
    "True in a version 2 hierarchy."

    def make(self) -> "Cgroup":
        """Create it, with its parents."""
        self.path.mkdir(parents=True, exist_ok=True)
        return self

    def child(self, name: str) -> "Cgroup":
        """A group inside this one."""
        return Cgroup(self.path / name, self.unified)

    @property
    def procs(self) -> Path:
        """The file that a process id is written to."""
        return self.path / "cgroup.procs"

    def pids(self) -> list[int]:
        """All processes in it and below, as the host numbers them."""
        found = []
        for folder, _, files in os.walk(self.path):
            if "cgroup.procs" in files:
                with suppress(OSError):
                    found += [int(pid) for pid in (Path(folder) / "cgroup.procs").read_text().split()]
        return found

    def freeze(self) -> None:
        """Stop every process in it at once; returns when all stand still. Raises LabError after five seconds."""
        if self.unified:
            (self.path / "cgroup.freeze").write_text("1")
        else:
            (self.path / "freezer.state").write_text("FROZEN")
        deadline = time.monotonic() + FREEZE_TIMEOUT_S
        while not self.frozen():
            if time.monotonic() > deadline:
                raise LabError(f"the processes in {self.path} did not freeze within {FREEZE_TIMEOUT_S:.0f} s")
            time.sleep(0.001)

    def frozen(self) -> bool:
        """True when every process in it stands still."""
        if self.unified:
            return "frozen 1" in (self.path / "cgroup.events").read_text()
        return (self.path / "freezer.state").read_text().strip() == "FROZEN"

    def thaw(self) -> None:
        """Let them run again."""
        with suppress(FileNotFoundError):
            if self.unified:
                (self.path / "cgroup.freeze").write_text("0")
            else:
                (self.path / "freezer.state").write_text("THAWED")

    def end(self) -> None:
        """Kill every process in it and below, and remove it. Raises LabError when something will not end."""
        if not self.path.exists():
            return
        deadline = time.monotonic() + END_TIMEOUT_S
        while pids := self.pids():
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            # A process frozen by version 1 dies only when thawed; killed first, it does not run another instruction.
            for folder, _, _ in os.walk(self.path):
                Cgroup(Path(folder), self.unified).thaw()
            if time.monotonic() > deadline:
                raise LabError(f"processes {pids} in {self.path} do not end")
            time.sleep(0.005)
        self._remove(deadline)

    def _remove(self, deadline: float) -> None:
        """Remove the folders, deepest first; the kernel answers busy for a moment after the last process ended."""
        for folder, _, _ in os.walk(self.path, topdown=False):
            while True:
                try:
                    Path(folder).rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError as error:
                    if time.monotonic() > deadline:
                        raise LabError(f"{folder} cannot be removed: {error.strerror}") from error
                    time.sleep(0.005)


def lab_groups(name: str) -> list[Cgroup]:
    """Where the group of a whole lab may be, the better place first; they need not exist."""
    unified, freezer = hierarchies(Path("/proc/self/mounts").read_text())
    return [Cgroup(root / f"komainu-lab-{name}", root is unified) for root in (unified, freezer) if root is not None]


def make_lab_group(name: str) -> Cgroup | None:
    """Make the group of a whole lab; None where the kernel or a container does not let us."""
    for group in lab_groups(name):
        with suppress(OSError):
            return group.make()
    return None

"""A control group per application: the one fence that no child leaves by forking twice or by clearing its environment.

Groups are made below the daemon's own group (a systemd unit needs `Delegate=yes`), in the version 2 hierarchy, else
in one of version 1 that costs nothing (`name=systemd`, `pids`). No controller is enabled: they only name processes.
"""

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_VERSION_1 = ("name=systemd", "pids")


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One control group, by its directory."""

    path: Path

    @property
    def entry(self) -> Path:
        """The file that a process writes 0 to in order to enter."""
        return self.path / "cgroup.procs"

    def make(self) -> None:
        """Make the directory. Raises OSError when the kernel refuses."""
        self.path.mkdir()

    def pids(self) -> tuple[int, ...]:
        """The processes inside and in groups below, as ids of this pid namespace; empty when the group is gone.

        The kernel shows 0 for a process that this namespace does not see; only root elsewhere can have put it there.
        """
        found: list[int] = []
        for directory, _, _ in os.walk(self.path):
            try:
                lines = (Path(directory) / "cgroup.procs").read_text().split()
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENODEV):
                    raise
                continue  # removed in between: nobody is inside
            found += [int(line) for line in lines if line != "0"]
        return tuple(found)

    def kill(self) -> bool:
        """SIGKILL to all inside at one stroke, so that no fork escapes. False where the kernel cannot (version 1)."""
        try:
            (self.path / "cgroup.kill").write_text("1")
        except OSError:
            return False
        return True

    def remove(self) -> None:
        """Remove the directory and those below; one that is still in use stays, which is litter and not danger."""
        for directory, _, _ in os.walk(self.path, topdown=False):
            with suppress(OSError):
                os.rmdir(directory)


def own(membership: str, mounts: str) -> Cgroup | None:
    """The group of this process in the best writable hierarchy, from the texts of /proc/self/cgroup and mountinfo."""
    groups = {}
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        groups[controllers] = path
    for wanted in ("", *_VERSION_1):
        for controllers, path in groups.items():
            if wanted in controllers.split(","):
                directory = _directory(mounts.splitlines(), wanted, path)
                if directory is not None:
                    return Cgroup(directory)
    return None


def here() -> Cgroup | None:
    """The group of this process below which groups can be made; None where there is none."""
    try:
        group = own(Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text())
    except FileNotFoundError:
        return None  # a kernel without control groups
    if group is None or not os.access(group.path, os.W_OK) or not _takes_processes(group):
        return None
    return group


def _directory(mounts: Iterable[str], controllers: str, path: str) -> Path | None:
    """Where the group `path` of a hierarchy is seen; None when the hierarchy is not mounted here for writing."""
    for line in mounts:
        left, _, right = line.partition(" - ")
        _, _, _, root, target, options, *_ = left.split()
        kind, _, super_options = right.split(" ", 2)
        if "rw" not in options.split(","):
            continue
        fits = kind == "cgroup2" if not controllers else kind == "cgroup" and controllers in super_options.split(",")
        # A path that leads out of our cgroup namespace cannot be seen from here.
        if fits and Path(path).is_relative_to(root) and ".." not in Path(path).parts:
            return Path(target) / Path(path).relative_to(root)
    return None


def _takes_processes(group: Cgroup) -> bool:
    """A group below a threaded one of version 2 takes no processes."""
    try:
        return (group.path / "cgroup.type").read_text().strip() == "domain"
    except FileNotFoundError:
        return True  # version 1, or the root of version 2

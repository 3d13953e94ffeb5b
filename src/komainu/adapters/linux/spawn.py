"""Starting a program so that it owes nothing to the daemon: quickly, in a session of its own, with nothing inherited.

posix_spawn starts a shell that enters the control group, sets umask and directory and becomes the program: so no child
of the program can be born outside the group, and the daemon's memory is not copied.
"""

import asyncio
import fcntl
import grp
import os
import pwd
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LOOKUP_TIMEOUT_S = 5
"A user directory (LDAP) that hangs must not hold up the daemon."
_SHELL = "/bin/sh"
# Without its control group the program still starts: it can be found by the mark in its environment.
_LAUNCH = """umask 022
[ -z "$1" ] || echo 0 > "$1"
[ -z "$2" ] || echo 0 > /proc/self/oom_score_adj
cd "$3" || exit 126
shift 3
exec "$@"
"""
_SIGNALS = tuple(sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}))


class Obstacle(StrEnum):
    """What keeps a program from being started."""

    PROGRAM = "program"
    "It is not there, or it is not executable."
    DIRECTORY = "directory"
    USER = "user"
    "The user or the group does not exist, or this host cannot switch to it."
    RECORD = "record"
    "That it runs could not be written down, so it was not started."
    SYSTEM = "system"
    "The kernel refused (no memory, too many processes)."


@dataclass(frozen=True, slots=True)
class Cannot:
    """A program was not started: why."""

    obstacle: Obstacle
    text: str
    "What was missing, and the system's reason."


@dataclass(frozen=True, slots=True)
class Program:
    """What to start, and as whom."""

    argv: tuple[str, ...]
    "Words, no shell: the program by its absolute path or by its name in PATH, then its arguments."
    environment: Mapping[str, str] = field(default_factory=dict)
    "Added to PATH, LANG, HOME, USER, LOGNAME and SHELL. Nothing of the daemon's own environment is handed on."
    directory: str = "/"
    user: str = ""
    "Empty: as the daemon itself."
    group: str = ""
    "Empty: the user's own."


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the system knows it."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


def searched(program: Program) -> str | None:
    """The file that will be executed; None when there is none that may be."""
    return shutil.which(program.argv[0], path=program.environment.get("PATH", PATH))


def obstacle(program: Program) -> Cannot | None:
    """What would keep the program from starting, as far as the file system tells; None when nothing would."""
    if searched(program) is None:
        return Cannot(Obstacle.PROGRAM, f"{program.argv[0]}: no such executable file")
    if not Path(program.directory).is_dir():
        return Cannot(Obstacle.DIRECTORY, f"{program.directory}: no such directory")
    if program.user and shutil.which("setpriv", path=PATH) is None:
        return Cannot(Obstacle.USER, "setpriv (package util-linux) is missing")
    return None


async def account(program: Program) -> Account | Cannot:
    """The account that the program runs as. The lookup happens beside the event loop: it may ask a directory server."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_LOOKUP_TIMEOUT_S):
            return await loop.run_in_executor(None, _look_up, program.user, program.group)
    except KeyError as error:
        return Cannot(Obstacle.USER, str(error.args[0]))
    except TimeoutError:
        return Cannot(Obstacle.USER, f"{program.user}: the user directory did not answer in {_LOOKUP_TIMEOUT_S} s")


def own_account() -> Account:
    """The account of the daemon itself."""
    uid = os.geteuid()
    home = "/root" if uid == 0 else "/"
    return Account("root" if uid == 0 else str(uid), uid, os.getegid(), home, _SHELL)


def _look_up(user: str, group: str) -> Account:
    entry = pwd.getpwnam(user)
    gid = grp.getgrnam(group).gr_gid if group else entry.pw_gid
    return Account(user, entry.pw_uid, gid, entry.pw_dir, entry.pw_shell)


def spawn(
    program: Program, runs_as: Account, mark: Mapping[str, str], entry: Path | None, log: int | None
) -> tuple[int, int]:
    """Start the program; its process id, which is also its session and process group, and its pidfd. Raises OSError.

    `mark` is added to its environment; `entry` is the file by which a process enters its control group; `log` takes
    its output (None: nowhere). It starts with default signals, umask 022, no descriptors but 0, 1 and 2.
    """
    file = searched(program)
    if file is None:
        raise FileNotFoundError(program.argv[0])
    words = [file, *program.argv[1:]]
    if program.user:
        identity = ["--reuid", str(runs_as.uid), "--regid", str(runs_as.gid), "--init-groups"]
        words = [shutil.which("setpriv", path=PATH) or "setpriv", *identity, "--", *words]
    argv = [_SHELL, "-c", _LAUNCH, "komainu", str(entry or ""), _protected(), program.directory, *words]
    environment = {**_environment(runs_as), **program.environment, **mark}
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        # Above 2, so that no step below overwrites it before it is used.
        output = fcntl.fcntl(null if log is None else log, fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(null)
    try:
        actions: list[tuple[int, ...]] = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]  # type: ignore[list-item]
        actions += [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
        actions += [(os.POSIX_SPAWN_CLOSE, number) for number in _inheritable()]
        pid = os.posix_spawn(
            _SHELL, argv, environment, file_actions=actions, setsid=True, setsigmask=(), setsigdef=_SIGNALS
        )
    finally:
        os.close(output)
    try:
        return pid, os.pidfd_open(pid)
    except OSError:
        # No descriptor left: what cannot be followed must not run.
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


def _environment(runs_as: Account) -> dict[str, str]:
    return {
        "PATH": PATH,
        "LANG": "C.UTF-8",
        "HOME": runs_as.home,
        "USER": runs_as.name,
        "LOGNAME": runs_as.name,
        "SHELL": runs_as.shell,
    }


def _protected() -> str:
    """Not empty when the daemon itself is spared by the out-of-memory killer; its children must not be."""
    with suppress(OSError, ValueError):
        if int(Path("/proc/self/oom_score_adj").read_text()) < 0:
            return "yes"
    return ""


def _inheritable() -> list[int]:
    """Descriptors that a C library opened without close-on-exec; Python's own are never inherited."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the descriptor of this very listing is gone by now
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
    return found

"""A machine of the lab: net, mount, pid, uts, ipc and cgroup namespaces with a small init as PID 1.

Power off is `kill -9` of that PID 1: every process of the machine ends, its memory file systems and its end of the
cable are gone, its disk stays. Nothing here has a name outside its own namespaces except the control group and the
state directory of the lab.
"""

import array
import itertools
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from komainu_lab import nodeinit
from komainu_lab.cgroups import Cgroup
from komainu_lab.clock import boottime_ns as boottime_ns
from komainu_lab.disk import Disk
from komainu_lab.errors import LabError
from komainu_lab.watchdog import Watchdog

START_TIMEOUT_S = 15.0
ANSWER_TIMEOUT_S = 10.0
DEATH_TIMEOUT_S = 15.0
MEMORY = {"/run": "755", "/dev/shm": "1777"}

Event = dict[str, Any]


def _memory() -> dict[str, str]:
    """Where the machine gets memory file systems; not over /tmp when the programs themselves lie there."""
    needed = (sys.prefix, __file__)
    private_tmp = not any(Path(path).resolve().is_relative_to("/tmp") for path in needed)
    return {**MEMORY, "/tmp": "1777"} if private_tmp else MEMORY


class Node:
    """One machine, on or off."""

    def __init__(self, name: str, disk: Disk, cgroup: Cgroup | None, sysctls: Mapping[str, str] | None = None) -> None:
        """`cgroup` None: it cannot be frozen. Nothing is started yet."""
        self.name = name
        self.disk = disk
        self.cgroup = cgroup
        self.sysctls = dict(sysctls or {})
        self.pid = 0
        "PID 1 of the machine as the host numbers it; 0 while the power is off."
        self.frozen = False
        self.events: list[Event] = []
        "What PID 1 told, in order, over all boots."
        self.restarts = False
        "The machine went down by itself to come up again: a reboot or a reset from inside."
        self.on_death: Callable[[Node], None] = lambda node: None
        "Called once per boot, from another thread, when PID 1 has ended for whatever reason."
        self.on_watchdog: Callable[[Node], None] = lambda node: None
        "Called from another thread when its watchdog fires."
        self._holder: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._ids = itertools.count(1)
        self._changed = threading.Condition()
        self._replies: dict[int, Event] = {}
        self._reader: threading.Thread | None = None

    # --- power ---

    @property
    def on(self) -> bool:
        """True while PID 1 lives."""
        return self.pid != 0

    def power_on(self) -> None:
        """Make new namespaces over the same disk. Returns when PID 1 is ready. Raises LabError with the reason."""
        if self.on:
            raise LabError(f"{self.name} is on already")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        ours.settimeout(START_TIMEOUT_S)
        with theirs:
            theirs.set_inheritable(True)
            self._holder = subprocess.Popen(
                self._command(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
                env=nodeinit.ENVIRONMENT,
                cwd="/",
            )
        try:
            self._first_words(ours)
        except BaseException:
            ours.close()
            self._holder.kill()
            self._holder.communicate()
            raise
        self._control = ours
        self.frozen = False
        self._reader = threading.Thread(target=self._listen, args=(ours, self._holder), name=self.name, daemon=True)
        self._reader.start()

    def _command(self, control_fd: int) -> list[str]:
        """The command that becomes the machine."""
        unified = self.cgroup is not None and self.cgroup.unified
        config = {
            "hostname": self.name,
            "control_fd": control_fd,
            "disks": self.disk.layers(),
            "memory": _memory(),
            "cgroup": unified,
            "sysctls": self.sysctls,
        }
        command = ["unshare", "--net", "--mount", "--pid", "--uts", "--ipc", *(["--cgroup"] if unified else [])]
        command += ["--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
        command += [sys.executable, "-I", "-S", nodeinit.__file__, json.dumps(config)]
        return self._in_cgroup(command)

    def _in_cgroup(self, command: Sequence[str]) -> list[str]:
        """The command, started as a member of the machine's control group."""
        if self.cgroup is None:
            return list(command)
        return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.cgroup.make().procs), *command]

    def _first_words(self, control: socket.socket) -> None:
        """Wait for PID 1's first datagram, learn its pid from the kernel, and take over its watchdog."""
        size = socket.CMSG_SPACE(struct.calcsize("3i")) + socket.CMSG_SPACE(struct.calcsize("i"))
        try:
            data, ancillary, _, _ = control.recvmsg(65_536, size)
        except TimeoutError:
            raise LabError(f"{self.name} did not start within {START_TIMEOUT_S:.0f} s") from None
        if not data:
            assert self._holder is not None
            assert self._holder.stderr is not None
            reason = self._holder.stderr.read().decode(errors="replace").strip()
            raise LabError(f"{self.name} cannot be started: {reason or 'its PID 1 ended at once'}")
        first = json.loads(data)
        if first["event"] == "failed":
            raise LabError(f"{self.name} cannot be started: {first['error']}")
        told = {kind: array.array("i", value) for _, kind, value in ancillary}
        control.settimeout(None)
        control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
        self.pid = told[socket.SCM_CREDENTIALS][0]
        if socket.SCM_RIGHTS in told:
            Watchdog(told[socket.SCM_RIGHTS][0], lambda: self.on_watchdog(self))

    def _listen(self, control: socket.socket, holder: subprocess.Popen[bytes]) -> None:
        """Take in what PID 1 says, until it ends."""
        while True:
            try:
                data = control.recv(1 << 20)
            except OSError:
                data = b""
            if not data:
                break
            event = json.loads(data)
            with self._changed:
                if event["event"] == "reply":
                    self._replies[event["id"]] = event
                else:
                    self.events.append(event)
                self._changed.notify_all()
        holder.communicate()
        control.close()
        with self._changed:
            self.pid = 0
            # So the kernel ends a process namespace whose reboot(2) asked for a restart, and unshare after it.
            self.restarts = holder.returncode == -signal.SIGHUP
            self._control = None
            self._changed.notify_all()
        self.on_death(self)

    def power_off(self) -> None:
        """Loss of power: kill PID 1, which ends every process of the machine at once; what was off stays off."""
        self.restarts = False
        if pid := self.pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            if self.frozen and self.cgroup is not None:
                # The freezer of version 1 lets nobody die before the thaw. Each has its SIGKILL by then, so that none
                # runs another instruction.
                for member in self.cgroup.pids():
                    with suppress(ProcessLookupError):
                        os.kill(member, signal.SIGKILL)
                self.cgroup.thaw()
                self.frozen = False
            self.wait_off(DEATH_TIMEOUT_S)

    def shut_down(self, timeout_s: float) -> None:
        """A clean shutdown, as by `poweroff`. Raises LabError when the machine is still on after the timeout."""
        if pid := self.pid:
            os.kill(pid, signal.SIGTERM)
            self.wait_off(timeout_s)

    def wait_off(self, timeout_s: float) -> None:
        """Return when the power is off and everything is collected. Raises LabError after the timeout."""
        reader = self._reader
        if reader is not None and reader is not threading.current_thread():
            reader.join(timeout_s)
            if reader.is_alive():
                raise LabError(f"{self.name} did not go off within {timeout_s:.0f} s")

    # --- standing still ---

    def freeze(self) -> None:
        """Stop every process of the machine; its kernel side goes on (cut its cable besides)."""
        if self.cgroup is None:
            raise LabError(
                f"{self.name} cannot be frozen: no writable control group hierarchy; "
                "mount one: mount -t cgroup2 cgroup2 /sys/fs/cgroup"
            )
        self.cgroup.freeze()
        self.frozen = True

    def thaw(self) -> None:
        """Let the machine go on."""
        if self.cgroup is not None:
            self.cgroup.thaw()
        self.frozen = False

    # --- services and commands ---

    def _ask(self, do: str, **request: Any) -> Event:
        """A request to PID 1 and its answer."""
        control, number = self._control, next(self._ids)
        if control is None:
            raise LabError(f"{self.name} is off")
        control.send(json.dumps({"do": do, "id": number, **request}).encode())
        with self._changed:
            self._changed.wait_for(lambda: number in self._replies or self.pid == 0, ANSWER_TIMEOUT_S)
            reply = self._replies.pop(number, None)
        if reply is None:
            raise LabError(f"{self.name} did not answer the request '{do}'" if self.on else f"{self.name} is off")
        if "error" in reply:
            raise LabError(f"{self.name}: {reply['error']}")
        return reply

    def start_service(
        self, service: str, argv: Sequence[str], *, restart: bool = False, env: Mapping[str, str] | None = None
    ) -> int:
        """Run a program under PID 1, its output in /var/log/lab/SERVICE.log. Returns its pid inside the machine."""
        reply = self._ask("start", service=service, argv=list(argv), restart=restart, env=dict(env or {}))
        return int(reply["pid"])

    def stop_service(self, service: str, timeout_s: float = 60.0) -> None:
        """Ask a service to end and wait until it has; it is not restarted. Raises LabError after the timeout."""
        self._ask("stop", service=service)
        self.wait_service(service, running=False, timeout_s=timeout_s)

    def service_pid(self, service: str) -> int:
        """The pid of a service inside the machine; 0 when it does not run."""
        return int(self._ask("state")["services"].get(service, 0))

    def wait_service(self, service: str, *, running: bool, timeout_s: float) -> None:
        """Return when a service runs, or does not. Raises LabError after the timeout."""
        deadline = time.monotonic() + timeout_s
        while bool(self.service_pid(service)) is not running:
            left = deadline - time.monotonic()
            if left <= 0:
                wanted = "start" if running else "end"
                raise LabError(f"{service} on {self.name} did not {wanted} within {timeout_s:.0f} s")
            with self._changed:
                self._changed.wait(min(left, 0.5))

    def command(self, argv: Sequence[str], *, tty: bool = False) -> list[str]:
        """The host command that runs `argv` inside the machine. Raises LabError when it is off or frozen."""
        if not self.on:
            raise LabError(f"{self.name} is off")
        if self.frozen:
            raise LabError(f"{self.name} is frozen")
        spaces = ["-n", "-m", "-p", "-u", "-i"]
        if self.cgroup is not None and self.cgroup.unified:
            spaces.append("-C")
        environment = [f"{key}={value}" for key, value in nodeinit.ENVIRONMENT.items() if not (tty and key == "TERM")]
        keep = ["--ignore-environment"] if not tty else []
        return self._in_cgroup(["nsenter", "-t", str(self.pid), *spaces, "env", *keep, *environment, *argv])

    def run(
        self, argv: Sequence[str], *, timeout_s: float = 30.0, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside the machine. Raises LabError when it fails (unless not `check`) or takes too long."""
        try:
            done = subprocess.run(
                self.command(argv), input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                capture_output=True, text=True, timeout=timeout_s, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise LabError(f"{' '.join(argv)} on {self.name} did not end within {timeout_s:.0f} s") from None
        if check and done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise LabError(f"{' '.join(argv)} on {self.name} failed with {done.returncode}: {said}")
        return done

    def pids(self, comm: str) -> list[int]:
        """The processes of that name inside the machine, as the host numbers them, oldest first."""
        return sorted(pid for pid in self._all_pids() if _comm(pid) == comm[:15] and not _is_zombie(pid))

    def running(self, command: str) -> list[int]:
        """The processes whose command line contains a text, as the host numbers them, oldest first."""
        return sorted(pid for pid in self._all_pids() if command in _command_line(pid) and not _is_zombie(pid))

    def _all_pids(self) -> list[int]:
        """Every process in the machine's pid namespace."""
        if not self.on:
            return []
        mine = _pid_namespace(self.pid)
        return [int(d) for d in os.listdir("/proc") if d.isdigit() and mine and _pid_namespace(int(d)) == mine]

    def read(self, path: str) -> str:
        """A file as the machine sees it."""
        return Path(f"/proc/{self.pid}/root{path}").read_text()


def _pid_namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def _comm(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True

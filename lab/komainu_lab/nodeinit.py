"""PID 1 of a lab machine: private mounts, services, orphans, and every way in which a machine goes down.

Run by path inside fresh namespaces, with the standard library only, so that a machine is up in some 60 ms:

    unshare ... python3 -I -S nodeinit.py '{"hostname": ..., "control_fd": ..., ...}'

It speaks JSON datagrams with the lab over a socket pair. When the lab is gone (end of file) the machine goes as well.
`kill -9` of this process is a loss of power; SIGTERM is a clean shutdown: services are asked to stop, last started
first, then everything that is left.

From inside the machine is taken down as any other:

- `shutdown`, `poweroff` and `reboot` are small programs that ask this process for the clean way.
- /proc/sysrq-trigger is a pipe to this process, where the kernel has that file: `b` resets, `o` switches off, and after
  `c` nothing runs any more, as with a kernel that panicked. The pipe itself is /run/lab/sysrq.
- reboot(2) needs no help: the kernel ends the process namespace. By which signal tells the lab a restart (SIGHUP) from
  an end (SIGINT).
"""

import contextlib
import ctypes
import fcntl
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
from typing import Any

MS_NOSUID, MS_NODEV, MS_BIND = 2, 4, 4096
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
RESTART, POWER_OFF = 0x01234567, 0x4321FEDC - (1 << 32)
"The commands of reboot(2)."
LAB = "/run/lab"
REQUESTS = f"{LAB}/initctl"
SYSRQ = f"{LAB}/sysrq"
SYSRQ_FILE = "/proc/sysrq-trigger"
SBIN = "/usr/local/sbin"
WATCHDOG = "/dev/watchdog"
REQUEST_PROGRAM = f"""#!/bin/sh
# Ask the machine's process 1: off, or off and on again.
case "$0 $*" in
*reboot* | *-r*) echo reboot > {REQUESTS} ;;
*) echo poweroff > {REQUESTS} ;;
esac
"""
RESTART_DELAY_S = 0.1
"As systemd's RestartSec."
LEFTOVERS_TIMEOUT_S = 2.0
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    """mount(2). Raises OSError naming the target."""
    if _libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount {kind or 'bind'} on {target}: {os.strerror(number)}")


def arrange_files(config: dict[str, Any]) -> None:
    """Give the machine its own /etc and /var (on its disk), /run and the like (memory), /sys; hide what could harm."""
    for name, layers in config["disks"].items():
        options = f"lowerdir=/{name},upperdir={layers['upper']},workdir={layers['work']}"
        mount("overlay", f"/{name}", "overlay", options=options)
    memory = {path: f"mode={mode}" for path, mode in config["memory"].items()}
    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, memory.pop("/run"))
    arrange_devices()
    for path, options in memory.items():
        mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options)
    os.makedirs("/run/lock", exist_ok=True)
    mount("sysfs", "/sys", "sysfs")
    if config["cgroup"]:
        mount("cgroup2", "/sys/fs/cgroup", "cgroup2")
    arrange_power()
    if os.path.isdir("/root/.aws"):
        mount("tmpfs", "/root/.aws", "tmpfs", MS_NOSUID | MS_NODEV, "mode=700")


def arrange_devices() -> None:
    """Give the machine a /dev with a place for a watchdog of its own. The host's devices show through."""
    layer, pts = f"{LAB}/dev", f"{LAB}/pts"
    os.makedirs(layer)
    os.makedirs(pts)
    with open(f"{layer}/watchdog", "w", encoding="ascii"):
        pass
    mount("/dev/pts", pts, "", MS_BIND)
    mount("overlay", "/dev", "overlay", options=f"lowerdir={layer}:/dev")
    mount(pts, "/dev/pts", "", MS_BIND)
    for name in os.listdir("/dev"):
        # The host's own has other names too; the one that matters is taken by the file above.
        if name.startswith("watchdog") and name != "watchdog":
            mount("/dev/null", f"/dev/{name}", "", MS_BIND)


def plug_in_watchdog() -> int | None:
    """The watchdog of this machine, which is the lab's: the connection to hand over; None where there is no FUSE."""
    try:
        connection = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        mount("/dev/null", WATCHDOG, "", MS_BIND)
        return None
    options = f"fd={connection},rootmode=100600,user_id=0,group_id=0,allow_other"
    mount("watchdog", WATCHDOG, "fuse", MS_NOSUID, options)
    return connection


def arrange_power() -> None:
    """Give the machine its own sysrq, which never reaches the host's kernel, and the programs that end it in order."""
    os.makedirs(f"{LAB}/sbin")
    os.mkfifo(SYSRQ, 0o200)
    os.mkfifo(REQUESTS, 0o200)
    if os.path.exists(SYSRQ_FILE):
        mount(SYSRQ, SYSRQ_FILE, "", MS_BIND)
    for name in ("shutdown", "poweroff", "reboot"):
        with open(f"{LAB}/sbin/{name}", "w", encoding="ascii") as file:
            file.write(REQUEST_PROGRAM)
        os.chmod(file.name, 0o755)
    mount("overlay", SBIN, "overlay", options=f"lowerdir={LAB}/sbin:{SBIN}")


def unplug() -> None:
    """A machine that goes down at once says farewell to nobody: its kernel, which is the host's, must not do it."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"eth0", 0))


def reboot(command: int) -> None:
    """reboot(2) of this process namespace; does not return."""
    os.sync()
    _libc.reboot(ctypes.c_int(command))


def arrange_network(config: dict[str, Any]) -> None:
    """Bring up the loopback device and set the machine's network parameters."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
    for name, value in config["sysctls"].items():
        with open("/proc/sys/" + name.replace(".", "/"), "w", encoding="ascii") as file:
            file.write(value)


class Service:
    """One supervised program."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.name: str = request["service"]
        self.argv: list[str] = request["argv"]
        self.environment: dict[str, str] = {**ENVIRONMENT, **request.get("env", {})}
        self.restart: bool = request.get("restart", False)
        self.stop_timeout_s: float = request.get("stop_timeout_s", 60.0)
        self.pid = 0
        self.kill_at = 0.0
        self.start_at = 0.0
        self.wanted = True

    def start(self) -> None:
        """Run it with its output appended to /var/log/lab/NAME.log."""
        os.makedirs("/var/log/lab", exist_ok=True)
        log = os.open(f"/var/log/lab/{self.name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        null = os.open("/dev/null", os.O_RDONLY)
        try:
            self.pid = os.posix_spawn(
                self.argv[0],
                self.argv,
                self.environment,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, null, 0),
                    (os.POSIX_SPAWN_DUP2, log, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                ],
                setsid=True,
                setsigmask=(),
                setsigdef=(signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE),
            )
        finally:
            os.close(log)
            os.close(null)
        self.start_at = 0.0


class Init:
    """The event loop of PID 1."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.services: dict[str, Service] = {}
        self.selector = selectors.DefaultSelector()
        self.shutting_down = False
        self.leftovers_until = 0.0
        self.restarts = False
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.selector.register(wake_read, selectors.EVENT_READ)
        self.selector.register(control, selectors.EVENT_READ)
        self.wake = wake_read
        # Opened for both ways: it never ends, and a writer never waits for us.
        self.requests = os.open(REQUESTS, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.sysrq = os.open(SYSRQ, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.selector.register(self.requests, selectors.EVENT_READ)
        self.selector.register(self.sysrq, selectors.EVENT_READ)

    def tell(self, **event: Any) -> None:
        """Send an event to the lab; a full or closed socket ends the machine, for then nobody holds it."""
        event["at_ns"] = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        self.control.send(json.dumps(event).encode())

    def run(self, watchdog: int | None) -> None:
        """Serve until the shutdown is complete or the lab is gone. The lab gets the watchdog's connection."""
        ready = json.dumps({"event": "ready"}).encode()
        if watchdog is None:
            self.control.send(ready)
        else:
            socket.send_fds(self.control, [ready], [watchdog])
            os.close(watchdog)
        while not (self.shutting_down and self.finish()):
            for key, _ in self.selector.select(self.wait_s()):
                if key.fileobj is self.control:
                    datagram = self.control.recv(1 << 20)
                    if not datagram:
                        return
                    self.answer(json.loads(datagram))
                elif key.fileobj == self.sysrq:
                    self.obey_sysrq(os.read(self.sysrq, 4096))
                elif key.fileobj == self.requests:
                    self.restarts = b"reboot" in os.read(self.requests, 4096)
                    self.shut_down()
                else:
                    for number in os.read(self.wake, 4096):
                        if number == signal.SIGTERM:
                            self.shut_down()
            self.reap()
            self.keep_time()
        reboot(RESTART if self.restarts else POWER_OFF)

    def obey_sysrq(self, letters: bytes) -> None:
        """What the kernel would do, at once and without a word to anybody."""
        for letter in letters:
            if letter in b"bco":
                unplug()
            if letter == ord("b"):
                _libc.reboot(ctypes.c_int(RESTART))
            elif letter in b"co":
                _libc.reboot(ctypes.c_int(POWER_OFF))

    def wait_s(self) -> float | None:
        """How long to sleep: until the earliest thing that is due."""
        times = [t for s in self.services.values() for t in (s.kill_at, s.start_at) if t]
        if self.leftovers_until:
            times.append(self.leftovers_until)
        return max(0.0, min(times) - time.monotonic()) if times else None

    def answer(self, request: dict[str, Any]) -> None:
        """Carry out one request and answer it by its id."""
        try:
            reply = getattr(self, "do_" + request["do"])(request) or {}
        except (OSError, KeyError) as error:
            reply = {"error": f"{request['do']}: {error}"}
        self.tell(event="reply", id=request["id"], **reply)

    def do_start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a service unless it runs."""
        known = self.services.get(request["service"])
        if known and known.pid:
            known.wanted = True
            return {"pid": known.pid}
        service = Service(request)
        service.start()
        self.services[service.name] = service
        return {"pid": service.pid}

    def do_stop(self, request: dict[str, Any]) -> None:
        """Ask the service's main process to end, as systemd does with KillMode=process; kill it after its timeout."""
        service = self.services.get(request["service"])
        if service is not None:
            self.stop(service)

    def do_state(self, _request: dict[str, Any]) -> dict[str, Any]:
        """The services with their pids inside the machine; 0 = not running."""
        return {"services": {name: service.pid for name, service in self.services.items()}}

    def stop(self, service: Service) -> None:
        """TERM now, KILL when its time is over, no restart."""
        service.wanted = False
        service.start_at = 0.0
        if service.pid and not service.kill_at:
            os.kill(service.pid, signal.SIGTERM)
            service.kill_at = time.monotonic() + service.stop_timeout_s

    def reap(self) -> None:
        """Collect every dead child: services, and orphans that were given to us."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for service in self.services.values():
                if service.pid == pid:
                    service.pid, service.kill_at = 0, 0.0
                    self.tell(event="exited", service=service.name, status=os.waitstatus_to_exitcode(status))
                    if service.wanted and service.restart and not self.shutting_down:
                        service.start_at = time.monotonic() + RESTART_DELAY_S

    def keep_time(self) -> None:
        """Do what is due: restarts and kills."""
        now = time.monotonic()
        for service in self.services.values():
            if service.pid and service.kill_at and now >= service.kill_at:
                os.kill(service.pid, signal.SIGKILL)
                service.kill_at = now + 1.0
            if service.start_at and now >= service.start_at:
                service.start()
                self.tell(event="restarted", service=service.name, pid=service.pid)

    def shut_down(self) -> None:
        """Begin the clean shutdown."""
        if self.shutting_down:
            return
        self.shutting_down = True
        for service in reversed(self.services.values()):
            self.stop(service)

    def finish(self) -> bool:
        """Once the services have ended: end what is left, and say whether nothing is."""
        if any(service.pid for service in self.services.values()):
            return False
        try:
            os.kill(-1, 0)
        except ProcessLookupError:
            return True
        now = time.monotonic()
        if not self.leftovers_until:
            os.kill(-1, signal.SIGTERM)
            self.leftovers_until = now + LEFTOVERS_TIMEOUT_S
        return now >= self.leftovers_until


def main() -> int:
    """Set the machine up and serve; a failure is told to the lab in one sentence."""
    config = json.loads(sys.argv[1])
    control = socket.socket(fileno=config["control_fd"])
    os.set_inheritable(control.fileno(), False)
    try:
        socket.sethostname(config["hostname"])
        arrange_files(config)
        arrange_network(config)
        watchdog = plug_in_watchdog()
    except OSError as error:
        control.send(json.dumps({"event": "failed", "error": error.strerror}).encode())
        return 1
    os.chdir("/")
    try:
        Init(control).run(watchdog)
    except (BrokenPipeError, ConnectionResetError):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

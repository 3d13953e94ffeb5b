"""A lab: the router, the machines of a topology and their cables, from up to down.

    with Lab(topology.onprem(), name="try") as lab:
        lab.node("node1").run(["ip", "address"])
        lab.power_off("node1")

Everything is gone afterwards, also after an exception, Ctrl-C or SIGTERM; when this process is killed, a guardian
process does it.
"""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from komainu_lab import ground
from komainu_lab.cgroups import Cgroup, lab_groups, make_lab_group
from komainu_lab.clock import boottime_ns
from komainu_lab.disk import Disk
from komainu_lab.errors import LabError
from komainu_lab.namespaces import Node
from komainu_lab.topology import Machine, Topology
from komainu_lab.wires import Cut, Wires, cut_off

ROOT = Path("/run/komainu-lab")
NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,30}$")
ROUTER_SYSCTLS = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
}
NAT_SYSCTLS = {"net.ipv4.ip_forward": "1", "net.ipv4.conf.default.send_redirects": "0"}
SHUTDOWN_TIMEOUT_S = 90.0


def no_words(_text: str) -> None:
    """Say nothing."""


def take_lock(path: Path) -> int | None:
    """An exclusive lock on a file. None when somebody has it. Its holders remove it, and the last one its folder."""
    while True:
        path.parent.mkdir(mode=0o755, exist_ok=True)
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue  # the folder was removed since
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.stat(path).st_ino == os.fstat(lock).st_ino:
                return lock
        except BlockingIOError:
            os.close(lock)
            return None
        except FileNotFoundError:
            pass
        # The former holder removed the file between our opening and locking it.
        os.close(lock)


def _remove_if_empty(folder: Path) -> None:
    """Remove a folder unless somebody else uses it."""
    with contextlib.suppress(OSError):
        folder.rmdir()


class Lab:
    """One running lab. Its methods may be called from several threads."""

    def __init__(self, topology: Topology, name: str, say: Callable[[str], None] = no_words) -> None:
        """`name` tells labs on one machine apart. `say` is given each step in a few words."""
        if not NAME.match(name):
            raise LabError(f"'{name}' cannot be the name of a lab: use lower-case letters, digits and '-'")
        self.topology = topology
        self.name = name
        self.say = say
        self.state = ROOT / name
        self.lock = threading.RLock()
        self.nodes: dict[str, Node] = {}
        self.before_power_on: list[Callable[[Machine, Node], None]] = []
        "Called with each machine before it is switched on: to put files on its disk."
        self.after_power_on: list[Callable[[Machine, Node], None]] = []
        "Called with each machine when it is on and plugged in."
        self._undo = contextlib.ExitStack()
        self._cgroup: Cgroup | None = None
        self._wires: Wires | None = None
        self.router: Node | None = None
        self._closing = False

    # --- the whole ---

    def __enter__(self) -> "Lab":
        """Bring the lab up; when that fails, nothing is left."""
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it down."""
        self.down()

    def up(self) -> None:
        """The router and its subnets; the machines are still off. Raises LabError."""
        ground.check()
        release = Path("/lib/modules") / os.uname().release
        ground.check_file_systems(Path("/proc/filesystems").read_text(), release)
        self._claim_name()
        self.say("router")
        self.router = self._make("router", ROUTER_SYSCTLS)
        self.router.power_on()
        self._wires = Wires(self.router.pid)
        self._undo.callback(self._wires.close)
        for subnet in self.topology.subnets:
            self._wires.add_subnet(subnet)
        for machine in self.topology.machines:
            node = self._make(machine.name, NAT_SYSCTLS if machine.kind == "nat" else {})
            node.on_death = self._went_down
            node.on_watchdog = self._reset
            self.nodes[machine.name] = node

    def down(self) -> None:
        """Take everything down and remove it. May be called twice."""
        with self.lock:
            self._closing = True
            self._undo.close()

    def _claim_name(self) -> None:
        """Make the state directory ours, and see to it that it goes when we go."""
        self._undo.callback(_remove_if_empty, ROOT)
        lock = take_lock(self.state.with_suffix(".lock"))
        if lock is None:
            raise LabError(
                f"a lab named '{self.name}' is up already; take it down (komainu-lab down --name {self.name}) "
                "or choose another name"
            )
        self._undo.callback(os.close, lock)
        self._undo.callback(self.state.with_suffix(".lock").unlink, missing_ok=True)
        for leftover in lab_groups(self.name):
            leftover.end()
        shutil.rmtree(self.state, ignore_errors=True)
        self.state.mkdir(mode=0o755)
        self._undo.callback(shutil.rmtree, self.state, ignore_errors=True)
        # The guardian inherits the lock: the name is free only when its work is done.
        guardian = subprocess.Popen(
            [sys.executable, "-m", "komainu_lab.guardian", self.name, str(self.state)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=(lock,), start_new_session=True, cwd="/",
        )  # fmt: skip
        self._undo.callback(guardian.communicate)
        self._cgroup = make_lab_group(self.name)
        if self._cgroup is not None:
            self._undo.callback(self._cgroup.end)

    def _make(self, name: str, sysctls: dict[str, str]) -> Node:
        """A machine with an empty disk, switched off."""
        disk = Disk(self.state / name)
        disk.format()
        node = Node(name, disk, self._cgroup.child(name) if self._cgroup is not None else None, sysctls)
        self._undo.callback(node.power_off)
        return node

    # --- the parts ---

    def node(self, name: str) -> Node:
        """A machine by name. Raises LabError when there is none."""
        try:
            return self.nodes[name]
        except KeyError:
            raise LabError(f"there is no machine '{name}'; there are {', '.join(self.nodes)}") from None

    @property
    def wires(self) -> Wires:
        """The cables. Raises LabError when the lab is down."""
        if self._wires is None:
            raise LabError("the lab is down")
        return self._wires

    # --- power ---

    def power_on(self, *names: str) -> int:
        """Switch machines on; without names, all that are off. Returns the time just before, CLOCK_BOOTTIME in ns."""
        with self.lock:
            at = boottime_ns()
            for name in names or [name for name, node in self.nodes.items() if not node.on]:
                machine, node = self.topology.machine(name), self.node(name)
                for work in self.before_power_on:
                    work(machine, node)
                node.power_on()
                self.wires.attach(machine, node.pid)
                self.wires.heal(f"power {name}", f"freeze {name}")
                for work in self.after_power_on:
                    work(machine, node)
            return at

    def _went_down(self, node: Node) -> None:
        """A machine went off for whatever reason; one that rebooted itself comes up again by itself."""
        if node.restarts:
            # Not here: whoever holds the lock may wait for the thread that calls this.
            threading.Thread(target=self._come_up, args=(node,), name=f"boot of {node.name}", daemon=True).start()

    def _reset(self, node: Node) -> None:
        """The watchdog of a machine fired. One that stands still has a watchdog that stands still."""
        with self.lock:
            if not self._closing and node.on and not node.frozen:
                self.say(f"the watchdog resets {node.name}")
                self.power_off(node.name)
                self.power_on(node.name)

    def _come_up(self, node: Node) -> None:
        with self.lock:
            if node.restarts and not node.on and not self._closing:
                node.restarts = False
                self.say(f"{node.name} boots")
                self.power_on(node.name)

    def power_off(self, name: str) -> int:
        """Loss of power: the cable is dead and PID 1 is killed. Returns the time just before, CLOCK_BOOTTIME in ns."""
        with self.lock:
            machine, node = self.topology.machine(name), self.node(name)
            # First the cable: the kernel of a machine without power sends no FIN for the sockets it closes.
            at = self.wires.cut(f"power {name}", cut_off(machine))
            node.power_off()
            self.wires.detach(machine)
            return at

    def all_off(self) -> None:
        """Cut the power of every machine; the router stays."""
        with self.lock:
            for node in self.nodes.values():
                node.power_off()

    def shut_down(self, name: str) -> int:
        """Clean shutdown. Returns the time just before it was asked for, CLOCK_BOOTTIME in ns."""
        machine, node = self.topology.machine(name), self.node(name)
        at = boottime_ns()
        node.shut_down(SHUTDOWN_TIMEOUT_S)
        with self.lock:
            self.wires.detach(machine)
        return at

    def freeze(self, name: str) -> int:
        """The machine stands still and answers nothing, not even by its kernel. Returns the time just before, in ns."""
        with self.lock:
            machine, node = self.topology.machine(name), self.node(name)
            at = self.wires.cut(f"freeze {name}", cut_off(machine))
            node.freeze()
            return at

    def thaw(self, name: str) -> int:
        """It goes on. Returns the time just before, CLOCK_BOOTTIME in ns."""
        with self.lock:
            at = self.wires.heal(f"freeze {name}")
            self.node(name).thaw()
            return at

    def cut(self, name: str, cut: Cut) -> int:
        """Drop packets from now on, under a name. Returns the time just before, CLOCK_BOOTTIME in ns."""
        with self.lock:
            return self.wires.cut(name, cut)

    def heal(self) -> int:
        """End every cut but those of frozen machines. Returns the time just before, CLOCK_BOOTTIME in ns."""
        with self.lock:
            return self.wires.heal(*[name for name in self.wires.cuts if name.startswith("cut ")])

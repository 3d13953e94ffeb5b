"""Nodes for the tests of the corosync adapter: namespaces on one switch, with nothing but corosync and our own process.

A node has its own network, mounts, pids, host name and IPC. Nothing is named globally, so that two runs cannot meet;
a node lives as long as its PID 1, and that dies with the test process.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from komainu.adapters.corosync.conf import corosync_conf, new_authkey
from komainu.model.config import Arbitration, Cluster, Node

HERE = Path(__file__).parent
CAN_RUN = os.geteuid() == 0 and all(shutil.which(tool) for tool in ("corosync", "setpriv", "unshare", "nsenter", "ip"))
WHY_NOT = "needs root, corosync, util-linux and iproute2"
DEADLINE_S = 20


class Machine:
    """The holder of a set of namespaces."""

    def __init__(self, name: str, namespaces: tuple[str, ...]) -> None:
        self.name = name
        ready, tell = os.pipe()
        try:
            init = [sys.executable, "-S", "-E", str(HERE / "node_init.py"), name if namespaces else "", str(tell)]
            self._holder = subprocess.Popen(
                # A node dies with this process, however that ends.
                ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--fork", "--kill-child", *namespaces, *init],
                pass_fds=(tell,),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            os.close(tell)
            if not os.read(ready, 1):
                self._holder.kill()
                self._holder.wait(DEADLINE_S)
                raise RuntimeError(f"node {name} did not come up")
        finally:
            os.close(ready)
        holder = self._holder.pid
        self.pid = int(Path(f"/proc/{holder}/task/{holder}/children").read_text().split()[0])
        "Of PID 1, seen from outside."
        self._enter = ["nsenter", "-t", str(self.pid), "-a" if namespaces else "-n"]

    def command(self, *argv: str) -> list[str]:
        """The command line that runs `argv` inside."""
        return [*self._enter, *argv]

    def run(self, *argv: str) -> str:
        """Run a command inside to its end; returns what it printed."""
        done = subprocess.run(
            self.command(*argv),
            check=False,
            timeout=DEADLINE_S,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: {argv} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def path(self, inside: str) -> Path:
        """A file of the node, seen from outside."""
        return Path(f"/proc/{self.pid}/root{inside}")

    def outside_pid(self, inside: int) -> int:
        """The pid out here of a process of the node."""
        own = os.readlink(f"/proc/{self.pid}/ns/pid")
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    status = (entry / "status").read_text()
                    chain = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
                    if os.readlink(entry / "ns/pid") == own and int(chain[-1]) == inside:
                        return int(entry.name)
        raise ProcessLookupError(inside)

    def power_off(self) -> None:
        """Everything inside ends at once."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._holder.wait(DEADLINE_S)


class TestNode(Machine):
    """A node with corosync."""

    __test__ = False

    def __init__(self, number: int) -> None:
        super().__init__(
            f"n{number}",
            (
                "--mount",
                "--pid",
                "--uts",
                "--ipc",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "--propagation",
                "private",
            ),
        )
        self.number = number

    def write_corosync(self, cluster: Cluster, authkey: bytes) -> None:
        """Put the files in place, as the daemon does."""
        self.path("/etc/corosync/corosync.conf").write_text(corosync_conf(cluster))
        key = self.path("/etc/corosync/authkey")
        key.write_bytes(authkey)
        key.chmod(0o400)

    def start_corosync(self) -> None:
        """Start it daemonized: never -f under nsenter, where a SIGSTOP would hang the teardown."""
        self.run("corosync")

    def corosync_pid(self) -> int:
        """The pid of corosync, seen from outside. Raises ProcessLookupError or FileNotFoundError."""
        return self.outside_pid(int(self.path("/run/corosync.pid").read_text()))

    def signal_corosync(self, number: signal.Signals) -> None:
        """Send corosync a signal."""
        os.kill(self.corosync_pid(), number)


class Nodes:
    """A few nodes on one switch, and optionally a second one for the second link."""

    def __init__(self, count: int, links: int = 1, detect_within_ms: int = 450, ipv6: bool = False) -> None:
        self.links = links
        self.ipv6 = ipv6
        self.cluster = Cluster(
            name="test",
            environment="onprem",
            detect_within_ms=detect_within_ms,
            arbitration=Arbitration(kind="none"),
            nodes=tuple(
                Node(name=f"n{n}", id=n, links=tuple(self.address(n, link) for link in range(links)))
                for n in range(1, count + 1)
            ),
        )
        self.authkey = new_authkey()
        self.switch = Machine("switch", ())
        self.by_number: dict[int, TestNode] = {}
        try:
            for link in range(links):
                self.switch.run("ip", "link", "add", f"br{link}", "type", "bridge", "forward_delay", "0")
                self.switch.run("ip", "link", "set", f"br{link}", "up")
            for number in range(1, count + 1):
                self.power_on(number)
        except BaseException:
            self.close()
            raise

    def address(self, number: int, link: int) -> str:
        """The node's address on a link."""
        return f"fd00:30:{link}::{number}" if self.ipv6 else f"172.30.{link}.{number}"

    def power_on(self, number: int) -> TestNode:
        """A node with its cables plugged in; corosync is configured and not running."""
        node = TestNode(number)
        self.by_number[number] = node
        for link in range(self.links):
            port, inside = f"p{number}l{link}", f"eth{link}"
            self.switch.run(
                "ip", "link", "add", port, "type", "veth", "peer", "name", inside, "netns", str(node.pid)
            )  # fmt: skip
            self.switch.run("ip", "link", "set", port, "master", f"br{link}", "up")
            if self.ipv6:
                node.run("ip", "addr", "add", f"{self.address(number, link)}/64", "dev", inside, "nodad")
            else:
                node.run("ip", "addr", "add", f"{self.address(number, link)}/24", "dev", inside)
            node.run("ip", "link", "set", inside, "up")
        node.write_corosync(self.cluster, self.authkey)
        return node

    def power_off(self, number: int) -> None:
        """Pull the plug of a node."""
        self.by_number.pop(number).power_off()

    def cut(self, number: int, link: int | None = None) -> None:
        """Pull a node's cables, or one of them."""
        for each in range(self.links) if link is None else (link,):
            self.switch.run("ip", "link", "set", f"p{number}l{each}", "down")

    def heal(self, number: int) -> None:
        """Plug a node's cables in again."""
        for link in range(self.links):
            self.switch.run("ip", "link", "set", f"p{number}l{link}", "up")

    def close(self) -> None:
        """End everything."""
        for number in list(self.by_number):
            self.power_off(number)
        self.switch.power_off()


@contextlib.contextmanager
def corosync_nodes(count: int, links: int = 1, detect_within_ms: int = 450, ipv6: bool = False) -> Iterator[Nodes]:
    """Nodes for the time of a test."""
    nodes = Nodes(count, links, detect_within_ms, ipv6)
    try:
        yield nodes
    finally:
        nodes.close()

"""keepalived as a contender: VRRP moves an address between two nodes; the application runs on both."""

import time

from komainu_lab import configuration
from komainu_lab.bench.contender import POLL_S, SETTLE_TIMEOUT_S, Say, start_witness, told
from komainu_lab.bench.peer import Peer
from komainu_lab.bench.witness import READY, became_master, current_state
from komainu_lab.clock import boottime_ns
from komainu_lab.errors import LabError
from komainu_lab.namespaces import Node
from komainu_lab.topology import Machine

CONF = "/etc/keepalived/keepalived.conf"
FIFO = "/run/komainu-bench-vrrp"
SERVICE = "keepalived"
WITNESS_TIMEOUT_S = 10.0


def conf(priority: int, advert_s: str, address: str) -> str:
    """keepalived.conf of one node. A node that returns leaves the address where it is (nopreempt)."""
    return f"""global_defs {{
    vrrp_version 3
    vrrp_notify_fifo {FIFO}
}}
vrrp_instance VI {{
    interface eth0
    virtual_router_id 51
    state BACKUP
    nopreempt
    priority {priority}
    advert_int {advert_s}
    virtual_ipaddress {{
        {address}/24
    }}
}}
"""


class Keepalived(Peer):
    """Two nodes on one segment."""

    def __init__(self, name: str, heading: tuple[str, ...], faults: tuple[str, ...], say: Say, advert_s: str) -> None:
        """`advert_s`: between two advertisements, in seconds."""
        super().__init__(name, heading, faults, say)
        self._advert_s = advert_s

    def prepare(self, machine: Machine, node: Node) -> None:
        """Its configuration, on the disk before each boot."""
        priority = 100 + self.topology.nodes.index(machine)
        node.disk.write(CONF, conf(priority, self._advert_s, str(self.topology.service_address)))

    def boot(self, machine: Machine, node: Node) -> None:
        """Each time it is switched on: the application, and keepalived with its witness before it."""
        node.start_service("application", configuration.APPLICATION, restart=True)
        since_ns = boottime_ns()
        start_witness(node, "fifo", FIFO)
        deadline = time.monotonic() + WITNESS_TIMEOUT_S
        while not any(line.at_ns > since_ns and line.what == READY for line in told(node)):
            if time.monotonic() > deadline:
                raise LabError(f"the witness on {node.name} is not ready after {WITNESS_TIMEOUT_S:.0f} s")
            time.sleep(POLL_S)
        self._start(node)

    def form(self) -> None:
        """They find each other."""
        self.settle()

    def settle(self) -> str:
        """Wait until one node is master and the other one backup."""
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while True:
            states = {node.name: current_state(told(node)) for node in self.nodes}
            if sorted(states.values()) == ["BACKUP", "MASTER"]:
                return next(name for name, state in states.items() if state == "MASTER")
            if time.monotonic() > deadline:
                raise LabError(f"keepalived is not settled after {SETTLE_TIMEOUT_S:.0f} s: {states}")
            time.sleep(POLL_S)

    def move(self, to: str) -> int:
        """There is no command for it: keepalived is stopped on the node that has the address."""
        node = next(node for node in self.nodes if node.name != to)
        at = boottime_ns()
        node.stop_service(SERVICE)
        return at

    def after_move(self) -> None:
        """Start it again where it was stopped."""
        for node in self.nodes:
            self._start(node)

    def kill_application(self, node: str) -> int:
        """Raises LabError: keepalived does not start applications."""
        raise LabError("keepalived does not know applications")

    def detected_ns(self, survivor: str, lost: str, since_ns: int) -> int | None:
        """VRRP has no membership: what comes next to it is that the survivor takes itself for the master."""
        return became_master(told(self.lab.node(survivor)), since_ns)

    def _start(self, node: Node) -> None:
        arguments = ["-n", "-l", "-P", "-f", CONF, "-p", "/run/keepalived.pid", "-r", "/run/vrrp.pid"]
        node.start_service(SERVICE, ["/usr/sbin/keepalived", *arguments])

"""Pacemaker as a contender: corosync, IPaddr2 and the lab's application as a group of two resources, no fencing."""

import os
import shutil
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from komainu_lab import configuration
from komainu_lab.bench.contender import POLL_S, SETTLE_TIMEOUT_S, Say, ring_lost_ns, start_witness, the_process
from komainu_lab.bench.corosync import Timing, conf
from komainu_lab.bench.peer import Peer
from komainu_lab.clock import boottime_ns
from komainu_lab.errors import LabError
from komainu_lab.namespaces import Node
from komainu_lab.product import new_authkey
from komainu_lab.topology import Machine

AGENT = Path(__file__).with_name("application.ocf")
AGENTS = "/usr/lib/ocf/resource.d"
OURS = "/run/komainu-bench-agents"
GROUP = "service"
MONITOR_INTERVAL = "1s"
"Both resources; shorter than is usual (10 s), and to Pacemaker's favour."
STATE = ("cib", "pengine", "blackbox", "cores")
FIRST_TIMEOUT_S = 120.0
"On its first start Pacemaker waits 20 s for a coordinator before it elects one."


@dataclass(frozen=True, slots=True)
class Seen:
    """What `crm_mon` says on one node."""

    coordinator: str
    "Empty when there is none."
    online: tuple[str, ...]
    "The nodes that are online and not on their way in or out."
    places: dict[str, str]
    "Where each resource is started; empty for one that is not, or that something is being done to."


def read(text: str) -> Seen | None:
    """The XML that `crm_mon --output-as=xml -1` writes; None when it is no answer."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None
    found = root.find(".//current_dc")
    return Seen(
        found.get("name", "") if found is not None and found.get("present") == "true" else "",
        tuple(sorted(str(node.get("name")) for node in root.findall("./nodes/node") if _is_online(node))),
        {str(each.get("id")): _place(each) for each in root.findall(".//resource")},
    )


def _is_online(node: ElementTree.Element) -> bool:
    return node.get("online") == "true" and node.get("pending") == "false"


def _place(resource: ElementTree.Element) -> str:
    nodes = [str(node.get("name")) for node in resource.findall("node")]
    settled = resource.get("role") == "Started" and resource.get("pending") is None
    return nodes[0] if settled and len(nodes) == 1 else ""


def agreed(seen: Iterable[Seen | None], nodes: tuple[str, ...]) -> str:
    """Where everything is, when all nodes are online and all say the same; else empty."""
    views = list(seen)
    first = views[0] if views else None
    if first is None or any(view != first for view in views):
        return ""
    places = list(first.places.values())
    if first.online != tuple(sorted(nodes)) or not first.coordinator or not places or len(set(places)) != 1:
        return ""
    return places[0]


def resources(address: str, command: list[str]) -> str:
    """The group in the words of the CIB."""
    monitor = f'interval="{MONITOR_INTERVAL}" timeout="20s"'
    return f"""
<group id="{GROUP}">
  <primitive id="address" class="ocf" provider="heartbeat" type="IPaddr2">
    <instance_attributes id="address-values">
      <nvpair id="address-ip" name="ip" value="{address}"/>
      <nvpair id="address-mask" name="cidr_netmask" value="24"/>
      <nvpair id="address-device" name="nic" value="eth0"/>
    </instance_attributes>
    <operations><op id="address-monitor" name="monitor" {monitor}/></operations>
  </primitive>
  <primitive id="web" class="ocf" provider="komainu-bench" type="application">
    <instance_attributes id="web-values">
      <nvpair id="web-command" name="command" value="{" ".join(command)}"/>
    </instance_attributes>
    <operations><op id="web-monitor" name="monitor" {monitor}/></operations>
  </primitive>
</group>"""


class Pacemaker(Peer):
    """Two nodes on one segment."""

    def __init__(self, name: str, heading: tuple[str, ...], faults: tuple[str, ...], say: Say, timing: Timing) -> None:
        """`timing` of corosync."""
        super().__init__(name, heading, faults, say)
        self._timing = timing
        self._authkey = new_authkey()

    # --- the whole ---

    def prepare(self, machine: Machine, node: Node) -> None:
        """On the disk before the first boot: what packages and an administrator put there."""
        if node.disk.path("/etc/corosync/corosync.conf").exists():
            return
        node.disk.write("/etc/corosync/corosync.conf", conf(self.topology.nodes, self._timing))
        node.disk.write("/etc/corosync/authkey", self._authkey, 0o400)
        state = node.disk.path("/var/lib/pacemaker")
        for path in (state, *(state / name for name in STATE), node.disk.path("/var/log/pacemaker")):
            path.mkdir(parents=True, exist_ok=True)
            shutil.chown(path, "hacluster", "haclient")
            path.chmod(0o750)
        # What a Pacemaker of the host may have decided must not show through.
        os.setxattr(state, "trusted.overlay.opaque", b"y")

    def boot(self, machine: Machine, node: Node) -> None:
        """Each time it is switched on: directories in memory, our agent beside the packaged ones, the services."""
        root = Path(f"/proc/{node.pid}/root")
        for name, mode in (("crm", 0o750), ("resource-agents", 0o755)):
            path = root / "run" / name
            path.mkdir()
            path.chmod(mode)
        shutil.chown(root / "run/crm", "hacluster", "haclient")
        agent = root / OURS[1:] / "komainu-bench" / "application"
        agent.parent.mkdir(parents=True)
        shutil.copy(AGENT, agent)
        agent.chmod(0o755)
        node.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={OURS}:{AGENTS}", AGENTS])
        node.start_service("corosync", ["/usr/sbin/corosync", "-f"])
        start_witness(node, "ring")
        node.start_service("pacemaker", ["/usr/sbin/pacemakerd", "-f"])

    def form(self) -> None:
        """Wait for a coordinator; then options and resources, by Pacemaker's own commands."""
        self.say("the first coordinator")
        self._wait_coordinator()
        self.say("resources")
        node = self.nodes[0]
        for name, value in (("stonith-enabled", "false"), ("no-quorum-policy", "ignore")):
            node.run(["crm_attribute", "--type", "crm_config", "--name", name, "--update", value])
        node.run(["crm_attribute", "--type", "rsc_defaults", "--name", "resource-stickiness", "--update", "100"])
        text = resources(str(self.topology.service_address), configuration.APPLICATION)
        node.run(["cibadmin", "--create", "--scope", "resources", "--xml-text", text])
        self.settle()

    # --- how it stands ---

    def _seen(self) -> Iterator[Seen | None]:
        for node in self.nodes:
            yield read(node.run(["crm_mon", "--output-as=xml", "-1"], check=False).stdout)

    def _wait_coordinator(self) -> None:
        deadline = time.monotonic() + FIRST_TIMEOUT_S
        while True:
            views = list(self._seen())
            if all(view and view.coordinator and view.online == tuple(sorted(self.names)) for view in views):
                return
            if time.monotonic() > deadline:
                raise LabError(f"Pacemaker has no coordinator after {FIRST_TIMEOUT_S:.0f} s; last seen: {views}")
            time.sleep(POLL_S)

    def settle(self) -> str:
        """Wait until both nodes are online, agree where everything runs, and nothing is left to do."""
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while True:
            views = list(self._seen())
            place = agreed(views, self.names)
            if place and self._is_idle(views):
                return place
            if time.monotonic() > deadline:
                raise LabError(f"Pacemaker is not settled after {SETTLE_TIMEOUT_S:.0f} s; last seen: {views}")
            time.sleep(POLL_S)

    def _is_idle(self, views: Iterable[Seen | None]) -> bool:
        """The coordinator has nothing to do."""
        coordinator = next(view.coordinator for view in views if view is not None)
        return "S_IDLE" in self.nodes[0].run(["crmadmin", "--status", coordinator], check=False).stdout

    # --- what is done to it ---

    def move(self, to: str) -> int:
        """`crm_resource --move`."""
        at = boottime_ns()
        self.lab.node(to).run(["crm_resource", "--move", "--resource", GROUP, "--node", to])
        return at

    def after_move(self) -> None:
        """Take back the constraint that a move leaves."""
        self.nodes[0].run(["crm_resource", "--clear", "--resource", GROUP])

    def kill_application(self, node: str) -> int:
        """Kill the process that its agent started."""
        pid = the_process(self.lab.node(node), "application.py")
        at = boottime_ns()
        os.kill(pid, 9)
        return at

    def detected_ns(self, survivor: str, lost: str, since_ns: int) -> int | None:
        """Corosync's membership, by the same witness as Komainu's."""
        return ring_lost_ns(self.lab, survivor, lost, since_ns)

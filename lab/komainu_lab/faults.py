"""The faults of the lab, each a line of one table: what `komainu-lab fault KIND` offers and what the tests use.

Every fault returns the time just before it took effect (CLOCK_BOOTTIME in ns), so that what follows can be measured
against it; the true moment is at most a millisecond later.
"""

import os
import signal as signals
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from komainu_lab.clock import boottime_ns
from komainu_lab.errors import LabError
from komainu_lab.product import SERVICE
from komainu_lab.wires import Direction, cut_between, cut_off

if TYPE_CHECKING:
    from komainu_lab.cluster import LabCluster

PROCESSES = ("corosync", "komainud", "application")
IMDS = "169.254.169.254"
"Where a machine asks for its metadata, and for the credentials of its role."


def _direction(value: str) -> Direction:
    if value in get_args(Direction):
        return cast("Direction", value)
    raise LabError(f"the direction is both, in or out, not '{value}'")


def cut(cluster: "LabCluster", target: str, direction: str = "both") -> int:
    """Cut a machine off from everything; `in`: nothing reaches it, `out`: nothing it sends arrives."""
    machine = cluster.lab.topology.machine(target)
    return cluster.lab.cut(f"cut {target}", cut_off(machine, _direction(direction)))


def cut_interconnect(cluster: "LabCluster", target: str = "", direction: str = "both") -> int:
    """Cut the nodes off from one another and from nothing else; `out`: only what the target sends is lost."""
    nodes = cluster.lab.topology.nodes
    one = cluster.lab.topology.machine(target) if target else nodes[0]
    at = boottime_ns()
    for other in nodes:
        if other is not one:
            name = f"cut {one.name}-{other.name}"
            cluster.lab.cut(name, cut_between(one, other, _direction(direction)))
    return at


def process_id(cluster: "LabCluster", target: str, process: str) -> int:
    """The process as the host numbers it. Raises LabError when it does not run there."""
    node = cluster.lab.node(target)
    if process == "application":
        pids = node.running("application.py")
    elif process == "komainud":
        pids = node.running("bin/komainud")
    elif process == "corosync":
        pids = node.pids("corosync")
    else:
        raise LabError(f"the process is one of {', '.join(PROCESSES)}, not '{process}'")
    if not pids:
        raise LabError(f"{process} does not run on {target}")
    return pids[0]


def kill(cluster: "LabCluster", target: str, process: str, signal: str = "KILL") -> int:
    """Send a signal to a process of the product or to the application."""
    try:
        number = signals.Signals[f"SIG{signal.upper().removeprefix('SIG')}"]
    except KeyError:
        raise LabError(f"there is no signal '{signal}'") from None
    pid = process_id(cluster, target, process)
    at = boottime_ns()
    os.kill(pid, number)
    return at


def stop(cluster: "LabCluster", target: str) -> int:
    """Stop the cluster service on a node, as an administrator does."""
    at = boottime_ns()
    cluster.lab.node(target).stop_service(SERVICE)
    return at


def start(cluster: "LabCluster", target: str) -> int:
    """Start the cluster service on a node."""
    at = boottime_ns()
    cluster.product(target).start()
    return at


API_MODES = {"down": "silence", "slow": "delay"}
"Everyday words for kinds of `komainu_lab.vpc.faults`, whose own names hold as well."


def api(cluster: "LabCluster", mode: str, ms: str = "2000") -> int:
    """Make the AWS API fail: down, slow, refuse, hang, throttle, error, lost, denied, skewed ...; `ok` ends it."""
    at = boottime_ns()
    if mode == "ok":
        cluster.cloud.heal_api()
    else:
        kind = API_MODES.get(mode, mode)
        cluster.cloud.break_api(kind, delay_ms=int(ms) if kind == "delay" else 0)
    return at


def names(cluster: "LabCluster", state: str = "off") -> int:
    """The names of the AWS API resolve nowhere, and connections that are open break; `on` ends it."""
    _on_or_off(state)
    endpoint = set(cluster.cloud.names)
    at = boottime_ns()
    for machine in cluster.topology.nodes:
        node = cluster.lab.node(machine.name)
        if node.on:
            lines = cluster.cloud.hosts(machine).splitlines(keepends=True)
            known = [line for line in lines if state == "on" or not endpoint & set(line.split())]
            (Path(f"/proc/{node.pid}/root") / "etc/hosts").write_text("".join(known), encoding="ascii")
    if state == "off":
        cluster.cloud.break_api("reset")
    else:
        cluster.cloud.heal_api()
    return at


def metadata(cluster: "LabCluster", target: str, state: str = "off") -> int:
    """The metadata service of a machine cannot be reached; `on` ends it."""
    _on_or_off(state)
    at = boottime_ns()
    cluster.lab.node(target).run(["ip", "route", "add" if state == "off" else "del", "unreachable", IMDS])
    return at


def announce(cluster: "LabCluster", target: str, mode: str, state: str = "", at: str = "") -> int:
    """EC2 announces maintenance, spot, rebalance or lifecycle to a node; `ok` takes all back. `state`: what comes."""
    now = boottime_ns()
    if mode == "ok":
        cluster.cloud.control.call("withdraw", machine=target)
    else:
        cluster.cloud.control.call("announce", machine=target, kind=mode, what=state, at=at)
    return now


def _on_or_off(state: str) -> None:
    if state not in ("on", "off"):
        raise LabError(f"the state is on or off, not '{state}'")


def store(cluster: "LabCluster", mode: str, target: str = "") -> int:
    """Make the store of the third vote fail, for one node or all: down, mute, lost, reset ...; `ok` ends it."""
    at = boottime_ns()
    if mode == "ok":
        cluster.votes.heal()
    else:
        cluster.votes.cut(*([target] if target else []), mode=mode)
    return at


def lose_record(cluster: "LabCluster") -> int:
    """Delete the record of the third vote."""
    at = boottime_ns()
    cluster.votes.delete()
    return at


def source_dest_check(cluster: "LabCluster", target: str, state: str = "on") -> int:
    """Switch the Source/Dest check of a machine's network interface on or off."""
    _on_or_off(state)
    at = boottime_ns()
    cluster.cloud.source_dest_check(target, state == "on")
    return at


def own_address(cluster: "LabCluster", ms: str) -> int:
    """How late a node gets a public address of its own after an Elastic IP left it: ms, or never; 0 ends it."""
    if ms != "never" and not (ms.isascii() and ms.isdigit()):
        raise LabError(f"own-address: the time is a number of ms or 'never', not '{ms}'")
    at = boottime_ns()
    cluster.cloud.own_address(None if ms == "never" else int(ms))
    return at


def route(cluster: "LabCluster", target: str) -> int:
    """Point the VIP's route at another machine's network interface in every table, as somebody might by mistake."""
    at = boottime_ns()
    cluster.cloud.point_route(target)
    return at


def delete_route(cluster: "LabCluster") -> int:
    """Delete the VIP's route from every table; `create-route` makes it again."""
    at = boottime_ns()
    cluster.cloud.delete_route()
    return at


def create_route(cluster: "LabCluster", target: str) -> int:
    """Make the VIP's route again in every table, to a machine's network interface."""
    at = boottime_ns()
    cluster.cloud.create_route(target)
    return at


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the table."""

    run: Callable[..., int]
    options: tuple[str, ...] = ()
    "Names of the options it takes, besides the cluster."
    required: tuple[str, ...] = ()

    @property
    def help(self) -> str:
        """Its first line of description."""
        return (self.run.__doc__ or "").partition("\n")[0]


def _of_lab(method: str, text: str) -> Callable[..., int]:
    """A fault that is one method of the lab, on one machine."""

    def run(cluster: "LabCluster", target: str) -> int:
        return int(getattr(cluster.lab, method)(target))

    run.__doc__ = text
    return run


def heal(cluster: "LabCluster") -> int:
    """End every cut."""
    return cluster.lab.heal()


_NODE = ("target",)
FAULTS: Mapping[str, Fault] = {
    "power-off": Fault(_of_lab("power_off", "Loss of power of a machine."), _NODE, _NODE),
    "power-on": Fault(_of_lab("power_on", "Switch a machine on again, with the disk it had."), _NODE, _NODE),
    "shutdown": Fault(_of_lab("shut_down", "A clean shutdown of a machine."), _NODE, _NODE),
    "freeze": Fault(_of_lab("freeze", "A machine stands still and answers nothing."), _NODE, _NODE),
    "thaw": Fault(_of_lab("thaw", "A frozen machine goes on."), _NODE, _NODE),
    "cut": Fault(cut, ("target", "direction"), _NODE),
    "cut-interconnect": Fault(cut_interconnect, ("target", "direction")),
    "heal": Fault(heal),
    "kill": Fault(kill, ("target", "process", "signal"), ("target", "process")),
    "stop": Fault(stop, _NODE, _NODE),
    "start": Fault(start, _NODE, _NODE),
    "api": Fault(api, ("mode", "ms"), ("mode",)),
    "names": Fault(names, ("state",)),
    "metadata": Fault(metadata, ("target", "state"), _NODE),
    "announce": Fault(announce, ("target", "mode", "state"), ("target", "mode")),
    "store": Fault(store, ("mode", "target"), ("mode",)),
    "lose-record": Fault(lose_record),
    "source-dest-check": Fault(source_dest_check, ("target", "state"), _NODE),
    "own-address": Fault(own_address, ("ms",), ("ms",)),
    "route": Fault(route, _NODE, _NODE),
    "delete-route": Fault(delete_route),
    "create-route": Fault(create_route, _NODE, _NODE),
}


def apply(cluster: "LabCluster", kind: str, options: Mapping[str, str]) -> int:
    """A fault by its name. Raises LabError for what is unknown or missing."""
    if kind not in FAULTS:
        raise LabError(f"there is no fault '{kind}'; there are {', '.join(FAULTS)}")
    fault = FAULTS[kind]
    given = {name: value for name, value in options.items() if value}
    if unknown := [name for name in given if name not in fault.options]:
        raise LabError(f"{kind} has no option {unknown[0]}; it takes {', '.join(fault.options) or 'none'}")
    if missing := [name for name in fault.required if name not in given]:
        raise LabError(f"{kind} needs {' and '.join(missing)}")
    if "target" in given:
        cluster.lab.node(given["target"])
    return fault.run(cluster, **given)

"""The emulated VPC as the lab uses it: start it beside a router, give each machine what EC2 gives it, make it fail.

vpc = Vpc(lab.topology, lab.state / "vpc", lab.router.pid)
lab.after_power_on.append(lambda machine, node: vpc.attach(machine, node.pid))
"""

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from komainu_lab.errors import LabError
from komainu_lab.topology import Machine, Topology
from komainu_lab.vpc.control import Control
from komainu_lab.vpc.description import Description
from komainu_lab.vpc.ready import is_ready
from komainu_lab.wires import Nftables, enter_network

START_S = 60.0
STOP_S = 15.0
SYSTEM_TRUST = Path("/etc/ssl/certs/ca-certificates.crt")


class Vpc:
    """One emulated VPC. Its methods may be called from several threads."""

    def __init__(self, topology: Topology, state: Path, router_pid: int) -> None:
        """Start the process; ready on return. `state` is a directory for its files. Raises LabError."""
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.topology = topology
        self.state = state
        command = ["nsenter", "-t", str(router_pid), "--net", sys.executable, "-m", "komainu_lab.vpc"]
        with (state / "vpc.log").open("ab") as errors:
            self._process = subprocess.Popen(
                [*command, topology.name, str(state)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd="/",
                start_new_session=True,
            )  # fmt: skip
        self.control = Control(state / "vpc.sock")
        try:
            self._wait_ready()
            found = self.control.call("describe")
        except BaseException:
            self.stop()
            raise
        self.built = Description.from_data(found["built"])
        self.endpoint: str = found["endpoint"]
        "The address of every AWS endpoint."
        self.names: tuple[str, ...] = tuple(found["names"])
        "The endpoints' host names."
        self.authority = Path(found["authority"])
        "The certificate to trust (PEM)."
        self.outside = Path(found["outside"])
        "The network namespace of the endpoint's host: a place on the internet, for `nsenter --net=`."

    def _wait_ready(self) -> None:
        if not is_ready(self._process, START_S):
            log = (self.state / "vpc.log").read_text(errors="replace").strip().splitlines()
            raise LabError(f"the emulated VPC did not start: {log[-1] if log else 'it said nothing'}")

    def stop(self) -> None:
        """End the process. May be called twice."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    # --- what a machine gets from EC2 at each start ---

    def attach(self, machine: Machine, pid: int) -> None:
        """After each power on: names and trust for a node, translation for a NAT instance."""
        if machine.kind == "nat":
            translate(pid, self.built.cidr)
        elif machine.kind == "node":
            root = Path(f"/proc/{pid}/root")
            (root / "etc/hosts").write_text(self.hosts(machine), encoding="ascii")
            trust = root / SYSTEM_TRUST.relative_to("/")
            trust.parent.mkdir(parents=True, exist_ok=True)
            trust.write_bytes(self.trust())

    def hosts(self, machine: Machine) -> str:
        """/etc/hosts of a machine."""
        machines = [f"{other.address} {other.name}" for other in self.topology.machines]
        return "\n".join(["127.0.0.1 localhost", *machines, f"{self.endpoint} {' '.join(self.names)}", ""])

    def trust(self) -> bytes:
        """The authorities that a machine trusts: those of the system and the lab's."""
        system = SYSTEM_TRUST.read_bytes() if SYSTEM_TRUST.exists() else b""
        return system + self.authority.read_bytes()

    # --- faults and facts ---

    def break_api(
        self,
        kind: str,
        *,
        actions: tuple[str, ...] = (),
        sources: tuple[str, ...] = (),
        times: int | None = None,
        delay_ms: int = 0,
    ) -> int:
        """Begin a fault of `komainu_lab.vpc.faults`; its number. Raises LabError."""
        return int(
            self.control.call("break_api", kind=kind, actions=actions, sources=sources, times=times, delay_ms=delay_ms)
        )

    def heal_api(self, number: int | None = None) -> None:
        """End one fault of the API, or all."""
        self.control.call("heal_api", number=number)

    def source_dest_check(self, machine: str, on: bool) -> None:
        """Switch the Source/Dest check of a machine's interface; packets obey on return. Raises LabError."""
        self.control.call("source_dest_check", machine=machine, on=on)

    def point_route(self, machine: str, table: str = "") -> None:
        """Point the VIP at a machine's interface in one table or all; packets obey on return. Raises LabError."""
        self.control.call("point_route", machine=machine, table=table)

    def delete_route(self, table: str = "") -> None:
        """Delete the VIP's row in one table or all; packets obey on return. Raises LabError."""
        self.control.call("delete_route", table=table)

    def create_route(self, machine: str, table: str = "") -> None:
        """Make the VIP's row in one table or all; packets obey on return. Raises LabError."""
        self.control.call("create_route", machine=machine, table=table)

    def add_table(self, machine: str) -> str:
        """One more route table with the VIP's row, of no subnet; its id. Raises LabError."""
        return str(self.control.call("add_table", machine=machine))

    def share(self, table: str) -> str:
        """Give a route table to another account, once; the ARN of the role that may write it. Raises LabError."""
        return str(self.control.call("share", table=table))

    def private_addresses(self, machine: str) -> tuple[str, ...]:
        """The private addresses that EC2 has at a machine's interface. Raises LabError."""
        return tuple(self.control.call("private_addresses", machine=machine))

    def hosted_zone(self, domain: str) -> str:
        """Make a zone in Route 53; its id. Raises LabError."""
        return str(self.control.call("hosted_zone", domain=domain))

    def record(self, zone: str, domain: str) -> tuple[str, ...]:
        """Where a record of Route 53 leads; nothing: there is none. Raises LabError."""
        return tuple(self.control.call("record", zone=zone, domain=domain))

    def delete_table(self, table: str) -> None:
        """Delete a route table that `add_table` made. Raises LabError."""
        self.control.call("delete_table", table=table)

    def secrets(self) -> list[str]:
        """Every secret key, session token and token of the metadata service that a machine was given so far."""
        return [str(each) for each in self.control.call("secrets")]

    def routes(self) -> dict[str, dict[str, str]]:
        """By table: the machine that the VIP points at (`target`) and the route's `state`."""
        return dict(self.control.call("routes"))

    def associate_address(self, machine: str, address: str = "") -> None:
        """Give an Elastic IP (without a name that of the service) to a machine; packets obey on return."""
        self.control.call("associate_address", machine=machine, address=address or self.built.service_address)

    def disassociate_address(self, address: str = "") -> None:
        """Take an Elastic IP (without a name that of the service) from where it is; packets obey on return."""
        self.control.call("disassociate_address", address=address or self.built.service_address)

    def public_addresses(self) -> dict[str, str]:
        """The public address of each machine that has one. Raises LabError."""
        return dict(self.control.call("public_addresses"))

    def own_address(self, delay_ms: int | None) -> None:
        """How late EC2 gives an interface a public address of its own after an Elastic IP has left it; None: never.

        0: at once, and to those that wait for one now; packets obey on return. Raises LabError.
        """
        self.control.call("own_address", delay_ms=delay_ms)

    def instance(self, machine: str, to: str) -> None:
        """`start`, `stop` or `terminate` an instance in EC2; packets obey on return. Raises LabError."""
        self.control.call("instance", machine=machine, to=to)

    def instance_state(self, machine: str) -> str:
        """What EC2 says of an instance: `running`, `stopped` ... Raises LabError."""
        return str(self.control.call("instance_state", machine=machine))

    def calls(self, after: int = 0) -> list[dict[str, Any]]:
        """The calls to the API with a higher number (see `komainu_lab.vpc.calls.Call`)."""
        return list(self.control.call("calls", after=after))

    def last_call(self) -> int:
        """The number of the latest call: what to give to `calls`."""
        return int(self.control.call("last_call"))

    def programmed(self, after: int = 0) -> list[dict[str, Any]]:
        """The times that packets began to go elsewhere (see `komainu_lab.vpc.fabric.Programmed`)."""
        return list(self.control.call("programmed", after=after))

    def on_instance_state(self, tell: Callable[[str, str], None]) -> threading.Thread:
        """Call `tell(machine, state)` from another thread whenever EC2 changes an instance's state; it ends with the
        process. On return, no later change is missed."""
        following = self.control.follow()
        next(following)

        def run() -> None:
            for event in following:
                if event["event"] == "instance":
                    tell(event["machine"], event["state"])

        thread = threading.Thread(target=run, name="instances", daemon=True)
        thread.start()
        return thread

    def on_power_off(self, cut: Callable[[str], None]) -> threading.Thread:
        """Call `cut(machine)` from another thread when EC2 takes an instance's power; EC2 says `stopped` only after it
        returned. It ends with the process."""
        following = self.control.follow()
        next(following)

        def run() -> None:
            for event in following:
                if event["event"] == "power-off":
                    cut(event["machine"])
                    self.control.call("without_power", machine=event["machine"])

        thread = threading.Thread(target=run, name="power", daemon=True)
        thread.start()
        self.control.call("attend")
        return thread

    def allow(self, *actions: str) -> None:
        """Let the nodes do these as well, by another policy of their role. Raises LabError."""
        self.control.call("allow", actions=list(actions))

    def bucket(self, bucket: str) -> None:
        """Make a bucket in S3; nodes that are switched on afterwards know its name. Raises LabError."""
        self.control.call("bucket", bucket=bucket)
        self.names = (*self.names, f"{bucket}.s3.{self.built.region}.amazonaws.com")

    def object(self, bucket: str, key: str) -> str | None:
        """The text of an object in S3; None: there is none. Raises LabError."""
        found = self.control.call("object", bucket=bucket, key=key)
        return None if found is None else str(found)

    def put_object(self, bucket: str, key: str, text: str) -> None:
        """Write an object in S3, whatever was there. Raises LabError."""
        self.control.call("put_object", bucket=bucket, key=key, text=text)

    def delete_object(self, bucket: str, key: str) -> None:
        """Delete an object in S3. Raises LabError."""
        self.control.call("delete_object", bucket=bucket, key=key)

    def instance_delay(self, state: str, delay_ms: int) -> None:
        """How long instances are `pending`, `stopping` or `shutting-down` from now on. Raises LabError."""
        self.control.call("instance_delay", state=state, delay_ms=delay_ms)

    def stuck(self, machine: str, on: bool = True) -> None:
        """An instance that is stuck works on, and is `stopping` for ever once it is stopped. Raises LabError."""
        self.control.call("stuck", machine=machine, on=on)


def translate(pid: int, inside: str) -> None:
    """Make the machine of that PID a NAT instance: what leaves the VPC's network carries the machine's address."""
    rules = f"""
        table ip nat_instance
        delete table ip nat_instance
        table ip nat_instance {{
            chain leaving {{
                type nat hook postrouting priority srcnat; policy accept;
                ip saddr {inside} ip daddr != {inside} masquerade
            }}
        }}
    """

    def program() -> None:
        nftables = Nftables()
        nftables.run(rules)
        nftables.close()

    with ThreadPoolExecutor(max_workers=1, initializer=enter_network, initargs=(pid,)) as visitor:
        visitor.submit(program).result()

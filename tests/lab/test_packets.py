"""Real packets through the emulated VPC: clients are answered exactly when the emulated state says so.

One lab for the whole file: router, two nodes that both carry the VIP and answer at it, NAT instances, a client. Nothing
tells the fabric which node is active; only routes do.
"""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from komainu_lab import application, topology
from komainu_lab.errors import LabError
from komainu_lab.lab import Lab
from komainu_lab.vpc.launch import Vpc
from tests.lab.stage import until

pytestmark = pytest.mark.lab
VIP = "10.1.0.20"
TABLES = ("Private-A", "Private-B", "Public-AB")
ASK = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=0.7) as connection:
        connection.settimeout(0.7)
        connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        print(connection.makefile().read().split()[-1])
except TimeoutError:
    print("silence")
except OSError as error:
    print(type(error).__name__)
"""
CALL = """
import json, sys
import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
settings = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})
session = boto3.session.Session(region_name="ap-northeast-1")
client = None
for line in sys.stdin:
    fresh, name, arguments = json.loads(line)
    if fresh or client is None:
        client = session.client("ec2", verify="/etc/ssl/certs/ca-certificates.crt", config=settings)
    try:
        answer = getattr(client, name)(**arguments)
        answer.pop("ResponseMetadata", None)
        said = ["done", answer]
    except ClientError as error:
        said = ["refused", error.response["Error"]["Code"]]
    except BotoCoreError as error:
        said = ["failed", type(error).__name__]
    print(json.dumps(said, default=str), flush=True)
"""


class Caller:
    """A program with boto3 inside a machine: with that machine's names, trust and metadata service, and no more."""

    def __init__(self, lab: Lab, machine: str) -> None:
        command = lab.node(machine).command([sys.executable, "-c", CALL])
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, name: str, arguments: dict[str, Any], *, fresh: bool = True) -> list[Any]:
        """One call, on a new connection unless not `fresh`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([fresh, name, arguments]) + "\n")
        self._process.stdin.flush()
        readable, _, _ = select.select([self._process.stdout], [], [], 30)
        assert readable, "no answer from the program in the machine"
        return list(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate(timeout=30)


class World:
    """The lab and its VPC."""

    def __init__(self, lab: Lab, vpc: Vpc) -> None:
        self.lab = lab
        self.vpc = vpc
        self._callers: dict[str, Caller] = {}

    def boot(self, name: str) -> None:
        """Switch a machine on; a node carries the VIP and answers at it."""
        self.lab.power_on(name)
        self.serve(name)

    def serve(self, name: str) -> None:
        node = self.lab.node(name)
        if name.startswith("node"):
            node.run(["ip", "address", "add", f"{VIP}/32", "dev", "eth0"])
        node.start_service("application", ["/usr/bin/python3", "-I", "-S", application.__file__, "80"])
        deadline = time.monotonic() + 20
        while self.ask(name, "127.0.0.1") != name:
            assert time.monotonic() < deadline, f"the application of {name} does not answer"

    def ask(self, source: str = "client", target: str = VIP, port: int = 80) -> str:
        """Who answers, or how nobody does."""
        argv = ["/usr/bin/python3", "-I", "-S", "-c", ASK, target, str(port)]
        return self.lab.node(source).run(argv).stdout.strip()

    def call(self, source: str, *calls: tuple[str, dict[str, Any]], fresh: bool = True) -> list[list[Any]]:
        """Calls to the API from a machine."""
        caller = self._callers.get(source)
        if caller is None:
            caller = self._callers[source] = Caller(self.lab, source)
        return [caller(name, arguments, fresh=fresh) for name, arguments in calls]

    def close(self) -> None:
        for caller in self._callers.values():
            caller.close()

    def replace(self, table: str, machine: str) -> tuple[str, dict[str, Any]]:
        return "replace_route", {
            "RouteTableId": self.vpc.built.tables[table],
            "DestinationCidrBlock": f"{VIP}/32",
            "NetworkInterfaceId": self.vpc.built.instances[machine].interface,
        }


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Lab(topology.vip(), name=f"test-{os.getpid()}-packets") as lab:
        vpc = Vpc(lab.topology, lab.state / "vpc", lab.router.pid if lab.router else 0)
        try:
            lab.after_power_on.append(lambda machine, node: vpc.attach(machine, node.pid))
            lab.power_on()
            world = World(lab, vpc)
            for name in ("node1", "node2", "internet", "client"):
                world.serve(name)
            yield world
            world.close()
        finally:
            vpc.stop()


@pytest.fixture(autouse=True)
def _as_built(world: World) -> Iterator[None]:
    """Every test begins with the VIP at node1, and leaves the lab so."""
    yield
    world.vpc.heal_api()
    for machine in ("node1", "node2"):
        world.vpc.instance(machine, "start")
        world.vpc.source_dest_check(machine, False)
        if not world.lab.node(machine).on:
            world.boot(machine)
    for table in set(TABLES) - set(world.vpc.routes()):
        world.vpc.create_route("node1", table)
    world.vpc.point_route("node1")


def test_the_answer_follows_replace_route(world: World) -> None:
    assert world.ask() == "node1"
    world.vpc.point_route("node2")
    assert world.ask() == "node2"
    world.vpc.point_route("node1")
    assert world.ask() == "node1"


def test_each_subnet_obeys_its_own_table(world: World) -> None:
    world.vpc.point_route("node2", "Public-AB")
    assert world.ask("client") == "node2"
    assert world.ask("nat2") == "node2"
    assert world.vpc.routes()["Private-A"]["target"] == "node1"
    # From Private-A the row still says node1; a node that carries the VIP never sends it out, so a NAT asks for it.
    world.lab.node("node2").run(["ip", "address", "delete", f"{VIP}/32", "dev", "eth0"])
    try:
        assert world.ask("node2") == "node1"
        assert world.ask("client") == "silence"
    finally:
        world.lab.node("node2").run(["ip", "address", "add", f"{VIP}/32", "dev", "eth0"])


def test_without_the_row_nobody_answers(world: World) -> None:
    world.vpc.delete_route()
    assert world.ask() == "silence"
    world.vpc.create_route("node2")
    assert world.ask() == "node2"


def test_a_stopped_instance_is_silent_though_its_machine_runs(world: World) -> None:
    world.vpc.instance("node1", "stop")
    assert world.lab.node("node1").on
    assert world.vpc.routes()["Public-AB"] == {"target": "node1", "state": "blackhole"}
    assert world.ask() == "silence"
    assert world.ask(target="10.0.110.100") == "silence"
    assert world.ask("node1", target="10.0.20.50") == "silence"
    world.vpc.instance("node1", "start")
    assert world.ask() == "node1"


def test_a_machine_without_power_is_silent(world: World) -> None:
    world.lab.power_off("node1")
    assert world.vpc.routes()["Public-AB"]["state"] == "active", "EC2 does not know"
    assert world.ask() == "silence"
    world.vpc.point_route("node2")
    assert world.ask() == "node2"
    world.boot("node1")
    world.vpc.point_route("node1")
    assert world.ask() == "node1"


@pytest.mark.parametrize("wrong", ["nat1", "client"])
def test_the_wrong_interface_is_silent(world: World, wrong: str) -> None:
    world.vpc.point_route(wrong)
    assert world.ask("nat2") == "silence"


def test_source_dest_check_on_is_silent(world: World) -> None:
    world.vpc.source_dest_check("node1", True)
    assert world.ask() == "silence"
    assert world.ask(target="10.0.110.100") == "node1", "its own address is not concerned"
    world.vpc.source_dest_check("node1", False)
    assert world.ask() == "node1"


def test_source_dest_check_holds_for_what_is_sent(world: World) -> None:
    """A node may not speak from the VIP either: seen with the check on and the request let in at its own address."""
    with datagrams(world, "client") as seen:
        world.vpc.source_dest_check("node1", True)
        send = (
            "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('10.1.0.20', 0)); "
            "s.sendto(b'x', ('10.0.20.50', 9))"
        )
        world.lab.node("node1").run(["/usr/bin/python3", "-c", send])
        world.vpc.source_dest_check("node1", False)
        world.lab.node("node1").run(["/usr/bin/python3", "-c", send])
    assert seen == ["10.1.0.20"]


@contextmanager
def datagrams(world: World, machine: str) -> Iterator[list[str]]:
    """The sources of datagrams to port 9 of a machine while the body runs, then one to end with from nat1."""
    seen: list[str] = []
    listen = (
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "s.bind(('0.0.0.0', 9)); s.settimeout(20)\nprint('ready', flush=True)\n"
        "while True:\n    data, (source, _) = s.recvfrom(99)\n    print(source, flush=True)\n"
        "    if source == '10.0.10.10': break\n"
    )
    process = subprocess.Popen(
        world.lab.node(machine).command(["/usr/bin/python3", "-c", listen]), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        yield seen
        end = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('10.0.20.50', 9))"
        world.lab.node("nat1").run(["/usr/bin/python3", "-c", end])
        out, _ = process.communicate(timeout=20)
        seen.extend(out.split()[:-1])
    finally:
        process.kill()
        process.communicate()


def test_traffic_from_node_to_node_crosses_zones(world: World) -> None:
    assert world.ask("node1", target="10.0.120.100") == "node2"
    assert world.ask("node2", target="10.0.110.100") == "node1"


def test_the_internet_sees_the_nat_instance_of_the_zone(world: World) -> None:
    assert world.ask("node1", target="198.51.100.10") == "internet"
    world.lab.power_off("nat1")
    assert world.ask("node1", target="198.51.100.10") == "silence"
    assert world.ask("node2", target="198.51.100.10") == "internet"
    world.lab.power_on("nat1")
    assert world.ask("node1", target="198.51.100.10") == "internet"


def test_whoever_has_no_public_address_has_no_way_to_the_internet(world: World) -> None:
    assert world.ask("client", target="198.51.100.10") == "silence"
    assert world.ask("internet", target="10.0.110.100") == "silence"
    assert world.ask("internet", target=VIP) == "silence"


def test_an_elastic_address_takes_its_traffic_along(world: World) -> None:
    """nat1's address, given to node1 and back. Only instances of a public subnet can answer: their table says so."""
    client = world.vpc.control
    assert world.vpc.built.instances["nat1"].public_address == "203.0.113.11"
    client.call("associate_address", address="203.0.113.11", machine="client")
    assert world.ask("internet", target="203.0.113.11") == "client"
    assert world.ask("client", target="198.51.100.10") == "internet"
    client.call("associate_address", address="203.0.113.11", machine="nat1")
    assert world.ask("client", target="198.51.100.10") == "silence"


def test_a_node_has_the_credentials_of_its_role_and_no_more(world: World) -> None:
    vpc = {"VpcIds": [world.vpc.built.vpc]}
    mark = world.vpc.last_call()
    described, replaced, created, stopped, dry = world.call(
        "node2",
        ("describe_vpcs", vpc),
        world.replace("Public-AB", "node2"),
        ("create_route", world.replace("Public-AB", "node2")[1]),
        ("stop_instances", {"InstanceIds": [world.vpc.built.instances["node1"].id]}),
        ("replace_route", {**world.replace("Public-AB", "node1")[1], "DryRun": True}),
    )
    assert described[1]["Vpcs"][0]["CidrBlock"] == "10.0.0.0/16"
    assert replaced == ["done", {}]
    assert [created, stopped, dry] == [
        ["refused", "UnauthorizedOperation"],
        ["refused", "UnauthorizedOperation"],
        ["refused", "DryRunOperation"],
    ]
    assert world.ask() == "node2"
    calls = world.vpc.calls(mark)
    assert [call["source"] for call in calls] == ["node2"] * 5
    assert [call["action"] for call in calls][:2] == ["DescribeVpcs", "ReplaceRoute"]
    switched = calls[1]
    assert switched["details"]["RouteTableId"] == world.vpc.built.tables["Public-AB"]
    (programmed,) = [p for p in world.vpc.programmed() if p["changed_ns"] >= switched["received_ns"]]
    assert switched["received_ns"] < programmed["changed_ns"] < programmed["programmed_ns"]
    assert ["br-public-c", f"{VIP}/32", "br-private-c", "10.0.120.100"] in programmed["routes"]


def test_a_machine_without_a_role_has_no_credentials(world: World) -> None:
    assert world.call("client", ("describe_vpcs", {})) == [["failed", "NoCredentialsError"]]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("refuse", ["failed", "EndpointConnectionError"]),
        ("silence", ["failed", "ConnectTimeoutError"]),
        ("hang", ["failed", "ReadTimeoutError"]),
        ("throttle", ["refused", "RequestLimitExceeded"]),
        ("error", ["refused", "InternalError"]),
        ("reset", ["failed", "ConnectionClosedError"]),
    ],
)
def test_a_broken_api_changes_nothing(world: World, kind: str, expected: list[str]) -> None:
    number = world.vpc.break_api(kind, sources=("node2",))
    assert world.call("node2", world.replace("Public-AB", "node2")) == [expected]
    assert world.ask() == "node1"
    assert world.call("node1", world.replace("Public-AB", "node1")) == [["done", {}]], "another machine's API works"
    world.vpc.heal_api(number)
    assert world.call("node2", world.replace("Public-AB", "node2")) == [["done", {}]]
    assert world.ask() == "node2"


@pytest.mark.parametrize(("kind", "failure"), [("lost", "ConnectionClosedError"), ("mute", "ReadTimeoutError")])
def test_a_lost_answer_has_changed_something(world: World, kind: str, failure: str) -> None:
    world.vpc.break_api(kind, actions=("ReplaceRoute",), times=1)
    assert world.call("node2", world.replace("Public-AB", "node2")) == [["failed", failure]]
    assert world.ask() == "node2"


def in_an_open_connection(world: World, kind: str) -> tuple[str, int]:
    """How a call by an open connection fails while the network is at fault, and the number of the call before it."""
    world.call("node2", ("describe_vpcs", {}))
    before, number = world.vpc.last_call(), world.vpc.break_api(kind)
    ((outcome, how),) = world.call("node2", world.replace("Public-AB", "node2"), fresh=False)
    assert outcome == "failed", how
    assert world.ask() == "node1"
    world.vpc.heal_api(number)
    return str(how), before


def test_an_open_connection_is_reset_and_its_request_lost(world: World) -> None:
    how, before = in_an_open_connection(world, "refuse")
    # A reset that arrives between the head and the body of a request makes the SDK speak of TLS.
    assert how in ("ConnectionClosedError", "SSLError")
    assert world.ask() == "node1"
    assert world.vpc.calls(before) == []


def test_what_was_sent_into_a_silence_arrives_when_it_ends(world: World) -> None:
    how, before = in_an_open_connection(world, "silence")
    assert how == "ReadTimeoutError"
    until(lambda: any(call["applied_ns"] for call in world.vpc.calls(before)), "the request is sent again, and arrives")
    assert world.ask() == "node2"


def test_packets_follow_late_when_ec2_is_slow(world: World) -> None:
    world.vpc.control.call("propagation", delay_ms=60_000)
    try:
        assert world.call("node2", world.replace("Public-AB", "node2")) == [["done", {}]]
        assert world.vpc.routes()["Public-AB"]["target"] == "node2"
        assert world.ask() == "node1"
    finally:
        world.vpc.control.call("propagation", delay_ms=0)
    world.vpc.control.call("settle")
    assert world.ask() == "node2"


def test_a_change_of_an_instances_state_is_told(world: World) -> None:
    told: list[tuple[str, str]] = []
    arrived = threading.Event()

    def tell(machine: str, state: str) -> None:
        told.append((machine, state))
        if state == "running":
            arrived.set()

    world.vpc.on_instance_state(tell)
    world.vpc.instance("node2", "stop")
    world.vpc.instance("node2", "start")
    assert arrived.wait(10)
    lasting = [(machine, state) for machine, state in told if state not in ("stopping", "pending")]
    assert lasting == [("node2", "stopped"), ("node2", "running")]


def test_mistakes_are_said(world: World) -> None:
    for wrong in (
        lambda: world.vpc.point_route("node9"),
        lambda: world.vpc.point_route("node1", "Private-Z"),
        lambda: world.vpc.break_api("gremlin"),
        lambda: world.vpc.break_api("error", sources=("node9",)),
        lambda: world.vpc.instance("node1", "dance"),
        lambda: world.vpc.control.call("dance"),
        lambda: world.vpc.control.call("settle", fast=True),
    ):
        with pytest.raises(LabError):
            wrong()

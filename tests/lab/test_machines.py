"""The lab itself: machines that really go off, stand still and lose their cables, and nothing that stays behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from komainu_lab import application
from komainu_lab.cgroups import Cgroup, hierarchies, lab_groups
from komainu_lab.client import Client, failures, longest_gap
from komainu_lab.clock import boottime_ns
from komainu_lab.errors import LabError
from komainu_lab.lab import ROOT, Lab
from komainu_lab.topology import onprem
from komainu_lab.wires import cut_between, cut_off

pytestmark = pytest.mark.lab

REACH = """
import socket, sys
s = socket.socket()
s.settimeout(0.5)
try:
    s.connect((sys.argv[1], 9))
except ConnectionRefusedError:
    sys.exit(0)
except OSError:
    sys.exit(1)
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(onprem(), name=f"test-{os.getpid()}-machines") as lab:
        lab.power_on()
        yield lab


def reaches(lab: Lab, source: str, target: str) -> bool:
    """True when the target's kernel answers a connection attempt."""
    address = str(lab.topology.machine(target).address)
    return lab.node(source).run([sys.executable, "-I", "-S", "-c", REACH, address], check=False).returncode == 0


def test_machines_reach_one_another_and_have_their_own_names(lab: Lab) -> None:
    assert reaches(lab, "node1", "node2")
    assert reaches(lab, "client", "node1")
    assert lab.node("node1").run(["hostname"]).stdout.strip() == "node1"


def test_power_off_ends_every_process_and_keeps_the_disk(lab: Lab) -> None:
    node = lab.node("node1")
    node.run(["sh", "-c", "echo kept > /var/lib/komainu/file; echo lost > /run/file; echo lost > /dev/shm/file"])
    node.start_service("sleeper", ["/bin/sleep", "1000"])
    [sleeper] = node.pids("sleep")
    lab.power_off("node1")
    assert not Path(f"/proc/{sleeper}").exists()
    assert not reaches(lab, "node2", "node1")
    assert node.disk.path("/var/lib/komainu/file").read_text() == "kept\n"
    lab.power_on("node1")
    assert node.read("/var/lib/komainu/file") == "kept\n"
    assert node.run(["ls", "/run", "/dev/shm"]).stdout.count("file") == 0
    assert reaches(lab, "node2", "node1")


def test_the_host_never_sees_what_a_machine_writes(lab: Lab) -> None:
    node = lab.node("node2")
    name = f"komainu-lab-test-{os.getpid()}"
    places = [f"{folder}/{name}" for folder in ("/etc", "/var/lib", "/var/log", "/run", "/dev/shm")]
    node.run(["touch", *places])
    assert node.run(["ls", *places]).stdout.split() == sorted(places)
    assert [place for place in places if os.path.exists(place)] == []


def test_dangerous_files_are_the_machine_s_own(lab: Lab) -> None:
    node = lab.node("node2")
    assert "watchdog /dev/watchdog fuse" in node.run(["cat", "/proc/mounts"]).stdout
    if os.path.exists("/proc/sysrq-trigger"):
        assert node.run(["stat", "-c", "%F", "/proc/sysrq-trigger"]).stdout.strip() == "fifo"
    assert node.run(["sh", "-c", "echo > /dev/null; head -c 1 /dev/urandom | wc -c"]).stdout.strip() == "1"


def boot_of(lab: Lab, name: str) -> str:
    """What only this boot of the machine has; nothing while it is going down."""
    pid = lab.node(name).pid  # the number of its process namespace would be used again at once
    return str(pid) if pid and Path(f"/proc/{pid}").exists() else ""


END = """
import ctypes, os, sys
assert os.readlink("/proc/self/ns/pid") != sys.argv[2], "this would end the host"
ctypes.CDLL(None).reboot(ctypes.c_int(int(sys.argv[1], 16) - (1 << 32 if sys.argv[1] > "0x4" else 0)))
"""
HOST = os.readlink("/proc/self/ns/pid")
WAYS_UP = {
    "the program reboot": ["reboot"],
    "the program shutdown": ["shutdown", "-r", "now"],
    "sysrq b": ["sh", "-c", "echo b > /run/lab/sysrq"],
    "the system call": [sys.executable, "-I", "-S", "-c", END, "0x01234567", HOST],
}
WAYS_DOWN = {
    "the program poweroff": ["poweroff"],
    "the program shutdown": ["shutdown", "-P", "now"],
    "sysrq c": ["sh", "-c", "echo c > /run/lab/sysrq"],
    "sysrq o": ["sh", "-c", "echo o > /run/lab/sysrq"],
    "the system call": [sys.executable, "-I", "-S", "-c", END, "0x4321fedc", HOST],
}


@pytest.mark.parametrize("way", WAYS_UP)
def test_a_machine_that_restarts_itself_comes_up_again_and_is_plugged_in(lab: Lab, way: str) -> None:
    node, other = lab.node("node2"), boot_of(lab, "node1")
    before = boot_of(lab, "node2")
    node.run(["sh", "-c", "echo kept > /var/lib/komainu/over; echo lost > /run/over"])
    node.run(WAYS_UP[way], check=False)
    wait_until(lambda: boot_of(lab, "node2") not in ("", before))
    wait_until(lambda: reaches(lab, "node1", "node2"))
    assert node.read("/var/lib/komainu/over") == "kept\n"
    assert node.run(["ls", "/run"]).stdout.count("over") == 0
    assert boot_of(lab, "node1") == other, "another machine went with it"


@pytest.mark.parametrize("way", WAYS_DOWN)
def test_a_machine_that_switches_itself_off_stays_off(lab: Lab, way: str) -> None:
    node, other = lab.node("node2"), boot_of(lab, "node1")
    node.run(WAYS_DOWN[way], check=False)
    wait_until(lambda: not node.on)
    assert not reaches(lab, "node1", "node2")
    assert not node.restarts
    assert boot_of(lab, "node1") == other, "another machine went with it"
    lab.power_on("node2")
    assert reaches(lab, "node1", "node2")


def test_the_clean_ways_ask_the_services_and_the_others_do_not(lab: Lab) -> None:
    node = lab.node("node2")
    polite = "trap 'echo asked; exit 0' TERM; echo begun; while :; do sleep 0.01; done"
    for command, said in ((["poweroff"], "begun\nasked\n"), (WAYS_DOWN["sysrq o"], "begun\n")):
        node.disk.path("/var/log/lab/asked.log").unlink(missing_ok=True)
        node.start_service("asked", ["/bin/sh", "-c", polite])
        wait_until(lambda: node.disk.log("asked") == "begun\n")
        node.run(command, check=False)
        wait_until(lambda: not node.on)
        assert node.disk.log("asked") == said
        lab.power_on("node2")


def test_a_frozen_machine_answers_nothing_and_goes_on_afterwards(lab: Lab) -> None:
    node = lab.node("node1")
    node.start_service("counter", ["/bin/sh", "-c", "while :; do echo x; sleep 0.01; done"])
    lab.freeze("node1")
    try:
        before = node.disk.log("counter")
        assert not reaches(lab, "node2", "node1")
        assert node.disk.log("counter") == before
        with pytest.raises(LabError, match="node1 is frozen"):
            node.run(["true"])
    finally:
        lab.thaw("node1")
    wait_until(lambda: len(node.disk.log("counter")) > len(before))
    assert reaches(lab, "node2", "node1")
    node.stop_service("counter")


def test_power_off_of_a_frozen_machine(lab: Lab) -> None:
    node = lab.node("node1")
    node.start_service("writer", ["/bin/sh", "-c", "while :; do echo x; done"])
    wait_until(lambda: node.disk.log("writer") != "")
    lab.freeze("node1")
    before = node.disk.log("writer")
    lab.power_off("node1")
    assert node.disk.log("writer") == before, "it ran on after the power was off"
    lab.power_on("node1")
    assert reaches(lab, "node2", "node1")


def test_cuts_drop_exactly_what_they_say(lab: Lab) -> None:
    node1, node2 = lab.topology.machine("node1"), lab.topology.machine("node2")
    cases = {
        "all": (cut_off(node1), (False, False)),
        "what it sends": (cut_off(node1, "out"), (False, False)),
        "what it receives": (cut_off(node1, "in"), (False, False)),
        "between the nodes": (cut_between(node1, node2), (False, True)),
        "one way between the nodes": (cut_between(node1, node2, "out"), (False, True)),
    }
    for name, (cut, expected) in cases.items():
        lab.cut("cut test", cut)
        assert (reaches(lab, "node2", "node1"), reaches(lab, "client", "node1")) == expected, name
        lab.heal()
        assert (reaches(lab, "node2", "node1"), reaches(lab, "client", "node1")) == (True, True), name


def test_a_one_way_cut_lets_the_other_way_through(lab: Lab) -> None:
    node1, node2 = lab.topology.machine("node1"), lab.topology.machine("node2")
    udp = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
    receiver = udp + "s.bind(('', 7777)); print(s.recv(9), flush=True)"
    sender = udp + "s.sendto(b'x', ('{}', 7777))"
    for direction, arrives in (("in", True), ("out", False)):
        lab.cut("cut test", cut_between(node1, node2, direction))
        lab.node("node2").start_service(f"receiver-{direction}", ["/usr/bin/python3", "-u", "-c", receiver])
        wait_until(lambda: ":1E61" in lab.node("node2").run(["cat", "/proc/net/udp"]).stdout)
        lab.node("node1").run(["/usr/bin/python3", "-c", sender.format(node2.address)])
        time.sleep(0.2)
        assert (lab.node("node2").disk.log(f"receiver-{direction}") != "") is arrives
        lab.heal()
        lab.node("node2").stop_service(f"receiver-{direction}")


def test_a_service_is_restarted_when_it_dies_and_not_when_it_is_stopped(lab: Lab) -> None:
    node = lab.node("node2")
    first = node.start_service("supervised", ["/bin/sleep", "1000"], restart=True)
    [pid] = node.pids("sleep")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: node.service_pid("supervised") not in (0, first))
    node.stop_service("supervised")
    assert node.pids("sleep") == []
    assert node.events[-1]["event"] == "exited"


def test_a_clean_shutdown_asks_before_it_ends(lab: Lab) -> None:
    node = lab.node("node2")
    asked = "trap 'echo asked; exit 0' TERM; while :; do sleep 0.01; done"
    node.start_service("polite", ["/bin/sh", "-c", asked])
    node.run(
        [
            "sh",
            "-c",
            "setsid sh -c \"trap 'echo asked > /var/lib/komainu/orphan; exit' TERM; "
            'touch /var/lib/komainu/orphan; while :; do sleep 0.01; done" >/dev/null 2>&1 </dev/null &',
        ]
    )
    wait_until(lambda: node.disk.path("/var/lib/komainu/orphan").exists())
    lab.shut_down("node2")
    assert node.disk.log("polite") == "asked\n"
    assert node.disk.path("/var/lib/komainu/orphan").read_text() == "asked\n"
    lab.power_on("node2")


def test_the_prober_sees_the_application_die(lab: Lab) -> None:
    node, client = lab.node("node1"), Client(lab.node("client"), str(lab.topology.machine("node1").address))
    node.start_service("application", ["/usr/bin/python3", "-I", "-S", application.__file__, "80"], restart=True)
    client.start()
    begin = boottime_ns()
    client.wait_answer(begin, 10, by="node1")
    calm = boottime_ns()
    client.wait_answer(calm + 300_000_000, 10)
    node.run(["kill", "-9", str(node.service_pid("application"))])
    killed = boottime_ns()
    client.wait_answer(killed + 400_000_000, 10)
    client.stop()
    gap = longest_gap(client.records(), killed)
    assert gap is not None
    assert gap.ms >= 80, "the restart delay of the init is 100 ms, so less cannot be true"
    assert failures(client.records(), calm, killed - 50_000_000) == 0
    assert failures(client.records(), killed, killed + 300_000_000) > 0


def test_two_labs_do_not_collide_and_nothing_stays(lab: Lab) -> None:
    name = f"test-{os.getpid()}-second"
    with Lab(onprem(), name=name) as second:
        second.power_on()
        assert reaches(second, "node1", "node2")
        assert reaches(lab, "node1", "node2")
        with pytest.raises(LabError, match="is up already"), Lab(onprem(), name=name):
            pass
        assert reaches(second, "node1", "node2")
    assert_nothing_left(name)
    assert reaches(lab, "node1", "node2")


@pytest.mark.parametrize("frozen", [False, True])
def test_a_killed_lab_process_leaves_nothing(frozen: bool) -> None:
    name = f"test-{os.getpid()}-killed"
    program = f"""
import time
from komainu_lab.lab import Lab
from komainu_lab.topology import onprem
with Lab(onprem(), name={name!r}) as lab:
    lab.power_on()
    if {frozen}:
        lab.freeze("node1")
    print(*[node.pid for node in lab.nodes.values()], flush=True)
    time.sleep(100)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) == 3
    process.kill()
    process.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    wait_until(lambda: not (ROOT / f"{name}.lock").exists())
    assert_nothing_left(name)


def assert_nothing_left(name: str) -> None:
    """No state, no control group."""
    assert not (ROOT / name).exists()
    assert [group for group in lab_groups(name) if group.path.exists()] == []


def wait_until(condition: object, timeout_s: float = 10.0) -> None:
    """Wait for a condition, with a bound against hanging."""
    assert callable(condition)
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def test_the_freezer_of_version_1_serves_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    _, freezer = hierarchies(Path("/proc/self/mounts").read_text())
    if freezer is None:
        pytest.skip("this machine has no freezer of cgroup version 1")
    name = f"test-{os.getpid()}-freezer"
    group = Cgroup(freezer / f"komainu-lab-{name}", unified=False)
    monkeypatch.setattr("komainu_lab.lab.make_lab_group", lambda _name: group.make())
    with Lab(onprem(), name=name) as lab:
        lab.power_on()
        node = lab.node("node1")
        node.start_service("writer", ["/bin/sh", "-c", "while :; do echo x; done"])
        wait_until(lambda: node.disk.log("writer") != "")
        lab.freeze("node1")
        before = node.disk.log("writer")
        lab.thaw("node1")
        wait_until(lambda: len(node.disk.log("writer")) > len(before))
        lab.freeze("node1")
        before = node.disk.log("writer")
        lab.power_off("node1")
        assert node.disk.log("writer") == before
    assert not group.path.exists()

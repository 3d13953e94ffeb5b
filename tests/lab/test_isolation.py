"""A node whose right ends is cut off by its kernel, or reset, whatever becomes of the process that held it."""

import os
import signal
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from komainu_lab.lab import Lab
from komainu_lab.topology import onprem
from tests.lab.stage import until
from tests.lab.test_machines import REACH

pytestmark = pytest.mark.lab

WITHIN_S = 20.0
HOLDER = "tests.lab.isolation_holder"


class Held:
    """A machine with an address beside its own, and a process that holds it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.node = lab.node("node1")
        own = lab.topology.machine("node1").address
        self.address = str(IPv4Address(int(own) + 100))
        device = self.node.run(["sh", "-c", f"ip -o address show to {own} | cut -d' ' -f2"]).stdout.strip()
        self.node.run(["ip", "address", "add", f"{self.address}/32", "dev", device])
        self.pid = 0

    def hold(self, *words: str) -> None:
        """Let the process begin."""
        place = f"PYTHONPATH={Path(__file__).resolve().parents[2]}"
        command = [sys.executable, "-m", HOLDER, self.address, *words]
        self.node.start_service("holder", ["/usr/bin/env", place, *command])
        until(lambda: "komainu" in self.rules() and self.reaches(), "the holder holds", WITHIN_S)
        [self.pid] = self.node.running(HOLDER)

    def rules(self) -> str:
        return self.node.run(["nft", "list", "tables"]).stdout

    def reaches(self, address: str = "") -> bool:
        """Whether the other node gets an answer from the address."""
        command = [sys.executable, "-I", "-S", "-c", REACH, address or self.address]
        return self.lab.node("node2").run(command, check=False).returncode == 0


@pytest.fixture
def held() -> Iterator[Held]:
    with Lab(onprem(), name=f"test-{os.getpid()}-isolation") as lab:
        lab.power_on("node1", "node2")
        yield Held(lab)


def test_a_frozen_holder_lets_go_of_the_address_and_a_thawed_one_takes_it_again(held: Held) -> None:
    held.hold()
    before = held.node.pid
    os.kill(held.pid, signal.SIGSTOP)
    until(lambda: not held.reaches(), "the address is cut off", WITHIN_S)
    assert held.reaches(str(held.lab.topology.machine("node1").address)), "the node itself is there"
    os.kill(held.pid, signal.SIGCONT)
    until(held.reaches, "the address is held again", WITHIN_S)
    os.kill(held.pid, signal.SIGKILL)
    until(lambda: not held.reaches(), "the address is cut off", WITHIN_S)
    assert held.node.pid == before, "what ends with its packets needs no reset"


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_what_only_a_reset_ends_is_reset_by_the_watchdog(held: Held, how: signal.Signals) -> None:
    held.hold("db")
    before = held.node.pid
    os.kill(held.pid, how)
    until(lambda: held.node.pid not in (0, before), "the machine is reset and boots", WITHIN_S)


def test_what_only_a_reset_ends_is_reset_without_a_watchdog_where_the_daemon_lives(held: Held) -> None:
    before = held.node.pid
    held.hold("db", "once", "unwatched")
    until(lambda: held.node.pid not in (0, before), "the machine is reset and boots", WITHIN_S)

"""Fencing through the emulated EC2: the instance's machine really loses its power, and not before is it proven gone.

The device runs inside node1, with that node's names, trust and credentials, as komainud has it.
"""

import json
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from komainu_lab import topology
from komainu_lab.lab import Lab
from komainu_lab.vpc.launch import Vpc

pytestmark = pytest.mark.lab

FENCE = """
import asyncio, json, sys
from komainu.adapters.aws.ec2 import Ec2Cloud
from komainu.arbitration.ec2_stop import EC2_STOP
from komainu.ports import FenceHost
what, params, timeout_ms = json.loads(sys.argv[1])
device = EC2_STOP.make(EC2_STOP.params(**params), FenceHost("node1", "c", "node2", Ec2Cloud("ap-northeast-1")))
if what == "fence":
    outcome = asyncio.run(device.fence(timeout_ms))
    print(json.dumps([outcome.result, outcome.said.code if outcome.said else ""]))
else:
    print(json.dumps([said.code for said in asyncio.run(device.examine(timeout_ms))]))
"""
LONG_MS, SHORT_MS = 40_000, 4_000
SUCCEEDED = ["succeeded", ""]


class World:
    """Two nodes without the product; node2 is the one that is fenced."""

    def __init__(self, lab: Lab, vpc: Vpc) -> None:
        self.lab = lab
        self.vpc = vpc
        self.cuts = threading.Semaphore(0)
        self.hold = threading.Event()
        self.hold.set()
        vpc.on_power_off(self._cut)

    def _cut(self, machine: str) -> None:
        self.cuts.release()
        assert self.hold.wait(60)
        if self.lab.node(machine).on:
            self.lab.power_off(machine)

    def params(self, of: str = "node2") -> dict[str, str]:
        found = self.vpc.built.instances
        return {"instance_id": found["node2"].id, "eni_id": found[of].interface}

    def ask(self, what: str, params: dict[str, str], timeout_ms: int = LONG_MS) -> list[str]:
        """The device's answer, from inside node1."""
        asked = json.dumps([what, params, timeout_ms])
        done = self.lab.node("node1").run([sys.executable, "-c", FENCE, asked], timeout_s=90)
        return list(json.loads(done.stdout))

    def target_is_on(self) -> bool:
        return bool(self.lab.node("node2").on)


@pytest.fixture(scope="module")
def _world() -> Iterator[World]:
    with Lab(topology.vip(), name=f"test-{os.getpid()}-fence") as lab:
        vpc = Vpc(lab.topology, lab.state / "vpc", lab.router.pid if lab.router else 0)
        try:
            lab.after_power_on.append(lambda machine, node: vpc.attach(machine, node.pid))
            lab.power_on()
            yield World(lab, vpc)
            lab.all_off()
        finally:
            vpc.stop()


@pytest.fixture
def world(_world: World) -> Iterator[World]:
    """Both nodes run, and the nodes' role may stop instances."""
    _world.vpc.allow("ec2:StopInstances")
    _world.vpc.instance("node2", "start")
    _world.lab.power_on()
    yield _world
    _world.hold.set()
    _world.vpc.heal_api()
    _world.vpc.stuck("node2", False)
    _world.vpc.instance_delay("stopping", 0)
    _world.vpc.instance("node2", "stop")  # returns when it is not between two states any more


def beside(work: ThreadPoolExecutor, world: World, timeout_ms: int = LONG_MS) -> "Future[list[str]]":
    return work.submit(lambda: world.ask("fence", world.params(), timeout_ms))


def test_a_fenced_node_has_no_power_when_it_is_proven_gone(world: World) -> None:
    world.hold.clear()
    with ThreadPoolExecutor(1) as work:
        fencing = beside(work, world)
        assert world.cuts.acquire(timeout=30), "EC2 takes the power"
        assert world.target_is_on()
        assert not fencing.done(), "nothing is proven while the machine has power"
        world.hold.set()
        assert fencing.result(60) == SUCCEEDED
    assert not world.target_is_on()
    assert world.ask("fence", world.params()) == SUCCEEDED, "it is still so"


def test_stopping_takes_as_long_as_it_takes(world: World) -> None:
    world.vpc.instance_delay("stopping", 3_000)
    assert world.ask("fence", world.params()) == SUCCEEDED
    assert not world.target_is_on()


def test_an_instance_that_is_stopping_for_ever_is_never_proven_gone(world: World) -> None:
    world.vpc.stuck("node2")
    assert world.ask("fence", world.params(), SHORT_MS) == ["unknown", "KM5808"]
    assert world.target_is_on()


def test_a_frozen_machine_is_stopped_as_well(world: World) -> None:
    world.lab.freeze("node2")
    assert world.ask("fence", world.params()) == SUCCEEDED
    assert not world.target_is_on()


def test_a_lost_answer_does_not_hinder_it(world: World) -> None:
    world.vpc.break_api("lost", actions=("StopInstances",), times=2)
    assert world.ask("fence", world.params()) == SUCCEEDED
    assert not world.target_is_on()


def test_a_silent_api_leaves_it_unknown(world: World) -> None:
    world.vpc.break_api("silence", sources=("node1",))
    assert world.ask("fence", world.params(), SHORT_MS) == ["unknown", "KM5809"]
    assert world.target_is_on()


def test_the_interface_of_another_machine_spares_the_instance(world: World) -> None:
    assert world.ask("fence", world.params(of="nat1")) == ["failed", "KM5801"]
    assert world.ask("examine", world.params(of="nat1")) == ["KM5801"]
    assert world.target_is_on()


def test_without_permission_it_is_found_beforehand_and_fails_at_once(world: World) -> None:
    assert world.ask("examine", world.params()) == []
    world.vpc.allow("ec2:Describe*")
    assert world.ask("examine", world.params()) == ["KM5805"]
    assert world.ask("fence", world.params()) == ["failed", "KM5805"]
    assert world.target_is_on()

"""Instances take their time, and `stopped` means that the power is off."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from komainu_lab.vpc.build import backend
from komainu_lab.vpc.corrections import interface_is_live
from komainu_lab.vpc.instances import Instances
from tests.unit.lab.vpc.world import TOPOLOGY, World

PATIENCE_S = 10.0


class Scene:
    """The built VPC, whose machines' power is in the hands of the test."""

    def __init__(self, world: World) -> None:
        self.ec2 = world.ec2
        self.id = world.built.instances["node1"].id
        self.interface = backend(TOPOLOGY.region).enis[world.built.instances["node1"].interface]
        self.cut: list[str] = []
        self.seen_when_cut: list[str] = []
        self.may_cut = threading.Event()
        self.may_cut.set()
        self.asked = threading.Event()
        self.instances = Instances(backend(TOPOLOGY.region), self._change, self._cut)

    def _change(self, work: Callable[[], None]) -> None:
        work()

    def _cut(self, instance: str) -> None:
        self.asked.set()
        assert self.may_cut.wait(PATIENCE_S)
        self.seen_when_cut.append(self.state())
        self.cut.append(instance)

    def state(self) -> str:
        found = self.ec2.describe_instances(InstanceIds=[self.id])["Reservations"][0]["Instances"][0]
        return str(found["State"]["Name"])

    def ask(self, name: str, **more: Any) -> None:
        getattr(self.ec2, f"{name}_instances")(InstanceIds=[self.id], **more)

    def settle(self) -> str:
        assert self.instances.settled(self.id, PATIENCE_S)
        return self.state()


@pytest.fixture
def scene(world: World) -> Iterator[Scene]:
    made = Scene(world)
    yield made
    made.may_cut.set()
    made.instances.close()


def test_an_instance_is_stopped_only_when_its_power_is_off(scene: Scene) -> None:
    scene.may_cut.clear()
    scene.ask("stop", Force=True, SkipOsShutdown=True)
    assert scene.asked.wait(PATIENCE_S)
    assert scene.state() == "stopping"
    assert interface_is_live(scene.interface), "what is stopping may still work"
    scene.may_cut.set()
    assert scene.settle() == "stopped"
    assert not interface_is_live(scene.interface)
    assert (scene.cut, scene.seen_when_cut) == ([scene.id], ["stopping"])


def test_a_stopped_one_is_stopped_again_and_starts(scene: Scene) -> None:
    scene.ask("stop")
    scene.settle()
    scene.ask("stop")
    assert scene.settle() == "stopped"
    scene.ask("start")
    assert scene.settle() == "running"
    assert scene.cut == [scene.id]


def test_one_that_is_stuck_works_on_until_it_is_let_go(scene: Scene) -> None:
    scene.instances.hold(scene.id, True)
    scene.ask("stop")
    assert scene.settle() == "stopping"
    assert (scene.cut, interface_is_live(scene.interface)) == ([], True)
    scene.instances.hold(scene.id, False)
    assert scene.settle() == "stopped"


def test_one_that_is_stuck_can_be_terminated(scene: Scene) -> None:
    scene.instances.hold(scene.id, True)
    scene.ask("stop")
    scene.ask("terminate")
    scene.instances.hold(scene.id, False)
    assert scene.settle() == "terminated"


def test_a_state_lasts_as_long_as_it_was_told_to(scene: Scene) -> None:
    scene.instances.delay("stopping", 3_600_000)
    scene.ask("stop")
    assert scene.state() == "stopping"
    assert not scene.instances.settled(scene.id, 0.05)


def test_what_ec2_does_not_do_in_that_state_is_refused(scene: Scene) -> None:
    scene.instances.hold(scene.id, True)
    scene.ask("stop")
    with pytest.raises(ClientError, match="IncorrectInstanceState"):
        scene.ask("start")
    scene.ask("terminate")
    with pytest.raises(ClientError, match="IncorrectInstanceState"):
        scene.ask("stop")


def test_stop_protection_is_obeyed(scene: Scene) -> None:
    scene.ec2.modify_instance_attribute(InstanceId=scene.id, DisableApiStop={"Value": True})
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        scene.ask("stop")
    assert scene.state() == "running"


def test_a_question_changes_nothing(scene: Scene) -> None:
    with pytest.raises(ClientError, match="DryRunOperation"):
        scene.ask("stop", DryRun=True)
    assert (scene.state(), scene.cut) == ("running", [])


def test_whatever_waits_is_let_go_in_the_end(scene: Scene) -> None:
    scene.instances.hold(scene.id, True)
    scene.instances.delay("shutting-down", 3_600_000)
    scene.ask("stop")
    scene.instances.close()
    assert scene.instances.settled(scene.id, PATIENCE_S)
    assert scene.cut == []

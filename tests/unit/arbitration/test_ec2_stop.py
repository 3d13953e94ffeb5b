"""Fencing by EC2: what proves that a node is gone, and what does not. Time is virtual."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from komainu.arbitration import ec2_stop
from komainu.arbitration.ec2_stop import EC2_STOP, Ec2StopParams
from komainu.model.message import Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result
from komainu.ports import CloudError, CloudFault, FenceHost
from tests.doubles.cloud import FakeCloud, connection_lost, defect, no_answer, throttled, unauthorized, unreachable
from tests.doubles.virtual_time import run

ONE, OTHER, ENI = "i-1", "i-2", "eni-1"
PARAMS = Ec2StopParams(instance_id=ONE, eni_id=ENI)
LONG_MS = 60_000


def running() -> FakeCloud:
    """Node n2 is instance i-1 with interface eni-1."""
    cloud = FakeCloud()
    cloud.add_vpc("vpc-1", "10.0.0.0/16")
    cloud.add_interface("vpc-1", ENI, "10.0.110.100")
    cloud.add_instance(ONE)
    cloud.add_instance(OTHER)
    cloud.attach(ENI, ONE)
    return cloud


def fenced(cloud: FakeCloud | None, timeout_ms: int = LONG_MS) -> Outcome:
    return run(EC2_STOP.make(PARAMS, FenceHost("n1", "c", "n2", cloud)).fence(timeout_ms))


def examined(cloud: FakeCloud | None) -> tuple[Said, ...]:
    return run(EC2_STOP.make(PARAMS, FenceHost("n1", "c", "n2", cloud)).examine(LONG_MS))


def code(outcome: Outcome) -> tuple[Result, str]:
    return outcome.result, outcome.said.code if outcome.said is not None else ""


def failed(message: object) -> tuple[Result, str]:
    return Result.FAILED, message.code  # type: ignore[attr-defined]


def unknown(message: object) -> tuple[Result, str]:
    return Result.UNKNOWN, message.code  # type: ignore[attr-defined]


# --- proof


def test_a_running_instance_is_stopped_and_gone_when_it_is_stopped() -> None:
    cloud = running()
    cloud.when_stopped[ONE] = ["stopping", "stopping", "stopping", "stopped"]
    assert fenced(cloud) == SUCCEEDED
    assert cloud.called("stop_instance") == 1
    assert cloud.instances[ONE] == ["stopped"]
    assert cloud.instances[OTHER] == ["running"]


def test_one_that_is_stopping_for_ever_is_not_gone() -> None:
    cloud = running()
    cloud.when_stopped[ONE] = ["stopping"]
    outcome = fenced(cloud)
    assert code(outcome) == unknown(ec2_stop.STILL)
    assert outcome.said is not None
    assert "`stopping`" in outcome.said.en
    assert "59 s" in outcome.said.en or "58 s" in outcome.said.en


def test_what_somebody_else_stops_is_asked_to_stop_by_force() -> None:
    cloud = running()
    cloud.add_instance(ONE, "stopping", "stopping", "stopping", "stopped")
    assert fenced(cloud) == SUCCEEDED
    assert cloud.called("stop_instance") == 1


def test_one_that_is_stopped_already_is_gone_by_its_state_of_now() -> None:
    cloud = running()
    cloud.add_instance(ONE, "stopped")
    assert fenced(cloud) == SUCCEEDED
    assert cloud.log[0] == f"instance {ONE}"
    assert cloud.called("stop_instance") == 0


@pytest.mark.parametrize("left", ["with its interface", "its interface is free", "its interface is deleted"])
def test_one_that_is_terminated_is_gone_whatever_became_of_its_interface(left: str) -> None:
    cloud = running()
    cloud.add_instance(ONE, "shutting-down", "terminated")
    if left == "its interface is free":
        cloud.attach(ENI, "")
    elif left == "its interface is deleted":
        del cloud.interfaces[ENI]
    assert fenced(cloud) == SUCCEEDED
    assert cloud.called("stop_instance") == 0


def test_one_that_ec2_forgets_while_it_is_terminated_is_gone() -> None:
    cloud = running()
    cloud.add_instance(ONE, "shutting-down")
    device = EC2_STOP.make(PARAMS, FenceHost("n1", "c", "n2", _Forgetting(cloud, after=2)))
    assert run(device.fence(LONG_MS)) == SUCCEEDED


class _Forgetting:
    """A cloud that forgets the instance after it was looked at a few times."""

    def __init__(self, cloud: FakeCloud, after: int) -> None:
        self._cloud = cloud
        self._left = after

    def __getattr__(self, name: str) -> Any:
        if name == "instance":
            self._left -= 1
            if self._left < 0:
                self._cloud.instances.pop(ONE, None)
        return getattr(self._cloud, name)


def test_a_pending_instance_is_stopped_when_it_can_be() -> None:
    cloud = running()
    cloud.add_instance(ONE, "pending", "pending", "running")
    not_yet = CloudError(CloudFault.REFUSED, "IncorrectInstanceState", "not in a state from which it can be stopped")
    cloud.fail("stop_instance", not_yet, times=2)
    assert fenced(cloud) == SUCCEEDED
    assert cloud.called("stop_instance") == 3


def test_one_that_runs_again_after_a_while_is_stopped_again() -> None:
    cloud = running()
    cloud.when_stopped[ONE] = ["running"] * 7
    assert code(fenced(cloud, 20_000)) == unknown(ec2_stop.STILL)
    assert 2 <= cloud.called("stop_instance") <= 5, "asked again, but not at every look"


def test_where_the_operating_system_cannot_be_skipped_it_is_asked() -> None:
    cloud = running()
    refused = CloudError(CloudFault.REFUSED, "UnsupportedOperation", "SkipOsShutdown is not supported")
    cloud.fail("stop_instance", refused)
    assert fenced(cloud) == SUCCEEDED
    assert (cloud.called("stop_instance"), cloud.called("stop_instance_gently")) == (1, 1)


# --- identity


@pytest.mark.parametrize("state", ["running", "stopped", "terminated"])
def test_a_replaced_instance_is_neither_shot_nor_taken_for_gone(state: str) -> None:
    cloud = running()
    cloud.add_instance(ONE, state)
    cloud.attach(ENI, OTHER)
    outcome = fenced(cloud)
    assert code(outcome) == failed(ec2_stop.REPLACED)
    assert outcome.said is not None
    assert OTHER in outcome.said.en
    assert cloud.called("stop_instance") == 0


def test_one_that_is_replaced_while_it_stops_proves_nothing() -> None:
    cloud = running()
    cloud.when_stopped[ONE] = ["stopping", "stopped"]
    device = EC2_STOP.make(PARAMS, FenceHost("n1", "c", "n2", _Moving(cloud)))
    assert code(run(device.fence(LONG_MS))) == failed(ec2_stop.REPLACED)


class _Moving:
    """A cloud in which somebody gives the interface to another instance as soon as this one stops."""

    def __init__(self, cloud: FakeCloud) -> None:
        self._cloud = cloud

    def __getattr__(self, name: str) -> Any:
        if self._cloud.called("stop_instance"):
            self._cloud.attach(ENI, OTHER)
        return getattr(self._cloud, name)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda cloud: cloud.attach(ENI, ""), ec2_stop.DETACHED),
        (lambda cloud: cloud.interfaces.pop(ENI), ec2_stop.NO_INTERFACE),
        (lambda cloud: cloud.instances.pop(ONE), ec2_stop.NO_INSTANCE),
    ],
)
def test_what_cannot_be_identified_is_not_shot(spoil: Callable[[FakeCloud], None], message: object) -> None:
    cloud = running()
    spoil(cloud)
    assert code(fenced(cloud)) == failed(message)
    assert cloud.called("stop_instance") == 0


# --- bad days of the API


@pytest.mark.parametrize("error", [no_answer(), connection_lost(), unreachable(), throttled(), defect()])
def test_an_api_that_is_silent_leaves_it_unknown(error: CloudError) -> None:
    cloud = running()
    cloud.fail("instance", error)
    outcome = fenced(cloud)
    assert code(outcome) == unknown(ec2_stop.SILENT)
    assert error.code in outcome.detail
    assert cloud.called("instance") > 10, "it was tried again and again"


def test_a_call_that_hangs_ends_in_time() -> None:
    cloud = running()
    cloud.fail("interface", None)
    assert code(fenced(cloud, 12_000)) == unknown(ec2_stop.SILENT)


def test_an_api_that_comes_back_is_used() -> None:
    cloud = running()
    cloud.fail("instance", unreachable(), times=5)
    cloud.fail("interface", throttled(), times=2)
    assert fenced(cloud) == SUCCEEDED


def test_a_lost_answer_is_no_failure_when_the_instance_stops() -> None:
    cloud = running()
    cloud.fail("stop_instance", connection_lost(), times=1, after_change=True)
    assert fenced(cloud) == SUCCEEDED
    assert cloud.called("stop_instance") == 1


def test_a_request_that_never_arrived_is_sent_again() -> None:
    cloud = running()
    cloud.fail("stop_instance", unreachable(), times=3)
    assert fenced(cloud) == SUCCEEDED
    assert cloud.called("stop_instance") == 4


@pytest.mark.parametrize("method", ["instance", "interface", "stop_instance"])
def test_without_permission_it_fails_at_once_and_says_which(method: str) -> None:
    cloud = running()
    cloud.fail(method, unauthorized())
    outcome = fenced(cloud)
    assert code(outcome) == failed(ec2_stop.NOT_ALLOWED)
    assert outcome.said is not None
    assert "ec2:StopInstances" in outcome.said.en
    assert cloud.instances[ONE] == ["running"]


def test_a_refusal_after_a_lost_answer_cannot_say_that_nothing_happened() -> None:
    cloud = running()
    cloud.when_stopped[ONE] = ["running"]
    cloud.fail("stop_instance", connection_lost(), times=1, after_change=True)
    cloud.fail("stop_instance", unauthorized())
    assert code(fenced(cloud)) == unknown(ec2_stop.NOT_ALLOWED)


def test_stop_protection_is_named() -> None:
    cloud = running()
    protected = CloudError(CloudFault.REFUSED, "OperationNotPermitted", "disableApiStop")
    cloud.fail("stop_instance", protected)
    cloud.fail("stop_instance_gently", protected)
    assert code(fenced(cloud)) == failed(ec2_stop.PROTECTED)


def test_without_a_cloud_it_fails() -> None:
    assert code(fenced(None)) == failed(ec2_stop.NO_CLOUD)
    assert [said.code for said in examined(None)] == [ec2_stop.NO_CLOUD.code]


# --- no longer wanted


def given_up(cloud: FakeCloud, wanted: Callable[[], bool]) -> Outcome:
    return run(EC2_STOP.make(PARAMS, FenceHost("n1", "c", "n2", cloud, wanted)).fence(LONG_MS))


def test_a_node_that_came_back_while_the_api_was_silent_is_not_shot() -> None:
    cloud = running()
    cloud.fail("instance", unreachable(), times=5)
    outcome = given_up(cloud, lambda: cloud.called("instance") < 4)
    assert code(outcome) == failed(ec2_stop.NOT_WANTED)
    assert cloud.called("stop_instance") == 0


def test_a_node_that_came_back_is_not_stopped_once_more() -> None:
    cloud = running()
    cloud.when_stopped[ONE] = ["running"]
    outcome = given_up(cloud, lambda: cloud.called("instance") < 9)
    assert code(outcome) == unknown(ec2_stop.NOT_WANTED)
    assert cloud.called("stop_instance") == 2


def test_what_is_off_is_gone_whether_somebody_still_wants_it_or_not() -> None:
    cloud = running()
    cloud.add_instance(ONE, "stopped")
    assert given_up(cloud, lambda: False) == SUCCEEDED


# --- looked at beforehand


def test_an_examination_finds_nothing_and_changes_nothing() -> None:
    cloud = running()
    assert examined(cloud) == ()
    assert cloud.instances[ONE] == ["running"]


def test_an_examination_names_everything_at_once() -> None:
    cloud = running()
    cloud.attach(ENI, OTHER)
    cloud.fail("may_stop_instance", unauthorized())
    found = [said.code for said in examined(cloud)]
    assert found == [ec2_stop.REPLACED.code, ec2_stop.NOT_ALLOWED.code]


def test_an_examination_of_a_silent_api_says_so_once() -> None:
    cloud = running()
    cloud.fail("instance", unreachable())
    cloud.fail("may_stop_instance", unreachable())
    assert [said.code for said in examined(cloud)] == [ec2_stop.SILENT.code]


# --- the declaration


@pytest.mark.parametrize("wrong", [{"instance_id": "node1", "eni_id": ENI}, {"instance_id": ONE, "eni_id": "10.0.0.1"}])
def test_ids_look_like_ids(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Ec2StopParams.model_validate(wrong)


def test_both_ids_belong_to_each_node_and_to_aws_alone() -> None:
    assert EC2_STOP.per_node_required == tuple(Ec2StopParams.model_fields)
    assert EC2_STOP.environments == ("aws",)
    assert EC2_STOP.advise({"n1": PARAMS}) == ()

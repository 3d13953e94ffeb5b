"""The declaration of a fence type."""

from komainu.arbitration.ec2_stop import Ec2StopParams
from komainu.model.message import Message
from komainu.ports import FenceDevice, FenceHost, FenceType


def made(params: object, host: FenceHost) -> FenceDevice:
    raise AssertionError("nobody asked for a device")


def test_a_type_that_has_nothing_to_advise_need_not_say_so() -> None:
    text = Message("TEST9", "a way", "方法")
    declared = FenceType("way", text, text, Ec2StopParams, (), ("onprem",), (), made)
    params = Ec2StopParams(instance_id="i-1", eni_id="eni-1")
    assert declared.advise({"n1": params, "n2": params}) == ()

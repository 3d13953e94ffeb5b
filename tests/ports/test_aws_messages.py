"""The rows of T to the letter, by the real path: the type, the adapter, the SDK, HTTPS, the emulated API.

Operators' log filters match these texts. T's `xxxxxxxx` and `vvv.www.xxx.yyy` stand for ids and addresses.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from komainu.model.message import Said
from komainu.model.outcome import Outcome
from tests.ports.emulated_aws import EmulatedAws, MonitorUnderTest, NodeUnderTest, params_of

SHORT_MS = 600
LONG_MS = 20_000

Step = Callable[[EmulatedAws, NodeUnderTest], None]


def fault(kind: str, *actions: str) -> Step:
    """The API goes wrong like that."""

    def spoil(aws: EmulatedAws, node: NodeUnderTest) -> None:
        aws.plan.add(kind, actions)

    return spoil


def well(aws: EmulatedAws, node: NodeUnderTest) -> None:
    """Nothing is wrong but the parameters."""


def without_device(aws: EmulatedAws, node: NodeUnderTest) -> None:
    """The ENI of the configuration is of another machine."""
    node.network.devices["eth0"].clear()


def route_elsewhere(aws: EmulatedAws, node: NodeUnderTest) -> None:
    """Somebody points the routes elsewhere."""
    aws.point("client")


def address_lost(aws: EmulatedAws, node: NodeUnderTest) -> None:
    """Somebody takes the address off the device."""
    node.network.devices["eth0"] = node.network.devices["eth0"][:1]


def eip_gone(aws: EmulatedAws, node: NodeUnderTest) -> None:
    """Somebody ends the association."""
    aws.associate("")


@dataclass(frozen=True)
class Row:
    """One row of T, or one like it, for one resource."""

    text: str
    broken: Step
    params: dict[str, Any] = field(default_factory=dict)
    timeout_ms: int = LONG_MS


FAILED = "Activating awsvip1 resource has failed."
DETECTED = "Detected an error in monitoring awsvipw1. "
WARNED = "Warn monitoring awsvipw1. "
RECOVER = {"api_failure": "recover"}

ACTIVATIONS = {
    "internal error": Row(f"{FAILED}(99 : Internal error. (status=1))", without_device),
    "API call failed": Row(f"{FAILED}(5 : Failed in the AWS CLI command.)", fault("denied", "ReplaceRoute")),
    "API call failed in the cold": Row(f"{FAILED}(5 : Failed in the AWS CLI command.)", fault("denied")),
    "VPC unknown": Row(f"{FAILED}(5 : The vpc ID 'vpc-0badc0de' does not exist)", well, {"vpc_id": "vpc-0badc0de"}),
    "ENI unknown": Row(
        f"{FAILED}(5 : The networkInterface ID 'eni-0badc0de' does not exist)", well, {"eni_id": "eni-0badc0de"}
    ),
    "no answer in time": Row(f"{FAILED}(6 : Timeout occurred.)", fault("hang"), timeout_ms=SHORT_MS),
    "no answer to the change": Row(f"{FAILED}(6 : Timeout occurred.)", fault("hang", "ReplaceRoute"), {}, SHORT_MS),
    "VIP inside the VPC": Row(
        f"{FAILED}(7 : The VIP address 10.0.200.20 belongs to a VPC subnet.)", well, {"address": "10.0.200.20"}
    ),
}
CHECKS = {
    "route changed": Row(f"{DETECTED}(8 : The routing for VIP 10.1.0.20 was changed.)", route_elsewhere),
    "address gone": Row(f"{DETECTED}(7 : The VIP address 10.1.0.20 does not exist.)", address_lost),
    "warning: failed": Row(f"{WARNED}(105 : Failed in the AWS CLI command.)", fault("denied")),
    "warning: timeout": Row(f"{WARNED}(106 : Timeout occurred.)", fault("hang"), {}, SHORT_MS),
    "error: failed": Row(f"{DETECTED}(5 : Failed in the AWS CLI command.)", fault("denied"), RECOVER),
    "error: timeout": Row(f"{DETECTED}(6 : Timeout occurred.)", fault("hang"), RECOVER, SHORT_MS),
}


EIP_FAILED = FAILED.replace("awsvip", "awseip")
EIP_DETECTED = DETECTED.replace("awsvip", "awseip")
EIP_WARNED = WARNED.replace("awsvip", "awseip")
NO_EIP = "The EIP address does not exist. (EIP ALLOCATION ID={allocation})"
EIP_ACTIVATIONS = {
    "internal error": Row(f"{EIP_FAILED}(99 : Internal error. (status=1))", without_device),
    "API call failed": Row(f"{EIP_FAILED}(5 : Failed in the AWS CLI command.)", fault("denied", "AssociateAddress")),
    "EIP unknown": Row(
        f"{EIP_FAILED}(5 : The allocation ID 'eipalloc-0badc0de' does not exist)",
        well,
        {"allocation_id": "eipalloc-0badc0de"},
    ),
    "ENI unknown": Row(
        f"{EIP_FAILED}(5 : The networkInterface ID 'eni-0badc0de' does not exist)", well, {"eni_id": "eni-0badc0de"}
    ),
    "no answer in time": Row(f"{EIP_FAILED}(6 : Timeout occurred.)", fault("hang"), timeout_ms=SHORT_MS),
}
EIP_CHECKS = {
    "EIP gone": Row(f"{EIP_DETECTED}(7 : {NO_EIP})", eip_gone),
    "warning: failed": Row(f"{EIP_WARNED}(105 : Failed in the AWS CLI command.)", fault("denied")),
    "warning: timeout": Row(f"{EIP_WARNED}(106 : Timeout occurred.)", fault("hang"), {}, SHORT_MS),
    "error: failed": Row(f"{EIP_DETECTED}(5 : Failed in the AWS CLI command.)", fault("denied"), RECOVER),
    "error: timeout": Row(f"{EIP_DETECTED}(6 : Timeout occurred.)", fault("hang"), RECOVER, SHORT_MS),
}
ZONES = {
    "warning: failed": ("Warn monitoring awsazw1. (105 : Failed in the AWS CLI command.)", "1a", "denied", "warn"),
    "warning: invalid": (
        "Warn monitoring awsazw1. (105 : Invalid availability zone: [ap-northeast-1x])",
        "1x",
        "",
        "warn",
    ),
    "warning: timeout": ("Warn monitoring awsazw1. (106 : Timeout occurred.)", "1a", "hang", "warn"),
    "error: failed": (
        "Detected an error in monitoring awsazw1. (5 : Failed in the AWS CLI command.)",
        "1a",
        "denied",
        "recover",
    ),
    "error: invalid": (
        "Detected an error in monitoring awsazw1. (5 : Invalid availability zone: [ap-northeast-1x])",
        "1x",
        "",
        "recover",
    ),
    "error: timeout": ("Detected an error in monitoring awsazw1. (6 : Timeout occurred.)", "1a", "hang", "recover"),
}

FRAMES = {"Activating": "KM31", "Detected": "KM33", "Warn": "KM34"}
REASONS = {
    "Failed in the AWS CLI command.": "01",
    "The vpc ID ": "02",
    "The networkInterface ID ": "03",
    "Timeout occurred.": "06",
    "belongs to a VPC subnet.": "11",
    "The VIP address 10.1.0.20 does not exist.": "12",
    "The routing for VIP": "13",
    "The allocation ID ": "21",
    "The EIP address does not exist.": "22",
    "Invalid availability zone: ": "51",
    "Internal error.": "99",
}


def code_of(text: str) -> str:
    """The code that stands with this text in status and alert: it never changes."""
    (reason,) = [code for words, code in REASONS.items() if words in text]
    return FRAMES[text.partition(" ")[0]] + reason


def said(aws: EmulatedAws, row: Row, *, running: bool, resource: str = "awsvip1") -> Said:
    """What the resource says when it is started, or checked while it runs, after the step."""

    async def story() -> Outcome:
        node = NodeUnderTest(aws, resource, **params_of(aws, resource, **row.params))
        try:
            if not running:
                row.broken(aws, node)
                return await node.hands.start(row.timeout_ms)
            await node.running()
            row.broken(aws, node)
            return await node.hands.check(row.timeout_ms)
        finally:
            aws.plan.heal()
            await node.end()

    found = asyncio.run(story()).said
    assert found is not None
    return found


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(aws: EmulatedAws, name: str) -> None:
    found = said(aws, ACTIVATIONS[name], running=False)
    assert (found.en, found.level) == (ACTIVATIONS[name].text, "error")
    assert found.code == code_of(found.en)
    assert found.ja.startswith("リソース awsvip1 の活性に失敗しました。")


@pytest.mark.parametrize("name", CHECKS)
def test_monitoring(aws: EmulatedAws, name: str) -> None:
    found = said(aws, CHECKS[name], running=True)
    warned = CHECKS[name].text.startswith("Warn")
    assert (found.en, found.level) == (CHECKS[name].text, "warning" if warned else "error")
    assert found.code == code_of(found.en)
    assert found.ja.startswith("監視 awsvipw1 は")


@pytest.mark.parametrize("name", EIP_ACTIVATIONS)
def test_activation_of_an_elastic_ip(aws: EmulatedAws, name: str) -> None:
    found = said(aws, EIP_ACTIVATIONS[name], running=False, resource="awseip1")
    assert (found.en, found.level) == (EIP_ACTIVATIONS[name].text, "error")
    assert found.code == code_of(found.en)
    assert found.ja.startswith("リソース awseip1 の活性に失敗しました。")


@pytest.mark.parametrize("name", EIP_CHECKS)
def test_monitoring_of_an_elastic_ip(aws: EmulatedAws, name: str) -> None:
    found = said(aws, EIP_CHECKS[name], running=True, resource="awseip1")
    expected = EIP_CHECKS[name].text.replace("{allocation}", aws.allocation)
    assert (found.en, found.level) == (expected, "warning" if expected.startswith("Warn") else "error")
    assert found.code == code_of(found.en)
    assert found.ja.startswith("監視 awseipw1 は")


@pytest.mark.parametrize("name", ZONES)
def test_monitoring_of_a_zone(aws: EmulatedAws, name: str) -> None:
    expected, zone, kind, policy = ZONES[name]

    async def story() -> Outcome:
        node = MonitorUnderTest(aws, "awsazw1", zone=f"ap-northeast-{zone}", api_failure=policy)
        if kind:
            aws.plan.add(kind)
        try:
            return await node.hands.check(SHORT_MS if kind == "hang" else LONG_MS)
        finally:
            aws.plan.heal()
            await node.end()

    found = asyncio.run(story()).said
    assert found is not None
    assert (found.en, found.level) == (expected, "warning" if expected.startswith("Warn") else "error")
    assert found.code == code_of(found.en)
    assert found.ja.startswith("監視 awsazw1 は")

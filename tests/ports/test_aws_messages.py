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
from tests.ports.emulated_aws import EmulatedAws, NodeUnderTest, vip_params

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


def said(aws: EmulatedAws, row: Row, *, running: bool) -> Said:
    """What the resource says when it is started, or checked while it runs, after the step."""

    async def story() -> Outcome:
        node = NodeUnderTest(aws, "awsvip1", **vip_params(aws, **row.params))
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
    assert found.ja.startswith("リソース awsvip1 の活性に失敗しました。")


@pytest.mark.parametrize("name", CHECKS)
def test_monitoring(aws: EmulatedAws, name: str) -> None:
    found = said(aws, CHECKS[name], running=True)
    warned = CHECKS[name].text.startswith("Warn")
    assert (found.en, found.level) == (CHECKS[name].text, "warning" if warned else "error")
    assert found.ja.startswith("監視 awsvipw1 は")

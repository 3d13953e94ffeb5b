"""The texts of T, to the letter. Operators' log filters match them."""

import asyncio
import string
from collections.abc import Callable, Coroutine

import pytest

from komainu.model.message import Said
from komainu.model.outcome import Outcome
from komainu.ports import CloudError, CloudFault
from komainu.types.aws.messages import (
    ACTIVATION,
    API_FAILED,
    ENI_UNKNOWN,
    INTERNAL,
    MONITOR_WARNING,
    TIMEOUT,
    VPC_UNKNOWN,
    InternalKind,
    Reason,
    reason_of,
)
from komainu.types.aws.vip import AWSVIP
from tests.doubles import cloud as aws
from tests.unit.types.aws.station import ENI
from tests.unit.types.aws.world import ROUTE, TABLES, World


async def _start(world: World) -> Outcome:
    return await world.vip.start(100)


async def _prepare(world: World) -> Outcome:
    return await world.vip.prepare()


Step = Callable[[World], None]


def _nothing(world: World) -> None:
    pass


def _fault(method: str, error: CloudError | None) -> Step:
    return lambda world: world.cloud.fail(method, error)


def _vpc_gone(world: World) -> None:
    world.cloud.vpcs.clear()


def _eni_gone(world: World) -> None:
    del world.cloud.interfaces[ENI[2]]


def _no_device(world: World) -> None:
    world.network.devices["eth0"].clear()


async def _with_fault_while_running(world: World, break_it: Step) -> Outcome:
    await world.vip.start(10_000)
    world.now_ms += 31_000
    break_it(world)
    return await world.vip.check(100)


def _routes_changed(world: World) -> None:
    world.cloud.tables[TABLES[1]][ROUTE] = "eni-foreign"


def _address_gone(world: World) -> None:
    world.network.devices["eth0"] = [("10.0.120.100", 24)]


A = "Activating awsvip1 resource has failed."
E = "Detected an error in monitoring awsvipw1. "
W = "Warn monitoring awsvipw1. "

# What is broken before the start, and what a start then says.
STARTS: list[tuple[str, dict[str, str], Step, str]] = [
    ("internal error", {}, _no_device, A + "(99 : Internal error. (status=1))"),
    ("no permission", {}, _fault("replace_route", aws.unauthorized()), A + "(5 : Failed in the AWS CLI command.)"),
    ("no credentials", {}, _fault("vpc_cidrs", aws.no_credentials()), A + "(5 : Failed in the AWS CLI command.)"),
    ("no connection", {}, _fault("interface", aws.unreachable()), A + "(5 : Failed in the AWS CLI command.)"),
    ("throttled", {}, _fault("replace_route", aws.throttled()), A + "(5 : Failed in the AWS CLI command.)"),
    ("VPC unknown", {"vpc_id": "vpc-12345678"}, _nothing, A + "(5 : The vpc ID 'vpc-12345678' does not exist)"),
    (
        "ENI unknown",
        {"eni_id": "eni-12345678"},
        _nothing,
        A + "(5 : The networkInterface ID 'eni-12345678' does not exist)",
    ),
    ("hanging endpoint", {}, _fault("replace_route", None), A + "(6 : Timeout occurred.)"),
    ("hanging endpoint, cold", {}, _fault("routes", None), A + "(6 : Timeout occurred.)"),
    ("packets dropped", {}, _fault("vpc_cidrs", aws.connect_timeout()), A + "(6 : Timeout occurred.)"),
    (
        "VIP inside the VPC",
        {"address": "10.0.200.20"},
        _nothing,
        A + "(7 : The VIP address 10.0.200.20 belongs to a VPC subnet.)",
    ),
    ("a defect", {}, _fault("interface", aws.defect()), A + "(99 : Internal error. (status=3))"),
]

# What breaks while it runs, and what the monitor then says.
CHECKS: list[tuple[str, dict[str, str], Step, str]] = [
    ("route changed", {}, _routes_changed, E + "(8 : The routing for VIP 10.1.0.20 was changed.)"),
    ("address gone", {}, _address_gone, E + "(7 : The VIP address 10.1.0.20 does not exist.)"),
    ("API failed", {}, _fault("routes", aws.unreachable()), W + "(105 : Failed in the AWS CLI command.)"),
    ("API hangs", {}, _fault("routes", None), W + "(106 : Timeout occurred.)"),
    (
        "API failed, recover",
        {"api_failure": "recover"},
        _fault("routes", aws.unreachable()),
        E + "(5 : Failed in the AWS CLI command.)",
    ),
    ("API hangs, recover", {"api_failure": "recover"}, _fault("routes", None), E + "(6 : Timeout occurred.)"),
]


def _say(world: World, body: Callable[[World], Coroutine[object, object, Outcome]]) -> Said:
    async def run() -> Outcome:
        outcome = await body(world)
        await world.vip.stop(1_000)
        return outcome

    said = asyncio.run(run()).said
    assert said is not None
    assert said.code in {message.code for message in AWSVIP.messages}
    return said


@pytest.mark.parametrize(("params", "broken", "expected"), [row[1:] for row in STARTS], ids=[row[0] for row in STARTS])
def test_activation(params: dict[str, str], broken: Step, expected: str) -> None:
    world = World(**params)
    broken(world)
    said = _say(world, _start)
    assert said.en == expected
    assert said.level == "error"


@pytest.mark.parametrize(("params", "broken", "expected"), [row[1:] for row in CHECKS], ids=[row[0] for row in CHECKS])
def test_monitoring(params: dict[str, str], broken: Step, expected: str) -> None:
    said = _say(World(**params), lambda world: _with_fault_while_running(world, broken))
    assert said.en == expected
    assert said.level == ("error" if expected.startswith(E) else "warning")


@pytest.mark.parametrize(
    ("resource", "monitor"),
    [("awsvip1", "awsvipw1"), ("awsvip", "awsvipw"), ("awsvip-web", "awsvipw-web"), ("address", "awsvipw-address")],
)
def test_the_monitor_of_a_resource_has_its_name(resource: str, monitor: str) -> None:
    assert AWSVIP.monitor_name(resource) == monitor
    world = World()
    world.vip = world.new(resource)
    said = _say(world, lambda world: _with_fault_while_running(world, _address_gone))
    assert said.en.startswith(f"Detected an error in monitoring {monitor}. (7 : ")


def test_the_japanese_stands_beside_the_english() -> None:
    said = ACTIVATION.row(TIMEOUT).said(resource="awsvip1")
    assert said.ja == "リソース awsvip1 の活性に失敗しました。(6 : タイムアウトが発生しました。)"
    assert MONITOR_WARNING.row(API_FAILED).said(monitor="awsvipw1").ja == (
        "監視 awsvipw1 は警告の状態です。(105 : AWS CLI コマンドに失敗しました。)"
    )


def test_every_message_has_the_same_placeholders_in_both_languages() -> None:
    for message in AWSVIP.messages:
        fields = [
            sorted({name for _, name, _, _ in string.Formatter().parse(text) if name})
            for text in (message.en, message.ja)
        ]
        assert fields[0] == fields[1], message


def test_codes_are_unique() -> None:
    codes = [message.code for message in (*AWSVIP.messages, AWSVIP.title, AWSVIP.description)]
    assert len(codes) == len(set(codes))
    assert all(code.startswith("KM3") for code in codes)


def _refused(code: str) -> CloudError:
    return CloudError(CloudFault.REFUSED, code, "the text says nothing that counts")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (_refused("InvalidVpcID.NotFound"), VPC_UNKNOWN),
        (_refused("InvalidVpcId.Malformed"), VPC_UNKNOWN),
        (_refused("InvalidNetworkInterfaceID.NotFound"), ENI_UNKNOWN),
        (_refused("InvalidNetworkInterfaceId.Malformed"), ENI_UNKNOWN),
        (_refused("InvalidNetworkInterface.InUse"), API_FAILED),
        (_refused("AccessDenied"), API_FAILED),
        (_refused("UnauthorizedOperation"), API_FAILED),
        (aws.no_answer(), TIMEOUT),
        (aws.connect_timeout(), TIMEOUT),
        (aws.connection_lost(), API_FAILED),
        (aws.unreachable(), API_FAILED),
        (aws.defect(), INTERNAL),
    ],
)
def test_the_reason_follows_from_the_code_alone(error: CloudError, reason: Reason) -> None:
    assert reason_of(error) is reason


def test_the_kinds_of_internal_errors_keep_their_numbers() -> None:
    assert [(kind.name, kind.value) for kind in InternalKind] == [("NO_DEVICE", 1), ("KERNEL", 2), ("DEFECT", 3)]


def test_prepare_says_the_same_reasons_in_a_frame_of_its_own() -> None:
    world = World(address="10.0.200.20")
    assert _say(world, _prepare).en == (
        "awsvip1 resource could not be activated on this node."
        "(7 : The VIP address 10.0.200.20 belongs to a VPC subnet.)"
    )
    world = World()
    _vpc_gone(world)
    assert "(5 : The vpc ID 'vpc-0a1b2c3d' does not exist)" in _say(world, _prepare).en
    world = World()
    _eni_gone(world)
    assert "(5 : The networkInterface ID 'eni-00000002' does not exist)" in _say(world, _prepare).en

"""awsvip when AWS is not as it should be, through the real adapter and an API that can be spoilt (issue: three states).

After each fault: what is known, what is said, where the routes really point, and nothing secret in any text.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from komainu.adapters.aws.budget import EXHAUSTED
from komainu.adapters.aws.ec2 import Ec2Cloud
from komainu.compose import _within_budget
from komainu.model.config import Arbitration, Aws, Cluster, Node
from komainu.model.outcome import Outcome, Result
from komainu.ports import CloudError
from tests.doubles.api_server import nobody_listens
from tests.ports.emulated_aws import HERE, PEER, EmulatedAws, NodeUnderTest, Story, Told, nothing_leaks

SHORT_MS = 1_500
LONG_MS = 20_000
FAILED_5 = "Activating awsvip1 resource has failed.(5 : Failed in the AWS CLI command.)"
FAILED_6 = "Activating awsvip1 resource has failed.(6 : Timeout occurred.)"
WARNED_5 = "Warn monitoring awsvipw1. (105 : Failed in the AWS CLI command.)"
WARNED_6 = "Warn monitoring awsvipw1. (106 : Timeout occurred.)"
CHANGED = "Detected an error in monitoring awsvipw1. (8 : The routing for VIP 10.1.0.20 was changed.)"


@pytest.fixture
def told(aws: EmulatedAws, caplog: pytest.LogCaptureFixture) -> Iterator[Told]:
    with nothing_leaks(aws, "awsvip1", caplog) as made:
        yield made


def text(outcome: Outcome) -> str:
    assert outcome.said is not None, outcome
    return outcome.said.en


async def cold_start(node: NodeUnderTest) -> Outcome:
    return await node.hands.start(SHORT_MS)


def spoilt(aws: EmulatedAws, kind: str, *actions: str, times: int | None = None, timeout_ms: int = SHORT_MS) -> Story:
    """It runs, the API goes wrong, and the check looks."""

    async def story(node: NodeUnderTest) -> Outcome:
        await node.running()
        aws.plan.add(kind, actions, times=times)
        return await node.hands.check(timeout_ms)

    return story


def prepared(aws: EmulatedAws, then: Callable[[EmulatedAws, NodeUnderTest], None], timeout_ms: int = SHORT_MS) -> Story:
    """It was prepared, something happens, and the takeover comes."""

    async def story(node: NodeUnderTest) -> Outcome:
        outcome = await node.hands.prepare()
        assert outcome.succeeded, outcome
        then(aws, node)
        return await node.hands.start(timeout_ms)

    return story


# --- the API gives no answer, or a bad one


def test_a_refused_connection(aws: EmulatedAws, told: Told) -> None:
    with nobody_listens() as url:
        outcome = told(cold_start, url)
    assert (outcome.result, text(outcome)) == (Result.FAILED, FAILED_5)
    assert "EndpointConnectionError" in outcome.detail
    assert aws.targets() == {aws.eni(PEER)}


def test_a_name_that_does_not_resolve(aws: EmulatedAws, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    known = socket.getaddrinfo

    def unknown(host: Any, *rest: Any, **more: Any) -> Any:
        if host == "ec2.nowhere.test":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    outcome = told(cold_start, "https://ec2.nowhere.test")
    assert (outcome.result, text(outcome)) == (Result.FAILED, FAILED_5)
    assert "does not resolve" in outcome.detail
    assert aws.topology.region in outcome.detail


@pytest.mark.parametrize(
    ("kind", "results", "said"),
    [
        ("hang", {Result.UNKNOWN}, {FAILED_6}),
        ("error", {Result.UNKNOWN}, {FAILED_5, FAILED_6}),
        # The time may end while one more attempt is on its way: then nobody knows.
        ("throttle", {Result.FAILED, Result.UNKNOWN}, {FAILED_5, FAILED_6}),
        ("denied", {Result.FAILED}, {FAILED_5}),
        ("expired", {Result.FAILED}, {FAILED_5}),
    ],
)
def test_a_takeover_that_the_api_does_not_carry_out(
    aws: EmulatedAws, told: Told, kind: str, results: set[Result], said: set[str]
) -> None:
    """Unknown where a change may have been made. What is tried again may end with an answer or with the time."""
    outcome = told(prepared(aws, lambda aws, node: spoil(aws, kind)))
    assert outcome.result in results
    assert text(outcome) in said
    assert aws.targets() == {aws.eni(PEER)}


def spoil(aws: EmulatedAws, kind: str, *actions: str, times: int | None = None) -> None:
    aws.plan.add(kind, actions or ("ReplaceRoute",), times=times)


@pytest.mark.parametrize("kind", ["throttle", "error", "reset"])
def test_a_fault_that_passes_costs_no_takeover(aws: EmulatedAws, told: Told, kind: str) -> None:
    """3 of the calls go wrong; each table is tried again by itself."""
    mark = aws.log.last
    outcome = told(prepared(aws, lambda aws, node: spoil(aws, kind, times=3), LONG_MS))
    assert outcome.succeeded, outcome
    assert [each["fault"] for each in aws.log.after(mark)].count(kind) == 3
    assert aws.targets() == {aws.eni(HERE)}


@pytest.mark.parametrize("kind", ["lost", "mute"])
def test_an_answer_that_is_lost_after_the_change(aws: EmulatedAws, told: Told, kind: str) -> None:
    """Nobody knows, and it is said to be unknown: the change was made. The next start finds it done."""
    outcome = told(prepared(aws, lambda aws, node: spoil(aws, kind)))
    assert outcome.result is Result.UNKNOWN
    assert aws.targets() == {aws.eni(HERE)}
    assert told(cold_start).succeeded


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("hang", WARNED_6),
        ("throttle", WARNED_5),
        ("error", WARNED_5),
        ("reset", WARNED_5),
        ("denied", WARNED_5),
        ("expired", WARNED_5),
    ],
)
def test_who_runs_is_not_touched_by_an_api_that_fails(aws: EmulatedAws, told: Told, kind: str, said: str) -> None:
    """N4: unknown is a warning, and no failover by itself; with `recover` it is an error; with `ignore` nothing."""
    outcome = told(spoilt(aws, kind))
    assert (outcome.result, text(outcome)) == (Result.UNKNOWN, said)
    assert aws.targets() == {aws.eni(HERE)}
    outcome = told(spoilt(aws, kind), api_failure="recover")
    assert outcome.result is Result.FAILED
    assert text(outcome) == said.replace("Warn", "Detected an error in").replace("(10", "(")
    outcome = told(spoilt(aws, kind), api_failure="ignore")
    assert (outcome.result, outcome.said) == (Result.SUCCEEDED, None)


# --- permission and credentials


@pytest.mark.parametrize(
    ("action", "said"),
    [("ReplaceRoute", FAILED_5), ("DescribeRouteTables", FAILED_5), ("DescribeNetworkInterfaces", FAILED_5)],
)
def test_a_policy_that_lacks_one_action(aws: EmulatedAws, told: Told, action: str, said: str) -> None:
    """By the policy of the role, as an administrator gets it wrong; which action it was is in the detail."""
    iam = aws.operator.client("iam")
    denied = (
        f'{{"Version": "2012-10-17", "Statement": [{{"Effect": "Deny", "Action": "ec2:{action}", "Resource": "*"}}]}}'
    )
    role = aws.built.instances[HERE].role
    iam.put_role_policy(RoleName=role, PolicyName="wrong", PolicyDocument=denied)
    try:
        outcome = told(cold_start)
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="wrong")
    assert (outcome.result, text(outcome)) == (Result.FAILED, said)
    assert "UnauthorizedOperation" in outcome.detail
    assert action in outcome.detail
    assert aws.targets() == {aws.eni(PEER)}


def test_credentials_that_have_ended_are_fetched_afresh(aws: EmulatedAws, told: Told) -> None:
    async def story(node: NodeUnderTest) -> Outcome:
        await node.running()
        asked = aws.asked_for_credentials
        aws.plan.add("expired", times=1)
        first = await node.hands.check(LONG_MS)
        assert (first.result, first.said) == (Result.SUCCEEDED, None)
        assert aws.asked_for_credentials > asked
        asked = aws.asked_for_credentials
        assert (await node.hands.check(LONG_MS)).succeeded
        assert aws.asked_for_credentials == asked, "only when they were refused"
        return first

    assert told(story).succeeded


def test_a_takeover_whose_credentials_have_ended_fetches_new_ones_and_goes_on(aws: EmulatedAws, told: Told) -> None:
    """The table that was refused is written with the new ones, in the same start."""

    def ended(aws: EmulatedAws, node: NodeUnderTest) -> None:
        aws.role._current.clear()  # the metadata service has new ones from now on
        spoil(aws, "expired", times=1)

    mark = aws.log.last
    outcome = told(prepared(aws, ended, LONG_MS))
    assert outcome.succeeded, outcome
    assert aws.targets() == {aws.eni(HERE)}
    writes = [call for call in aws.log.after(mark) if call["action"] == "ReplaceRoute" and not _dry(call)]
    assert [call["fault"] for call in writes].count("expired") == 1
    assert len(writes) == len(aws.built.tables) + 1


def _dry(call: dict[str, Any]) -> bool:
    return str(call["details"].get("DryRun", "")).lower() == "true"


def test_a_node_whose_clock_is_wrong_takes_over(aws: EmulatedAws, told: Told) -> None:
    """The API is twenty minutes ahead and strict about it; its refusal says so."""
    mark = aws.log.last
    outcome = told(prepared(aws, lambda aws, node: spoil(aws, "skewed"), LONG_MS))
    assert outcome.succeeded, outcome
    assert aws.targets() == {aws.eni(HERE)}
    assert {call["status"] for call in aws.log.after(mark) if call["fault"] == "skewed"} == {200, 400}


def test_a_node_whose_clock_was_wrong_from_its_start_takes_over(aws: EmulatedAws, told: Told) -> None:
    aws.plan.add("skewed")
    outcome = told(lambda node: node.hands.start(LONG_MS))
    assert outcome.succeeded, outcome
    assert aws.targets() == {aws.eni(HERE)}


def test_a_metadata_service_that_is_off(aws: EmulatedAws, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials nothing is sent, and that is known; with credentials at hand nobody notices."""

    async def running(node: NodeUnderTest) -> Outcome:
        await node.running()
        with nobody_listens() as nowhere:
            monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", nowhere)
        return await node.hands.check(SHORT_MS)

    assert told(running).succeeded
    mark = aws.log.last
    aws.point(PEER)
    outcome = told(cold_start)
    assert (outcome.result, text(outcome)) == (Result.FAILED, FAILED_5)
    assert "MetadataRetrievalError" in outcome.detail
    assert aws.log.after(mark) == []
    assert aws.targets() == {aws.eni(PEER)}


# --- the world changes under it


def test_a_stale_answer_after_the_takeover_is_no_error(aws: EmulatedAws, told: Told) -> None:
    async def story(node: NodeUnderTest) -> Outcome:
        await node.hands.prepare()
        aws.plan.add("stale")
        assert (await node.hands.start(LONG_MS)).succeeded
        return await node.hands.check(SHORT_MS)

    outcome = told(story)
    assert (outcome.result, outcome.said) == (Result.SUCCEEDED, None)
    assert "not yet visible" in outcome.detail
    assert aws.targets() == {aws.eni(HERE)}


def test_a_table_that_is_deleted_before_its_route_is_replaced(aws: EmulatedAws, told: Told) -> None:
    table = aws.ec2.create_route_table(VpcId=aws.built.vpc)["RouteTable"]["RouteTableId"]
    aws.ec2.create_route(RouteTableId=table, DestinationCidrBlock=aws.vip, NetworkInterfaceId=aws.eni(PEER))
    mark = aws.log.last
    outcome = told(prepared(aws, lambda aws, node: aws.ec2.delete_route_table(RouteTableId=table), LONG_MS))
    assert outcome.succeeded, outcome
    assert aws.targets() == {aws.eni(HERE)}
    refused = [call for call in aws.log.after(mark) if call["action"] == "ReplaceRoute" and call["status"] == 400]
    assert [call["details"]["RouteTableId"] for call in refused] == [table]


def test_an_interface_that_is_deleted_before_the_takeover(aws: EmulatedAws, told: Told) -> None:
    """It was there when the standby was prepared. The reason is named, and no route is left without a target."""
    eni = aws.spare_interface()
    aws.ec2.modify_network_interface_attribute(NetworkInterfaceId=eni, SourceDestCheck={"Value": False})

    async def story(node: NodeUnderTest) -> Outcome:
        found = await node.cloud.interface(eni, LONG_MS)
        node.network.devices["eth0"].append((found.private_address, 24))
        return await prepared(aws, lambda aws, node: aws.ec2.delete_network_interface(NetworkInterfaceId=eni))(node)

    outcome = told(story, eni_id=eni)
    assert outcome.result is Result.FAILED
    assert text(outcome) == (
        f"Activating awsvip1 resource has failed.(5 : The networkInterface ID '{eni}' does not exist)"
    )
    assert aws.targets() == {aws.eni(PEER)}


def test_routes_that_somebody_changes_during_ours(aws: EmulatedAws, told: Told) -> None:
    """The takeover succeeds on its own answers; the check finds what was done behind them, and whose it is."""

    async def story(node: NodeUnderTest) -> Outcome:
        await node.hands.prepare()
        aws.plan.add("delay", ("ReplaceRoute",), delay_ms=1_000)
        mark = aws.log.last
        starting = asyncio.create_task(node.hands.start(LONG_MS))
        async with asyncio.timeout(LONG_MS / 1000):
            while len([each for each in aws.log.after(mark) if each["fault"] == "delay"]) < len(aws.built.tables):
                await asyncio.sleep(0.01)
        aws.point("client")  # before the delayed writes: these win
        assert (await starting).succeeded
        assert aws.targets() == {aws.eni(HERE)}
        aws.point("client")  # and after them: that is drift
        node.now_ms += 31_000
        return await node.hands.check(LONG_MS)

    outcome = told(story)
    assert (outcome.result, text(outcome)) == (Result.FAILED, CHANGED)
    assert f"-> {aws.eni('client')}" in outcome.detail


# --- the wiring


def test_the_daemon_watches_within_the_configured_budget_and_hears_of_every_throttling(aws: EmulatedAws) -> None:
    """As `komainu.compose` puts it together: a takeover that is throttled once, and succeeds, halves the budget."""
    cluster = Cluster(
        name="cluster1",
        environment="aws",
        aws=Aws(region=aws.topology.region, calls_per_minute=60),
        detect_within_ms=5_000,
        arbitration=Arbitration(kind="operator"),
        nodes=(Node(name=HERE, id=1, links=("10.0.110.100",)),),
    )
    cloud = Ec2Cloud(aws.topology.region, aws.url)
    watching = _within_budget(cloud, cluster, lambda: 1_000_000)
    assert watching is not None
    budget = watching._budget
    table = next(iter(aws.built.tables.values()))

    async def body() -> None:
        assert await watching.vpc_cidrs(aws.built.vpc, LONG_MS)
        assert budget.per_minute == 60
        spoil(aws, "throttle", times=1)
        await cloud.replace_route(table, aws.vip, aws.eni(HERE), LONG_MS)
        assert budget.per_minute == 30
        while not budget.take():
            pass  # nothing is left for what watches
        await cloud.replace_route(table, aws.vip, aws.eni(HERE), LONG_MS)
        with pytest.raises(CloudError) as raised:
            await watching.vpc_cidrs(aws.built.vpc, SHORT_MS)
        assert raised.value.code == EXHAUSTED

    try:
        asyncio.run(body())
    finally:
        aws.plan.heal()
        cloud.close()

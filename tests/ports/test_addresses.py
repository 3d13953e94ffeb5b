"""awssip, awsdns, awsvip over IPv6 and awsvip in a shared VPC: type, adapter, SDK, HTTPS, emulated API, policies.

The node's role has exactly what the page about addresses says: not an action more, and none of them for nothing.
"""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from komainu.model.outcome import Outcome, Result
from komainu.types.aws import dns
from komainu_lab.vpc import sharing
from komainu_lab.vpc.build import ACCOUNT, ROLE, backend
from tests.ports.emulated_aws import HERE, LATER_MS, PEER, EmulatedAws, NodeUnderTest, Place

DOCS = Path(__file__).parents[2] / "docs"
LONG_MS = 20_000
SIP = "10.0.110.20"
VIP6 = "fd00:20::20"
NAME = "db.example.com"
VALUES = {HERE: "10.0.110.101", PEER: "10.0.120.102"}
FAILED = "Activating {} resource has failed.(5 : Failed in the AWS CLI command.)"
NOT_READY = "{} resource could not be activated on this node.(5 : Failed in the AWS CLI command.)"
WARNED = "Warn monitoring {}. (105 : Failed in the AWS CLI command.)"


# --- what the page says


def section(language: str, title: str) -> str:
    """A section of the page about addresses, by its title."""
    page = (DOCS / language / "addresses.md").read_text(encoding="utf-8")
    return page.partition(f"\n### {title}\n")[2].partition("\n### ")[0]


def documented(language: str, title: str) -> dict[str, tuple[str, ...]]:
    """The actions of each type, in the order of the page."""
    rows = re.findall(r"^\| `(aws\w+)` \| (.*) \|$", section(language, title), re.MULTILINE)
    return {name: tuple(re.findall(r"`(\w+:\w+)`", actions)) for name, actions in rows}


def policies(language: str, title: str) -> list[dict[str, Any]]:
    """The policies that the page shows."""
    return [json.loads(text) for text in re.findall(r"```json\n(.*?)```", section(language, title), re.DOTALL)]


PERMISSIONS = documented("en", "Permissions")
ASSUME = "sts:AssumeRole"
SHARED, TRUST = policies("en", "Permissions")


def test_both_languages_say_the_same() -> None:
    assert documented("ja", "権限") == PERMISSIONS
    assert policies("ja", "権限") == [SHARED, TRUST]
    assert set(PERMISSIONS) == {"awsvip", "awssip", "awseip", "awsdns"}


# --- one address on two nodes


@dataclass
class Stage:
    """One address that moves between two nodes."""

    resource: str
    make: Callable[[str], NodeUnderTest]
    "The resource on a node: a daemon that has just started."
    holder: Callable[[], str]
    "Where AWS has the address: a node's name; empty: nowhere."
    give: Callable[[str], None]
    "Somebody else moves it to a node, or to something foreign: an empty name."
    actions: tuple[str, ...]
    after_stop: str
    "Where AWS has it after a stop on HERE."
    changed: str
    "What the check says when somebody else has moved it."

    def run(self, story: Callable[..., Coroutine[Any, Any, None]], *names: str) -> None:
        """A story of the resource on these nodes."""

        async def whole() -> None:
            nodes = [self.make(name) for name in names]
            try:
                await story(*nodes)
            finally:
                for node in nodes:
                    await node.end()

        asyncio.run(whole())


def places(aws: EmulatedAws, address: str, elsewhere: dict[str, dict[str, Any]]) -> Callable[[str], Place]:
    """The two nodes; PEER's interface has that address, and each knows what the other one has."""
    own = {HERE: aws.built.instances[HERE].address, PEER: address}
    return lambda name: Place(name, own[name], {other: each for other, each in elsewhere.items() if other != name})


def sip(aws: EmulatedAws) -> Stage:
    """A secondary private address; PEER has an interface in the subnet of HERE."""
    spare = aws.spare_interface()
    enis = {HERE: aws.eni(HERE), PEER: spare}

    def holder() -> str:
        found = aws.ec2.describe_network_interfaces(NetworkInterfaceIds=list(enis.values()))["NetworkInterfaces"]
        having = [
            each["NetworkInterfaceId"]
            for each in found
            if SIP in [entry["PrivateIpAddress"] for entry in each["PrivateIpAddresses"]]
        ]
        return next((name for name, eni in enis.items() if eni in having), "")

    def give(name: str) -> None:
        if name:
            aws.ec2.assign_private_ip_addresses(
                NetworkInterfaceId=enis[name], PrivateIpAddresses=[SIP], AllowReassignment=True
            )
        elif had := holder():
            aws.ec2.unassign_private_ip_addresses(NetworkInterfaceId=enis[had], PrivateIpAddresses=[SIP])

    give("")
    own = aws.ec2.describe_network_interfaces(NetworkInterfaceIds=[spare])["NetworkInterfaces"][0]["PrivateIpAddress"]
    place = places(aws, own, {name: {"eni_id": eni} for name, eni in enis.items()})
    return Stage(
        resource="awssip1",
        make=lambda name: NodeUnderTest(aws, "awssip1", node=place(name), address=SIP, eni_id=enis[name]),
        holder=holder,
        give=give,
        actions=PERMISSIONS["awssip"],
        after_stop="",
        changed=f"(8 : The private IP address {SIP} is not assigned to {enis[HERE]} any more.)",
    )


def record(aws: EmulatedAws, on_stop: str) -> Stage:
    """A record of Route 53."""
    zone = aws.hosted_zone()
    route53 = aws.operator.client("route53")

    def holder() -> str:
        return next((name for name, value in VALUES.items() if aws.record(zone, NAME) == (value,)), "")

    def give(name: str) -> None:
        values = [{"Value": VALUES.get(name, "192.0.2.1")}]
        change = {"Name": NAME, "Type": "A", "TTL": 30, "ResourceRecords": values}
        batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": change}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    place = places(aws, aws.built.instances[PEER].address, {name: {"value": each} for name, each in VALUES.items()})
    own: dict[str, Any] = {"zone_id": zone, "name": NAME, "on_stop": on_stop}
    return Stage(
        resource="awsdns1",
        make=lambda name: NodeUnderTest(aws, "awsdns1", node=place(name), value=VALUES[name], **own),
        holder=holder,
        give=give,
        actions=PERMISSIONS["awsdns"],
        after_stop="" if on_stop == "delete" else HERE,
        changed=f"(8 : The record {NAME} does not lead to {VALUES[HERE]} any more.)",
    )


def routes(aws: EmulatedAws, address: str, shared: tuple[str, ...] = ()) -> Stage:
    """A virtual IP; some of its route tables may belong to another account."""
    owner = sharing.backend_of_owner(aws.topology.region)
    tables = list(aws.built.tables.values())
    field, length = ("DestinationIpv6CidrBlock", 128) if ":" in address else ("DestinationCidrBlock", 32)
    names = {aws.eni(name): name for name in (HERE, PEER)}
    destination = f"{address}/{length}"

    def targets() -> set[str]:
        every = {**owner.route_tables, **backend(aws.topology.region).route_tables}
        rows = [route for table in tables for route in every[table].routes]
        wanted = [r for r in rows if destination in (r.destination_cidr_block, r.destination_ipv6_cidr_block)]
        assert len(wanted) == len(tables)
        return {route.interface.id for route in wanted}

    def holder() -> str:
        found = targets()
        return names.get(found.pop(), "") if len(found) == 1 else ""

    def give(name: str) -> None:
        for table in tables:
            if table not in shared:
                aws.ec2.replace_route(
                    RouteTableId=table, NetworkInterfaceId=aws.eni(name or "client"), **{field: destination}
                )

    elsewhere = {name: {"eni_id": aws.eni(name)} for name in (HERE, PEER)}
    place = places(aws, aws.built.instances[PEER].address, elsewhere)
    roles = dict.fromkeys(shared, sharing.ROLE_ARN)
    own: dict[str, Any] = {"address": address, "vpc_id": aws.built.vpc, "roles": roles}
    return Stage(
        resource="awsvip1",
        make=lambda name: NodeUnderTest(aws, "awsvip1", node=place(name), eni_id=aws.eni(name), **own),
        holder=holder,
        give=give,
        actions=tuple(each for each in PERMISSIONS["awsvip"] if shared or each != ASSUME),
        after_stop=HERE,
        changed=f"(8 : The routing for VIP {address} was changed.)",
    )


def eip(aws: EmulatedAws) -> Stage:
    """An Elastic IP."""
    elsewhere = {name: {"eni_id": aws.eni(name)} for name in (HERE, PEER)}
    place = places(aws, aws.built.instances[PEER].address, elsewhere)
    names = {aws.eni(name): name for name in (HERE, PEER)}
    own: dict[str, Any] = {"allocation_id": aws.allocation}
    return Stage(
        resource="awseip1",
        make=lambda name: NodeUnderTest(aws, "awseip1", node=place(name), eni_id=aws.eni(name), **own),
        holder=lambda: names.get(aws.associated(), ""),
        give=aws.associate,
        actions=PERMISSIONS["awseip"],
        after_stop="",
        changed=f"(7 : The EIP address does not exist. (EIP ALLOCATION ID={aws.allocation}))",
    )


def ipv6(aws: EmulatedAws) -> Stage:
    """A virtual IP over IPv6."""
    for table in aws.built.tables.values():
        if VIP6 not in str([route.destination_ipv6_cidr_block for route in aws_table(aws, table).routes]):
            aws.ec2.create_route(
                RouteTableId=table, DestinationIpv6CidrBlock=f"{VIP6}/128", NetworkInterfaceId=aws.eni(PEER)
            )
    return routes(aws, VIP6)


def aws_table(aws: EmulatedAws, table: str) -> Any:
    """A route table of the nodes' account."""
    return backend(aws.topology.region).route_tables[table]


def shared_vpc(aws: EmulatedAws) -> Stage:
    """A virtual IP with a route table that another account owns, and lets its role write."""
    region, table = aws.topology.region, aws.built.tables["Private-B"]
    sharing.share(backend(region), region, table)
    (statement,) = SHARED["Statement"]
    sharing.allow_owner_role(*statement["Action"], trusted=f"arn:aws:iam::{ACCOUNT}:role/{ROLE}")
    return routes(aws, aws.built.service_address, (table,))


STAGES: dict[str, Callable[[EmulatedAws], Stage]] = {
    "awseip": eip,
    "awssip": sip,
    "awsdns": partial(record, on_stop="keep"),
    "awsdns, deleted": partial(record, on_stop="delete"),
    "awsvip over IPv6": ipv6,
    "awsvip in a shared VPC": shared_vpc,
}


@pytest.fixture(autouse=True)
def rights(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The usual rights and owners afterwards; and whether a record is in sync is looked at soon."""
    monkeypatch.setattr(dns, "IN_SYNC_MS", (10,))
    yield
    aws.grant()
    sharing.take_back(backend(aws.topology.region), aws.topology.region)


def text(outcome: Outcome) -> str:
    """What is told in English; empty: nothing."""
    return outcome.said.en if outcome.said is not None else ""


@pytest.mark.parametrize("name", STAGES)
def test_the_address_goes_with_the_documented_rights_and_no_call_is_refused(aws: EmulatedAws, name: str) -> None:
    """Started, taken over from a dead node, moved by somebody else and repaired, stopped."""
    stage = STAGES[name](aws)
    aws.grant(*stage.actions)
    after = aws.log.last

    async def story(here: NodeUnderTest, there: NodeUnderTest) -> None:
        assert (await there.hands.prepare()).succeeded
        await there.running()
        assert stage.holder() == PEER
        assert (await there.hands.check(LONG_MS)).succeeded

        assert (await here.hands.prepare()).succeeded, "a standby"
        await here.running()  # the other one has no power, and says nothing
        assert stage.holder() == HERE
        assert (await here.hands.check(LONG_MS)).succeeded
        assert (await here.hands.probe(LONG_MS)).succeeded

        found = await there.hands.check(LONG_MS)
        assert found.result is Result.FAILED, "who comes back finds that the address went"
        assert (await there.hands.stop(LONG_MS)).succeeded
        assert stage.holder() == HERE, "who stops late takes nothing from the next holder"

        stage.give("")
        here.now_ms += LATER_MS
        found = await here.hands.check(LONG_MS)
        assert (found.result, text(found)) == (
            Result.FAILED,
            f"Detected an error in monitoring {stage.resource.replace('1', 'w1')}. {stage.changed}",
        )
        assert (await here.hands.stop(LONG_MS)).succeeded
        await here.running()
        assert stage.holder() == HERE
        await asyncio.sleep(0.1)  # a look beside the start, where there is one
        assert (await here.hands.stop(LONG_MS)).succeeded
        assert stage.holder() == stage.after_stop
        assert not here.reports

    stage.run(story, HERE, PEER)
    assert not aws.refused(after)


NEEDED = {
    ("awssip", "ec2:DescribeNetworkInterfaces"): {"start": FAILED, "check": WARNED},
    ("awssip", "ec2:AssignPrivateIpAddresses"): {"start": FAILED},
    ("awssip", "ec2:UnassignPrivateIpAddresses"): {
        "stop": f"{{}} is stopped: this node does not answer for {SIP} any more. EC2 has not confirmed"
    },
    ("awsdns, deleted", "route53:ChangeResourceRecordSets"): {
        "start": FAILED,
        "stop": "{} is stopped, but Route 53 has not confirmed that the record db.example.com is deleted",
    },
    ("awsdns", "route53:ListResourceRecordSets"): {"check": WARNED},
    ("awsvip over IPv6", "ec2:DescribeVpcs"): {"start": FAILED},
    ("awsvip over IPv6", "ec2:DescribeNetworkInterfaces"): {"start": FAILED},
    ("awsvip over IPv6", "ec2:DescribeRouteTables"): {"start": FAILED, "check": WARNED},
    ("awsvip over IPv6", "ec2:ReplaceRoute"): {"prepare": NOT_READY, "start": FAILED},
    ("awseip", "ec2:DescribeAddresses"): {"check": WARNED},
    ("awseip", "ec2:DescribeNetworkInterfaces"): {"start": FAILED},
    ("awseip", "ec2:AssociateAddress"): {"prepare": NOT_READY, "start": FAILED},
    ("awseip", "ec2:DisassociateAddress"): {"stop": "{} is stopped"},
    ("awsvip in a shared VPC", "sts:AssumeRole"): {"start": FAILED},
}
"What is told by which hand when the role lacks one action."


def test_every_documented_action_is_tried_without() -> None:
    tried = {action for _, action in NEEDED}
    told = {each for actions in PERMISSIONS.values() for each in actions}
    assert told - tried == {"route53:GetChange"}, "asked beside the start: test_a_record_whose_change_may_not_be_read"


@pytest.mark.parametrize(("name", "action"), NEEDED)
def test_without_one_of_the_rights_it_is_told_which(aws: EmulatedAws, name: str, action: str) -> None:
    stage = STAGES[name](aws)
    aws.grant(*stage.actions)
    rest = [each for each in stage.actions if each != action]
    assert len(rest) == len(stage.actions) - 1

    async def one(step: str, expected: str) -> None:
        node = stage.make(HERE)
        try:
            if step in ("check", "stop"):
                await node.running()
            aws.grant(*rest)
            outcome = await (node.hands.prepare() if step == "prepare" else getattr(node.hands, step)(LONG_MS))
        finally:
            aws.grant(*stage.actions)
            await node.end()
        named = stage.resource if step != "check" else stage.resource.replace("1", "w1")
        assert text(outcome).startswith(expected.format(named))
        assert f"is not authorized to perform: {action}" in outcome.detail

    for step, expected in NEEDED[name, action].items():
        asyncio.run(one(step, expected))


@pytest.mark.parametrize("action", sharing.OWNER_ACTIONS)
def test_without_one_of_the_rights_of_the_owners_role_it_is_told_whose(aws: EmulatedAws, action: str) -> None:
    stage = shared_vpc(aws)
    aws.grant(*stage.actions)
    rest = [each for each in sharing.OWNER_ACTIONS if each != action]
    sharing.allow_owner_role(*rest, trusted="nobody new")

    async def story(node: NodeUnderTest) -> None:
        outcome = await node.hands.start(LONG_MS)
        assert text(outcome) == FAILED.format("awsvip1")
        assert f"is not authorized to perform: {action}" in outcome.detail
        assert f"(as {sharing.ROLE_ARN})" in outcome.detail

    stage.run(story, HERE)


def test_the_table_of_another_account_takes_its_role(aws: EmulatedAws) -> None:
    """Without `roles` the node sees it, as a participant does; which one it may not write is told."""
    shared = aws.built.tables["Private-B"]
    assert shared_vpc(aws).resource == "awsvip1"
    own = routes(aws, aws.built.service_address)
    aws.grant(*own.actions)

    async def story(node: NodeUnderTest) -> None:
        outcome = await node.hands.start(LONG_MS)
        assert text(outcome) == FAILED.format("awsvip1")
        told = dict(each.split(": ", 1) for each in outcome.detail.split("; "))
        assert told.pop(shared).startswith("UnauthorizedOperation")
        assert set(told.values()) == {"done"}

    own.run(story, HERE)


def test_the_policy_of_the_page_names_what_the_owners_role_needs() -> None:
    (statement,) = SHARED["Statement"]
    assert tuple(statement["Action"]) == sharing.OWNER_ACTIONS
    (trust,) = TRUST["Statement"]
    assert (trust["Effect"], trust["Action"]) == ("Allow", ASSUME)


def test_a_record_whose_change_may_not_be_read(aws: EmulatedAws) -> None:
    """Whether all name servers follow is a look beside the start: it is online all the same, and nothing is told."""
    stage = record(aws, "keep")
    aws.grant(*(each for each in stage.actions if each != "route53:GetChange"))
    after = aws.log.last

    async def story(node: NodeUnderTest) -> None:
        assert (await node.hands.start(LONG_MS)).succeeded
        while not aws.refused(after):
            await asyncio.sleep(0.01)
        assert not node.reports

    stage.run(story, HERE)
    (refused,) = [call for call in aws.log.after(after) if call["status"] == 403]
    assert "/change/" in refused["details"]["Path"]

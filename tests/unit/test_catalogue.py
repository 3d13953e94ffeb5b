"""The types that ship, and the law that a type is declared in one place (design law 12)."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from komainu.agent.execution.patrol import Patrol
from komainu.catalogue import (
    FENCE_TYPES,
    FENCES,
    LEASE_TYPES,
    LEASES,
    MONITOR_TYPES,
    MONITORS,
    NOTIFICATIONS,
    NOTIFIERS,
    RESOURCE_TYPES,
    TYPES,
    by_name,
)
from komainu.config.declared import Kind
from komainu.config.read import read
from komainu.config.reference import reference
from komainu.config.rules import arbitration, groups, monitors, network_partition
from komainu.config.schema import parameters, schema
from komainu.core.state import State
from komainu.model.config import Cluster
from komainu.model.message import Message
from komainu.model.outcome import Outcome
from komainu.ports import Host, MonitorHost, MonitorTraits, MonitorType, ResourceType
from komainu.types.aws.vip_messages import VPCS_DIFFER
from tests.doubles.cloud import FakeCloud
from tests.doubles.network import FakeNetwork
from tests.unit.config.sample import EVERY

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_every_type_has_a_name_and_a_monitor_of_its_own() -> None:
    assert list(RESOURCE_TYPES) == [declared.name for declared in TYPES]
    assert list(MONITOR_TYPES) == [declared.name for declared in MONITORS]
    assert list(NOTIFIERS) == [declared.name for declared in NOTIFICATIONS] == ["mail", "webhook", "sns"]
    assert list(LEASE_TYPES) == [declared.name for declared in LEASES]
    assert list(FENCE_TYPES) == [declared.name for declared in FENCES]
    names = [*(declared.monitor for declared in TYPES), *MONITOR_TYPES]
    assert len(set(names)) == len(names)  # a monitor that comes with a resource, and one of its own, are told apart
    with pytest.raises(ValueError, match="two types are called every"):
        by_name([EVERY, EVERY])


@pytest.mark.parametrize(
    "declared", [*TYPES, *MONITORS, *NOTIFICATIONS, *LEASES, *FENCES], ids=lambda declared: declared.name
)
def test_every_parameter_is_explained_in_both_languages(declared: Kind) -> None:
    own = parameters(declared)
    for section in (own, *own.get("$defs", {}).values()):
        for key, field in section.get("properties", {}).items():
            assert field.get("description"), key
            assert re.search(r"[ぁ-んァ-ン一-龥]", field.get("description_ja", "")), key


@pytest.mark.parametrize("declared", [*TYPES, *MONITORS], ids=lambda declared: declared.name)
def test_what_a_type_names_among_its_parameters_exists(declared: ResourceType | MonitorType) -> None:
    fields = declared.params.model_fields
    assert set(declared.per_node_required) <= set(fields)
    if isinstance(declared, ResourceType):
        assert set(declared.traits.addresses) <= set(fields)
        assert {declared.traits.known_by} <= {"", *fields}
    assert declared.params.model_config["frozen"]
    assert declared.params.model_config["extra"] == "forbid"


def test_every_message_of_a_type_has_a_code_of_its_own_and_the_same_values_in_both_languages() -> None:
    declarations: tuple[Kind, ...] = (*TYPES, *MONITORS, *NOTIFICATIONS, *LEASES, *FENCES)
    messages = [each for kind in declarations for each in (kind.title, kind.description, *kind.messages)]
    distinct = list(dict.fromkeys(messages))
    assert len({message.code for message in distinct}) == len(distinct)
    for message in distinct:
        assert sorted(re.findall(r"\{(\w+)\}", message.en)) == sorted(re.findall(r"\{(\w+)\}", message.ja)), (
            message.code
        )


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("vip-cluster.yaml", [monitors.ONLY_TELLS, network_partition.LATER]),
        ("onprem-fip.yaml", []),
    ],
)
def test_the_examples_are_right(name: str, more: list[Message]) -> None:
    found = read((EXAMPLES / name).read_bytes(), RESOURCE_TYPES, monitors=MONITOR_TYPES)
    assert found.errors == ()
    assert found.cluster is not None
    # Both take a lost node as gone, and say so; nothing else is to be warned of.
    warned = [problem.said.code for problem in found.problems if problem.said.level != "info"]
    assert warned == [arbitration.NONE_EXCLUSIVE.code]
    told = [problem.said.code for problem in found.problems if problem.said.level == "info"]
    assert told == [message.code for message in more]


def test_the_vip_example_is_the_cluster_of_the_seeds_figure_4_1() -> None:
    cluster = read((EXAMPLES / "vip-cluster.yaml").read_bytes(), RESOURCE_TYPES, monitors=MONITOR_TYPES).cluster
    assert cluster is not None
    assert [node.links for node in cluster.nodes] == [("10.0.110.100",), ("10.0.120.100",)]
    vip, web = cluster.group("failover1").resources
    assert (vip.name, vip.type, vip.params["address"]) == ("awsvip1", "awsvip", "10.1.0.20")
    assert vip.params_on("node1")["eni_id"] != vip.params_on("node2")["eni_id"]
    assert web.type == "exec"
    zone, nat = cluster.monitors
    assert [zone.params_on(node)["zone"] for node in ("node1", "node2")] == ["ap-northeast-1a", "ap-northeast-1c"]
    assert [nat.params_on(node)["targets"] for node in ("node1", "node2")] == [
        [{"icmp": "10.0.10.10"}, {"tcp": "ec2.ap-northeast-1.amazonaws.com:443"}],
        [{"icmp": "10.0.20.10"}, {"tcp": "ec2.ap-northeast-1.amazonaws.com:443"}],
    ]
    assert nat.params["require"] == "any", "a NAT gateway never answers to ping"
    assert (zone.recovery.target.kind, zone.recovery.final_action, zone.np) == ("node", "none", False)
    assert (nat.recovery.target.kind, nat.recovery.final_action, nat.np) == ("node", "shutdown", True)
    assert (zone.watches, nat.watches) == (None, None), "always"


def test_nodes_in_different_vpcs_are_warned_of() -> None:
    text = (EXAMPLES / "vip-cluster.yaml").read_text()
    text = text.replace("node2: {eni_id", "node2: {vpc_id: vpc-00000000000000002, eni_id")
    assert VPCS_DIFFER.code in [
        problem.said.code for problem in read(text.encode(), RESOURCE_TYPES, monitors=MONITOR_TYPES).problems
    ]


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("vip-cluster.yaml", "environment: aws", "environment: onprem", groups.AWS_ONLY),
        ("onprem-fip.yaml", "environment: onprem", "environment: aws", groups.ONPREM_ONLY),
    ],
)
def test_a_type_is_refused_where_it_cannot_work(name: str, old: str, new: str, message: Message) -> None:
    text = (EXAMPLES / name).read_text()
    assert message.code in [
        each.said.code for each in read(text.replace(old, new).encode(), RESOURCE_TYPES, monitors=MONITOR_TYPES).errors
    ]


def test_a_type_added_at_run_time_is_on_every_surface_unchanged() -> None:
    types = (*TYPES, EVERY)
    known = by_name(types)
    definition = json.dumps(schema(types)["$defs"]["every.params"])
    english, japanese = reference(types, "en"), reference(types, "ja")
    assert "### `every`: the every" in english
    for key, field in EVERY.params.model_fields.items():
        assert field.description is not None
        assert field.description in definition
        assert f"| `{key}` |" in english
        assert field.description in english
        assert parameters(EVERY)["properties"][key]["description_ja"] in japanese
    text = """\
cluster: {name: c, environment: onprem, arbitration: operator}
nodes: [{name: n1, links: [10.0.0.1]}, {name: n2, links: [10.0.0.2]}]
groups:
  - name: g
    resources:
      - name: e
        type: every
        params:
"""
    right = {"text": "abc", "whole": 1}
    wrong = {
        "text": 1,
        "whole": "x",
        "fraction": "x",
        "truth": 1,
        "choice": "x",
        "colour": "x",
        "words": 1,
        "by_key": 1,
    }
    wrong |= {"address": "x", "either": "x", "limits": 1, "many": 1, "peer": "x", "file": 1}
    assert set(wrong) == set(EVERY.params.model_fields)
    accepted = read((text + f"          {json.dumps(right)}\n").encode(), known)
    assert accepted.errors == ()
    lines = "".join(f"          {key}: {json.dumps(value)}\n" for key, value in wrong.items())
    refused = read((text + lines).encode(), known)
    assert [(each.line, each.path) for each in refused.errors] == [
        (9 + number, f"groups[0].resources[0].params.{key}") for number, key in enumerate(wrong)
    ]


def test_a_monitor_type_added_at_run_time_is_on_every_surface_unchanged() -> None:
    made: list[tuple[BaseModel, MonitorHost]] = []

    def make(params: Any, host: MonitorHost) -> Any:
        made.append((params, host))
        return Unasked()

    title = Message("KM9920", "the everyw", "everyw モニタ")
    everyw = MonitorType(
        name="everyw",
        title=title,
        description=Message("KM9921", "What everyw watches.", "everyw の説明。"),
        params=EVERY.params,
        per_node_required=("whole",),
        traits=MonitorTraits(first_wait_ms=3_000, interval_ms=7_000, timeout_ms=2_000, retries=4),
        messages=(),
        make=make,
    )
    monitors = (*MONITORS, everyw)
    known = by_name(monitors)
    definition = json.dumps(schema(TYPES, monitors)["$defs"]["monitor.everyw.params"])
    english, japanese = reference(TYPES, "en", monitors), reference(TYPES, "ja", monitors)
    assert "### `everyw`: the everyw" in english
    for key, field in everyw.params.model_fields.items():
        assert field.description is not None
        assert field.description in definition
        assert f"| `{key}` |" in english.partition("### `everyw`")[2]
        assert field.description in english.partition("### `everyw`")[2]
        assert parameters(everyw)["properties"][key]["description_ja"] in japanese.partition("### `everyw`")[2]
    text = """\
cluster: {name: c, environment: onprem, arbitration: operator}
nodes: [{name: n1, links: [10.0.0.1]}, {name: n2, links: [10.0.0.2]}]
monitors:
  - name: e
    type: everyw
    recovery: {target: local-server}
    per_node: {n1: {whole: 1}, n2: {whole: 2}}
    params:
"""
    accepted = read((text + '      {"text": "abc"}\n').encode(), RESOURCE_TYPES, monitors=known)
    assert accepted.errors == ()
    assert accepted.cluster is not None
    (configured,) = accepted.cluster.monitors
    assert (configured.first_wait_ms, configured.interval_ms, configured.timeout_ms) == (3_000, 7_000, 2_000)
    assert configured.retries == 4

    right = {"text": "abc", "truth": 1}
    lines = "".join(f"      {key}: {json.dumps(value)}\n" for key, value in right.items())
    refused = read((text + lines).encode(), RESOURCE_TYPES, monitors=known)
    assert [each.path for each in refused.errors] == ["monitors[0].params.truth"]

    asyncio.run(_keep_a_round(accepted.cluster, known))
    ((params, host),) = made
    assert (params.model_dump()["whole"], host.monitor) == (1, "e")


class Unasked:
    """`komainu.ports.MonitorHands` of which nothing is asked but to leave nothing behind."""

    async def end(self) -> None:
        """Nothing was begun."""


async def _keep_a_round(cluster: Cluster, known: Mapping[str, MonitorType]) -> None:
    """The patrol of node n1 takes up the monitor, and lets it go."""

    def host(name: str, monitor: str, report: Callable[[Outcome], None]) -> MonitorHost:
        return MonitorHost("n1", name, monitor, None, FakeNetwork(), None, report, lambda: 0)

    patrol = Patrol("n1", known, host, lambda event: None)
    patrol.follow(State(cluster))
    await asyncio.sleep(0)
    await patrol.close()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_examples_of_the_monitors_page_are_right(language: str) -> None:
    page = (EXAMPLES.parent / "docs" / language / "monitors.md").read_text()
    examples = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    shown = {found for example in examples for found in re.findall(r"type: (\w+)", example)}
    assert shown == set(MONITOR_TYPES)
    for example in examples:
        # Which monitors the example has itself is of no interest here.
        text = (EXAMPLES / "vip-cluster.yaml").read_text().partition("\nmonitors:")[0] + "\n" + example
        found = read(text.encode(), RESOURCE_TYPES, monitors=MONITOR_TYPES)
        assert found.errors == (), (example, [(each.path, each.said.en) for each in found.errors])
        told = [each.path for each in found.problems if each.path.startswith("monitors") and each.said.level != "info"]
        assert told == [], (example, [each.said.en for each in found.problems])


def test_an_address_that_moves_is_guarded_and_ends_with_its_packets() -> None:
    found = [kind for kind in TYPES if kind.traits.addresses]
    assert found
    for kind in found:
        guarded = kind.guards(dict.fromkeys(kind.traits.addresses, "10.1.0.20"))
        assert (guarded.addresses, guarded.ports) == (("10.1.0.20",), ())
        assert kind.traits.ended_by == "network"


@pytest.mark.parametrize("name", ["vip-cluster.yaml", "eip-cluster.yaml"])
def test_an_example_on_aws_costs_a_node_at_most_three_calls_a_minute(name: str) -> None:
    """Issue: counted over an hour in which nothing happens, on the active node and on the standby node."""
    cluster = read((EXAMPLES / name).read_bytes(), RESOURCE_TYPES, monitors=MONITOR_TYPES).cluster
    assert cluster is not None
    for node, active in (("node1", True), ("node2", False)):
        calls = asyncio.run(_calls_of_an_hour(cluster, node, active))
        assert 60 <= len(calls) <= 3 * 60, (node, len(calls))


async def _calls_of_an_hour(cluster: Cluster, node: str, active: bool) -> list[str]:
    """What the checks and preparations of one node send when they run at the intervals of the configuration."""
    cloud, now_ms = FakeCloud(), 0
    work: list[tuple[int, Callable[[], Any]]] = []
    stops: list[Callable[[int], Any]] = []
    for resource in cluster.groups[0].resources:
        kind, params = RESOURCE_TYPES[resource.type], resource.params_on(node)
        if kind.traits.environments != ("aws",):
            continue
        cloud.add_vpc(params.get("vpc_id", "vpc-1"), "10.0.0.0/16")
        cloud.add_interface(params.get("vpc_id", "vpc-1"), params["eni_id"], "10.0.10.100")
        for table in ("rtb-1", "rtb-2", "rtb-3") if "vpc_id" in params else ():
            cloud.add_table(params["vpc_id"], table, {f"{params['address']}/32": "eni-other"})
        if "allocation_id" in params:
            cloud.add_address(params["allocation_id"], "198.51.100.50")
        host = Host(
            node=node,
            cluster=cluster.name,
            group=cluster.groups[0].name,
            resource=resource.name,
            cloud=cloud,
            network=FakeNetwork(eth0="10.0.10.100/24"),
            processes=None,
            report=lambda outcome: None,
            now_ms=lambda: now_ms,
        )
        hands = kind.make(kind.params.model_validate(params), host)
        stops.append(hands.stop)
        if active:
            assert (await hands.start(10_000)).succeeded
            work.append((resource.check_interval_ms, partial(hands.check, 30_000)))
        else:
            work.append((resource.prepare_interval_ms, hands.prepare))
    for monitor in cluster.monitors:
        declared = MONITOR_TYPES[monitor.type]
        if declared.traits.environments != ("aws",):
            continue
        params = monitor.params_on(node)
        cloud.add_zone(params["zone"])
        seen_by = MonitorHost(node, cluster.name, monitor.name, cloud, FakeNetwork(), None, print, lambda: now_ms)
        watch = declared.make(declared.params.model_validate(params), seen_by)
        work.append((monitor.interval_ms, partial(watch.check, 30_000)))
    cloud.log.clear()
    while now_ms < 3_600_000:
        now_ms += 1_000
        for interval_ms, act in work:
            if now_ms % interval_ms == 0:
                assert (await act()).succeeded
    calls = list(cloud.log)
    for stop in stops:
        await stop(5_000)
    return calls

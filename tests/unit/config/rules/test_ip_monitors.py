"""An IP monitor that ends nodes: it asks something outside of the cluster, and no single thing ends them all."""

import json
from typing import Any

import pytest
import yaml

from komainu.catalogue import MONITOR_TYPES, RESOURCE_TYPES
from komainu.config.read import read
from komainu.config.rules import ip_monitors as rule
from komainu.config.rules.network_partition import IS_NODE, LATER, MOVES
from komainu.model.message import Message
from tests.unit.config.np_files import EXAMPLE, MOVING, NODE2, OUTSIDE, OUTSIDE_TOO

ONE, OTHER = {"icmp": OUTSIDE}, {"tcp": f"{OUTSIDE_TOO}:443"}
ENDS = {"target": "local-server", "final_action": "shutdown"}
PARAMS = "monitors[0].params.targets"


def told(
    params: dict[str, Any],
    per_node: dict[str, Any] | None = None,
    recovery: dict[str, Any] | None = None,
    *,
    environment: str = "onprem",
    arbitration: str = "operator",
    **more: Any,
) -> list[tuple[str, str]]:
    """Path and code of everything that is said about the monitor."""
    document = yaml.safe_load(EXAMPLE.read_text())
    document["cluster"].update(arbitration=arbitration, environment=environment)
    if environment == "aws":
        document["groups"] = []
    entry = {"name": "ipw1", "type": "ipw", "params": params, "per_node": per_node or {}, "recovery": recovery or ENDS}
    document["monitors"] = [{**entry, **more}]
    problems = read(json.dumps(document).encode(), RESOURCE_TYPES, monitors=MONITOR_TYPES).problems
    return [(each.path, each.said.code) for each in problems if each.path.startswith("monitors")]


OWN = {"node1": {"targets": [ONE]}, "node2": {"targets": [OTHER]}}


def test_each_node_with_a_target_of_its_own_is_right() -> None:
    assert told({}, OWN, np=True) == []


@pytest.mark.parametrize(
    ("target", "message"),
    [({"icmp": NODE2}, IS_NODE), ({"tcp": f"{NODE2}:22"}, IS_NODE), ({"dns": MOVING, "name": "a"}, MOVES)],
)
def test_a_target_of_one_that_ends_lies_outside_of_the_cluster(target: dict[str, str], message: Message) -> None:
    own = {"node1": {"targets": [ONE, target]}, "node2": {"targets": [OTHER]}}
    assert told({}, own) == [("monitors[0].per_node.node1.targets[1]", message.code)]
    none = {"target": {"group": "failover1"}}
    assert told({}, own, none) == [], "one that ends nothing may ask for what it likes"


@pytest.mark.parametrize(
    ("params", "per_node", "shared"),
    [
        ({"targets": [ONE]}, {}, 1),
        ({"targets": [ONE], "require": "any"}, {}, 1),
        ({"targets": [ONE, ONE], "require": "any"}, {}, 1),
        ({"targets": [ONE, OTHER]}, {}, 2),
        ({"targets": [ONE, OTHER], "require": "any"}, {}, 0),
        ({"targets": [ONE]}, {"node2": {"targets": [OTHER]}}, 0),
        ({"targets": [ONE]}, {"node2": {"targets": [ONE, OTHER]}}, 1),
        ({"targets": [ONE]}, {"node2": {"targets": [ONE, OTHER], "require": "any"}}, 0),
    ],
)
def test_what_ends_several_nodes_at_once_is_warned_of(
    params: dict[str, Any], per_node: dict[str, Any], shared: int
) -> None:
    assert told(params, per_node) == [(PARAMS, rule.SHARED.code)] * shared
    assert rule.SHARED.code not in [
        code for _, code in told(params, per_node, {"target": "local-server", "final_action": "none"})
    ]


def test_on_aws_a_ping_may_go_to_a_gateway() -> None:
    assert told({}, OWN, environment="aws") == [(PARAMS, rule.GATEWAY.code)]
    own = {"node1": {"targets": [OTHER]}, "node2": {"targets": [{"tcp": "192.0.2.1:443"}]}}
    assert told({}, own, environment="aws") == []


def test_a_ping_that_does_not_decide_alone_may_go_unanswered() -> None:
    other = {"tcp": "192.0.2.1:443"}
    own = {"node1": {"targets": [ONE, OTHER]}, "node2": {"targets": [{"icmp": OUTSIDE_TOO}, other]}}
    assert told({"require": "any"}, own, environment="aws") == []
    assert (PARAMS, rule.GATEWAY.code) in told({}, own, environment="aws")
    pings = {"node1": {"targets": [ONE, {"icmp": OUTSIDE_TOO}]}, "node2": {"targets": [other]}}
    assert told({"require": "any"}, pings, environment="aws") == [(PARAMS, rule.GATEWAY.code)]


def test_how_long_both_may_be_active_is_said() -> None:
    assert told({}, OWN, arbitration="none", np=True) == [("monitors[0]", LATER.code)]
    assert told({}, OWN, arbitration="none") == []


def test_what_cannot_be_read_is_left_to_its_type() -> None:
    codes = [code for _, code in told({"targets": ["nonsense", {"icmp": 5}]})]
    assert codes
    assert not {rule.SHARED.code, rule.GATEWAY.code} & set(codes)

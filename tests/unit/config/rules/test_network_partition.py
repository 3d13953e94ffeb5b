"""What may decide that a node is cut off: something outside of the cluster, and not one thing alone."""

from typing import Any

import pytest

from komainu.config.rules import network_partition as rule
from komainu.model.message import Message
from tests.unit.config.np_files import MOVING, NODE2, OUTSIDE, TWO, found, reading


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"ping": NODE2}, rule.IS_NODE),
        ({"listen": f"{NODE2}:22"}, rule.IS_NODE),
        ({"http": f"http://{NODE2}/"}, rule.IS_NODE),
        ({"ping": MOVING}, rule.MOVES),
        ({"listen": f"{MOVING}:80"}, rule.MOVES),
    ],
)
def test_a_target_lies_outside_of_the_cluster(target: dict[str, str], message: Message) -> None:
    assert found(reading({"targets": [*TWO, target]}).errors) == [("cluster.np.targets[2]", message.code)]
    own = {"targets": TWO, "per_node": {"node1": {"targets": [target, TWO[0]]}}}
    assert found(reading(own).errors) == [("cluster.np.per_node.node1.targets[0]", message.code)]


def test_the_same_holds_for_a_monitor_of_that_type() -> None:
    monitor = {"name": "m", "type": "reach", "params": {"targets": [{"ping": NODE2}]}}
    errors = reading({"targets": TWO}, monitors=[monitor]).errors
    assert [(problem.path, problem.said.code) for problem in errors] == [
        ("monitors[0].params.targets[0]", rule.IS_NODE.code)
    ]


@pytest.mark.parametrize(
    ("np", "expected"),
    [
        ({"targets": TWO}, []),
        ({"targets": [{"ping": OUTSIDE}]}, [("cluster.np.targets", rule.ONE_TARGET.code)]),
        ({"targets": [{"ping": OUTSIDE}], "action": "none"}, []),
        ({"targets": TWO, "need": "all"}, [("cluster.np.need", rule.NEEDS_ALL.code)]),
        ({"targets": TWO, "need": "all", "action": "none"}, []),
        (
            {"targets": TWO, "per_node": {"node1": {"targets": [{"ping": OUTSIDE}]}}},
            [("cluster.np.targets", rule.ONE_TARGET.code)],
        ),
    ],
)
def test_one_failure_that_ends_all_nodes_is_warned_of(np: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert found(reading(np).problems, "warning") == expected


def test_how_long_both_may_be_active_is_said_with_its_numbers() -> None:
    told = reading({"targets": TWO}, arbitration="none").problems
    (later,) = [problem.said for problem in told if problem.said.code == rule.LATER.code]
    assert "1500 ms" in later.en
    assert "10000 ms" in later.en
    assert not found(reading({"targets": TWO}, arbitration="operator").problems, "info")

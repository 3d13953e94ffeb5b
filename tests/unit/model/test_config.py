"""The one representation of the configuration: frozen, closed, and easy to ask."""

import pytest
from pydantic import ValidationError

from komainu.model.config import Arbitration, Cluster, Group, Node, Recovery, Resource


def resource(name: str, exclusive: bool) -> Resource:
    return Resource(
        name=name,
        type="exec",
        exclusive=exclusive,
        params={"command": ["/bin/true"], "log_bytes": 1},
        per_node={"node2": {"log_bytes": 2}},
        start_timeout_ms=1,
        stop_timeout_ms=1,
        check_interval_ms=100,
        check_timeout_ms=1,
        prepare_interval_ms=100,
    )


CLUSTER = Cluster(
    name="sample",
    environment="onprem",
    detect_within_ms=1_500,
    arbitration=Arbitration(kind="none"),
    nodes=(Node(name="node1", id=1, links=("10.0.0.1",)), Node(name="node2", id=2, links=("10.0.0.2",))),
    groups=(
        Group(name="harmless", nodes=("node1",), resources=(resource("a", False),)),
        Group(name="strict", nodes=("node1",), resources=(resource("b", False), resource("c", True))),
    ),
)


def test_nodes_and_groups_are_found_by_name() -> None:
    assert CLUSTER.node("node2").id == 2
    assert CLUSTER.group("strict").resources[1].name == "c"
    with pytest.raises(KeyError):
        CLUSTER.node("node3")
    with pytest.raises(KeyError):
        CLUSTER.group("node1")


def test_one_exclusive_resource_makes_the_group_exclusive() -> None:
    assert [group.exclusive for group in CLUSTER.groups] == [False, True]


def test_what_a_node_has_of_its_own_overrides_the_common_part_key_by_key() -> None:
    one = CLUSTER.groups[0].resources[0]
    assert one.params_on("node1") == {"command": ["/bin/true"], "log_bytes": 1}
    assert one.params_on("node2") == {"command": ["/bin/true"], "log_bytes": 2}
    assert one.params["log_bytes"] == 1


def test_it_comes_back_equal_from_json() -> None:
    assert Cluster.model_validate_json(CLUSTER.model_dump_json()) == CLUSTER


def test_it_is_frozen_and_knows_no_other_keys() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        CLUSTER.name = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Node(name="a", id=1, links=("10.0.0.1",), address="x")  # type: ignore[call-arg]


def test_the_counters_of_recovery_have_the_defaults_of_the_requirement() -> None:
    # C6: reactivations 3, then failovers 1.
    assert (Recovery().restarts, Recovery().failovers) == (3, 1)

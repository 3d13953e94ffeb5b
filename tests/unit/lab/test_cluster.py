"""When a cluster counts as settled."""

from typing import Any

import pytest

from komainu_lab.cluster import LabCluster, settled
from komainu_lab.errors import LabError


def status(**changes: Any) -> dict[str, Any]:
    ready = {"result": changes.get("ready", "succeeded"), "why": None, "detail": ""}
    return {
        "here": {"node": changes.get("here", "node2"), "synced": changes.get("synced", True)},
        "nodes": [
            {"name": "node1", "status": changes.get("node1", "Online")},
            {"name": "node2", "status": changes.get("node2", "Online")},
        ],
        "groups": [
            {
                "name": "g",
                "status": changes.get("group", "Online"),
                "node": "node1",
                "resources": [{"node": "node1", "ready_here": ready if changes.get("known", True) else None}],
            }
        ],
    }


BOTH = ["node1", "node2"]


@pytest.mark.parametrize("changes", [{}, {"known": False}, {"here": "node1", "ready": "failed"}])
def test_settled(changes: dict[str, Any]) -> None:
    assert settled(status(**changes), BOTH)


@pytest.mark.parametrize(
    "changes",
    [{"node1": "Online Pending"}, {"group": "Online Pending"}, {"synced": False}, {"ready": "failed"}],
)
def test_not_settled(changes: dict[str, Any]) -> None:
    assert not settled(status(**changes), BOTH)


def test_readiness_may_be_left_out() -> None:
    assert settled(status(ready="unknown"), BOTH, ready=False)


def test_a_node_without_power_does_not_count() -> None:
    assert settled(status(node2="Offline"), ["node1"])


def test_the_place_may_be_asked_for() -> None:
    assert settled(status(), BOTH, on="node1")
    assert not settled(status(), BOTH, on="node2")


def test_an_unknown_example_is_refused() -> None:
    with pytest.raises(LabError, match="there is no example 'moon'; there are vip, vip6, addresses, eip, onprem"):
        LabCluster("moon", "try")

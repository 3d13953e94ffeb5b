"""Defaults are filled in, and values that are wrong do not stop it."""

from typing import Any

import pytest

from komainu.config.complete import complete
from komainu.model.config import Recovery
from tests.unit.config.sample import DECLARED, changed, reading


@pytest.mark.parametrize(
    ("cluster", "milliseconds"),
    [
        ({"environment": "aws"}, 5_000),
        ({"environment": "onprem"}, 1_500),
        ({"environment": "aws", "preset": "fast"}, 450),
        ({"environment": "onprem", "detect_within_ms": 900}, 900),
        ({"environment": "onprem", "detect_within_ms": True}, 1_500),
        ({}, 5_000),
    ],
)
def test_the_detection_time_follows_from_environment_and_preset(cluster: dict[str, Any], milliseconds: int) -> None:
    assert complete({"cluster": cluster}, DECLARED, 1).detect_within_ms == milliseconds


def test_what_is_written_is_kept() -> None:
    text = changed(
        ("  arbitration: operator", "  arbitration: operator\n  language: ja\n  aws: {region: ap-northeast-1}"),
        ("{name: node2,", "{name: node2, id: 9,"),
        ("name: failover1", "name: failover1\n    nodes: [node2, node1]\n    start: manual\n    failover: manual"),
        ("type: app", "type: app\n        exclusive: false\n        check_retries: 2\n        recovery: {restarts: 0}"),
        ("type: move", "type: move\n        stop_timeout_ms: 1234"),
    )
    cluster = reading(text).cluster
    assert cluster is not None
    assert cluster.language == "ja"
    assert cluster.aws is not None
    assert cluster.aws.region == "ap-northeast-1"
    assert [node.id for node in cluster.nodes] == [1, 9]
    group = cluster.groups[0]
    assert (group.nodes, group.start, group.failover) == (("node2", "node1"), "manual", "manual")
    move, app = group.resources
    assert move.stop_timeout_ms == 1_234
    assert (app.exclusive, app.check_retries, app.recovery) == (False, 2, Recovery(restarts=0))


def test_nothing_is_expected_of_the_values() -> None:
    for wrong in (None, [], "x", 5, {"cluster": 5, "nodes": {}, "groups": "x"}):
        cluster = complete(wrong, DECLARED, 1)
        assert (cluster.name, cluster.nodes, cluster.groups) == ("", (), ())
    cluster = complete(
        {"nodes": [5, {"name": 1, "links": [2], "id": "x"}], "groups": [{"resources": [None]}]}, DECLARED, 1
    )
    assert [(node.name, node.links, node.id) for node in cluster.nodes] == [("", (), 1), ("", ("",), 0)]
    assert cluster.groups[0].resources[0].type == ""


def test_a_node_that_stands_twice_is_startable_once() -> None:
    cluster = complete({"nodes": [{"name": "a"}, {"name": "a"}], "groups": [{}]}, DECLARED, 1)
    assert cluster.groups[0].nodes == ("a",)

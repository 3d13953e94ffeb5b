"""Defaults are filled in, and values that are wrong do not stop it."""

from typing import Any

import pytest
from hypothesis import given, settings

from komainu.config.complete import complete, ordered
from komainu.model.config import Aws, Cluster, GroupDependency, Monitor, MonitorRecovery, Recovery, Scripts, Target
from tests.unit.config.files import files
from tests.unit.config.sample import DECLARED, GOOD, changed, reading


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


def test_each_key_about_aws_may_be_left_out() -> None:
    calls = reading(changed(("arbitration: operator", "arbitration: operator\n  aws: {calls_per_minute: 60}"))).cluster
    region = reading(changed(("arbitration: operator", "arbitration: operator\n  aws: {region: eu-west-1}"))).cluster
    assert calls is not None
    assert calls.aws == Aws(region=None, calls_per_minute=60)
    assert region is not None
    assert region.aws == Aws(region="eu-west-1", calls_per_minute=30)


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


def test_dependencies_scripts_and_the_monitor_of_a_resource_are_filled_in() -> None:
    cluster = complete_cluster(GOOD)
    move, app = cluster.groups[0].resources
    assert (move.depends_on, app.depends_on) == ((), ("move1",))
    assert (move.monitor, app.monitor) == ("movew1", "appw1")
    assert app.scripts == Scripts()
    text = changed(
        ("type: app", "type: app\n        depends_on: []\n        scripts: {before_stop: /x, timeout_ms: 9}")
    )
    app = complete_cluster(text).groups[0].resources[1]
    assert app.depends_on == ()
    assert app.scripts == Scripts(before_stop="/x", timeout_ms=9)


def test_resources_stand_in_the_order_of_starting_in_the_end() -> None:
    text = changed(
        ("zone: a}", "zone: a}\n        depends_on: [app1]"), ("type: app", "type: app\n        depends_on: []")
    )
    assert [each.name for each in complete_cluster(text).groups[0].resources] == ["app1", "move1"]


def test_applications_wait_for_those_before_them_and_others_of_one_place_do_not() -> None:
    group = "  - name: g\n    resources:\n"
    group += "".join(f"      - {{name: {name}, type: app}}\n" for name in "xyz")
    group += "      - {name: e, type: every, params: {text: abc, whole: 1}}\n"
    found = {each.name: each.depends_on for each in complete_cluster(GOOD + group).groups[1].resources}
    # `every` has the same place as `app`: an application waits for what stands before it, and `every` for nothing.
    assert found == {"x": (), "y": ("x",), "z": ("x", "y"), "e": ()}


def test_a_dependency_of_groups_is_a_name_or_a_section() -> None:
    text = GOOD + "  - {name: g, depends_on: [failover1], resources: [{name: r, type: app}]}\n"
    text += "  - {name: h, depends_on: [{group: g, same_node: true, stop_wait_ms: 90000}], resources: []}\n"
    groups = complete_cluster(text).groups
    assert groups[1].depends_on == (GroupDependency(group="failover1"),)
    assert groups[2].depends_on == (GroupDependency(group="g", same_node=True, stop_wait_ms=90_000),)


def monitor(entry: str, nodes: str = "") -> Monitor:
    text = changed(("name: failover1", f"name: failover1{nodes}"))
    text += f"monitors:\n  - {{name: m, params: {{host: h}}, {entry}}}\n"
    return complete_cluster(text).monitors[0]


GROUP = Target(kind="group", group="failover1")
NODE = Target(kind="node")


def test_a_monitor_has_the_times_of_its_type_and_recovers_nothing_unless_told() -> None:
    found = monitor("type: ping")
    assert (found.first_wait_ms, found.interval_ms, found.timeout_ms, found.retries) == (5, 30_000, 9_000, 2)
    assert found.nodes == ("node1", "node2")
    assert (found.watches, found.np) == (None, False)
    assert found.recovery == MonitorRecovery(target=NODE, restarts=0, failovers=0)
    assert monitor("type: ping, interval_ms: 500, retries: 0").interval_ms == 500


@pytest.mark.parametrize(
    ("entry", "watches", "target"),
    [
        ("type: ping, recovery: {target: all-groups}", None, Target(kind="all-groups")),
        ("type: ping, recovery: {target: {group: failover1}}", None, GROUP),
        ("type: ping, watches: {group: failover1}", GROUP, GROUP),
        ("type: ping, watches: {group: failover1}, recovery: {target: local-server}", GROUP, NODE),
        ("type: inside, recovery: {target: {group: failover1}}", GROUP, GROUP),
        ("type: inside, watches: always, recovery: {target: {group: failover1}}", None, GROUP),
        ("type: inside, recovery: {target: local-server}", None, NODE),
        ("type: inside, recovery: {target: all-groups}", None, Target(kind="all-groups")),
        ("type: inside", None, NODE),
        (
            "type: ping, recovery: {target: {group: failover1, resource: app1}}",
            None,
            Target(kind="resource", group="failover1", resource="app1"),
        ),
    ],
)
def test_what_is_watched_and_what_is_recovered_follow_from_each_other(
    entry: str, watches: Target | None, target: Target
) -> None:
    found = monitor(entry)
    assert (found.watches, found.recovery.target) == (watches, target)
    counters = (found.recovery.restarts, found.recovery.failovers)
    assert counters == ((0, 0) if target == NODE else (3, 1))


@pytest.mark.parametrize(
    ("entry", "target", "restarts", "failovers"),
    [
        ("type: drains", Target(kind="all-groups"), 0, 1),
        ("type: drains, recovery: {target: {group: failover1}, restarts: 2}", GROUP, 2, 1),
        ("type: drains, watches: {group: failover1}", GROUP, 0, 1),
        ("type: drains, recovery: {target: local-server}", NODE, 0, 0),
    ],
)
def test_a_type_that_finds_the_end_of_the_node_moves_its_groups(
    entry: str, target: Target, restarts: int, failovers: int
) -> None:
    recovery = monitor(entry).recovery
    assert (recovery.target, recovery.restarts, recovery.failovers) == (target, restarts, failovers)


def test_a_monitor_runs_where_its_group_may_start() -> None:
    small = "\n    failover: manual\n    nodes: [node2]"
    assert monitor("type: ping", small).nodes == ("node1", "node2")
    assert monitor("type: ping, watches: {group: failover1}", small).nodes == ("node2",)
    assert monitor("type: ping, recovery: {target: {group: failover1}}", small).nodes == ("node2",)
    assert monitor("type: ping, nodes: [node2], recovery: {target: all-groups}").nodes == ("node2",)


def test_counters_do_not_begin_again_before_the_next_check_by_default() -> None:
    assert monitor("type: ping, interval_ms: 90000").recovery.reset_after_ms == 90_000
    assert monitor("type: ping, interval_ms: 9000").recovery.reset_after_ms == 60_000
    app = complete_cluster(changed(("type: app", "type: app\n        check_interval_ms: 90000"))).groups[0].resources[1]
    assert app.recovery == Recovery(reset_after_ms=90_000)


@settings(max_examples=100, deadline=None)
@given(files())
def test_a_file_of_the_right_form_always_makes_a_cluster(file: dict[str, Any]) -> None:
    whole = complete(file, DECLARED, 1)
    again = Cluster.model_validate(whole.model_dump())
    assert again == Cluster.model_validate_json(again.model_dump_json())


def complete_cluster(text: str) -> Cluster:
    found = reading(text)
    assert found.cluster is not None, [each.said.en for each in found.errors]
    assert ordered(found.cluster) == found.cluster
    return found.cluster

"""The section `np` becomes a monitor on every node, and its errors are named where they were written."""

from typing import Any

import pytest

from komainu.config import network_partition, parameters, refusals
from komainu.config.network_partition import NpSection
from komainu.config.rules import monitors, times
from komainu.model import reach
from komainu.model.config import Monitor, Target
from komainu.model.message import Message
from komainu.types.reach import MOST_TARGETS, NO_TARGET, REACH, ReachParams
from tests.unit.config.np_files import OUTSIDE, OUTSIDE_TOO, TWO, found, reading


def made(np: Any) -> Monitor:
    read = reading(np)
    assert read.cluster is not None, [problem.said.en for problem in read.errors]
    return read.cluster.monitor("np")


def test_it_is_a_monitor_of_its_own_on_every_node_that_is_never_held_back() -> None:
    monitor = made({"targets": TWO})
    assert (monitor.type, monitor.nodes, monitor.watches, monitor.np) == (REACH.name, ("node1", "node2"), None, True)
    recovery = monitor.recovery
    assert recovery.target == Target(kind="node")
    assert (recovery.restarts, recovery.failovers, recovery.final_action) == (0, 0, "shutdown")
    assert (monitor.first_wait_ms, monitor.interval_ms, monitor.timeout_ms, monitor.retries) == (0, 2_000, 2_000, 0)
    assert monitor.params == {"targets": TWO, "need": "any", "grace_ms": 4_000}


def test_without_the_section_there_is_no_monitor() -> None:
    assert reading(None).cluster is None, "a key without a value is an error"
    assert network_partition.monitors(None, ("a",)) == ()


def test_what_is_written_holds() -> None:
    written = {"targets": TWO, "need": "all", "grace_ms": 0, "interval_ms": 500, "timeout_ms": 400, "action": "reboot"}
    monitor = made(written)
    assert (monitor.interval_ms, monitor.timeout_ms, monitor.recovery.final_action) == (500, 400, "reboot")
    assert monitor.params == {"targets": TWO, "need": "all", "grace_ms": 0}


def test_each_node_may_have_targets_of_its_own() -> None:
    one, two = ({"targets": [{"ping": OUTSIDE}, {"ping": address}]} for address in (OUTSIDE_TOO, "192.168.10.253"))
    monitor = made({"per_node": {"node1": one, "node2": two}})
    assert monitor.params_on("node1")["targets"] == one["targets"]
    assert ReachParams.model_validate(monitor.params_on("node2")).targets[1].ping == "192.168.10.253"


def test_the_other_monitors_stay_as_they_are() -> None:
    other = {"name": "m1", "type": "tcp", "params": {"host": "h", "port": 1}}
    cluster = reading({"targets": TWO}, monitors=[other]).cluster
    assert cluster is not None
    assert [monitor.name for monitor in cluster.monitors] == ["m1", "np"]


@pytest.mark.parametrize(
    ("np", "path", "message"),
    [
        ({}, "cluster.np.targets", refusals.MISSING),
        ({"targets": []}, "cluster.np.targets", NO_TARGET),
        ({"targets": [{}]}, "cluster.np.targets[0]", reach.NOT_ONE),
        ({"targets": [TWO[0], {"ping": "gate"}]}, "cluster.np.targets[1].ping", reach.BAD_PING),
        ({"targets": TWO, "acton": "none"}, "cluster.np.acton", refusals.MISSPELT_KEY),
        ({"targets": TWO, "action": "panic"}, "cluster.np.action", None),
        ({"targets": TWO, "need": "some"}, "cluster.np.need", None),
        ({"targets": TWO, "grace_ms": -1}, "cluster.np.grace_ms", None),
        ({"targets": TWO, "interval_ms": "often"}, "cluster.np.interval_ms", None),
        ({"per_node": {"node1": {"targets": TWO}}}, "cluster.np.targets", refusals.MISSING),
        (
            {"targets": TWO, "per_node": {"node2": {"targets": [{"ping": "x"}]}}},
            "cluster.np.per_node.node2.targets[0].ping",
            reach.BAD_PING,
        ),
        (
            {"targets": TWO, "per_node": {"node9": {"targets": TWO}}},
            "cluster.np.per_node.node9",
            parameters.NO_SUCH_NODE,
        ),
        ({"targets": TWO, "per_node": {"node1": {"need": "all"}}}, "cluster.np.per_node.node1.need", None),
        ("10.0.0.1", "cluster.np", None),
    ],
)
def test_an_error_is_named_once_and_where_it_stands(np: Any, path: str, message: Message | None) -> None:
    errors = reading(np).errors
    assert [problem.path for problem in errors] == [path], [(each.path, each.said.en) for each in errors]
    assert message is None or errors[0].said.code == message.code


def test_a_monitor_of_the_same_name_is_refused() -> None:
    other = {"name": "np", "type": "tcp", "params": {"host": "h", "port": 1}}
    assert found(reading({"targets": TWO}, monitors=[other]).errors) == [("cluster.np", monitors.SAME_MONITOR.code)]


def test_what_the_rules_of_monitors_find_is_said_of_the_section() -> None:
    only_tells = reading({"targets": TWO, "action": "none"})
    assert ("cluster.np", monitors.ONLY_TELLS.code) in found(only_tells.problems, "info")
    assert times.MESSAGES  # they judge its times as those of any monitor
    other = {"name": "m1", "type": "tcp", "params": {"host": "h", "port": 0}}
    errors = reading({"targets": TWO}, monitors=[other]).errors
    assert [problem.path for problem in errors] == ["monitors[0].params.port"], "another's error stays where it is"


def test_the_section_and_the_type_agree() -> None:
    section, params = NpSection.model_fields, ReachParams.model_fields
    for key in ("need", "grace_ms"):
        assert section[key].default == params[key].default
    assert (section["interval_ms"].default, section["timeout_ms"].default) == (
        REACH.traits.interval_ms,
        REACH.traits.timeout_ms,
    )
    assert REACH.name == network_partition.TYPE
    assert network_partition.MOST_TARGETS == MOST_TARGETS
    assert set(params) == set(network_partition._OF_TYPE)

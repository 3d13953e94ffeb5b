"""Monitors of their own: names, places, types, and what their recovery can do."""

import pytest

from komainu.config import parameters, refusals
from komainu.config.rules import monitors
from komainu.model.message import Message
from tests.unit.config.sample import GOOD, changed, only, said

HERE = "{group: failover1, resource: app1}"


def monitored(*entries: str, sample: str = GOOD) -> str:
    lines = [f"  - {{{entry}{'' if 'params' in entry else ', params: {host: h}'}}}\n" for entry in entries]
    return f"{sample}monitors:\n" + "".join(lines)


ONE_NODE = changed(
    ("          node2: {port: port-2}\n", ""),
    ("name: failover1", "name: failover1\n    failover: manual\n    nodes: [node1]"),
)


@pytest.mark.parametrize(
    ("entry", "path", "message"),
    [
        ("name: appw1, type: ping", "monitors[0].name", monitors.NAME_OF_OWN),
        ("name: m, type: pong", "monitors[0].type", parameters.MISSPELT_MONITOR_TYPE),
        ("name: m, type: database", "monitors[0].type", parameters.NO_MONITOR_TYPE),
        ("name: m, type: movew", "monitors[0].type", parameters.OWN_MONITOR),
        ("name: m, type: ping, params: {hosts: h}", "monitors[0].params.hosts", refusals.MISSPELT_KEY),
        ("name: m, type: ping, host: h, params: {host: h}", "monitors[0].host", parameters.MISPLACED),
        ("name: m, type: ping, per_node: {node3: {}}", "monitors[0].per_node.node3", parameters.NO_SUCH_NODE),
        ("name: m, type: from, nodes: [node1]", "monitors[0].per_node.node1.source", parameters.NOT_ON_NODE),
        ("name: m, type: indoors", "monitors[0].type", monitors.ELSEWHERE),
        (
            "name: m, type: ofapp, recovery: {target: {group: failover1, resource: move1}}",
            "monitors[0].recovery.target",
            monitors.OTHER_TYPE,
        ),
        (
            "name: m, type: ofapp, watches: {group: failover1, resource: move1}",
            "monitors[0].watches",
            monitors.OTHER_TYPE,
        ),
        ("name: m, type: ping, recovery: {restarts: 1}", "monitors[0].recovery.restarts", monitors.NODE_NOT_RECOVERED),
        (
            "name: m, type: ping, recovery: {target: local-server, failovers: 2}",
            "monitors[0].recovery.failovers",
            monitors.NODE_NOT_RECOVERED,
        ),
        (
            "name: m, type: ping, recovery: {target: local-server, final_action: stop-group}",
            "monitors[0].recovery.final_action",
            monitors.NO_GROUP_TO_STOP,
        ),
        *(
            (
                f"name: m, type: ping, recovery: {{target: {target}, final_action: stop-resource}}",
                "monitors[0].recovery.final_action",
                monitors.NO_RESOURCE_TO_STOP,
            )
            for target in ("local-server", "all-groups", "{group: failover1}")
        ),
        ("name: m, type: ping, recovery: {target: localserver}", "monitors[0].recovery.target", refusals.NOT_CHOICE),
        ("name: m, type: ping, watches: local-server", "monitors[0].watches", refusals.NOT_CHOICE),
        (
            "name: m, type: ping, recovery: {target: {grup: x}}",
            "monitors[0].recovery.target.grup",
            refusals.MISSPELT_KEY,
        ),
        ("name: m, type: ping, recovery: {target: 5}", "monitors[0].recovery.target", refusals.NOT_CHOICE),
        ("name: m, type: ping, recovery: {target: }", "monitors[0].recovery.target", refusals.NO_VALUE),
    ],
    ids=lambda value: getattr(value, "code", None),
)
def test_what_is_wrong_with_a_monitor(entry: str, path: str, message: Message) -> None:
    problem = only(monitored(entry))
    assert (problem.path, problem.said.code) == (path, message.code)


def test_names_of_monitors_are_unique() -> None:
    problem = only(monitored("name: m, type: ping", "name: m, type: ping"))
    assert (problem.path, problem.said.code) == ("monitors[1].name", monitors.SAME_MONITOR.code)


@pytest.mark.parametrize("key", ["watches: ", "recovery: {target: "])
def test_a_monitor_cannot_work_where_its_group_does_not_start(key: str) -> None:
    end = "}" if "{" in key else ""
    problem = only(monitored(f"name: m, type: ping, nodes: [node1, node2], {key}{HERE}{end}", sample=ONE_NODE))
    assert (problem.path, problem.said.code) == ("monitors[0].nodes", monitors.OUTSIDE.code)
    assert "node2" in problem.said.en
    assert said(monitored(f"name: m, type: ping, {key}{HERE}{end}", sample=ONE_NODE)) == []


def test_a_group_without_a_resource_of_the_type_is_refused() -> None:
    other = GOOD + "  - {name: g, resources: [{name: e, type: every, params: {text: abc, whole: 1}}]}\n"
    problem = only(monitored("name: m, type: ofapp, recovery: {target: {group: g}}", sample=other))
    assert problem.said.code == monitors.NONE_OF_TYPE.code
    assert said(monitored("name: m, type: ofapp, recovery: {target: {group: failover1}}", sample=other)) == []


def test_the_place_of_a_target_is_where_it_was_written() -> None:
    # The target of the recovery is not written: it follows from what is watched.
    problem = only(monitored("name: m, type: ping, watches: {group: nowhere}"))
    assert problem.path == "monitors[0].watches.group"
    # What is watched is not written: it follows from the target.
    problem = only(monitored("name: m, type: inside, recovery: {target: {group: nowhere}}"))
    assert problem.path == "monitors[0].recovery.target.group"


def test_partition_resolution_is_about_the_node() -> None:
    text = monitored(f"name: m, type: ping, np: true, recovery: {{target: {HERE}}}")
    assert [(path, code) for _, path, code in said(text, "warning")] == [("monitors[0].np", monitors.NP_OF_NODE.code)]
    text = monitored("name: m, type: ping, np: true, recovery: {target: local-server, final_action: shutdown}")
    assert said(text, "warning") == []


def test_a_monitor_that_only_tells_is_told_of() -> None:
    assert monitors.ONLY_TELLS.code in [code for _, _, code in said(monitored("name: m, type: ping"), "info")]
    text = monitored("name: m, type: ping, recovery: {final_action: reboot}")
    assert monitors.ONLY_TELLS.code not in [code for _, _, code in said(text, "info")]


@pytest.mark.parametrize(
    "entry",
    [
        f"watches: {HERE}",
        "recovery: {target: all-groups}",
        f"recovery: {{target: {HERE}, failovers: 0, final_action: stop-group}}",
        f"watches: {HERE}, recovery: {{target: local-server, final_action: shutdown}}",
    ],
)
@pytest.mark.parametrize(
    ("patience", "told"),
    [("first_wait_ms: 0, retries: 0", 1), ("first_wait_ms: 1, retries: 0", 0), ("first_wait_ms: 0, retries: 1", 0)],
)
def test_a_check_that_does_not_wait_for_the_service_is_warned_of(entry: str, patience: str, told: int) -> None:
    found = said(monitored(f"name: m, type: ping, {patience}, {entry}"), "warning")
    assert [(path, code) for _, path, code in found] == [("monitors[0].first_wait_ms", monitors.HASTY.code)] * told


@pytest.mark.parametrize(
    "entry",
    [
        "recovery: {target: local-server, final_action: reboot}",
        f"watches: {HERE}, recovery: {{failovers: 0}}",
        "watches: always",
    ],
)
def test_a_check_of_no_service_or_with_little_recovery_may_be_hasty(entry: str) -> None:
    assert said(monitored(f"name: m, type: ping, first_wait_ms: 0, retries: 0, {entry}"), "warning") == []


def test_what_judges_the_node_need_not_wait_for_a_service() -> None:
    assert said(monitored("name: m, type: drains, first_wait_ms: 0, retries: 0"), "warning") == []


def test_values_for_a_node_that_does_not_run_it_have_no_effect() -> None:
    text = monitored("name: m, type: ping, nodes: [node1], per_node: {node2: {host: x}}")
    assert [code for _, _, code in said(text, "warning")] == [parameters.MONITOR_NOT_ON_NODE.code]

"""What differs between two configurations: everything, once, in words that an administrator knows."""

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from komainu.config import consequences as words
from komainu.config.complete import complete
from komainu.config.diff import consequences, differences, text
from komainu.model.config import Cluster
from tests.unit.config.files import files
from tests.unit.config.sample import DECLARED, GOOD, changed, reading

MORE = """\
monitors:
  - {name: m, type: ping, params: {host: h}, recovery: {target: local-server, final_action: reboot}}
exclusions:
  - {name: x, kind: normal, groups: [failover1, g]}
"""
GROUP = "  - {name: g, resources: [{name: r, type: app}]}\n"


def cluster(source: str) -> Cluster:
    found = reading(source)
    assert found.cluster is not None, [each.said.en for each in found.errors]
    return found.cluster


def lines(old: str, new: str) -> list[str]:
    return [each.line() for each in differences(cluster(old), cluster(new))]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "zone: a}",
            "zone: b}",
            '~ groups/failover1/resources/move1/params/zone: "a" -> "b"',
        ),
        (
            "node2: {port: port-2}",
            "node2: {port: port-3}",
            '~ groups/failover1/resources/move1/per_node/node2/port: "port-2" -> "port-3"',
        ),
        (
            "type: app",
            "type: app\n        exclusive: false",
            "~ groups/failover1/resources/app1/exclusive: true -> false",
        ),
        (
            "type: app",
            "type: app\n        depends_on: []",
            '~ groups/failover1/resources/app1/depends_on: ["move1"] -> []',
        ),
        (
            "type: app",
            "type: app\n        recovery: {restarts: 0}",
            "~ groups/failover1/resources/app1/recovery/restarts: 3 -> 0",
        ),
        (
            "{command: [/bin/true]}",
            "{command: [/bin/true], start: ''}",
            '+ groups/failover1/resources/app1/params/start: ""',
        ),
        ("name: failover1", "name: failover1\n    failback: auto", '~ groups/failover1/failback: "manual" -> "auto"'),
        (
            "name: failover1",
            "name: failover1\n    nodes: [node2, node1]",
            '~ groups/failover1/nodes: ["node1", "node2"] -> ["node2", "node1"]',
        ),
        ("links: [10.0.120.100]", "links: [10.0.120.9]", '~ nodes/node2/links: ["10.0.120.100"] -> ["10.0.120.9"]'),
        (
            "arbitration: operator",
            "arbitration: operator\n  aws: {region: ap-northeast-1}",
            '+ aws: {"region": "ap-northeast-1", "calls_per_minute": 30}',
        ),
        ("arbitration: operator", "arbitration: none", '~ arbitration/kind: "operator" -> "none"'),
        ("arbitration: operator", "arbitration: operator\n  preset: fast", "~ detect_within_ms: 5000 -> 450"),
    ],
)  # fmt: skip
def test_one_change_is_one_line(old: str, new: str, line: str) -> None:
    assert lines(GOOD, changed((old, new))) == [line]


def test_parts_with_names_come_and_go_as_a_whole() -> None:
    added = lines(GOOD, GOOD + GROUP + MORE)
    assert [each.split(":")[0] for each in added] == ["+ groups/g", "+ monitors/m", "+ exclusions/x"]
    removed = lines(GOOD + GROUP + MORE, GOOD)
    assert [each.split(":")[0] for each in removed] == ["- groups/g", "- monitors/m", "- exclusions/x"]


def test_what_a_monitor_recovers_is_shown_as_it_is_written() -> None:
    new = GOOD + MORE.split("exclusions")[0].replace(
        "target: local-server, final_action: reboot", "target: {group: failover1, resource: app1}"
    )
    old = GOOD + MORE.split("exclusions")[0]
    assert lines(old, new) == [
        '~ monitors/m/recovery/target: "local-server" -> {"group": "failover1", "resource": "app1"}',
        "~ monitors/m/recovery/restarts: 0 -> 3",
        "~ monitors/m/recovery/failovers: 0 -> 1",
        '~ monitors/m/recovery/final_action: "reboot" -> "none"',
    ]


def test_another_order_is_a_difference() -> None:
    other = GOOD + "  - {name: h, resources: [{name: s, type: app}]}\n" + GROUP
    assert lines(GOOD + GROUP + "  - {name: h, resources: [{name: s, type: app}]}\n", other) == [
        '~ groups/(order): ["failover1", "g", "h"] -> ["failover1", "h", "g"]'
    ]


def test_a_dependency_of_groups_is_told_by_the_other_groups_name() -> None:
    old = GOOD + "  - {name: g, depends_on: [failover1], resources: [{name: r, type: app}]}\n"
    new = old.replace("[failover1]", "[{group: failover1, same_node: true}]")
    assert lines(old, new) == ["~ groups/g/depends_on/failover1/same_node: false -> true"]
    assert lines(GOOD + GROUP, old)[0].startswith("+ groups/g/depends_on/failover1: ")


def test_true_is_not_one() -> None:
    old = cluster(GOOD)
    group = old.groups[0]
    resources = [group.resources[1].model_copy(update={"params": {"x": value}}) for value in (1, True, 1.0)]
    one, true, fraction = (
        old.model_copy(update={"groups": (group.model_copy(update={"resources": (each,)}),)}) for each in resources
    )
    assert [each.line() for each in differences(one, true)] == ["~ groups/failover1/resources/app1/params/x: 1 -> true"]
    assert differences(one, fraction) != ()


def test_the_version_alone_is_no_difference() -> None:
    old = cluster(GOOD)
    assert differences(old, old.model_copy(update={"version": 9})) == ()
    assert text(old, old, "en") == "Nothing restarts.\n"
    assert text(old, old, "ja") == "再起動するものはありません。\n"


def test_the_text_has_the_lines_and_then_what_follows() -> None:
    old, new = cluster(GOOD), cluster(changed(("zone: a}", "zone: b}")))
    found, _, sentences = text(old, new, "en").partition("\n\n")
    assert found == '~ groups/failover1/resources/move1/params/zone: "a" -> "b"'
    assert [line.split(":")[1].strip() for line in sentences.splitlines()] == ["failover1/move1.", "failover1/app1."]
    assert "再起動します: failover1/move1" in text(old, new, "ja")


def test_each_difference_says_what_follows_from_it() -> None:
    new = changed(("zone: a}", "zone: b}"), ("name: failover1", "name: failover1\n    failover_limit: 3"))
    limit, zone = differences(cluster(GOOD), cluster(new))
    assert limit.follows == (words.NOTHING_RESTARTS.said(),)
    assert [said.code for said in zone.follows] == [words.RESTARTS.code, words.RESTARTS_TOO.code]


def clusters() -> st.SearchStrategy[Cluster]:
    """Whether the rules would accept them does not matter here."""
    return files().map(lambda file: Cluster.model_validate(complete(file, DECLARED, 1).model_dump()))


@settings(max_examples=60, deadline=None)
@given(clusters())
def test_a_configuration_does_not_differ_from_itself(one: Cluster) -> None:
    assert differences(one, one) == ()
    again = Cluster.model_validate_json(one.model_dump_json())
    assert differences(one, again) == ()
    assert consequences(one, again) == words.Consequences()


@settings(max_examples=60, deadline=None)
@given(clusters(), clusters())
def test_what_is_added_one_way_is_removed_the_other_way(one: Cluster, other: Cluster) -> None:
    there, back = differences(one, other), differences(other, one)
    opposite = {"added": "removed", "removed": "added", "changed": "changed"}
    assert _sorted(there) == _sorted([(each.path, opposite[each.kind], each.new, each.old) for each in back])
    assert (there == ()) == (one == other)
    forth, home = consequences(one, other), consequences(other, one)
    assert (sorted(forth.added), sorted(forth.restarted)) == (sorted(home.removed), sorted(home.restarted))
    assert text(one, other, "ja")


def _sorted(found: Any) -> list[Any]:
    rows = [each if isinstance(each, tuple) else (each.path, each.kind, each.old, each.new) for each in found]
    return sorted(rows, key=lambda row: (row[0], str(row)))

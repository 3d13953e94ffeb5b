"""What follows from a change: what restarts, what stops, what cannot be done in operation."""

import pytest

from komainu.config import consequences as words
from komainu.config.consequences import Consequences
from komainu.config.diff import consequences
from tests.unit.config.sample import GOOD, changed
from tests.unit.config.test_diff import GROUP, MORE, cluster

TWO = GOOD + GROUP
APP = ("failover1", "app1")
MOVE = ("failover1", "move1")


def between(old: str, new: str) -> Consequences:
    return consequences(cluster(old), cluster(new))


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("[/bin/true]", "[/bin/false]", Consequences(restarted=(APP,))),
        ("type: app", "type: app\n        exclusive: false", Consequences(restarted=(APP,))),
        ("{port: port-2}", "{port: port-7}", Consequences(restarted=(MOVE,), carried=(APP,))),
        ("environment: aws", "environment: aws\n  language: ja", Consequences()),
        ("arbitration: operator", "arbitration: none", Consequences()),
        ("type: app", "type: app\n        start_timeout_ms: 1", Consequences()),
        ("type: app", "type: app\n        check_interval_ms: 500", Consequences()),
        ("type: app", "type: app\n        depends_on: []", Consequences()),
        ("type: app", "type: app\n        scripts: {after_start: /x}", Consequences()),
        ("name: failover1", "name: failover1\n    failover: manual", Consequences()),
        ("name: failover1", "name: failover1\n    failback: auto", Consequences(may_move=("failover1",))),
        ("name: failover1", "name: failover1\n    nodes: [node2, node1]", Consequences()),
        ("name: sample", "name: other", Consequences(refused_online=("name",))),
        (
            "arbitration: operator",
            "arbitration: operator\n  aws: {region: ap-northeast-1}",
            Consequences(next_start=("aws",)),
        ),
        (
            "arbitration: operator",
            "arbitration: operator\n  detect_within_ms: 2000",
            Consequences(transport_changed=True),
        ),
        ("links: [10.0.110.100]", "links: [10.0.110.1]", Consequences(transport_changed=True)),
        ("{name: node2,", "{name: node2, id: 9,", Consequences(transport_changed=True)),
    ],
)
def test_what_follows_from_one_change(old: str, new: str, wanted: Consequences) -> None:
    assert between(GOOD, changed((old, new))) == wanted


LEASE = "arbitration: {kind: lease, lease: {type: urn, params: {place: here}}}"


ALL = (("failover1", "move1"), ("failover1", "app1"))


@pytest.mark.parametrize(
    ("old", "new", "restarted"),
    [
        ("arbitration: operator", LEASE, ALL),
        (LEASE, "arbitration: none", ALL),
        (LEASE, LEASE.replace("here", "there"), ALL),
        (LEASE, LEASE.replace("}}}", "}}, right_ms: 20000}"), ()),
    ],
)
def test_who_may_act_is_changed_only_while_all_are_there(
    old: str, new: str, restarted: tuple[tuple[str, str], ...]
) -> None:
    # By another vote nothing goes on as if nothing had been.
    wanted = Consequences(restarted=restarted, only_together=True)
    before, after = (changed(("arbitration: operator", each)) for each in (old, new))
    assert between(before, after) == wanted
    assert words.ONLY_TOGETHER.code in [said.code for said in wanted.said()]


def test_what_a_node_has_for_itself_may_be_changed_at_any_time() -> None:
    patient = LEASE.replace("}}}", "}}, head_start_ms: 400, stop_grace_ms: 400}")
    before, after = (changed(("arbitration: operator", each)) for each in (LEASE, patient))
    assert between(before, after) == Consequences()


def test_a_majority_of_the_nodes_stays() -> None:
    three = [
        ("arbitration: operator", "arbitration: majority"),
        ("groups:\n", "  - {name: node3, links: [10.0.130.100]}\ngroups:\n"),
        ("          node2: {port: port-2}\n", "          node2: {port: port-2}\n          node3: {port: port-3}\n"),
    ]
    before = changed(*three)
    one = between(before, before.replace("node3", "node4"))
    assert (one.only_together, one.no_majority_stays) == (True, False)
    two = between(before, before.replace("node3", "node4").replace("node2", "node5"))
    assert (two.only_together, two.no_majority_stays) == (True, True)
    assert two.said()[0].code == words.NO_MAJORITY_STAYS.code
    assert two.said()[0].level == "error"


def test_an_environment_is_not_changed_while_the_cluster_exists() -> None:
    empty = GOOD.split("groups:")[0].replace("arbitration: operator", "arbitration: operator\n  detect_within_ms: 5000")
    other = between(empty, empty.replace("environment: aws", "environment: onprem"))
    assert other == Consequences(refused_online=("environment",))
    assert [said.code for said in other.said()] == [words.NOT_WHILE_IT_EXISTS.code]


def test_groups_and_resources_that_go_stop() -> None:
    assert between(TWO, GOOD) == Consequences(removed=(("g", "r"),))
    assert between(GOOD, TWO) == Consequences(added=(("g", "r"),))
    second = TWO.replace("[{name: r, type: app}]", "[{name: r, type: app}, {name: s, type: app}]")
    assert between(second, TWO) == Consequences(removed=(("g", "s"),))
    assert between(TWO, second) == Consequences(added=(("g", "s"),))


def test_what_depends_on_a_newcomer_has_to_wait_for_it() -> None:
    # `r` runs already, and must not run before what it depends on from now on.
    first = TWO.replace("[{name: r, type: app}]", "[{name: s, type: app}, {name: r, type: app}]")
    assert between(TWO, first) == Consequences(added=(("g", "s"),), carried=(("g", "r"),))
    assert between(first, TWO) == Consequences(removed=(("g", "s"),), carried=(("g", "r"),))


def test_a_resource_that_changes_its_group_stops_there_and_starts_here() -> None:
    other = "  - {name: h, resources: []}\n"
    moved = GOOD + "  - {name: g, resources: []}\n  - {name: h, resources: [{name: r, type: app}]}\n"
    assert between(TWO + other, moved) == Consequences(removed=(("g", "r"),), added=(("h", "r"),))


def test_what_restarts_by_itself_is_not_said_to_be_carried() -> None:
    both = changed(("zone: a}", "zone: b}"), ("[/bin/true]", "[/bin/false]"))
    assert between(GOOD, both) == Consequences(restarted=(MOVE, APP))


def test_a_group_leaves_the_nodes_where_it_may_run_no_more() -> None:
    small = TWO.replace("{name: g,", "{name: g, nodes: [node2], failover: manual,")
    assert between(TWO, small) == Consequences(leaves=(("g", "node1"),))
    assert "g/node1" in between(TWO, small).said()[0].en


def test_rules_of_placement_may_move_groups() -> None:
    apart = TWO + MORE.replace("normal", "absolute")
    assert between(TWO, TWO + MORE) == between(apart, TWO) == Consequences()
    assert between(TWO, apart) == between(TWO + MORE, apart) == Consequences(may_move=("failover1", "g"))
    after = TWO.replace("{name: g,", "{name: g, depends_on: [failover1],")
    there = TWO.replace("{name: g,", "{name: g, depends_on: [{group: failover1, same_node: true}],")
    assert between(TWO, after) == between(after, there) == Consequences(may_move=("g",))
    assert between(there, after) == between(there, TWO) == Consequences()


def test_a_node_more_or_less_changes_the_interconnects() -> None:
    more = TWO.replace("groups:", "  - {name: node3, links: [10.0.130.100]}\ngroups:", 1).replace(
        "          node2: {port: port-2}", "          node2: {port: port-2}\n          node3: {port: port-3}"
    )
    found = between(TWO, more)
    assert found.transport_changed
    assert found.restarted == (MOVE,)
    assert between(more, TWO).leaves == (("failover1", "node3"), ("g", "node3"))


def test_sentences_name_what_they_are_about_in_both_languages() -> None:
    whole = Consequences(
        restarted=(MOVE,),
        carried=(APP,),
        removed=(("g", "r"),),
        added=(("g", "s"),),
        leaves=(("g", "node1"),),
        may_move=("h",),
        transport_changed=True,
        next_start=("aws",),
        refused_online=("name",),
    )
    said = whole.said()
    assert [each.code for each in said] == [
        words.NOT_WHILE_IT_EXISTS.code,
        *(words.STOPS.code, words.RESTARTS.code, words.RESTARTS_TOO.code, words.STARTS.code),
        *(words.LEAVES.code, words.MAY_MOVE.code, words.TRANSPORT.code, words.NEXT_START.code),
    ]
    for each, name in zip(said, ["name", "g/r", "failover1/move1", "failover1/app1", "g/s", "g/node1"], strict=False):
        assert name in each.en
        assert name in each.ja
    assert whole.interrupts


def test_what_disturbs_nothing_says_so() -> None:
    assert [each.code for each in Consequences().said()] == [words.NOTHING_RESTARTS.code]
    quiet = Consequences(added=(("g", "s"),), transport_changed=True, next_start=("aws",))
    assert not quiet.interrupts
    assert quiet.said()[-1].code == words.NOTHING_RESTARTS.code

"""What an arbitration needs is asked for, and what it does not protect from is said."""

import pytest

from komainu.config import parameters, refusals
from komainu.config.rules import arbitration as rule, times
from komainu.model.message import Message
from tests.unit.config.sample import URN_SLOW, changed, only, reading, said

WORD = "arbitration: operator"
PATH = "cluster.arbitration"
STORE = "lease: {type: urn, params: {place: here}}"
PLUGS = "per_node: {node1: {socket: a}, node2: {socket: b}}"
THIRD = (
    ("groups:", "  - {name: node3, links: [10.0.130.100]}\ngroups:"),
    ("          node2: {port: port-2}", "          node2: {port: port-2}\n          node3: {port: port-3}"),
)
FOURTH = (
    ("groups:", "  - {name: node3, links: [10.0.130.100]}\n  - {name: node4, links: [10.0.140.100]}\ngroups:"),
    (
        "          node2: {port: port-2}",
        "          node2: {port: port-2}\n          node3: {port: port-3}\n          node4: {port: port-4}",
    ),
)


def lease(*more: str) -> str:
    """The sample with kind lease; further keys of the section from line 7 on."""
    return changed((WORD, "\n    ".join(["arbitration:", "kind: lease", STORE, *more])))


def majority(*more: str) -> str:
    """The sample with three nodes and kind majority."""
    return changed((WORD, "\n    ".join(["arbitration:", "kind: majority", *more])), *THIRD)


@pytest.mark.parametrize(
    ("kind", "exclusive", "level", "message"),
    [
        ("none", True, "warning", rule.NONE_EXCLUSIVE),
        ("none", False, "warning", rule.NONE_SHARED),
        ("operator", True, "info", rule.OPERATOR_WAITS),
        ("operator", False, "info", None),
    ],
)
def test_the_price_of_the_arbitration_is_said(kind: str, exclusive: bool, level: str, message: Message | None) -> None:
    text = changed(
        (WORD, f"arbitration: {kind}"), ("type: app", f"type: app\n        exclusive: {str(exclusive).lower()}")
    )
    wanted = [] if message is None else [(4, PATH, message.code)]
    assert said(text, level) == wanted
    if message is not None and exclusive:
        assert "failover1" in next(each for each in reading(text).problems if each.said.level == level).said.en


def test_a_cluster_of_one_node_needs_no_arbitration() -> None:
    text = changed(
        ("  - {name: node2, links: [10.0.120.100]}\n", ""),
        ("          node2: {port: port-2}\n", ""),
        (WORD, "arbitration: none"),
    )
    assert [code for _, path, code in said(text, "warning") if path == PATH] == []


def test_a_lease_gets_its_times_from_the_time_of_detection() -> None:
    cluster = reading(lease()).cluster
    assert cluster is not None
    found = cluster.arbitration
    assert (found.kind, found.lease and found.lease.type, found.fence) == ("lease", "urn", None)
    assert (found.right_ms, found.wait_ms) == (10_000, 12_000), "a watchdog may be a second late"
    assert (found.stop_grace_ms, found.store_timeout_ms, found.head_start_ms) == (500, 1_000, 300)


def test_a_majority_needs_no_more_than_its_name() -> None:
    cluster = reading(changed((WORD, "arbitration: majority"), *THIRD)).cluster
    assert cluster is not None
    assert (cluster.arbitration.kind, cluster.arbitration.right_ms) == ("majority", 10_500)
    assert cluster == reading(majority()).cluster


def test_the_wait_follows_a_right_that_is_written() -> None:
    cluster = reading(lease("right_ms: 20000")).cluster
    assert cluster is not None
    assert (cluster.arbitration.right_ms, cluster.arbitration.wait_ms) == (20_000, 22_000)


def test_a_kind_that_is_not_limited_has_no_times() -> None:
    cluster = reading(changed((WORD, "arbitration: {kind: operator}"))).cluster
    assert cluster is not None
    assert (cluster.arbitration.right_ms, cluster.arbitration.wait_ms) == (0, 0)


def test_a_lease_without_a_store_is_refused() -> None:
    text = changed((WORD, "arbitration: {kind: lease}"))
    assert said(text) == [(4, PATH, rule.NO_STORE.code)]


def test_a_lease_is_for_two_and_a_majority_for_three_nodes_or_more() -> None:
    text = changed((WORD, f"arbitration: {{kind: lease, {STORE}}}"), *THIRD)
    assert said(text) == [(4, PATH, rule.LEASE_IS_FOR_TWO.code)]
    assert said(changed((WORD, "arbitration: majority"))) == [(4, PATH, rule.MAJORITY_OF_THREE.code)]
    assert said(majority()) == []


def test_an_even_number_is_no_better_than_the_odd_one_below_it() -> None:
    text = changed((WORD, "arbitration: majority"), *FOURTH)
    assert (4, PATH, rule.MAJORITY_EVEN.code) in said(text, "warning")
    found = next(each for each in reading(text).problems if each.said.code == rule.MAJORITY_EVEN.code)
    assert found.said.en.startswith("4 nodes bear the loss of 1, as 3 would")
    assert rule.MAJORITY_EVEN.code not in [code for _, _, code in said(majority(), "warning")]


@pytest.mark.parametrize("key", ["right_ms: 20000", "wait_ms: 21000", "stop_grace_ms: 500", "head_start_ms: 0", STORE])
def test_keys_that_the_kind_has_no_use_for_are_refused(key: str) -> None:
    text = changed((WORD, f"arbitration: {{kind: operator, {key}}}"))
    assert said(text) == [(4, f"{PATH}.{key.partition(':')[0]}", rule.NO_MEANING.code)]


def test_a_majority_has_no_store() -> None:
    assert said(majority("store_timeout_ms: 500")) == [(6, f"{PATH}.store_timeout_ms", rule.NO_MEANING.code)]
    assert said(majority("stop_grace_ms: 400")) == []


@pytest.mark.parametrize("kind", ["none", "operator"])
def test_nobody_is_fenced_without_a_vote_or_a_majority(kind: str) -> None:
    text = changed((WORD, f"arbitration: {{kind: {kind}, fence: {{type: plug, {PLUGS}}}}}"))
    assert said(text) == [(4, f"{PATH}.fence", rule.FENCE_ALONE.code)]


def test_a_fence_beside_a_vote_or_a_majority_is_accepted() -> None:
    cluster = reading(lease(f"fence: {{type: plug, params: {{hard: false}}, {PLUGS}, retry_ms: 7000}}")).cluster
    assert cluster is not None
    fence = cluster.arbitration.fence
    assert fence is not None
    assert fence.params_of("node2") == {"hard": False, "socket": "b"}
    assert (fence.timeout_ms, fence.retry_ms) == (180_000, 7_000)
    plugs = PLUGS.replace("}}", "}, node3: {socket: c}}")
    assert said(majority(f"fence: {{type: plug, {plugs}}}")) == []


def test_a_way_of_fencing_has_its_place() -> None:
    text = lease(f"fence: {{type: plug, {PLUGS}}}").replace("environment: aws", "environment: onprem")
    assert (7, f"{PATH}.fence.type", rule.FENCE_ELSEWHERE.code) in said(text)


@pytest.mark.parametrize(
    ("key", "path", "message"),
    [
        ("fence: {type: plugh}", "fence.type", parameters.MISSPELT_FENCE_TYPE),
        ("fence: {type: axe}", "fence.type", parameters.NO_FENCE_TYPE),
        ("fence: {type: plug, per_node: {node1: {socket: a}}}", "fence.per_node.node2.socket", parameters.NOT_ON_NODE),
        (
            "fence: {type: plug, per_node: {node1: {socket: a}, node2: {socket: a}}}",
            "fence.per_node.node2.socket",
            parameters.SAME_ON_NODES,
        ),
        (
            "fence: {type: plug, per_node: {node1: {socket: a}, node2: {socket: b}, node3: {socket: c}}}",
            "fence.per_node.node3",
            parameters.NO_SUCH_NODE,
        ),
        (f"fence: {{type: plug, hard: true, {PLUGS}}}", "fence.hard", parameters.MISPLACED),
        (f"fence: {{type: plug, time_out_ms: 5, {PLUGS}}}", "fence.time_out_ms", refusals.MISSPELT_KEY),
        ("fence: 5", "fence", refusals.NOT_SECTION),
        ("right_ms: soon", "right_ms", refusals.NOT_WHOLE),
        ("right_ms: 999", "right_ms", refusals.BELOW),
    ],
)
def test_what_is_wrong_in_the_section_is_named_in_its_place(key: str, path: str, message: Message) -> None:
    found = said(lease(key))
    assert (7, f"{PATH}.{path}", message.code) in found
    assert {place for _, place, _ in found} == {f"{PATH}.{path}"}


@pytest.mark.parametrize(
    ("store", "path", "message"),
    [
        ("lease: {type: urm, params: {place: here}}", "lease.type", parameters.MISSPELT_LEASE_TYPE),
        ("lease: {type: box}", "lease.type", parameters.NO_LEASE_TYPE),
        ("lease: {type: urn}", "lease.params.place", refusals.MISSING),
        ("lease: {type: urn, place: here, params: {place: here}}", "lease.place", parameters.MISPLACED),
        ("lease: {params: {place: here}}", "lease.type", refusals.MISSING),
    ],
)
def test_what_is_wrong_with_the_store_is_named_in_its_place(store: str, path: str, message: Message) -> None:
    assert said(lease().replace(STORE, store)) == [(6, f"{PATH}.{path}", message.code)]


def test_a_store_advises() -> None:
    assert (6, f"{PATH}.lease", URN_SLOW.code) in said(lease().replace("here", "far away"), "warning")
    assert URN_SLOW.code not in [code for _, _, code in said(lease(), "warning")]


def test_a_right_that_ends_in_every_plain_cut_is_refused_with_the_inequality() -> None:
    assert said(lease("right_ms: 9900")) == [(7, f"{PATH}.right_ms", rule.RIGHT_SHORT.code)]
    assert (
        "detect 5000 + 2 beats of 1250 + 2 calls of 1000 + grace 500 = 10000 > 9900"
        in only(lease("right_ms: 9900")).said.en
    )
    assert said(lease("right_ms: 10000")) == []


def test_with_short_rights_the_beats_are_more_frequent() -> None:
    text = lease("right_ms: 6000")
    assert "2 beats of 1000" in only(text).said.en
    assert "Write 10000 or more" in only(text).said.en


def test_the_majority_renews_its_right_by_beats() -> None:
    problem = only(majority("right_ms: 10400"))
    assert problem.said.code == rule.RIGHT_SHORT_OF_MAJORITY.code
    assert "detect 5000 + 4 beats of 1250 + grace 500 = 10500 > 10400" in problem.said.en
    assert said(majority("right_ms: 10500")) == []


def test_a_wait_that_a_clock_could_undo_is_refused_with_the_inequality() -> None:
    problem = only(lease("wait_ms: 10707"))
    assert (problem.path, problem.said.code) == (f"{PATH}.wait_ms", rule.WAIT_SHORT.code)
    assert "(10000 x 1.01 + 500) / 0.99 = 10708 > 10707" in problem.said.en
    late = only(lease("wait_ms: 11707"))
    assert (late.path, late.said.code) == (f"{PATH}.wait_ms", rule.WAIT_BEFORE_WATCHDOG.code)
    assert "(E x 1.01 + 500) / 0.99 + 1000 = 11708 > 11707" in late.said.en
    assert said(lease("wait_ms: 11708")) == []


def test_both_are_told_at_once() -> None:
    assert [code for _, _, code in said(lease("right_ms: 5000", "wait_ms: 5000"))] == [
        rule.RIGHT_SHORT.code,
        rule.WAIT_SHORT.code,
    ]


def test_a_store_that_may_take_long_is_warned_of() -> None:
    text = lease("right_ms: 12000", "store_timeout_ms: 2401", "stop_grace_ms: 1")
    text = text.replace("  environment: aws", "  environment: aws\n  detect_within_ms: 2000")
    assert (9, f"{PATH}.store_timeout_ms", rule.STORE_SLOW.code) in said(text, "warning")
    assert rule.STORE_SLOW.code not in [code for _, _, code in said(text.replace("2401", "2400"), "warning")]


def test_a_time_for_the_daemon_that_is_longer_than_the_right_is_said_to_be_cut() -> None:
    found = said(lease().replace("  environment: aws", "  environment: aws\n  agent_return_ms: 10001"), "info")
    assert (4, "cluster.agent_return_ms", rule.RETURN_CAPPED.code) in found
    assert rule.RETURN_CAPPED.code not in [code for _, _, code in said(lease(), "info")]


def test_what_only_a_reset_ends_is_named() -> None:
    found = next(each for each in reading(lease()).problems if each.said.code == rule.RESET_ONLY.code)
    assert (found.path, found.said.level) == (PATH, "warning")
    assert "app1" in found.said.en
    # Not exclusive: it may run twice.
    assert "move1" not in found.said.en


def test_without_an_exclusive_resource_nobody_waits() -> None:
    text = lease().replace("type: app", "type: app\n        exclusive: false")
    assert said(text, "warning") == []
    assert said(text, "info") == [(5, PATH, rule.NOTHING_EXCLUSIVE.code)]


def test_times_have_an_end() -> None:
    assert (7, f"{PATH}.right_ms", times.TOO_LONG.code) in said(lease("right_ms: 99999999999"))

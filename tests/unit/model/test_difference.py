"""What one configuration means for what runs under another (C11)."""

import pytest

from komainu.model.config import Arbitration, Cluster, Group, Lease, Node
from komainu.model.difference import arbitration_differs, gains, keeps_majority, restarting
from tests.unit.core.clusters import DISK, SERVER, cluster, resource

OLD = cluster("a b c")
DB = OLD.groups[0]


def with_group(group: Group) -> Cluster:
    """The old configuration with another group db."""
    return OLD.model_copy(update={"groups": (group,)})


def test_what_works_as_before_goes_on() -> None:
    """Times, recovery and dependencies can change under a running resource."""
    calmer = SERVER.model_copy(update={"check_interval_ms": 9_000, "depends_on": ()})
    marks = restarting(DB, OLD, with_group(DB.model_copy(update={"resources": (DISK, calmer)})))

    assert marks == dict.fromkeys("abc", (False, False))


def test_what_works_otherwise_restarts() -> None:
    for other in ({"params": {"port": 1}}, {"per_node": {"a": {"port": 1}}}, {"type": "fip"}, {"exclusive": False}):
        changed = SERVER.model_copy(update=other)
        marks = restarting(DB, OLD, with_group(DB.model_copy(update={"resources": (DISK, changed)})))

        assert marks == dict.fromkeys("abc", (False, True))


def test_what_is_not_there_any_more_has_to_stop() -> None:
    assert restarting(DB, OLD, with_group(DB.model_copy(update={"resources": (DISK,)})))["a"] == (False, True)
    assert restarting(DB, OLD, OLD.model_copy(update={"groups": ()}))["a"] == (True, True)


def test_a_node_that_is_not_startable_any_more_has_to_stop_everything() -> None:
    marks = restarting(DB, OLD, with_group(DB.model_copy(update={"nodes": ("a", "b")})))

    assert marks == {"a": (False, False), "b": (False, False), "c": (True, True)}


def test_a_node_gains_what_it_could_not_run_before() -> None:
    smaller = with_group(DB.model_copy(update={"nodes": ("a", "b")}))
    larger = with_group(DB.model_copy(update={"resources": (*DB.resources, resource("mail"))}))

    assert [node for node in "abc" if gains(smaller, OLD, node)] == ["c"]
    assert [node for node in "abc" if gains(OLD, larger, node)] == ["a", "b", "c"]
    assert not any(gains(OLD, smaller, node) for node in "abc")


LEASE = Arbitration(kind="lease", lease=Lease(type="x", params={"key": "a"}), right_ms=5_000, wait_ms=6_000)
MAJORITY = Arbitration(kind="majority", right_ms=5_000, wait_ms=6_000)
NOBODY = Arbitration(kind="none")


def nodes(names: str, arbitration: Arbitration) -> Cluster:
    """A cluster of nodes of one letter each."""
    found = tuple(Node(name=name, id=ord(name), links=("10.0.0.1",)) for name in names)
    return OLD.model_copy(update={"nodes": found, "groups": (), "arbitration": arbitration})


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "operator", "lease": None, "right_ms": 0, "wait_ms": 0},
        {"lease": Lease(type="x", params={"key": "b"})},
        {"lease": Lease(type="y", params={"key": "a"})},
        {"right_ms": 5_001},
        {"wait_ms": 6_001},
    ],
)
def test_kind_store_and_times_of_a_right_are_changed_only_together(change: dict[str, object]) -> None:
    other = nodes("ab", LEASE.model_copy(update=change))
    assert arbitration_differs(nodes("ab", LEASE), other)
    assert arbitration_differs(other, nodes("ab", LEASE))


@pytest.mark.parametrize("change", [{}, {"stop_grace_ms": 1}, {"store_timeout_ms": 1}, {"head_start_ms": 1}])
def test_what_each_node_has_for_itself_can_be_changed_while_one_is_away(change: dict[str, object]) -> None:
    assert not arbitration_differs(nodes("ab", LEASE), nodes("ab", LEASE.model_copy(update=change)))


def test_a_node_that_comes_or_goes_changes_who_has_to_answer() -> None:
    assert arbitration_differs(nodes("abc", MAJORITY), nodes("abd", MAJORITY))
    assert arbitration_differs(nodes("abc", MAJORITY), nodes("abcd", MAJORITY))
    assert not arbitration_differs(nodes("abc", MAJORITY), nodes("cba", MAJORITY))


def test_without_rights_there_is_nothing_to_agree_on() -> None:
    assert not arbitration_differs(nodes("ab", NOBODY), nodes("abc", Arbitration(kind="operator")))


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ("abc", "abc", True),
        ("abc", "abd", True),
        ("abc", "ade", False),
        ("abc", "ab", True),
        ("abc", "abde", False),
        ("abcd", "abe", False),
        ("abcde", "abc", True),
        ("abc", "abcdef", False),
        ("abc", "abcde", True),
    ],
)
def test_those_that_stay_are_a_majority_of_the_old_and_of_the_new_nodes(old: str, new: str, kept: bool) -> None:
    assert keeps_majority(nodes(old, MAJORITY), nodes(new, MAJORITY)) is kept


def test_only_where_a_majority_decides_one_is_needed() -> None:
    assert keeps_majority(nodes("ab", LEASE), nodes("cd", LEASE))
    assert keeps_majority(nodes("ab", LEASE), nodes("abc", MAJORITY))
    assert not keeps_majority(nodes("ab", LEASE), nodes("acd", MAJORITY))
    assert not keeps_majority(nodes("abc", MAJORITY), nodes("ad", LEASE))

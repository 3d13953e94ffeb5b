"""What one configuration means for what runs under another (C11)."""

from komainu.model.config import Cluster, Group
from komainu.model.difference import gains, restarting
from tests.unit.core.clusters import DISK, SERVER, cluster, resource

OLD = cluster("a b c")
DB = OLD.groups[0]


def with_group(group: Group) -> Cluster:
    """The old configuration with another group db."""
    return OLD.model_copy(update={"groups": (group,)})


def test_what_works_as_before_goes_on() -> None:
    """Times, recovery and dependencies can change under a running resource."""
    calmer = SERVER.model_copy(update={"check_interval_ms": 9_000, "depends_on": ()})
    marks = restarting(DB, with_group(DB.model_copy(update={"resources": (DISK, calmer)})))

    assert marks == dict.fromkeys("abc", (False, False))


def test_what_works_otherwise_restarts() -> None:
    for other in ({"params": {"port": 1}}, {"per_node": {"a": {"port": 1}}}, {"type": "fip"}, {"exclusive": False}):
        changed = SERVER.model_copy(update=other)
        marks = restarting(DB, with_group(DB.model_copy(update={"resources": (DISK, changed)})))

        assert marks == dict.fromkeys("abc", (False, True))


def test_what_is_not_there_any_more_has_to_stop() -> None:
    assert restarting(DB, with_group(DB.model_copy(update={"resources": (DISK,)})))["a"] == (False, True)
    assert restarting(DB, OLD.model_copy(update={"groups": ()}))["a"] == (True, True)


def test_a_node_that_is_not_startable_any_more_has_to_stop_everything() -> None:
    marks = restarting(DB, with_group(DB.model_copy(update={"nodes": ("a", "b")})))

    assert marks == {"a": (False, False), "b": (False, False), "c": (True, True)}


def test_a_node_gains_what_it_could_not_run_before() -> None:
    smaller = with_group(DB.model_copy(update={"nodes": ("a", "b")}))
    larger = with_group(DB.model_copy(update={"resources": (*DB.resources, resource("mail"))}))

    assert [node for node in "abc" if gains(smaller, OLD, node)] == ["c"]
    assert [node for node in "abc" if gains(OLD, larger, node)] == ["a", "b", "c"]
    assert not any(gains(OLD, smaller, node) for node in "abc")

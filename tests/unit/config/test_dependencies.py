"""The order of starting, what is waited for by default, circles and the longest way."""

from itertools import pairwise
from typing import Any

from hypothesis import given, settings, strategies as st

from komainu.config import dependencies
from komainu.model.config import Group, Resource, Scripts
from komainu.model.traits import Traits

ADDRESS = Traits(exclusive=False, order=10)
DISK = Traits(exclusive=True, order=50)
APP = Traits(exclusive=True, order=90, listed=True)


def resource(name: str, *depends_on: str, **values: Any) -> Resource:
    fixed: dict[str, Any] = {"type": "t", "exclusive": False, "params": {}, "check_interval_ms": 100}
    fixed |= {"check_timeout_ms": 1, "prepare_interval_ms": 100, "start_timeout_ms": 1, "stop_timeout_ms": 1}
    return Resource(name=name, depends_on=depends_on, **{**fixed, **values})


def test_a_resource_waits_for_all_whose_type_comes_earlier() -> None:
    listed = [("web", APP), ("disk", DISK), ("ip1", ADDRESS), ("ip2", ADDRESS), ("db", APP)]
    assert dependencies.by_default(listed) == [
        ("disk", "ip1", "ip2"),
        ("ip1", "ip2"),
        (),
        (),
        ("web", "disk", "ip1", "ip2"),
    ]


def test_nothing_is_known_of_a_type_that_does_not_exist() -> None:
    assert dependencies.by_default([("a", None), ("b", APP), ("", ADDRESS)]) == [(), (), ()]


def test_everything_comes_after_what_it_depends_on_and_otherwise_as_listed() -> None:
    listed = [resource("web", "ip"), resource("a"), resource("log", "web", "b"), resource("ip"), resource("b")]
    assert [each.name for each in dependencies.in_order(listed)] == ["ip", "web", "a", "b", "log"]


def test_a_list_that_fits_is_not_changed() -> None:
    listed = (resource("a"), resource("b", "a"), resource("c"), resource("d", "a", "c"))
    assert dependencies.in_order(listed) == listed


def test_each_circle_is_found_once_and_at_its_shortest() -> None:
    graph = {"a": ("b",), "b": ("c", "a"), "c": ("a",), "x": ("a",), "y": ("z",), "z": ("y", "nobody"), "w": ()}
    assert dependencies.circles(graph) == [("a", "b", "a"), ("y", "z", "y")]
    assert dependencies.circles({"a": ("a",)}) == [("a", "a")]
    assert dependencies.circles({"a": ("b",), "b": ("c",), "c": ()}) == []


def test_what_lies_between_two_circles_is_in_none() -> None:
    graph = {"between": ("c",), "a": ("b", "between"), "b": ("a",), "c": ("d",), "d": ("c",)}
    assert dependencies.circles(graph) == [("a", "b", "a"), ("c", "d", "c")]


def test_the_longest_way_counts_each_part_once() -> None:
    graph = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c", "nobody"), "alone": ()}
    assert dependencies.longest(graph, {"a": 1, "b": 10, "c": 5, "d": 100, "alone": 50}) == 111
    assert dependencies.longest({}, {}) == 0
    assert dependencies.longest({"a": ("b",), "b": ("a",), "c": ()}, {"a": 1, "b": 1, "c": 1}) is None


def test_a_group_takes_as_long_as_its_longest_branch_with_the_scripts_around_it() -> None:
    scripts = Scripts(before_start="/a", after_start="/b", before_stop="/c", timeout_ms=100)
    parts = (
        resource("a", start_timeout_ms=1_000, stop_timeout_ms=10_000),
        resource("b", "a", start_timeout_ms=7, stop_timeout_ms=70, scripts=scripts),
        resource("c", "a", start_timeout_ms=3, stop_timeout_ms=30),
    )
    group = Group(name="g", nodes=("n",), resources=parts)
    assert dependencies.longest_start_ms(group) == 1_207
    assert dependencies.longest_stop_ms(group) == 10_170
    circle = Group(name="g", nodes=("n",), resources=(resource("a", "b"), resource("b", "a")))
    assert dependencies.longest_start_ms(circle) is dependencies.longest_stop_ms(circle) is None


NAMES = [f"r{number}" for number in range(7)]
GRAPHS = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=4), max_size=7)


@settings(deadline=None)
@given(GRAPHS)
def test_circles_are_ways_and_are_found_whenever_there_is_one(graph: dict[str, list[str]]) -> None:
    circles = dependencies.circles(graph)
    for circle in circles:
        assert circle[0] == circle[-1]
        for one, other in pairwise(circle):
            assert other in graph[one]
    turning = [name for name in graph if name in dependencies.reachable(graph, name)]
    assert bool(turning) == bool(circles)
    # Every name that goes in circles shares its circle with exactly one of those that are told.
    for name in turning:
        behind = dependencies.reachable(graph, name)
        assert sum(1 for each in circles if each[0] in behind and name in dependencies.reachable(graph, each[0])) == 1
    assert (dependencies.longest(graph, dict.fromkeys(graph, 1)) is None) == bool(circles)


@settings(deadline=None)
@given(st.permutations(range(7)), st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6))))
def test_an_order_that_fits_is_always_found(listed: list[int], pairs: set[tuple[int, int]]) -> None:
    # What depends only on smaller numbers never goes in circles.
    needs = {number: sorted(low for low, high in pairs if high == number and low < number) for number in listed}
    parts = [resource(f"r{number}", *(f"r{low}" for low in needs[number])) for number in listed]
    ordered = dependencies.in_order(parts)
    assert sorted(each.name for each in ordered) == sorted(each.name for each in parts)
    seen: list[str] = []
    for each in ordered:
        assert set(each.depends_on) <= set(seen)
        seen.append(each.name)

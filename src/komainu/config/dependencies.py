"""The order of starting: what a resource depends on when the file does not say, and what follows from all of it (C4).

A graph here is a mapping from each name to the names it depends on. Names that are no key of the graph are passed
over: other rules refuse them.
"""

from collections.abc import Iterator, Mapping, Sequence

from komainu.model.config import Group, Resource
from komainu.model.traits import Traits

Graph = Mapping[str, Sequence[str]]


def by_default(listed: Sequence[tuple[str, Traits | None]]) -> list[tuple[str, ...]]:
    """What each resource of a group depends on when the file does not say; `listed`: names with the types' facts.

    A resource waits for all whose type comes earlier. An application waits also for those of the same place that are
    listed before it; others of the same place start in parallel. A type that does not exist waits for nothing.
    """
    return [
        tuple(
            other
            for place, (other, facts) in enumerate(listed)
            if other and traits is not None and facts is not None and _waits(traits, number, facts, place)
        )
        for number, (_, traits) in enumerate(listed)
    ]


def _waits(traits: Traits, number: int, earlier: Traits, place: int) -> bool:
    return earlier.order < traits.order or (traits.listed and earlier.order == traits.order and place < number)


def in_order(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """The same resources, each after all that it depends on, and otherwise as they were. They must form no circle."""
    named = {resource.name: resource for resource in resources}
    listed = {name: place for place, name in enumerate(named)}
    ordered: dict[str, Resource] = {}

    def place(name: str) -> None:
        if name not in ordered:
            for other in sorted(named[name].depends_on, key=listed.__getitem__):
                place(other)
            ordered[name] = named[name]

    for name in named:
        place(name)
    return tuple(ordered.values())


def circles(graph: Graph) -> list[tuple[str, ...]]:
    """One shortest circle through each part of the graph that goes in circles: `a`, `b`, `a` when they need each other.

    Its first and last name are the same: the first of that part in the order of the graph.
    """
    inside = _without_leaves(graph)
    backwards = _without_leaves(_backwards(inside))
    inside = {name: inside[name] for name in inside if name in backwards}
    found: list[tuple[str, ...]] = []
    while inside:
        name = next(iter(inside))
        before = reachable(backwards, name)
        together = {name: None, **{each: None for each in reachable(inside, name) if each in before}}
        if name in before:
            found.append(_shortest_circle(inside, name))
        for each in together:
            del inside[each]
    return found


def _without_leaves(graph: Graph) -> dict[str, list[str]]:
    """The names in a circle and those that depend on one, with what is left of their dependencies."""
    left = dict.fromkeys(graph)
    for name in _leaves_first(graph):
        del left[name]
    return {name: [other for other in graph[name] if other in left] for name in left}


def _backwards(graph: Graph) -> Graph:
    """Who depends on each name."""
    turned: dict[str, list[str]] = {name: [] for name in graph}
    for name, others in graph.items():
        for other in others:
            turned[other].append(name)
    return turned


def _shortest_circle(graph: Graph, start: str) -> tuple[str, ...]:
    """The shortest way from a name back to itself; there must be one."""
    came_from: dict[str, str] = {}
    now = [start]
    while now:
        following: list[str] = []
        for name in now:
            for other in graph[name]:
                if other == start:
                    way = [name]
                    while way[-1] != start:
                        way.append(came_from[way[-1]])
                    return (*reversed(way), start)
                if other in graph and other not in came_from:
                    came_from[other] = name
                    following.append(other)
        now = following
    raise ValueError(f"no way leads from {start} back to it")


def reachable(graph: Graph, start: str) -> dict[str, None]:
    """All that a name depends on, directly or not. It is there itself only when it is in a circle."""
    seen: dict[str, None] = {}
    open_ends = [start]
    while open_ends:
        for name in graph.get(open_ends.pop(), ()):
            if name in graph and name not in seen:
                seen[name] = None
                open_ends.append(name)
    return seen


def longest(graph: Graph, cost: Mapping[str, int]) -> int | None:
    """The most that a way through the graph can cost; None when it goes in circles."""
    known: dict[str, int] = {}
    for name in _leaves_first(graph):
        known[name] = cost[name] + max((known[other] for other in graph[name] if other in graph), default=0)
    return max(known.values(), default=0) if len(known) == len(graph) else None


def _leaves_first(graph: Graph) -> Iterator[str]:
    """Every name after all that it depends on. Names in a circle, and what depends on one, do not come at all."""
    missing = {name: sum(1 for other in dict.fromkeys(others) if other in graph) for name, others in graph.items()}
    waiting: dict[str, list[str]] = {}
    for name, others in graph.items():
        for other in dict.fromkeys(others):
            waiting.setdefault(other, []).append(name)
    free = [name for name, count in missing.items() if count == 0]
    while free:
        name = free.pop()
        yield name
        for other in waiting.get(name, ()):
            missing[other] -= 1
            if missing[other] == 0:
                free.append(other)


def resource_graph(group: Group) -> Graph:
    """The dependencies inside a group."""
    return {resource.name: resource.depends_on for resource in group.resources}


def longest_start_ms(group: Group) -> int | None:
    """The longest that one start of the group may take with no attempt repeated; None when it goes in circles."""
    return longest(resource_graph(group), {each.name: _start_ms(each) for each in group.resources})


def longest_stop_ms(group: Group) -> int | None:
    """The longest that one stop of the group may take with no attempt repeated; None when it goes in circles."""
    return longest(resource_graph(group), {each.name: _stop_ms(each) for each in group.resources})


def _start_ms(resource: Resource) -> int:
    scripts = resource.scripts
    return resource.start_timeout_ms + scripts.timeout_ms * sum(map(bool, (scripts.before_start, scripts.after_start)))


def _stop_ms(resource: Resource) -> int:
    scripts = resource.scripts
    return resource.stop_timeout_ms + scripts.timeout_ms * sum(map(bool, (scripts.before_stop, scripts.after_stop)))

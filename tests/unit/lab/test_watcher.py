"""When two nodes were active at once, and what the watcher says of it."""

from collections.abc import Mapping, Sequence

import pytest

from komainu_lab.watcher import ADDRESS, MS, WRITING, Clash, Effect, Sight, clashes, spans


def at(*times_ms: int) -> list[Effect]:
    return [Effect(ms * MS, ms * MS) for ms in times_ms]


def each_10(first_ms: int, last_ms: int) -> list[Effect]:
    return at(*range(first_ms, last_ms + 1, 10))


def test_a_span_ends_with_a_pause() -> None:
    assert spans([*each_10(0, 100), *each_10(700, 900)]) == [
        Effect(0, 100 * MS),
        Effect(700 * MS, 900 * MS),
    ]


def test_a_short_silence_is_no_pause() -> None:
    assert spans(at(0, 400, 800)) == [Effect(0, 800 * MS)]


def test_a_takeover_is_no_clash() -> None:
    assert clashes({"node1": each_10(0, 100), "node2": each_10(101, 300)}) == []


def test_what_lies_between_two_effects_of_another_node_is_a_clash() -> None:
    [clash] = clashes({"node1": each_10(0, 100), "node2": at(55)})
    assert clash == Clash("node2", "node1", 55 * MS, 55 * MS, 1)
    assert clash.text == "node2 1 times within 0 ms while node1 was active"


def test_both_sides_of_a_clash_are_told() -> None:
    found = clashes({"node1": each_10(0, 100), "node2": each_10(45, 205)})
    assert [(clash.intruder, clash.active, clash.count) for clash in found] == [
        ("node2", "node1", 6),
        ("node1", "node2", 6),
    ]


def test_writing_on_after_a_thaw_is_a_clash_with_who_took_over() -> None:
    found = clashes({"node1": [*each_10(0, 100), *each_10(5_000, 5_020)], "node2": each_10(2_005, 9_005)})
    assert [(clash.intruder, clash.count) for clash in found] == [("node2", 2), ("node1", 3)]


def test_nobody_is_active_in_a_pause() -> None:
    assert clashes({"node1": [*each_10(0, 100), *each_10(2_000, 2_100)], "node2": each_10(700, 1_300)}) == []


@pytest.mark.parametrize("effect", [Effect(-5 * MS, 50 * MS), Effect(50 * MS, 105 * MS)])
def test_only_what_surely_lies_between_counts(effect: Effect) -> None:
    assert clashes({"node1": each_10(0, 100), "node2": [effect]}) == []


def test_a_sight_in_words() -> None:
    effects: Mapping[str, Mapping[str, Sequence[Effect]]] = {ADDRESS: {"node1": at(1)}, WRITING: {}}
    sight = Sight(effects, 12.4, ("node1",), {ADDRESS: [Clash("node2", "node1", 0, 30 * MS, 4)]})
    assert sight.count(ADDRESS, "node1") == 1
    assert sight.count(WRITING, "node2") == 0
    assert sight.lines() == [
        "longest time without service: 12 ms; answered by node1",
        "address: node1 1",
        "  TWO AT ONCE: node2 4 times within 30 ms while node1 was active",
        "writes: nothing",
    ]
    assert Sight({}, None, ()).lines() == ["longest time without service: no answer at the end; answered by nobody"]
